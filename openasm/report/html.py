"""The report as one self-contained HTML page: no script, nothing loaded, light and dark, screen and paper."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

from openasm.base.identity import masked
from openasm.base.money import dollars_text
from openasm.report import charts
from openasm.report.content import Clinician, CohortView, MeasureLine, Report
from openasm.report.from_run import report_of

MINUS = "−"
NONE = "–"


def render_run(folder: Path) -> str:
    """The page of a run folder: its cohort, and its participants one by one where they are few."""
    report = report_of(folder)
    return render(report, run_name=report.run_name)


def render(report: Report, *, run_name: str) -> str:
    """The page as text. Equal reports give equal text. run_name: how commands printed in the page name the run."""
    import jinja2  # loaded only when a page is made

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("openasm.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    forecasts = [who.forecast for who in report.clinicians if who.forecast]
    return environment.get_template("run.html.j2").render(
        report=report,
        run_name=run_name,
        style=resources.files("openasm.report").joinpath("templates/report.css").read_text(encoding="utf-8"),
        charts={who.key: _person_charts(who) for who in report.clinicians},
        cohort_charts={view.cohort: _cohort_chart(view) for view in report.cohorts},
        any_forecast=bool(forecasts),
        total_change=sum(who.change_dollars or 0.0 for who in report.clinicians),
    )


def _person_charts(who: Clinician) -> SimpleNamespace:
    steps = [charts.Step(step.label, step.points) for step in who.steps]
    if who.final_score is not None:
        steps.append(charts.Step("Final score", who.final_score, total=True))
    shown = [*who.measures, *([who.cost] if who.cost else [])]
    forecast = who.forecast
    return SimpleNamespace(
        waterfall=charts.waterfall(steps, title=f"From categories to the final score of {who.name or who.npi}")
        if steps
        else "",
        measures=charts.measure_points(
            [
                charts.MeasurePosition(
                    _short(f"{line.measure} {line.title}", 48), line.points or 0.0, _points_word(line)
                )
                for line in shown
            ],
            title="Points of each measure on the scale its benchmark gives",
        )
        if shown
        else "",
        payment=charts.histogram(
            forecast.histogram_edges,
            forecast.histogram_shares,
            marker=forecast.dollars.middle,
            title="Distribution of the yearly payment change over simulated cohorts",
            axis="payment change, dollars a year",
            money=True,
        )
        if forecast
        else "",
        levers=charts.levers(
            [charts.Lever(_short(lever.label, 44), lever.dollars) for lever in forecast.levers],
            title="What each change is worth a year",
        )
        if forecast and forecast.levers
        else "",
    )


def _cohort_chart(view: CohortView) -> str:
    if not view.scored:
        return ""
    return charts.histogram(
        view.histogram_edges,
        view.histogram_counts,
        marker=view.median_score,
        title=f"Final scores of the {view.title} cohort",
        axis="final score (dashed: the middle one)",
    )


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _points_word(line: MeasureLine) -> str:
    if line.points is None:
        return "not counted"
    return f"{line.points:.1f} of 10"


def points(value: float | None) -> str:
    """Points with one decimal: `69.1`; a dash when there are none.

    >>> points(69.06), points(None)
    ('69.1', '–')
    """
    return NONE if _absent(value) else f"{value:.1f}".replace("-", MINUS)


def signed(value: float | None) -> str:
    """Points with their sign: `+10.0`.

    >>> signed(-2.5)
    '−2.5'
    """
    return NONE if _absent(value) else f"{value:+.1f}".replace("-", MINUS)


def factor(value: float | None) -> str:
    """A payment factor as a percentage with its sign and four figures of the fraction: `−2.31%`.

    >>> factor(-0.0230625)
    '−2.31%'
    """
    return NONE if value is None or math.isnan(value) else f"{value * 100:+.2f}%".replace("-", MINUS)


def share(value: float | None) -> str:
    """A fraction as a whole percentage; a chance that is not certain is never shown as 0% or 100%.

    >>> share(0.999), share(0.75), share(1.0)
    ('more than 99%', '75%', '100%')
    """
    if value is None or math.isnan(value):
        return NONE
    if 0 < value < 0.005:
        return "under 1%"
    if 0.995 <= value < 1:
        return "more than 99%"
    return f"{value * 100:.0f}%"


def dollars(value: float | None) -> str:
    """Whole dollars with sign: `+$1,250`."""
    return NONE if value is None or math.isnan(value) else dollars_text(value, cents=False, sign=True)


def money(value: float | None) -> str:
    """Whole dollars without a plus sign: `$14,430`."""
    return NONE if value is None or math.isnan(value) else dollars_text(value, cents=False)


def tone(value: float | None) -> str:
    """The class of a number that is good (more money) or bad; the sign says it too, not the colour alone."""
    if value is None or math.isnan(value) or value == 0:
        return ""
    return "good" if value > 0 else "bad"


def rate(line: MeasureLine) -> str:
    """A measure's own value in its unit: percent, dollars, or admissions per 100 person-years."""
    return _in_unit(line, line.rate)


def peer(line: MeasureLine, which: str) -> str:
    """A benchmark value (`pool_median`, `pool_top`) in the measure's unit."""
    return _in_unit(line, getattr(line, which))


def _in_unit(line: MeasureLine, value: float | None) -> str:
    if value is None or math.isnan(value):
        return NONE
    if line.measure.startswith("COST"):
        return money(value)
    if line.collection_type == "claims":
        return f"{value:.1f} per 100"
    return f"{value * 100:.1f}%"


def words(status: str) -> str:
    """A status as people read it: `not_used` as `not used`."""
    return status.replace("_", " ")


def _absent(value: float | None) -> bool:
    return value is None or math.isnan(value)


_FILTERS: dict[str, Callable[..., str]] = {
    "points": points,
    "signed": signed,
    "factor": factor,
    "share": share,
    "dollars": dollars,
    "money": money,
    "tone": tone,
    "rate": rate,
    "peer": peer,
    "words": words,
    "masked": masked,
}
