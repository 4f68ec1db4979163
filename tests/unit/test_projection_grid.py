"""Points by one look-up: the grid of peers' rates, and a draw's staircase of points over it."""

from __future__ import annotations

import numpy as np
import pytest

from openasm.projection.grid import FINEST, Grid, looked_up
from openasm.projection.published import rate_table
from openasm.regulation.quality import COLLECTION_TYPES, collection_types_of, decile_edges, decile_points, decile_steps
from openasm.regulation.rulebook import rules_for

RULES = rules_for(2027)


def every_pool() -> list[tuple[str, str]]:
    measures = {each for group in RULES["quality.measures"].table.values() for each in group}
    return [(measure, kind) for measure in sorted(measures) for kind in collection_types_of(measure, RULES)]


@pytest.mark.parametrize(("measure", "kind"), every_pool())
def test_rates_on_the_grid_are_those_of_the_table_to_half_a_spacing(measure, kind):
    assert kind in COLLECTION_TYPES
    table, _ = rate_table(measure, kind, rules=RULES, vintage="newest")
    grid = Grid.over(table)
    places = grid.places(table)
    values = grid.values(places, np.zeros(len(table), dtype=np.float32))
    assert values.dtype == np.float32
    assert np.all(np.diff(values) >= 0)
    assert np.abs(values - table).max() <= grid.spacing / 2 * (1 + 1e-6)
    assert places.max() < grid.size <= FINEST + 2
    if kind != "claims":
        assert grid.spacing <= 1 / FINEST


def test_equal_rates_stay_equal_and_whole_ones_exact():
    grid = Grid.over(np.array([0.0, 1.0]))
    assert grid.values(grid.places(np.array([0.0, 0.5, 1.0])), np.zeros(3, dtype=np.float32)).tolist() == [0, 0.5, 1]
    same = Grid.over(np.full(5, 0.875))
    assert same.places(np.full(5, 0.875)).max() <= same.size


@pytest.mark.parametrize("kind", ["spread", "topped out", "two values", "all equal", "negative"])
def test_the_staircase_gives_every_place_the_points_of_its_rate(kind):
    """Pools with and without ties, in several draws; peers on an edge have reached it."""
    draw = np.random.default_rng(7)
    rates = {
        "spread": draw.beta(6, 3, (5, 400)),
        "topped out": np.minimum(1.0, draw.beta(6, 3, (5, 400)) + 0.35),
        "two values": draw.integers(0, 2, (5, 400)) * 0.25 + 0.5,
        "all equal": np.full((5, 400), 0.75),
        "negative": -draw.beta(1, 15, (5, 400)),
    }[kind]
    grid = Grid.over(rates)
    places = grid.places(rates)
    values = grid.values(places, np.zeros(400, dtype=np.float32))
    edges, worst = decile_edges(values)
    points = looked_up(grid.staircase(*decile_steps(edges, worst)), places)
    expected = decile_points(values, edges, worst)
    # Where a tenth begins within a float's last digit of a place, the two may fall on either side of it; nothing else.
    off = np.abs(points - expected)
    assert off.max() <= 0.101
    assert np.mean(off > 1e-4) < 0.01
    assert np.array_equal(points[values >= edges[:, 8:]], np.full(np.count_nonzero(values >= edges[:, 8:]), 10.0))
    for place in range(9):
        on_edge = values == edges[:, place : place + 1]
        assert np.array_equal(points[on_edge], expected[on_edge])


def test_a_draw_without_benchmark_has_no_points():
    grid = Grid.over(np.array([0.0, 1.0]))
    rates = np.linspace(0, 1, 30, dtype=np.float32)[None].repeat(2, axis=0)
    rates[1, 12:] = np.nan
    edges, worst = decile_edges(rates, smallest=20)
    points = looked_up(grid.staircase(*decile_steps(edges, worst)), grid.places(np.nan_to_num(rates)))
    assert np.isfinite(points[0]).all()
    assert np.isnan(points[1]).all()
