"""Quantile tables: a distribution as its values at equally likely points, so that drawing from it is one look-up.

A table holds the value at the middle of each of `n` equally likely slices of the distribution, rising or falling with the
slice. Two participants who draw with the same number keep their order under any table, which is what lets a lever ("5
points better") be compared draw by draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from openasm.base.parameters import RuleValue

FloatTable = NDArray[np.float64]

STEPS = 65_536  # one for each 16-bit number
LATENT_STEP = 1 / 4096  # resolution of the latent performance of a peer, in standard deviations
OWN_STEPS = 1024  # slices of a participant's own distribution

# the percentiles at which CMS publishes benchmarks, and what of them to expect
PERCENTILES = (0.01, 0.10, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90, 0.99)

_NORMAL = NormalDist()


def middles(slices: int) -> FloatTable:
    """The probabilities in the middle of equally likely slices.

    >>> middles(2).tolist()
    [0.25, 0.75]
    """
    return np.asarray((np.arange(slices) + 0.5) / slices)


def normal_quantiles(probabilities: FloatTable) -> FloatTable:
    """Standard normal quantiles of probabilities strictly between 0 and 1, shape (n,), not to be written to.

    One after the other, by the same steps on every machine, and kept: alternatives ask for the same probabilities again.
    """
    return _normal_quantiles(np.asarray(probabilities, dtype=np.float64).tobytes())


@lru_cache(maxsize=16)
def _normal_quantiles(probabilities: bytes) -> FloatTable:
    quantiles = np.array([_NORMAL.inv_cdf(each) for each in np.frombuffer(probabilities).tolist()])
    quantiles.setflags(write=False)
    return quantiles


def normal_probabilities(values: FloatTable) -> FloatTable:
    """Standard normal distribution function."""
    return np.array([_NORMAL.cdf(float(each)) for each in values])


def from_percentiles(values: Sequence[float], probabilities: FloatTable, *, low: float, high: float) -> FloatTable:
    """The inverse distribution function through CMS's eleven published percentiles (1, 10, 20, ..., 90, 99).

    Straight lines between neighbours; beyond the 1st and 99th percentile the neighbouring line goes on, held to
    [low, high]. Ties (a topped-out measure: 100 from the 30th percentile on) give equal values exactly. Raises ValueError
    when the values fall somewhere.

    >>> eleven = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    >>> from_percentiles(eleven, np.array([0.25, 0.5]), low=0, high=100).tolist()
    [25.0, 50.0]
    """
    known = np.asarray(values, dtype=np.float64)
    if known.shape != (len(PERCENTILES),) or np.any(np.diff(known) < 0):
        raise ValueError("eleven percentiles that do not fall are needed")
    at = np.asarray(PERCENTILES)
    bottom = known[0] - (known[1] - known[0]) / (at[1] - at[0]) * at[0]
    top = known[-1] + (known[-1] - known[-2]) / (at[-1] - at[-2]) * (1 - at[-1])
    full_at = np.concatenate([[0.0], at, [1.0]])
    full = np.concatenate([[max(low, bottom)], known, [min(high, top)]])
    place = np.clip(np.searchsorted(full_at, probabilities, side="right") - 1, 0, len(full) - 2)
    left, right = full[place], full[place + 1]
    share = (probabilities - full_at[place]) / (full_at[place + 1] - full_at[place])
    # A flat stretch gives its value exactly: its slope is 0.
    return np.asarray(np.clip(left + share * (right - left), low, high))


def lognormal(median: float, standard_deviation: float, probabilities: FloatTable) -> FloatTable:
    """Quantiles of a lognormal distribution with this median and standard deviation (both in its own units).

    The log's variance s solves exp(s) (exp(s) - 1) = (standard deviation / median) squared.
    """
    ratio = (standard_deviation / median) ** 2
    log_deviation = math.sqrt(math.log((1 + math.sqrt(1 + 4 * ratio)) / 2))
    return np.asarray(median * np.exp(log_deviation * normal_quantiles(probabilities)))


def latent_grid() -> FloatTable:
    """The latent performances a table of STEPS values stands for: from -8 to +8 standard deviations."""
    return np.asarray((np.arange(STEPS) - STEPS // 2) * LATENT_STEP)


def over_latent(quantiles: Callable[[FloatTable], FloatTable]) -> NDArray[np.float32]:
    """A distribution as a table over the latent grid: the value at the latent performance's probability."""
    return quantiles(_latent_probabilities()).astype(np.float32)


