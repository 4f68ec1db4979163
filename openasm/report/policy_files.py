"""The policy view as files: a page, a workbook, a JSON document; the same numbers in all three."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from openasm.base.errors import WrongUsage
from openasm.base.files import written_whole
from openasm.report import charts
from openasm.report.book import Heading, Sheet, Value, write_book
from openasm.report.html import filled
from openasm.report.policy import GAIN, LOSS, PERCENTILES, CohortDistribution, PolicyView
from openasm.report.titles import COHORT_TITLES

FORMATS = ("html", "xlsx", "json")
SHOWN = 50  # movers on the page


def write_policy(view: PolicyView, target: Path, *, form: str) -> None:
    """Write the view whole or not at all; WrongUsage for a format there is not."""
    if form == "html":
        text = render(view)
    elif form == "json":
        text = json.dumps(view.as_record(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    elif form == "xlsx":
        write_book(
            target,
            _sheets(view),
            title=f"Policy view: ASM {view.performance_year}",
            version=view.program_version,
        )
        return
    else:
        raise WrongUsage(f"There is no format {form} of the policy view; choose one of {', '.join(FORMATS)}.")
    with written_whole(target) as stream:
        stream.write(text)


def render(view: PolicyView) -> str:
    """The page as text. Equal views give equal text."""
    return filled(
        "policy.html.j2",
        view=view,
        charts={each.cohort: _charts(each) for each in view.distributions},
        percentiles=PERCENTILES,
        movers=[("From gain to cut", view.movers(GAIN, LOSS)), ("From cut to gain", view.movers(LOSS, GAIN))],
        shown=SHOWN,
        titles=COHORT_TITLES,
    )


def _charts(each: CohortDistribution) -> dict[str, str]:
    after = each.after
    return {
        "scores": charts.paired_histogram(
            each.before.scores.edges,
            each.before.scores.counts,
            after.scores.counts if after else None,
            title=f"Final scores above zero of the {each.title} cohort",
            axis="final score",
        ),
        "factors": charts.paired_histogram(
            each.before.factors.edges,
            each.before.factors.counts,
            after.factors.counts if after else None,
            title=f"Payment adjustments of the {each.title} cohort",
            axis="payment adjustment",
            percent=True,
        ),
    }


def _sheets(view: PolicyView) -> list[Sheet]:
    sheets = [_groups(view), _percentiles(view), _histograms(view)]
    if view.compared:
        sheets += [_moves(view)]
    sheets += [_participants(view)]
    if view.compared:
        sheets += [_changes(view)]
    made_up = ["Made-up data: the clinicians, practices and numbers do not exist."] if view.made_up else []
    notes = [*made_up, *view.notes, *(f"Unconfirmed rule value: {name}" for name in view.unconfirmed)]
    made = f"Run {view.run_name}, made {view.made} with OpenASM {view.program_version}. Not a CMS document."
    return [*sheets, ("Notes", made, (Heading("Note", width=120),), [(note,) for note in notes])]


def _groups(view: PolicyView) -> Sheet:
    headings = [
        Heading("Condition", width=18),
        Heading("By", width=28),
        Heading("Group", width=32),
        Heading("Participants", "whole"),
        Heading("Part B paid", "dollars", 18),
    ]
    for suffix in ("", ", changed rules") if view.compared else ("",):
        headings += [
            Heading(f"Mean final score{suffix}", "points"),
            Heading(f"Mean adjustment{suffix}", "factor"),
            Heading(f"Share gaining{suffix}", "percent"),
            Heading(f"Share cut{suffix}", "percent"),
            Heading(f"Dollars{suffix}", "dollars", 18),
            Heading(f"Dollars of Part B{suffix}", "factor"),
        ]
    if view.compared:
        headings += [
            Heading("Difference in dollars", "dollars", 18),
            Heading("Move to a cut", "whole"),
            Heading("Move to a gain", "whole"),
        ]
    rows: list[Sequence[Value]] = []
    for table in view.tables:
        for group in table.groups:
            row: list[Value] = [table.cohort_title, table.kind, group.label, group.participants, group.part_b_paid]
            row += asdict(group.before).values()
            if group.after:
                row += asdict(group.after).values()
                row += [group.after.dollars - group.before.dollars, group.to_cut, group.to_gain]
            rows.append(row)
    return "Groups", "Means are of participants; dollars are a year, all of a group together", headings, rows


def _percentiles(view: PolicyView) -> Sheet:
    headings = [Heading("Condition", width=18), Heading("Rules", width=18)]
    headings += [Heading(f"Final score, {each}th percentile", "points") for each in PERCENTILES]
    headings += [Heading(f"Adjustment, {each}th percentile", "factor") for each in PERCENTILES]
    rows: list[Sequence[Value]] = []
    for each in view.distributions:
        for name, one in (("in the run", each.before), ("changed", each.after)):
            if one is not None:
                scores = one.score_percentiles or (None,) * len(PERCENTILES)
                rows.append([each.title, name, *scores, *one.factor_percentiles])
    return "Percentiles", "Of participants; final scores of those who have one", headings, rows


def _histograms(view: PolicyView) -> Sheet:
    headings = (
        Heading("Condition", width=18),
        Heading("What", width=22),
        Heading("From", "plain"),
        Heading("To", "plain"),
        Heading("In the run", "whole"),
        Heading("Changed rules", "whole"),
    )
    rows: list[Sequence[Value]] = []
    for each in view.distributions:
        for what in ("scores", "factors"):
            before = getattr(each.before, what)
            after = getattr(each.after, what).counts if each.after else (None,) * len(before.counts)
            name = "final score above zero" if what == "scores" else "payment adjustment"
            rows += [
                (each.title, name, low, high, count, other)
                for low, high, count, other in zip(
                    before.edges[:-1], before.edges[1:], before.counts, after, strict=True
                )
            ]
    return "Distributions", "Participants in each bar; an adjustment of 0.01 is one percent", headings, rows


def _moves(view: PolicyView) -> Sheet:
    headings = (
        Heading("Condition", width=18),
        Heading("In the run", width=14),
        Heading("Changed rules", width=14),
        Heading("Participants", "whole"),
        Heading("Dollars a year", "dollars", 18),
        Heading("Changed", "dollars", 18),
    )
    rows = [
        (
            COHORT_TITLES[each.cohort],
            each.before,
            each.after,
            each.participants,
            each.dollars_before,
            each.dollars_after,
        )
        for each in view.moves
    ]
    return "Who moves", "Participants by what happens to their payments", headings, rows


def _participants(view: PolicyView) -> Sheet:
    headings = [
        Heading("Condition", width=18),
        Heading("TIN", width=11),
        Heading("NPI", width=12),
        Heading("Clinician", width=30),
        Heading("Practice", width=34),
        Heading("State", width=8),
        Heading("Part B paid", "dollars"),
    ]
    for suffix in ("", ", changed rules") if view.compared else ("",):
        headings += [
            Heading(f"Final score{suffix}", "points"),
            Heading(f"Adjustment{suffix}", "factor"),
            Heading(f"Dollars{suffix}", "dollars"),
            Heading(f"Payments{suffix}", width=12),
        ]
    rows: list[Sequence[Value]] = []
    for who in view.people:
        row: list[Value] = [
            COHORT_TITLES[who.cohort],
            who.tin,
            who.npi,
            who.name,
            who.organization,
            who.state,
            who.part_b_paid,
        ]
        for outcome in (who.before, who.after):
            if outcome is not None:
                row += [outcome.final_score, outcome.factor, outcome.dollars, outcome.standing]
        rows.append(row)
    return "Participants", "Every participant of the run", headings, rows


def _changes(view: PolicyView) -> Sheet:
    headings = (
        Heading("Name", width=44),
        Heading("Value of", width=44),
        Heading("In the run", width=40),
        Heading("Changed", width=40),
        Heading("Unit", width=18),
        Heading("Citation", width=60),
        Heading("Scores rest on it", width=12),
    )
    rows = [
        (rule.name, rule.title, rule.before, rule.after, rule.unit, rule.citation, rule.used)
        for rule in view.changed_rules
    ]
    return "Changed rules", "Everything else, and every input, is the same", headings, rows
