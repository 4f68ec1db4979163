"""Which codes list is meant: a workbook of CMS's, or by one word the made-up one that ships."""

from __future__ import annotations

from pathlib import Path

from openasm.episodes.specifications.construction import demonstration_workbook

DEMONSTRATION = "demonstration"
"""In place of a codes list: the made-up one that ships."""


def codes_file(given: Path, cohort: str) -> Path:
    """The workbook that is meant: `Path("demonstration")` is the cohort's made-up list, anything else a file.

    >>> codes_file(Path("demonstration"), "heart_failure").name, codes_file(Path("mine.xlsx"), "heart_failure").name
    ('heart_failure_demo.xlsx', 'mine.xlsx')
    """
    return demonstration_workbook(cohort) if given == Path(DEMONSTRATION) else given
