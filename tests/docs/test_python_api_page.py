"""docs/reference/python-api.md, run from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from openasm.participants.roster import Standing

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "python-api.md"
BLOCK = re.compile(r"^```(python|csv)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_example_runs_and_gives_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inputs").mkdir()
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    for kind, name, content in blocks:
        if kind == "csv":
            (tmp_path / name).write_text(content, encoding="utf-8")
    said: dict[str, Any] = {"__name__": "page"}
    examples = [content for kind, _, content in blocks if kind == "python"]
    for number, content in enumerate(examples):
        exec(compile(content, f"{PAGE.name}, example {number + 1}", "exec"), said)
        statements = [line for line in content.splitlines() if re.match(r"[\w(]", line) and "import " not in line]
        assert len(statements) <= 5, content  # five lines a job, imports aside
    assert said["rows"][0].name == "TEST CLINICIANONE"
    assert said["close"][0].clinician.npi == "2999000021"
    assert said["standings"] == {"2999000013": Standing.IN, "2999000039": Standing.NOT_LISTED}
    assert said["margins"]
    assert all(margin.endswith(" of 20 episodes") for margin in said["margins"].values())
    assert said["episodes"].demonstration
    assert sum(said["episodes"].reasons.values()) > 0
    assert said["tally"] is not None
    assert said["quality"].patients == 40
    assert said["scored"].payment_year == 2029
    assert (said["explanation"].npi, bool(said["explanation"].steps)) == ("2999000013", True)
    assert said["dollars"].p5 <= said["dollars"].median <= said["dollars"].p95
    assert said["page"].stat().st_size > 0
    assert said["threshold"].integer == 20
    assert said["codes_in_scope"] == ("06",)
