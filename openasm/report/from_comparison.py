"""A comparison of two runs as a page, a workbook or a table. What is shown as parts of a change adds up as shown."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from openasm.archive.comparison import (
    PART_TITLES,
    Comparison,
    MeasureChange,
    ParticipantChange,
    Split,
    rounded_parts,
)
from openasm.archive.tables import cell_text
from openasm.base.errors import WrongUsage
from openasm.base.files import written_whole
from openasm.report import drawings, html
from openasm.report.book import Heading, Sheet, Value, write_book
from openasm.report.svg import svg
from openasm.report.text import MINUS, NONE
from openasm.report.titles import COHORT_TITLES, STATUS_TITLES, item_title, measure_title

FORMS = (".html", ".xlsx", ".csv")
FEW = 12  # participants whose steps and measures fit one page
MOST = 200  # rows of the page's table; the workbook has all

_PARTS = ("own", "peers", "data", "rules", "program")
_STEP_TITLES = {
    "quality_score": "Quality score (0 to 1)",
    "cost_score": "Cost score (0 to 1)",
    "improvement_adjustment": "Improvement activities, points",
    "interoperability_adjustment": "Promoting Interoperability, points",
    "complex_patient_adjustment": "Complex patients, points",
    "small_practice_adjustment": "Small practice, points",
}


@dataclass(frozen=True, slots=True)
class SplitView:
    """A split as texts, rounded so that the parts shown add up. parts: title, amount and tone; before and after as totals."""

    before: str
    after: str
    change: str
    tone: str
    parts: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class PersonView:
    """One participant of the page; chart is empty where the final score has no parts."""

    key: str
    who: ParticipantChange
    cohort_title: str
    status: str
    score: SplitView | None
    dollars: SplitView
    chart: str
    steps: tuple[tuple[str, str, str], ...]
    measures: tuple[tuple[str, str, str, str, str, str, str], ...]


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write a comparison as its file's name says (.html, .xlsx, .csv), whole or not at all; equal comparisons give equal bytes."""
    if path.suffix == ".xlsx":
        title = f"{comparison.first.name} against {comparison.second.name}"
        write_book(path, _sheets(comparison), title=title, version=comparison.second.version)
    elif path.suffix == ".csv":
        with written_whole(path) as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(_TABLE_HEADER)
            writer.writerows([cell_text(cell) for cell in _row(each)] for each in comparison.participants)
    elif path.suffix == ".html":
        with written_whole(path) as stream:
            stream.write(render_comparison(comparison))
    else:
        raise WrongUsage(f"A comparison is written as one of {', '.join(FORMS)}.")


def render_comparison(comparison: Comparison) -> str:
    """The page as text."""
    moved = sorted(
        (each for each in comparison.participants if _moved(each)),
        key=lambda each: (-abs(each.dollars.change), each.cohort, each.tin, each.npi),
    )
    shown = [_person(each, number, detailed=len(moved) <= FEW) for number, each in enumerate(moved[:MOST])]
    return html.filled(
        "comparison.html.j2",
        comparison=comparison,
        cohorts=[
            (each, COHORT_TITLES[each.cohort], _view(each.dollars, places=0, money=True)) for each in comparison.cohorts
        ],
        people=shown,
        detailed=len(moved) <= FEW,
        moved=len(moved),
        cohort_titles=COHORT_TITLES,
        input_titles={each.measure: _input_title(each.measure) for each in comparison.inputs},
    )


def _input_title(name: str) -> str:
    """What rows are of: a cohort, a measure or an attested item; the name itself beside a title."""
    title = COHORT_TITLES.get(name) or (item_title(name) if measure_title(name) == name else measure_title(name))
    return title if name in COHORT_TITLES or title == name else f"{name} {title}"


def _moved(each: ParticipantChange) -> bool:
    return bool(each.dollars.change) or each.final_score_before != each.final_score_after


def _person(each: ParticipantChange, number: int, *, detailed: bool) -> PersonView:
    status = STATUS_TITLES.get(each.status_after, each.status_after)
    if each.status_after != each.status_before:
        status = f"{STATUS_TITLES.get(each.status_before, each.status_before)}; now: {status}"
    return PersonView(
        key=f"p{number}",
        who=each,
        cohort_title=COHORT_TITLES[each.cohort],
        status=status,
        score=None if each.final_score is None else _view(each.final_score, places=1, money=False),
        dollars=_view(each.dollars, places=0, money=True),
        chart=_chart(each) if detailed else "",
        steps=tuple(
            (_STEP_TITLES[step.name], _text(step.before), _text(step.after))
            for step in each.steps
            if step.before != step.after
        ),
        measures=tuple(_measure(line) for line in each.measures if _differs(line)),
    )


def _chart(each: ParticipantChange) -> str:
    if each.final_score is None or not each.final_score.change:
        return ""
    before, after, _, parts = rounded_parts(each.final_score, places=1)
    steps = [
        drawings.Step("Before", before / 10, total=True),
        *(drawings.Step(PART_TITLES[name], amount / 10) for name, amount in parts.items()),
        drawings.Step("After", after / 10, total=True),
    ]
    title = f"Final score of {each.name or each.npi}: from before to after, by cause"
    return svg(drawings.waterfall(steps, title=title, width=html.HALF))


