"""`openasm quality`: eCQM populations, rates and gaps from FHIR records."""

from __future__ import annotations

import datetime as dt
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from openasm.base.errors import WrongUsage
from openasm.clinical.fhir_facts import ProfileUse
from openasm.quality.specification import find_measure, measure_ids
from openasm.runs.measures.quality import QualitySummary, run_quality
from openasm.runs.measures.whose_patients import WhosePatients

app = typer.Typer(add_completion=False)


@app.command()
def quality(
    source: Annotated[
        Path,
        typer.Argument(help="FHIR R4 records (Bundles or a bulk export; gzip accepted), or a folder of plain tables."),
    ],
    value_sets: Annotated[
        Path, typer.Option("--value-sets", help="Folder with the FHIR ValueSet files the measures name.")
    ],
    year: Annotated[int, typer.Option("--year", help="Measurement year, as in 2026.")],
    out: Annotated[Path, typer.Option("--out", help="Run folder to write; it must not exist yet.")],
    measures: Annotated[
        str, typer.Option("--measures", help="Some of the measures, as in 236,005 or CMS165. Default: all seven.")
    ] = "",
    jobs: Annotated[int, typer.Option("--jobs", help="Processes; 0 takes one for each processor.")] = 0,
    profiles: Annotated[
        ProfileUse, typer.Option("--profiles", help="Whether meta.profile or content decides what a resource is.")
    ] = ProfileUse.AUTO,
    tin: Annotated[str, typer.Option("--tin", help="The practice whose records these are; results by practice.")] = "",
    npi: Annotated[str, typer.Option("--npi", help="With --tin: the one clinician whose records these are.")] = "",
    attribution: Annotated[
        Path | None,
        typer.Option("--attribution", help="CSV or Parquet with patient, tin, npi: whose patients they are."),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(
            "--roster", help="CSV or Parquet with tin, npi [practitioner, cohort]: who performed visits decides."
        ),
    ] = None,
    cohort: Annotated[
        str, typer.Option("--cohort", help="heart_failure or low_back_pain, where no roster says so.")
    ] = "",
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of", help="The day to see the gaps' windows from, as in 2026-09-30. Default: the whole year."
        ),
    ] = "",
    worth: Annotated[
        Path | None,
        typer.Option("--worth", help="A run of openasm score, best projected too: what closed gaps are worth."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier run at --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compute the eCQMs from a practice's records: populations with reasons, rates, and open gaps."""
    names = [find_measure(name) for name in measures.split(",") if name.strip()] or list(measure_ids())
    if jobs < 0:
        raise WrongUsage("--jobs is 0 or more.")
    whose = WhosePatients(tin=tin, npi=npi, cohort=cohort, attribution=attribution, roster=roster)
    whose.check()
    if worth is not None and not whose.asked:
        raise WrongUsage("--worth needs --tin, --attribution or --roster: gaps are worth something to somebody.")
    summary = run_quality(
        source,
        out,
        value_sets=value_sets,
        year=year,
        measures=names,
        now=lambda: dt.datetime.now(dt.UTC),
        jobs=jobs or os.cpu_count() or 1,
        profiles=profiles,
        whose=whose,
        as_of=_day(as_of),
        worth=worth,
        replace=replace,
        progress=_progress if sys.stderr.isatty() else None,
    )
    if sys.stderr.isatty():
        typer.echo("", err=True)
    if as_json:
        typer.echo(json.dumps(_record(summary), ensure_ascii=False, indent=2))
        return
    for line in _lines(summary):
        typer.echo(line)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise WrongUsage("--as-of is a day, as in 2026-09-30.") from None


def _progress(patients: int) -> None:
    typer.echo(f"\r{patients:,} patients", nl=False, err=True)


def _record(summary: QualitySummary) -> dict[str, object]:
    by_name = {each.measure: each for each in summary.specifications}
    return {
        "out": str(summary.out),
        "year": summary.year,
        "patients": summary.patients,
        "measures": [
            {
                "measure": measure,
                "group": group,
                "quality_id": by_name[measure].quality_id,
                "version": by_name[measure].version,
                "eligible": tally.eligible,
                "met": tally.met,
                "not_met": tally.not_met,
                "exclusions": tally.exclusions,
                "exceptions": tally.exceptions,
                "rate": None if tally.rate is None else float(tally.rate),
            }
            for (measure, group), tally in sorted(summary.tallies.items())
        ],
        "gaps": dict(summary.windows),
        "clinicians": []
        if summary.by_clinician is None
        else [
            {
                **key._asdict(),
                "eligible": tally.eligible,
                "met": tally.met,
                "not_met": tally.not_met,
                "exclusions": tally.exclusions,
                "exceptions": tally.exceptions,
                "rate": None if tally.rate is None else float(tally.rate),
            }
            for key, tally in summary.by_clinician.tallies.items()
        ],
        "problems": [problem.as_record() for problem in summary.problems],
    }


def _lines(summary: QualitySummary) -> list[str]:
    by_name = {each.measure: each for each in summary.specifications}
    lines = [f"{summary.patients:,} patients, measurement year {summary.year}.", ""]
    lines.append(f"{'measure':<14}{'eligible':>9}{'met':>8}{'not met':>9}{'excluded':>10}{'excepted':>10}{'rate':>9}")
    for (measure, group), tally in sorted(summary.tallies.items()):
        label = measure if len(by_name[measure].groups) == 1 else f"{measure} rate {group}"
        rate = "-" if tally.rate is None else f"{float(tally.rate):.1%}"
        lines.append(
            f"{label:<14}{tally.eligible:>9,}{tally.met:>8,}{tally.not_met:>9,}{tally.exclusions:>10,}"
            f"{tally.exceptions:>10,}{rate:>9}"
        )
    inverse = sorted({each.measure for each in summary.specifications if each.lower_is_better})
    if inverse:
        lines.append(f"Lower is better: {', '.join(inverse)}.")
    if summary.problems:
        lines.append("")
        lines.append("What was found in the input:")
        lines.extend(f"  {problem.as_text()}" for problem in summary.problems)
    where = shlex.quote(str(summary.out))
    lines.append("")
    lines.append(
        f"Written: {where}/scores/quality.csv (rates), {where}/patients/ (populations and gaps; confidential)."
    )
    open_now = ", ".join(f"{count:,} {name}" for name, count in summary.windows.items() if count)
    if open_now:
        lines.append(f"Gaps by window: {open_now}. In the order of a working day: {where}/patients/worklist.csv.")
    if summary.by_clinician is not None:
        people = {(key.tin, key.npi) for key in summary.by_clinician.tallies if key.npi}
        lines.append(
            f"Written: {where}/scores/quality_by_clinician.csv ({len(people)} clinicians; points are against MIPS benchmarks), "
            f"{where}/scores/score_input.csv."
        )
        lines.append(
            f"Next: cp {where}/scores/score_input.csv INPUTS/quality.csv, then openasm score INPUTS --year 2027 --out RUN"
        )
    else:
        lines.append(
            "Next: the same with --tin TIN, --roster FILE or --attribution FILE, for rows that openasm score reads."
        )
    return lines
