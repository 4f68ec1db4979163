"""Pages that advise before handing in: the level for small practices in points and dollars, and MIPS where ASM does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.attestations.answers import rules_of, years
from openasm.app.people.models import Practice
from openasm.app.published.models import ParticipantResult, PracticeResult, Run
from openasm.app.published.run_tables import run_with
from openasm.base.errors import NotFound, RuleUnpublished
from openasm.base.parameters import Parameter
from openasm.report.titles import measure_title
from openasm.submission.mips import MipsFallback, MipsMeasure, mips_fallback, partners_of

_COLLECTED: Mapping[str, str] = {"ecqm": "eCQM", "cqm": "MIPS CQM", "claims": "claims, by CMS"}
LEVEL_WORDS: Mapping[str, str] = {
    "individual": "Clinician by clinician",
    "tin": "The practice as a whole",
    "both": "Both; the better counts",
}


@dataclass(frozen=True, slots=True)
class LevelResult:
    """A participant's result under one level. final_score: points, None without one; dollars: change of payments a year."""

    final_score: float | None
    dollars: float
    minimum_met: bool


@dataclass(frozen=True, slots=True)
class LevelLine:
    """A participant under every level, in the order of the columns."""

    name: str
    npi: str
    cohort: str
    results: tuple[LevelResult, ...]


@dataclass(frozen=True, slots=True)
class Levels:
    """The choice. columns: level, its words, dollars of all participants, whether it is the best."""

    columns: tuple[tuple[str, str, float, bool], ...]
    lines: tuple[LevelLine, ...]


@access(Permission.SEE_SCORES)
@require_GET
def levels(request: PageRequest, practice: Practice) -> HttpResponse:
    """Quality handed in by clinician, for the practice, or both, compared."""
    run = Run.objects.newest_of(practice)
    found = None if run is None else levels_of(run, practice)
    choice_rule = None
    if run is not None and run.performance_year in years():
        choice_rule = rules_of(run.performance_year)["quality.row_choice"]
    return render(request, "submissions/levels.html", {"run": run, "levels": found, "choice_rule": choice_rule})


def levels_of(run: Run, practice: Practice) -> Levels | None:
    """What the run worked out; None where it did not: made before, the practice is not small, or has results of one level only."""
    try:
        rows = list(run_with(run, practice).table("level_choice").rows())
    except NotFound:
        return None
    if not rows:
        return None
    names = dict(ParticipantResult.objects.filter(practice=practice, run=run).values_list("npi", "name"))
    there = [level for level in LEVEL_WORDS if any(row["level"] == level for row in rows)]
    best = {row["level"] for row in rows if row["best"] == "yes"}
    results = {(row["npi"], row["cohort"], row["level"]): _result(row) for row in rows}
    people = sorted({(names.get(row["npi"], ""), row["npi"], row["cohort"]) for row in rows})
    columns = tuple(
        (
            level,
            LEVEL_WORDS[level],
            sum(each.dollars for (_, _, of), each in results.items() if of == level),
            level in best,
        )
        for level in there
    )
    lines = (
        LevelLine(name, npi, cohort, tuple(results[npi, cohort, level] for level in there))
        for name, npi, cohort in people
    )
    return Levels(columns, tuple(lines))


def _result(row: Mapping[str, str]) -> LevelResult:
    score = float(row["final_score"]) if row["final_score"] else None
    return LevelResult(score, float(row["change_dollars"]), row["minimum_met"] == "yes")


@access(Permission.SEE_SCORES)
@require_GET
def mips(request: PageRequest, practice: Practice) -> HttpResponse:
    """What comes back with MIPS for a clinician or a year outside ASM, and who stays there."""
    run = Run.objects.newest_of(practice)
    context: dict[str, object] = {"run": run, "fallbacks": (), "partners": None, "unsure": ()}
    if run is not None:
        people = list(ParticipantResult.objects.filter(practice=practice, run=run).order_by("name", "npi", "cohort"))
        result = PracticeResult.objects.filter(practice=practice, run=run).first()
        fallbacks = _fallbacks(run, [each.cohort for each in people])
        unsure: dict[str, Parameter] = {
            fact.name: fact for _, each, _ in fallbacks for fact in each.facts if not fact.confirmed
        }
        context |= {"fallbacks": fallbacks, "people": people, "unsure": list(unsure.values())}
        if result is not None and result.clinicians_in_tin is not None:
            context["partners"] = partners_of(result.clinicians_in_tin, [each.npi for each in people])
    return render(request, "submissions/mips.html", context)


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """A measure as the page names it."""

    title: str
    words: str
    collected: str


def _measure_line(each: MipsMeasure) -> MeasureLine:
    collected = ", ".join(_COLLECTED.get(kind, kind) for kind in each.collection_types)
    return MeasureLine(f"{each.measure} {measure_title(each.measure)}", each.words, collected)


def _fallbacks(run: Run, cohorts: list[str]) -> list[tuple[str, MipsFallback, list[MeasureLine]]]:
    """For each cohort of the practice; none for a year whose facts are not known."""
    if run.performance_year not in years():
        return []
    rules = rules_of(run.performance_year)
    try:
        found = [(cohort, mips_fallback(cohort, rules)) for cohort in dict.fromkeys(cohorts)]
    except RuleUnpublished:
        return []
    return [(cohort, each, [_measure_line(one) for one in each.measures]) for cohort, each in found]
