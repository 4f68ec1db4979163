"""A clinician's measures beside their benchmarks, and cost beside the peers', as the page shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from openasm.app.look import charts
from openasm.app.look.templatetags.look import cents, signed_cents, words
from openasm.app.published.models import Benchmark, CostCategory, MeasureResult
from openasm.report.content import COUNTING, MeasureLine
from openasm.report.text import cases, peer, points_word, rate
from openasm.report.titles import measure_title

COST = "COST"
MOST_BARS = 12


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """A row of the table: texts in the measure's own unit, points, what counts and why."""

    line: MeasureLine
    own: str
    cases: str
    median: str
    best: str
    badge: str
    pool: str


def category_title(name: str) -> str:
    """A service category as people read it: codes in words, names as they stand.

    >>> category_title("emergency_department"), category_title("Invented category B")
    ('Emergency department', 'Invented category B')
    """
    return name if " " in name or name != name.lower() else words(name)


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """Cost of one service category a year of episode, in cents; difference: above (positive) or below the peers."""

    category: str
    episodes: int
    services: int
    cents: int
    peers: int | None

    @property
    def difference(self) -> int | None:
        """Cents a year above or below the peers; None where there are none."""
        return None if self.peers is None else self.cents - self.peers

    @property
    def relative(self) -> float | None:
        """The difference as a fraction of the peers' cost."""
        return None if not self.peers else (self.cents - self.peers) / self.peers


def measure_rows(results: Iterable[MeasureResult], benchmarks: Iterable[Benchmark]) -> tuple[MeasureRow, ...]:
    """Quality measures in the order published, the cost measure last."""
    of = {(each.measure, each.collection_type): each for each in benchmarks}
    rows = [_row(each, of.get((each.measure, each.collection_type))) for each in results]
    return tuple(sorted(rows, key=lambda row: row.line.measure.startswith(COST)))


def measure_chart(rows: Sequence[MeasureRow]) -> SafeString:
    """Points of each measure that counts, of ten."""
    counted = [row.line for row in rows if row.line.status in COUNTING]
    return charts.bars(
        [
            charts.Bar(
                line.title if line.measure.startswith(COST) else f"{line.measure} {line.title}",
                line.points or 0.0,
                points_word(line),
                "good" if (line.points or 0) >= 7 else "bad" if (line.points or 0) < 4 else "focus",
            )
            for line in counted
        ],
        title="Points of each measure, of ten; the table below holds the numbers",
        largest=10.0,
    )


def category_rows(categories: Iterable[CostCategory]) -> tuple[CategoryRow, ...]:
    """Service categories by what they cost more than the peers'; those without peers last."""
    rows = [
        CategoryRow(each.category, each.episodes, each.services, each.cents_a_year, each.peers_cents_a_year)
        for each in categories
    ]
    return tuple(
        sorted(rows, key=lambda row: (row.difference is None, -(row.difference or 0), -row.cents, row.category))
    )


def category_chart(rows: Sequence[CategoryRow], *, title: str) -> SafeString:
    """Dollars a year above or below the peers by category; where there are no peers, what each costs."""
    against = [row for row in rows if row.difference is not None]
    if against:
        largest = sorted(against, key=lambda row: -abs(row.difference or 0))[:MOST_BARS]
        shown = [row for row in against if row in largest]
        return charts.bars(
            [
                charts.Bar(
                    category_title(row.category),
                    (row.difference or 0) / 100,
                    signed_cents(row.difference),
                    "bad" if (row.difference or 0) > 0 else "good",
                )
                for row in shown
            ],
            title=title,
        )
    return charts.bars(
        [
            charts.Bar(category_title(row.category), row.cents / 100, cents(row.cents), "focus")
            for row in rows[:MOST_BARS]
        ],
        title=title,
    )


def _row(result: MeasureResult, benchmark: Benchmark | None) -> MeasureRow:
    edges = benchmark.edges if benchmark is not None else []
    cost = result.measure.startswith(COST)
    best = 0 if cost else 8  # the edge of the best tenth: the first of a cost measure, else the ninth
    line = MeasureLine(
        measure=result.measure,
        title=measure_title(result.measure),
        collection_type=result.collection_type,
        level=result.level,
        rate=result.rate,
        completeness=result.completeness,
        points=result.points,
        status=result.status,
        reason=result.reason,
        lower_is_better=benchmark is not None and bool(benchmark.inverse),
        eligible=result.eligible,
        met=result.met,
        not_met=result.not_met,
        pool_median=benchmark.median if benchmark is not None else None,
        pool_top=edges[best] if len(edges) > best else None,
        source=benchmark.source if benchmark is not None else "",
    )
    counted = f"{result.eligible:,} episodes" if cost and result.eligible is not None else cases(line)
    pool = f"of {benchmark.pool_size:,} in the pool" if benchmark is not None and benchmark.pool_size else ""
    if benchmark is not None and benchmark.source not in ("pool", "none", ""):
        pool = f"published cut points ({benchmark.source})"
    kinds = {"scored": "good", "zero": "bad", "excluded": "off", "not_used": "off"}
    return MeasureRow(
        line,
        rate(line),
        counted,
        peer(line, "pool_median"),
        peer(line, "pool_top"),
        kinds.get(result.status, "info"),
        pool,
    )
