"""The report as one self-contained HTML page: no script, nothing loaded, light and dark, screen and paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

from openasm.base.identity import masked
from openasm.base.money import dollars_text
from openasm.report import drawings
from openasm.report.content import Clinician, CohortView, DriverTable, PeerCosts, Report
from openasm.report.drawings import Lever, MeasurePosition, Step
from openasm.report.from_run import report_of
from openasm.report.svg import svg
from openasm.report.text import (
    cases,
    cost_tone,
    dollars,
    factor,
    money,
    peer,
    points,
    points_word,
    rate,
    sentence,
    share,
    signed,
    tone,
    words,
)

HALF, WIDE = 320.0, 460.0  # points: of charts in half the width of a page, and in all of it


def render_run(folder: Path) -> str:
    """The page of a run folder: its cohort, and its participants one by one where they are few."""
    report = report_of(folder)
    return render(report, run_name=report.run_name)


def render(report: Report, *, run_name: str, pages: Sequence[tuple[str, str]] = ()) -> str:
    """The page as text. Equal reports give equal text. run_name: how commands printed in the page name the run; pages: files
    beside it and their titles."""
    forecasts = [who.forecast for who in report.clinicians if who.forecast]
    return filled(
        "run.html.j2",
        report=report,
        run_name=run_name,
        pages=pages,
        charts={who.key: _person_charts(who) for who in report.clinicians},
        cohort_charts={view.cohort: _cohort_chart(view) for view in report.cohorts},
        driver_charts={(each.cohort, each.tin, each.npi): driver_chart(each) for each in report.drivers},
        any_forecast=bool(forecasts),
        total_change=sum(who.change_dollars or 0.0 for who in report.clinicians),
    )


def filled(template: str, **values: object) -> str:
    """A template of this room with its values; everything that is not marked safe is escaped. `style`: the pages' style sheet."""
    import jinja2  # loaded only when a page is made

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("openasm.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    style = resources.files("openasm.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    return environment.get_template(template).render(style=style, **values)


def _person_charts(who: Clinician) -> SimpleNamespace:
    steps = [Step(step.label, step.points) for step in who.steps]
    if who.final_score is not None:
        steps.append(Step("Final score", who.final_score, total=True))
    shown = [*who.counted, *([who.cost] if who.cost else [])]
    forecast = who.forecast
    return SimpleNamespace(
        waterfall=_waterfall(steps, who) if steps else "",
        measures=svg(
            drawings.measure_points(
                [MeasurePosition(_short(line.label, 48), line.points or 0.0, points_word(line)) for line in shown],
                title="Points of each measure on the scale its benchmark gives",
                width=WIDE,
            )
        )
        if shown
        else "",
        costs=_cost_chart(who.peer_costs),
        payment=svg(
            drawings.histogram(
                who.payment_bars.edges,
                who.payment_bars.counts,
                marker=(forecast.dollars.median, f"middle {dollars(forecast.dollars.median)}")
                if forecast.dollars.median is not None
                else None,
                title="Distribution of the yearly payment change over simulated cohorts",
                axis="payment change, dollars a year",
                width=HALF,
                money=True,
            )
        )
        if forecast and who.payment_bars
        else "",
        levers=svg(
            drawings.levers(
                [Lever(_short(lever.title, 44), lever.dollars) for lever in forecast.levers],
                title="What each change is worth a year",
                width=WIDE,
            )
        )
        if forecast and forecast.levers
        else "",
    )


def _waterfall(steps: Sequence[Step], who: Clinician) -> str:
    title = f"From categories to the final score of {who.name or who.npi}"
    return svg(drawings.waterfall(steps, title=title, width=HALF))


def _cost_chart(costs: PeerCosts | None) -> str:
    if costs is None or costs.histogram is None:
        return ""
    return svg(
        drawings.histogram(
            costs.histogram.edges,
            costs.histogram.counts,
            marker=(costs.own, f"yours {money(costs.own)}") if costs.own is not None else None,
            second=(costs.median, f"middle {money(costs.median)}") if costs.median is not None else None,
            title="Cost scores of the clinicians who form the benchmark",
            axis="dollars an episode year; the outer bars hold everything beyond",
            width=WIDE,
        )
    )


def driver_chart(table: DriverTable, *, width: float = WIDE) -> str:
    """A practice's or clinician's costs above and below peers, as `<svg>`; nothing where nobody is there to compare with."""
    if all(each.difference is None for each in table.drivers):
        return ""
    return svg(
        drawings.levers(
            [Lever(words(each.category), each.difference or 0.0) for each in table.drivers],
            title=f"Cost of {table.name} by service category, dollars a year above or below peers",
            width=width,
            less_is_good=True,
        )
    )


def _cohort_chart(view: CohortView) -> str:
    if not view.scored:
        return ""
    return svg(
        drawings.histogram(
            view.histogram.edges,
            view.histogram.counts,
            marker=(view.median_score, f"middle {points(view.median_score)}")
            if view.median_score is not None
            else None,
            title=f"Final scores of the {view.title} cohort",
            axis="final score of participants above zero",
            width=HALF,
        )
    )


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def coded(text: str) -> str:
    """A sentence with its `commands` as code; everything else escaped.

    >>> coded("a < b: `openasm run`")
    'a &lt; b: <code>openasm run</code>'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


_FILTERS: dict[str, Callable[..., str]] = {
    "points": points,
    "signed": signed,
    "factor": factor,
    "share": share,
    "dollars": dollars,
    "money": money,
    "tone": tone,
    "cost_tone": cost_tone,
    "cases": cases,
    "coded": coded,
    "rate": rate,
    "peer": peer,
    "words": words,
    "cents": dollars_text,
    "sentence": sentence,
    "masked": masked,
}
