"""docs/tutorial.md, command by command, on the small demonstration it makes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.builders.pages import walk


@pytest.mark.slow
def test_the_tutorial(tmp_path: Path) -> None:
    printed = walk("tutorial.md", tmp_path)
    assert len(printed) == 11
    with (tmp_path / "demo" / "run" / "scores" / "practice_items.csv").open(encoding="utf-8", newline="") as stream:
        items = {row["item"]: row for row in csv.DictReader(stream) if row["tin"] == "000000003"}
    assert items["IA_2"]["met"] == "yes"
    assert list((tmp_path / "demo" / "run").glob("*.pdf"))
    assert (tmp_path / "shared" / "manifest.json").is_file()
