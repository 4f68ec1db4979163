"""`openasm eligibility`: from claims, episodes, list, roster and geography to who is in, who may be, and why, as a run folder."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from openasm import __version__
from openasm.archive.folder import check_target, new_run
from openasm.archive.manifest import Provenance, file_hash, write_manifest
from openasm.base.parameters import Rules
from openasm.base.problems import Problem, Problems
from openasm.claims.folder import Claims, open_claims
from openasm.participants.counting import Counted, EpisodeFrames, Pair, count
from openasm.participants.directory import Directory
from openasm.participants.eligibility import Coverage, Eligibility, judge, worth_judging
from openasm.participants.episode_files import open_episodes
from openasm.participants.findings import Judged, find
from openasm.participants.notice import Notice, Source, make_notices
from openasm.participants.problems import CLAIMS_IN_PART, LINES_OF_NOBODY
from openasm.participants.sites import site_answers
from openasm.regulation import participation
from openasm.regulation.participation import clinic_codes, data_year, excluded_episodes_count, specialty_codes
from openasm.regulation.rulebook import rules_for
from openasm.runs.who_is_in.sources import (
    Company,
    EligibilityInputs,
    check_usage,
    episode_folders,
    file_records,
    read_company,
    read_geography,
)
from openasm.runs.who_is_in.tables import Results, write_results
from openasm.tables.engine import open_engine

PARTIAL_FORMATS = ("cclf", "eob")
"""Deliveries of one organization's patients: a clinician's other patients are not in them."""


@dataclass(frozen=True, slots=True)
class EligibilitySummary:
    """A finished run. findings: by cohort, how many of each; judged: everyone, sorted by cohort, TIN and NPI."""

    out: Path
    performance_year: int
    data_year: int
    findings: Mapping[str, Mapping[str, int]]
    judged: tuple[Judged, ...]
    sources: tuple[str, ...]
    gaps: tuple[str, ...]
    notices: tuple[str, ...]
    questions: int
    contacts: int
    listed_without_claims: int
    problems: tuple[Problem, ...]


def run_eligibility(
    inputs: EligibilityInputs,
    out: Path,
    *,
    performance_year: int,
    now: Callable[[], dt.datetime],
    assume_year: int | None = None,
    notices: Sequence[str] = (),
    received: dt.date | None = None,
    engine_name: str = "duckdb",
    memory_bytes: int | None = None,
    threads: int | None = None,
    spill_folder: Path | None = None,
    replace: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> EligibilitySummary:
    """Judge everyone the claims show, and write a run folder whole or not at all.

    notices: NPIs to make error-notice packs for; received: the day the list or letter arrived. Raises InputRefused with everything
    wrong in the files, WrongUsage, NotFound, RuleUnpublished; then nothing is written.
    """
    started = now()
    check_target(out, replace=replace)
    check_usage(inputs, notices)
    rules = rules_for(performance_year, overlays=inputs.overlays, assume_year=assume_year)
    year = data_year(rules)
    problems = Problems()
    company = read_company(inputs, problems)
    geography, geography_sources = read_geography(inputs, problems)
    problems.refuse_errors()
    with (
        episode_folders(
            inputs,
            out,
            year=year,
            now=now,
            engine_name=engine_name,
            memory_bytes=memory_bytes,
            threads=threads,
            spill_folder=spill_folder,
            progress=progress,
        ) as folders,
        open_engine(engine_name, memory_bytes=memory_bytes, threads=threads, spill_folder=spill_folder) as engine,
    ):
        claims = open_claims(inputs.claims, engine)
        frames = [
            open_episodes(folder, engine, problems, cohort=cohort, year=year, claims_folder=inputs.claims)
            for cohort, folder in sorted(folders.items())
        ]
        problems.refuse_errors()
        cohorts: list[EpisodeFrames] = [each for each in frames if each is not None]
        progress("counting lines and places")
        counted = count(
            claims,
            cohorts,
            engine,
            year=year,
            specialties={code for each in cohorts for code in specialty_codes(each.cohort, rules)},
            npis=_listed_npis(company.directory) | {each.npi for each in company.roster},
            with_excluded=excluded_episodes_count(rules),
            clinics=clinic_codes(rules),
        )
        coverage = _coverage(claims, year, inputs.claims_hold)
        records = file_records(inputs, folders)
    progress("judging")
    _note_gaps(counted, coverage, inputs, problems)
    tests = judge(
        counted,
        {each.cohort: _whom(counted, each.cohort, company, rules) for each in cohorts},
        coverage=coverage,
        geography=geography,
        rules=rules,
    )
    judged = find(
        tests,
        directory=company.directory,
        performance_year=performance_year,
        placements=company.placements,
        roster=company.roster,
    )
    packs = _notices(notices, tests, company, coverage, records, rules=rules, today=started.date(), received=received)
    results = Results(
        rules.year,
        year,
        judged,
        company.directory,
        company.placements,
        company.questions,
        company.contacts,
        packs,
        company.worksheet,
        site_answers(company.roster, geography),
    )
    with new_run(out, replace=replace) as folder:
        progress("writing")
        write_results(results, folder, with_roster=inputs.roster is not None)
        write_manifest(
            folder,
            provenance=Provenance(
                version=__version__,
                command="eligibility",
                name=out.name,
                year=performance_year,
                inputs=records,
                overlays=[{"name": path.name, "sha256": file_hash(path)} for path in inputs.overlays],
                settings={
                    "data_year": year,
                    "cohorts": sorted(folders),
                    "assume_year": assume_year,
                    "claims_hold": "all" if coverage.whole_people else "part",
                    "claims_from": claims.data_start.isoformat(),
                    "claims_to": claims.data_end.isoformat(),
                    "engine": engine_name,
                    "sources": [*company.sources, *geography_sources],
                },
                started=started,
                ended=now(),
            ),
            parameters=[rules[name] for name in participation.PARAMETERS],
            counts=_counts(results, counted),
            problems=problems,
            notes=[f"Here {gap}." for gap in coverage.gaps],
        )
    return EligibilitySummary(
        out=out,
        performance_year=performance_year,
        data_year=year,
        findings=_findings(judged, sorted(folders)),
        judged=judged,
        sources=(*company.sources, *geography_sources),
        gaps=coverage.gaps,
        notices=tuple(each.stem for each in packs),
        questions=len(company.questions),
        contacts=len(company.contacts),
        listed_without_claims=_listed_without_claims(company.directory, judged),
        problems=tuple(problems),
    )


def _coverage(claims: Claims, year: int, claims_hold: str) -> Coverage:
    partial = claims.manifest.get("source_format") in PARTIAL_FORMATS
    return Coverage(
        whole_people=claims_hold == "all" or (not claims_hold and not partial),
        whole_year=claims.data_start <= dt.date(year, 1, 1) and claims.data_end >= dt.date(year, 12, 31),
        run_up=claims.data_start <= dt.date(year - 1, 1, 1),
    )


def _note_gaps(counted: Counted, coverage: Coverage, inputs: EligibilityInputs, problems: Problems) -> None:
    for gap in coverage.gaps:
        problems.add(CLAIMS_IN_PART, inputs.claims.name, found=gap)
    if counted.without_tin_or_npi:
        problems.add(
            LINES_OF_NOBODY,
            "claim_lines",
            found=f"{counted.without_tin_or_npi:,} of {counted.professional_lines:,} lines",
            count=counted.without_tin_or_npi,
        )


def _listed_npis(directory: Directory | None) -> set[str]:
    return {each.npi for each in directory.listed.clinicians} if directory else set()


def _whom(counted: Counted, cohort: str, company: Company, rules: Rules) -> set[Pair]:
    """Everyone worth judging in a cohort; of the listed also those whose lines speak against it, and the roster's."""
    listed = (
        {each.npi for each in company.directory.listed.clinicians if each.cohort == cohort}
        if company.directory
        else set()
    )
    also = {pair for pair in counted.lines if pair[1] in listed}
    also |= {(each.tin, each.npi) for each in company.roster if each.npi in listed}
    return worth_judging(counted, cohort, rules, also=also)


