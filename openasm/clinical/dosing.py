"""How long a prescription lasts: days supplied, and the days it covers.

The reckoning is that of CumulativeMedicationDuration 6.0.000 (fluent function medicationRequestPeriod) and of CMS156's
medicationRequestPeriodInDays: the stated supply of one dispense, else quantity / (dose x doses a day), times (1 + refills). Exact
fractions throughout; nothing is rounded.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from openasm.clinical.moments import (
    FAR,
    FOREVER,
    NEVER,
    UNKNOWN,
    Moment,
    Span,
    day_only,
    just_before,
    moment,
    not_after,
    plus_days,
    plus_milliseconds,
    plus_months,
)

_MILLISECONDS = {
    **dict.fromkeys(("s", "second", "seconds"), 1_000),
    **dict.fromkeys(("min", "minute", "minutes"), 60_000),
    **dict.fromkeys(("h", "hour", "hours"), 3_600_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000),
    **dict.fromkeys(("wk", "week", "weeks"), 7 * 86_400_000),
}
_MONTHS = {**dict.fromkeys(("mo", "month", "months"), 1), **dict.fromkeys(("a", "year", "years"), 12)}
# a month counts 30 days and a year 365 when a frequency is turned into doses a day (ToDaily in the same library)
_DAYS_OF_FREQUENCY = {
    **{unit: Fraction(milliseconds, 86_400_000) for unit, milliseconds in _MILLISECONDS.items()},
    **{unit: Fraction(30 if months == 1 else 365) for unit, months in _MONTHS.items()},
}


def exact(value: object) -> Fraction | None:
    """A JSON number as an exact fraction of its decimal digits; None when there is none."""
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, int | float):
        raise TypeError("not a number")
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)


def plus_duration(value: Moment, amount: Fraction, unit: str) -> Moment | None:
    """A moment some duration later; parts of a month are dropped. None when the unit is no unit of time."""
    if unit in _MILLISECONDS:
        if value.has_time:
            return plus_milliseconds(value, int(amount * _MILLISECONDS[unit]))
        return plus_days(value, int(amount * _MILLISECONDS[unit] / 86_400_000))
    if unit in _MONTHS:
        return plus_months(value, int(amount) * _MONTHS[unit])
    return None


def unit_of(quantity: dict[str, Any]) -> str:
    """A quantity's unit: its code, else its text."""
    return str(quantity.get("code") or quantity.get("unit") or "")


def period(value: dict[str, Any]) -> Span:
    """A FHIR Period. Without an end it has not ended; without a start all that is known of its start is that it is not after its end."""
    start, end = value.get("start"), value.get("end")
    last = moment(end) if end else FOREVER
    return Span(moment(start) if start else not_after(last), last)


def dosage_bounds(instructions: list[Any], authored: Moment) -> tuple[Span, ...]:
    """The spans that dosage instructions state; durations and ranges count from the day the order was written."""
    spans: list[Span] = []
    for instruction in instructions:
        repeat = (instruction.get("timing") or {}).get("repeat") or {}
        if "boundsPeriod" in repeat:
            spans.append(period(repeat["boundsPeriod"]))
        elif "boundsDuration" in repeat:
            duration = repeat["boundsDuration"]
            amount = exact(duration.get("value"))
            end = None if amount is None else plus_duration(authored, amount, unit_of(duration))
            if end is not None and authored != UNKNOWN:
                spans.append(Span(authored, just_before(end)))
        elif "boundsRange" in repeat:
            bounds = repeat["boundsRange"]
            low, high = (_later(authored, bounds.get(side)) for side in ("low", "high"))
            spans.append(Span(low or UNKNOWN, high or UNKNOWN))
    return tuple(spans)


def _later(authored: Moment, quantity: dict[str, Any] | None) -> Moment | None:
    amount = None if quantity is None else exact(quantity.get("value"))
    if quantity is None or amount is None or authored == UNKNOWN:
        return None
    return plus_duration(authored, amount, unit_of(quantity))


def supply(request: dict[str, Any], authored: Moment) -> tuple[Fraction | None, Span | None]:
    """Days supplied (all fills) and the days covered, of a FHIR MedicationRequest.

    Each is None when it cannot be reckoned. With several dosage instructions only a stated supply duration is used.
    """
    dispense = request.get("dispenseRequest") or {}
    instructions = request.get("dosageInstruction") or []
    only = instructions[0] if len(instructions) == 1 else {}
    repeat = (only.get("timing") or {}).get("repeat") or {}
    fills = 1 + (dispense.get("numberOfRepeatsAllowed") or 0)
    stated = dispense.get("expectedSupplyDuration") or {}
    amount = exact(stated.get("value"))
    days = None if amount is None else amount * fills
    unit = unit_of(stated) or "d"
    if days is None:
        days, unit = _from_quantity(dispense, only, repeat), "d"
        days = None if days is None else days * fills
    bounds = period(repeat["boundsPeriod"]) if "boundsPeriod" in repeat else NEVER
    start = _start(bounds, authored, dispense)
    if start is None:
        return days, None
    if days is not None:
        last = plus_duration(start, days, unit)
        if last is None:
            return days, None
        # a day less; of a part of a day, the whole days before it
        if unit in _MILLISECONDS:
            last = plus_days(start, int(days * _MILLISECONDS[unit] / 86_400_000 - 1))
        else:
            last = plus_days(last, -1)
        return days, Span(start, last)
    if bounds.end.latest < FAR:
        return None, Span(start, day_only(bounds.end))
    return None, None


def _start(bounds: Span, authored: Moment, dispense: dict[str, Any]) -> Moment | None:
    for candidate in (bounds.start, authored, period(dispense.get("validityPeriod") or {}).start):
        if candidate.earliest >= -FAR:
            return day_only(candidate)
    return None


def _from_quantity(dispense: dict[str, Any], instruction: dict[str, Any], repeat: dict[str, Any]) -> Fraction | None:
    quantity = exact((dispense.get("quantity") or {}).get("value"))
    rates = instruction.get("doseAndRate") or []
    if quantity is None or len(rates) != 1:
        return None
    rate = rates[0]
    dose = exact(((rate.get("doseRange") or {}).get("high") or rate.get("doseQuantity") or {}).get("value"))
    daily = _doses_a_day(repeat)
    return None if not dose or not daily else quantity / (dose * daily)


def _doses_a_day(repeat: dict[str, Any]) -> Fraction | None:
    """Doses a day; without frequency and period the times of day are counted, and none means unknown."""
    frequency = exact(repeat.get("frequencyMax"))
    if frequency is None:
        frequency = exact(repeat.get("frequency"))
    every = exact(repeat.get("period"))
    length = _DAYS_OF_FREQUENCY.get(str(repeat.get("periodUnit")))
    if frequency is not None and every and length is not None:
        return frequency / (every * length)
    return Fraction(len(repeat.get("timeOfDay") or ()))
