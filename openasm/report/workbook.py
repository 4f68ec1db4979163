"""The same numbers as an Excel workbook: one sheet a table, numbers as numbers, nothing a formula.

Text cells are written as strings, so a name that begins with `=` cannot become a formula.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openasm.base.files import written_whole
from openasm.report.content import MeasureLine, Report
from openasm.report.text import words

Value = str | int | float | bool | None

_FORMATS = {
    "text": "@",
    "whole": "#,##0",
    "points": "0.0",
    "percent": "0.0%",
    "factor": '+0.00%;[Red]"−"0.00%;0.00%',
    "dollars": '"$"#,##0;[Red]"−$"#,##0',
    "cents": '"$"#,##0.00',
    "plain": "0.0000",
}


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of a sheet: its title, how its numbers are shown (a key of the formats) and its width in characters."""

    title: str
    form: str = "text"
    width: int = 14


def write(report: Report, path: Path) -> None:
    """Write the workbook, whole or not at all. Equal reports give equal bytes."""
    import io

    import xlsxwriter  # loaded only when a workbook is made

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties(
        {
            "title": f"{report.title}: ASM {report.performance_year}",
            "comments": f"Made with OpenASM {report.program_version}. Not a CMS document.",
            "created": dt.datetime(2000, 1, 1),  # noqa: DTZ001 (a fixed moment keeps equal reports equal)
        }
    )
    for name, note, headings, rows in _sheets(report):
        _write_sheet(book, name, note, headings, rows)
    book.close()
    with written_whole(path, "wb") as stream:
        stream.write(buffer.getvalue())


