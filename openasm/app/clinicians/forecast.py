"""What the projection says of one participant, as the page shows it: distribution, range, levers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from openasm.app.look import charts
from openasm.app.look.templatetags.look import signed_dollars
from openasm.app.published.models import ProjectionSummary
from openasm.report.titles import measure_title

_NOTHING = 0.005  # of a point of final score: a lever that moves less is not worth a bar


@dataclass(frozen=True, slots=True)
class Lever:
    """One improvement: points of final score and dollars a year, means over the simulated cohorts; all: the others together."""

    title: str
    score: float
    dollars: float
    all: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of the distribution, for the table behind the chart. share: of the simulated cohorts."""

    low: float
    high: float
    share: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A participant's projection. document: its record; `chart` is empty where every draw gives the same, or none was kept."""

    document: dict[str, Any]
    chart: SafeString
    bins: tuple[Bin, ...]
    levers: tuple[Lever, ...]


def forecast_of(projection: ProjectionSummary | None) -> Forecast | None:
    """The forecast; None where the run has none for this participant."""
    if projection is None or projection.document["dollars"]["median"] is None:
        return None
    document = projection.document
    histogram = document.get("dollars_histogram")
    edges, counts = (histogram["edges"], histogram["counts"]) if histogram else ([], [])
    total = sum(counts) or 1
    levers = tuple(
        Lever(_named(each["title"]), each["score"], each["dollars"], each["key"] == "all")
        for each in document["levers"]
        if abs(each["score"]) >= _NOTHING or each["key"] == "all"
    )
    return Forecast(
        document,
        _chart(document, edges, counts),
        tuple(Bin(low, high, count / total) for low, high, count in zip(edges, edges[1:], counts, strict=False)),
        levers,
    )


def _named(title: str) -> str:
    """A lever's title with the measure's short name: the run knows it by its number."""
    found = re.match(r"Measure (\w+): ", title)
    return title if found is None else f"{found[1]} {measure_title(found[1])}: {title[found.end() :]}"


def _chart(document: dict[str, Any], edges: list[float], counts: list[int]) -> SafeString:
    if len(counts) < 2:
        return SafeString("")
    median = document["dollars"]["median"]
    near_zero = (edges[-1] - edges[0]) / 8  # a text under an end would run into the 0 of the axis
    return charts.distribution(
        edges,
        counts,
        title="Payment change over simulated cohorts; the table below holds the numbers",
        marker=median,
        low="" if edges[0] < 0 and -edges[0] < near_zero else signed_dollars(edges[0]),
        high="" if 0 < edges[-1] < near_zero else signed_dollars(edges[-1]),
        middle=f"middle {signed_dollars(median)}",
    )
