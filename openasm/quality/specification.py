"""The measures as data: names, versions by year, limits, value sets and codes (parameters/ecqms.yaml).

>>> specification = specification_for("CMS165", 2026)
>>> specification.version, specification.limit("systolic_below"), specification.read
('CMS165v14', 140.0, True)
>>> specification_for("CMS165", 2027).version
'CMS165v15 (not read; logic of CMS165v14)'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from openasm.base.errors import RuleUnpublished, WrongUsage

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where libyaml is built in
_FILE = Path(__file__).parent / "parameters" / "ecqms.yaml"
_OTHERS = Path(__file__).parent / "parameters" / "other_measures.yaml"
LAST_YEAR = 2031
_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


@dataclass(frozen=True, slots=True)
class Specification:
    """One measure in the version of one year.

    measure: `CMS165`; quality_id: `236`; groups: number -> what its rate is about; limits: ages, thresholds and windows by name;
    value_sets: name -> object identifier; codes: name -> (system, code); read: whether this year's own version was read, or that of
    an earlier year stands in.
    """

    measure: str
    quality_id: str
    title: str
    lower_is_better: bool
    groups: Mapping[int, str]
    has_exceptions: bool
    year: int
    version: str
    cql_library: str
    read: bool
    limits: Mapping[str, float]
    value_sets: Mapping[str, str]
    codes: Mapping[str, tuple[str, str]]

    def limit(self, name: str) -> float:
        """A limit of the measure; KeyError when it has none of that name."""
        return self.limits[name]

    def whole(self, name: str) -> int:
        """A limit that is a whole number."""
        return int(self.limits[name])


@dataclass(frozen=True, slots=True)
class Strength:
    """Strength of one unit of a drug: amount in `unit` (mg, or mg/mL of a liquid)."""

    name: str
    code: str
    amount: str
    unit: str


@cache
def _data() -> Mapping[str, Any]:
    data: dict[str, Any] = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 (a safe loader)
    others: dict[str, Any] = yaml.load(_OTHERS.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 (a safe loader)
    data["asm"] = tuple(sorted(data["measures"]))
    for section in ("measures", "codes", "value_sets"):
        data[section] |= others.get(section, {})
    return data


def measure_ids() -> tuple[str, ...]:
    """The measures of the model, in the order in which their rows are written."""
    ids: tuple[str, ...] = _data()["asm"]
    return ids


def other_measure_ids() -> tuple[str, ...]:
    """Measures that can be computed but are none of the model's (parameters/other_measures.yaml)."""
    return tuple(sorted(set(_data()["measures"]) - set(measure_ids())))


def find_measure(name: str) -> str:
    """A measure by eCQM number or quality number: `CMS165`, `cms165`, `165`, `236` or `Q236`. WrongUsage when there is none.

    A number is first taken as a quality number (005, 008, 128, 134, 236, 238, 377).

    >>> find_measure("5"), find_measure("CMS2")
    ('CMS135', 'CMS2')
    """
    plain = name.strip().upper()
    measures = _data()["measures"]
    if plain in measures:
        return plain
    number = plain.removeprefix("Q").removeprefix("CMS").lstrip("0")
    for measure, entry in measures.items():
        if entry["quality_id"].lstrip("0") == number and not plain.startswith("CMS"):
            return str(measure)
    if f"CMS{number}" in measures:
        return f"CMS{number}"
    known = ", ".join(f"{entry['quality_id']} ({measure})" for measure, entry in sorted(measures.items()))
    raise WrongUsage(f"There is no measure {name.strip()!r}. Known: {known}.")


def specification_for(measure: str, year: int) -> Specification:
    """A measure in the version of a year; a later year than was read gets the latest version read, and says so.

    RuleUnpublished for years before the first version.
    """
    data = _data()
    entry = data["measures"][measure]
    versions = sorted(entry["versions"], key=lambda version: max(version["years"]))
    usable = [version for version in versions if min(version["years"]) <= year]
    if not usable or year > LAST_YEAR:
        first = min(min(version["years"]) for version in versions)
        raise RuleUnpublished(
            f"No version of {measure} is known for {year}; years {first} to {LAST_YEAR} can be computed."
        )
    version = usable[-1]
    read = year in version["years"]
    announced = data["announced"].get(year, {}).get(measure, f"version of {year}")
    return Specification(
        measure=measure,
        quality_id=entry["quality_id"],
        title=entry["title"],
        lower_is_better=entry["direction"] == "lower",
        groups=dict(entry["groups"]),
        has_exceptions=entry["exceptions"],
        year=year,
        version=version["version"] if read else f"{announced} (not read; logic of {version['version']})",
        cql_library=version["library"],
        read=read,
        limits={name: float(value) for name, value in version["limits"].items()},
        value_sets={name: data["value_sets"][name] for name in version["value_sets"]},
        codes=_codes(data, measure, version["codes"]),
    )


def _codes(data: Mapping[str, Any], measure: str, names: Iterable[str]) -> dict[str, tuple[str, str]]:
    codes = {name: (data["codes"][name][0], data["codes"][name][1]) for name in names}
    if measure == "CMS156":
        codes |= {each.name: (_RXNORM, each.code) for each in strengths()}
    return codes


def instruments() -> Mapping[str, tuple[str, ...]]:
    """CMS90: the scores (names of codes) that make an assessment with each instrument complete."""
    return {name: tuple(parts) for name, parts in _data()["instruments"].items()}


def strengths() -> tuple[Strength, ...]:
    """CMS156: the drugs whose daily dose decides, with the strength of one unit."""
    return tuple(Strength(**each) for each in _data()["strengths"])
