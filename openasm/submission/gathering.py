"""From a finished run and the practice's files to what is handed in, with every check made before anything is written.

submission = gather(run, inputs, formats=formats, rules=rules, wanted=Wanted(tin="000990001"), today=today, problems=problems)
problems.refuse_errors()
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from openasm.archive.run import Run
from openasm.base.errors import NotFound, WrongUsage
from openasm.base.parameters import Rules, plain_value
from openasm.base.problems import Problems
from openasm.base.years import last_day, submission_deadline
from openasm.regulation.final_score import is_small_practice
from openasm.regulation.quality import collection_types_of, completeness_reached, measures_of
from openasm.submission import problems as kinds
from openasm.submission.attested import attested_part
from openasm.submission.content import (
    QUALITY_COLUMN,
    LeftOut,
    MeasureResult,
    Population,
    Practice,
    QualityReport,
    Rate,
    Submission,
)
from openasm.submission.formats import KINDS, Formats
from openasm.submission.inputs import SubmissionInputs

LEVELS = ("individual", "tin", "both", "auto")
FILE_KINDS = ("qrda3", "qpp", "fhir")
_QUALITY = "quality.csv"
_SUPPLEMENTAL = "supplemental.csv"

COHORT_WORDS = {"heart_failure": "heart failure", "low_back_pain": "low back pain"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. npi: one clinician only; level: `auto` takes the only level there is; write: kinds of files."""

    tin: str
    npi: str = ""
    level: str = "auto"
    write: tuple[str, ...] = FILE_KINDS


@dataclass(frozen=True, slots=True)
class _Practitioner:
    npi: str
    cohort: str
    clinicians_in_tin: int


def gather(
    run: Run,
    inputs: SubmissionInputs,
    *,
    formats: Formats,
    rules: Rules,
    wanted: Wanted,
    today: dt.date,
    problems: Problems,
) -> Submission:
    """What a practice hands in for the run's performance year (42 CFR 512.720).

    Adds every problem; the caller refuses. Raises NotFound when the run has no such TIN or NPI, WrongUsage for other rules than the
    run's.
    """
    check_same_rules(run, rules)
    people = _people(run, wanted)
    rows = run.table("inputs/quality").where(tin=wanted.tin)
    practice = _practice(inputs, wanted, problems)
    levels = _levels(rows, people, wanted, rules, problems)
    left_out = [*_other_clinicians(people), *_level_not_taken(rows, levels, wanted)]
    results = _Results(inputs, formats, wanted, problems)
    reports: list[QualityReport] = []
    for cohort in dict.fromkeys(each.cohort for each in people):
        members = [each.npi for each in people if each.cohort == cohort]
        measures = measures_of(cohort, rules)
        for level, npis in _reporters(levels, members):
            found = [
                row
                for row in rows
                if row["measure"] in measures
                and row["collection_type"] != "claims"
                and row["npi"] == (npis[0] if level == "individual" else "")
            ]
            if found:
                handed_in = tuple(results.of(row) for row in found)
                reports.append(QualityReport(level, cohort, tuple(npis), handed_in))
        left_out += _missing(cohort, members, reports, rules, problems)
    attested, details, not_attested = attested_part(run, inputs, formats, rules, wanted.tin, problems)
    if wanted.npi:
        attested, details = {}, {}
        not_attested = [
            LeftOut(
                "Improvement activities, Promoting Interoperability", "reported by the practice, not by a clinician"
            )
        ]
    needs_certification = bool(attested) or any(_has_ecqm(each) for each in reports)
    if practice.tin and not practice.cehrt_id and needs_certification:
        problems.add(kinds.CERTIFICATION_MISSING, "practice.csv", column="cehrt_id")
    if not reports and not attested:
        problems.add(kinds.NOTHING_TO_SUBMIT, run.path.name, found=f"TIN {wanted.tin}")
    _clock(rules.year, today, problems)
    return Submission(rules.year, practice, tuple(reports), attested, details, (*left_out, *not_attested))


def _people(run: Run, wanted: Wanted) -> list[_Practitioner]:
    rows = run.table("inputs/participants").where(tin=wanted.tin)
    if not rows:
        raise NotFound(f"The run has no participant with TIN {wanted.tin}.")
    if wanted.npi:
        rows = [row for row in rows if row["npi"] == wanted.npi]
        if not rows:
            raise NotFound(f"The run has no participant with TIN {wanted.tin} and NPI {wanted.npi}.")
    return [_Practitioner(row["npi"], row["cohort"], int(row["clinicians_in_tin"])) for row in rows]


