"""Step 7b: the risk model's design matrix, built block by block from narrow facts about episodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from openasm.episodes.enrollment import AT_START
from openasm.episodes.hcc import ConditionCategories
from openasm.episodes.specifications.construction import Construction

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

INTERCEPT = "intercept"
BLOCK = 50_000
"""Episodes of the matrix held at a time; a constant, so that sums do not depend on the machine."""


@dataclass(frozen=True, eq=False)
class Marks:
    """Which of some columns are one for which episodes, as rows in the order of episodes.

    first: (episodes + 1,) where each episode's entries begin; column: (entries,).
    """

    first: Ints
    column: Ints

    @classmethod
    def of(cls, episode: Ints, column: Ints, episodes: int) -> Marks:
        """From pairs in any order; episodes are numbered from 0."""
        order = np.lexsort((column, episode))
        counts = np.bincount(episode, minlength=episodes)
        return cls(np.concatenate(([0], np.cumsum(counts))).astype(np.int64), column[order])

    def fill(self, matrix: Floats, members: Ints, offset: int) -> None:
        """Set the entries of some episodes to one; row i of the matrix is `members[i]`."""
        begin, end = self.first[members], self.first[members + 1]
        counts = end - begin
        rows = np.repeat(np.arange(len(members)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        matrix[rows, offset + self.column[np.repeat(begin, counts) + within]] = 1.0


@dataclass(frozen=True, eq=False)
class RiskFacts:
    """What the model knows of each episode; arrays of shape (episodes,), age -1 where unknown.

    at_start: the flags of `enrollment.AT_START`; categories: condition categories before hierarchies, as positions in
    `ConditionCategories.numbers`; variables: the workbook's own, as positions in its list of names.
    """

    age: Ints
    at_start: Mapping[str, Ints]
    categories: Marks
    variables: Marks


@dataclass(frozen=True)
class Design:
    """The columns of the model and how an episode's facts fill them. As `plain.risk_names` and `plain.risk_variables`."""

    categories: ConditionCategories
    variable_names: tuple[str, ...]
    construction: Construction

    @property
    def names(self) -> tuple[str, ...]:
        """Every column, the intercept first."""
        bands = [name for name, _, _ in self.age_bands]
        own = [f"HCC{number}" for number in self.categories.numbers]
        return (INTERCEPT, *bands, *AT_START, *own, *self.construction.hcc_interactions, *self.variable_names)

    @property
    def age_bands(self) -> list[tuple[str, int, int]]:
        """Name, first age and first age after, of each band but the reference."""
        starts = self.construction.age_band_starts
        bands = [(f"age_under_{starts[0]}", 0, starts[0])]
        bands += [(f"age_{low}_{high - 1}", low, high) for low, high in pairwise(starts)]
        bands.append((f"age_{starts[-1]}_over", starts[-1], 1_000))
        reference = self.construction.age_reference_start
        return [band for band in bands if not band[1] <= reference < band[2]]

    def blocks(self, facts: RiskFacts, members: Ints) -> Iterator[tuple[slice, Floats]]:
        """The matrix of some episodes, block by block: which of `members`, and their rows (0 or 1) under `names`."""
        for begin in range(0, len(members), BLOCK):
            part = slice(begin, min(begin + BLOCK, len(members)))
            yield part, self.rows(facts, members[part])

    def rows(self, facts: RiskFacts, members: Ints) -> Floats:
        """The matrix rows (0 or 1) of some episodes."""
        matrix = np.zeros((len(members), len(self.names)))
        matrix[:, 0] = 1.0
        place = 1
        for _, low, high in self.age_bands:
            matrix[:, place] = (facts.age[members] >= low) & (facts.age[members] < high)
            place += 1
        for flag in AT_START:
            matrix[:, place] = facts.at_start[flag][members]
            place += 1
        position = {number: place + each for each, number in enumerate(self.categories.numbers)}
        facts.categories.fill(matrix, members, place)
        self._hide(matrix, position)
        place += len(position)
        for groups in self.construction.hcc_interactions.values():
            present = [_any_of(matrix, [position[each] for each in group if each in position]) for group in groups]
            matrix[:, place] = np.logical_and.reduce(present)
            place += 1
        facts.variables.fill(matrix, members, place)
        return matrix

    def _hide(self, matrix: Floats, position: Mapping[int, int]) -> None:
        """Categories hide milder ones; which do is decided before any is hidden."""
        seen = matrix.astype(bool)
        for upper, lowers in self.categories.hides.items():
            if upper in position:
                hidden = np.array([position[lower] for lower in lowers if lower in position], dtype=np.int64)
                matrix[np.ix_(np.flatnonzero(seen[:, position[upper]]), hidden)] = 0.0


def _any_of(matrix: Floats, columns: Sequence[int]) -> Flags:
    if not columns:
        return np.zeros(len(matrix), dtype=np.bool_)
    return np.asarray(matrix[:, list(columns)].any(axis=1))
