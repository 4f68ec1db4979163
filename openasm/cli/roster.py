"""`openasm roster`: which of my clinicians are in, under which TIN, and what is still to be asked. Needs no claims."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from openasm.participants.lookup import CAVEAT
from openasm.participants.shelves import default_library
from openasm.runs.who_is_in.roster import RosterSummary, run_roster
from openasm.runs.who_is_in.sources import RosterInputs

app = typer.Typer(add_completion=False)

_SHOWN = 40


@app.command()
def roster(
    file: Annotated[Path, typer.Argument(help="Your roster: tin, npi, name; organization, system, sites, email.")],
    out: Annotated[Path, typer.Option("--out", help="Run folder to write; it must not exist yet.")],
    answers: Annotated[Path | None, typer.Option("--answers", help="Answered worksheet of TIN questions.")] = None,
    performance_year: Annotated[int, typer.Option("--performance-year", help="2027 to 2031.")] = 2027,
    participants: Annotated[
        Path | None, typer.Option("--list", help="Participant list (default: the library's newest).")
    ] = None,
    library: Annotated[
        Path | None, typer.Option("--library", help="Folder of official files (default: OPENASM_DATA).")
    ] = None,
    counties: Annotated[Path | None, typer.Option("--counties", help="County delineation to use instead.")] = None,
    zips: Annotated[Path | None, typer.Option("--zips", help="ZIP crosswalk to use instead.")] = None,
    areas: Annotated[Path | None, typer.Option("--areas", help="Mandatory areas to use instead.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier run at --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Match a roster to CMS's list: who is in, who may be in elsewhere, who stays in MIPS; sites, contacts, open questions."""
    summary = run_roster(
        RosterInputs(
            shelf=library or default_library(),
            roster=file,
            answers=answers,
            participants=participants,
            counties=counties,
            zips=zips,
            areas=areas,
        ),
        out,
        performance_year=performance_year,
        now=lambda: dt.datetime.now(dt.UTC),
        replace=replace,
    )
    if as_json:
        typer.echo(json.dumps(_record(summary), ensure_ascii=False, indent=2))
        return
    for line in _lines(summary):
        typer.echo(line)


def _record(summary: RosterSummary) -> dict[str, object]:
    return {
        "out": str(summary.out),
        "performance_year": summary.performance_year,
        "standings": summary.standings,
        "rows": [
            {
                "tin": each.entry.tin,
                "npi": each.entry.npi,
                "name": each.entry.name,
                "cohort": each.cohort,
                "standing": each.standing.value,
                "listed_organizations": each.listed_organizations,
                "follows": each.follows,
            }
            for each in summary.placements
        ],
        "questions": [asdict(each) for each in summary.questions],
        "systems": [asdict(each) for each in summary.systems],
        "sites": [asdict(each) for each in summary.sites],
        "contacts": len(summary.contacts),
        "sources": summary.sources,
        "problems": [problem.as_record() for problem in summary.problems],
        "caveat": CAVEAT,
    }


def _lines(summary: RosterSummary) -> list[str]:
    lines = [f"{number:>6,}  {standing}" for standing, number in summary.standings.items()]
    lines.append("")
    for each in summary.placements[:_SHOWN]:
        cohort = f", {each.cohort.replace('_', ' ')}" if each.cohort else ""
        lines.append(f"TIN {each.entry.tin} NPI {each.entry.npi} {each.entry.name}{cohort}: {each.standing.value}")
        lines.append(f"    {each.follows}")
    if len(summary.placements) > _SHOWN:
        lines.append(f"... and {len(summary.placements) - _SHOWN:,} more in scores/roster.csv")
    lines += [
        f"{system.system}: {len(system.tins)} TINs, {system.clinicians:,} clinicians, {system.participants:,} of them in, "
        f"{system.open_questions:,} open"
        for system in summary.systems
        if len(system.tins) > 1
    ]
    lines += [f"site {site.zip} of NPI {site.npi}: {site.placed}. {site.reason}" for site in summary.sites[:_SHOWN]]
    lines += [f"  {problem.as_text()}" for problem in summary.problems]
    run = shlex.quote(str(summary.out))
    lines += [
        "",
        CAVEAT,
        f"From: {'; '.join(summary.sources)}",
        f"Run: {run}/scores/roster.csv, systems.csv, years.csv",
    ]
    if summary.questions:
        lines.append(
            f"Next: answer the open questions ({len(summary.questions)}) of {run}/worksheets/tin_questions.csv and give it with --answers"
        )
    else:
        lines.append("Next: openasm eligibility CLAIMS --roster says whether the claims agree")
    return lines
