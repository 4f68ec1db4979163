"""A run's problems for people who start runs here: the same ones gathered, and what to do in words of the pages, not of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from openasm.app.published.models import DataProblem

# What to do here where the problem itself names an option of a command.
HERE: Mapping[str, str] = {
    "E015": "Ask the operator of this workbench to add CMS's codes list; under Configuration on the page Data choose it instead of the demonstration.",
    "E025": "Upload more claims on the page Data. Until then read these costs as not adjusted for risk.",
    "E027": "Nothing needs doing for ranks within these data; CMS's national mean is needed to compare with other regions.",
    "P045": "Ask the operator of this workbench to add the counties, the ZIP crosswalk and the list of mandatory areas to its library.",
    "P046": "Upload the claims of the data year and of the year before on the page Data.",
    "P042": "Results mean nothing about real clinicians. Ask the operator of this workbench to add CMS's codes list.",
    "N022": "If they take part, add them with cohort and Part B payments to the file “Own participants” on the page Data.",
}
_COMMAND = re.compile(r"(?:^|[\s(`])--[a-z]|openasm [a-z]")


@dataclass(frozen=True, slots=True)
class Shown:
    """One problem, or several that differ in file and in what was found alone. places: file, row and column of each with what was found."""

    problem: DataProblem
    places: tuple[DataProblem, ...]
    count: int
    what_to_do: str


def gathered(problems: Iterable[DataProblem]) -> list[Shown]:
    """Problems with the same code, text and column as one, in the order of the first of each."""
    found: dict[tuple[str, ...], list[DataProblem]] = {}
    for each in problems:
        key = (each.severity, each.code, each.title, each.column, each.expected, each.next_step)
        found.setdefault(key, []).append(each)
    return [
        Shown(same[0], tuple(same), sum(each.count for each in same), what_to_do(same[0])) for same in found.values()
    ]


def what_to_do(problem: DataProblem) -> str:
    """The next step on these pages; where only a command is known, whom to ask and what.

    >>> what_to_do(DataProblem(code="Z001", next_step="Correct the row."))
    'Correct the row.'
    >>> what_to_do(DataProblem(code="Z001", next_step="Give --year."))
    'Ask the operator of this workbench: Give --year.'
    """
    here = HERE.get(problem.code)
    if here is not None:
        return here
    step = str(problem.next_step)
    return f"Ask the operator of this workbench: {step}" if _COMMAND.search(step) else step
