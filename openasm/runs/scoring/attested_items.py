"""The items of attestations.csv, as the rule's parameters name them."""

from __future__ import annotations

from dataclasses import dataclass

from openasm.base.parameters import Rules
from openasm.regulation.improvement import activities
from openasm.regulation.interoperability import items_of


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
    dated = (*activities(rules), rules["interoperability.certified_technology"].text)
    return AttestedItems(
        tuple(dict.fromkeys((*activities(rules), *items_of(rules)))),
        frozenset(rules["interoperability.proportion_measures"].texts),
        frozenset(rules["interoperability.measures_with_exclusion"].texts),
        frozenset(dated),
    )
