"""The report on `openasm episodes` as one self-contained page, in the charts, tables and style of the other reports."""

from __future__ import annotations

from collections.abc import Sequence

from openasm.report import drawings
from openasm.report.episodes_content import CostlyEpisode, EpisodesReport, Service
from openasm.report.html import HALF, WIDE, driver_chart, filled
from openasm.report.svg import svg
from openasm.report.text import words

MOST_LINES = 8  # categories with a line of their own in a timeline; further ones share the last


def render(report: EpisodesReport, *, run_name: str) -> str:
    """The page as text. Equal reports give equal text. run_name: how commands printed in the page name the run or runs."""
    return filled(
        "episodes.html.j2",
        report=report,
        run_name=run_name,
        driver_charts={key: driver_chart(table, width=HALF) for key, table in report.drivers_by_key().items()},
        timelines={each.key: timeline_chart(each) for view in report.cohorts for each in view.costliest},
    )


def timeline_chart(episode: CostlyEpisode) -> str:
    """An episode's services day by day as `<svg>`; nothing where none is assigned to it."""
    if not episode.services:
        return ""
    dearest_first = [name for name, _, _ in episode.categories]
    alone = dearest_first if len(dearest_first) <= MOST_LINES else dearest_first[: MOST_LINES - 1]
    rows = [(words(name), _days(episode.services, (name,))) for name in alone]
    if len(alone) < len(dearest_first):
        rows.append(("all others", _days(episode.services, dearest_first[len(alone) :])))
    title = f"Services of patient {episode.patient} over {episode.days} days"
    return svg(drawings.timeline(rows, days=episode.days, title=title, width=WIDE))


def _days(services: Sequence[Service], categories: Sequence[str]) -> list[tuple[int, float]]:
    return [(each.day, each.dollars) for each in services if each.category in categories]
