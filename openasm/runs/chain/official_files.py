"""Official files of a run: as its configuration names them, else the newest of the library."""

from __future__ import annotations

from pathlib import Path

from openasm.base.errors import NotFound
from openasm.episodes.specifications.construction import demonstration_workbook
from openasm.participants.shelves import newest
from openasm.runs.chain.configuration import Configuration
from openasm.runs.chain.stage_inputs import stated
from openasm.runs.cost.codes_list import codes_file
from openasm.runs.who_is_in.sources import CODES_KEYS


def official_file(configuration: Configuration, key: str, shelf: Path) -> Path | None:
    """CMS's list (`participants`) or a file of the geography; None where neither configuration nor library (shelf) has it.

    Raises NotFound for a vintage of the list that the library lacks.
    """
    section = configuration.participants
    named: Path | None = section.list if key == "participants" else getattr(section, key)
    if named is not None:
        return named
    vintage = section.vintage or None if key == "participants" else None
    try:
        return newest(shelf, key, vintage=vintage)[0]
    except NotFound:
        if vintage:
            raise
        return None


def codes_list(configuration: Configuration, cohort: str, shelf: Path, loaded: Path | None) -> Path | None:
    """A cohort's codes list; the made-up one where the configuration says so, and for a loaded folder that says it is made up."""
    given: Path | None = getattr(configuration.codes, cohort)
    if given is not None:
        return codes_file(given, cohort)
    try:
        return newest(shelf, CODES_KEYS[cohort])[0]
    except NotFound:
        return demonstration_workbook(cohort) if stated(loaded, "synthetic") is True else None
