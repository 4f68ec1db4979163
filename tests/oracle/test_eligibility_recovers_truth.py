"""Claims made up with a truth file -> episodes -> eligibility: the counts are those the region was planned to hold."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from openasm.base.errors import InputRefused, OpenAsmError
from openasm.claims.synthetic.codelists import COHORTS
from openasm.cli import eligibility as command
from openasm.episodes.specifications.construction import demonstration_workbook
from openasm.participants.findings import Finding
from openasm.runs.cost.episodes import run_episodes
from openasm.runs.cost.synthesis import synthetic_region
from openasm.runs.who_is_in.eligibility import run_eligibility
from openasm.runs.who_is_in.sources import EligibilityInputs

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
YEAR = 2025
EDGE = (19, 20, 21)
HEADER = (
    "NPI,FIRST_NAME,LAST_NAME,STATE,ASM_COHORT,ORGANIZATION_LEGAL_NAME,ASM_CY27_PARTICIPANT,ASM_CY27_SMALLPRACTICE\n"
)
TITLES = {"heart_failure": "Heart Failure", "low_back_pain": "Low Back Pain"}
STATES = {
    "36": "New York",
    "34": "New Jersey",
    "48": "Texas",
    "06": "California",
    "12": "Florida",
    "09": "Connecticut",
    "11": "DC",
}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region with its episodes, and a made-up list, roster and geography that fit it."""
    folder = tmp_path_factory.mktemp("region")
    synthetic_region(5, folder / "made", participants=10, beneficiaries=800, years=(2023, 2025))
    for cohort in COHORTS:
        run_episodes(
            folder / "made" / "tables",
            folder / cohort,
            cohort=cohort,
            codes_file=demonstration_workbook(cohort),
            year=YEAR,
            now=lambda: NOW,
        )
    clinicians = rows_of(folder / "made" / "clinicians.csv")
    seen: dict[tuple[str, str], str] = {}
    for each in clinicians:
        if each["cohort"]:
            seen.setdefault((each["npi"], each["cohort"]), each["tin"])
    (folder / "list.csv").write_text(
        HEADER
        + "".join(
            f"{npi},TEST,CLINICIAN {npi[4:9]},NY,{TITLES[cohort]},MADE UP {tin},Yes,No\n"
            for (npi, cohort), tin in seen.items()
        )
    )
    (folder / "roster.csv").write_text(
        "tin,npi,name,organization,system,email\n"
        + "".join(
            f"{each['tin']},{each['npi']},Test Clinician {each['npi'][4:9]},MADE UP {each['tin']},Test System,c{each['npi']}@practice.example\n"
            for each in clinicians
            if each["cohort"]
        )
    )
    zips = {code: fips for _, code, fips in PLACES}
    (folder / "zips.csv").write_text(
        "zcta,county_fips,land_share\n" + "".join(f"{code},{fips},1\n" for code, fips in zips.items())
    )
    (folder / "counties.csv").write_text(
        "cbsa_code,cbsa_title,division_code,division_title,metro_micro,county,state,state_fips,county_fips\n"
        + "".join(
            f"{10000 + place},Area {place},,,metro,County {fips},{STATES.get(fips[:2], 'Nowhere')},{fips[:2]},{fips[2:]}\n"
            for place, fips in enumerate([*sorted(set(zips.values())), *(f"98{place:03}" for place in range(1, 231))])
        )
    )
    # Every area is mandatory, and as many made-up ones as a whole list has.
    (folder / "areas.csv").write_text("asm_unit\n" + "".join(f"{10000 + place}\n" for place in range(240)))
    return folder


PLACES = [
    (place, code, fips)
    for place, (fips, codes) in enumerate(
        (
            ("36055", ("14620", "14607", "14450")),
            ("36029", ("14214", "14221")),
            ("36067", ("13210", "13202")),
            ("36001", ("12208", "12205")),
            ("34029", ("08701", "08753")),
            ("48201", ("77030", "77002")),
            ("06037", ("90033", "90048")),
            ("12086", ("33136", "33156")),
            ("09110", ("06106", "06105")),
            ("11001", ("20010",)),
        )
    )
    for code in codes
]


