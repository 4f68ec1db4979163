"""The hand-worked examples of comparison, forecast and export are what the program gives."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

from openasm.projection.year_end import Assumed, Standing, rate_at_year_end
from openasm.runs.comparison.compare import compare_runs
from openasm.runs.sharing.small_cells import hidden_nodes
from tests.builders.compared_runs import RISK_OF_TEN, everybody, run_of
from tests.builders.score_folders import tin

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    "name",
    [
        *("openasm.archive.comparison", "openasm.projection.year_end", "openasm.runs.sharing.small_cells"),
        *("openasm.runs.sharing.pseudonyms", "openasm.base.parameters"),
    ],
)
def test_examples_in_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_comparison_by_hand(tmp_path: Path) -> None:
    rows = everybody()
    first = run_of(tmp_path, "first", rows)
    rows["quality"][0] |= {"met": 99, "not_met": 1}
    for row in rows["quality"][5:]:
        if row["measure"] == "008":
            met = min(100, int(str(row["met"])) + 5)
            row |= {"met": met, "not_met": 100 - met}
    second = run_of(tmp_path, "second", rows, overlay=RISK_OF_TEN)
    [one] = compare_runs(first, second, tin=tin(1)).participants
    page = (DOCS / "how-to" / "compare-runs.md").read_text(encoding="utf-8")
    cells = {
        (own, peers): (float(under_first), float(under_second))
        for own, peers, under_first, under_second in re.findall(
            r"\| (first|second) \| (first|second) \| (-?[0-9.]+) \| (-?[0-9.]+) \|", page
        )
    }
    assert (one.dollars.before, one.dollars.after) == (
        pytest.approx(cells["first", "first"][0], abs=0.006),
        pytest.approx(cells["second", "second"][1], abs=0.006),
    )
    own = sum(
        cells["second", peers][rule] - cells["first", peers][rule] for peers in ("first", "second") for rule in (0, 1)
    )
    assert one.dollars.own == pytest.approx(own / 4, abs=0.01)
    assert one.dollars.own is not None
    assert one.dollars.peers is not None
    for amount in (one.dollars.own, one.dollars.peers, one.dollars.rules, one.dollars.change):
        assert any(abs(float(text) - amount) < 0.011 for text in re.findall(r"-?[0-9]+\.[0-9]{2}", page)), amount


def test_the_forecast_by_hand() -> None:
    interval = rate_at_year_end(Standing(met=50, open=50, lost=0), 181 / 365, Assumed())
    assert interval is not None
    assert "the middle is near 141 / 202 = 70%" in (DOCS / "method" / "trend-forecast.md").read_text(encoding="utf-8")
    assert interval.middle == pytest.approx(0.70, abs=0.01)


def test_the_hidden_counts_by_hand() -> None:
    counts = {("practice",): (47,), ("practice", "1"): (40,), ("practice", "2"): (7,)}
    assert hidden_nodes(counts) == {("practice", "1"), ("practice", "2")}
