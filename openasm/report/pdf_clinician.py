"""One clinician's part of a PDF: the page for the wall, and what lies behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reportlab.platypus import Spacer

from openasm.base.identity import masked
from openasm.report import drawings
from openasm.report.content import Attestations, Clinician, DriverTable, ItemLine, PeerCosts, Report
from openasm.report.drawings import Lever, MeasurePosition, Step
from openasm.report.pdf_parts import (
    BODY,
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
from openasm.report.text import (
    dollars,
    factor,
    money,
    peer,
    points,
    points_word,
    rate,
    share,
    signed,
    tone,
)
from openasm.report.text import (
    words as plain_words,
)

HALF = WIDTH / 2 - 6


def clinician_pages(report: Report, who: Clinician, *, run_name: str, alone: bool = False) -> Story:
    """A clinician's pages. run_name: how commands name the run; alone: the document is this clinician's own, so its title is the name."""
    name = who.name or f"NPI {who.npi}"
    facts = [f"NPI {who.npi}", f"TIN {masked(who.tin).replace('•', '*')}"]
    facts += [text for text in (who.organization, who.state) if text]
    if who.clinicians_in_tin:
        facts.append(f"{who.clinicians_in_tin} clinician{'' if who.clinicians_in_tin == 1 else 's'} in the TIN")
    facts.append(f"Part B paid {money(who.part_b_paid)}")
    story: Story = []
    if alone:
        story.append(
            words(
                f"Ambulatory Specialty Model · performance year {report.performance_year} · payments of {report.payment_year}",
                KICKER,
            )
        )
    story += [title(name) if alone else part(f"{name}, {who.cohort_title.lower()}")]
    story.append(words((f"{who.cohort_title} · " if alone else "") + " · ".join(facts), SOFT_BODY))
    story.append(Spacer(1, 4))
    story += _notices(report) if alone else []
    story += cards(_numbers(report, who))
    story.append(beside(*_charts(who)))
    story += _measure_bars(who)
    if who.peer_costs:
        story.append(together(*_peer_costs(who.peer_costs)))
    story += _measure_table(who)
    story += _behind(report, who, run_name)
    return story


def _notices(report: Report) -> Story:
    story: Story = []
    if report.made_up:
        story += notice("Made-up data: this clinician, practice and cohort do not exist.")
    for note in report.remarks:
        story += notice(note)
    if report.unconfirmed:
        story += notice(
            f"{len(report.unconfirmed)} of {len(report.rules)} rule values behind these numbers are unconfirmed; they are named "
            "at the end."
        )
    return story


def _numbers(report: Report, who: Clinician) -> list[tuple[str, str, str]]:
    items = [
        (points(who.final_score), "", "final score of 100"),
        (factor(who.factor), tone(who.change_dollars), f"on every Part B payment in {report.payment_year}"),
        (dollars(who.change_dollars), tone(who.change_dollars), "a year, at the Part B payments given"),
    ]
    if who.forecast:
        items.append((share(who.forecast.probability_of_cut), "", "chance of a cut over simulated cohorts"))
    return items


def _charts(who: Clinician) -> tuple[Sequence[Any], Sequence[Any]]:
    left: list[Any] = [section("From categories to final score")]
    if who.steps:
        steps = [Step(step.label, step.points) for step in who.steps]
        if who.final_score is not None:
            steps.append(Step("Final score", who.final_score, total=True))
        left.append(Picture(*drawings.waterfall(steps, title="From categories to the final score", width=HALF)))
    else:
        left.append(words(f"{who.status_text}."))
    right: list[Any] = [section("Payment change and how sure it is")]
    forecast = who.forecast
    if forecast and who.payment_bars:
        chart = drawings.histogram(
            who.payment_bars.edges,
            who.payment_bars.counts,
            marker=(forecast.dollars.median or 0.0, f"middle {dollars(forecast.dollars.median)}"),
            title="Payment change over simulated cohorts",
            axis="change in dollars a year",
            width=HALF,
            height=104,
            money=True,
        )
        right += [
            Picture(*chart),
            words(
                f"Nine of ten simulated cohorts: {dollars(forecast.dollars.p5)} to {dollars(forecast.dollars.p95)}. One more "
                f"point of final score is worth about {dollars(forecast.point_dollars)} a year.",
                SOFT_BODY,
            ),
        ]
    elif forecast:
        right.append(
            words(
                f"Nine of ten simulated cohorts: {dollars(forecast.dollars.p5)} to {dollars(forecast.dollars.p95)}, "
                f"{dollars(forecast.dollars.median)} in the middle.",
                BODY,
            )
        )
    else:
        right.append(words("Not projected yet: `openasm project` shows the range and what would help most.", SOFT_BODY))
    return left, right


def _measure_bars(who: Clinician) -> Story:
    lines = (*who.counted, *([who.cost] if who.cost else []))
    if not lines:
        return []
    chart = drawings.measure_points(
        [MeasurePosition(line.label, line.points or 0.0, points_word(line)) for line in lines],
        title="Points of each measure on the scale its benchmark gives",
        width=WIDTH,
    )
    return [together(section("Each measure against its benchmark"), Picture(*chart))]


def _measure_table(who: Clinician) -> Story:
    rows = [
        (
            line.label + (" (lower is better)" if line.lower_is_better else ""),
            rate(line),
            peer(line, "pool_median"),
            peer(line, "pool_top"),
            share(line.completeness),
            points(line.points),
            plain_words(line.status) + (f": {line.reason}" if line.reason else ""),
        )
        for line in (*who.measures, *([who.cost] if who.cost else []))
    ]
    if not rows:
        return []
    return [
        section("The measures in numbers"),
        table(
            ("Measure", "Yours", "Peers' middle", "Best tenth", "Complete", "Points", "What counts"),
            rows,
            shares=(30, 11, 12, 11, 9, 7, 30),
            numbers=range(1, 6),
        ),
    ]


def _peer_costs(costs: PeerCosts) -> Story:
    sentence = f"{costs.pool_size:,} clinicians form the benchmark; their middle is {money(costs.median)}."
    if costs.own is not None:
        sentence = f"Yours is {money(costs.own)} over {costs.episodes or 0:,} episodes. " + sentence
    if costs.better_share is not None:
        sentence = f"{sentence[:-1]}, and {share(costs.better_share)} of them cost more."
    if costs.source not in ("pool", "none"):
        sentence += f" Points come from published cut points ({costs.source}), not from this distribution."
    if costs.histogram is None:
        return [section("Cost against peers"), words(sentence)]
    chart = drawings.histogram(
        costs.histogram.edges,
        costs.histogram.counts,
        marker=(costs.own, f"yours {money(costs.own)}") if costs.own is not None else None,
        second=(costs.median, f"middle {money(costs.median)}") if costs.median is not None else None,
        title="Cost among the cohort",
        axis="cost score in dollars an episode year; the outer bars hold everything beyond",
        width=WIDTH,
        height=96,
    )
    return [section("Cost against peers"), Picture(*chart), words(sentence, SOFT_BODY)]


def _behind(report: Report, who: Clinician, run_name: str) -> Story:
    story: Story = []
    if who.steps:
        rows = [(step.label, signed(step.points), step.how) for step in who.steps]
        rows.append(("Final score", points(who.final_score), "held between 0 and 100"))
        story.append(
            together(
                section("How the score adds up"),
                table(("Step", "Points", "How"), rows, shares=(25, 12, 63), numbers=(1,), total=True),
            )
        )
    story += driver_part(report.drivers_of(who))
    forecast = who.forecast
    if forecast and forecast.levers:
        bars = drawings.levers(
            [Lever(lever.title, lever.dollars) for lever in forecast.levers],
            title="What each change is worth a year",
            width=WIDTH,
        )
        story += [
            together(section("What would help most"), Picture(*bars)),
            Spacer(1, 3),
            table(
                ("Change", "Final score", "A year"),
                [(lever.title, signed(lever.score), dollars(lever.dollars)) for lever in forecast.levers],
                shares=(70, 15, 15),
                numbers=(1, 2),
            ),
        ]
    if forecast:
        story.append(
            together(
                section("Range of results"),
                table(
                    ("", "Low (5th percentile)", "Middle", "High (95th percentile)"),
                    [
                        (label, *(write(value) for value in (spread.p5, spread.median, spread.p95)))
                        for label, spread, write in (
                            ("Final score", forecast.final_score, points),
                            ("Adjustment", forecast.factor, factor),
                            ("Payment change", forecast.dollars, dollars),
                        )
                    ],
                    shares=(28, 24, 24, 24),
                    numbers=(1, 2, 3),
                ),
            )
        )
    if who.alternatives:
        story += [
            section("If an unconfirmed value turns out otherwise"),
            table(
                ("If", "Middle change", "Difference"),
                [(other.label, dollars(other.dollars), dollars(other.difference)) for other in who.alternatives],
                shares=(72, 16, 12),
                numbers=(1, 2),
                plain=True,
            ),
        ]
    story.append(
        words(
            f"Every step with its rule, citation and arithmetic: `openasm explain {run_name} --tin {who.tin} --npi {who.npi}`",
            SOFT_BODY,
        )
    )
    return story


def driver_part(tables: Sequence[DriverTable]) -> Story:
    """Cost by service category against peers."""
    story: Story = []
    for drivers in tables:
        bars = drawings.levers(
            [Lever(plain_words(each.category), each.difference or 0.0) for each in drivers.drivers],
            title="Dollars a year above or below peers by service category",
            width=WIDTH,
            less_is_good=True,
        )
        heading = section(f"What drives cost: {drivers.name}, {drivers.cohort_title.lower()}")
        story.append(together(heading, Picture(*bars), Spacer(1, 3), _drivers(drivers)))
    return story


def _drivers(drivers: DriverTable) -> Any:
    return table(
        ("Service category", "Episodes", "Services", "Dollars a year", "Peers'", "Difference"),
        [
            (
                plain_words(each.category),
                f"{each.episodes:,}",
                f"{each.services:,}",
                money(each.dollars),
                money(each.peers_dollars),
                dollars(each.difference),
            )
            for each in drivers.drivers
        ],
        shares=(36, 12, 12, 14, 14, 14),
        numbers=range(1, 6),
    )


def attestation_tables(report: Report) -> Story:
    """What each practice attested."""
    story: Story = []
    for practice in report.attestations:
        name = practice.organization or f"TIN {masked(practice.tin).replace('•', '*')}"
        story.append(together(section(f"Attested by {name}"), *_attested(practice)))
    return story


def _attested(practice: Attestations) -> Story:
    summary = (
        f"Improvement activities {signed(practice.improvement_adjustment)} points; Promoting Interoperability score "
        f"{points(practice.interoperability_score)} of 100, {signed(practice.interoperability_adjustment)} points on the final score."
    )
    met = [
        (each.title, _code(each), "yes" if each.met else "no")
        for each in (*practice.activities, *practice.requirements)
    ]
    earned = [(each.title, _code(each), _earned(each)) for each in practice.points]
    return [
        words(summary),
        beside(
            [table(("Activity or requirement", "Item", "Met"), met, shares=(62, 26, 12), width=HALF)],
            [table(("Source of points", "Item", "Points"), earned, shares=(54, 22, 24), numbers=(2,), width=HALF)]
            if earned
            else [],
        ),
    ]


def _code(each: ItemLine) -> str:
    """The item's code where it is one of CMS's; words of our own say nothing more than the title."""
    return each.item if each.item.isupper() else ""


def _earned(each: ItemLine) -> str:
    if each.available is None:
        return points(each.earned)
    return f"{points(each.earned)} of {points(each.available)}"
