"""The files of an eligibility run: results without any patient, worksheets for the practice, error-notice packs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from openasm.archive.tables import Cell, Table, table_of, write_csv, write_parquet
from openasm.participants.directory import Directory
from openasm.participants.findings import Finding, Judged
from openasm.participants.geography import Placed
from openasm.participants.model_years import CITATION, model_years
from openasm.participants.notice import Notice
from openasm.participants.notice_pdf import write_notice_pdf
from openasm.participants.notice_workbook import write_notice_workbook
from openasm.participants.overlaps import OVERLAPS
from openasm.participants.registration import Contact, write_contacts
from openasm.participants.roster import Placement, Question, by_system, write_worksheet
from openasm.participants.sites import SiteAnswer


@dataclass(frozen=True, slots=True)
class Results:
    """Everything a run writes but its manifest."""

    performance_year: int
    data_year: int
    judged: tuple[Judged, ...]
    directory: Directory | None
    placements: tuple[Placement, ...]
    questions: tuple[Question, ...]
    contacts: tuple[Contact, ...]
    notices: tuple[Notice, ...]
    worksheet: tuple[Question, ...] = ()
    sites: tuple[SiteAnswer, ...] = ()


def write_results(results: Results, folder: Path, *, with_roster: bool) -> None:
    """Write the tables; equal results give equal bytes.

    ```
    scores/eligibility.csv, .parquet   one row a TIN, NPI and cohort: the four tests with their numbers
    scores/years.csv                   listed clinicians year by year 2027-2031, and MIPS
    scores/overlaps.csv                ACOs and other programs: text, source, status
    scores/roster.csv, systems.csv     with a roster: where each entry stands and what follows; systems added up
    scores/sites.csv                   with sites in the roster: whether each is in a mandatory area, and why
    worksheets/tin_questions.csv       open questions, then the answers given so far: to be given back with --answers
    worksheets/contacts.csv            with e-mail addresses: whom to register
    notices/                           error-notice packs asked for
    ```
    """
    scores = folder / "scores"
    eligibility = eligibility_table(results)
    write_csv(scores / "eligibility.csv", eligibility)
    write_parquet(scores / "eligibility.parquet", eligibility)
    write_csv(scores / "years.csv", years_table(results))
    write_csv(scores / "overlaps.csv", overlaps_table())
    if with_roster:
        _write_roster(results, folder)
    for notice in results.notices:
        write_notice_pdf(notice, folder / "notices" / f"{notice.stem}.pdf")
        write_notice_workbook(notice, folder / "notices" / f"{notice.stem}.xlsx")


def write_roster_results(results: Results, folder: Path) -> None:
    """Write what a roster gives without claims: the files of `write_results` that need none."""
    write_csv(folder / "scores" / "years.csv", years_table(results))
    write_csv(folder / "scores" / "overlaps.csv", overlaps_table())
    _write_roster(results, folder)


def _write_roster(results: Results, folder: Path) -> None:
    scores, worksheets = folder / "scores", folder / "worksheets"
    write_csv(scores / "roster.csv", roster_table(results))
    write_csv(scores / "systems.csv", systems_table(results))
    write_worksheet(results.worksheet, worksheets / "tin_questions.csv")
    if results.contacts:
        write_contacts(results.contacts, worksheets / "contacts.csv")
    if results.sites:
        write_csv(scores / "sites.csv", sites_table(results))


COLUMNS = (
    "performance_year",
    "data_year",
    "cohort",
    "tin",
    "npi",
    "name",
    "listed",
    "listed_organizations",
    "roster_standing",
    "eligible",
    "finding",
    "failing",
    "near",
    "fee_schedule",
    "professional_lines",
    "lines_at_clinics",
    "clinic_days",
    "specialty",
    "specialty_code",
    "specialty_lines",
    "specialty_margin",
    "specialty_tie",
    "specialty_all_tins",
    "lines_without_specialty",
    "episodes",
    "episodes_counted",
    "episodes_attributed",
    "episodes_needed",
    "episodes_margin",
    "location",
    "area",
    "area_title",
    "area_sure",
    "area_episodes",
    "area_lead",
    "area_tie",
    "zip_ties",
    "episodes_not_placed",
    "areas_possible",
    "fee_schedule_reason",
    "specialty_reason",
    "episodes_reason",
    "location_reason",
    "follows",
)


def eligibility_table(results: Results) -> Table:
    """scores/eligibility.csv, sorted by cohort, TIN and NPI."""
    return table_of(COLUMNS, [_row(results, each) for each in results.judged])


def _row(results: Results, each: Judged) -> Sequence[Cell]:
    tests = each.tests
    specialty, episodes, place = tests.specialty, tests.episodes, tests.location
    return (
        results.performance_year,
        results.data_year,
        tests.cohort,
        tests.tin,
        tests.npi,
        each.name,
        each.listed,
        "; ".join(each.organizations),
        each.standing,
        tests.eligible.value,
        each.finding.value,
        "; ".join(tests.failing),
        "; ".join(tests.near),
        tests.fee_schedule.answer.value,
        tests.fee_schedule.lines,
        tests.fee_schedule.at_clinics,
        tests.fee_schedule.clinic_days,
        specialty.answer.value,
        specialty.code,
        specialty.lines,
        specialty.margin,
        specialty.tie,
        specialty.everywhere,
        specialty.without_code,
        episodes.answer.value,
        episodes.episodes,
        episodes.attributed,
        episodes.needed,
        episodes.margin,
        place.answer.value,
        place.area,
        place.title,
        place.sure,
        place.episodes,
        place.lead,
        place.tie,
        place.zip_ties,
        place.unknown,
        "; ".join(f"{area.code} {area.placed} {area.surely}-{area.at_most}" for area in place.areas),
        tests.fee_schedule.words,
        specialty.words,
        episodes.words,
        place.words,
        each.follows,
    )


def years_table(results: Results) -> Table:
    """scores/years.csv: clinicians of the claims or the roster who are on the list, cohort and year."""
    names = (
        "npi",
        "name",
        "cohort",
        "performance_year",
        "data_year",
        "payment_year",
        "submission_deadline",
        "participant",
    )
    rows: list[Sequence[Cell]] = []
    if results.directory is not None:
        npis = {each.tests.npi for each in results.judged} | {each.entry.npi for each in results.placements}
        for npi in sorted(npis):
            listed = results.directory.by_npi(npi)
            for cohort in sorted({each.cohort for each in listed}):
                of_cohort = [each for each in listed if each.cohort == cohort]
                rows += [
                    (
                        npi,
                        of_cohort[0].name,
                        cohort,
                        year.performance_year,
                        year.data_year,
                        year.payment_year,
                        year.deadline.isoformat(),
                        year.participant,
                        year.mips,
                        CITATION,
                        year.status.value,
                    )
                    for year in model_years(of_cohort)
                ]
    return table_of((*names, "mips", "citation", "status"), rows)


def overlaps_table() -> Table:
    """scores/overlaps.csv."""
    return table_of(
        ("program", "text", "citation", "status"),
        [(each.program, each.text, each.citation, each.status.value) for each in OVERLAPS],
    )


def roster_table(results: Results) -> Table:
    """scores/roster.csv: every roster entry and cohort; what follows for those in, and for partners who stay in MIPS."""
    found = {(each.tests.tin, each.tests.npi, each.tests.cohort): each for each in results.judged}
    rows: list[Sequence[Cell]] = []
    for each in results.placements:
        entry = each.entry
        judged = found.get((entry.tin, entry.npi, each.cohort))
        rows.append(
            (
                entry.tin,
                entry.npi,
                entry.name,
                entry.organization,
                entry.system,
                each.cohort,
                each.standing.value,
                "; ".join(each.listed_organizations),
                each.name_agrees,
                judged.tests.eligible.value if judged else "",
                each.follows,
            )
        )
    names = (
        "tin",
        "npi",
        "name",
        "organization",
        "system",
        "cohort",
        "standing",
        "listed_organizations",
        "name_agrees",
    )
    return table_of((*names, "eligible_by_claims", "follows"), rows)


def sites_table(results: Results) -> Table:
    """scores/sites.csv: every site of the roster, whether it is in a mandatory area, and why."""
    return table_of(
        ("tin", "npi", "zip", "in_mandatory_area", "areas", "reason"),
        [
            (each.tin, each.npi, each.zip, each.placed.value, "; ".join(each.areas), each.reason)
            for each in results.sites
        ],
    )


def systems_table(results: Results) -> Table:
    """scores/systems.csv: systems of several TINs added up, each NPI once."""
    failing = {each.tests.npi for each in results.judged if each.finding is Finding.LISTED_FAILS}
    likely = {
        each.tests.npi
        for each in results.judged
        if each.tests.eligible is Placed.YES and each.finding is Finding.LIKELY
    }
    members = {
        system.system: {each.entry.npi for each in results.placements if each.entry.tin in system.tins}
        for system in by_system(results.placements)
    }
    rows: list[Sequence[Cell]] = [
        (
            each.system,
            "; ".join(each.tins),
            each.clinicians,
            each.participants,
            each.open_questions,
            len(members[each.system] & failing),
            len(members[each.system] & likely),
        )
        for each in by_system(results.placements)
    ]
    names = ("system", "tins", "clinicians", "participants", "open_questions", "listed_failing_a_test")
    return table_of((*names, "likely_later"), rows)
