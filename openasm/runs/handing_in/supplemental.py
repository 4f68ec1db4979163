"""supplemental.csv of a submission from a run of `openasm quality`: populations by sex, race, ethnicity and payer, by clinician and practice.

counts = count_supplemental(Path("quality"), tin="000990001", demographics=demographics, formats=formats, problems=problems)
write_supplemental(Path("submission/supplemental.csv"), counts)
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from openasm.archive.run import read_run
from openasm.base import files
from openasm.base.errors import InputRefused, NotFound
from openasm.base.files import Column, read_table, written_whole
from openasm.base.problems import Problem, Problems, Severity, declare
from openasm.runs.handing_in.demographics import NOT_KNOWN, Demographics
from openasm.submission.formats import KINDS, TOTAL, Formats

NO_DEMOGRAPHICS = declare(
    "B050",
    "patients of the measures are not in the source of demographics and count as unknown",
    expected="every patient of the quality run, under the same id",
    next_step="Take the demographics from the records that the measures were computed from.",
    severity=Severity.WARNING,
)
WHOSE_PATIENTS = declare(
    "B051",
    "the quality run does not say whose patients they are",
    expected="a run made with --tin, --roster or --attribution",
    next_step="Run openasm quality with one of them; after --attribution give the same file here again.",
)

HEADER = ("tin", "npi", "measure", "collection_type", "group", "population", "kind", "code", "count")
_FLAGS = {
    "IPOP": "initial_population",
    "DENOM": "denominator",
    "DENEX": "denominator_exclusion",
    "DENEXCEP": "denominator_exception",
    "NUMER": "numerator",
}
Key = tuple[str, str, int, str, str, str]  # npi or empty, quality id, group, population, kind, code
_Owners = Callable[[str, str, str], frozenset[str]]  # measure, group, patient -> NPIs


@dataclass(frozen=True, slots=True)
class SupplementalCounts:
    """Patients by clinician (empty: the practice), measure, rate, population, kind and code. unknown: patients without demographics."""

    tin: str
    counts: Mapping[Key, int]
    patients: int
    unknown: int


def count_supplemental(
    quality: Path,
    *,
    tin: str,
    demographics: Demographics,
    formats: Formats,
    problems: Problems,
    attribution: Path | None = None,
) -> SupplementalCounts:
    """Count a practice's populations by sex, race, ethnicity and payer, each patient once for each clinician and once for the practice.

    quality: a run of `openasm quality` or `openasm run` with results by clinician. attribution: the file of patients that it was made with, if it was.
    Raises NotFound for a practice the run does not have, InputRefused when it does not say whose patients they are.
    """
    clinicians = _clinicians(quality, tin)
    owners = _owners(quality, clinicians, tin, attribution, problems)
    problems.refuse_errors()
    quality_id = {formats.measure(each).ecqm: each for each in formats.measures if formats.measure(each).ecqm}
    counts: Counter[Key] = Counter()
    seen: dict[str, bool] = {}
    for measure, number in quality_id.items():
        known = formats.measure(number)
        for npi in (*sorted(clinicians), ""):
            for group in known.groups:
                for population in known.populations:
                    counts[npi, number, group, population, TOTAL, ""] += 0
        for row in _rows(quality / "patients" / "populations.csv", measure):
            own = owners(measure, row["group"], row["patient"])
            if not own:
                continue
            codes = demographics.codes(row["patient"])
            seen[row["patient"]] = codes is not NOT_KNOWN
            for population in known.populations:
                if row[_FLAGS[population]] != "1":
                    continue
                for npi in own | {""}:
                    place = (npi, number, int(row["group"]), population)
                    counts[(*place, TOTAL, "")] += 1
                    for kind, code in zip(KINDS, codes, strict=True):
                        counts[(*place, kind, code)] += 1
    unknown = sum(not known for known in seen.values())
    if unknown:
        problems.add(NO_DEMOGRAPHICS, quality.name, found=f"{unknown} of {len(seen)} patients", count=unknown)
    return SupplementalCounts(tin, _with_every_kind(counts, formats), len(seen), unknown)


def _with_every_kind(counts: Counter[Key], formats: Formats) -> dict[Key, int]:
    """The counts, and for a population with nobody a row of every kind with 0, as each kind must be there."""
    result = dict(counts)
    for (npi, measure, group, population, kind, _), count in counts.items():
        if kind == TOTAL and not count:
            result |= {(npi, measure, group, population, each, next(iter(formats.codes(each)))): 0 for each in KINDS}
    return dict(sorted(result.items()))


def write_supplemental(path: Path, counts: SupplementalCounts, *, measures: frozenset[str] | None = None) -> int:
    """Write the rows, readable by their owner alone (small counts may point at people); returns how many.

    measures: quality ids to write; None: those with anybody in an initial population.
    """
    wanted = measures
    if wanted is None:
        wanted = frozenset(
            key[1] for key, count in counts.counts.items() if count and key[3] == "IPOP" and key[4] == TOTAL
        )
    rows = [
        (counts.tin, npi, measure, "ecqm", group, population, kind, code, count)
        for (npi, measure, group, population, kind, code), count in counts.counts.items()
        if measure in wanted
    ]
    with written_whole(path, private=True) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows)
    return len(rows)


def _clinicians(quality: Path, tin: str) -> frozenset[str]:
    """The practice's clinicians in the run."""
    run = read_run(quality)
    if not (quality / "scores" / "quality_by_clinician.csv").is_file():
        raise InputRefused([Problem(WHOSE_PATIENTS, quality.name)])
    rows = run.table("quality_by_clinician").where(tin=tin)
    if not rows:
        raise NotFound(f"The quality run has no results of TIN {tin}.")
    return frozenset(row["npi"] for row in rows if row["npi"])


