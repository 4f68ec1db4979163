"""Observed admissions: days at risk against a plain count, whole claims by hand, and the command."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from openasm.base.errors import InputRefused
from openasm.base.problems import Problems
from openasm.claims.contract import CLAIMS_TABLES
from openasm.cli.admissions import app
from openasm.quality.admissions import LABEL, Stay, days_at_risk, read_admission_codes
from openasm.runs.demonstration.cohort import made_up_npi

YEAR = 2025
FIRST, LAST = dt.date(YEAR, 1, 1), dt.date(YEAR, 12, 31)
MONTHS = [dt.date(YEAR, month, 1) for month in range(1, 13)]
TIN, ONE, TWO = "000000077", made_up_npi(1), made_up_npi(2)
days = st.integers(-40, 380).map(lambda day: FIRST + dt.timedelta(days=day))
stays = st.builds(
    lambda first, length, counts: Stay(first, first + dt.timedelta(days=length), counts),
    days,
    st.integers(0, 40),
    st.booleans(),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sets(st.sampled_from(MONTHS)), st.lists(stays, max_size=5), days, st.integers(0, 15))
def test_days_at_risk_equal_a_plain_count(
    months: set[dt.date], given_stays: list[Stay], end: dt.date, buffer: int
) -> None:
    at_risk, admitted = days_at_risk(months, given_stays, min(end, LAST), FIRST, buffer)
    year = [FIRST + dt.timedelta(days=day) for day in range(365)]
    covered = {day for day in year if day.replace(day=1) in months and day <= end}
    blocked = {
        day for day in year for stay in given_stays if stay.first <= day <= stay.last + dt.timedelta(days=buffer)
    }
    assert at_risk == len(covered - blocked)
    ordered = sorted(given_stays, key=lambda each: (each.first, each.last, not each.counts))
    expected = 0
    for place, stay in enumerate(ordered):
        inside = any(stay.first <= earlier.last + dt.timedelta(days=buffer) for earlier in ordered[:place])
        expected += stay.counts and stay.first in covered and not inside
    assert admitted == expected


def rows(name: str, *found: dict[str, Any]) -> pa.Table:
    arrow = {"text": pa.string(), "integer": pa.int64(), "date": pa.date32(), "boolean": pa.bool_()}
    schema = pa.schema([(column.name, arrow[column.kind.value]) for column in CLAIMS_TABLES[name].columns])
    return pa.Table.from_pylist([{field.name: row.get(field.name) for field in schema} for row in found], schema=schema)


def line(person: str, claim: str, setting: str, day: str, thru: str = "", **more: Any) -> dict[str, Any]:
    first = dt.date.fromisoformat(day)
    return {
        "beneficiary": person,
        "claim_id": claim,
        "line": 1,
        "setting": setting,
        "from_date": first,
        "thru_date": dt.date.fromisoformat(thru) if thru else first,
        "cost_cents": 0,
        "cost_basis": "allowed",
    } | more


def visit(person: str, claim: str, day: str, npi: str) -> dict[str, Any]:
    return line(person, claim, "professional", day, npi=npi, tin=TIN, specialty="06", place_of_service="11")


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A: one counted admission, a readmission in the buffer, a planned stay. B: dies. C: one outpatient code only. D: excluded."""
    folder = tmp_path_factory.mktemp("claims")
    people = "ABCD"
    lines = [
        *(line(person, f"h{person}", "inpatient", "2024-02-01", "2024-02-05", drg="001") for person in "ABD"),
        line("C", "hC", "professional", "2024-02-01"),
        line("A", "s1", "inpatient", "2025-03-01", "2025-03-04", drg="291"),
        line("A", "s2", "inpatient", "2025-03-10", "2025-03-12", drg="291"),
        line("A", "s3", "inpatient", "2025-06-01", "2025-06-02", drg="999"),
        visit("A", "v1", "2025-04-01", TWO),
        visit("A", "v2", "2025-05-01", ONE),
        visit("A", "v3", "2025-07-01", ONE),
        visit("B", "v4", "2025-01-05", TWO),
        line("X", "x", "professional", "2022-12-15"),
        line("X", "y", "professional", "2025-12-15"),
    ]
    diagnoses = [("A", "hA"), ("B", "hB"), ("C", "hC"), ("D", "hD"), ("A", "s1"), ("A", "s2"), ("A", "s3")]
    tables = {
        "claim_lines": rows("claim_lines", *lines),
        "claim_diagnoses": rows(
            "claim_diagnoses",
            *({"beneficiary": who, "claim_id": claim, "position": 1, "code": "I5022"} for who, claim in diagnoses),
            {"beneficiary": "D", "claim_id": "hD", "position": 2, "code": "Z9481"},
        ),
        "enrollment": rows(
            "enrollment",
            *(
                {"beneficiary": who, "month": month, "part_a": True, "part_b": True}
                for who in people
                for month in MONTHS
            ),
        ),
        "beneficiaries": rows(
            "beneficiaries",
            *(
                {
                    "beneficiary": who,
                    "birth_date": dt.date(1950, 1, 1),
                    "death_date": dt.date(2025, 1, 31) if who == "B" else None,
                }
                for who in people
            ),
        ),
    }
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def codes(folder: Path, *lines: str) -> Path:
    path = folder / "codes.csv"
    path.write_text("\n".join(["list,code", *lines]) + "\n", encoding="utf-8")
    return path


