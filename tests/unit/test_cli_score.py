"""`openasm score` and `openasm explain` as processes: exit codes, output, and how quickly the help comes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.builders.score_folders import cohort_rows, npi, tin, write_folder

FIXTURES = Path(__file__).parents[1] / "fixtures" / "bad" / "score"


def openasm(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from openasm.cli.main import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("cli") / "inputs", cohort_rows(50))


@pytest.fixture(scope="module")
def run(inputs: Path) -> Path:
    done = openasm("score", inputs, "--year", 2027, "--out", inputs.parent / "run", "--no-report")
    assert done.returncode == 0
    assert "Next: openasm explain" in done.stdout
    assert "Heart failure: " in done.stdout
    return inputs.parent / "run"


def test_json_is_one_document(inputs: Path, tmp_path: Path) -> None:
    done = openasm("score", inputs, "--year", 2027, "--out", tmp_path / "run", "--json", "--no-report")
    assert (done.returncode, done.stderr) == (0, "")
    summary = json.loads(done.stdout)
    assert summary["year"] == 2027
    assert [each["cohort"] for each in summary["cohorts"]] == ["heart_failure", "low_back_pain"]
    assert summary["out"] == str(tmp_path / "run")


def test_wrong_usage_ends_with_2(inputs: Path, run: Path, tmp_path: Path) -> None:
    assert openasm("score", inputs, "--out", tmp_path / "run").returncode == 2  # no year
    assert openasm("score", inputs, "--year", "soon", "--out", tmp_path / "run").returncode == 2
    assert openasm("score", inputs, "--year", 2027, "--out", run).returncode == 2
    again = openasm("score", inputs, "--year", 2027, "--out", inputs)
    assert (again.returncode, again.stdout) == (2, "")
    assert "holds other files" in again.stderr


def test_refused_input_ends_with_3_and_lists_everything(tmp_path: Path) -> None:
    done = openasm("score", FIXTURES / "several_in_one_file", "--year", 2027, "--out", tmp_path / "run")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("Input refused: ")
    assert "nothing was written." in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_unpublished_year_ends_with_4(inputs: Path, tmp_path: Path) -> None:
    done = openasm("score", inputs, "--year", 2029, "--out", tmp_path / "run")
    assert (done.returncode, done.stdout) == (4, "")
    assert "No published value for performance year 2029" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_not_found_ends_with_5(run: Path, tmp_path: Path) -> None:
    assert openasm("score", tmp_path / "nowhere", "--year", 2027, "--out", tmp_path / "run").returncode == 5
    assert openasm("explain", tmp_path / "nowhere", "--tin", tin(1), "--npi", npi(1)).returncode == 5
    done = openasm("explain", run, "--tin", tin(1), "--npi", npi(999))
    assert (done.returncode, done.stdout) == (5, "")
    assert "This TIN is in it with NPI" in done.stderr


def test_explain_prints_both_cohorts_and_json(run: Path) -> None:
    row = next(
        line.split(",") for line in (run / "scores" / "scores.csv").read_text().splitlines() if f",{npi(11)}," in line
    )
    done = openasm("explain", run, "--tin", row[1], "--npi", npi(11))
    assert done.returncode == 0
    assert "heart failure cohort" in done.stdout
    assert "low back pain cohort" in done.stdout
    one = openasm("explain", run, "--tin", row[1], "--npi", npi(11), "--cohort", "low_back_pain", "--json")
    assert [each["cohort"] for each in json.loads(one.stdout)["explanations"]] == ["low_back_pain"]
    assert one.stderr == ""


STOPPED = """
import sys, time
from openasm.runs.scoring import run as score_run
from openasm.cli.main import main

def stuck(*arguments):
    print("writing", flush=True)
    time.sleep(30)

score_run.write_parquet = stuck
main()
"""


def test_a_stopped_command_takes_its_unfinished_folder_away(inputs: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", STOPPED, "score", str(inputs), "--year", "2027", "--out", str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        assert [path.name.startswith(".run.partial-") for path in tmp_path.iterdir()] == [True]
        process.terminate()
        assert process.wait(timeout=60) == 143
    assert list(tmp_path.iterdir()) == []


def test_the_help_comes_quickly() -> None:
    """Below 0.3 s of work: the best of five, by processor time, so that a busy machine does not decide."""
    import resource

    best = 9.0
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        done = openasm("--help")
        wall = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = min(best, wall, used)
        assert done.returncode == 0
        assert "score" in done.stdout
    assert best < 0.3
