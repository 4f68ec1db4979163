"""The cost measure's chain on Spark beside the same chain on DuckDB: what the second engine costs where the first one suffices.

Spark runs in local mode with as many threads as DuckDB; its start is not counted, the warming up of its Java side is. Processor
seconds are those of this process and of Java. The size comes from the environment: OPENASM_BENCH_SPARK_BENEFICIARIES (default 55,000
people, about ten million lines in three years). OPENASM_BENCH_FOLDER keeps the synthetic region for the next time.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Row, Took
from benchmarks.regions import LAST_YEAR, claim_lines, region
from openasm.base.problems import Problems
from openasm.claims.folder import open_claims
from openasm.episodes.chain import STAGES, Chain, run_steps
from openasm.episodes.frames import claim_frames
from openasm.episodes.outcome import outcome
from openasm.episodes.outputs import write_outcome
from openasm.episodes.specifications.construction import construction_for, demonstration_workbook
from openasm.episodes.specifications.lists import load_codes_list
from openasm.tables.engine import open_engine

COHORT = "heart_failure"
MEMORY = 8 * 1024**3
LAST = "model, scores and writing"


def run() -> list[Row]:
    """Every stage on Spark beside DuckDB, and the whole; nothing where Spark or Java is not installed."""
    if importlib.util.find_spec("pyspark") is None or not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        return []
    size = int(os.environ.get("OPENASM_BENCH_SPARK_BENEFICIARIES", "55000"))
    kept = os.environ.get("OPENASM_BENCH_FOLDER")
    with tempfile.TemporaryDirectory(prefix="openasm-bench-") as temporary:
        claims = region(Path(kept) if kept else Path(temporary), size) / "tables"
        lines = claim_lines(claims)
        for file in claims.rglob("*.parquet"):  # neither engine meets a cold disk
            file.read_bytes()
        on = {engine: _stages(engine, claims, Path(temporary) / engine) for engine in ("duckdb", "spark")}
        same = {
            engine: {path.name: path.read_bytes() for path in (Path(temporary) / engine / "out").rglob("*.csv")}
            for engine in on
        }
    if same["duckdb"] != same["spark"]:
        raise AssertionError("the engines differ")
    rows = [
        Row(
            name=f"stage {stage}",
            what=f"{lines:,} lines",
            took=on["spark"][stage],
            reference="the same on DuckDB",
            reference_took=on["duckdb"][stage],
        )
        for stage in (*STAGES, LAST)
    ]
    whole = {engine: _sum(list(stages.values())) for engine, stages in on.items()}
    note = f"processor seconds: {whole['spark'].cpu_seconds:.1f} on Spark, {whole['duckdb'].cpu_seconds:.1f} on DuckDB"
    return [
        *rows,
        Row(
            name="whole chain",
            what=f"{lines:,} lines of {size:,} people",
            took=whole["spark"],
            reference="the same on DuckDB",
            reference_took=whole["duckdb"],
            note=note,
        ),
    ]


def _stages(name: str, claims: Path, work: Path) -> dict[str, Took]:
    """What each stage takes on an engine."""
    work.mkdir()
    construction = construction_for(COHORT, LAST_YEAR)
    codes = load_codes_list(demonstration_workbook(COHORT), construction, Problems())
    moments: list[tuple[str, float, float]] = []

    def begins(stage: str) -> None:
        moments.append((stage, time.perf_counter(), time.process_time() + _java_seconds()))

    with open_engine(name, memory_bytes=MEMORY, spill_folder=work) as engine:
        chain = Chain(engine, work / "stages", begins)
        run_steps(chain, claim_frames(open_claims(claims, engine)), codes, construction, year=LAST_YEAR)
        begins(LAST)
        write_outcome(outcome(chain, codes, construction), work / "out", chain=chain, codes=codes)
        begins("")
    return {
        stage: Took(then - now, cpu_then - cpu, None)
        for (stage, now, cpu), (_, then, cpu_then) in itertools.pairwise(moments)
    }


def _sum(parts: list[Took]) -> Took:
    return Took(sum(each.seconds for each in parts), sum(each.cpu_seconds for each in parts), None)


def _java_seconds() -> float:
    """Processor time of the Java side, 0 where there is none: Spark starts it once and leaves it to the end of the process."""
    if importlib.util.find_spec("pyspark") is None:
        return 0.0
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    if gateway is None:
        return 0.0
    fields = Path(f"/proc/{gateway.proc.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