LISTS = ("heart_failure,I50", "cardiovascular,I50", "planned_drg,999", "excluded_diagnosis,Z94.81")


def run(claims: Path, path: Path, out: Path, *options: str) -> str:
    arguments = [str(claims), "--codes", str(path), "--year", str(YEAR), "--out", str(out), *options]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_rates_by_hand(claims: Path, tmp_path: Path) -> None:
    found = json.loads(run(claims, codes(tmp_path, *LISTS), tmp_path / "run", "--json"))
    assert found["what"] == LABEL
    # A: 365 days less 1-22 March (two stays and their buffers) and 1-12 June; B: January.
    by_key = {(row["tin"], row["npi"]): row for row in found["rows"]}
    at_risk_of_a = 365 - 22 - 12
    everybody = by_key["", ""]
    assert (everybody["beneficiaries"], everybody["admissions"]) == (2, 1)
    assert everybody["person_years"] == pytest.approx((at_risk_of_a + 31) / 365)
    mine = by_key[TIN, ONE]
    assert mine["rate"] == pytest.approx(100 * 365 / at_risk_of_a)
    assert by_key[TIN, ""]["beneficiaries"] == 1
    assert (TIN, TWO) not in by_key  # one visit is no dominance
    assert found["problems"] == []
    with (tmp_path / "run" / "scores" / "score_input.csv").open(encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["measure"], row["collection_type"], row["npi"], row["eligible"]) == ("492", "claims", ONE, "1")


def test_a_year_that_is_not_covered_is_said(claims: Path, tmp_path: Path) -> None:
    path = codes(tmp_path, *LISTS)
    arguments = [str(claims), "--codes", str(path), "--year", "2026", "--out", str(tmp_path / "run"), "--json"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert [each["code"] for each in json.loads(result.stdout)["problems"]] == ["Q151"]


def test_bad_codes_are_refused(claims: Path, tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        run(claims, codes(tmp_path, "heart_failure,I50"), tmp_path / "run")
    assert [problem.kind.code for problem in refused.value.problems] == ["Q150"]
    with pytest.raises(InputRefused) as refused:
        run(claims, codes(tmp_path, "lungs,J44"), tmp_path / "run")
    assert "F015" in {problem.kind.code for problem in refused.value.problems}
    problems = Problems()
    found = read_admission_codes(codes(tmp_path, *LISTS), problems)
    assert found.excluded_diagnosis == ("Z9481",)
