"""`openasm compare`: what changed between two runs, and why."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from openasm.archive.comparison import PART_TITLES, Comparison, ParticipantChange, Split, rounded_parts
from openasm.base.errors import WrongUsage
from openasm.base.identity import is_npi, is_tin
from openasm.runs.comparison.compare import DETAIL, compare_runs

app = typer.Typer(add_completion=False)

_SHOWN = 10
_FORMS = (".html", ".xlsx", ".csv")
_TITLES = {"heart_failure": "heart failure", "low_back_pain": "low back pain"}


@app.command(name="compare")
def compare_command(
    first: Annotated[Path, typer.Argument(help="The earlier run folder (of `openasm score` or `openasm run`).")],
    second: Annotated[Path, typer.Argument(help="The later run folder.")],
    tin: Annotated[str | None, typer.Option("--tin", help="Only participants of this TIN.")] = None,
    npi: Annotated[str | None, typer.Option("--npi", help="Only the participant with this NPI.")] = None,
    detail: Annotated[
        int,
        typer.Option(
            "--detail",
            min=0,
            help="Participants whose data are taken apart into own and peers when nobody is named; the largest changes first.",
        ),
    ] = DETAIL,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write it as a page (.html), workbook (.xlsx) or table (.csv).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare two runs: how scores and payments changed, by own data, peers, rule values and program version."""
    if tin is not None and not is_tin(tin):
        raise WrongUsage("A TIN has nine digits, without a hyphen.")
    if npi is not None and not is_npi(npi):
        raise WrongUsage("An NPI has ten digits, the last of which checks the others.")
    if out is not None and out.suffix not in _FORMS:
        raise WrongUsage(f"--out ends in one of {', '.join(_FORMS)}.")
    comparison = compare_runs(first, second, tin=tin, npi=npi, detail=detail, progress=_progress)
    if out is not None:
        from openasm.report.from_comparison import write_comparison  # draws charts: heavy, and not needed before

        write_comparison(comparison, out)
    if as_json:
        typer.echo(json.dumps(comparison.as_record(), ensure_ascii=False, allow_nan=False))
        return
    for line in lines_of(comparison):
        typer.echo(line)
    typer.echo("")
    if out is not None:
        typer.echo(f"Written: {out}")
    if tin is None and npi is None:
        typer.echo(
            f"Next: openasm compare {shlex.quote(str(first))} {shlex.quote(str(second))} --tin TIN --out compare.html"
        )
    else:
        typer.echo(f"Next: openasm explain {shlex.quote(str(second))} --tin TIN --npi NPI")


def _progress(done: int, every: int) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\rtaken apart: {done} of {every}", err=True, nl=done + 1 == every)


def lines_of(comparison: Comparison) -> list[str]:
    """The comparison as a person reads it in a terminal."""
    first, second = comparison.first, comparison.second
    lines = [
        f"{first.name} ({first.year}, OpenASM {first.version}) against {second.name} ({second.year}, OpenASM {second.version})",
        "",
    ]
    for cohort in comparison.cohorts:
        lines.append(
            f"{_TITLES[cohort.cohort].capitalize()}: {cohort.participants:,} participants of both runs; payments rise for "
            f"{cohort.rising:,}, fall for {cohort.falling:,}"
        )
        lines.append(f"  payments a year {_money_line(cohort.dollars)}")
    ordered = sorted(
        comparison.participants, key=lambda each: (-abs(each.dollars.change), each.cohort, each.tin, each.npi)
    )
    moved = [each for each in ordered if each.dollars.change or each.final_score_before != each.final_score_after]
    for each in moved[:_SHOWN]:
        lines += ["", *_participant_lines(each)]
    if len(moved) > _SHOWN:
        lines += ["", f"... and {len(moved) - _SHOWN:,} more with a change (--json or --out has them all)."]
    if not moved:
        lines += ["", "No final score and no payment changed."]
    lines += _list(
        "In one run only",
        [
            f"TIN {each.tin}, NPI {each.npi}, {_TITLES[each.cohort]}: only in {(first if each.run == 'first' else second).name}"
            for each in comparison.one_run_only
        ],
    )
    lines += _list(
        "Inputs that differ",
        [
            f"{each.table} {each.measure}: {each.rows_before:,} rows, now {each.rows_after:,} ({each.added:,} added, "
            f"{each.removed:,} removed, {each.changed:,} changed)"
            for each in comparison.inputs
        ],
    )
    lines += _list(
        "Rule values and settings that differ",
        [
            f"{each.name}: {_short(each.before)} -> {_short(each.after)}"
            + (
                f"  [{each.citation_after or each.citation_before}]"
                if each.citation_after or each.citation_before
                else ""
            )
            for each in comparison.rules
        ],
    )
    return lines + [f"Note: {note}" for note in comparison.notes]


def _participant_lines(each: ParticipantChange) -> list[str]:
    who = f"{each.name}, " if each.name else ""
    lines = [f"{who}TIN {each.tin}, NPI {each.npi}, {_TITLES[each.cohort]}"]
    if each.final_score is not None:
        before, after, change, parts = rounded_parts(each.final_score, places=2)
        lines.append(f"  final score {before / 100:.2f} -> {after / 100:.2f}: {_parts(change, parts, 100, '.2f')}")
    else:
        lines.append(f"  final score {_score(each.final_score_before)} -> {_score(each.final_score_after)}")
    lines.append(f"  payments a year {_money_line(each.dollars)}")
    return lines


def _money_line(split: Split) -> str:
    before, after, change, parts = rounded_parts(split, places=0)
    return f"${before:,} -> ${after:,}: {_parts(change, parts, 1, ',.0f')}".replace("$-", "-$")


def _parts(change: int, parts: dict[str, int], scale: int, form: str) -> str:
    each = ", ".join(f"{PART_TITLES[name].lower()} {_signed(value, scale, form)}" for name, value in parts.items())
    return f"{_signed(change, scale, form)} = {each}"


def _signed(value: int, scale: int, form: str) -> str:
    return f"{value / scale:+{form}}" if value else "0"


def _score(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def _short(text: str) -> str:
    return (text if len(text) <= 60 else f"{text[:59]}…") or "(none)"


def _list(title: str, rows: Sequence[str], most: int = 20) -> list[str]:
    if not rows:
        return []
    more = [f"  ... and {len(rows) - most:,} more"] if len(rows) > most else []
    return ["", title, *(f"  {row}" for row in rows[:most]), *more]
