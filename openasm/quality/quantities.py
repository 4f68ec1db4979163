"""Quantities in the units that the measures compare in (UCUM)."""

from __future__ import annotations

from openasm.clinical.facts import Quantity

# unit of the measure -> unit of the record -> factor
_FACTORS = {
    "mm[Hg]": {"mm[Hg]": 1.0, "kPa": 7.500616827041697, "cm[Hg]": 10.0},
    "%": {"%": 1.0, "1": 100.0, "": 100.0, "10*-2": 1.0},
    "/min": {"/min": 1.0, "1/min": 1.0, "min-1": 1.0, "/s": 60.0, "Hz": 60.0, "/h": 1 / 60},
    "kg/m2": {"kg/m2": 1.0, "kg.m-2": 1.0, "g/m2": 0.001, "g/cm2": 10.0},
}


def in_unit(quantity: Quantity | None, unit: str) -> float | None:
    """The value in a unit; None when there is no quantity or its unit measures something else.

    An annotation in braces does not change a UCUM unit: `{beats}/min` is `/min`.

    >>> in_unit(Quantity(88.0, "{beats}/min"), "/min"), in_unit(Quantity(140.0, ""), "mm[Hg]")
    (88.0, None)
    """
    if quantity is None:
        return None
    given = quantity.unit
    if given == unit:
        return quantity.value
    factor = _FACTORS[unit].get(_without_annotation(given))
    return None if factor is None else quantity.value * factor


def _without_annotation(unit: str) -> str:
    start = unit.find("{")
    while start >= 0:
        end = unit.find("}", start)
        if end < 0:
            return unit
        unit = unit[:start] + unit[end + 1 :]
        start = unit.find("{")
    return unit
