"""A run folder appears whole or not at all, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from openasm.archive import folder as folders
from openasm.archive.folder import FORMAT, check_target, is_run, new_run
from openasm.archive.tables import cell_text, read_csv, write_csv, write_parquet
from openasm.base.errors import InputRefused, WrongUsage
from tests.builders.score_folders import cohort_rows, write_folder


def fill(target: Path, text: str = "one", *, replace: bool = False) -> None:
    with new_run(target, replace=replace) as partial:
        (partial / "manifest.json").write_text(f'{{"format": "{FORMAT}"}}')
        (partial / "scores").mkdir()
        (partial / "scores" / "scores.csv").write_text(text)


def test_the_folder_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "run"
    with new_run(target) as partial:
        assert partial.parent == target.parent
        assert not target.exists()
        (partial / "manifest.json").write_text(f'{{"format": "{FORMAT}"}}')
    assert is_run(target)
    assert [path.name for path in target.parent.iterdir()] == ["run"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fail(partial: Path) -> None:
        (partial / "half").write_text("half")
        raise KeyError

    with pytest.raises(KeyError), new_run(tmp_path / "run") as partial:
        fail(partial)
    assert list(tmp_path.iterdir()) == []


def test_what_may_not_be_written(tmp_path: Path) -> None:
    fill(tmp_path / "run")
    with pytest.raises(WrongUsage, match=r"already holds a run; give another name with --out, or --replace"):
        check_target(tmp_path / "run", replace=False)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear")
    with pytest.raises(WrongUsage, match="holds other files and no run"):
        check_target(tmp_path / "other", replace=True)
    with pytest.raises(WrongUsage, match="exists and is not a folder"):
        check_target(tmp_path / "other" / "letter.txt", replace=True)
    with pytest.raises(WrongUsage, match=r"letter.txt is not a folder"):
        fill(tmp_path / "other" / "letter.txt" / "run")
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "empty")
    assert is_run(tmp_path / "empty")


def test_a_target_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="already holds a run"), new_run(tmp_path / "run"):
        fill(tmp_path / "run", "the faster one")
    assert (tmp_path / "run" / "scores" / "scores.csv").read_text() == "the faster one"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_replacing_swaps_whole_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "run", "old")
    fill(tmp_path / "run", "new", replace=True)
    assert (tmp_path / "run" / "scores" / "scores.csv").read_text() == "new"
    real = os.replace
    calls = []

    def failing(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(folders.os, "replace", failing)
    with pytest.raises(OSError, match="No space"):
        fill(tmp_path / "run", "newer", replace=True)
    monkeypatch.undo()
    assert (tmp_path / "run" / "scores" / "scores.csv").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_killed_replacement_brings_the_old_run_back(tmp_path: Path) -> None:
    fill(tmp_path / "run", "old")
    (tmp_path / "run").rename(tmp_path / ".run.replaced-abc")  # where a kill between the two renames leaves it
    with pytest.raises(WrongUsage, match="already holds a run"):
        fill(tmp_path / "run", "new")
    assert (tmp_path / "run" / "scores" / "scores.csv").read_text() == "old"


def test_leftovers_of_killed_runs_go_and_those_of_live_ones_stay(tmp_path: Path) -> None:
    (tmp_path / ".run.partial-dead").mkdir()
    (tmp_path / ".other.partial-dead").mkdir()
    with new_run(tmp_path / "run") as living:
        fill(tmp_path / "run")
        assert living.exists()
        assert not (tmp_path / ".run.partial-dead").exists()
        assert (tmp_path / ".other.partial-dead").exists()
        (tmp_path / "run" / "manifest.json").unlink()
        (tmp_path / "run" / "scores" / "scores.csv").unlink()
        (tmp_path / "run" / "scores").rmdir()


PROGRAM = """
import datetime as dt, os, signal, sys
from pathlib import Path
from openasm.runs.scoring import run as score_run
from openasm.archive import folder

point = int(sys.argv[3])
calls = 0

def counted(function):
    def wrapped(*arguments, **named):
        global calls
        calls += 1
        if calls == point:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return wrapped

for name in ("write_csv", "write_parquet", "write_manifest"):
    setattr(score_run, name, counted(getattr(score_run, name)))
folder._to_disk = counted(folder._to_disk)
folder._take_place = counted(folder._take_place)
score_run.score_folder(Path(sys.argv[1]), Path(sys.argv[2]), year=2027, now=dt.datetime.now(dt.UTC), report=False)
"""


@pytest.mark.parametrize("point", [1, 6, 12, 13, 14, 15])
def test_a_killed_run_leaves_no_half_run(point: int, tmp_path: Path) -> None:
    inputs = write_folder(tmp_path / "inputs", cohort_rows(12))
    out = tmp_path / "out" / "run"
    command = [sys.executable, "-c", PROGRAM, str(inputs), str(out), str(point)]
    killed = subprocess.run(command, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()
    assert all(path.name.startswith(".run.partial-") for path in out.parent.iterdir())
    whole = subprocess.run([*command[:-1], "0"], check=False, timeout=60)
    assert whole.returncode == 0
    assert [path.name for path in out.parent.iterdir()] == ["run"]
    assert is_run(out)


def test_control_c_leaves_nothing(tmp_path: Path) -> None:
    program = (
        "import signal, sys, time\nfrom pathlib import Path\nfrom openasm.archive.folder import new_run\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell starts what runs aside without it
        "with new_run(Path(sys.argv[1])) as partial:\n"
        "    (partial / 'half').write_text('half')\n    print('writing', flush=True)\n    time.sleep(30)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
    assert list(tmp_path.iterdir()) == []


def test_numbers_come_back_exactly(tmp_path: Path) -> None:
    values = [0.1, 1 / 3, 1e-9, 12345678.9, 100.0, None, float("nan"), -0.0]
    write_csv(
        tmp_path / "t.csv",
        {"x": values, "n": [1, 2, None, 4, 5, 6, 7, 8], "t": ["a,b", '"', "ü", "", None, "e", "f", "g"]},
    )
    table = read_csv(tmp_path / "t.csv")
    assert [value for value in table.numbers("x") if value == value] == [0.1, 1 / 3, 1e-9, 12345678.9, 100.0, 0.0]
    assert table.integers("n") == (1, 2, None, 4, 5, 6, 7, 8)
    assert table.texts("t") == ("a,b", '"', "ü", "", "", "e", "f", "g")
    assert [row["n"] for row in table.rows()] == list(table.texts("n"))
    with pytest.raises(ValueError, match="infinite"):
        cell_text(float("inf"))


def test_parquet_keeps_types_and_missing_values(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    columns = {"x": [1.5, None], "n": [1, None], "t": ["a", None], "y": [True, None], "empty": [None, None]}
    write_parquet(tmp_path / "t.parquet", columns)
    read = pq.read_table(tmp_path / "t.parquet")
    assert read.to_pydict() == columns
    assert [str(kind) for kind in read.schema.types] == ["double", "int64", "string", "bool", "double"]


@pytest.mark.parametrize("content", [b"", b"a,b\n1\n", b"\xff\xfe", b'a\n"open\n'])
def test_a_damaged_table_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InputRefused, match=r"F021 t\.csv"):
        read_csv(tmp_path / "t.csv")
    with pytest.raises(InputRefused, match=r"F001 none\.csv"):
        read_csv(tmp_path / "none.csv")
