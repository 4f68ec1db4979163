"""`openasm episodes`: from claims to a cohort's episodes and cost measure scores, as a run folder; resumable by stages."""

from __future__ import annotations

import datetime as dt
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from openasm import __version__
from openasm.archive.folder import check_target, new_run
from openasm.archive.manifest import Provenance, file_hash, write_manifest
from openasm.archive.tables import write_csv
from openasm.base.errors import NotFound, WrongUsage
from openasm.base.identity import stable_hash
from openasm.base.problems import Problem, Problems
from openasm.base.years import FIRST_PERFORMANCE_YEAR
from openasm.claims.contract import CLAIMS_TABLES
from openasm.claims.folder import Claims, open_claims, table_path
from openasm.episodes.chain import Chain, run_steps
from openasm.episodes.coverage import note_what_is_missing, note_what_results_rest_on
from openasm.episodes.frames import claim_frames
from openasm.episodes.outcome import Outcome, outcome
from openasm.episodes.outputs import write_outcome
from openasm.episodes.regression import Basis
from openasm.episodes.seen import Seen, seen_in
from openasm.episodes.specifications.construction import Construction, construction_for
from openasm.episodes.specifications.lists import CodesList, load_codes_list
from openasm.regulation.cost import points_of, published_benchmark
from openasm.regulation.ratios import Ratios
from openasm.regulation.rulebook import rules_for
from openasm.runs.chain.stage_rooms import EPISODE_ROOMS
from openasm.runs.program_text import library_versions, program_hash
from openasm.tables.engine import open_engine

MIPS_CASE_MINIMUM = 20
FIRST_CLAIMS_YEAR, LAST_CLAIMS_YEAR = 2000, 2099  # claims in the forms read here exist for no earlier year
MIPS_YEARS = ("mips-2024", "mips-2025")


@dataclass(frozen=True, slots=True)
class EpisodesSummary:
    """A finished run. reasons: episodes by why they are not counted (`counted` when they are); scored: at 20 episodes or more."""

    out: Path
    cohort: str
    year: int
    reasons: dict[str, int]
    tins: int
    clinicians: int
    scored_clinicians: int
    national_mean: float | None
    mean_is_supplied: bool
    models: tuple[tuple[str, str, int], ...]
    demonstration: bool
    problems: tuple[Problem, ...]


