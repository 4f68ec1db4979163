"""`openasm policy`: a whole cohort for analysts, and what changed rules would do."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from openasm.archive.run import read_run
from openasm.base.errors import WrongUsage
from openasm.base.money import dollars_text
from openasm.report.policy import GAIN, LOSS, PolicyView, policy_view
from openasm.report.policy_files import FORMATS, write_policy
from openasm.report.titles import COHORT_TITLES
from openasm.runs.scoring.impact import score_anew, specialties_of

app = typer.Typer(add_completion=False)


@app.command()
def policy(
    run: Annotated[Path, typer.Argument(help="A run folder with scores of whole cohorts.")],
    rules: Annotated[
        list[Path] | None,
        typer.Option(
            "--rules",
            metavar="FILE",
            help="Changed rule values (overlay file): the run is scored anew with them; repeatable.",
        ),
    ] = None,
    form: Annotated[str, typer.Option("--format", help=f"What to write: {', '.join(FORMATS)}.")] = "html",
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; policy.html (.xlsx, .json) in the run if left out.")
    ] = None,
    specialties: Annotated[
        Path | None,
        typer.Option(
            "--specialties",
            help="File with tin, npi and specialty_code, such as an eligibility.csv; the run's own if it has one.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and write nothing.")] = False,
) -> None:
    """Who gains and who loses, by practice size, state, dual share and specialty; and what changed rules would do."""
    if form not in FORMATS:
        raise WrongUsage(f"There is no format {form} of the policy view; choose one of {', '.join(FORMATS)}.")
    opened = read_run(run)
    known = specialties_of(opened, specialties)
    if rules:
        anew = score_anew(opened, overlays=rules)
        notes = []
        if anew.drifted:
            notes.append(
                f"This program scores {anew.drifted:,} of the run's rows otherwise than the program that wrote it did; both sides "
                "are shown as this program scores them, so that only the rules differ."
            )
        view = policy_view(
            opened,
            base=anew.base,
            changed=anew.changed,
            changed_rules=anew.changes,
            specialties=known,
            notes=notes,
        )
    else:
        view = policy_view(opened, specialties=known)
    if as_json:
        typer.echo(json.dumps(view.as_record(), ensure_ascii=False, allow_nan=False))
        return
    target = out or run / f"policy.{form}"
    write_policy(view, target, form=form)
    for line in lines_of(view):
        typer.echo(line)
    typer.echo(f"Written: {target}")
    if not rules:
        typer.echo(f"What a changed rule would do: openasm policy {shlex.quote(str(run))} --rules FILE.yaml")


def lines_of(view: PolicyView) -> list[str]:
    """The view as a person reads it in a terminal."""
    lines = [f"Performance year {view.performance_year}, payment year {view.payment_year}"]
    lines += [
        f"  {each.name}: {each.before} becomes {each.after}" + ("" if each.used else " (no score rests on it)")
        for each in view.changed_rules
    ]
    for each in view.distributions:
        group = next(table for table in view.tables if table.cohort == each.cohort).groups[0]
        before, after = group.before, group.after
        lines += [
            "",
            f"{COHORT_TITLES[each.cohort]}: {group.participants:,} participants, Part B paid "
            f"{dollars_text(group.part_b_paid, cents=False)}",
            f"  in the run       {before.share_gaining:.1%} gain, {before.share_cut:.1%} are cut, mean adjustment "
            f"{before.mean_factor:+.2%}, {dollars_text(before.dollars, cents=False, sign=True)} a year",
        ]
        if after:
            lines += [
                f"  changed rules    {after.share_gaining:.1%} gain, {after.share_cut:.1%} are cut, mean adjustment "
                f"{after.mean_factor:+.2%}, {dollars_text(after.dollars, cents=False, sign=True)} a year",
                f"  from gain to cut {_count(view, each.cohort, GAIN, LOSS):,}, from cut to gain "
                f"{_count(view, each.cohort, LOSS, GAIN):,}",
            ]
    return [*lines, ""]


def _count(view: PolicyView, cohort: str, before: str, after: str) -> int:
    return sum(
        move.participants for move in view.moves if (move.cohort, move.before, move.after) == (cohort, before, after)
    )
