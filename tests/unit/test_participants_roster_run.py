"""`openasm roster`: the list and the map without any claims."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openasm.base.errors import InputRefused, NotFound, WrongUsage
from openasm.cli import roster as roster_command
from openasm.participants.geography import Placed
from openasm.participants.roster import Standing
from openasm.participants.sites import site_answers
from openasm.runs.who_is_in.roster import RosterSummary, run_roster
from openasm.runs.who_is_in.sources import RosterInputs
from tests.builders.eligibility_claims import geography
from tests.builders.participant_lists import npi

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
HEADER = (
    "NPI,FIRST_NAME,LAST_NAME,STATE,ASM_COHORT,ORGANIZATION_LEGAL_NAME,ASM_CY27_PARTICIPANT,ASM_CY27_SMALLPRACTICE\n"
)
COUNTIES = (
    "cbsa_code,cbsa_title,division_code,division_title,metro_micro,county,state,state_fips,county_fips\n"
    "10000,Testville TX,,,metro,Test County,Texas,48,001\n20000,Elsewhere TX,,,metro,Other County,Texas,48,002\n"
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    people = [(npi(0), "ONE", "MADE UP GROUP"), (npi(1), "TWO", "=MADE UP OTHER"), (npi(2), "THREE", "MADE UP GROUP")]
    listed = "".join(f"{one},TEST,{last},TX,Heart Failure,{group},Yes,No\n" for one, last, group in people)
    (tmp_path / "list.csv").write_text(HEADER + listed)
    (tmp_path / "counties.csv").write_text(COUNTIES)
    (tmp_path / "zips.csv").write_text("zcta,county_fips,land_share\n77001,48001,1\n77002,48001,0.7\n77002,48002,0.3\n")
    (tmp_path / "areas.csv").write_text("code\n10000\n")
    (tmp_path / "roster.csv").write_text(
        "tin,npi,name,organization,system,sites,email\n"
        f"000000001,{npi(0)},Test One,Made Up Group,Test System,77001;77002-1234,one@practice.example\n"
        f"000000002,{npi(1)},Test Two,Made Up Group,Test System,,one@practice.example\n"
        f"000000001,{npi(5)},Test Partner,Made Up Group,Test System,99999,\n"
    )
    return tmp_path


def inputs(files: Path, **more: Path | None) -> RosterInputs:
    given = {name: files / f"{name}.csv" for name in ("counties", "zips", "areas", "roster")}
    return RosterInputs(**{"shelf": files / "none", "participants": files / "list.csv", **given, **more})


def run(files: Path, name: str = "run", **more: Path | None) -> RosterSummary:
    return run_roster(inputs(files, **more), files / name, performance_year=2027, now=lambda: NOW)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_run_says_who_is_in_where_and_what_is_open(files: Path) -> None:
    summary = run(files)
    assert [(each.entry.npi, each.standing) for each in summary.placements] == [
        (npi(0), Standing.IN),
        (npi(5), Standing.NOT_LISTED),
        (npi(1), Standing.ELSEWHERE),
    ]
    assert "Partners under this TIN are in ASM" in summary.placements[1].follows
    assert [(each.zip, each.placed) for each in summary.sites] == [
        ("77001", Placed.YES),
        ("77002", Placed.CANNOT_TELL),  # the list of areas that is loaded is not whole
        ("99999", Placed.CANNOT_TELL),
    ]
    assert [(each.system, each.tins, each.clinicians, each.participants) for each in summary.systems] == [
        ("Test System", ("000000001", "000000002"), 3, 1)
    ]
    assert {"P007", "P013"} <= {problem.kind.code for problem in summary.problems}
    years = rows(files / "run" / "scores" / "years.csv")
    assert [(row["npi"], row["performance_year"], row["participant"]) for row in years][:2] == [
        (npi(0), "2027", "yes"),
        (npi(0), "2028", "not known yet"),
    ]
    [question] = rows(files / "run" / "worksheets" / "tin_questions.csv")
    assert question["listed_organization"] == "'=MADE UP OTHER"  # no spreadsheet runs it
    manifest = json.loads((files / "run" / "manifest.json").read_text())
    assert manifest["command"] == "roster"
    assert {each["table"] for each in manifest["inputs"]} >= {"roster", "participant list", "mandatory areas"}


def test_an_answer_is_read_back_and_kept(files: Path) -> None:
    run(files)
    sheet = files / "run" / "worksheets" / "tin_questions.csv"
    (files / "answers.csv").write_text(sheet.read_text().rstrip("\n") + "yes\n")
    summary = run(files, "second", answers=files / "answers.csv")
    assert summary.questions == ()
    assert summary.standings[Standing.ANSWERED.value] == 1
    again = run(files, "third", answers=files / "second" / "worksheets" / "tin_questions.csv")
    assert again.standings == summary.standings


def test_without_sites_no_geography_is_needed(files: Path) -> None:
    (files / "plain.csv").write_text(f"tin,npi,name\n000000001,{npi(0)},Test One\n")
    summary = run(files, roster=files / "plain.csv", counties=None, zips=None, areas=None)
    assert summary.sites == ()
    assert not (files / "run" / "scores" / "sites.csv").exists()
    assert site_answers((), geography()) == ()


def test_what_is_refused_leaves_nothing(files: Path) -> None:
    (files / "bad.csv").write_text(
        f"tin,npi,name,sites\n000000001,{npi(0)},Test One,Springfield\n1,{npi(1)},Test Two,\n"
    )
    with pytest.raises(InputRefused) as refused:
        run(files, roster=files / "bad.csv")
    assert "P048" in {problem.kind.code for problem in refused.value.problems}
    with pytest.raises(NotFound):
        run(files, participants=None)
    with pytest.raises(NotFound, match="absent"):
        run(files, roster=files / "absent.csv")
    with pytest.raises(WrongUsage, match="2027 to 2031"):
        run_roster(inputs(files), files / "run", performance_year=2026, now=lambda: NOW)
    assert not (files / "run").exists()


def test_the_command(files: Path) -> None:
    options = ["--list", str(files / "list.csv"), "--library", str(files / "none")]
    for name in ("counties", "zips", "areas"):
        options += [f"--{name}", str(files / f"{name}.csv")]
    shown = CliRunner().invoke(roster_command.app, [str(files / "roster.csv"), "--out", str(files / "run"), *options])
    assert shown.exit_code == 0, shown.output
    assert "Test System: 2 TINs, 3 clinicians, 1 of them in, 1 open" in shown.stdout
    assert "answer the open questions (1)" in shown.stdout
    told = CliRunner().invoke(
        roster_command.app, [str(files / "roster.csv"), "--out", str(files / "run"), "--replace", "--json", *options]
    )
    assert json.loads(told.stdout)["standings"]["in"] == 1