def _owners(
    quality: Path, clinicians: frozenset[str], tin: str, attribution: Path | None, problems: Problems
) -> _Owners:
    """Whose a patient is: the practice's clinicians by NPI; `{""}` where only the practice is known; nobody's: empty."""
    method = _method(quality)
    if attribution is not None:
        by_patient = _file_of_patients(attribution, tin, problems)
        return lambda _measure, _group, patient: by_patient.get(patient, frozenset())
    if method == "whole source":
        everybody = clinicians or frozenset({""})
        return lambda _measure, _group, _patient: everybody
    places = [
        quality / "patients" / name for name in ("attribution.csv", "quality_visits.csv")
    ]  # of a quality run, a whole run
    visits = next((path for path in places if path.is_file()), None)
    if visits is None:
        problems.add(WHOSE_PATIENTS, quality.name, found=str(method or "nothing about it"))
        return lambda _measure, _group, _patient: frozenset()
    seen: dict[tuple[str, str, str], frozenset[str]] = {}
    for row in _rows(visits):
        if row["npi"] in clinicians:
            key = (row["measure"], row["group"], row["patient"])
            seen[key] = seen.get(key, frozenset()) | {row["npi"]}
    return lambda measure, group, patient: seen.get((measure, group, patient), frozenset())


def _method(quality: Path) -> str | None:
    """How the run decided whose patients they are: as a quality run says it, or as a whole run's stage was set."""
    manifest = json.loads((quality / "manifest.json").read_text(encoding="utf-8"))
    stage = next((each for each in manifest.get("stages", ()) if each["name"] == "quality"), None)
    if stage is not None:
        return "whole source" if stage["settings"].get("tin") else None
    method = manifest["settings"].get("attribution")
    return None if method is None else str(method)


def _file_of_patients(path: Path, tin: str, problems: Problems) -> dict[str, frozenset[str]]:
    columns = (Column("patient", files.text), Column("tin", files.tin), Column("npi", files.npi, may_be_empty=True))
    table = read_table(path, columns, problems, private_columns=frozenset({"patient"}))
    owners: dict[str, frozenset[str]] = {}
    for patient, practice, npi in zip(table["patient"], table["tin"], table["npi"], strict=True):
        if practice == tin:
            owners[patient] = owners.get(patient, frozenset()) | {npi or ""}
    return owners


def _rows(path: Path, measure: str = "") -> Iterator[dict[str, str]]:
    """The rows of a patient file, of one measure only when asked."""
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if not measure or row["measure"] == measure:
                yield row
