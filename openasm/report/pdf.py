"""The report as a PDF: a scorecard a page or two for each clinician, the cohort, what the numbers rest on.

Text stays text (searchable, tagged for screen readers, fonts embedded), charts are vectors; equal reports give equal bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reportlab.platypus import PageBreak, Spacer

from openasm.base.files import written_whole
from openasm.report import drawings
from openasm.report.content import CohortView, Report, RuleLine
from openasm.report.paper import pdf_bytes
from openasm.report.pdf_clinician import attestation_tables, clinician_pages, driver_part
from openasm.report.pdf_parts import (
    KICKER,
    SOFT_BODY,
    WIDTH,
    Story,
    beside,
    cards,
    notice,
    part,
    section,
    table,
    title,
    together,
    words,
)
from openasm.report.tagged import Picture
from openasm.report.text import cases, dollars, factor, points, rate, share

MADE_UP = "Made-up data: the clinicians, practices and numbers in this report do not exist."


def write(report: Report, path: Path, *, run_name: str) -> None:
    """Write the PDF, whole or not at all. Equal reports give equal bytes. run_name: how commands printed in it name the run."""
    content = pdf_bytes(
        _story(report, run_name),
        heading=f"{report.title}: ASM {report.performance_year}",
        version=report.program_version,
        subject=f"Run {report.run_name}. Not a CMS document.",
        foot=f"Run {report.run_name} · performance year {report.performance_year} · made {report.made} with OpenASM "
        f"{report.program_version} · not a CMS document",
        made_up=MADE_UP if report.made_up else "",
    )
    with written_whole(path, "wb") as target:
        target.write(content)


def _story(report: Report, run_name: str) -> Story:
    if report.kind == "clinician":
        return [*_clinician_report(report, run_name), *_grounds(report)]
    return [
        *_head(report),
        *(_practice_overview(report) if report.clinicians else []),
        *_cohorts(report),
        *(
            flowable
            for who in report.clinicians
            for flowable in (PageBreak(), *clinician_pages(report, who, run_name=run_name))
        ),
        *_grounds(report),
    ]


def _clinician_report(report: Report, run_name: str) -> Story:
    story: Story = []
    for place, who in enumerate(report.clinicians):
        if place:
            story.append(PageBreak())
        story += clinician_pages(report, who, run_name=run_name, alone=True)
    story += attestation_tables(report)
    return [*story, *_cohorts(report)]


def _head(report: Report) -> Story:
    story: Story = [
        words(
            f"Ambulatory Specialty Model · performance year {report.performance_year} · payments of {report.payment_year}",
            KICKER,
        ),
        title(report.title),
        Spacer(1, 4),
    ]
    if report.made_up:
        story += notice(MADE_UP)
    for note in report.remarks:
        story += notice(note)
    if report.further_notes:
        story += notice(f"{len(report.further_notes)} remarks on data and method stand at the end.")
    if report.unconfirmed:
        story += notice(
            f"{len(report.unconfirmed)} of {len(report.rules)} rule values are unconfirmed: not yet read in CMS's own text. "
            "They are named at the end; the numbers may change when CMS's text is read."
        )
    return story


def _practice_overview(report: Report) -> Story:
    change = sum(who.change_dollars or 0.0 for who in report.clinicians)
    items = [
        (f"{len(report.clinicians)}", "", "scored entries (clinician, TIN and condition)"),
        (
            dollars(change),
            "good" if change > 0 else "bad" if change < 0 else "",
            f"change in {report.payment_year} payments, all together, as scored",
        ),
    ]
    if report.together:
        items.append(
            (
                f"{dollars(report.together.p5)} to {dollars(report.together.p95)}",
                "",
                "likely range of the practice as a whole (nine of ten simulated cohorts)",
            )
        )
    projected = any(who.forecast for who in report.clinicians)
    headings = ["Clinician", "Condition", "Final score", "Adjustment", "Payment change"]
    if projected:
        headings += ["Likely range", "Chance of a cut"]
    rows = []
    for who in report.clinicians:
        row = [who.name or f"NPI {who.npi}", who.cohort_title, points(who.final_score), factor(who.factor)]
        row.append(dollars(who.change_dollars))
        if projected:
            row += (
                [
                    f"{dollars(who.forecast.dollars.p5)} to {dollars(who.forecast.dollars.p95)}",
                    share(who.forecast.probability_of_cut),
                ]
                if who.forecast
                else ["–", "–"]
            )
        rows.append(row)
    return [
        part("Who is scored"),
        *cards(items),
        table(
            headings,
            rows,
            shares=(20, 14, 9, 10, 12, 20, 10)[: len(headings)],
            numbers=range(2, len(headings)),
        ),
        *_rates(report),
        *driver_part(report.practice_drivers),
        *attestation_tables(report),
        *(words(sentence, SOFT_BODY) for sentence in report.absent),
    ]


def _rates(report: Report) -> Story:
    """Quality rates of the practice's clinicians side by side."""
    story: Story = []
    for rates in report.rates:
        rows = [
            (
                row.name,
                *(rate(line) + (f", {cases(line)}" if cases(line) else "") if line else "–" for line in row.lines),
            )
            for row in rates.rows
        ]
        count = len(rates.titles)
        made = table(("Clinician", *rates.titles), rows, shares=(1.4, *(1.0,) * count), numbers=range(1, count + 1))
        story.append(together(section(f"Quality by clinician: {rates.cohort_title.lower()}"), made))
    return story


