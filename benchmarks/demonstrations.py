"""Demonstrations of a size as rows: the whole run in a process of its own, and every stage of it.

`python -m benchmarks.demonstrations SIZE OUT` is that process; it says on standard error where it is. OPENASM_BENCH_SHARE, as in 0.02,
takes that share of the participants, to see whether everything works before the whole is measured.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.measure import Row, Took, measured_command

ROOT = Path(__file__).parents[1]
SHARE = "OPENASM_BENCH_SHARE"
SEED = 2027


def share() -> float:
    """The share of a demonstration's participants that is measured; 1 unless OPENASM_BENCH_SHARE says otherwise."""
    return float(os.environ.get(SHARE, "1"))


def rows_of_demo(size: str, *, limit_seconds: float | None = None, limit_mb: float | None = None) -> list[Row]:
    """What `openasm demo --size ...` does. Stages are those its run recorded: wall clock and largest memory of each."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "demo"
        took = measured_command(
            [sys.executable, "-m", "benchmarks.demonstrations", size, out], repeat=1, cwd=ROOT, told=True
        )
        execution = json.loads((out / "run" / "execution.json").read_text(encoding="utf-8"))
        manifest = json.loads((out / "run" / "manifest.json").read_text(encoding="utf-8"))
        bytes_of_claims = sum(path.stat().st_size for path in (out / "claims").rglob("*.parquet"))
    people = manifest["counts"].get("participants", 0)
    rows = [
        Row(
            name=f"stage {each['name']}",
            what=f"{size}: {people:,} participants",
            took=Took(each["seconds"], each["processor_seconds_when_made"], each["peak_mb_when_made"]),
        )
        for each in execution["stages"]
        if each["seconds"] is not None
    ]
    # A stage forgets the peak of those before it, so the command's own figure is that of its last stage.
    peak = max((row.took.peak_mb or 0.0 for row in rows), default=0.0)
    took = replace(took, peak_mb=max(peak, took.peak_mb or 0.0))
    whole = Row(
        name="whole demonstration",
        what=f"{size}: {people:,} participants, {bytes_of_claims / 2**20:,.0f} MB of claims",
        took=took,
        limit_seconds=limit_seconds,
        limit_mb=limit_mb,
        note="making up the data, every stage, and the start of the program; stages are by the wall clock, so that others at work show",
    )
    return [*rows, whole]


def row_of_fresh_clone(*, limit_seconds: float) -> Row:
    """`make demo` in a fresh clone of the last commit: environment, libraries from the package index (nothing kept of earlier ones), demo."""
    with tempfile.TemporaryDirectory() as folder:
        clone, wheels = Path(folder) / "openasm", Path(folder) / "wheels"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
        fetch += ["--no-deps", "--require-hashes", "-r", "requirements/core.txt", "-d", str(wheels)]
        subprocess.run(fetch, check=True, cwd=clone)
        fetched = sum(path.stat().st_size for path in wheels.iterdir())
        shutil.rmtree(wheels)
        python = getattr(sys, "_base_executable", sys.executable)
        command = ["env", "PIP_NO_CACHE_DIR=1", "make", "demo", f"PYTHON={python}"]
        took = measured_command(command, repeat=1, cwd=clone)
        installed = sum(path.stat().st_size for path in (clone / ".venv").rglob("*") if path.is_file())
    return Row(
        name="make demo in a fresh clone",
        what=f"{fetched / 2**20:,.0f} MB to download, {installed / 2**20:,.0f} MB installed",
        took=took,
        limit_seconds=limit_seconds,
        note="the clone itself is not counted; downloading depends on the network and the package index",
    )


def _main(size_name: str, out: Path) -> None:
    from openasm.runs.chain.progress import Progress
    from openasm.runs.demonstration.demo import run_demo
    from openasm.runs.demonstration.files import SIZES

    began, last = time.perf_counter(), ""
    size = SIZES[size_name]
    if share() < 1:
        size = replace(size, region=max(60, round(size.region * share())))

    def say(step: str) -> None:
        sys.stderr.write(f"{time.perf_counter() - began:7.1f} s  {step}\n")

    def tell(progress: Progress) -> None:
        nonlocal last
        if progress.title != last:
            last = progress.title
            say(f"[{progress.place}/{progress.of}] {progress.title}")

    run_demo(
        out, size_name=size_name, size=size, seed=SEED, now=lambda: dt.datetime.now(dt.UTC), say=say, progress=tell
    )
    say("done")


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
