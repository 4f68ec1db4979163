"""What a practice is told of the problems of a run: never what names another practice's numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from openasm.app.published.models import DataProblem

MOST = 8
_NUMBERS = re.compile(r"(?<![0-9])[0-9]{9,10}(?![0-9])")


def problems_of(problems: Iterable[DataProblem], *, own: frozenset[str]) -> tuple[DataProblem, ...]:
    """Problems without a TIN or NPI that is not one of `own`, the most frequent first. A run may hold many practices."""
    fine = [each for each in problems if not names_others(each, own=own)]
    ranks = {"error": 0, "warning": 1}
    return tuple(sorted(fine, key=lambda each: (ranks.get(each.severity, 2), -each.count, each.pk)))


def names_others(problem: DataProblem, *, own: frozenset[str]) -> bool:
    """Whether a text of the problem has a nine or ten digit number that is none of `own`."""
    text = " ".join((problem.file, problem.column, problem.title, problem.found, problem.expected, problem.next_step))
    return any(number not in own for number in _NUMBERS.findall(text))
