"""The report on `openasm episodes` as an Excel workbook: the same numbers as the page, one sheet a table; all practices by name."""

from __future__ import annotations

from pathlib import Path

from openasm.report.book import Heading, Sheet, write_book
from openasm.report.content import RuleLine
from openasm.report.episodes_content import EpisodesReport
from openasm.report.text import words
from openasm.report.workbook import drivers_sheet, rules_sheet


def write(report: EpisodesReport, path: Path) -> None:
    """Write the workbook, whole or not at all, for its owner alone. Equal reports give equal bytes."""
    write_book(
        path,
        _sheets(report),
        title=f"{report.title}: episode cost {report.year}",
        version=report.program_version,
        private=True,
    )


def _sheets(report: EpisodesReport) -> list[Sheet]:
    rules: dict[str, RuleLine] = {rule.name: rule for view in report.cohorts for rule in view.rules}
    return [
        _groups(report),
        drivers_sheet(each for view in report.cohorts for each in view.drivers),
        _costliest(report),
        _timelines(report),
        _reasons(report),
        _models(report),
        _warnings(report),
        rules_sheet(tuple(rules.values())),
        _made_from(report),
    ]


def _groups(report: EpisodesReport) -> Sheet:
    years = report.cohorts[0].mips_years
    return (
        "Cost and score",
        f"Episodes that end in {report.year}. MIPS points are by CMS's published MIPS cut points and are not ASM's",
        (
            Heading("Condition", width=16),
            Heading("TIN", width=11),
            Heading("NPI", width=12),
            Heading("Episodes", "whole"),
            Heading("Score", "cents"),
            Heading("Mean cost a year", "cents"),
            Heading("Lowest", "cents"),
            Heading("Highest", "cents"),
            *(Heading(f"MIPS {year} points", "points") for year in years),
        ),
        [
            (
                *(view.title, each.tin, each.npi, each.episodes, each.score),
                *(each.mean, each.lowest, each.highest, *each.mips),
            )
            for view in report.cohorts
            for each in view.groups
        ],
    )


def _costliest(report: EpisodesReport) -> Sheet:
    return (
        "Costliest episodes",
        "Patients are numbered; who they are stands in patients/costliest.parquet under TIN and rank",
        (
            Heading("Condition", width=16),
            Heading("Patient", "whole"),
            Heading("TIN", width=11),
            Heading("Rank there", "whole"),
            Heading("Clinicians (NPI)", width=26),
            Heading("Sub-group", width=24),
            Heading("Days", "whole"),
            Heading("Cost", "cents"),
            Heading("Cost a year", "cents"),
            Heading("Expected a year", "cents"),
            Heading("Ratio", "plain"),
        ),
        [
            (
                *(view.title, each.patient, each.tin, each.rank, ", ".join(each.npis), each.subgroup, each.days),
                *(each.observed, each.annualized, each.expected, each.ratio),
            )
            for view in report.cohorts
            for each in view.costliest
        ],
    )


def _timelines(report: EpisodesReport) -> Sheet:
    return (
        "Day by day",
        "Services of the costliest episodes; day 1 is the episode's first",
        (
            Heading("Condition", width=16),
            Heading("Patient", "whole"),
            Heading("TIN", width=11),
            Heading("Rank there", "whole"),
            Heading("Day", "whole", 8),
            Heading("Setting", width=16),
            Heading("Service category", width=36),
            Heading("Code", width=14),
            Heading("Billed by (NPI)", width=16),
            Heading("Cost", "cents"),
        ),
        [
            (
                *(view.title, each.patient, each.tin, each.rank, one.day, words(one.setting), one.category),
                *(one.code, one.npi, one.dollars),
            )
            for view in report.cohorts
            for each in view.costliest
            for one in each.services
        ],
    )


def _reasons(report: EpisodesReport) -> Sheet:
    return (
        "Which episodes count",
        "In the whole run; names in capitals are exclusions of the codes list",
        (Heading("Condition", width=16), Heading("Episodes are", width=40), Heading("How many", "whole")),
        [(view.title, reason, count) for view in report.cohorts for reason, count in view.reasons],
    )


def _models(report: EpisodesReport) -> Sheet:
    return (
        "Models",
        "What expected costs rest on",
        (
            Heading("Condition", width=16),
            Heading("Model", width=40),
            Heading("Rests on", width=26),
            Heading("Episodes", "whole"),
            Heading("Outliers left out", "whole"),
        ),
        [
            (view.title, model.name, model.basis, model.episodes, model.outliers)
            for view in report.cohorts
            for model in view.models
        ],
    )


def _warnings(report: EpisodesReport) -> Sheet:
    return (
        "Before you use them",
        "Warnings of the run and remarks on the method",
        (
            Heading("Condition", width=16),
            Heading("Code", width=8),
            Heading("What", width=60),
            Heading("Found", width=60),
            Heading("Expected", width=40),
            Heading("What to do", width=60),
        ),
        [
            *(
                (view.title, each.code, each.title, "; ".join(each.found), each.expected, each.next_step)
                for view in report.cohorts
                for each in view.warnings
            ),
            *((view.title, "", note, "", "", "") for view in report.cohorts for note in view.notes),
        ],
    )


def _made_from(report: EpisodesReport) -> Sheet:
    made_up = [("", "Note", "Made-up data: the clinicians, practices and numbers in this report do not exist.")]
    return (
        "Made from",
        f"Made {report.made} with OpenASM {report.program_version}. Not a CMS document.",
        (Heading("Condition", width=16), Heading("File", width=30), Heading("SHA-256", width=70)),
        [
            *(made_up if report.made_up else []),
            *((view.title, *each) for view in report.cohorts for each in view.inputs),
        ],
    )