def _practice(inputs: SubmissionInputs, wanted: Wanted, problems: Problems) -> Practice:
    found = inputs.practices.get(wanted.tin)
    if found is not None:
        return found
    problems.add(kinds.NO_PRACTICE, "practice.csv", found=f"no row for TIN {wanted.tin}")
    return Practice("", "", "", "", "", "", "", "", end_to_end=False)


def _levels(
    rows: Sequence[Mapping[str, str]],
    people: Sequence[_Practitioner],
    wanted: Wanted,
    rules: Rules,
    problems: Problems,
) -> tuple[str, ...]:
    """The levels that are handed in."""
    submitted = [row for row in rows if row["collection_type"] != "claims"]
    npis = {each.npi for each in people}
    there = tuple(
        level
        for level, any_row in (
            ("individual", any(row["npi"] in npis for row in submitted)),
            ("tin", any(not row["npi"] for row in submitted)),
        )
        if any_row
    )
    if wanted.npi:
        return ("individual",)
    small = bool(is_small_practice(np.array(people[0].clinicians_in_tin), rules))
    if wanted.level in ("tin", "both") and not small:
        problems.add(kinds.NOT_SMALL, "participants.csv", found=f"{people[0].clinicians_in_tin} clinicians")
    if wanted.level == "auto":
        if len(there) > 1:
            problems.add(kinds.BOTH_LEVELS, _QUALITY, found=f"TIN {wanted.tin}")
        return there
    asked = ("individual", "tin") if wanted.level == "both" else (wanted.level,)
    return tuple(level for level in asked if level in there)