def inputs(region: Path, **more: object) -> EligibilityInputs:
    given: dict[str, object] = {
        "claims": region / "made" / "tables",
        "shelf": region / "no-library",
        "episodes": {cohort: region / cohort for cohort in COHORTS},
        "participants": region / "list.csv",
        "roster": region / "roster.csv",
        "counties": region / "counties.csv",
        "zips": region / "zips.csv",
        "areas": region / "areas.csv",
    }
    return EligibilityInputs(**(given | more))


def run(region: Path, out: Path, *, notices: tuple[str, ...] = (), **more: object):
    return run_eligibility(
        inputs(region, **more), out, performance_year=2027, now=lambda: NOW, notices=notices, threads=1
    )


def test_counts_are_those_planned(region: Path, tmp_path: Path) -> None:
    summary = run(region, tmp_path / "run")
    excluded, planned = {}, Counter()
    for row in pq.read_table(region / "made" / "truth" / "episodes.parquet").to_pylist():
        if row["year"] == YEAR:
            excluded[row["cohort"], row["episode"]] = row["excluded_reason"]
    cohort_of = {episode: cohort for cohort, episode in excluded}
    for row in pq.read_table(region / "made" / "truth" / "attribution.parquet").to_pylist():
        if row["attributed"] and row["episode"] in cohort_of:
            planned[cohort_of[row["episode"]], row["tin"], row["npi"]] += 1
    found = {
        (each.tests.cohort, each.tests.tin, each.tests.npi): each.tests.episodes.attributed
        for each in summary.judged
        if each.tests.episodes.attributed
    }
    assert len(found) > 10
    assert found == dict(planned)
    # The planned exclusions are the ones that do not count.
    kept = Counter()
    for row in pq.read_table(region / "made" / "truth" / "attribution.parquet").to_pylist():
        key = (cohort_of.get(row["episode"]), row["episode"])
        if row["attributed"] and key in excluded and excluded[key] is None:
            kept[key[0], row["tin"], row["npi"]] += 1
    counted = {
        (each.tests.cohort, each.tests.tin, each.tests.npi): each.tests.episodes.episodes
        for each in summary.judged
        if each.tests.episodes.episodes
    }
    assert counted == dict(kept)


def test_the_edges_of_the_threshold_are_recovered(region: Path, tmp_path: Path) -> None:
    summary = run(region, tmp_path / "run")
    clinicians = rows_of(region / "made" / "clinicians.csv")
    edge = {(each["tin"], each["npi"]): number for each, number in zip(clinicians[-6:], EDGE * 2, strict=True)}
    found = {
        (each.tests.tin, each.tests.npi): (each.tests.episodes.attributed, each.tests.episodes.answer.value)
        for each in summary.judged
        if (each.tests.tin, each.tests.npi) in edge
    }
    assert found == {pair: (number, "yes" if number >= 20 else "no") for pair, number in edge.items()}


def test_specialty_and_area_are_those_planned(region: Path, tmp_path: Path) -> None:
    """Who bills one specialty has it; whose practice has sites in one county has that county's area."""
    summary = run(region, tmp_path / "run")
    planned = {(each["tin"], each["npi"]): each for each in rows_of(region / "made" / "clinicians.csv")}
    county_of = {code: fips for _, code, fips in PLACES}
    area_of = {row["state_fips"] + row["county_fips"]: row["cbsa_code"] for row in rows_of(region / "counties.csv")}
    checked = 0
    for each in summary.judged:
        plan = planned[each.tests.tin, each.tests.npi]
        if each.tests.specialty.code and plan["specialty"] == plan["second_specialty"]:
            assert each.tests.specialty.code == plan["specialty"]
            checked += 1
        if each.tests.location.area:
            assert each.tests.location.area == area_of[county_of[plan["zip"]]]
            assert each.tests.location.answer.value == "yes"
    assert checked > 8


