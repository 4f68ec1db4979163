"""The items of attestations.csv, as the rule's parameters name them."""

from __future__ import annotations

from dataclasses import dataclass

from openasm.base.parameters import Rules


@dataclass(frozen=True, slots=True)
class AttestedItems:
    """all: every item, in the order of the rule; proportions: reported as counts; with_exclusion: may be `excluded`;
    dated: the rule asks for a period (improvement activities and certified technology).
    """

    all: tuple[str, ...]
    proportions: frozenset[str]
    with_exclusion: frozenset[str]
    dated: frozenset[str]


def attested_items(rules: Rules) -> AttestedItems:
    """The items of a performance year (42 CFR 512.735, 512.740)."""
    activities = rules["improvement.activities"].texts
    technology = rules["interoperability.certified_technology"].text
    exchange: list[str] = []
    for option in rules["interoperability.exchange_options"].table.values():
        if isinstance(option, tuple):
            exchange.extend(str(item) for item in option)
    items = [
        *activities,
        technology,
        *rules["interoperability.required_measures"].texts,
        *exchange,
        *rules["interoperability.bonus_measures"].texts,
        *rules["interoperability.required_attestations"].texts,
    ]
    return AttestedItems(
        tuple(dict.fromkeys(items)),
        frozenset(rules["interoperability.proportion_measures"].texts),
        frozenset(rules["interoperability.measures_with_exclusion"].texts),
        frozenset((*activities, technology)),
    )
