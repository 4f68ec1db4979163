"""Whether what a stage read is still what was hashed when the run was planned.

A delivery that is copied in while a run reads it would leave results of two states under the key of one. So every input's marks
(size, moments, inode) are taken before it is hashed and compared again when a stage that reads it has ended.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from openasm.base.errors import InputRefused
from openasm.base.problems import Problem
from openasm.runs.chain.configuration_problems import CHANGED_MEANWHILE
from openasm.runs.chain.stage_graph import StageInput, marks_of


@contextmanager
def unchanged(marks: Mapping[StageInput, Mapping[Path, str]], *, made_in: Path) -> Iterator[None]:
    """Refuse (InputRefused, N012) and remove what was made within when an input is another than that marked.

    marks: by input, as `marks_of` gave them at the plan; made_in: the folder that goes. A failure within that such a change explains is
    told as the change.
    """
    try:
        yield
    except Exception:
        _refuse_changed(marks, made_in)
        raise
    _refuse_changed(marks, made_in)


def _refuse_changed(marks: Mapping[StageInput, Mapping[Path, str]], made_in: Path) -> None:
    problems = [
        Problem(CHANGED_MEANWHILE, each.name, found=what)
        for each, before in marks.items()
        if (what := _difference(before, marks_of(each)))
    ]
    if problems:
        shutil.rmtree(made_in, ignore_errors=True)
        raise InputRefused(problems)


def _difference(before: Mapping[Path, str], after: Mapping[Path, str]) -> str:
    """What changed, in words that name no file: names of records may hold a patient's. Empty where nothing did."""
    counts = {
        "new": len(after.keys() - before.keys()),
        "gone": sum(not after.get(path) for path in before),
        "changed": sum(bool(after.get(path)) and after[path] != mark for path, mark in before.items()),
    }
    return ", ".join(f"{count:,} {'file' if count == 1 else 'files'} {word}" for word, count in counts.items() if count)
