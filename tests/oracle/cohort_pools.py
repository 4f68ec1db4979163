"""Pools of numbers built so that single members stand exactly where a rule decides."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt


@dataclass(frozen=True)
class Counts:
    """What a rate is made of: met of met + not_met, at least 20 together."""

    met: int
    not_met: int


def quality_pool(shape: str, size: int, chance: random.Random) -> list[Counts]:
    """`size` rates of one measure."""
    if shape == "equal":
        met = chance.randrange(0, 8)
        return [Counts(met * times, (7 - met) * times) for times in chance.choices([3, 5, 9], k=size)]
    if shape == "ties":
        return [Counts(20 * met, 20 * (4 - met)) for met in chance.choices(range(5), k=size)]
    if shape == "edges":  # equal steps: order statistics on the edges when (size - 1) / 10 is whole
        return [Counts(place * 3, (max(size, 20) - place) * 3) for place in _shuffled(size, chance)]
    if shape == "tenths":
        # with 21 members every other one is an edge; the ones between stand at odd twentieths of the way: t on .x5
        values = [10 * place + (0 if place % 2 == 0 else chance.choice(range(-9, 10, 2))) for place in range(size)]
        whole = max(200, 10 * size)
        chance.shuffle(values)
        return [
            Counts(value * times, (whole - value) * times) for value in values for times in [chance.choice([1, 2, 3])]
        ]
    if shape == "halves":  # interpolated edges of few distinct rates
        return [Counts(met, 40 - met) for met in chance.choices([0, 10, 15, 20, 39, 40], k=size)]
    if shape == "near":  # neighbours of 1/3 whose floats are equal: they differ by 1 / (product of their wholes)
        n = 120_000_000
        pairs = [(n, 3 * n + 1), (n - 1, 3 * n - 2), (n - 2, 3 * n - 5), (n, 3 * n + 1), (n + 1, 3 * n + 4), (n, 3 * n)]
        return [Counts(met, whole - met) for met, whole in chance.choices(pairs, k=size)]
    wholes = chance.choices(range(20, 200), k=size)
    return [Counts(met, whole - met) for whole in wholes for met in [chance.randrange(0, whole + 1)]]


def cost_pool(shape: str, size: int, chance: random.Random) -> list[str]:
    """`size` cost scores in dollars."""
    if shape == "equal":
        return ["12000"] * size
    if shape == "equal_odd":
        return [chance.choice(["1234.56", "1234.560"])] * size
    if shape == "ties":
        return chance.choices(["9999.99", "10000.00", "10000.01", "14000.1"], k=size)
    if shape == "edges":
        middle, deviation = chance.choice([(14429, 800), (1947, 80), (10_000, 1600), (5000, 8)])
        values = [middle + deviation * each for each in symmetrical_deviations(size, chance)]
        return [decimal_text(value) for value in values]
    return [f"{chance.randrange(0, 3_000_000) / 100:.2f}" for _ in range(size)]


def symmetrical_deviations(size: int, chance: random.Random) -> list[Fraction]:
    """`size` numbers with mean and median 0 and sample standard deviation 1 exactly (`size` of 10 or more), some on edges.

    Pairs of -k and +k, and a 0 where `size` is odd; the squares of the k add up to (size - 1) / 2. In eightieths every edge
    and most boundaries of partial points are whole numbers: those are taken first, and the last four squares fill up the
    rest, which any whole number allows (Lagrange).
    """
    if size < 2:
        return [Fraction(0)] * size
    wanted = [120, 80, 40, 160, 180, 200, 220, 0]
    for lower, upper in zip(
        [-120, -80, -40, 40, 80, 120, 160, 180, 200], [-80, -40, 40, 80, 120, 160, 180, 200, 220], strict=True
    ):
        wanted += [
            abs(upper - (2 * j - 1) * (upper - lower) // 20)
            for j in range(1, 11)
            if (upper - lower) * (2 * j - 1) % 20 == 0
        ]
    pairs = size // 2
    left = (size - 1) * 3200
    chosen: list[int] = []
    tries = 0
    while len(chosen) < pairs - 5 and tries < 200:
        tries += 1
        k = chance.choice(wanted)
        if k * k <= left:
            chosen.append(k)
            left -= k * k
    while len(chosen) < pairs and left > 0:
        if pairs - len(chosen) <= 4:
            chosen += four_squares(left)[: pairs - len(chosen)]
            left = 0
        else:
            k = isqrt(left)
            k = min(k, 4 * 80)
            chosen.append(k)
            left -= k * k
    chosen += [0] * (pairs - len(chosen))
    values = [Fraction(sign * k, 80) for k in chosen for sign in (-1, 1)] + [Fraction(0)] * (size % 2)
    chance.shuffle(values)
    return values


def four_squares(number: int) -> list[int]:
    """Up to four whole numbers, largest first, whose squares add up to `number` (Lagrange)."""
    for a in range(isqrt(number), -1, -1):
        for b in range(isqrt(number - a * a), -1, -1):
            rest = number - a * a - b * b
            for c in range(isqrt(rest), -1, -1):
                d = isqrt(rest - c * c)
                if c * c + d * d == rest:
                    return [a, b, c, d]
                if 2 * c * c < rest:
                    break
            if 3 * b * b < number - a * a:
                break
    raise AssertionError


def spread_pool(shape: str, size: int, chance: random.Random, *, largest: Fraction) -> list[str]:
    """`size` mean HCC scores or dual-eligible shares, 0 to `largest`, empty ones included."""
    if shape == "empty":
        return [""] * size
    if shape == "equal":
        return [decimal_text(largest / 4)] * size
    if shape == "equal_odd":
        return [decimal_text(largest * Fraction(11, 100))] * size
    if shape == "ties":
        return [decimal_text(largest * Fraction(tenth, 10)) for tenth in chance.choices([1, 2, 3, 9], k=size)]
    values = [decimal_text(largest * Fraction(chance.randrange(0, 10_001), 10_000)) for _ in range(size)]
    if shape == "some_empty":
        return [value if chance.random() < 0.6 else "" for value in values]
    if shape == "at_median":  # most at the median, few far above and below
        return [value if chance.random() < 0.2 else decimal_text(largest * Fraction(3, 10)) for value in values]
    return values


def decimal_text(number: Fraction) -> str:
    """A fraction whose decimals end, as text."""
    for places in range(13):
        if (number * 10**places).denominator == 1:
            scaled = abs(int(number * 10**places))
            sign = "-" if number < 0 else ""
            digits = f"{scaled:0{places + 1}d}"
            return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)
    raise ValueError(number)


def _shuffled(size: int, chance: random.Random) -> list[int]:
    places = list(range(size))
    chance.shuffle(places)
    return places
