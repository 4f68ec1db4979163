"""What a killed process leaves: never half a folder under its name, and nothing the next process does not take away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from openasm.base.held_folders import hold, release, remove_unheld
from openasm.tables.engine import SPILL_PREFIX, new_spill_folder, remove_folder
from openasm.tables.whole_file import whole_folder

FILL = """
import sys, time
from pathlib import Path
from openasm.tables.whole_file import whole_folder
with whole_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("rows of a patient")
    print("filling", flush=True)
    time.sleep(60)
"""


def start_filling(target: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", FILL, str(target)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "filling\n"
    return process


def test_the_next_load_removes_what_a_killed_one_left_and_spares_a_living_one(tmp_path: Path) -> None:
    target = tmp_path / "claims"
    killed = start_filling(target)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert [path.name.startswith(".claims.") for path in tmp_path.iterdir()] == [True]
    living = start_filling(target)
    try:
        assert len(list(tmp_path.iterdir())) == 1  # the living one's
        with whole_folder(target) as folder:
            (folder / "whole").write_text("1")
        assert sorted(path.name == "claims" for path in tmp_path.iterdir()) == [False, True]
    finally:
        living.kill()
        living.communicate()
    with whole_folder(target) as folder:
        (folder / "whole").write_text("2")
    assert [path.name for path in tmp_path.iterdir()] == ["claims"]
    assert (target / "whole").read_text() == "2"


def test_a_folder_set_aside_by_a_killed_process_comes_back(tmp_path: Path) -> None:
    target = tmp_path / "claims"
    aside = tmp_path / ".claims.abc.old" / "claims"
    aside.mkdir(parents=True)
    (aside / "whole").write_text("earlier")
    try:
        with whole_folder(target):
            assert (target / "whole").read_text() == "earlier"
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["claims"]
    assert (target / "whole").read_text() == "earlier"


def test_spill_folders_of_killed_runs_go_and_those_in_use_stay(tmp_path: Path) -> None:
    left, used, young = (tmp_path / f"{SPILL_PREFIX}{name}" for name in ("left", "used", "young"))
    for folder in (left, used, young):
        folder.mkdir()
    long_ago = time.time() - 7200
    for folder in (left, used):
        os.utime(folder, (long_ago, long_ago))
    handle = hold(used)
    assert handle is not None
    assert hold(used) is None
    fresh = new_spill_folder(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([fresh, used, young])
    remove_folder(fresh)
    release(handle)
    remove_unheld(tmp_path, f"{SPILL_PREFIX}*")
    assert list(tmp_path.iterdir()) == []
