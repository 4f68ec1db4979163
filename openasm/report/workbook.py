"""A report as an Excel workbook: the same numbers as page and PDF, one sheet a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from openasm.report.book import Heading, Sheet, Value, write_book
from openasm.report.content import DriverTable, MeasureLine, Report, RuleLine
from openasm.report.text import words


def write(report: Report, path: Path) -> None:
    """Write the workbook, whole or not at all. Equal reports give equal bytes."""
    write_book(
        path,
        _sheets(report),
        title=f"{report.title}: ASM {report.performance_year}",
        version=report.program_version,
    )


def _sheets(report: Report) -> list[Sheet]:
    year = report.performance_year
    sheets: list[Sheet] = []
    if report.clinicians:
        sheets += [_clinicians(report), _steps(report), _measures(report), _attested(report)]
        if report.drivers:
            sheets += [drivers_sheet(report.drivers)]
        if any(who.forecast for who in report.clinicians):
            sheets += [_levers(report), _alternatives(report)]
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
        rules_sheet(report.rules),
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
            [
                *report.inputs,
                *(("Note", line) for line in _notes(report)),
                *(("Assumption", line) for line in report.assumptions),
            ],
        ),
    ]
    return sheets


def _notes(report: Report) -> list[str]:
    made_up = ["Made-up data: the clinicians, practices and numbers in this report do not exist."]
    return [*(made_up if report.made_up else []), *report.notes, *report.absent]


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
            Heading("Episode cost", "dollars"),
            Heading("Peers' middle cost", "dollars"),
            Heading("Peers who cost more", "percent"),
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
                    (who.peer_costs.own, who.peer_costs.median, who.peer_costs.better_share)
                    if who.peer_costs
                    else (None,) * 3
                ),
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
            line.eligible,
            line.met,
            line.not_met,
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
            Heading("Eligible", "whole", 10),
            Heading("Met", "whole", 10),
            Heading("Not met", "whole", 10),
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


def _alternatives(report: Report) -> Sheet:
    return (
        "If values change",
        "The middle of the payment change if an unconfirmed value turns out otherwise",
        (
            Heading("Clinician", width=30),
            Heading("NPI", width=12),
            Heading("Condition", width=16),
            Heading("If", width=70),
            Heading("Payment change", "dollars", 16),
            Heading("Difference", "dollars"),
        ),
        [
            (who.name, who.npi, who.cohort_title, other.label, other.dollars, other.difference)
            for who in report.clinicians
            for other in who.alternatives
        ],
    )


def _attested(report: Report) -> Sheet:
    return (
        "Attested",
        "What each practice attested: activities, requirements, and sources of Promoting Interoperability points",
        (
            Heading("Practice", width=34),
            Heading("TIN", width=11),
            Heading("Kind", width=14),
            Heading("Item", width=24),
            Heading("Title", width=50),
            Heading("Met", width=8),
            Heading("Earned", "points"),
            Heading("Available", "points"),
        ),
        [
            (practice.organization, practice.tin, kind, line.item, line.title, line.met, line.earned, line.available)
            for practice in report.attestations
            for kind, lines in (
                ("activity", practice.activities),
                ("requirement", practice.requirements),
                ("points", practice.points),
            )
            for line in lines
        ],
    )


def rules_sheet(rules: Sequence[RuleLine]) -> Sheet:
    """The rule values, with how sure each is."""
    unconfirmed = sum(not rule.confirmed for rule in rules)
    return (
        "Rule values",
        f"{unconfirmed} of {len(rules)} values are unconfirmed: not yet read in CMS's own text",
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
            for rule in rules
        ],
    )


def drivers_sheet(tables: Iterable[DriverTable]) -> Sheet:
    """Services against peers."""
    return (
        "Cost drivers",
        "Dollars a year of episode by service category, against peers",
        (
            Heading("Whose", width=36),
            Heading("NPI", width=12),
            Heading("Condition", width=16),
            Heading("Service category", width=40),
            Heading("Episodes", "whole"),
            Heading("Services", "whole"),
            Heading("Dollars a year", "cents"),
            Heading("Peers'", "cents"),
            Heading("Difference", "change_cents"),
        ),
        [
            (
                drivers.name,
                drivers.npi,
                drivers.cohort_title,
                each.category,
                each.episodes,
                each.services,
                each.dollars,
                each.peers_dollars,
                each.difference,
            )
            for drivers in tables
            for each in drivers.drivers
        ],
    )
