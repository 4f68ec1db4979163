"""From the stages to results: exclusions in order, models, expected costs, scores. Per-episode arithmetic in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from openasm.episodes.chain import Chain
from openasm.episodes.cutting import EPISODE
from openasm.episodes.design import Design, Flags, Floats, Ints, Marks, RiskFacts
from openasm.episodes.enrollment import AT_START
from openasm.episodes.hcc import condition_categories
from openasm.episodes.regression import Expected, expected_costs
from openasm.episodes.score import MeasureScore, measure_scores
from openasm.episodes.specifications.construction import Construction
from openasm.episodes.specifications.lists import CodesList

OUTLIER = "outlier"
NO_EXPECTED_COST = "no_expected_cost"
TOO_SHORT = "too_short"


@dataclass(frozen=True, eq=False)
class Outcome:
    """Results of a run; arrays of shape (episodes,) in the order of TIN, beneficiary and start.

    episodes: pyarrow table of `cutting.EPISODE_SCHEMA`; observed: cents in the episode; reason: why it is not counted, None
    when it is; expected: winsorized, expected costs and models; attribution, costs: pyarrow tables by episode number;
    national_mean: dollars, None without a counted episode; not_found, without_months: episodes whose person has no row in
    `beneficiaries`, or no month of enrollment around the episode.
    """

    construction: Construction
    episodes: pa.Table
    observed: Ints
    reason: Sequence[str | None]
    subgroup: Sequence[str | None]
    model: Sequence[str | None]
    expected: Expected
    ratio: Floats
    attribution: pa.Table
    costs: pa.Table
    scores: list[MeasureScore]
    national_mean: float | None
    not_found: int
    without_months: int

    @property
    def days(self) -> Ints:
        """Length of each episode."""
        return np.asarray(self.episodes["days"].to_numpy(), dtype=np.int64)

    @property
    def counted(self) -> Flags:
        """Which episodes enter scores."""
        return np.array([reason is None for reason in self.reason], dtype=np.bool_)

    @property
    def annualized_cents(self) -> Ints:
        """Observed cents a year, rounded half up."""
        return (2 * self.observed * self.construction.annual_days + self.days) // (2 * self.days)


def outcome(chain: Chain, codes: CodesList, construction: Construction) -> Outcome:
    """Judge, model and score the episodes of finished stages. As `plain.cost_measure`."""
    episodes = _table(chain, "episodes")
    size = episodes.num_rows
    enrollment, costs = _table(chain, "enrollment"), _table(chain, "costs")
    if not np.array_equal(enrollment[EPISODE].to_numpy(), np.arange(size)):
        raise AssertionError("enrollment has one row an episode")
    days = episodes["days"].to_numpy()
    observed = np.zeros(size, dtype=np.int64)
    np.add.at(observed, costs[EPISODE].to_numpy(), costs["cents"].to_numpy())
    conditions = _table(chain, "conditions")
    exclusion = _first_name(conditions, "exclusion", codes.exclusions, size)
    subgroup = _first_name(conditions, "subgroup", codes.subgroups, size)
    too_short = days < construction.minimum_episode_days
    reason: list[str | None] = [
        standard or named or (TOO_SHORT if short else None)
        for standard, named, short in zip(
            enrollment["standard_exclusion"].to_pylist(), exclusion, too_short.tolist(), strict=True
        )
    ]
    part_d = enrollment["part_d"].to_pylist()
    model = [
        None if why else model_name(own, with_drugs)
        for why, own, with_drugs in zip(reason, subgroup, part_d, strict=True)
    ]
    design = Design(
        condition_categories(construction.hcc_model, construction.hcc_mapping_year), codes.risk_variables, construction
    )
    annualized = observed * construction.annual_days / days
    expected = expected_costs(
        annualized, model, _risk_facts(chain, enrollment, conditions, design, size), design, construction
    )
    with np.errstate(invalid="ignore"):
        ratio = expected.observed / expected.expected
    for place in np.flatnonzero(expected.outlier).tolist():
        reason[place] = OUTLIER
    for place, own in enumerate(model):
        if own and reason[place] is None and np.isnan(ratio[place]):
            reason[place] = NO_EXPECTED_COST
    counted = np.array([why is None for why in reason], dtype=np.bool_)
    attribution = _table(chain, "attribution")
    national = _national_mean(expected.observed[counted], construction)
    held = [
        (episode, npi)
        for episode, npi, why in zip(
            attribution[EPISODE].to_pylist(),
            attribution["npi"].to_pylist(),
            attribution["reason"].to_pylist(),
            strict=True,
        )
        if why == "attributed"
    ]
    scores = measure_scores(days, ratio, counted, episodes["tin"].to_pylist(), held=held, national_mean=national or 0.0)
    return Outcome(
        construction=construction,
        episodes=episodes,
        observed=observed,
        reason=reason,
        subgroup=subgroup,
        model=model,
        expected=expected,
        ratio=ratio,
        attribution=attribution,
        costs=costs,
        scores=scores,
        national_mean=national,
        not_found=int(enrollment["not_found"].to_numpy().sum()),
        without_months=int(enrollment["without_months"].to_numpy().sum()),
    )


def model_name(subgroup: str | None, part_d: bool) -> str:
    """The model an episode belongs to: sub-group by Part D in all months. As `plain.model_name`."""
    return f"{subgroup or 'all'}, {'with' if part_d else 'without'} Part D"


def _national_mean(observed: Floats, construction: Construction) -> float | None:
    """The supplied national mean, else the mean of the counted episodes, in dollars."""
    if construction.national_mean_dollars is not None:
        return float(construction.national_mean_dollars)
    return float(observed.mean()) / 100 if len(observed) else None


def _table(chain: Chain, name: str) -> pa.Table:
    return pq.read_table(chain.path(name))


def _of_purpose(conditions: pa.Table, purpose: str) -> tuple[Ints, list[Any]]:
    rows = [place for place, own in enumerate(conditions["purpose"].to_pylist()) if own == purpose]
    chosen = conditions.take(pa.array(rows, pa.int64()))
    return chosen[EPISODE].to_numpy(), chosen["name"].to_pylist()


def _first_name(conditions: pa.Table, purpose: str, names: Sequence[str], size: int) -> list[str | None]:
    """Of each episode the first name, in workbook order, whose condition holds."""
    order = {name: place for place, name in enumerate(names)}
    first: dict[int, int] = {}
    episodes, held = _of_purpose(conditions, purpose)
    for episode, name in zip(episodes.tolist(), held, strict=True):
        if name in order:
            first[episode] = min(first.get(episode, order[name]), order[name])
    return [names[first[episode]] if episode in first else None for episode in range(size)]


def _risk_facts(chain: Chain, enrollment: pa.Table, conditions: pa.Table, design: Design, size: int) -> RiskFacts:
    categories = _table(chain, "categories")
    numbers = np.array(design.categories.numbers, dtype=np.int64)
    episodes, names = _of_purpose(conditions, "risk")
    order = {name: place for place, name in enumerate(design.variable_names)}
    known = np.array([name in order for name in names], dtype=np.bool_)
    return RiskFacts(
        age=enrollment["age"].to_numpy(),
        at_start={flag: enrollment[flag].to_numpy() for flag in AT_START},
        categories=Marks.of(
            categories[EPISODE].to_numpy(), np.searchsorted(numbers, categories["category"].to_numpy()), size
        ),
        variables=Marks.of(
            episodes[known], np.array([order[name] for name in names if name in order], dtype=np.int64), size
        ),
    )