def _view(split: Split, *, places: int, money: bool) -> SplitView:
    before, after, change, parts = rounded_parts(split, places=places)

    def text(units: int, *, signed: bool) -> str:
        sign = MINUS if units < 0 else "+" if signed and units > 0 else ""
        return f"{sign}{'$' if money else ''}{abs(units) / 10**places:,.{places}f}"

    return SplitView(
        text(before, signed=False),
        text(after, signed=False),
        text(change, signed=True),
        _tone(change),
        tuple((PART_TITLES[name], text(amount, signed=True), _tone(amount)) for name, amount in parts.items()),
    )


def _tone(units: int) -> str:
    return "good" if units > 0 else "bad" if units < 0 else ""


def _differs(line: MeasureChange) -> bool:
    return (line.rate_before, line.points_before, line.status_before, line.pool_median_before) != (
        line.rate_after,
        line.points_after,
        line.status_after,
        line.pool_median_after,
    )


def _measure(line: MeasureChange) -> tuple[str, str, str, str, str, str, str]:
    def value(number: float | None) -> str:
        if number is None:
            return NONE
        if line.measure.startswith("COST"):
            return f"${number:,.0f}"
        return f"{number:.1f} per 100" if line.collection_type == "claims" else f"{number:.1%}"

    return (
        f"{line.measure} {measure_title(line.measure)}" + (" (TIN)" if line.level == "tin" else ""),
        value(line.rate_before),
        value(line.rate_after),
        value(line.pool_median_before),
        value(line.pool_median_after),
        _text(line.points_before),
        _text(line.points_after),
    )


def _text(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}".rstrip("0").rstrip(".").replace("-", MINUS) or "0"


_QUANTITIES = ("final_score", "factor", "dollars")
_COLUMNS = ("before", "after", "change", *_PARTS, "together")
_TABLE_HEADER = (
    *("cohort", "tin", "npi", "name"),
    *(f"{quantity}_{column}" for quantity in _QUANTITIES for column in _COLUMNS),
)


def _row(each: ParticipantChange) -> list[Value]:
    cells: list[Value] = [each.cohort, each.tin, each.npi, each.name]
    for quantity in _QUANTITIES:
        split = getattr(each, quantity)
        cells += [None if split is None else getattr(split, column) for column in _COLUMNS]
    return cells


def _sheets(comparison: Comparison) -> Sequence[Sheet]:
    forms = {"final_score": "points", "factor": "factor", "dollars": "dollars"}
    titles = {"final_score": "Final score", "factor": "Adjustment", "dollars": "Payment change"}
    parts = {"before": "before", "after": "after", "change": "change", "together": "of which only together"}
    parts |= {name: PART_TITLES[name].lower() for name in _PARTS}
    headings = (
        *(
            Heading("Condition", width=16),
            Heading("TIN", width=11),
            Heading("NPI", width=12),
            Heading("Clinician", width=28),
        ),
        *(
            Heading(f"{titles[quantity]}: {parts[column]}", forms[quantity])
            for quantity in _QUANTITIES
            for column in _COLUMNS
        ),
    )
    names = f"{comparison.first.name} against {comparison.second.name}"
    return [
        (
            "Changes",
            f"{names}: own + peers + rule values + program version = change",
            headings,
            [_row(each) for each in comparison.participants],
        ),
        (
            "Rule values",
            "Rule values and settings that differ",
            (
                *(Heading("Name", width=40), Heading("Value of", width=40), Heading("Unit", width=14)),
                *(Heading("Before", width=40), Heading("After", width=40)),
                *(Heading("Citation before", width=50), Heading("Citation after", width=50)),
            ),
            [
                (each.name, each.title, each.unit, each.before, each.after, each.citation_before, each.citation_after)
                for each in comparison.rules
            ],
        ),
        (
            "Inputs",
            "Rows that differ",
            (
                *(Heading("Table", width=16), Heading("Measure or item", width=20)),
                *(Heading(title, "whole") for title in ("Before", "After", "Added", "Removed", "Changed")),
            ),
            [
                (each.table, each.measure, each.rows_before, each.rows_after, each.added, each.removed, each.changed)
                for each in comparison.inputs
            ],
        ),
        (
            "In one run only",
            "Participants of one of the runs",
            (
                *(
                    Heading("Run", width=24),
                    Heading("Condition", width=16),
                    Heading("TIN", width=11),
                    Heading("NPI", width=12),
                ),
                *(
                    Heading("Clinician", width=28),
                    Heading("Final score", "points"),
                    Heading("Payment change", "dollars"),
                ),
            ),
            [
                (
                    comparison.first.name if each.run == "first" else comparison.second.name,
                    *(each.cohort, each.tin, each.npi, each.name, each.final_score, each.dollars),
                )
                for each in comparison.one_run_only
            ],
        ),
        ("Notes", "What a reader must know", (Heading("Note", width=120),), [(note,) for note in comparison.notes]),
    ]
