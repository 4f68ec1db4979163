"""Where a rate and a cost may stand at the end of the year, from what is known part of the way: a forecast with an interval.

Rate. Patients already met stay met; those nothing closes any more stay not met; the open ones close at one constant rate L, whatever
the month. L is the rate that explains how many closed so far. Where patients come evenly through the year, the share q of closable
ones met by the time f (a share of the year) is 1 - (1 - exp(-L f)) / (L f); where all are there from 1 January, 1 - exp(-L f). An open
patient is met by the end with chance 1 - exp(-L (1 - f)); a newcomer with that of the first formula over 1 - f. Newcomers are as many as
the patients so far suggest (Poisson). How sure q is follows from its Beta posterior, and numbers met are beta-binomial with the intraclass
correlation `overdispersion`, as weeks and teams differ.

Cost. Episodes so far stay; those to come are as many as the days left suggest (Poisson) and are drawn from the episodes so far with
Dirichlet weights (the Bayesian bootstrap), so that not knowing the distribution widens the interval as it should.

Equal seeds give equal forecasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openasm.archive.trend import Interval

FEWEST_EPISODES = 10
"""With fewer episodes of one's own there is no forecast of cost: their spread is not known."""

Numbers = NDArray[np.float64]

# Share met of patients who came evenly over a time, by rate x time: rising, looked up in either direction.
_RATES = np.concatenate([[0.0], np.geomspace(1e-5, 1e5, 4000)])
_MET_OF_EVENLY_COME = np.concatenate([[0.0], 1 + np.expm1(-_RATES[1:]) / _RATES[1:]])


@dataclass(frozen=True, slots=True)
class Assumed:
    """What the forecast assumes. overdispersion: intraclass correlation of open patients, 0-1; newcomers: patients
    come evenly through the year; else all are there from 1 January."""

    overdispersion: float = 0.01
    newcomers: bool = True
    draws: int = 4000
    seed: int = 2027


@dataclass(frozen=True, slots=True)
class Standing:
    """Patients of a rate so far: met, open (may still be met), lost (no longer)."""

    met: int
    open: int
    lost: int


def rate_at_year_end(so_far: Standing, elapsed: float, assumed: Assumed) -> Interval | None:
    """The rate (0-1) at the end of the year; None where nobody is in the denominator. elapsed: share of the year gone, above 0 to 1.

    >>> rate_at_year_end(Standing(met=30, open=0, lost=10), 1.0, Assumed()).low95
    0.75
    """
    known = so_far.met + so_far.open + so_far.lost
    if known == 0:
        return None
    if elapsed >= 1:
        return _certain(so_far.met / known)
    random = np.random.default_rng(assumed.seed)
    closed = random.beta(so_far.met + 0.5, so_far.open + 0.5, assumed.draws)
    if assumed.newcomers:
        rate = np.interp(closed, _MET_OF_EVENLY_COME, _RATES) / elapsed
    else:
        rate = -np.log1p(-closed) / elapsed
    chance = -np.expm1(-rate * (1 - elapsed))
    met = so_far.met + _beta_binomial(random, np.full(assumed.draws, so_far.open), chance, assumed.overdispersion)
    total = np.full(assumed.draws, float(known))
    if assumed.newcomers:
        # Arrivals so far are Poisson about a rate that is not known: Gamma(known).
        coming = random.poisson(random.gamma(known, (1 - elapsed) / elapsed, assumed.draws))
        fresh = np.interp(rate * (1 - elapsed), _RATES, _MET_OF_EVENLY_COME)
        if so_far.lost:
            fresh = fresh * (1 - random.beta(so_far.lost + 0.5, so_far.met + so_far.open + 0.5, assumed.draws))
        met += _beta_binomial(random, coming, fresh, assumed.overdispersion)
        total += coming
    return _interval(met / total)


def cost_at_year_end(
    amounts: Sequence[float], weights: Sequence[float], elapsed: float, assumed: Assumed
) -> Interval | None:
    """The weighted mean of episodes' amounts at the end of the year; None for fewer than ten. elapsed: as in `rate_at_year_end`.

    >>> cost_at_year_end([100.0, 200.0], [1.0, 3.0], 1.0, Assumed()).middle
    175.0
    """
    order = sorted(zip(amounts, weights, strict=True))  # the order of episodes changes nothing
    values, shares = (np.array(each, dtype=np.float64) for each in (zip(*order, strict=True) if order else ((), ())))
    count = len(values)
    if elapsed >= 1 and count:
        return _certain(float(values @ shares / shares.sum()))
    if count < FEWEST_EPISODES:
        return None
    random = np.random.default_rng(assumed.seed)
    coming = random.poisson(random.gamma(count, (1 - elapsed) / elapsed, assumed.draws))
    means = np.empty(assumed.draws)
    for draw, number in enumerate(coming):
        times = 1 + random.multinomial(number, random.dirichlet(np.ones(count)))
        means[draw] = values @ (shares * times) / (shares @ times)
    return _interval(means)


def _beta_binomial(
    random: np.random.Generator, size: NDArray[np.int64], chance: Numbers, correlation: float
) -> Numbers:
    if correlation > 0:
        spread = (1 - correlation) / correlation
        held = np.clip(chance, 1e-9, 1 - 1e-9)
        chance = random.beta(held * spread, (1 - held) * spread)
    return random.binomial(size, np.clip(chance, 0, 1)).astype(np.float64)


def _certain(value: float) -> Interval:
    return Interval(value, value, value, value, value)


def _interval(draws: Numbers) -> Interval:
    low95, low80, middle, high80, high95 = (float(each) for each in np.quantile(draws, (0.025, 0.1, 0.5, 0.9, 0.975)))
    return Interval(middle, low80, high80, low95, high95)
