"""What belongs to a practice or clinician besides the score: attestations, cost among peers, cost drivers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from openasm.archive.projection import Histogram
from openasm.archive.run import Run
from openasm.report.cells import integer, number
from openasm.report.content import (
    Attestations,
    Clinician,
    CostDriver,
    DriverTable,
    ItemLine,
    PeerCosts,
    RateRow,
    RateTable,
)
from openasm.report.groups import Row
from openasm.report.titles import COHORT_TITLES, item_title, measure_title

FEWEST_PEERS = 5  # fewer scores make no distribution
BARS = 24
BEYOND = 0.01  # share of the pool at either end that the outermost bars hold
COST_CATEGORIES = "cost_categories"


def attestations_of(run: Run, organizations: Mapping[str, str]) -> tuple[Attestations, ...]:
    """What each practice attested, in the order given. organizations: TIN to name."""
    practices = {row["tin"]: row for row in run.table("practices").rows()}
    items = run.table("practice_items")

    def lines(tin: str, kind: str) -> tuple[ItemLine, ...]:
        return tuple(
            ItemLine(
                row["item"],
                item_title(row["item"]),
                row["met"] == "yes" if row["met"] else None,
                number(row["earned"]),
                number(row["available"]),
            )
            for row in items.where(tin=tin, kind=kind)
        )

    return tuple(
        Attestations(
            tin=tin,
            organization=organization,
            activities=lines(tin, "activity"),
            requirements=lines(tin, "requirement"),
            points=lines(tin, "points"),
            improvement_adjustment=number(practices[tin]["improvement_adjustment"]),
            interoperability_score=number(practices[tin]["interoperability_score"]),
            interoperability_adjustment=number(practices[tin]["interoperability_adjustment"]),
        )
        for tin, organization in organizations.items()
    )


class CostPools:
    """Cost scores of each cohort's benchmark pool, read once for all clinicians of a report."""

    def __init__(self, run: Run, cohorts: Iterable[str], benchmarks: Iterable[Row]) -> None:
        self._pools: dict[str, list[float]] = {cohort: [] for cohort in cohorts}
        self._benchmarks = {row["cohort"]: row for row in benchmarks if row["measure"].startswith("COST")}
        for row in run.table("measure_scores").rows():
            if row["cohort"] in self._pools and row["measure"].startswith("COST") and row["in_pool"] == "yes":
                self._pools[row["cohort"]].append(float(row["rate"]))

    def peer_costs(self, cohort: str, own: Row | None) -> PeerCosts | None:
        """A clinician's cost among its cohort's; None where the cohort has no cost at all. own: its row of measure_scores."""
        benchmark = self._benchmarks.get(cohort)
        if benchmark is None:
            return None
        pool = self._pools[cohort]
        mine = number(own["rate"]) if own else None
        higher = sum(value > mine for value in pool) / len(pool) if pool and mine is not None else None
        edges = [number(benchmark[f"e{place}"]) for place in range(1, 11)]
        return PeerCosts(
            own=mine,
            episodes=integer(own["eligible"]) if own else None,
            pool_size=len(pool),
            median=number(benchmark["median"]),
            better_share=higher,
            edges=tuple(edge for edge in edges if edge is not None),
            histogram=pool_histogram(pool) if len(pool) >= FEWEST_PEERS else None,
            source=benchmark["source"],
        )


def pool_histogram(pool: Sequence[float]) -> Histogram | None:
    """A pool in equal bars between its outer hundredths; the outermost bars hold everything beyond. None without spread."""
    ordered = sorted(pool)
    low, high = ordered[int(BEYOND * len(ordered))], ordered[-1 - int(BEYOND * len(ordered))]
    if high <= low:
        return None
    width = (high - low) / BARS
    counts = [0] * BARS
    for value in ordered:
        counts[min(BARS - 1, max(0, int((value - low) / width)))] += 1
    return Histogram(tuple(low + width * place for place in range(BARS + 1)), tuple(counts))


def rate_tables(clinicians: Sequence[Clinician]) -> tuple[RateTable, ...]:
    """Quality rates of several clinicians side by side, a table a cohort; none for a single one, whose page has them all."""
    tables = []
    for cohort in dict.fromkeys(who.cohort for who in clinicians):
        members = [who for who in clinicians if who.cohort == cohort]
        measures = list(dict.fromkeys(line.measure for who in members for line in who.measures))
        if len(members) < 2 or not measures:
            continue
        rows = []
        for who in members:
            lines = {line.measure: line for line in who.counted}
            rows.append(RateRow(who.name or f"NPI {who.npi}", who.npi, tuple(lines.get(each) for each in measures)))
        titles = tuple(f"{each} {measure_title(each)}" for each in measures)
        tables.append(RateTable(COHORT_TITLES[cohort], titles, tuple(rows)))
    return tuple(tables)


def driver_tables(run: Run, clinicians: Sequence[Clinician], *, practices: bool) -> tuple[DriverTable, ...]:
    """Cost by service category against peers: the practices shown, then their clinicians; empty where the run has none.

    A table belongs to a cohort. practices: whether the practices as a whole are wanted too (not on a clinician's scorecard).
    """
    if not run.has_table(COST_CATEGORIES) or not clinicians:
        return ()
    found: dict[tuple[str, str, str], list[CostDriver]] = defaultdict(list)
    for row in run.table(COST_CATEGORIES).rows():
        found[row["cohort"], row["tin"], row["npi"]].append(cost_driver(row))
    asked: dict[tuple[str, str, str], str] = {}
    if practices:
        asked |= {(who.cohort, who.tin, ""): f"{who.organization or 'Practice'}, all clinicians" for who in clinicians}
    asked |= {(who.cohort, who.tin, who.npi): who.name or f"NPI {who.npi}" for who in clinicians}
    return tuple(
        DriverTable(
            cohort, COHORT_TITLES[cohort], tin, npi, name, tuple(sorted(found[cohort, tin, npi], key=most_above_peers))
        )
        for (cohort, tin, npi), name in asked.items()
        if (cohort, tin, npi) in found
    )


def cost_driver(row: Row) -> CostDriver:
    """A row of a run's table of cost categories."""
    return CostDriver(
        category=row["category"],
        episodes=int(row["episodes"]),
        services=int(row["services"]),
        dollars=float(row["dollars_a_year"]),
        peers_dollars=number(row["peers_dollars_a_year"]),
    )


def most_above_peers(driver: CostDriver) -> tuple[float, float, str]:
    """The order in which cost drivers are shown."""
    return -(driver.difference or 0.0), -driver.dollars, driver.category
