"""What drives a practice's cost: its services against its peers' in the data, and its costliest episodes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from openasm.episodes.cutting import EPISODE
from openasm.episodes.outcome import OUTLIER, Outcome


@dataclass(frozen=True, slots=True)
class CategoryCost:
    """Cost of one service category in the counted episodes of a TIN or TIN-NPI (npi "" at the level of the TIN).

    dollars_a_year: cents of the category over days of the episodes, times a year; peers_dollars_a_year: the same for all
    other TINs in the data, None without any; episodes: counted ones, whether or not they have the category.
    """

    tin: str
    npi: str
    category: str
    episodes: int
    services: int
    dollars_a_year: float
    peers_dollars_a_year: float | None


def category_costs(result: Outcome) -> list[CategoryCost]:
    """Every category of every TIN and TIN-NPI with counted episodes, by TIN, NPI and falling cost."""
    counted, days = result.counted, result.days
    tins = result.episodes["tin"].to_pylist()
    categories = sorted(set(result.costs["category"].to_pylist()))
    place = {category: number for number, category in enumerate(categories)}
    size = len(tins)
    cents = np.zeros((size, len(categories)), dtype=np.int64)
    services = np.zeros((size, len(categories)), dtype=np.int64)
    episode = result.costs[EPISODE].to_numpy()
    column = np.array([place[each] for each in result.costs["category"].to_pylist()], dtype=np.int64)
    np.add.at(cents, (episode, column), result.costs["cents"].to_numpy())
    np.add.at(services, (episode, column), result.costs["lines"].to_numpy())
    holders: dict[tuple[str, str], list[int]] = {}
    for number in np.flatnonzero(counted).tolist():
        holders.setdefault((tins[number], ""), []).append(number)
    for row in result.attribution.select([EPISODE, "npi", "reason"]).to_pylist():
        if row["reason"] == "attributed" and counted[row[EPISODE]]:
            holders.setdefault((tins[row[EPISODE]], row["npi"]), []).append(row[EPISODE])
    all_cents, all_days = cents[counted].sum(axis=0), int(days[counted].sum())
    year = result.construction.annual_days / 100
    found = []
    for (tin, npi), members in sorted(holders.items()):
        own_tin = holders[tin, ""]
        peer_days = all_days - int(days[own_tin].sum())
        peer_cents = all_cents - cents[own_tin].sum(axis=0)
        own_cents, own_days = cents[members].sum(axis=0), int(days[members].sum())
        own_services = services[members].sum(axis=0)
        dearest_first = sorted(range(len(categories)), key=lambda each: (-int(own_cents[each]), each))
        found += [
            CategoryCost(
                tin=tin,
                npi=npi,
                category=categories[number],
                episodes=len(members),
                services=int(own_services[number]),
                dollars_a_year=float(own_cents[number] / own_days * year),
                peers_dollars_a_year=float(peer_cents[number] / peer_days * year) if peer_days else None,
            )
            for number in dearest_first
            if own_services[number] or peer_cents[number]
        ]
    return found


def costliest(result: Outcome) -> list[tuple[str, int, int]]:
    """The costliest counted episodes a year of each TIN: TIN, rank from 1, episode number.

    As many as the parameter `costliest_episodes` says; equal costs in the order of episodes.
    """
    annualized, tins = result.annualized_cents, result.episodes["tin"].to_pylist()
    numbers = np.flatnonzero(result.counted).tolist()  # in the order of TINs
    found: list[tuple[str, int, int]] = []
    for tin, members in groupby(numbers, key=lambda number: str(tins[number])):
        ranked = sorted(members, key=lambda number: (-int(annualized[number]), number))
        shown = ranked[: result.construction.costliest_episodes]
        found += [(tin, rank, number) for rank, number in enumerate(shown, start=1)]
    return found


def standing_out(result: Outcome) -> list[int]:
    """Numbers of each TIN's episodes far above what was expected: outliers of the cost model and counted ones, highest ratio first.

    The parameter `outlier_timeline_ratio` says how far, `outlier_timelines` how many of a TIN at most; equal ratios in the order of
    episodes.
    """
    least = float(result.construction.outlier_timeline_ratio)
    far = np.nan_to_num(result.ratio, nan=0.0) >= least
    outlier = np.array([reason == OUTLIER for reason in result.reason], bool)
    tins = result.episodes["tin"].to_pylist()
    by_tin: dict[str, list[int]] = {}
    for number in np.flatnonzero((result.counted & far) | outlier).tolist():
        by_tin.setdefault(str(tins[number]), []).append(number)
    found: list[int] = []
    for members in by_tin.values():
        ranked = sorted(members, key=lambda number: (-float(np.nan_to_num(result.ratio[number], nan=0.0)), number))
        found += ranked[: result.construction.outlier_timelines]
    return sorted(found)
