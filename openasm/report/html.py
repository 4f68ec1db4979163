"""The report as one self-contained HTML page: no script, nothing loaded, light and dark, screen and paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

from openasm.base.identity import masked
from openasm.report import charts
from openasm.report.content import Clinician, CohortView, DriverTable, PeerCosts, Report
from openasm.report.from_run import report_of
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
    share,
    signed,
    tone,
    words,
)


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
        driver_charts={(each.cohort, each.tin, each.npi): _driver_chart(each) for each in report.drivers},
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
    steps = [charts.Step(step.label, step.points) for step in who.steps]
    if who.final_score is not None:
        steps.append(charts.Step("Final score", who.final_score, total=True))
    shown = [*who.counted, *([who.cost] if who.cost else [])]
    forecast = who.forecast
    return SimpleNamespace(
        waterfall=charts.waterfall(steps, title=f"From categories to the final score of {who.name or who.npi}")
        if steps
        else "",
        measures=charts.measure_points(
            [charts.MeasurePosition(_short(line.label, 48), line.points or 0.0, points_word(line)) for line in shown],
            title="Points of each measure on the scale its benchmark gives",
        )
        if shown
        else "",
        costs=_cost_chart(who.peer_costs),
        payment=charts.histogram(
            who.payment_bars.edges,
            who.payment_bars.counts,
            marker=forecast.dollars.median,
            title="Distribution of the yearly payment change over simulated cohorts",
            axis="payment change, dollars a year",
            money=True,
        )
        if forecast and who.payment_bars
        else "",
        levers=charts.levers(
            [charts.Lever(_short(lever.title, 44), lever.dollars) for lever in forecast.levers],
            title="What each change is worth a year",
        )
        if forecast and forecast.levers
        else "",
    )


def _cost_chart(costs: PeerCosts | None) -> str:
    if costs is None or costs.histogram is None:
        return ""
    return charts.histogram(
        costs.histogram.edges,
        costs.histogram.counts,
        marker=costs.own,
        second=costs.median,
        title="Cost scores of the clinicians who form the benchmark",
        axis="dollars an episode year (blue dashes: yours; grey: the middle)",
        dollars=True,
        width=760,
    )


def _driver_chart(table: DriverTable) -> str:
    return charts.levers(
        [charts.Lever(words(each.category), each.difference or 0.0) for each in table.drivers],
        title=f"Cost of {table.name} by service category, above or below peers",
        axis="dollars a year above or below peers",
        less_is_good=True,
    )


def _cohort_chart(view: CohortView) -> str:
    if not view.scored:
        return ""
    return charts.histogram(
        view.histogram.edges,
        view.histogram.counts,
        marker=view.median_score,
        title=f"Final scores of the {view.title} cohort",
        axis="final score (dashed: the middle one)",
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
    "masked": masked,
}