@cache
def _latent_probabilities() -> FloatTable:
    probabilities = np.clip(normal_probabilities(latent_grid()), 1e-12, 1 - 1e-12)
    probabilities.setflags(write=False)
    return probabilities


def published_values(record: Mapping[str, RuleValue]) -> tuple[float, ...]:
    """The eleven numbers of one published benchmark (`p1`, nine `deciles`, `p99`)."""
    deciles = record["deciles"]
    if not isinstance(deciles, tuple):
        raise TypeError("deciles must be a list")
    return tuple(number_of(each) for each in (record["p1"], *deciles, record["p99"]))


def number_of(value: RuleValue) -> float:
    """A number out of a rule value's table."""
    if isinstance(value, bool | str | tuple | Mapping):
        raise TypeError("a number was expected")
    return float(value)


def another_year_of_counts(
    met: NDArray[np.float64], cases: NDArray[np.int64], *, prior: float, slices: int = OWN_STEPS
) -> FloatTable:
    """What rates another year of the same number of cases may show, given the counts at hand: shape (rows, slices).

    met: cases that met the measure (need not be whole in a what-if), between 0 and `cases`. The true rate is unknown: its
    distribution given the counts is Beta(met + prior, cases - met + prior), and the next year's count is binomial in it
    (the beta-binomial distribution, exact). prior 0.5 is Jeffreys'. A row without cases gives NaN.

    A rate of 30 in 40 may well show between 0.57 and 0.88 in another year of 40 cases.
    """
    levels = middles(slices)
    result = np.full((len(cases), slices), np.nan)
    keys, inverse = np.unique(np.stack([met, cases.astype(np.float64)]), axis=1, return_inverse=True)
    rows = np.full((keys.shape[1], slices), np.nan)
    for place, (one_met, one_cases) in enumerate(keys.T):
        if one_cases > 0:
            rows[place] = _beta_binomial_quantiles(float(one_met), int(one_cases), prior, levels)
    result[:] = rows[inverse.ravel()]
    return result


def _beta_binomial_quantiles(met: float, cases: int, prior: float, levels: FloatTable) -> FloatTable:
    first, second = met + prior, cases - met + prior
    if cases > 100_000:  # the count is as good as continuous: normal, with the same mean and variance
        mean = first / (first + second)
        variance = mean * (1 - mean) * (first + second + cases) / (cases * (first + second + 1))
        return np.asarray(np.clip(mean + math.sqrt(variance) * normal_quantiles(levels), 0.0, 1.0))
    count = np.arange(cases, dtype=np.float64)
    ratio = (cases - count) * (first + count) / ((count + 1) * (second + cases - count - 1))
    logarithm = np.concatenate([[0.0], np.cumsum(np.log(ratio))])
    share = np.cumsum(np.exp(logarithm - logarithm.max()))
    return np.asarray(np.searchsorted(share / share[-1], levels, side="left") / cases)


def another_year_of_amounts(
    amounts: NDArray[np.float64], variances: NDArray[np.float64], *, slices: int = OWN_STEPS
) -> FloatTable:
    """What another year may show of an amount known with error: lognormal about the amount, shape (rows, slices).

    variances: relative variance of one year's amount; this year's error and the next year's both count, so the log's
    variance is that of twice the relative variance. NaN amounts stay NaN.
    """
    spread = np.sqrt(np.log1p(2 * variances))
    scale = normal_quantiles(middles(slices))
    return np.asarray(amounts[:, None] * np.exp(spread[:, None] * scale[None, :]))
