"""What a reader of an export can work out: the whole linear system is solved for every hidden cell, in exact arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.runs.sharing.small_cells import Path, Vector, hidden_nodes, is_small


def best(equations: list[tuple[dict[int, int], int]], variables: int, goal: dict[int, int]) -> Fraction | None:
    """The largest value of a goal over non-negative solutions; None: without bound. Two-phase simplex with Bland's rule."""
    rows = []
    for number, (terms, right) in enumerate(equations):
        sign = -1 if right < 0 else 1
        row = [Fraction(sign * terms.get(place, 0)) for place in range(variables)]
        row += [Fraction(number == other) for other in range(len(equations))]
        rows.append([*row, Fraction(sign * right)])
    basis = [variables + number for number in range(len(rows))]

    def run(costs: list[Fraction], allowed: int) -> Fraction | None:
        while True:
            reduced = [
                costs[place] - sum(costs[basis[line]] * rows[line][place] for line in range(len(rows)))
                for place in range(allowed)
            ]
            entering = next((place for place, gain in enumerate(reduced) if gain > 0), None)
            if entering is None:
                return sum((costs[basis[line]] * rows[line][-1] for line in range(len(rows))), Fraction(0))
            ratios = [
                (rows[line][-1] / rows[line][entering], basis[line], line)
                for line in range(len(rows))
                if rows[line][entering] > 0
            ]
            if not ratios:
                return None
            leaving = min(ratios)[2]
            pivot = rows[leaving][entering]
            rows[leaving] = [value / pivot for value in rows[leaving]]
            for line in range(len(rows)):
                if line != leaving and rows[line][entering]:
                    times = rows[line][entering]
                    rows[line] = [value - times * other for value, other in zip(rows[line], rows[leaving], strict=True)]
            basis[leaving] = entering

    everything = variables + len(rows)
    feasible = run([Fraction(0)] * variables + [Fraction(-1)] * len(rows), everything)
    assert feasible == 0, "the truth itself solves the system"
    return run(
        [Fraction(goal.get(place, 0)) for place in range(variables)] + [Fraction(-(10**9))] * len(rows), variables
    )


def exposed(counts: Mapping[Path, Vector], hidden: frozenset[Path]) -> list[tuple[Path, int]]:
    """Hidden cells above 0 that a reader can work out. The reader knows every shown cell, that nodes are the sums of their children, that
    counts are not negative, and that nothing is hidden where there is nobody."""
    width = len(next(iter(counts.values())))
    leaves = [path for path in counts if not any(other[:-1] == path for other in counts if other)]
    unknown = {
        (path, column): number
        for number, (path, column) in enumerate(
            (p, c) for p in sorted(hidden.intersection(leaves)) for c in range(width)
        )
    }

    def below(node: Path, column: int) -> tuple[dict[int, int], int]:
        """A node as the sum of unknown leaves and of what is shown of the others."""
        own = [leaf for leaf in leaves if leaf[: len(node)] == node]
        shown = sum(counts[leaf][column] for leaf in own if leaf not in hidden)
        return {unknown[leaf, column]: 1 for leaf in own if leaf in hidden}, shown

    equations: list[tuple[dict[int, int], int]] = []
    for node in counts:
        for column in range(width):
            terms, shown = below(node, column)
            if node not in hidden and terms:
                equations.append((terms, counts[node][column] - shown))
    variables = len(unknown)
    for path in sorted({path for path, _ in unknown}):  # total >= 1: total - spare = 1
        equations.append(({unknown[path, column]: 1 for column in range(width)} | {variables: -1}, 1))
        variables += 1
    found = []
    for path in sorted(hidden):
        for column in range(width):
            if counts[path][column] == 0:
                continue
            goal, _ = below(path, column)
            top = best(equations, variables, goal)
            bottom = best(equations, variables, dict.fromkeys(goal, -1))
            if top is not None and bottom is not None and top == -bottom:
                found.append((path, column))
    return found


@st.composite
def trees(draw: st.DrawFn) -> dict[Path, Vector]:
    """Everybody, one to three practices with none to two clinicians each; two counts at every node."""
    count = st.one_of(st.integers(0, 12), st.sampled_from([0, 1, 10, 11, 60]))
    leaves: dict[Path, Vector] = {}
    for practice in "abc"[: draw(st.integers(1, 3))]:
        clinicians = "xy"[: draw(st.integers(0, 2))]
        for path in [(practice, each) for each in clinicians] or [(practice,)]:
            leaves[path] = (draw(count), draw(count))
    nodes = {path[:length] for path in leaves for length in range(len(path) + 1)}
    return {
        node: tuple(
            sum(vector[column] for path, vector in leaves.items() if path[: len(node)] == node) for column in (0, 1)
        )
        for node in nodes
    }


@settings(max_examples=100, deadline=None, derandomize=True)
@given(trees())
def test_no_hidden_count_can_be_worked_out(counts: dict[Path, Vector]) -> None:
    hidden = hidden_nodes(counts)
    assert not any(is_small(cell) for path, vector in counts.items() if path not in hidden for cell in vector)
    assert exposed(counts, hidden) == []


def test_the_reader_of_this_test_does_find_what_is_badly_hidden() -> None:
    counts: dict[Path, Vector] = {(): (100,), ("a",): (60,), ("b",): (33,), ("c",): (7,)}
    assert exposed(counts, frozenset({("c",)})) == [(("c",), 0)]
    assert exposed(counts, hidden_nodes(counts)) == []
    twins: dict[Path, Vector] = {(): (22,), ("a",): (1,), ("b",): (1,), ("c",): (20,)}
    assert exposed(twins, frozenset({("a",), ("b",)})) == [(("a",), 0), (("b",), 0)]
    assert hidden_nodes(twins) == {("a",), ("b",), ("c",)}


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ({(): (100,), ("a",): (60,), ("b",): (40,)}, set()),
        ({(): (47,), ("a",): (40,), ("b",): (7,)}, {("a",), ("b",)}),
        ({(): (40,), ("a",): (40,), ("b",): (0,)}, set()),
        ({(): (7,)}, {()}),
        ({(): (7,), ("a",): (7,)}, {(), ("a",)}),
        # The other practice hides itself and one of its clinicians, else its own rows would add up to it.
        (
            {
                (): (130,),
                ("a",): (50,),
                ("b",): (80,),
                ("a", "x"): (44,),
                ("a", "y"): (6,),
                ("b", "x"): (45,),
                ("b", "y"): (35,),
            },
            {("a", "x"), ("a", "y")},
        ),
        (
            {
                (): (126,),
                ("a",): (6,),
                ("b",): (80,),
                ("c",): (40,),
                ("a", "x"): (6,),
                ("b", "x"): (80,),
                ("c", "x"): (40,),
            },
            {("a",), ("a", "x"), ("c",), ("c", "x")},
        ),
    ],
)
def test_by_hand(counts: dict[Path, Vector], hidden: set[Path]) -> None:
    assert hidden_nodes(counts) == hidden
    assert exposed(counts, frozenset(hidden)) == []
