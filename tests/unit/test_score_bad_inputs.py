"""Wrong inputs of `openasm score`: each fixture is the good base with some files replaced, pinned to its exact messages.

`absent.txt` names files that are taken away. To accept a changed message, look at the new text and put it into the case's
`expected.txt`.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from openasm.base.errors import InputRefused
from openasm.runs.scoring.run import score_folder

FIXTURES = Path(__file__).parents[1] / "fixtures" / "bad" / "score"
CASES = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir() and path.name != "_base")
NOW = dt.datetime(2028, 1, 5, tzinfo=dt.UTC)


def laid_out(case: str, folder: Path) -> Path:
    """The case's inputs: the base, with the case's files in place of its own."""
    inputs = folder / "inputs"
    shutil.copytree(FIXTURES / "_base", inputs)
    for path in (FIXTURES / case).iterdir():
        if path.name == "absent.txt":
            for name in path.read_text(encoding="utf-8").split():
                (inputs / name).unlink()
        elif path.name != "expected.txt":
            shutil.copy(path, inputs / path.name)
    if case == "participants_million_columns":  # too large to keep as a file
        (inputs / "participants.csv").write_text(",".join(["tin"] * 1_000_000) + "\n", encoding="utf-8")
    return inputs


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_input_is_refused_with_its_messages_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    inputs = laid_out(case, tmp_path)
    with pytest.raises(InputRefused) as refused:
        score_folder(inputs, tmp_path / "out" / "run", year=2027, now=NOW, report=False)
    messages = [problem.as_text() for problem in refused.value.problems]
    expected = (FIXTURES / case / "expected.txt").read_text(encoding="utf-8").splitlines()
    assert messages == expected
    assert not (tmp_path / "out").exists()
    assert refused.value.exit_code == 3


def test_there_are_enough_cases_and_the_base_is_right(tmp_path: Path) -> None:
    assert len(CASES) >= 60
    summary = score_folder(FIXTURES / "_base", tmp_path / "run", year=2027, now=NOW, report=False)
    assert summary.warnings == ()
    assert [(each.cohort, each.participants) for each in summary.cohorts] == [
        ("heart_failure", 2),
        ("low_back_pain", 2),
    ]


def test_every_kind_of_problem_of_score_inputs_has_a_case() -> None:
    from openasm.base.problems import Severity, catalogue

    texts = "\n".join((FIXTURES / case / "expected.txt").read_text(encoding="utf-8") for case in CASES)
    kinds = [kind for kind in catalogue().values() if kind.code.startswith(("S0", "S1", "S2", "S3", "S4"))]
    assert kinds
    missing = [kind.code for kind in kinds if kind.severity is Severity.ERROR and kind.code not in texts]
    assert missing == []