def _write_sheet(book: Any, name: str, note: str, headings: Sequence[Heading], rows: Sequence[Sequence[Value]]) -> None:
    sheet = book.add_worksheet(name)
    bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    soft = book.add_format({"italic": True, "font_color": "#57606A"})
    forms = {key: book.add_format({"num_format": form, "valign": "top"}) for key, form in _FORMATS.items()}
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.write_string(0, 0, note, soft)
    for place, heading in enumerate(headings):
        sheet.set_column(place, place, heading.width)
        sheet.write_string(1, place, heading.title, bold)
    for line, row in enumerate(rows, start=2):
        for place, (value, heading) in enumerate(zip(row, headings, strict=True)):
            if value is None or (isinstance(value, float) and math.isnan(value)):
                continue
            if isinstance(value, bool):
                sheet.write_string(line, place, "yes" if value else "no")
            elif isinstance(value, str):
                sheet.write_string(line, place, value, wrapped if heading.width >= 40 else forms["text"])
            else:
                sheet.write_number(line, place, value, forms[heading.form])
    sheet.freeze_panes(2, 1)
    sheet.autofilter(1, 0, max(1, len(rows) + 1), len(headings) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(1)


Sheet = tuple[str, str, Sequence[Heading], Sequence[Sequence[Value]]]


def _sheets(report: Report) -> list[Sheet]:
    year = report.performance_year
    sheets: list[Sheet] = []
    if report.clinicians:
        sheets += [_clinicians(report), _steps(report), _measures(report)]
        if any(who.forecast for who in report.clinicians):
            sheets += [_levers(report)]
    sheets += [
        (
            "Cohorts",
            f"Whole cohorts, performance year {year}",
            (
                Heading("Condition", width=18),
                Heading("Group", width=26),
                Heading("Participants", "whole"),
                Heading("Middle final score", "points"),
                Heading("Middle adjustment", "factor"),
                Heading("Share gaining", "percent"),
                Heading("Net dollars", "dollars", 18),
            ),
            [
                (
                    view.title,
                    group.label,
                    group.participants,
                    group.median_score,
                    group.median_factor,
                    group.share_gaining,
                    group.net_dollars,
                )
                for view in report.cohorts
                for group in view.groups
            ],
        ),
        (
            "Rule values",
            f"{len(report.unconfirmed)} of {len(report.rules)} values are unconfirmed: not yet read in CMS's own text",
            (
                Heading("Name", width=44),
                Heading("Value of", width=44),
                Heading("Value", width=40),
                Heading("Unit", width=18),
                Heading("How sure", width=12),
                Heading("Confirmed", width=10),
                Heading("Citation", width=60),
                Heading("Note", width=60),
            ),
            [
                (rule.name, rule.title, rule.value, rule.unit, rule.status, rule.confirmed, rule.citation, rule.note)
                for rule in report.rules
            ],
        ),
        (
            "Data problems",
            "What was noticed in the input files",
            (
                Heading("Code", width=8),
                Heading("File", width=22),
                Heading("Row", "whole", 8),
                Heading("Column", width=20),
                Heading("What", width=44),
                Heading("Found", width=30),
                Heading("What to do", width=60),
            ),
            [
                tuple(
                    _cell(problem.get(key)) for key in ("code", "file", "row", "column", "title", "found", "next_step")
                )
                for problem in report.problems
            ],
        ),
        (
            "Made from",
            f"Made {report.made} with OpenASM {report.program_version}. Not a CMS document.",
            (Heading("File", width=30), Heading("SHA-256", width=70)),
            [*report.inputs, *(("Assumption", line) for line in report.assumptions)],
        ),
    ]
    return sheets


def _cell(value: object) -> Value:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _clinicians(report: Report) -> Sheet:
    return (
        "Clinicians",
        f"{report.title}, performance year {report.performance_year}, payments of {report.payment_year}",
        (
            Heading("Clinician", width=30),
            Heading("NPI", width=12),
            Heading("TIN", width=11),
            Heading("Condition", width=16),
            Heading("Final score", "points"),
            Heading("Adjustment", "factor"),
            Heading("Part B paid", "dollars"),
            Heading("Payment change", "dollars"),
            Heading("Low (5th percentile)", "dollars"),
            Heading("Middle", "dollars"),
            Heading("High (95th percentile)", "dollars"),
            Heading("Chance of a cut", "percent"),
            Heading("Worth of one point", "dollars"),
            Heading("Status", width=40),
        ),
        [
            (
                who.name,
                who.npi,
                who.tin,
                who.cohort_title,
                who.final_score,
                who.factor,
                who.part_b_paid,
                who.change_dollars,
                *(
                    (
                        who.forecast.dollars.p5,
                        who.forecast.dollars.median,
                        who.forecast.dollars.p95,
                        who.forecast.probability_of_cut,
                        who.forecast.point_dollars,
                    )
                    if who.forecast
                    else (None,) * 5
                ),
                who.status_text,
            )
            for who in report.clinicians
        ],
    )


def _steps(report: Report) -> Sheet:
    return (
        "Steps",
        "From categories to final score, in points of the final score",
        (
            Heading("Clinician", width=30),
            Heading("NPI", width=12),
            Heading("Condition", width=16),
            Heading("Step", width=26),
            Heading("Points", "points"),
            Heading("How", width=60),
        ),
        [
            (who.name, who.npi, who.cohort_title, step.label, step.points, step.how)
            for who in report.clinicians
            for step in who.steps
        ],
    )


def _measures(report: Report) -> Sheet:
    def row(who_name: str, npi: str, line: MeasureLine) -> tuple[Value, ...]:
        scale = 1.0 if line.measure.startswith("COST") or line.collection_type == "claims" else 100.0
        unit = "dollars" if line.measure.startswith("COST") else "per 100 person-years" if scale == 1.0 else "percent"
        scaled = [None if value is None else value * scale for value in (line.rate, line.pool_median, line.pool_top)]
        return (
            who_name,
            npi,
            line.measure,
            line.title,
            line.collection_type,
            line.level,
            unit,
            *scaled,
            line.completeness,
            line.points,
            words(line.status),
            line.reason,
        )

    return (
        "Measures",
        "Each measure against its benchmark",
        (
            Heading("Clinician", width=30),
            Heading("NPI", width=12),
            Heading("Measure", width=12),
            Heading("Title", width=44),
            Heading("Collection", width=11),
            Heading("Level", width=11),
            Heading("Unit", width=20),
            Heading("Yours", "points"),
            Heading("Peers' middle", "points"),
            Heading("Best tenth", "points"),
            Heading("Completeness", "percent"),
            Heading("Points", "points"),
            Heading("Status", width=12),
            Heading("Reason", width=60),
        ),
        [
            row(who.name, who.npi, line)
            for who in report.clinicians
            for line in (*who.measures, *((who.cost,) if who.cost else ()))
        ],
    )


def _levers(report: Report) -> Sheet:
    return (
        "Levers",
        "What each change is worth a year, most first",
        (
            Heading("Clinician", width=30),
            Heading("NPI", width=12),
            Heading("Condition", width=16),
            Heading("Change", width=50),
            Heading("Final score", "points"),
            Heading("Dollars a year", "dollars"),
        ),
        [
            (who.name, who.npi, who.cohort_title, lever.title, lever.score, lever.dollars)
            for who in report.clinicians
            if who.forecast
            for lever in who.forecast.levers
        ],
    )