def _reporters(levels: Sequence[str], npis: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    if "individual" in levels:
        for npi in npis:
            yield "individual", [npi]
    if "tin" in levels:
        yield "tin", list(npis)


@dataclass(frozen=True)
class _Results:
    """Rows of quality.csv as measures with all their rates."""

    inputs: SubmissionInputs
    formats: Formats
    wanted: Wanted
    problems: Problems

    def of(self, row: Mapping[str, str]) -> MeasureResult:
        """One row, its further rates taken from the supplemental file."""
        known = self.formats.measure(row["measure"])
        rates = tuple(self._rate(row, group, known.rates[group - 1]) for group in known.groups)
        return MeasureResult(row["measure"], row["collection_type"], rates)

    def _rate(self, row: Mapping[str, str], group: int, name: str) -> Rate:
        measure, collection = row["measure"], row["collection_type"]
        key = (row["tin"], row["npi"], measure, collection, group)
        populations = self.inputs.populations.get(key, ())
        who = f"{measure} ({collection}) of {'NPI ' + row['npi'] if row['npi'] else 'the practice'}"
        place = f"{who}, rate {group}"
        by_records = "qrda3" in self.wanted.write and collection == "ecqm"
        if not populations and (group > 1 or by_records):
            self.problems.add(kinds.TOTAL_MISSING, _SUPPLEMENTAL, column="population", found=f"no rows for {place}")
        if populations and by_records:
            self._all_kinds(populations, place)
        sizes = {each.code: each.count for each in populations}
        if group == 1:
            rate = self._scored(row, name, populations)
            for code, column in QUALITY_COLUMN.items():
                if code in sizes and sizes[code] != int(row[column]):
                    found = f"{place}: {code} {sizes[code]}, in the run {column} {row[column]}"
                    self.problems.add(kinds.TOTAL_DIFFERS, _SUPPLEMENTAL, column="count", found=found)
            if collection == "ecqm" and rate.answered != rate.eligible:
                found = f"{who}: {rate.answered} of {rate.eligible}"
                self.problems.add(kinds.COUNTS_DO_NOT_ADD_UP, _QUALITY, column="eligible", found=found)
            return rate
        denominator, met = sizes.get("DENOM", 0), sizes.get("NUMER", 0)
        exclusions, exceptions = sizes.get("DENEX", 0), sizes.get("DENEXCEP", 0)
        not_met = denominator - met - exclusions - exceptions
        return Rate(group, name, denominator, met, not_met, exclusions, exceptions, populations)

    def _scored(self, row: Mapping[str, str], name: str, populations: tuple[Population, ...]) -> Rate:
        def count(column: str) -> int:
            return int(row[column] or 0)

        return Rate(
            1,
            name,
            count("eligible"),
            count("met"),
            count("not_met"),
            count("exclusions"),
            count("exceptions"),
            populations,
        )

    def _all_kinds(self, populations: Sequence[Population], place: str) -> None:
        for each in populations:
            missing = [kind for kind in KINDS if kind not in each.breakdown]
            if missing:
                self.problems.add(
                    kinds.KIND_SUM,
                    _SUPPLEMENTAL,
                    column="kind",
                    found=f"{place}, {each.code}: no rows of {', '.join(missing)}",
                )


def _missing(
    cohort: str, members: Sequence[str], reports: Sequence[QualityReport], rules: Rules, problems: Problems
) -> list[LeftOut]:
    """What each clinician of a cohort does not hand in, with the checks of 42 CFR 512.720."""
    left_out = []
    standing = _completeness(cohort, reports, rules)
    for (npi, measure), reached in sorted(standing.items()):
        if reached is False:
            problems.add(kinds.BELOW_COMPLETENESS, _QUALITY, column="measure", found=f"{measure} of NPI {npi}")
    for measure in measures_of(cohort, rules):
        if collection_types_of(measure, rules) == ("claims",):
            left_out.append(LeftOut(f"Measure {measure}", "CMS calculates it from claims; there is nothing to hand in"))
            continue
        without = ", ".join(npi for npi in members if (npi, measure) not in standing)
        if without:
            problems.add(kinds.MEASURE_NOT_REPORTED, _QUALITY, column="measure", found=f"{measure} of NPI {without}")
            what = f"Measure {measure} of NPI {without}"
            left_out.append(LeftOut(what, "there are no results of it at this level", "0 points of 10 for each"))
    needed = rules["quality.minimum_submission_measures"].integer
    for npi in members:
        if sum(reached is True for (one, _), reached in standing.items() if one == npi) < needed:
            found = f"NPI {npi}, {COHORT_WORDS.get(cohort, cohort)}"
            problems.add(kinds.MINIMUM_NOT_MET, _QUALITY, found=found)
    return left_out


def _completeness(cohort: str, reports: Sequence[QualityReport], rules: Rules) -> dict[tuple[str, str], bool | None]:
    """(NPI, measure) handed in -> whether any of its results is complete enough; None where nobody was eligible."""
    least = rules["quality.minimum_submission_completeness"].exact
    standing: dict[tuple[str, str], bool | None] = {}
    for report in reports:
        if report.cohort != cohort:
            continue
        for result in report.measures:
            rate = result.rates[0]
            reached = bool(completeness_reached(np.array(rate.answered), np.array(rate.eligible), least))
            for npi in report.npis:
                key = (npi, result.measure)
                before = standing.get(key)
                standing[key] = None if not rate.eligible and before is None else bool(before) or reached
    return standing


def _other_clinicians(people: Sequence[_Practitioner]) -> list[LeftOut]:
    others = people[0].clinicians_in_tin - len({each.npi for each in people})
    if others <= 0:
        return []
    words = "1 other clinician" if others == 1 else f"{others} other clinicians"
    return [
        LeftOut(
            f"{words} of the practice", "not named as participants in the run; MIPS asks of them what it asked before"
        )
    ]


def _level_not_taken(rows: Sequence[Mapping[str, str]], levels: Sequence[str], wanted: Wanted) -> list[LeftOut]:
    left_out = []
    for level, words, of_level in (
        ("individual", "Results of single clinicians", lambda row: row["npi"]),
        ("tin", "Results of the practice as a whole", lambda row: not row["npi"]),
    ):
        measures = sorted({row["measure"] for row in rows if of_level(row) and row["collection_type"] != "claims"})
        if measures and level not in levels:
            why = "one clinician was asked for" if wanted.npi else "the other level was chosen"
            left_out.append(LeftOut(f"{words}: {', '.join(measures)}", why))
    return left_out


def _has_ecqm(report: QualityReport) -> bool:
    return any(each.collection_type == "ecqm" for each in report.measures)


def _clock(year: int, today: dt.date, problems: Problems) -> None:
    if today > submission_deadline(year):
        found = f"{submission_deadline(year).isoformat()}, today is {today.isoformat()}"
        problems.add(kinds.DEADLINE_PASSED, "the submission", found=found)
    elif today <= last_day(year):
        problems.add(kinds.YEAR_NOT_OVER, "the submission", found=f"today is {today.isoformat()}")


def check_same_rules(run: Run, rules: Rules) -> None:
    """Raise WrongUsage when a run was scored with other rule values than these, as its checks would then be others."""
    if rules.year != run.year:
        raise WrongUsage(f"The run is of {run.year}, the rules are of {rules.year}.")
    other = [name for name, used in run.parameters.items() if plain_value(rules[name].value) != used.value]
    if other:
        raise WrongUsage(
            f"The run was scored with other rule values ({', '.join(other[:5])}); give its files of rule values with --rules."
        )
