"""Demonstrations of a size as rows: the whole command, and every stage of its run."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.measure import Row, Took, measured_command


def rows_of_demo(size: str, *, limit_seconds: float | None = None, limit_mb: float | None = None) -> list[Row]:
    """`openasm demo --size ...` in a process of its own. Stages are those its run recorded: wall clock and largest memory of each."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "demo"
        program = "import sys; from openasm.cli.main import main; sys.argv[0] = 'openasm'; main()"
        took = measured_command([sys.executable, "-c", program, "demo", "--size", size, "--out", out], repeat=1)
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