def _listed_without_claims(directory: Directory | None, judged: Sequence[Judged]) -> int:
    """Clinicians of the list of whom the claims (and the roster) show nothing."""
    return len(_listed_npis(directory) - {each.tests.npi for each in judged})


def _notices(
    npis: Sequence[str],
    tests: Sequence[Eligibility],
    company: Company,
    coverage: Coverage,
    records: Sequence[Mapping[str, object]],
    *,
    rules: Rules,
    today: dt.date,
    received: dt.date | None,
) -> tuple[Notice, ...]:
    sources = [
        Source(
            str(each["table"]),
            str(each["name"]),
            f"{each['vintage']}, added {each['added']}" if "vintage" in each else "as given",
            str(each["sha256"]),
            str(each.get("cohort", "")),
        )
        for each in records
        if each["table"] not in ("roster", "answers")
    ]
    return tuple(
        pack
        for npi in dict.fromkeys(npis)
        for pack in make_notices(
            npi,
            tests,
            directory=company.directory,
            coverage=coverage,
            sources=sources,
            rules=rules,
            today=today,
            received=received,
        )
    )


def _findings(judged: Sequence[Judged], cohorts: Sequence[str]) -> dict[str, dict[str, int]]:
    return {
        cohort: dict(sorted(Counter(each.finding.value for each in judged if each.tests.cohort == cohort).items()))
        for cohort in cohorts
    }


def _counts(results: Results, counted: Counted) -> dict[str, object]:
    return {
        "professional_lines_of_data_year": counted.professional_lines,
        "lines_without_tin_or_npi": counted.without_tin_or_npi,
        "tin_npi_pairs_in_claims": counted.pairs,
        "judged": len(results.judged),
        "findings": _findings(results.judged, sorted({each.tests.cohort for each in results.judged})),
        "listed_without_claims": _listed_without_claims(results.directory, results.judged),
        "open_tin_questions": len(results.questions),
        "contacts": len(results.contacts),
        "notices": [each.stem for each in results.notices],
    }
