"""A trend over runs as plain values: `openasm trend` computes it, pages and commands show it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle of the draws and the ends of an 80% and a 95% interval."""

    middle: float
    low80: float
    high80: float
    low95: float
    high95: float


@dataclass(frozen=True, slots=True)
class Point:
    """One value at one time. day: the last day counted; value: rate 0-1, or dollars a year for a cost measure; count: denominator
    or episodes; month: a month's own value, not the year's so far."""

    run: str
    day: str
    measure: str
    unit: str
    count: int
    value: float | None
    month: bool = False


@dataclass(frozen=True, slots=True)
class ForecastLine:
    """Where a measure may stand at the end of the year; interval None with the reason why there is none."""

    measure: str
    unit: str
    year: int
    as_of: str
    now: float | None
    met: int | None
    open: int | None
    lost: int | None
    interval: Interval | None
    why_not: str


@dataclass(frozen=True, slots=True)
class Trend:
    """Points in time order, and the forecast from the last run that has each measure."""

    tin: str
    npi: str
    points: tuple[Point, ...]
    forecasts: tuple[ForecastLine, ...]
    assumptions: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"format": "openasm-trend", "format_version": 1, **asdict(self)}