def run_episodes(
    claims_folder: Path,
    out: Path,
    *,
    cohort: str,
    codes_file: Path,
    year: int,
    now: Callable[[], dt.datetime],
    overlays: Sequence[Path] = (),
    engine_name: str = "duckdb",
    memory_bytes: int | None = None,
    threads: int | None = None,
    spill_folder: Path | None = None,
    replace: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> EpisodesSummary:
    """Compute a cohort's episodes that end in `year` and their scores, and write a run folder.

    now: the clock; progress: told each stage's name as it begins. A run that was interrupted goes on where it stopped when
    started again with the same claims, codes list and parameters. Raises InputRefused with everything wrong in the claims, the
    codes list or the overlays; then nothing is written.
    """
    if not FIRST_CLAIMS_YEAR <= year <= LAST_CLAIMS_YEAR:
        raise WrongUsage(f"--year is a calendar year from {FIRST_CLAIMS_YEAR} to {LAST_CLAIMS_YEAR}, as in 2027.")
    started = now()
    problems = Problems()
    check_target(out, replace=replace)
    construction = construction_for(cohort, year, overlays=overlays)
    codes = load_codes_list(codes_file, construction, problems)
    inputs = _inputs(claims_folder, codes_file)
    stages = _stages_folder(out, _fingerprint(construction, year, inputs))
    with open_engine(engine_name, memory_bytes=memory_bytes, threads=threads, spill_folder=spill_folder) as engine:
        claims = open_claims(claims_folder, engine)
        stages.mkdir(mode=0o700, parents=True, exist_ok=True)
        chain = Chain(engine, stages, progress)
        run_steps(chain, claim_frames(claims), codes, construction, year=year)
        progress("scores")
        result = outcome(chain, codes, construction)
        seen = seen_in(claims, chain, codes, construction)
        note_what_is_missing(seen, claims, codes, construction, year=year, file=claims_folder.name, problems=problems)
        note_what_results_rest_on(result, file=claims_folder.name, problems=problems)
        with new_run(out, replace=replace) as folder:
            write_outcome(result, folder, chain=chain, codes=codes)
            _write_mips(result, folder)
            write_manifest(
                folder,
                provenance=Provenance(
                    version=__version__,
                    command="episodes",
                    name=out.name,
                    year=year,
                    inputs=inputs,
                    overlays=[{"name": path.name, "sha256": file_hash(path)} for path in overlays],
                    settings=_settings(construction, codes, claims, engine_name),
                    started=started,
                    ended=now(),
                ),
                parameters=construction.parameters,
                counts=_counts(result, seen),
                problems=problems,
                notes=_notes(result, codes),
            )
    shutil.rmtree(stages, ignore_errors=True)
    clinicians = [each for each in result.scores if each.npi]
    return EpisodesSummary(
        out=out,
        cohort=cohort,
        year=year,
        reasons=_reasons(result),
        tins=len(result.scores) - len(clinicians),
        clinicians=len(clinicians),
        scored_clinicians=sum(each.episodes >= MIPS_CASE_MINIMUM for each in clinicians),
        national_mean=result.national_mean,
        mean_is_supplied=construction.national_mean_dollars is not None,
        models=tuple((model.name, model.basis.value, model.episodes) for model in result.expected.models),
        demonstration=codes.is_demonstration,
        problems=tuple(problems),
    )


def _write_mips(result: Outcome, folder: Path) -> None:
    """scores/mips.csv: what MIPS 2024 and 2025 would give such scores. Not ASM's benchmark; from 20 episodes on."""
    rules = rules_for(FIRST_PERFORMANCE_YEAR)
    enough = [each for each in result.scores if each.episodes >= MIPS_CASE_MINIMUM]
    scores = Ratios.of_fractions([Fraction(each.dollars) for each in enough])
    columns: dict[str, list[str | int | float | bool | None]] = {
        "tin": [each.tin for each in enough],
        "npi": [each.npi for each in enough],
        "measure": [result.construction.measure_id] * len(enough),
        "episodes": [each.episodes for each in enough],
        "score": [each.dollars for each in enough],
    }
    for source in MIPS_YEARS:
        try:
            benchmark = published_benchmark(result.construction.measure_id, source, rules)
        except NotFound:
            continue
        points = points_of(scores, benchmark, rules)
        columns[f"{source.replace('-', '_')}_points"] = [None if np.isnan(each) else float(each) for each in points]
    write_csv(folder / "scores" / "mips.csv", columns)


def _inputs(claims_folder: Path, codes_file: Path) -> list[dict[str, object]]:
    """Name, size and hash of everything that was read; resuming compares them."""
    records: list[dict[str, object]] = []
    for name in CLAIMS_TABLES:
        path = table_path(claims_folder, name) if claims_folder.is_dir() else None
        records += [_file_record(name, file) for file in _parquet_files(path)]
    manifest = claims_folder / "claims.json"
    if manifest.is_file():
        records.append(_file_record("claims", manifest))
    if codes_file.is_file():
        records.append(_file_record("codes", codes_file))
    return records


def _file_record(table: str, path: Path) -> dict[str, object]:
    return {"table": table, "name": path.name, "bytes": path.stat().st_size, "sha256": file_hash(path)}


def _parquet_files(path: Path | None) -> Iterable[Path]:
    if path is None:
        return ()
    return sorted(path.glob("*.parquet")) if path.is_dir() else (path,)


def _fingerprint(construction: Construction, year: int, inputs: Sequence[dict[str, object]]) -> str:
    """Equal for runs whose stages are interchangeable: same program, libraries, claims, codes list, parameters and year."""
    program = (__version__, program_hash(EPISODE_ROOMS), repr(library_versions()))
    values = [repr(each.as_record()) for each in construction.parameters]
    return stable_hash(*program, construction.cohort, str(year), *values, *map(repr, inputs))


def _stages_folder(out: Path, fingerprint: str) -> Path:
    """Where the stages stand, beside the run; those of other inputs for the same run are removed."""
    out = out.absolute()
    wanted = out.parent / f".{out.name}.stages-{fingerprint}"
    if out.parent.is_dir():
        for other in out.parent.iterdir():
            if other.name.startswith(f".{out.name}.stages-") and other != wanted:
                shutil.rmtree(other, ignore_errors=True)
    return wanted


def _settings(construction: Construction, codes: CodesList, claims: Claims, engine_name: str) -> dict[str, object]:
    return {
        "cohort": construction.cohort,
        "measure": construction.measure_id,
        "codes_list": {
            "name": codes.file,
            "demonstration": codes.is_demonstration,
            "row_counts_of_mips_years": list(codes.known_years),
        },
        "engine": engine_name,
        "claims_from": claims.data_start.isoformat(),
        "claims_to": claims.data_end.isoformat(),
    }


def _reasons(result: Outcome) -> dict[str, int]:
    counted = Counter(reason or "counted" for reason in result.reason)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _counts(result: Outcome, seen: Seen) -> dict[str, object]:
    return {
        "episodes": len(result.reason),
        "episodes_by_reason": _reasons(result),
        "national_mean_dollars": result.national_mean,
        "national_mean_supplied": result.construction.national_mean_dollars is not None,
        "models": [
            {
                "model": model.name,
                "basis": model.basis.value,
                "episodes": model.episodes,
                "outliers": model.outliers,
                "variables": len(model.coefficients),
                "winsorized_at_dollars": model.winsorized_at,
                "floor_dollars": model.floor,
                "residual_bounds_dollars": model.residual_bounds,
                "scale": model.scale,
            }
            for model in result.expected.models
        ],
        **seen.counts(),
    }


def _notes(result: Outcome, codes: CodesList) -> list[str]:
    notes = ["The specialty adjustment of the measure is not applied: its formula has not been published to us."]
    if codes.is_demonstration:
        notes.append("DEMONSTRATION codes list: the results mean nothing about anyone's care.")
    if result.construction.national_mean_dollars is None:
        notes.append("Scores are scaled by the mean of these data, not by a national mean.")
    for basis in Basis:
        names = [model.name for model in result.expected.models if model.basis is basis]
        if names and basis is not Basis.REGRESSION:
            subject = f"Model {names[0]}" if len(names) == 1 else f"{len(names)} models ({'; '.join(names)})"
            notes.append(
                f"{subject}: expected costs are {basis.value.replace('_', ' ')}, not a regression of these data."
            )
    notes.append("scores/mips.csv holds MIPS points by CMS's published cut points; ASM's benchmark is another.")
    return notes
