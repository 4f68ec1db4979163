"""Writing a region: block by block, in as many processes as asked, to one folder that appears when it is whole."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from openasm import __version__
from openasm.base.errors import WrongUsage
from openasm.claims.folder import MANIFEST
from openasm.claims.synthetic.block import Block, Ground, make_block, make_ground
from openasm.claims.synthetic.codelists import COHORTS
from openasm.claims.synthetic.columns import beneficiaries, claim_diagnoses, claim_lines, enrollment, truth_tables
from openasm.claims.synthetic.practices import EDGE_COUNTS
from openasm.claims.synthetic.roster import write_clinicians, write_participants
from openasm.claims.synthetic.settings import Region

FORMATS = ("tables", "cclf", "eob")
"""What a region can be written as; the truth and the clinicians are always written."""

ONE_FILE = 8
"""Regions of at most so many blocks are written as one Parquet file a table, larger ones as a folder of them."""

ROW_GROUP = 262_144
TABLES = ("claim_lines", "claim_diagnoses", "enrollment", "beneficiaries")
TRUTH = ("episodes", "attribution", "episode_costs")

Progress = Callable[[int, int], None]
Writer = Callable[[Ground, Path], dict[str, int]]
"""Writes one more format of a region to a folder; returns rows by name."""


def write_region(
    region: Region,
    folder: Path,
    *,
    formats: Sequence[str] = ("tables",),
    processes: int = 1,
    progress: Progress | None = None,
    also: Mapping[str, Writer] | None = None,
) -> dict[str, Any]:
    """Make a region and write it; returns the manifest.

    folder: must not exist or be empty; it appears when it is whole. processes: blocks made side by side; the bytes do not
    depend on it. progress: called with blocks done and blocks in all. also: further formats by name, each written by its function
    to a folder of its name. Raises WrongUsage for an unknown format, a folder with
    something in it, or fewer than one process.

    ```
    folder/manifest.json      seed, sizes, knobs, code lists, counts
    folder/clinicians.csv     TIN, NPI, specialty, ZIP, cohort
    folder/participants.csv   the participants as CMS's list has them
    folder/truth/             episodes, attribution, episode_costs (Parquet)
    folder/tables/            the claims folder of interfaces: claim_lines, claim_diagnoses, enrollment, beneficiaries
    folder/cclf/              CCLF0-9, A and B as one delivery
    folder/eob/               Patient, Coverage and ExplanationOfBenefit NDJSON (v2)
    ```
    """
    known = (*FORMATS, *(also or {}))
    unknown = sorted(set(formats) - set(known))
    if unknown:
        raise WrongUsage(f"Unknown format {', '.join(unknown)}; known are {', '.join(known)}.")
    if processes < 1:
        raise WrongUsage("The number of processes must be one or more.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongUsage(f"{folder.name} exists and is not empty; choose another folder.")
    with _appears_whole(folder) as temporary:
        ground = make_ground(region)
        counts = _write_blocks(ground, temporary, tuple(formats), processes, progress)
        for kind, names in (("truth", TRUTH), ("tables", TABLES)):
            if kind == "truth" or "tables" in formats:
                _join_parts(temporary / kind, names, region.blocks)
        _join_text(temporary, formats, region)
        write_clinicians(ground.practices, temporary / "clinicians.csv")
        write_participants(ground.practices, temporary / "participants.csv")
        for name, write in (also or {}).items():
            if name in formats:
                (temporary / name).mkdir()
                counts |= write(ground, temporary / name)
        manifest = _manifest(ground, formats, counts)
        _write_json(temporary / "manifest.json", manifest)
        if "tables" in formats:
            _write_json(temporary / "tables" / MANIFEST, _claims_manifest(region, counts))
    return manifest


@contextmanager
def _appears_whole(folder: Path) -> Iterator[Path]:
    """A temporary folder beside the target that takes its name at the end, or vanishes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    try:
        yield temporary
        if folder.exists():
            folder.rmdir()
        temporary.chmod(0o755)
        os.replace(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write_blocks(
    ground: Ground, folder: Path, formats: tuple[str, ...], processes: int, progress: Progress | None
) -> dict[str, int]:
    """Write every block; the ground is made once a process."""
    region, counts = ground.region, dict[str, int]()
    tasks = [(number, folder, formats) for number in range(region.blocks)]
    if processes == 1 or region.blocks == 1:
        results = (_write_block(ground, *task) for task in tasks)
        return _collect(results, counts, region.blocks, progress)
    context = multiprocessing.get_context("spawn")
    workers = min(processes, region.blocks)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare, initargs=(region,)) as pool:
        return _collect(pool.map(_write_prepared, tasks), counts, region.blocks, progress)


_PREPARED: list[Ground] = []
"""The ground of a worker process."""


def _prepare(region: Region) -> None:
    _PREPARED[:] = [make_ground(region)]


