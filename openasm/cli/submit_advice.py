"""The commands of `openasm submit` that advise: compare levels, the readiness plan, what MIPS would ask."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openasm.base.errors import NotFound, WrongUsage
from openasm.base.money import dollars_text

if TYPE_CHECKING:
    from openasm.runs.handing_in.submission import LevelChoice

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run of `openasm score`.")]
Tin = Annotated[str, typer.Option("--tin", help="The practice.")]
RuleFiles = Annotated[
    list[Path] | None, typer.Option("--rules", metavar="FILE", help="The run's files of rule values; repeatable.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def compare(run: RunFolder, tin: Tin, rules: RuleFiles = None, as_json: AsJson = False) -> None:
    """Compare handing in quality for each clinician, for the practice, or both: in points and dollars."""
    from openasm.archive.run import read_run
    from openasm.regulation.rulebook import rules_for
    from openasm.runs.handing_in.submission import compare_levels

    source = read_run(run)
    choice = compare_levels(source, tin, rules=rules_for(source.year, overlays=rules or ()))
    if as_json:
        record = {
            "tin": tin,
            "levels": list(choice.levels),
            "best": choice.best,
            "outcomes": [
                {name: getattr(each, name) for name in type(each).__dataclass_fields__} for each in choice.outcomes
            ],
        }
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    for line in _comparison(choice):
        typer.echo(line)
    if len(choice.levels) > 1:
        typer.echo(
            "Which of two rows counts where both are handed in is an assumption (openasm rules: quality.row_choice)."
        )
    typer.echo(f"Next: openasm submit prepare {shlex.quote(str(run))} --tin {tin} --level {choice.best} ...")


def _comparison(choice: LevelChoice) -> list[str]:
    words = {"individual": "clinician by clinician", "tin": "the practice as a whole", "both": "both"}
    lines = []
    for level in choice.levels:
        total = dollars_text(choice.dollars(level), cents=False, sign=True)
        lines.append(
            f"{words[level]}: {total} a year{' (best)' if level == choice.best and len(choice.levels) > 1 else ''}"
        )
        for each in choice.outcomes:
            if each.level == level:
                quality = "none" if each.quality_score is None else f"{each.quality_score * 100:.1f} %"
                final = "none" if each.final_score is None else f"{each.final_score:.2f}"
                minimum = "" if each.minimum_met else ", minimum submission not met"
                dollars = dollars_text(each.change_dollars, cents=False, sign=True)
                lines.append(f"  {each.npi} {each.cohort}: quality {quality}, final score {final}, {dollars}{minimum}")
    if len(choice.levels) == 1:
        lines.append("There is no choice: only this level has results, or the practice is not small.")
    return lines


def plan(
    run: RunFolder,
    tin: Tin,
    today: Annotated[
        str, typer.Option("--today", help="The day to see the plan from, as in 2027-03-01. Default: today.")
    ] = "",
    data: Annotated[str, typer.Option("--data", help="Data on hand, any of claims,records.")] = "",
    done: Annotated[str, typer.Option("--done", help="Keys of tasks that are done, with commas between.")] = "",
    ics: Annotated[Path | None, typer.Option("--ics", help="Also write the open tasks as a calendar file.")] = None,
    rules: RuleFiles = None,
    as_json: AsJson = False,
) -> None:
    """A dated plan of what the practice does until the last day for submitting, with why."""
    from openasm.archive.run import read_run
    from openasm.base.files import written_whole
    from openasm.regulation.rulebook import rules_for
    from openasm.submission.calendar import calendar_text
    from openasm.submission.readiness import PracticeFacts, readiness_plan

    source = read_run(run)
    people = source.table("inputs/participants").where(tin=tin)
    if not people:
        raise NotFound(f"The run has no participant with TIN {tin}.")
    try:
        day = dt.date.fromisoformat(today) if today else dt.datetime.now(dt.UTC).date()
    except ValueError:
        raise WrongUsage("--today takes a day, as in 2027-03-01.") from None
    facts = PracticeFacts(
        tin,
        tuple(dict.fromkeys(each["cohort"] for each in people)),
        len({each["npi"] for each in people}),
        int(people[0]["clinicians_in_tin"]),
        frozenset(words_of(done)),
        frozenset(words_of(data)),
    )
    tasks = readiness_plan(facts, rules=rules_for(source.year, overlays=rules or ()))
    unknown = facts.done - {task.key for task in tasks} or facts.data - {"claims", "records"}
    if unknown:
        raise WrongUsage(f"There is no {', '.join(sorted(unknown))}; openasm submit plan --json lists the keys.")
    if ics is not None:
        with written_whole(ics) as stream:
            stream.write(calendar_text(tasks, tin=tin, year=source.year, moment=dt.datetime.now(dt.UTC)))
    if as_json:
        names = ("key", "what", "why", "citation", "evidence", "points", "all", "done")
        record = [
            {name: getattr(task, name) for name in names}
            | {
                "due": task.due.isoformat(),
                "last": task.last.isoformat() if task.last else None,
                "state": task.state(day),
            }
            for task in tasks
        ]
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    for task in tasks:
        worth = " [the whole final score]" if task.all else f" [{task.points:g} points]" if task.points else ""
        typer.echo(f"{task.due.isoformat()}  {task.state(day):<7}{task.what}{worth}")
        last = f" Too late after {task.last.isoformat()}." if task.last else ""
        typer.echo(f"            {task.why} ({task.citation}).{last}")
    if ics is not None:
        typer.echo(f"Calendar: {ics}")
    typer.echo(f"Next: openasm submit blanks {shlex.quote(str(run))} --tin {tin} --out submission")


def words_of(text: str) -> list[str]:
    """Words with commas between.

    >>> words_of("a, b,")
    ['a', 'b']
    """
    return [each.strip() for each in text.split(",") if each.strip()]


def mips(run: RunFolder, tin: Tin, as_json: AsJson = False) -> None:
    """What the same data mean under MIPS, for a year outside ASM and for the partners who stay there."""
    from openasm.archive.run import read_run
    from openasm.regulation.rulebook import rules_for
    from openasm.submission.mips import mips_fallback, partners_of

    source = read_run(run)
    people = source.table("inputs/participants").where(tin=tin)
    if not people:
        raise NotFound(f"The run has no participant with TIN {tin}.")
    rules = rules_for(source.year)
    partners = partners_of(int(people[0]["clinicians_in_tin"]), [each["npi"] for each in people])
    fallbacks = {cohort: mips_fallback(cohort, rules) for cohort in dict.fromkeys(each["cohort"] for each in people)}
    if as_json:
        record = {
            "tin": tin,
            "participants": partners.participants,
            "others": partners.others,
            "partners": partners.words,
            "cohorts": {
                cohort: {
                    "deadline": each.deadline.isoformat(),
                    "payment_year": each.payment_year,
                    "measures": {one.measure: one.open_to for one in each.measures},
                    "categories": {one.name: one.weight for one in each.categories},
                    "facts": [fact.as_record() for fact in each.facts],
                }
                for cohort, each in fallbacks.items()
            },
        }
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    typer.echo(partners.words)
    for cohort, each in fallbacks.items():
        typer.echo(f"\n{cohort}, if MIPS applies instead:")
        for sentence in each.sentences:
            typer.echo(f"  {sentence}")
        for measure in each.measures:
            typer.echo(f"  {measure.measure}: {measure.words}")
        for category in each.categories:
            typer.echo(f"  {category.name.replace('_', ' ')}, {category.weight} %: {category.words}")
    unsure = sorted({fact.name for each in fallbacks.values() for fact in each.facts if not fact.confirmed})
    typer.echo(f"\nNot confirmed in CMS's own text: {', '.join(unsure)}.")
    typer.echo(f"Next: openasm submit compare {shlex.quote(str(run))} --tin {tin}")
