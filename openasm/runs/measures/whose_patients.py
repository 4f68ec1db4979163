"""Whose patients a source holds, as the user says it: options, a file of patients, or a roster of clinicians.

`read_attribution` turns them into an `openasm.quality.attribution.Attribution`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openasm.base import files
from openasm.base.errors import WrongUsage
from openasm.base.files import Column, read_table
from openasm.base.identity import is_npi, is_tin
from openasm.base.problems import Problems, Severity, declare
from openasm.clinical.practitioners import practitioner_npis
from openasm.quality.attribution import Attribution, Clinician
from openasm.regulation.participation import COHORTS

NOT_IN_ROSTER = declare(
    "Q130",
    "no row is about the TIN asked for",
    expected="rows of the TIN given with --tin",
    next_step="Check the TIN, or leave --tin out.",
)
NOBODYS_PATIENTS = declare(
    "Q131",
    "patients in a measure's denominator are no listed clinician's and count for nobody",
    expected="every patient in the attribution file, or a qualifying visit with a clinician of the roster",
    next_step="Add the patients to the file, or the clinicians (NPI, or the id the records use as practitioner) to the roster.",
    severity=Severity.WARNING,
)
NO_PERFORMERS = declare(
    "Q132",
    "no qualifying visit names a clinician of the roster",
    expected="encounters whose participants are NPIs or practitioners of the roster",
    next_step="Give the ids that the records use in the roster's column practitioner, or say with --attribution whose patients they are.",
    severity=Severity.WARNING,
)

ATTRIBUTION_COLUMNS = (
    Column("patient", files.text),
    Column("tin", files.tin),
    Column("npi", files.npi, may_be_empty=True),
)
ROSTER_COLUMNS = (
    Column("tin", files.tin),
    Column("npi", files.npi),
    Column("practitioner", files.text, required=False, may_be_empty=True),
    Column("cohort", files.choice(*COHORTS), required=False, may_be_empty=True),
    Column("clinicians_in_tin", files.integer(1, 1_000_000), required=False, may_be_empty=True),
    # participants.csv of `openasm score` serves as a roster; what it holds besides is not needed here.
    *(
        Column(name, files.text, required=False, may_be_empty=True)
        for name in ("name", "organization", "state", "part_b_paid", "hcc_mean", "dual_share")
    ),
)


@dataclass(frozen=True, slots=True)
class WhosePatients:
    """What the user said about whose patients the source holds; all empty: nothing, and no results by clinician."""

    tin: str = ""
    npi: str = ""
    cohort: str = ""
    attribution: Path | None = None
    roster: Path | None = None

    @property
    def asked(self) -> bool:
        """Whether results by clinician or practice are wanted."""
        return bool(self.tin or self.attribution or self.roster)

    def check(self) -> None:
        """WrongUsage for options that do not go together."""
        if self.tin and not is_tin(self.tin):
            raise WrongUsage("--tin is nine digits without a hyphen.")
        if self.npi and not is_npi(self.npi):
            raise WrongUsage("--npi is ten digits with a right check digit.")
        if self.npi and not self.tin:
            raise WrongUsage("--npi needs --tin: a clinician may bill under several TINs.")
        if self.npi and (self.attribution or self.roster):
            raise WrongUsage(
                "--npi says that the whole source is one clinician's; leave out --attribution and --roster."
            )
        if self.cohort and self.cohort not in COHORTS:
            raise WrongUsage(f"--cohort is {' or '.join(COHORTS)}.")
        if self.cohort and not self.asked:
            raise WrongUsage("--cohort needs --tin, --attribution or --roster.")


@dataclass(frozen=True, slots=True)
class Practices:
    """The clinicians results are wanted for, and what the roster says of them.

    cohorts: clinician -> cohorts; sizes: TIN -> clinicians in it; both only as far as they were given.
    """

    attribution: Attribution
    clinicians: tuple[Clinician, ...]
    cohorts: Mapping[Clinician, frozenset[str]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)


def read_attribution(whose: WhosePatients, source: Path, problems: Problems) -> Practices:
    """Read and check the files that say whose patients they are. Problems are added, never raised; ids of patients are not shown.

    source: where the records are; with a roster its practitioners are looked up, so that a reference leads to an NPI.
    """
    whose.check()
    cohorts: dict[Clinician, set[str]] = {}
    sizes: dict[str, int] = {}
    performers: dict[str, set[Clinician]] = {}
    if whose.roster is not None:
        table = read_table(whose.roster, ROSTER_COLUMNS, problems)
        columns = [table.columns[column.name] or [None] * len(table) for column in ROSTER_COLUMNS[:5]]
        for tin, npi, practitioner, cohort, size in zip(*columns, strict=True):
            if whose.tin and tin != whose.tin:
                continue
            clinician = Clinician(tin, npi)
            performers.setdefault(npi, set()).add(clinician)
            if practitioner:
                performers.setdefault(practitioner, set()).add(clinician)
            if cohort:
                cohorts.setdefault(clinician, set()).add(cohort)
            if size:
                sizes[tin] = size
        if len(table) and not performers:
            problems.add(NOT_IN_ROSTER, whose.roster.name, column="tin")
    if whose.attribution is not None:
        by_patient = _by_patient(whose.attribution, whose.tin, problems)
        listed = {each for clinicians in by_patient.values() for each in clinicians}
        attribution = Attribution(by_patient={patient: tuple(sorted(each)) for patient, each in by_patient.items()})
    elif whose.roster is not None:
        for name, npi in practitioner_npis(source).items():
            if npi in performers:
                performers.setdefault(name, set()).update(performers[npi])
        listed = {each for clinicians in performers.values() for each in clinicians}
        attribution = Attribution(by_performer={name: tuple(sorted(each)) for name, each in performers.items()})
    else:
        whole = Clinician(whose.tin, whose.npi)
        return Practices(Attribution(whole=whole), (whole,), _cohorts_said(whose.cohort, [whole]))
    listed |= {Clinician(each.tin, "") for each in listed}
    said = _cohorts_said(whose.cohort, listed)
    return Practices(
        attribution,
        tuple(sorted(listed)),
        said or {clinician: frozenset(each) for clinician, each in _with_practice_cohorts(cohorts).items()},
        sizes,
    )


def _by_patient(path: Path, tin: str, problems: Problems) -> dict[str, set[Clinician]]:
    key = ("patient", "tin", "npi")
    table = read_table(path, ATTRIBUTION_COLUMNS, problems, key=key, private_columns=frozenset({"patient"}))
    found: dict[str, set[Clinician]] = {}
    for patient, own_tin, npi in zip(table["patient"], table["tin"], table["npi"], strict=True):
        if not tin or own_tin == tin:
            found.setdefault(patient, set()).add(Clinician(own_tin, npi or ""))
    if len(table) and not found:
        problems.add(NOT_IN_ROSTER, path.name, column="tin")
    return found


def _cohorts_said(cohort: str, clinicians: Iterable[Clinician]) -> dict[Clinician, frozenset[str]]:
    return {each: frozenset((cohort,)) for each in clinicians} if cohort else {}


def _with_practice_cohorts(cohorts: Mapping[Clinician, set[str]]) -> dict[Clinician, set[str]]:
    found: dict[Clinician, set[str]] = {}
    for clinician, own in cohorts.items():
        found.setdefault(clinician, set()).update(own)
        found.setdefault(Clinician(clinician.tin, ""), set()).update(own)
    return found
