"""Numbers as people read them, the same in page and PDF: one rounding, true minus signs, a dash for what is missing."""

from __future__ import annotations

import math

from openasm.base.money import dollars_text
from openasm.report.content import MeasureLine

MINUS = "−"
NONE = "–"


def points(value: float | None) -> str:
    """Points with one decimal: `69.1`; a dash when there are none.

    >>> points(69.06), points(None)
    ('69.1', '–')
    """
    return NONE if _absent(value) else f"{value:.1f}".replace("-", MINUS)


def signed(value: float | None) -> str:
    """Points with their sign: `+10.0`.

    >>> signed(-2.5)
    '−2.5'
    """
    return NONE if value is None or math.isnan(value) else _sign(f"{value:+.1f}", zero="+0.0")


def factor(value: float | None) -> str:
    """A payment factor as a percentage with its sign and four figures of the fraction: `−2.31%`.

    >>> factor(-0.0230625)
    '−2.31%'
    """
    return NONE if value is None or math.isnan(value) else _sign(f"{value * 100:+.2f}%", zero="0.00%")


def _sign(text: str, *, zero: str) -> str:
    """A number with a true minus sign; what rounds to zero has no direction."""
    return zero if not any(digit in text for digit in "123456789") else text.replace("-", MINUS)


def share(value: float | None) -> str:
    """A fraction as a whole percentage; a chance that is not certain is never shown as 0% or 100%.

    >>> share(0.999), share(0.75), share(1.0)
    ('more than 99%', '75%', '100%')
    """
    if value is None or math.isnan(value):
        return NONE
    if 0 < value < 0.005:
        return "under 1%"
    if 0.995 <= value < 1:
        return "more than 99%"
    return f"{value * 100:.0f}%"


def dollars(value: float | None) -> str:
    """Whole dollars with sign: `+$1,250`."""
    return NONE if value is None or math.isnan(value) else dollars_text(value, cents=False, sign=True)


def money(value: float | None) -> str:
    """Whole dollars without a plus sign: `$14,430`."""
    return NONE if value is None or math.isnan(value) else dollars_text(value, cents=False)


def tone(value: float | None) -> str:
    """The class of dollars that are good (more money) or bad; the sign says it too, not the colour alone."""
    if value is None or math.isnan(value) or abs(value) < 0.5:
        return ""
    return "good" if value > 0 else "bad"


def cost_tone(value: float | None) -> str:
    """The class of a cost against peers: less is good."""
    return tone(None if value is None else -value)


def cases(line: MeasureLine) -> str:
    """The cases behind a measure's rate: `35 of 39`, `(TIN)` where they are the whole practice's; nothing for claims measures."""
    if line.collection_type == "claims" or line.met is None or line.not_met is None:
        return ""
    return f"{line.met:,} of {line.met + line.not_met:,}" + (" (TIN)" if line.level == "tin" else "")


def rate(line: MeasureLine) -> str:
    """A measure's own value in its unit: percent, dollars, or admissions per 100 person-years."""
    return _in_unit(line, line.rate)


def peer(line: MeasureLine, which: str) -> str:
    """A benchmark value (`pool_median`, `pool_top`) in the measure's unit."""
    return _in_unit(line, getattr(line, which))


def _in_unit(line: MeasureLine, value: float | None) -> str:
    if value is None or math.isnan(value):
        return NONE
    if line.measure.startswith("COST"):
        return money(value)
    if line.collection_type == "claims":
        return f"{value:.1f} per 100"
    return f"{value * 100:.1f}%"


def words(status: str) -> str:
    """A status as people read it: `not_used` as `not used`."""
    return status.replace("_", " ")


def sentence(text: str) -> str:
    """Words as a sentence of their own.

    >>> sentence("no episode ends in the year")
    'No episode ends in the year.'
    """
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _absent(value: float | None) -> bool:
    return value is None or math.isnan(value)


def points_word(line: MeasureLine) -> str:
    """A measure's points in words: `7.3 of 10`, or that it does not count."""
    return "not counted" if line.points is None else f"{line.points:.1f} of 10"
