"""Exact arithmetic for the second implementation of scoring: fractions, and sixty digits where no fraction exists."""

from __future__ import annotations

import decimal
import math
from fractions import Fraction

DIGITS = decimal.Context(prec=60, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)


def as_fraction(decimal_number: decimal.Decimal) -> Fraction:
    return Fraction(decimal_number)


def as_decimal(number: Fraction) -> decimal.Decimal:
    return DIGITS.divide(decimal.Decimal(number.numerator), decimal.Decimal(number.denominator))


def square_root(number: Fraction) -> Fraction:
    """The exact root where it is a fraction, else one good to sixty digits."""
    above, below = math.isqrt(number.numerator), math.isqrt(number.denominator)
    if above * above == number.numerator and below * below == number.denominator:
        return Fraction(above, below)
    return as_fraction(DIGITS.sqrt(as_decimal(number)))


def not_less_than_multiple_of_root(difference: Fraction, multiple: Fraction, square: Fraction) -> bool:
    """Whether difference >= multiple x sqrt(square), decided without any root by comparing squares."""
    if difference >= 0 and multiple <= 0:
        return True
    if difference < 0 and multiple >= 0:
        # a negative number against one that is not negative; sqrt(square) = 0 or multiple = 0 changes nothing
        return False
    if difference >= 0:  # both sides not negative
        return difference * difference >= multiple * multiple * square
    return difference * difference <= multiple * multiple * square  # both negative: the smaller square is the larger


def logistic(exponent: Fraction) -> Fraction:
    """1 / (1 + exp(-exponent)) to sixty digits."""
    power = DIGITS.exp(as_decimal(-exponent))
    return as_fraction(DIGITS.divide(decimal.Decimal(1), DIGITS.add(decimal.Decimal(1), power)))


def rounded_half_up(number: Fraction) -> int:
    return math.floor(number + Fraction(1, 2))


def mean(numbers: list[Fraction]) -> Fraction:
    total = Fraction(0)
    for number in numbers:
        total = total + number
    return total / len(numbers)


def sample_variance(numbers: list[Fraction]) -> Fraction:
    """Divided by n - 1; of fewer than two numbers, 0."""
    if len(numbers) < 2:
        return Fraction(0)
    middle = mean(numbers)
    total = Fraction(0)
    for number in numbers:
        total = total + (number - middle) * (number - middle)
    return total / (len(numbers) - 1)


def percentile(numbers: list[Fraction], share: Fraction) -> Fraction:
    """Linear interpolation between order statistics ("type 7"): position (n - 1) x share, counted from 0."""
    ordered = sorted(numbers)
    position = (len(ordered) - 1) * share
    below = math.floor(position)
    if below == len(ordered) - 1:
        return ordered[below]
    return ordered[below] + (position - below) * (ordered[below + 1] - ordered[below])


def median(numbers: list[Fraction]) -> Fraction:
    return percentile(numbers, Fraction(1, 2))


def tenths(share: Fraction) -> Fraction:
    """min(0.9, share rounded half up to one decimal)."""
    return min(Fraction(9, 10), Fraction(rounded_half_up(share * 10), 10))
