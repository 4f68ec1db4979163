"""`openasm lookup`: am I in, and is my place in."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import typer

from openasm.base.errors import NotFound, WrongUsage
from openasm.base.files import written_whole
from openasm.base.identity import is_npi
from openasm.participants.geography import Answer, Geography
from openasm.participants.lookup import CAVEAT, Listing, Sources, listing, open_directory, open_geography
from openasm.participants.participant_list import StateCount, by_state
from openasm.participants.shelves import default_library

app = typer.Typer(add_completion=False)

_TITLES = {"heart_failure": "heart failure", "low_back_pain": "low back pain"}


@app.command()
def lookup(
    query: str = typer.Argument(
        "", help="An NPI, a name, a practice, a ZIP code or a state; the kind is told by its form."
    ),
    npi: str = typer.Option("", "--npi", help="Ten digits."),
    org: str = typer.Option("", "--org", help="A practice's name, or a part of it."),
    state: str = typer.Option("", "--state", help="Two letters."),
    states: bool = typer.Option(False, "--states", help="Counts by state: cohorts and small practices."),
    zip_code: str = typer.Option("", "--zip", help="A ZIP code of a site of service."),
    county: str = typer.Option("", "--county", help="A county's FIPS code, five digits."),
    library: Path | None = typer.Option(None, "--library", help="Folder of official files (default: OPENASM_DATA)."),
    participants: Path | None = typer.Option(None, "--list", help="Search this participant list instead."),
    counties: Path | None = typer.Option(None, "--counties", help="County delineation to use instead."),
    zips: Path | None = typer.Option(None, "--zips", help="ZIP crosswalk to use instead."),
    areas: Path | None = typer.Option(None, "--areas", help="Mandatory areas to use instead."),
    limit: int = typer.Option(20, "--limit", min=1, help="Most rows shown."),
    state_map: Path | None = typer.Option(
        None, "--state-map", help="Write a map of the list by state, as one HTML page."
    ),
    county_map: Path | None = typer.Option(
        None,
        "--county-map",
        help="Write a map of the mandatory areas by county, as one HTML page; with --state of one state.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Look up a clinician, a practice, a state or a place: in the model or not, why, and from which file."""
    asked = [each.strip() for each in (query, npi, org, state, zip_code, county) if each.strip()]
    shelf = library or default_library()
    if states and not (asked or state_map or county_map):
        _print_states(shelf, participants, as_json=as_json)
        return
    if state_map is not None and county_map is None and not asked:
        _write_state_map(shelf, participants, state_map, as_json=as_json)
        return
    if county_map is not None and state_map is None and len(asked) == bool(state):
        geography, sources = open_geography(shelf, counties=counties, zips=zips, areas=areas)
        _write_county_map(geography, sources, county_map, state=state, as_json=as_json)
        return
    if len(asked) != 1 or states or state_map is not None or county_map is not None:
        raise WrongUsage(
            "Give one thing to look up: a query, or one of --npi, --org, --state, --zip, --county; or --states or --state-map alone, "
            "or --county-map alone or with --state."
        )
    if query:
        npi, org, state, zip_code = _by_form(query)
    _check_forms(npi=npi, state=state, zip_code=zip_code, county=county)
    if zip_code or county:
        geography, sources = open_geography(shelf, counties=counties, zips=zips, areas=areas)
        answer = geography.zip(zip_code) if zip_code else geography.county(county.strip().zfill(5))
        _print_place(answer, geography.share_means, sources, as_json=as_json)
        return
    directory, sources = open_directory(shelf, participants)
    name = query if query and not (npi or state) else ""
    counts: tuple[StateCount, ...] = ()
    if npi:
        rows = [listing(each) for each in directory.by_npi(npi.strip())]
    elif state:
        found_there = directory.by_state(state)
        rows = [listing(each) for each in found_there]
        counts = by_state(replace(directory.listed, clinicians=found_there))
    elif name:
        rows = [listing(each.clinician, closeness=each.closeness) for each in directory.by_name(name, limit=limit)]
        if not rows:
            found = directory.by_organization(name, limit=limit)
            rows = [listing(each.clinician, closeness=each.closeness) for each in found]
    else:
        rows = [
            listing(each.clinician, closeness=each.closeness) for each in directory.by_organization(org, limit=1000)
        ]
    _print_rows(asked[0], rows, sources, counts, limit=limit, as_json=as_json)


def _print_states(library: Path, participants: Path | None, *, as_json: bool) -> None:
    directory, sources = open_directory(library, participants)
    counts = by_state(directory.listed)
    if as_json:
        rows = [{**asdict(each), "all": each.all} for each in counts]
        record = {"states": rows, "sources": sources.files, "warnings": [each.as_record() for each in sources.warnings]}
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    typer.echo("state      rows  heart failure  low back pain  small practice")
    for each in counts:
        typer.echo(
            f"{each.state:<6} {each.all:>8,}  {each.heart_failure:>13,}  {each.low_back_pain:>13,}  {each.small_practice:>14,}"
        )
    typer.echo(f"From: {'; '.join(sources.files)}")
    typer.echo("Next: openasm lookup --state ST lists the clinicians of a state, --state-map draws the map")