def test_the_run_folder(region: Path, tmp_path: Path) -> None:
    failing = next(
        each for each in run(region, tmp_path / "first").judged if each.finding is Finding.LISTED_FAILS
    ).tests
    run(region, tmp_path / "run", notices=(failing.npi,))
    folder = tmp_path / "run"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    stem = f"notices/notice-{failing.npi}-{failing.cohort}-2027"
    assert names == {
        "manifest.json",
        "scores/eligibility.csv",
        "scores/eligibility.parquet",
        "scores/years.csv",
        "scores/overlaps.csv",
        "scores/roster.csv",
        "scores/systems.csv",
        "worksheets/tin_questions.csv",
        "worksheets/contacts.csv",
        f"{stem}.pdf",
        f"{stem}.xlsx",
    }
    people = set(pq.read_table(region / "made" / "tables" / "beneficiaries.parquet")["beneficiary"].to_pylist())
    for name in names - {f"{stem}.xlsx", "scores/eligibility.parquet"}:
        content = (folder / name).read_bytes().decode("latin-1")
        assert not any(person in content for person in people), name
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["command"] == "eligibility"
    assert all(len(each["sha256"]) == 64 for each in manifest["inputs"])
    assert {each["name"] for each in manifest["parameters"]} >= {
        "participation.episode_threshold",
        "participation.error_notice_days",
    }
    (system,) = rows_of(folder / "scores" / "systems.csv")
    assert system["system"] == "Test System"
    assert len(rows_of(folder / "scores" / "years.csv")) % 5 == 0
    # Equal inputs give equal bytes.
    run(region, tmp_path / "again", notices=(failing.npi,))
    for name in names - {"manifest.json"}:
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_answers_of_the_worksheet_are_kept(region: Path, tmp_path: Path) -> None:
    first = run(region, tmp_path / "first")
    sheet = (tmp_path / "first" / "worksheets" / "tin_questions.csv").read_text()
    assert first.questions > 0
    lines = sheet.splitlines()
    (tmp_path / "answers.csv").write_text("\n".join([lines[0], *[line + "yes" for line in lines[1:]]]) + "\n")
    second = run(region, tmp_path / "second", answers=tmp_path / "answers.csv")
    assert second.questions == 0
    standings = {row["standing"] for row in rows_of(tmp_path / "second" / "scores" / "roster.csv")}
    assert "in, as the practice answered" in standings
    kept = tmp_path / "second" / "worksheets" / "tin_questions.csv"
    third = run(region, tmp_path / "third", answers=kept)  # the worksheet of a run holds the answers given before
    assert third.questions == 0
    assert kept.read_text() == (tmp_path / "third" / "worksheets" / "tin_questions.csv").read_text()
    assert kept.read_text() == (tmp_path / "answers.csv").read_text()


def test_episodes_are_computed_where_none_are_given(region: Path, tmp_path: Path) -> None:
    codes = {"heart_failure": demonstration_workbook("heart_failure")}
    summary = run(region, tmp_path / "run", episodes={}, codes=codes)
    given = run(region, tmp_path / "given", episodes={"heart_failure": region / "heart_failure"})
    assert summary.judged == given.judged
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def invoke(region: Path, out: Path, *more: str):
    arguments = [str(region / "made" / "tables"), "--out", str(out), "--library", str(region / "no-library")]
    return CliRunner().invoke(command.app, [*arguments, *more])


def test_the_command(region: Path, tmp_path: Path) -> None:
    given = ("--episodes-hf", str(region / "heart_failure"), "--list", str(region / "list.csv"))
    result = invoke(region, tmp_path / "run", *given, "--json")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["data_year"] == 2025
    assert {each["code"] for each in record["problems"]} >= {"P042", "P045"}
    assert all(each["tests"]["location"] == "cannot tell" for each in record["rows"])
    text = invoke(region, tmp_path / "other", *given)
    assert "heart failure: " in text.output
    assert "Run: " in text.output


