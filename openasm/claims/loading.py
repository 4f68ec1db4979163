"""Loading: a delivery in any format to a CLAIMS folder, written whole or not at all."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import narwhals as nw

from openasm import __version__
from openasm.base.errors import NotFound, WrongUsage
from openasm.base.problems import Problems, Severity, declare
from openasm.claims.coded import CODED_TABLES
from openasm.claims.contract import CLAIMS_TABLES, COST_BASES
from openasm.claims.covered import Days, covered_months, last_of_month, lines_by_month, note_lines_outside
from openasm.claims.folder import MANIFEST
from openasm.claims.sources.delivery import Delivery
from openasm.tables.duckdb_engine import DuckDbEngine
from openasm.tables.engine import Engine, Frame, default_memory_bytes, default_threads, open_engine, remove_folder
from openasm.tables.whole_file import whole_folder

FORMATS = ("cclf", "eob", "tables", "tuva")

NO_LINES = declare(
    "C004",
    "no claim line is left after loading",
    expected="at least one claim line that stands",
    next_step="The counts say why records were dropped: wrong files, or a delivery without claims that stand.",
)
WITHOUT_ENROLLMENT = declare(
    "C005",
    "people have claims but no month of enrollment",
    expected="enrollment for every person with claims",
    next_step="Load the enrollment too (CCLF8, Coverage resources, the enrollment table): their episodes are excluded without it.",
    severity=Severity.WARNING,
)
WITHOUT_PERSON = declare(
    "C006",
    "people have claims but no row in beneficiaries",
    expected="a row in beneficiaries for every person with claims",
    next_step="Load the people too (CCLF8, Patient resources, the beneficiaries table): without a birth date episodes are excluded.",
    severity=Severity.WARNING,
)
FOLDER_NOT_OURS = declare(
    "C007",
    "the folder to write to holds something else",
    expected="a new folder, or one that `openasm claims load` made before",
    next_step="Choose another folder.",
)


def load_claims(
    source_format: str,
    sources: Sequence[Path],
    out: Path,
    *,
    memory_bytes: int | None = None,
    threads: int | None = None,
    data_start: dt.date | None = None,
    data_end: dt.date | None = None,
    cclf_version: str = "v38",
    replace: bool = False,
) -> dict[str, Any]:
    """Load claims of a format (`cclf`, `eob`, `tables`, `tuva`) into the folder `out`; returns what `claims.json` says.

    data_start, data_end: first and last day the claims cover, when the files cannot tell (default: the first and the last day of
    the months that the lines cover, see `covered.covered_months`; not after the day a CCLF delivery was made); replace: a CLAIMS
    folder already at `out` may be replaced. Raises NotFound for sources that are not there, WrongUsage for a CLAIMS folder that
    may not be replaced or days the wrong way round, InputRefused with every problem that stops; nothing is written then.
    """
    if data_start is not None and data_end is not None and data_start > data_end:
        raise WrongUsage(f"The first day covered, {data_start}, lies after the last, {data_end}.")
    if source_format not in FORMATS:
        raise WrongUsage(f"There is no claims format {source_format!r}; choose one of {', '.join(FORMATS)}.")
    if not sources:
        raise WrongUsage("Give at least one file or folder of claims.")
    absent = [source.name for source in sources if not source.exists()]
    if absent:
        raise NotFound(f"There is no file or folder {', '.join(absent)}.")
    _check_target(out, replace=replace)
    stated = Days(data_start, data_end)
    engine = open_engine("duckdb", memory_bytes=memory_bytes, threads=threads)
    assert isinstance(engine, DuckDbEngine)
    with engine:
        work = engine.work_folder()
        try:
            delivery = _deliver(
                source_format,
                sources,
                engine,
                work,
                threads=threads or default_threads(),
                memory_bytes=memory_bytes or default_memory_bytes(),
                cclf_version=cclf_version,
                stated=stated,
            )
            return write_claims(delivery, engine, out, source_format=source_format, stated=stated, replace=replace)
        finally:
            remove_folder(work)


def _deliver(
    source_format: str,
    sources: Sequence[Path],
    engine: DuckDbEngine,
    work: Path,
    *,
    threads: int,
    memory_bytes: int,
    cclf_version: str,
    stated: Days,
) -> Delivery:
    if source_format == "cclf":
        from openasm.claims.sources.cclf.load import load_cclf

        return load_cclf(
            engine, sources, work, threads=threads, memory_bytes=memory_bytes, version=cclf_version, stated=stated
        )
    if source_format == "eob":
        from openasm.claims.sources.eob.load import load_eob

        return load_eob(engine, sources, jobs=threads, stated=stated)
    if source_format == "tuva":
        from openasm.claims.sources.tuva import load_tuva

        return load_tuva(engine, sources, stated=stated)
    from openasm.claims.sources.plain import load_plain

    return load_plain(engine, sources)


def write_claims(
    delivery: Delivery,
    engine: Engine,
    out: Path,
    *,
    source_format: str,
    stated: Days | None = None,
    replace: bool = False,
) -> dict[str, Any]:
    """Write a delivery as a CLAIMS folder (files readable by their owner alone); returns its manifest.

    stated: days covered that the user gave, which go before what the lines tell; replace: as in `load_claims`.

    Rows are ordered by the table's key, so that the same records give the same bytes in whatever order they came.
    """
    _check_target(out, replace=replace)
    problems = Problems()
    problems.extend(delivery.problems)
    with whole_folder(out) as folder:
        rows = _write_tables(delivery, engine, folder)
        written = {name: engine.read_parquet(folder / f"{name}.parquet") for name in CLAIMS_TABLES}
        if rows["claim_lines"] == 0:
            problems.add(NO_LINES, "claim_lines", found=_dropped(delivery))
        if delivery.coded is not None:
            people = engine.from_rows({"beneficiary": delivery.coded.people}, {"beneficiary": nw.String()})
        else:
            people = engine.held(written["claim_lines"].select("beneficiary").unique())
        _check_people(people, written, engine, problems)
        problems.refuse_errors()
        covered = _covered(delivery, written["claim_lines"], engine, stated or Days(), problems)
        manifest = _manifest(delivery, written, rows, problems, engine, source_format, covered)
        target = folder / MANIFEST
        target.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        os.chmod(target, 0o600)
    return manifest


def _write_tables(delivery: Delivery, engine: Engine, folder: Path) -> dict[str, int]:
    """Write the four tables, those held as codes beside the others; returns their rows."""
    rows: dict[str, int] = {}
    with ThreadPoolExecutor(max_workers=1) as beside:
        coded = beside.submit(delivery.coded.write, folder) if delivery.coded is not None else None
        for name, contract in CLAIMS_TABLES.items():
            if coded is None or name not in CODED_TABLES:
                frame = delivery.tables[name]
                shaped = frame.select(*(nw.col(column.name).cast(column.dtype) for column in contract.columns))
                rows[name] = engine.sink_parquet(shaped, folder / f"{name}.parquet", order_by=contract.key)
        if coded is not None:
            rows |= coded.result()
    return {name: rows[name] for name in CLAIMS_TABLES}


def _check_target(out: Path, *, replace: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / MANIFEST).is_file():
        problems = Problems()
        problems.add(FOLDER_NOT_OURS, out.name)
        problems.refuse_errors()
    if not replace:
        raise WrongUsage(
            f"The folder {out.name} already holds claims; give another name with --out, or --replace to replace them."
        )


def _dropped(delivery: Delivery) -> str:
    """What came in and was dropped, in words: with no line left nothing is written that could say it."""
    reasons = [
        f"{count:,} {reason} ({account.source})"
        for account in delivery.accounts
        for reason, count in account.dropped.items()
    ]
    return "; ".join(reasons) or f"{sum(account.records for account in delivery.accounts):,} records"


def _check_people(people: Frame, written: dict[str, Frame], engine: Engine, problems: Problems) -> None:
    for kind, table in ((WITHOUT_ENROLLMENT, "enrollment"), (WITHOUT_PERSON, "beneficiaries")):
        known = written[table].select("beneficiary").unique()
        missing = engine.to_arrow(people.join(known, on="beneficiary", how="anti").select(nw.len().alias("people")))
        count = int(missing.to_pylist()[0]["people"])
        if count:
            problems.add(kind, table, found=f"{count:,} {'person' if count == 1 else 'people'}", count=count)


def _covered(
    delivery: Delivery, claim_lines: Frame, engine: Engine, stated: Days, problems: Problems
) -> tuple[dt.date, dt.date]:
    """First and last day covered; lines beyond both what is stated and what the lines tell are noted."""
    lines = lines_by_month(claim_lines, engine)
    first, last = covered_months(lines)
    end = min(last_of_month(last), delivery.latest or dt.date.max)
    note_lines_outside(
        lines, min(first, stated.first or first), max(last_of_month(last), stated.last or last), problems
    )
    covered = stated.first or first, stated.last or end
    if covered[0] > covered[1]:
        raise WrongUsage(f"The claims cover {first} to {end}; the day stated leaves nothing of that.")
    return covered


def _manifest(
    delivery: Delivery,
    written: dict[str, Frame],
    rows: dict[str, int],
    problems: Problems,
    engine: Engine,
    source_format: str,
    covered: tuple[dt.date, dt.date],
) -> dict[str, Any]:
    """Nothing in it depends on when or where the load ran, so that equal inputs give an equal folder."""
    lines = written["claim_lines"]
    bases = engine.to_arrow(
        lines.group_by("cost_basis", "setting")
        .agg(nw.len().alias("lines"), nw.col("cost_cents").sum().alias("cents"))
        .sort("setting", "cost_basis")
    ).to_pylist()
    cents = {basis: sum(int(row["cents"]) for row in bases if row["cost_basis"] == basis) for basis in COST_BASES}
    whole = sum(cents.values())
    return {
        "kind": "openasm-claims",
        "program_version": __version__,
        "source_format": source_format,
        "inputs": [each.as_record() for each in delivery.inputs()],
        "data_start": covered[0].isoformat(),
        "data_end": covered[1].isoformat(),
        "tables": rows,
        "records": [account.as_record() for account in delivery.accounts],
        "cost_basis": {
            basis: {
                "lines": sum(int(row["lines"]) for row in bases if row["cost_basis"] == basis),
                "cents": cents[basis],
                "share_of_cost": round(cents[basis] / whole, 6) if whole else 0.0,
                "settings": sorted({row["setting"] for row in bases if row["cost_basis"] == basis}),
            }
            for basis in COST_BASES
            if any(row["cost_basis"] == basis for row in bases)
        },
        "notes": list(delivery.notes),
        "problems": [problem.as_record() for problem in problems],
    }
