"""Runs killed at random moments and started again: the bytes of a run that was never disturbed, and never half a run under its name."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.builders.configured_runs import is_whole, results_of, run_now, small_group

KILLS = 50
ROUNDS = 5

# Forks runs of the same configuration and kills them, so that the libraries are loaded once. One line on standard output says what
# became of each run: `killed`, or `ended` with its exit code. Each line of standard input is a moment in seconds, 0 to let it end.
DRIVER = """
import datetime as dt, os, signal, sys, time
from pathlib import Path
import duckdb, numpy, pyarrow.csv, pyarrow.parquet, narwhals, vl_convert
import openasm.report.files, openasm.tables.duckdb_engine
from openasm.runs.configuration import read_configuration
from openasm.runs.configured import run_configured

config, out = Path(sys.argv[1]), Path(sys.argv[2])
for line in sys.stdin:
    moment = float(line)
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
    text = (folder / "practice.toml").read_text(encoding="utf-8")
    # One cohort's codes list suffices: half the work, every kind of stage.
    (folder / "practice.toml").write_text(text.replace('low_back_pain = "demonstration"\n', ""))
    began = time.monotonic()
    run_now(folder / "practice.toml", tmp_path / "undisturbed", jobs=1)
    whole = time.monotonic() - began
    wanted = results_of(tmp_path / "undisturbed")
    chance = random.Random(492)
    killed = 0
    for number in range(ROUNDS):
        out = tmp_path / f"run-{number}"
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(folder / "practice.toml"), str(out)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        here = 0
        while here < KILLS // ROUNDS:
            # The first moment of a round lies further on from round to round, so that late stages are struck too.
            reach = whole * number / ROUNDS if here == 0 else 0.0
            process.stdin.write(f"{reach + chance.uniform(0.01, whole / 8)}\n")
            process.stdin.flush()
            word = process.stdout.readline().strip()
            if word == "killed":
                here += 1
            else:
                assert word == "ended 0", process.communicate()[1]
                break  # it was quicker than the moments drawn; the next round strikes again
            assert not out.exists() or is_whole(out)
        killed += here
        process.stdin.write("0\n")
        process.stdin.flush()
        assert process.stdout.readline().strip() == "ended 0", process.communicate()[1]
        process.communicate()
        assert results_of(out) == wanted
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(f".{out.name}")] == []
        assert not (tmp_path / f"{out.name}.stages" / "work").exists()
    assert killed >= KILLS * 3 // 5
