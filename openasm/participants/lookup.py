"""The look-up: am I in, by NPI, name, practice or state; is my place in, by county or ZIP. Says what it used and of which date."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from openasm.base.errors import NotFound, file_that_is_there
from openasm.base.problems import Problem, Problems
from openasm.participants.directory import Directory
from openasm.participants.geography import Geography
from openasm.participants.geography_files import read_areas, read_counties, read_crosswalk
from openasm.participants.participant_list import ListedClinician, read_participant_list
from openasm.participants.shelves import newest


@dataclass(frozen=True)
class Sources:
    """Which files an answer rests on, each as `title, vintage (added day)`, and what was noticed in them."""

    files: tuple[str, ...]
    warnings: tuple[Problem, ...]


def open_directory(library: Path, file: Path | None = None, *, vintage: str | None = None) -> tuple[Directory, Sources]:
    """The participant list to search: a file given, or the library's newest (or a vintage of it).

    Raises NotFound where there is none (also of the name given), InputRefused for a list with errors.
    """
    problems = Problems()
    if file is not None:
        used = f"participant list {file.name}"
        listed = read_participant_list(file_that_is_there(file), problems, label=file.stem)
    else:
        path, record = newest(library, "participants", vintage=vintage)
        used = f"participant list, {record.vintage} (added {record.added})"
        listed = read_participant_list(path, problems, label=record.vintage)
    problems.refuse_errors()
    return Directory(listed), Sources((used,), tuple(problems.warnings))


def open_geography(
    library: Path, *, counties: Path | None = None, zips: Path | None = None, areas: Path | None = None
) -> tuple[Geography, Sources]:
    """Delineation, crosswalk and mandatory areas: files given, or the library's newest.

    The delineation is needed (NotFound); without a crosswalk ZIPs, and without a list of areas everything, `cannot tell`.
    """
    problems = Problems()
    used: list[str] = []

    def file_of(given: Path | None, key: str, title: str, *, needed: bool) -> Path | None:
        if given is not None:
            used.append(f"{title} {given.name}")
            return file_that_is_there(given)
        try:
            path, record = newest(library, key)
        except NotFound:
            if needed:
                raise
            used.append(f"no {title}")
            return None
        used.append(f"{title}, {record.vintage} (added {record.added})")
        return path

    counties_file = file_of(counties, "counties", "county delineation", needed=True)
    zips_file = file_of(zips, "zips", "ZIP crosswalk", needed=False)
    areas_file = file_of(areas, "areas", "mandatory areas", needed=False)
    rows = read_counties(counties_file, problems) if counties_file else ()
    parts, means = read_crosswalk(zips_file, problems) if zips_file else ((), "")
    codes, whole = (
        read_areas(areas_file, problems, known=frozenset(county.unit for county in rows)) if areas_file else ((), False)
    )
    problems.refuse_errors()
    geography = Geography(counties=rows, zips=parts, areas=codes, areas_complete=whole, share_means=means)
    return geography, Sources(tuple(used), tuple(problems.warnings))


@dataclass(frozen=True, slots=True)
class Listing:
    """A row of the list in plain words. closeness: 1 for the same words; status: what the list says year by year."""

    npi: str
    name: str
    cohort: str
    organization: str
    state: str
    small_practice: str
    status: str
    closeness: float


def listing(clinician: ListedClinician, *, closeness: float = 1.0) -> Listing:
    """One row as it is shown."""
    words = {True: "yes", False: "no", None: "not known yet"}
    years = range(2027, 2032)
    return Listing(
        clinician.npi,
        clinician.name,
        clinician.cohort,
        clinician.organization or "(no organization on the list)",
        clinician.state,
        words[clinician.in_year(2027).small_practice],
        ", ".join(f"{year} {words[clinician.in_year(year).participant]}" for year in years),
        closeness,
    )


CAVEAT = (
    "The list holds no TIN, area or specialty. A row means that CMS names this NPI under this organization; which TIN that is, "
    "the practice has to settle (a roster match gives a worksheet). Not being on this version is no promise for a later one."
)
