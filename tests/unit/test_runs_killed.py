"""Runs killed at random moments and started again: the bytes of a run that was never disturbed, and never half a run under its name."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.builders.configured_runs import is_whole, results_of, small_group, with_section

KILLS = 50
ROUNDS = 3

# Forks runs of the same configuration and kills them, so that the libraries are loaded once. One line on standard output says what
# became of each run: `killed`, or `ended` with its exit code. Each line of standard input is a moment in seconds, 0 to let it end, and the
# name of the run.
DRIVER = """
import datetime as dt, os, signal, sys, time
from pathlib import Path
import duckdb, numpy, pyarrow.csv, pyarrow.parquet, narwhals, vl_convert
import openasm.report.files, openasm.tables.duckdb_engine
from openasm.runs.chain.configuration import read_configuration
from openasm.runs.chain.run import run_configured

config = Path(sys.argv[1])
for line in sys.stdin:
    moment, out = float(line.split()[0]), Path(sys.argv[2]) / line.split()[1]
    child = os.fork()
    if child == 0:
        try:
            configuration = read_configuration(config, today=dt.date(2027, 12, 1))
            run_configured(configuration, out, now=lambda: dt.datetime.now(dt.UTC), jobs=1)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    ended, status = 0, 0
    until = time.monotonic() + moment
    while not ended and (moment == 0 or time.monotonic() < until):
        time.sleep(0.005)
        ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print("killed", flush=True)
    else:
        print("ended", os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.mark.slow
def test_fifty_kills_leave_the_bytes_of_an_undisturbed_run(tmp_path: Path) -> None:
    folder = tmp_path / "group"
    folder.mkdir()
    small_group(folder)
    # One cohort's codes list suffices: half the work, every kind of stage.
    config = with_section(folder, 'low_back_pain = "codes/low_back_pain.xlsx"\n', "")
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(config), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def run(out: Path, moment: float) -> bool:
        """Whether the run was killed; moment: seconds, 0 to let it end."""
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{moment} {out.name}\n")
        process.stdin.flush()
        word = process.stdout.readline().strip()
        assert word in ("killed", "ended 0"), process.communicate()[1]
        return word == "killed"

    began = time.monotonic()
    run(tmp_path / "undisturbed", 0)
    whole = time.monotonic() - began
    wanted = results_of(tmp_path / "undisturbed")
    chance = random.Random(492)
    killed = number = 0
    while killed < KILLS:
        out = tmp_path / f"run-{number}"
        for stroke in range(-(-KILLS // ROUNDS)):
            # The first moment of a round lies further on from round to round, so that late stages are struck too.
            reach = whole * (number % ROUNDS) / ROUNDS if stroke == 0 else 0.0
            if not run(out, reach + chance.uniform(0.01, whole / 8)):
                break  # quicker than the moments drawn; the next round strikes again
            killed += 1
            assert not out.exists() or is_whole(out)
        run(out, 0)
        assert results_of(out) == wanted
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(f".{out.name}")] == []
        assert not (tmp_path / f"{out.name}.stages" / "work").exists()
        number += 1
    process.communicate()