def _write_prepared(task: tuple[int, Path, tuple[str, ...]]) -> dict[str, int]:
    return _write_block(_PREPARED[0], *task)


def _collect(
    results: Iterator[dict[str, int]], counts: dict[str, int], blocks: int, progress: Progress | None
) -> dict[str, int]:
    for done, result in enumerate(results, start=1):
        for name, count in result.items():
            counts[name] = counts.get(name, 0) + count
        if progress is not None:
            progress(done, blocks)
    return counts


def _write_block(ground: Ground, number: int, folder: Path, formats: tuple[str, ...]) -> dict[str, int]:
    """Make one block and write its parts; returns rows by table."""
    block = make_block(ground, number)
    counts: dict[str, int] = {}
    for name, table in truth_tables(ground, block).items():
        counts[f"truth/{name}"] = _write_part(table, folder / "truth" / name, number)
    if "tables" in formats:
        for name, table in _claims_tables(ground, block):
            counts[f"tables/{name}"] = _write_part(table, folder / "tables" / name, number)
    if "cclf" in formats:
        from openasm.claims.synthetic.cclf import write_block as write_cclf

        counts.update(write_cclf(ground, block, folder / "cclf"))
    if "eob" in formats:
        from openasm.claims.synthetic.eob import write_block as write_eob

        counts.update(write_eob(ground, block, folder / "eob"))
    return counts


def _claims_tables(ground: Ground, block: Block) -> Iterator[tuple[str, Any]]:
    yield "claim_lines", claim_lines(ground, block)
    yield "claim_diagnoses", claim_diagnoses(ground, block)
    yield "enrollment", enrollment(ground.region, block.people)
    yield "beneficiaries", beneficiaries(block.people)


def _write_part(table: Any, folder: Path, number: int) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    _write_parquet(table, folder / f"part-{number:05d}.parquet")
    return int(table.num_rows)


def _write_parquet(table: Any, path: Path) -> None:
    # Without the Arrow schema a dictionary column reads back as the plain text it is.
    pq.write_table(table, path, compression="zstd", compression_level=1, row_group_size=ROW_GROUP, store_schema=False)
    path.chmod(0o600)


def _join_parts(folder: Path, names: Sequence[str], blocks: int) -> None:
    """Small regions: the parts of a table become one file."""
    if blocks > ONE_FILE:
        return
    for name in names:
        parts = [pq.read_table(path) for path in sorted((folder / name).glob("part-*.parquet"))]
        _write_parquet(pa.concat_tables(parts), folder / f"{name}.parquet")
        shutil.rmtree(folder / name)


def _join_text(folder: Path, formats: Sequence[str], region: Region) -> None:
    """The text parts of the blocks become the files of one delivery."""
    if "cclf" in formats:
        from openasm.claims.synthetic.cclf import finish as finish_cclf

        finish_cclf(folder / "cclf", region)
    if "eob" in formats:
        from openasm.claims.synthetic.eob import finish as finish_eob

        finish_eob(folder / "eob")


def _stories(ground: Ground) -> dict[str, Any]:
    """What a demonstration can tell: who stands where."""
    practices, tins, npis = ground.practices, ground.practices.tin_texts(), ground.practices.npi_texts()
    planned = {script.edge_pair for script in ground.planned}
    return {
        "case_minimum": [
            {
                "cohort": cohort,
                "tin": tins[practices.pair_tin[pair]],
                "npi": npis[practices.pair_npi[pair]],
                "episodes": n,
            }
            for cohort, pairs in zip(COHORTS, practices.edge_pairs, strict=True)
            for pair, n in zip(pairs.tolist(), EDGE_COUNTS, strict=True)
            if pair in planned
        ],
        "costly_practice": tins[practices.costly_tin],
        "practice_that_stops_naming_clinicians": tins[practices.faulty_tin],
    }


def _manifest(ground: Ground, formats: Sequence[str], counts: dict[str, int]) -> dict[str, Any]:
    region = ground.region
    return {
        "program": f"openasm {__version__}",
        "synthetic": True,
        "seed": region.seed,
        "participants": region.participants,
        "beneficiaries": region.beneficiaries,
        "first_year": region.first_year,
        "last_year": region.last_year,
        "data_start": f"{region.first_year}-01-01",
        "data_end": f"{region.last_year}-12-31",
        "formats": sorted(formats),
        "code_lists": {"source": region.lists.source, "fingerprint": region.lists.fingerprint()},
        "realism": asdict(region.realism),
        "stories": _stories(ground),
        "counts": dict(sorted(counts.items())),
    }


def _claims_manifest(region: Region, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "program": f"openasm {__version__}",
        "source_format": "synthetic",
        "synthetic": True,
        "data_start": f"{region.first_year}-01-01",
        "data_end": f"{region.last_year}-12-31",
        "cost_bases": ["allowed"],
        "counts": {name: counts[f"tables/{name}"] for name in TABLES},
        "inputs": [],
        "problems": [],
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
