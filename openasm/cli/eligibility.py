"""`openasm eligibility`: who takes part by the claims, with every test's numbers, and what to do about the list."""

from __future__ import annotations

import datetime as dt
import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from openasm.base.errors import WrongUsage
from openasm.base.sizes import size_in_bytes
from openasm.participants.findings import Finding, Judged
from openasm.participants.shelves import default_library
from openasm.runs.cost.codes_list import codes_file
from openasm.runs.who_is_in.eligibility import EligibilitySummary, run_eligibility
from openasm.runs.who_is_in.sources import EligibilityInputs

app = typer.Typer(add_completion=False)

_TITLES = {"heart_failure": "heart failure", "low_back_pain": "low back pain"}
_NAMED = (Finding.LISTED_FAILS, Finding.LISTED_OPEN, Finding.LIKELY, Finding.POSSIBLE, Finding.CLOSE)
_SHOWN = 10


@app.command()
def eligibility(
    claims: Annotated[Path, typer.Argument(help="CLAIMS folder written by `openasm claims load`.")],
    out: Annotated[Path, typer.Option("--out", help="Run folder to write; it must not exist yet.")],
    episodes_hf: Annotated[
        Path | None, typer.Option("--episodes-hf", help="Run of `openasm episodes`, heart failure, of the data year.")
    ] = None,
    episodes_lbp: Annotated[Path | None, typer.Option("--episodes-lbp", help="The same for low back pain.")] = None,
    codes_hf: Annotated[
        Path | None,
        typer.Option(
            "--codes-hf",
            help="Codes list of heart failure, or `demonstration` for the made-up one; episodes are then computed here.",
        ),
    ] = None,
    codes_lbp: Annotated[Path | None, typer.Option("--codes-lbp", help="The same for low back pain.")] = None,
    performance_year: Annotated[
        int, typer.Option("--performance-year", help="The claims of two years before decide.")
    ] = 2027,
    participants: Annotated[
        Path | None, typer.Option("--list", help="Participant list (default: the library's newest).")
    ] = None,
    roster: Annotated[Path | None, typer.Option("--roster", help="Your roster: tin, npi, name, ...")] = None,
    answers: Annotated[Path | None, typer.Option("--answers", help="Answered worksheet of TIN questions.")] = None,
    library: Annotated[
        Path | None, typer.Option("--library", help="Folder of official files (default: OPENASM_DATA).")
    ] = None,
    counties: Annotated[Path | None, typer.Option("--counties", help="County delineation to use instead.")] = None,
    zips: Annotated[Path | None, typer.Option("--zips", help="ZIP crosswalk to use instead.")] = None,
    areas: Annotated[Path | None, typer.Option("--areas", help="Mandatory areas to use instead.")] = None,
    claims_hold: Annotated[
        str,
        typer.Option("--claims-hold", help="all or part of the clinicians' Medicare patients; default by the source."),
    ] = "",
    notice: Annotated[
        list[str] | None, typer.Option("--notice", help="NPI to make an error-notice pack for; repeatable.")
    ] = None,
    received: Annotated[
        str,
        typer.Option("--received", help="Day the list or letter arrived, as in 2026-12-01; for the notice's clock."),
    ] = "",
    rules: Annotated[
        list[Path] | None, typer.Option("--rules", metavar="FILE", help="File of your own rule values; repeatable.")
    ] = None,
    assume_year: Annotated[
        int | None, typer.Option("--assume-year", help="Take unpublished rule values from this year (a what-if).")
    ] = None,
    engine: Annotated[str, typer.Option("--engine", help="duckdb, or spark.")] = "duckdb",
    memory_limit: Annotated[str, typer.Option("--memory-limit", help="Most memory to use, as in 8GB.")] = "",
    threads: Annotated[int, typer.Option("--threads", help="Threads; 0 takes one for each processor.")] = 0,
    spill: Annotated[Path | None, typer.Option("--spill", help="Folder for what does not fit into memory.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier run at --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Judge every TIN and NPI of the claims by the four tests of participation, and set the result beside CMS's list."""
    if threads < 0:
        raise WrongUsage("--threads is 0 or more.")
    summary = run_eligibility(
        EligibilityInputs(
            claims=claims,
            shelf=library or default_library(),
            episodes=_given(episodes_hf, episodes_lbp),
            codes=_given(codes_hf, codes_lbp),
            participants=participants,
            roster=roster,
            answers=answers,
            counties=counties,
            zips=zips,
            areas=areas,
            overlays=tuple(rules or ()),
            claims_hold=claims_hold,
        ),
        out,
        performance_year=performance_year,
        now=lambda: dt.datetime.now(dt.UTC),
        assume_year=assume_year,
        notices=notice or (),
        received=_day(received) if received else None,
        engine_name=engine,
        memory_bytes=size_in_bytes(memory_limit) if memory_limit else None,
        threads=threads or None,
        spill_folder=spill,
        replace=replace,
        progress=_progress if sys.stderr.isatty() else lambda _: None,
    )
    if as_json:
        typer.echo(json.dumps(_record(summary), ensure_ascii=False, indent=2))
        return
    for line in _lines(summary):
        typer.echo(line)


def _given(heart_failure: Path | None, low_back_pain: Path | None) -> dict[str, Path]:
    named = {"heart_failure": heart_failure, "low_back_pain": low_back_pain}
    return {cohort: codes_file(path, cohort) for cohort, path in named.items() if path is not None}


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise WrongUsage("--received is a day such as 2026-12-01.") from None


def _progress(step: str) -> None:
    typer.echo(f"  {step}", err=True)


def _record(summary: EligibilitySummary) -> dict[str, object]:
    return {
        "out": str(summary.out),
        "performance_year": summary.performance_year,
        "data_year": summary.data_year,
        "findings": summary.findings,
        "rows": [
            {
                "cohort": each.tests.cohort,
                "tin": each.tests.tin,
                "npi": each.tests.npi,
                "name": each.name,
                "listed": each.listed,
                "eligible": each.tests.eligible.value,
                "finding": each.finding.value,
                "failing": each.tests.failing,
                "near": each.tests.near,
                "tests": {name: answer.value for name, answer in each.tests.answers.items()},
                "episodes_margin": each.tests.episodes.margin,
            }
            for each in summary.judged
        ],
        "sources": summary.sources,
        "gaps": summary.gaps,
        "notices": summary.notices,
        "open_tin_questions": summary.questions,
        "contacts": summary.contacts,
        "listed_without_claims": summary.listed_without_claims,
        "problems": [problem.as_record() for problem in summary.problems],
    }


def _lines(summary: EligibilitySummary) -> list[str]:
    lines = [f"Performance year {summary.performance_year}, decided by claims of {summary.data_year}", ""]
    for cohort, findings in summary.findings.items():
        lines.append(f"{_TITLES[cohort]}: {sum(findings.values()):,} TIN/NPI pairs judged")
        lines += [f"  {number:>6,}  {finding}" for finding, number in findings.items()]
        for finding in _NAMED:
            lines += _people(
                [each for each in summary.judged if each.tests.cohort == cohort and each.finding is finding]
            )
        lines.append("")
    if summary.listed_without_claims:
        lines.append(f"{summary.listed_without_claims:,} listed clinicians do not occur in these claims.")
    if summary.problems:
        lines.append(f"{len(summary.problems)} warning{'s' if len(summary.problems) != 1 else ''}:")
        lines += [f"  {problem.as_text()}" for problem in summary.problems]
        lines.append("")
    lines.append(f"From: {'; '.join(summary.sources)}")
    run = shlex.quote(str(summary.out))
    lines.append(f"Run: {run}/scores/eligibility.csv (every test with its numbers), years.csv, overlaps.csv")
    if summary.questions:
        lines.append(
            f"Next: answer the {summary.questions} questions of {run}/worksheets/tin_questions.csv and give it with --answers"
        )
    failing = next((each for each in summary.judged if each.finding is Finding.LISTED_FAILS), None)
    if summary.notices:
        lines.append(f"Packs: {', '.join(f'{run}/notices/{each}.pdf and .xlsx' for each in summary.notices)}")
    elif failing is not None:
        lines.append(f"Next: the same command with --notice {failing.tests.npi} --replace makes an error-notice pack")
    elif not summary.questions:
        lines.append("Next: openasm lookup NPI shows what the list says of one clinician")
    return lines


def _people(found: list[Judged]) -> list[str]:
    lines = []
    for each in found[:_SHOWN]:
        tests = each.tests
        why = ", ".join(tests.failing) or ", ".join(
            name for name, answer in tests.answers.items() if answer.value != "yes"
        )
        lines.append(
            f"    {each.finding.value}: TIN {tests.tin} NPI {tests.npi} {each.name}".rstrip()
            + f" ({tests.episodes.margin}{'; ' + why if why else ''})"
        )
    if len(found) > _SHOWN:
        lines.append(f"    ... and {len(found) - _SHOWN:,} more: {found[0].finding.value}")
    return lines