def _cohorts(report: Report) -> Story:
    heading = part("The whole cohort" if len(report.cohorts) == 1 else "The whole cohorts")
    return [together(*([heading] if not place else []), *_cohort(view)) for place, view in enumerate(report.cohorts)]


def _cohort(view: CohortView) -> Story:
    facts = [
        words(
            f"{view.participants:,} participants: {view.scored:,} with a final score above zero, {view.zero:,} with zero, "
            f"{view.without_score:,} without a score."
        ),
        words(
            f"Middle final score {points(view.median_score)}; {view.gaining:,} gain, {view.losing:,} lose. All adjustments "
            f"together: {dollars(view.net_dollars)}"
            + (f"; scaling factor {view.scaling_factor:.4f}." if view.scaling_factor else ".")
        ),
    ]
    groups = table(
        ("Practice size", "Participants", "Middle score", "Middle adjustment", "Gaining", "Net dollars"),
        [
            (
                group.label,
                f"{group.participants:,}",
                points(group.median_score),
                factor(group.median_factor),
                share(group.share_gaining),
                dollars(group.net_dollars),
            )
            for group in view.groups
        ],
        shares=(22, 12, 12, 16, 10, 16),
        numbers=range(1, 6),
    )
    if not view.scored:
        return [section(view.title), *facts, groups]
    chart = drawings.histogram(
        view.histogram.edges,
        view.histogram.counts,
        marker=(view.median_score, f"middle {points(view.median_score)}") if view.median_score is not None else None,
        title=f"Final scores of the {view.title} cohort",
        axis="final score of participants above zero",
        width=WIDTH * 0.48,
        height=100,
    )
    return [section(view.title), beside([Picture(*chart)], facts), Spacer(1, 4), groups]


def _grounds(report: Report) -> Story:
    """What the numbers rest on: assumptions, data problems, unconfirmed values, files."""
    story: Story = [PageBreak(), part("What the numbers rest on")]
    if report.assumptions or report.further_notes:
        lines = (*report.further_notes, *report.assumptions)
        story += [section("What was assumed"), *(words(line) for line in lines)]
    story += [section("Data problems")]
    if report.problems:
        story.append(
            table(
                ("Code", "Where", "What", "Found", "What to do"),
                [
                    [
                        str(problem.get("code") or ""),
                        ", ".join(
                            text
                            for text in (
                                str(problem.get("file") or ""),
                                f"row {problem['row']}" if problem.get("row") else "",
                                str(problem.get("column") or ""),
                            )
                            if text
                        ),
                        *(str(problem.get(key) or "") for key in ("title", "found", "next_step")),
                    ]
                    for problem in report.problems
                ],
                shares=(6, 16, 20, 16, 26),
            )
        )
    else:
        story.append(words("None were found in the input files."))
    story += [
        section(f"Unconfirmed rule values ({len(report.unconfirmed)} of {len(report.rules)})"),
        words(
            "Each was taken from the best source at hand and not yet read in the regulation or a CMS publication. The web page and "
            "the workbook of this run list all values with their notes; `--rules FILE.yaml` replaces any of them.",
            SOFT_BODY,
        ),
        _rules(report.unconfirmed),
        section("Made from"),
        table(("File", "SHA-256"), report.inputs, shares=(25, 75)),
    ]
    return story


def _rules(rules: tuple[RuleLine, ...]) -> Any:
    return table(
        ("Value of", "Value", "Unit", "How sure", "Citation"),
        [(rule.title, rule.value, rule.unit, rule.status, rule.citation) for rule in rules],
        shares=(26, 22, 12, 10, 34),
    )
