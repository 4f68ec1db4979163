"""What a run of the cost measures warns of, on a handful of people whose every count is known."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from openasm.claims.contract import CLAIMS_TABLES
from openasm.cli.episodes import app
from openasm.episodes.specifications.construction import demonstration_workbook
from openasm.runs.cost.episodes import EpisodesSummary, run_episodes
from openasm.tables.contracts import Kind

HEART, YEAR = "heart_failure", 2027
WHOLE = (dt.date(2024, 1, 1), dt.date(2027, 12, 31))
EVERYBODY = "abcd"
TYPES = {
    Kind.TEXT: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.DATE: pa.date32(),
    Kind.BOOLEAN: pa.bool_(),
}
ALL_SETTINGS = (("inpatient", None), ("outpatient", None), ("drug", None))


def claims(
    folder: Path,
    *,
    unknown: tuple[str, ...] = (),
    unenrolled: tuple[str, ...] = (),
    hcpcs: str = "99213",
    basis: str = "standardized",
    covers: tuple[dt.date, dt.date] = WHOLE,
    elsewhere: str = EVERYBODY,
    facilities: str = EVERYBODY,
    drugs: str = EVERYBODY,
) -> Path:
    """Four people (a to d) with visits to one of two TINs a month apart in 2026, one line of every other setting each.

    unknown: without a row in beneficiaries; unenrolled: without a month of enrollment; covers: what claims.json states;
    elsewhere, facilities, drugs: who has a line of a third TIN, of inpatient and outpatient care, and of a drug (d alone has
    no Part D).
    """
    folder.mkdir()
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in CLAIMS_TABLES}
    for place, who in enumerate("abcd"):
        tin = f"00000000{1 + place % 2}"
        visits = [dt.date(2026, 2, 1), dt.date(2026, 3, 1)]
        facts = [("professional", day, hcpcs, tin) for day in visits]
        who_has = {"inpatient": facilities, "outpatient": facilities, "drug": drugs}
        facts += [
            (setting, dt.date(2026, 2, 10), code, None) for setting, code in ALL_SETTINGS if who in who_has[setting]
        ]
        if who in elsewhere:
            facts.append(("professional", dt.date(2026, 2, 15), "80048", "000000009"))
        for number, (setting, day, code, own) in enumerate(facts):
            claim = {"beneficiary": who, "claim_id": f"{who}{number}"}
            rows["claim_lines"].append(
                claim
                | {"line": 1, "setting": setting, "from_date": day, "thru_date": day, "hcpcs": code, "tin": own}
                | {"npi": "2999000047", "cost_cents": 10_000, "cost_basis": basis}
            )
            rows["claim_diagnoses"].append(claim | {"position": 1, "code": "I5022"})
        if who not in unenrolled:
            rows["enrollment"] += [
                {
                    "beneficiary": who,
                    "month": dt.date(year, month, 1),
                    "part_a": True,
                    "part_b": True,
                    "part_d": who != "d",
                }
                for year in (2025, 2026, 2027)
                for month in range(1, 13)
            ]
        if who not in unknown:
            rows["beneficiaries"].append(
                {"beneficiary": who, "birth_date": dt.date(1950, 5, 5), "county_fips": "36001"}
            )
    for name, contract in CLAIMS_TABLES.items():
        schema = pa.schema([(column.name, TYPES[column.kind]) for column in contract.columns])
        filled = [{column: row.get(column) for column in contract.names} for row in rows[name]]
        pq.write_table(pa.Table.from_pylist(filled, schema=schema), folder / f"{name}.parquet")
    first, last = covers
    (folder / "claims.json").write_text(
        json.dumps({"data_start": first.isoformat(), "data_end": last.isoformat()}), encoding="utf-8"
    )
    return folder


def run(folder: Path, out: Path) -> EpisodesSummary:
    return run_episodes(
        folder,
        out,
        cohort=HEART,
        codes_file=demonstration_workbook(HEART),
        year=YEAR,
        now=lambda: dt.datetime(2028, 2, 1, tzinfo=dt.UTC),
        memory_bytes=512 * 1024**2,
        threads=1,
    )


def warned(summary: EpisodesSummary, code: str) -> list[tuple[str, str, str, int]]:
    """File, column, what was found and count of each warning of a code; the manifest must hold the same ones."""
    manifest = json.loads((summary.out / "manifest.json").read_text(encoding="utf-8"))
    recorded = [each for each in manifest["problems"] if each["code"] == code]
    found = [(p.file, p.column, p.found, p.count) for p in summary.problems if p.kind.code == code]
    assert [(each["file"], each["column"], each["found"], each["count"]) for each in recorded] == found
    assert all(each["severity"] == "warning" for each in recorded)
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> EpisodesSummary:
    """A run over claims that cover the time, in standardized amounts, of people who are all known."""
    folder = tmp_path_factory.mktemp("plain")
    return run(claims(folder / "claims"), folder / "run")


def test_whole_claims_are_warned_of_only_for_their_small_models(plain: EpisodesSummary) -> None:
    assert plain.reasons == {"counted": 4}
    assert {problem.kind.code for problem in plain.problems} == {"E015", "E025", "E027"}
    used = "used unadjusted own mean"
    assert warned(plain, "E025") == [
        ("claims", "", f"all, with Part D: 3 episodes, {used}; all, without Part D: 1 episode, {used}", 2)
    ]
    (only,) = [problem for problem in plain.problems if problem.kind.code == "E025"]
    assert "too few episodes for a regression" in only.as_text()
    assert only.expected == "at least 100 episodes in each model"
    manifest = json.loads((plain.out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["counts"]["people_with_an_episode"] == {
        "all": 4,
        "with_lines_of_two_tins": 4,
        "with_facility_lines": 4,
        "with_part_d": 3,
        "with_part_d_and_drug_lines": 3,
    }


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        ({"elsewhere": "abc"}, (3, 4, 3)),  # three of four have lines of another TIN: fewer than 80 %
        ({"facilities": "c"}, (4, 1, 3)),
        ({"drugs": "acd"}, (4, 4, 2)),
        (
            {"elsewhere": "a", "facilities": "a", "drugs": "a"},
            (1, 1, 1),
        ),  # a line of each kind and yet hardly anybody's
    ],
)
def test_claims_of_part_of_the_care_are_known_by_the_people(
    tmp_path: Path, lacking: dict[str, str], told: tuple[int, int, int]
) -> None:
    summary = run(claims(tmp_path / "claims", **lacking), tmp_path / "run")
    tins, facilities, drugs = told
    found = (
        f"of the people with an episode {tins} of 4 have lines of another TIN, {facilities} of 4 lines of a facility, "
        f"{drugs} of 3 with Part D lines of drugs"
    )
    assert warned(summary, "E021") == [("claims", "", found, 1)]
    assert warned(summary, "E020") == []
    (problem,) = [each for each in summary.problems if each.kind.code == "E021"]
    assert problem.expected == (
        "at least 80% have lines of another TIN, 50% lines of a facility, 80% with Part D lines of drugs"
    )


def test_half_with_facilities_and_drugs_of_those_without_part_d_are_no_part_of_the_care(tmp_path: Path) -> None:
    summary = run(claims(tmp_path / "claims", facilities="ab", drugs="abc"), tmp_path / "run")
    assert warned(summary, "E021") == []


def test_people_who_are_not_in_the_data_are_counted(tmp_path: Path) -> None:
    summary = run(claims(tmp_path / "claims", unknown=("b",), unenrolled=("c", "d")), tmp_path / "run")
    assert warned(summary, "E022") == [
        ("claims", "a row in beneficiaries", "1 of 4 episodes without a row in beneficiaries", 1),
        ("claims", "any month of enrollment", "2 of 4 episodes without any month of enrollment", 2),
    ]
    assert summary.reasons["counted"] == 1
    assert sum(summary.reasons.values()) == 4


# An episode that ends on 1 January 2027 may have 729 days and so begin on 3 January 2025, and whether a clinician saw the
# patient before is looked for 365 days before that: on 4 January 2024. (test_episodes_first_day.py)
@pytest.mark.parametrize(
    "covers", [(dt.date(2024, 1, 5), dt.date(2027, 12, 31)), (dt.date(2024, 1, 4), dt.date(2027, 12, 30))]
)
def test_claims_that_begin_late_or_end_early_are_warned_of(tmp_path: Path, covers: tuple[dt.date, dt.date]) -> None:
    summary = run(claims(tmp_path / "claims", covers=covers), tmp_path / "run")
    assert warned(summary, "E023") == [("claims", "", f"claims from {covers[0]} to {covers[1]}", 1)]
    (problem,) = [each for each in summary.problems if each.kind.code == "E023"]
    assert problem.expected == "claims from 2024-01-04 to 2027-12-31"
    assert (tmp_path / "run" / "scores" / "cost.csv").is_file()


def test_claims_from_the_first_day_needed_to_the_end_of_the_year_are_enough(tmp_path: Path) -> None:
    whole = (dt.date(2024, 1, 4), dt.date(2027, 12, 31))
    assert warned(run(claims(tmp_path / "claims", covers=whole), tmp_path / "run"), "E023") == []


@pytest.mark.parametrize(("begin", "episodes"), [(dt.date(2025, 2, 2), 0), (dt.date(2025, 2, 3), 4)])
def test_windows_that_may_have_opened_before_the_claims_are_counted(
    tmp_path: Path, begin: dt.date, episodes: int
) -> None:
    """The first visits are on 1 February 2026: a visit 364 days before, on 2 February 2025, would have kept a window open."""
    summary = run(claims(tmp_path / "claims", covers=(begin, WHOLE[1])), tmp_path / "run")
    assert warned(summary, "E030") == ([("claims", "", f"{episodes} episodes", episodes)] if episodes else [])
    looking_back = f"claims from {begin} to 2027-12-31"
    if begin > dt.date(2025, 2, 1):  # 365 days before 1 February 2026, for prior care
        looking_back += "; 4 episodes looking back to days before them"
    assert warned(summary, "E023") == [("claims", "", looking_back, 1)]


def test_a_year_without_an_episode_gives_an_empty_run_that_says_so(tmp_path: Path) -> None:
    folder = claims(tmp_path / "claims", hcpcs="99300")
    words = ["--cohort", HEART, "--codes", str(demonstration_workbook(HEART)), "--year", str(YEAR), "--json"]
    done = CliRunner().invoke(app, [str(folder), *words, "--threads", "1", "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["episodes_by_reason"] == {}
    problems = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))["problems"]
    (problem,) = [each for each in problems if each["code"] == "E024"]
    assert (problem["file"], problem["title"]) == ("claims", "no episode ends in the year")
    with (tmp_path / "run" / "scores" / "cost.csv").open(encoding="utf-8") as stream:
        assert list(csv.DictReader(stream)) == []


def test_costs_that_are_not_standardized_are_named_by_their_basis(tmp_path: Path) -> None:
    summary = run(claims(tmp_path / "claims", basis="paid"), tmp_path / "run")
    assert warned(summary, "E026") == [("claims", "", "paid: 24 lines", 1)]
    assert summary.reasons == {"counted": 4}
