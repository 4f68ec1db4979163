"""Promoting Interoperability, 42 CFR 512.740: a score of 0-100 by the MIPS method, and what it takes off the final score.

First what is required, then points, moved where a measure is excluded. All arrays have the shape `(tins,)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from openasm.base.parameters import Rules
from openasm.regulation.arrays import BoolArray, FloatArray, IntArray
from openasm.regulation.attestations import Answer, Attestations, AttestedItem, days_within
from openasm.regulation.choices import chosen

PARAMETERS = (
    "interoperability.period_days",
    "interoperability.certified_technology",
    "interoperability.incomplete_score",
    "interoperability.reported_per",
    "interoperability.required_measures",
    "interoperability.exchange_options",
    "interoperability.required_attestations",
    "interoperability.proportion_measures",
    "interoperability.measures_with_exclusion",
    "interoperability.points",
    "interoperability.public_health_measures",
    "interoperability.bonus_measures",
    "interoperability.bonus_points",
    "interoperability.score_cap",
    "interoperability.proportion_rounding",
    "interoperability.least_points_with_numerator",
    "interoperability.moves",
    "interoperability.largest_deduction",
    "interoperability.adjustment_form",
    "interoperability.hardship_reweighting",
)

EXCHANGE = "health_information_exchange"  # the objective, of which one way is enough
PUBLIC_HEALTH = "public_health"  # the objective of two measures with points in common
BONUS = "bonus"


@dataclass(frozen=True, slots=True, eq=False)
class InteroperabilityResult:
    """Promoting Interoperability over TINs, shape (tins,)."""

    score: FloatArray  # 0-100
    adjustment: FloatArray  # -10..0 on the final score
    requirements: Mapping[str, BoolArray]  # item (or objective) -> met; any unmet one makes the score 0
    earned: Mapping[str, FloatArray]  # points by measure or objective, before cap and requirements
    available: Mapping[str, FloatArray]  # what could be earned, after excluded measures' points have moved


def items_of(rules: Rules) -> tuple[str, ...]:
    """Every item id that Promoting Interoperability knows, in the order of the rule.

    >>> from openasm.regulation.rulebook import rules_for
    >>> items_of(rules_for(2027))[:3]
    ('CEHRT', 'PI_EP_1', 'PI_EP_2')
    """
    names = [
        rules["interoperability.certified_technology"].text,
        *rules["interoperability.required_measures"].texts,
        *(item for option in _options(rules).values() for item in option),
        *rules["interoperability.required_attestations"].texts,
        *rules["interoperability.bonus_measures"].texts,
    ]
    return tuple(dict.fromkeys(names))


def score_interoperability(attestations: Attestations, *, tins: int, rules: Rules) -> InteroperabilityResult:
    """The PI score and adjustment of each TIN. Citation: 42 CFR 512.740; parameters: PARAMETERS of this module.

    Requires certified technology over at least 180 continuous days of the year, every required measure reported (a proportion
    with a denominator above 0, otherwise `yes`) or excluded where an exclusion exists, one way of exchange, and `yes` to the
    attestations; otherwise the score is 0. Of several ways of exchange the one with most points in all counts.

    The surprise: a numerator of 0 is a report worth 0 points, while a missing numerator makes the whole score 0.
    """
    chosen(rules, "interoperability.reported_per")
    answers = _Answers(attestations, tins, rules)
    options = _options(rules)
    requirements = _requirements(answers, options, rules)
    best = _Points.none(tins)
    for way in options.values():
        best = best.or_better(_points_by_way(answers, way, rules))
    total = np.minimum(best.total, rules["interoperability.score_cap"].number)
    complete = np.logical_and.reduce(list(requirements.values()))
    score = np.where(complete, total, rules["interoperability.incomplete_score"].number)
    adjustment = interoperability_adjustment(score, rules)
    return InteroperabilityResult(score, adjustment, requirements, best.earned, best.available)


def interoperability_adjustment(score: FloatArray, rules: Rules) -> FloatArray:
    """Points on the final score, -10 x (1 - PI score / 100); any shape.

    >>> from openasm.regulation.rulebook import rules_for
    >>> interoperability_adjustment(np.array([0.0, 75.0, 100.0]), rules_for(2027)).tolist()
    [-10.0, -2.5, 0.0]
    """
    chosen(rules, "interoperability.adjustment_form")
    cap = rules["interoperability.score_cap"].number
    return rules["interoperability.largest_deduction"].number * (1 - score / cap) + 0.0  # no negative zero


def reweighting_possible(rules: Rules) -> bool:
    """Whether hardship exceptions or automatic reweighting exist (`interoperability.hardship_reweighting`)."""
    return rules["interoperability.hardship_reweighting"].flag


class _Answers:
    """The attestations, asked item by item."""

    def __init__(self, attestations: Attestations, tins: int, rules: Rules) -> None:
        self.tins = tins
        self.rules = rules
        self._attestations = attestations
        self._none = AttestedItem.unanswered(tins)
        self._proportions = rules["interoperability.proportion_measures"].texts
        self._with_exclusion = rules["interoperability.measures_with_exclusion"].texts

    def item(self, name: str) -> AttestedItem:
        return self._attestations.get(name, self._none)

    def yes(self, name: str) -> BoolArray:
        return np.asarray(self.item(name).answer == Answer.YES)

    def excluded(self, name: str) -> BoolArray:
        """Excluded, where the measure has an exclusion; elsewhere the word has no effect."""
        if name not in self._with_exclusion:
            return np.zeros(self.tins, dtype=np.bool_)
        return np.asarray(self.item(name).answer == Answer.EXCLUDED)

    def is_proportion(self, name: str) -> bool:
        return name in self._proportions

    def reported(self, name: str) -> BoolArray:
        """A proportion with numerator and denominator and not answered `no` or `excluded`; otherwise a `yes`."""
        if not self.is_proportion(name):
            return self.yes(name)
        item = self.item(name)
        open_answer = (item.answer == Answer.NONE) | (item.answer == Answer.YES)
        return np.asarray(open_answer & (item.numerator >= 0) & (item.denominator > 0))

    def settled(self, name: str) -> BoolArray:
        return self.reported(name) | self.excluded(name)

    def points(self, name: str, available: FloatArray) -> FloatArray:
        """Points of one measure that has `available` points: a share for proportions, all for a `yes`."""
        reported = self.reported(name)
        if not self.is_proportion(name):
            return np.where(reported, available, 0.0)
        chosen(self.rules, "interoperability.proportion_rounding")
        item = self.item(name)
        numerator, denominator = np.where(reported, item.numerator, 0), np.where(reported, item.denominator, 1)
        whole = _rounded_share(available, numerator, denominator)
        least = self.rules["interoperability.least_points_with_numerator"].number
        return np.where(numerator > 0, np.maximum(whole, np.minimum(least, available)), 0.0)


def _requirements(answers: _Answers, options: Mapping[str, Sequence[str]], rules: Rules) -> dict[str, BoolArray]:
    technology = rules["interoperability.certified_technology"].text
    row = answers.item(technology)
    days = days_within(row.start, row.end, year=rules.year)
    met = {
        technology: answers.yes(technology),
        f"{technology} period": np.asarray(days >= rules["interoperability.period_days"].integer),
    }
    for measure in rules["interoperability.required_measures"].texts:
        met[measure] = answers.settled(measure)
    met[EXCHANGE] = np.logical_or.reduce([_settled_way(answers, way) for way in options.values()])
    for attestation in rules["interoperability.required_attestations"].texts:
        met[attestation] = answers.yes(attestation)
    return met


def _settled_way(answers: _Answers, way: Sequence[str]) -> BoolArray:
    return np.asarray(np.logical_and.reduce([answers.settled(measure) for measure in way]))


@dataclass(frozen=True, slots=True, eq=False)
class _Points:
    """Points by measure and objective, those that can be earned and those earned, shape (tins,)."""

    total: FloatArray
    rank: FloatArray  # the total where the way of exchange was reported; -1 where not
    available: Mapping[str, FloatArray]
    earned: Mapping[str, FloatArray]

    @classmethod
    def none(cls, tins: int) -> _Points:
        return cls(np.zeros(tins), np.full(tins, -2.0), {}, {})

    def or_better(self, other: _Points) -> _Points:
        """The other points where they rank higher."""
        better = other.rank > self.rank

        def merged(mine: Mapping[str, FloatArray], others: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
            nothing = np.zeros(len(self.total))
            names = dict.fromkeys((*mine, *others))
            return {name: np.where(better, others.get(name, nothing), mine.get(name, nothing)) for name in names}

        return _Points(
            np.where(better, other.total, self.total),
            np.where(better, other.rank, self.rank),
            merged(self.available, other.available),
            merged(self.earned, other.earned),
        )


def _points_by_way(answers: _Answers, way: Sequence[str], rules: Rules) -> _Points:
    """Points when health information is exchanged in one of the possible ways."""
    available = _available(answers, way, rules)
    public_health = rules["interoperability.public_health_measures"].texts
    own_points = [name for name in rules["interoperability.required_measures"].texts if name not in public_health]
    earned = {measure: answers.points(measure, available[measure]) for measure in (*own_points, *way)}
    settled = np.logical_and.reduce([answers.settled(measure) for measure in public_health])
    earned[PUBLIC_HEALTH] = np.where(settled, available[PUBLIC_HEALTH], 0.0)
    bonus = np.logical_or.reduce([answers.yes(measure) for measure in rules["interoperability.bonus_measures"].texts])
    earned[BONUS] = np.where(bonus, rules["interoperability.bonus_points"].number, 0.0)
    total = sum(earned.values(), np.zeros(answers.tins))
    return _Points(total, np.where(_settled_way(answers, way), total, -1.0), available, earned)


def _available(answers: _Answers, way: Sequence[str], rules: Rules) -> dict[str, FloatArray]:
    """Points that can be earned with one way of exchange, after the moves of `interoperability.moves`, made in order.

    What moves to the exchange objective is shared by the way's measures in proportion to their own points.
    """
    own = _points_table(rules)
    exchange = {measure for each in _options(rules).values() for measure in each}
    counted = [name for name in own if name not in exchange or name in way]
    available = {name: np.full(answers.tins, float(own[name])) for name in counted}
    for source, destination in rules["interoperability.moves"].table.items():
        if source not in available:
            continue
        if source == PUBLIC_HEALTH:
            measures = rules["interoperability.public_health_measures"].texts
            leaves = np.asarray(np.logical_and.reduce([answers.excluded(measure) for measure in measures]))
        else:
            leaves = answers.excluded(source)
        moving = np.where(leaves, available[source], 0.0)
        available[source] = available[source] - moving
        places = tuple(way) if destination == EXCHANGE else (str(destination),)
        whole = sum(own[place] for place in places)
        for place in places:
            available[place] = available[place] + moving * float(own[place] / whole)
    return available


def _rounded_share(points: FloatArray, numerator: IntArray, denominator: IntArray) -> FloatArray:
    """points x numerator / denominator rounded half up to a whole point, in whole numbers where points are whole.

    >>> _rounded_share(np.array([25.0, 25.0]), np.array([1, 49]), np.array([50, 50])).tolist()
    [1.0, 25.0]
    """
    doubled = np.round(2 * points).astype(np.int64)
    return np.asarray(np.floor_divide(doubled * numerator + denominator, 2 * denominator), dtype=np.float64)


def _points_table(rules: Rules) -> dict[str, Fraction]:
    table = rules["interoperability.points"].table
    return {name: Fraction(value) for name, value in table.items() if isinstance(value, int | Fraction)}


def _options(rules: Rules) -> dict[str, tuple[str, ...]]:
    table = rules["interoperability.exchange_options"].table
    return {name: tuple(map(str, items)) for name, items in table.items() if isinstance(items, tuple)}