def _write_state_map(library: Path, participants: Path | None, path: Path, *, as_json: bool) -> None:
    from openasm.participants.maps import state_map_page, tile_rows

    directory, sources = open_directory(library, participants)
    counts = by_state(directory.listed)
    page = state_map_page(counts, title="ASM participants by state", source="; ".join(sources.files))
    with written_whole(path) as stream:
        stream.write(page)
    if as_json:
        typer.echo(json.dumps({"out": str(path), "tiles": tile_rows(counts), "sources": sources.files}, indent=2))
        return
    typer.echo(f"Written: {path} ({sum(each.all for each in counts):,} rows, {len(counts)} states)")
    typer.echo(f"From: {'; '.join(sources.files)}")
    typer.echo("Next: openasm lookup --state ST lists the clinicians of a state")


def _write_county_map(geography: Geography, sources: Sources, path: Path, *, state: str, as_json: bool) -> None:
    from openasm.participants.county_maps import county_map_page, county_places  # reads the outlines: needed only here

    places = county_places(geography, state=state)
    where = f" of {state.strip().upper()}" if state else ""
    page = county_map_page(places, title=f"ASM areas by county{where}", source="; ".join(sources.files))
    with written_whole(path) as stream:
        stream.write(page)
    if as_json:
        record = {"out": str(path), "counties": [asdict(each) for each in places], "sources": sources.files}
        record["warnings"] = [problem.as_record() for problem in sources.warnings]
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    typer.echo(f"Written: {path} ({len(places):,} counties{where})")
    for answer, number in Counter(str(each.answer) for each in places).most_common():
        typer.echo(f"  {number:>6,}  {answer}")
    typer.echo(f"From: {'; '.join(sources.files)}")
    typer.echo("Next: openasm lookup --county FIPS, or --zip, says why for one place")


def _check_forms(*, npi: str, state: str, zip_code: str, county: str) -> None:
    """Raise WrongUsage for what cannot be an identifier, before any file is opened."""
    for said, form, what in (
        (npi, r"[0-9]{10}", "An NPI is ten digits"),
        (state, r"[A-Za-z]{2}", "A state is two letters"),
        (zip_code, r"[0-9]{5}(-?[0-9]{4})?", "A ZIP code is five digits, or nine"),
        (county, r"[0-9]{4,5}", "A county's FIPS code is five digits"),
    ):
        if said and re.fullmatch(form, said.strip()) is None:
            raise WrongUsage(f"{what}; {said.strip()[:20]!r} is none.")


def _by_form(query: str) -> tuple[str, str, str, str]:
    """NPI, practice, state or ZIP, by what the query looks like; none of them for a name."""
    text = query.strip()
    if re.fullmatch(r"[0-9]{10}", text):
        return text, "", "", ""
    if re.fullmatch(r"[0-9]{5}(-[0-9]{4})?", text):
        return "", "", "", text
    if re.fullmatch(r"[A-Za-z]{2}", text):
        return "", "", text, ""
    return "", "", "", ""


def _print_rows(
    asked: str,
    rows: list[Listing],
    sources: Sources,
    counts: Sequence[StateCount],
    *,
    limit: int,
    as_json: bool,
) -> None:
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "asked": asked,
                    "found": len(rows),
                    "by_state": [{**asdict(each), "all": each.all} for each in counts],
                    "rows": [asdict(row) for row in rows[:limit]],
                    "sources": sources.files,
                    "warnings": [problem.as_record() for problem in sources.warnings],
                    "caveat": CAVEAT,
                },
                ensure_ascii=False,
                indent=2,
            )
        )
        if not rows:
            raise typer.Exit(NotFound.exit_code)
        return
    if not rows:
        mistyped = re.fullmatch(r"[0-9]{10}", asked) is not None and not is_npi(asked)
        check = " Its check digit is wrong: see whether it is mistyped." if mistyped else ""
        raise NotFound(f"{asked} is not on this list ({'; '.join(sources.files)}).{check} {CAVEAT}")
    for each in counts:
        typer.echo(
            f"{each.state}: {each.all:,} rows; heart failure {each.heart_failure:,}, low back pain {each.low_back_pain:,}; small "
            f"practice {each.small_practice:,}"
        )
    for row in rows[:limit]:
        close = "" if row.closeness > 0.999 else f"  (close: {row.closeness:.0%})"
        typer.echo(f"{row.npi}  {row.name}, {row.state}  {_TITLES[row.cohort]}{close}")
        typer.echo(f"            {row.organization}; small practice in 2027: {row.small_practice}")
        typer.echo(f"            participant: {row.status}")
    if len(rows) > limit:
        typer.echo(f"... and {len(rows) - limit:,} more (--limit {len(rows)})")
    typer.echo("")
    typer.echo(CAVEAT)
    typer.echo(f"From: {'; '.join(sources.files)}")


def _print_place(answer: Answer, share_means: str, sources: Sources, *, as_json: bool) -> None:
    if as_json:
        record = {**asdict(answer), "share_means": share_means, "sources": sources.files}
        record["warnings"] = [problem.as_record() for problem in sources.warnings]
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    typer.echo(f"{answer.place}: {answer.placed}")
    typer.echo(f"  {answer.reason}")
    if len(answer.candidates) > 1 or (answer.candidates and answer.candidates[0].reason != answer.reason):
        for each in answer.candidates[:12]:
            share = f"{each.share:6.1%} of its {share_means}" if share_means else ""
            typer.echo(f"  {each.placed:<20} {share}  {each.fips} {each.county}  {each.unit_title or 'no area'}")
    typer.echo("What counts is where services are given, not the billing address.")
    typer.echo(f"From: {'; '.join(sources.files)}")
