"""`openasm roster`: a practice's roster against CMS's list and the map, without any claims, as a run folder."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from openasm import __version__
from openasm.archive.folder import check_target, new_run
from openasm.archive.manifest import Provenance, write_manifest
from openasm.base.errors import NotFound, WrongUsage, file_that_is_there
from openasm.base.problems import Problem, Problems
from openasm.base.years import PERFORMANCE_YEARS, data_year
from openasm.participants.registration import Contact
from openasm.participants.roster import Placement, Question, SystemCount, by_system
from openasm.participants.sites import SiteAnswer, site_answers
from openasm.runs.who_is_in.sources import RosterInputs, library_records, read_company, read_geography
from openasm.runs.who_is_in.tables import Results, write_roster_results


@dataclass(frozen=True, slots=True)
class RosterSummary:
    """A finished roster run. standings: how many entries (by cohort) stand how; sites: with ZIP codes in the roster, else empty."""

    out: Path
    performance_year: int
    standings: Mapping[str, int]
    placements: tuple[Placement, ...]
    questions: tuple[Question, ...]
    systems: tuple[SystemCount, ...]
    contacts: tuple[Contact, ...]
    sites: tuple[SiteAnswer, ...]
    sources: tuple[str, ...]
    problems: tuple[Problem, ...]


def run_roster(
    inputs: RosterInputs,
    out: Path,
    *,
    performance_year: int,
    now: Callable[[], dt.datetime],
    replace: bool = False,
) -> RosterSummary:
    """Match a roster to the list, its sites to the areas, and write a run folder whole or not at all.

    Raises NotFound without a list or for a file that is not there, InputRefused with everything wrong in the files, WrongUsage for a
    year outside the model.
    """
    started = now()
    if inputs.roster is None:
        raise WrongUsage("Give a roster.")
    if performance_year not in PERFORMANCE_YEARS:
        raise WrongUsage(f"The model's performance years are {PERFORMANCE_YEARS[0]} to {PERFORMANCE_YEARS[-1]}.")
    check_target(out, replace=replace)
    for given in (inputs.roster, inputs.answers, inputs.participants, inputs.counties, inputs.zips, inputs.areas):
        if given is not None:
            file_that_is_there(given)
    problems = Problems()
    company = read_company(inputs, problems)
    with_sites = any(each.sites for each in company.roster)
    geography, geography_sources = read_geography(inputs, problems) if with_sites else (None, ())
    problems.refuse_errors()
    if company.directory is None:
        raise NotFound("There is no participant list.")
    sites = site_answers(company.roster, geography)
    results = Results(
        performance_year,
        data_year(performance_year),
        (),
        company.directory,
        company.placements,
        company.questions,
        company.contacts,
        (),
        company.worksheet,
        sites,
    )
    standings = dict(sorted(Counter(each.standing.value for each in company.placements).items()))
    sources = (*company.sources, *geography_sources)
    with new_run(out, replace=replace) as folder:
        write_roster_results(results, folder)
        write_manifest(
            folder,
            provenance=Provenance(
                version=__version__,
                command="roster",
                name=out.name,
                year=performance_year,
                inputs=library_records(inputs, with_geography=with_sites),
                overlays=[],
                settings={"sources": list(sources)},
                started=started,
                ended=now(),
            ),
            parameters=[],
            counts={
                "roster_rows": len(company.roster),
                "standings": standings,
                "open_tin_questions": len(company.questions),
                "contacts": len(company.contacts),
                "sites": len(sites),
            },
            problems=problems,
            notes=["CMS's list holds no TIN, area or specialty; claims decide (`openasm eligibility`)."],
        )
    return RosterSummary(
        out=out,
        performance_year=performance_year,
        standings=standings,
        placements=company.placements,
        questions=company.questions,
        systems=by_system(company.placements),
        contacts=company.contacts,
        sites=sites,
        sources=sources,
        problems=tuple(problems),
    )
