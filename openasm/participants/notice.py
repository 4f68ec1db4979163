"""The evidence for a notice of error: a clinician on CMS's list who by these claims fails a test. No patient is in it.

42 CFR part 512 subpart G has a timely error notice process (512.755 by its place among the sections); its text has not been read.
The pack therefore shows a sibling model's periods, labelled as placeholders, and leaves blank what only the sender can say.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from openasm.base.errors import WrongUsage
from openasm.base.parameters import Parameter, Rules, plain_value
from openasm.participants.directory import Directory
from openasm.participants.eligibility import Coverage, Eligibility
from openasm.participants.geography import Placed
from openasm.participants.model_years import model_years
from openasm.participants.participant_list import ListedClinician
from openasm.regulation.participation import data_year, error_notice_answer, error_notice_deadline

COHORT_TITLES = {"heart_failure": "heart failure", "low_back_pain": "low back pain"}
BLANK = "____________________"
USED = (
    "participation.specialties",
    "participation.specialty_codes",
    "participation.specialty_rule",
    "participation.episode_threshold",
    "participation.episodes_counted",
    "participation.data_year_lag",
    "participation.service_location",
    "participation.tie_rule",
    "participation.area_unit",
    "participation.clinic_clinicians",
    "participation.error_notice_days",
    "participation.error_notice_answer_days",
    "participation.error_notice_reconsideration_days",
)
"""Rule values a notice rests on, in the order shown."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file the evidence rests on. vintage: in words, with the day it was added; cohort: empty for both."""

    what: str
    name: str
    vintage: str
    sha256: str
    cohort: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the pack: a title, sentences before the table, a header (texts may be empty) and rows of text.

    widths: each column's share of the page, adding up to 1.
    """

    title: str
    sentences: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    widths: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """A pack for one clinician and cohort, ready to be drawn as PDF and workbook."""

    npi: str
    name: str
    cohort: str
    performance_year: int
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        """Heading of the pack."""
        return f"Notice of error: participation in the Ambulatory Specialty Model, performance year {self.performance_year}"

    @property
    def stem(self) -> str:
        """File name without its ending."""
        return f"notice-{self.npi}-{self.cohort}-{self.performance_year}"


def make_notices(
    npi: str,
    tests: Sequence[Eligibility],
    *,
    directory: Directory | None,
    coverage: Coverage,
    sources: Sequence[Source],
    rules: Rules,
    today: dt.date,
    received: dt.date | None = None,
) -> tuple[Notice, ...]:
    """One pack a cohort in which the clinician is listed for the year and every TIN fails a test.

    tests: of everybody judged. received: the day the list or letter arrived. Raises WrongUsage, saying why, where there is nothing
    to give notice of.
    """
    if directory is None:
        raise WrongUsage("A notice of error needs the participant list: give --list, or add it to the library.")
    listed = [row for row in directory.by_npi(npi) if row.in_year(rules.year).participant]
    if not listed:
        raise WrongUsage(f"NPI {npi} is not on this list for {rules.year}; there is nothing to give notice of.")
    found, why_not = [], []
    for cohort in sorted({row.cohort for row in listed}):
        mine = [each for each in tests if each.npi == npi and each.cohort == cohort]
        open_ones = [each for each in mine if each.eligible is not Placed.NO]
        if not mine:
            why_not.append(f"{COHORT_TITLES[cohort]}: the claims hold nothing of this clinician")
        elif open_ones:
            told = ", ".join(f"TIN {each.tin}: {each.eligible}" for each in open_ones)
            why_not.append(f"{COHORT_TITLES[cohort]}: no test is shown to fail ({told})")
        else:
            rows = [row for row in listed if row.cohort == cohort]
            sections = _sections(
                rows, mine, directory, coverage=coverage, sources=sources, rules=rules, today=today, received=received
            )
            found.append(Notice(npi, rows[0].name, cohort, rules.year, sections))
    if not found:
        raise WrongUsage(f"No notice of error for NPI {npi}. {'; '.join(why_not)}.")
    return tuple(found)


def _sections(
    rows: Sequence[ListedClinician],
    tests: Sequence[Eligibility],
    directory: Directory,
    *,
    coverage: Coverage,
    sources: Sequence[Source],
    rules: Rules,
    today: dt.date,
    received: dt.date | None,
) -> tuple[Section, ...]:
    cohort = rows[0].cohort
    return (
        _summary(rows[0], tests, rules),
        _listing(rows, directory, rules),
        *(_tests(each, rules) for each in tests),
        _dates(rules, today=today, received=received),
        Section(
            "What the numbers come from",
            ("Counts only; no patient is named in this pack. The hash shows that a file is the same one.",),
            ("source", "file", "version", "SHA-256"),
            tuple((each.what, each.name, each.vintage, each.sha256) for each in sources if each.cohort in ("", cohort)),
            (0.17, 0.21, 0.12, 0.5),
        ),
        Section(
            "Rule values used",
            (
                "Status: codified (the words of the CFR were read), cms (a CMS publication says so), secondary (others restating "
                "CMS), analog (a sibling program's), assumed (our reading).",
            ),
            ("value", "in force", "source", "status"),
            tuple(_rule(rules[name]) for name in USED),
            (0.24, 0.3, 0.34, 0.12),
        ),
        Section(
            "What this evidence cannot show",
            (
                "CMS decides on its own claims, which may hold lines, episodes or sites that these do not.",
                *(f"Here {gap}." for gap in coverage.gaps),
                "The text of 42 CFR 512.710(b) was not available in full; how CMS breaks ties and counts several TINs is our reading.",
            ),
        ),
        Section(
            "Statement of the sender",
            ("To be filled in and signed by the clinician or a person who may sign for the TIN.",),
            ("", ""),
            tuple(
                (label, "")
                for label in (
                    "Name and title",
                    "Practice and TIN",
                    "Address, telephone, e-mail",
                    "What is asked of CMS",
                    "Day the list or letter was received",
                    "Day this notice is sent, and how",
                    "Signature and day",
                )
            ),
            (0.36, 0.64),
        ),
    )


def _summary(row: ListedClinician, tests: Sequence[Eligibility], rules: Rules) -> Section:
    failing = sorted({name for each in tests for name in each.failing})
    return Section(
        "In short",
        (
            f"{row.name} (NPI {row.npi}) is listed as a participant of the {COHORT_TITLES[row.cohort]} cohort for performance "
            f"year {rules.year}.",
            f"By the Medicare claims of the data year {data_year(rules)} described below, "
            + (
                f"the criteria of 42 CFR 512.710(b) are not met under TIN {tests[0].tin}: {', '.join(failing)}."
                if len(tests) == 1
                else f"the criteria of 42 CFR 512.710(b) are met under none of the {len(tests)} TINs found: {', '.join(failing)}."
            ),
            "The sender asks CMS to review the listing. This pack was computed by software from the files named; it is no legal "
            "advice.",
        ),
    )


def _listing(rows: Sequence[ListedClinician], directory: Directory, rules: Rules) -> Section:
    listed = directory.listed
    version = f", version {listed.label}" if listed.label not in ("", listed.file.partition(".")[0]) else ""
    years = {each.performance_year: each.participant for each in model_years(rows)}
    return Section(
        "The listing",
        (
            f"Participant list: {listed.file}{version}.",
            f"SHA-256 {listed.sha256}.",
            f"Participant in {rules.year}: {years[rules.year]}. The list names no TIN.",
        ),
        ("NPI", "name", "cohort", "organization on the list", "state"),
        tuple(
            (row.npi, row.name, COHORT_TITLES[row.cohort], row.organization or "(none)", row.state or "(none)")
            for row in rows
        ),
        (0.14, 0.26, 0.15, 0.36, 0.09),
    )


def _tests(each: Eligibility, rules: Rules) -> Section:
    words = {
        "fee schedule": ("1. Bills under the Medicare physician fee schedule", each.fee_schedule.words),
        "specialty": ("2. Most common specialty code on Part B lines is in scope", each.specialty.words),
        "episodes": (
            f"3. At least {each.episodes.needed} attributed episodes of the cohort's cost measure",
            each.episodes.words,
        ),
        "location": ("4. Most of these lie in a mandatory area", each.location.words),
    }
    close = f" Close to the limit: {', '.join(each.near)}." if each.near else ""
    return Section(
        f"The tests under TIN {each.tin}",
        (f"Data year {data_year(rules)}, 1 January to 31 December.{close}",),
        ("test", "met", "numbers"),
        tuple((words[name][0], str(answer), words[name][1]) for name, answer in each.answers.items()),
        (0.36, 0.14, 0.5),
    )


def _dates(rules: Rules, *, today: dt.date, received: dt.date | None) -> Section:
    days, answer, again = (
        rules[f"participation.error_notice_{name}"].integer for name in ("days", "answer_days", "reconsideration_days")
    )
    due = error_notice_deadline(received, rules) if received else None
    return Section(
        "The clock",
        (
            "PLACEHOLDER. The text of the error notice process of this model (42 CFR 512.755) has not been read. The periods below are "
            "those of a sibling model in the same part (42 CFR 512.290). Ask CMS for the period that holds, and send early.",
        ),
        ("step", "period (placeholder)", "day"),
        (
            ("this pack made", "", today.isoformat()),
            ("list or letter received", "starts the clock", received.isoformat() if received else BLANK),
            ("notice of error sent at the latest", f"{days} days later", due.isoformat() if due else BLANK),
            (
                "CMS answers",
                f"{answer} days after the notice; may be extended",
                f"{error_notice_answer(due, rules).isoformat()} if sent on the last day" if due else BLANK,
            ),
            ("reconsideration asked for at the latest", f"{again} days after the answer", BLANK),
        ),
        (0.38, 0.32, 0.3),
    )


def _rule(parameter: Parameter) -> tuple[str, str, str, str]:
    value = plain_value(parameter.value)
    if isinstance(value, dict):
        shown = "; ".join(f"{name.replace('_', ' ')}: {_items(item)}" for name, item in value.items())
    else:
        shown = _items(value).replace("_", " ")
    return parameter.title, shown, parameter.citation, parameter.status.value


def _items(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
