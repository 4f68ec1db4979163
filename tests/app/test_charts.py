"""Charts in both widths: nothing lies outside the drawing, no label is cut where there is room, titles and texts are escaped."""

from __future__ import annotations

import itertools
import re

import pytest
from lxml import etree

from openasm.app.look import charts
from openasm.app.look.charts import Bar, Step

LONG = "492 Risk-standardized acute unplanned cardiovascular admissions"
DRAWN = {
    "bars": charts.bars([Bar(LONG, -3.0, "\u2212$12,345", "bad"), Bar("b<c", 4.0, "+$9")], title="t"),
    "negative bars": charts.bars([Bar("a", -9.0, "\u2212$12,345", "bad")], title="t"),
    "waterfall": charts.waterfall(
        [Step("Quality", 40.0), Step("Cost", -8.0), Step("Final", 32.0, total=True)], title="t"
    ),
    "distribution": charts.distribution(
        [-9.0, -1.0, 0.0, 5.0], [1, 2, 9], title="t", marker=2.0, low="\u2212$9", high="+$5", middle="middle +$2"
    ),
    "line": charts.line([(f"Dec {day}, 2027", float(day)) for day in range(1, 13)], title="t", text=["78.2"] * 12),
}
LETTER = 7.2


def boxes(svg: etree._Element) -> list[tuple[float, float]]:
    """From where to where each bar, circle and text reaches, in the drawing's own units."""
    found = []
    for each in svg.iter():
        if each.tag == "rect":
            found.append((float(each.get("x")), float(each.get("x")) + float(each.get("width"))))
        elif each.tag == "text" and each.text:
            x, wide = float(each.get("x")), LETTER * len(each.text)
            kind = each.get("class").split()[-1]
            start = x - wide if kind == "end" else x - wide / 2 if kind == "middle" else x
            found.append((start, start + wide))
    return found


@pytest.mark.parametrize("name", DRAWN)
def test_both_drawings_hold_everything(name: str) -> None:
    wide, narrow = etree.fromstring(f"<div>{DRAWN[name]}</div>")
    assert ("chart-wide" in wide.get("class"), "chart-narrow" in narrow.get("class")) == (True, True)
    for svg in (wide, narrow):
        width = float(svg.get("viewBox").split()[2])
        assert [box for box in boxes(svg) if box[0] < -4 or box[1] > width + 4] == []


def test_a_long_label_takes_two_lines_and_is_not_cut() -> None:
    wide, _ = etree.fromstring(f"<div>{DRAWN['bars']}</div>")
    text = " ".join(each.text for each in wide.iter("text"))
    assert LONG in text
    assert "…" not in text
    assert "b<c" in text


def test_moments_of_a_line_do_not_run_into_each_other() -> None:
    for svg in etree.fromstring(f"<div>{DRAWN['line']}</div>"):
        places = [float(each.get("x")) for each in svg.iter("text") if each.text and each.text.startswith("Dec")]
        assert len(places) >= 3
        assert all(after - before >= 80 for before, after in itertools.pairwise(places))
        assert "Dec 12, 2027" in etree.tostring(svg).decode()


def test_nothing_gives_nothing() -> None:
    assert (
        charts.bars([], title="t")
        == charts.waterfall([], title="t")
        == charts.line([("a", 1.0)], title="t", text=["1"])
        == ""
    )
    assert not re.search("style=", "".join(DRAWN.values()))