BAD = {
    "--episodes-hf HERE": ("P043", InputRefused),
    "--episodes-hf low_back_pain": ("P040", InputRefused),
    "--episodes-hf nowhere": ("no folder", OpenAsmError),
    "--notice 1234567890 --episodes-hf heart_failure": ("check digit", OpenAsmError),
    "--claims-hold some --episodes-hf heart_failure": ("all or part", OpenAsmError),
    "--received yesterday --episodes-hf heart_failure": ("--received is a day", OpenAsmError),
    "--threads -1 --episodes-hf heart_failure": ("--threads", OpenAsmError),
    "--answers list.csv --episodes-hf heart_failure": ("--roster", OpenAsmError),
    "--performance-year 2026 --episodes-hf heart_failure": ("2026 is no performance year", OpenAsmError),
    "--performance-year 2028 --episodes-hf heart_failure": ("2028", OpenAsmError),
    "--list counties.csv --episodes-hf heart_failure": ("F0", InputRefused),
    "--list list.csv --roster list.csv --episodes-hf heart_failure": ("F0", InputRefused),
    "--zips zips.csv --episodes-hf heart_failure": ("openasm data fetch counties", OpenAsmError),
}


@pytest.mark.parametrize("options", BAD)
def test_bad_inputs_are_refused_and_nothing_is_written(region: Path, tmp_path: Path, options: str) -> None:
    words = [
        str(region / word) if (region / word).exists() or word == "nowhere" else word.replace("HERE", str(tmp_path))
        for word in options.split()
    ]
    expected, kind = BAD[options]
    result = invoke(region, tmp_path / "run", *words)
    assert isinstance(result.exception, kind), (result.exception, result.output)
    assert expected in str(result.exception)
    assert not (tmp_path / "run").exists()
    assert [path.name for path in tmp_path.iterdir()] == []


def test_damaged_episodes_are_refused(region: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    (broken / "patients").mkdir(parents=True)
    (broken / "manifest.json").write_text((region / "heart_failure" / "manifest.json").read_text())
    (broken / "patients" / "episodes.parquet").write_text("no parquet")
    pq.write_table(
        pq.read_table(region / "heart_failure" / "patients" / "attribution.parquet").drop(["npi"]),
        broken / "patients" / "attribution.parquet",
    )
    result = invoke(region, tmp_path / "run", "--episodes-hf", str(broken))
    assert isinstance(result.exception, InputRefused)
    assert {each.kind.code for each in result.exception.problems} == {"P043", "T001"}


def test_episodes_of_other_claims_are_noticed(region: Path, tmp_path: Path) -> None:
    other = tmp_path / "claims"
    other.mkdir()
    for path in (region / "made" / "tables").iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    (other / "claims.json").write_text((other / "claims.json").read_text() + "\n")
    assert "P041" in {each.kind.code for each in run(region, tmp_path / "run", claims=other).problems}


def test_claims_of_one_organization_never_say_no(region: Path, tmp_path: Path) -> None:
    summary = run(region, tmp_path / "run", claims_hold="part")
    assert {each.tests.eligible.value for each in summary.judged} == {"yes", "cannot tell"}
    assert "P046" in {each.kind.code for each in summary.problems}


def test_without_a_list_everybody_is_judged_and_the_gap_is_said(region: Path, tmp_path: Path) -> None:
    summary = run(region, tmp_path / "run", participants=None, roster=None)
    assert "P044" in {each.kind.code for each in summary.problems}
    assert summary.judged


def test_lines_that_name_nobody_are_counted_as_planned(region: Path, tmp_path: Path) -> None:
    lines = pq.read_table(
        region / "made" / "tables" / "claim_lines.parquet", columns=["setting", "from_date", "tin", "npi"]
    )
    planned = sum(
        row["setting"] == "professional" and row["from_date"].year == 2025 and not (row["tin"] and row["npi"])
        for row in lines.to_pylist()
    )
    [problem] = [each for each in run(region, tmp_path / "run").problems if each.kind.code == "P047"]
    assert problem.count == planned > 0
