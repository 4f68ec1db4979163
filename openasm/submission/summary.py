"""A package in words: what is handed in, by whom, with which counts; what was left out and why; what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from openasm.regulation.attestations import AttestationRow
from openasm.regulation.rulebook import rules_for
from openasm.submission.content import MeasureResult, QualityReport, Rate, Submission, rate_text
from openasm.submission.formats import formats_for
from openasm.submission.gathering import COHORT_WORDS
from openasm.submission.mips import MipsFallback, mips_fallback

Points = Mapping[tuple[str, str, str, str], str]  # (NPI, measure, collection type, level) -> points in the run
_LEVEL_WORDS = {"individual": "clinician by clinician", "tin": "for the practice as a whole"}


@dataclass(frozen=True, slots=True)
class Line:
    """One rate of one measure as a row of the table."""

    measure: str
    title: str
    collection_type: str
    eligible: int
    met: int
    not_met: int
    exclusions: int
    exceptions: int
    rate: str
    reported: str
    points: str


@dataclass(frozen=True, slots=True)
class Block:
    """One quality report: a heading and its lines."""

    title: str
    lines: tuple[Line, ...]


def blocks_of(submission: Submission, points: Points) -> tuple[Block, ...]:
    """The quality reports as tables."""
    return tuple(_block(each, points, submission.year) for each in submission.reports)


def _block(report: QualityReport, points: Points, year: int) -> Block:
    who = f"NPI {report.npis[0]}" if report.level == "individual" else f"the practice, for NPI {', '.join(report.npis)}"
    return Block(
        f"{COHORT_WORDS[report.cohort].capitalize()}: {who}",
        tuple(_line(report, result, rate, points, year) for result in report.measures for rate in result.rates),
    )


def _line(report: QualityReport, result: MeasureResult, rate: Rate, points: Points, year: int) -> Line:
    earned = {points.get((npi, result.measure, result.collection_type, report.level), "") for npi in report.npis}
    share = Fraction(rate.answered, rate.eligible) * 100 if rate.eligible else None
    return Line(
        result.measure,
        f"{formats_for(year).measure(result.measure).title}{f': {rate.name}' if rate.name else ''}",
        "eCQM" if result.collection_type == "ecqm" else "CQM",
        rate.eligible,
        rate.met,
        rate.not_met,
        rate.exclusions,
        rate.exceptions,
        "no rate" if rate.performance is None else f"{rate_text(rate.performance * 100, 2)} %",
        "" if share is None else f"{rate_text(share, 1)} %",
        earned.pop() if len(earned) == 1 and rate.group == 1 else "",
    )


def attested_lines(submission: Submission) -> tuple[str, ...]:
    """What is attested, an item a line."""
    return tuple(_attested(item, row, submission.details.get(item)) for item, row in submission.attested.items())


def _attested(item: str, row: AttestationRow, detail: str | None) -> str:
    said = row.answer or "reported"
    if row.answer != "excluded" and row.denominator:
        said = f"{row.numerator} of {row.denominator}"
    period = f", {row.start.isoformat()} to {row.end.isoformat()}" if row.start and row.end else ""
    return f"{item}: {said}{f' ({detail})' if detail else ''}{period}"


def next_steps(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """What its reader does with the package."""
    return (
        f"Have the practice read this page. The last day for submitting is {manifest['deadline']}.",
        "Sign in to CMS's ASM portal and hand the files in. This program never sends anything.",
        "Record CMS's confirmation: openasm submit receipt PACKAGE --number NUMBER --at TIME --by NAME.",
        "Keep the folder as it is: openasm submit check PACKAGE shows that nothing was changed.",
    )


def warnings_of(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """The warnings, each with code, what was found and what to do."""
    return tuple(
        f"{each['code']}: {each['title']}. Found {each['found']}. {each['next_step']}"
        if each["found"]
        else f"{each['code']}: {each['title']}. {each['next_step']}"
        for each in manifest["problems"]
    )


def fallbacks_of(submission: Submission) -> tuple[MipsFallback, ...]:
    """What MIPS would ask, for each cohort handed in."""
    rules = rules_for(submission.year)
    return tuple(mips_fallback(cohort, rules) for cohort in dict.fromkeys(each.cohort for each in submission.reports))


def summary_text(
    submission: Submission, manifest: Mapping[str, Any], files: Sequence[Mapping[str, object]], points: Points
) -> str:
    """The summary as plain text, 100 characters wide where it can be."""
    levels = " and ".join(_LEVEL_WORDS[each] for each in manifest["levels"]) or "no quality results"
    lines = [
        f"ASM submission for performance year {submission.year}",
        f"{submission.practice.name}, TIN {submission.practice.tin}; quality {levels}",
        f"Prepared {manifest['prepared']} from the run {manifest['run']['name']}; due by {manifest['deadline']}",
        "",
        "Files",
        *(f"  {each['name']}: {each['about']}" for each in files),
        "",
        "Quality",
    ]
    header = f"    {'measure':<59}{'type':<6}{'eligible':>9}{'met':>8}{'not met':>9}{'excl.':>7}{'exc.':>6}{'rate':>11}{'reported':>10}{'points':>8}"
    for block in blocks_of(submission, points):
        lines += [f"  {block.title}", header]
        lines += [
            f"    {each.measure:<5}{each.title:<54}{each.collection_type:<6}{each.eligible:>9}{each.met:>8}{each.not_met:>9}"
            f"{each.exclusions:>7}{each.exceptions:>6}{each.rate:>11}{each.reported:>10}{each.points:>8}"
            for each in block.lines
        ]
    lines += ["", "Attested", *(f"  {each}" for each in attested_lines(submission) or ("nothing",))]
    lines += ["", "Left out, and why"]
    lines += [
        f"  {each['what']}: {each['why']}{'. Cost: ' + each['cost'] if each['cost'] else ''}"
        for each in manifest["left_out"]
    ] or ["  nothing"]
    if manifest["problems"]:
        lines += ["", "Warnings", *(f"  {each}" for each in warnings_of(manifest))]
    lines += ["", "Identifiers given by the practice"]
    lines += [f"  {each['item']}: {each['value']} ({each['source']})" for each in manifest["identifiers"]] or ["  none"]
    lines += ["", "If MIPS applies instead"]
    lines += [f"  {sentence}" for each in fallbacks_of(submission) for sentence in each.sentences]
    lines += ["", "Next", *(f"  {number}. {each}" for number, each in enumerate(next_steps(manifest), start=1)), ""]
    return "\n".join(lines)


def summary_html(
    submission: Submission, manifest: Mapping[str, Any], files: Sequence[Mapping[str, object]], points: Points
) -> str:
    """The summary as one self-contained page: no script, nothing loaded, light and dark, screen and paper."""
    import jinja2  # loaded only when a page is made

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("openasm.submission", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("summary.html.j2").render(
        submission=submission,
        manifest=manifest,
        files=files,
        levels=" and ".join(_LEVEL_WORDS[each] for each in manifest["levels"]) or "no quality results",
        blocks=blocks_of(submission, points),
        attested=attested_lines(submission),
        warnings=warnings_of(manifest),
        fallbacks=fallbacks_of(submission),
        steps=next_steps(manifest),
    )
