"""The cost measure's chain over claim lines: every stage beside one reading and grouping of the same columns.

The size comes from the environment: OPENASM_BENCH_BENEFICIARIES (default 55,000 people, about ten million lines in three years;
550,000 for the whole model) and OPENASM_BENCH_MEMORY_GB (default 8, what the engine may use). A second, ten times smaller region
shows the growth. OPENASM_BENCH_FOLDER keeps the synthetic regions for the next time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import narwhals as nw

from benchmarks.measure import Row, Took, measured
from benchmarks.regions import LAST_YEAR, claim_lines, region
from openasm.base.problems import Problems
from openasm.claims.folder import Claims, open_claims
from openasm.episodes.chain import Chain, run_steps
from openasm.episodes.frames import claim_frames
from openasm.episodes.outcome import outcome
from openasm.episodes.outputs import write_outcome
from openasm.episodes.specifications.construction import construction_for, demonstration_workbook
from openasm.episodes.specifications.lists import load_codes_list
from openasm.tables.engine import Engine, open_engine

COHORT = "heart_failure"
GROWTH_LIMIT = 11
MEMORY_LIMIT_MB = 10 * 1024
WHAT_BOUNDS: dict[str, str] = {
    "qualifying": "bound by decoding claim ids and diagnosis codes of every claim",
    "lines": "bound by decoding and writing the text columns of every line once",
    "diagnoses": "bound by decoding the claim ids of every diagnosis",
    "claims": "bound by grouping the patients' lines by claim id",
    "services": "bound by joining the patients' lines with the rules and their diagnoses",
}


class _Clock:
    """Wall-clock and processor time of each stage, from the chain's own progress."""

    def __init__(self) -> None:
        self.took: dict[str, Took] = {}
        self._stage, self._wall, self._cpu = "", 0.0, 0.0

    def begins(self, stage: str) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        if self._stage:
            self.took[self._stage] = Took(wall - self._wall, cpu - self._cpu, None)
        self._stage, self._wall, self._cpu = stage, wall, cpu


def run() -> list[Row]:
    """Stages of the chain, the whole chain and its growth from a tenth of the size."""
    size = int(os.environ.get("OPENASM_BENCH_BENEFICIARIES", "55000"))
    kept = os.environ.get("OPENASM_BENCH_FOLDER")
    with tempfile.TemporaryDirectory(prefix="openasm-bench-") as temporary:
        folder = Path(kept) if kept else Path(temporary)
        small, _, _, small_lines = _chain(region(folder, size // 10) / "tables", Path(temporary) / "small")
        whole, reference, stages, lines = _chain(region(folder, size) / "tables", Path(temporary) / "large")
    beside = "DuckDB reads and groups the same columns once"
    rows = [
        Row(
            name=f"stage {stage}",
            what=f"{lines:,} lines",
            took=took,
            reference=beside,
            reference_took=reference,
            note=WHAT_BOUNDS.get(stage, ""),
        )
        for stage, took in stages.items()
    ]
    rows.append(
        Row(
            name="whole chain",
            what=f"{lines:,} lines of {size:,} people",
            took=whole,
            reference=beside,
            reference_took=reference,
            limit_mb=MEMORY_LIMIT_MB,
            note="every claim is read once by the qualifying stage and once more to find the patients' lines",
        )
    )
    rows.append(
        Row(
            name="growth",
            what=f"from {small_lines:,} to {lines:,} lines",
            took=whole,
            reference="the chain on the smaller region",
            reference_took=small,
            limit_seconds=small.seconds * GROWTH_LIMIT * lines / small_lines / 10,
            note=f"promise: at most {GROWTH_LIMIT} times the time for ten times the lines",
        )
    )
    return rows


def _chain(claims_folder: Path, work: Path) -> tuple[Took, Took, dict[str, Took], int]:
    """Whole chain, reference, stages and lines of one region."""
    construction = construction_for(COHORT, LAST_YEAR)
    codes = load_codes_list(demonstration_workbook(COHORT), construction, Problems())
    clock = _Clock()
    memory = int(float(os.environ.get("OPENASM_BENCH_MEMORY_GB", "8")) * 1024**3)
    work.mkdir(parents=True)
    with open_engine(memory_bytes=memory, spill_folder=work) as engine:
        claims = open_claims(claims_folder, engine)
        reference = measured(lambda: _read_and_group(claims, engine), repeat=1)

        def work_through() -> None:
            chain = Chain(engine, work / "stages", clock.begins)
            run_steps(chain, claim_frames(claims), codes, construction, year=LAST_YEAR)
            clock.begins("model and scores")
            result = outcome(chain, codes, construction)
            clock.begins("writing")
            write_outcome(result, work / "out", chain=chain, codes=codes)
            clock.begins("")

        whole = measured(work_through, repeat=1)
    lines = claim_lines(claims_folder)
    shutil.rmtree(work)
    return whole, reference, clock.took, lines


def _read_and_group(claims: Claims, engine: Engine) -> None:
    """What any program over these claims must do at least: read the columns the chain reads and group them."""
    frames = claim_frames(claims)
    for frame, key in (
        (frames.lines, "setting"),
        (frames.diagnoses, "position"),
        (frames.enrollment, "month"),
        (frames.people, "county_fips"),
    ):
        others = [name for name in frame.collect_schema().names() if name != key]
        engine.to_arrow(frame.group_by(key).agg(*(nw.col(name).max() for name in others)))
