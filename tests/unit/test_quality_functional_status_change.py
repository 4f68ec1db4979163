"""Measure 220: residuals, what counts, files, and bad input by code."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openasm.base.errors import InputRefused
from openasm.cli.functional_status import app
from openasm.runs.demonstration.cohort import made_up_npi
from openasm.runs.scoring.inputs import QUALITY_COLUMNS

HEADER = (
    "episode,patient,tin,npi,age,instrument,instrument_version,mode,intake_date,intake_score,discharge_date,"
    "discharge_score,predicted_change,exclusion"
)
TIN, ONE, TWO = "000000077", made_up_npi(1), made_up_npi(2)
ROWS = [
    f"e1,p1,{TIN},{ONE},40,FOTO_LOW_BACK,2027,adaptive,2027-01-05,40.1,2027-03-01,52.4,12.3,",  # residual exactly 0
    f"e2,p2,{TIN},{ONE},40,FOTO_LOW_BACK,2027,paper,2027-01-05,40.1,2027-03-01,52.4,12.4,",
    f"e3,p3,{TIN},{ONE},40,FOTO_LOW_BACK,,,2027-01-05,40,2027-03-01,,12,",  # not captured
    f"e4,p4,{TIN},{TWO},14,FOTO_LOW_BACK,,,2027-01-05,40,2027-12-31,90,12,",
    f"e5,p5,{TIN},{TWO},13,FOTO_LOW_BACK,,,2027-01-05,40,2027-03-01,90,12,",  # too young
    f"e6,p6,{TIN},{TWO},40,FOTO_LOW_BACK,,,2027-01-05,40,2028-01-01,90,12,",  # next year
    f"e7,p7,{TIN},{TWO},40,FOTO_LOW_BACK,,,2027-01-05,40,2027-03-01,90,12,neurological",
    f"e8,p8,{TIN},{TWO},40,ODI,2.1a,,2027-01-05,40,2027-03-01,10,,",
    f"e9,p9,{TIN},{TWO},40,FOTO_LOW_BACK,,,2027-01-05,40,,,,",  # still under treatment
]


def run(folder: Path, *rows: str) -> str:
    (folder / "episodes.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    arguments = [str(folder / "episodes.csv"), "--year", "2027", "--out", str(folder / "run")]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_episodes_are_counted_by_their_residual(tmp_path: Path) -> None:
    text = run(tmp_path, *ROWS)
    results = {row["episode"]: row for row in table(tmp_path / "run" / "patients" / "treatment_episodes.csv")}
    assert {name: row["result"] for name, row in results.items()} == {
        "e1": "met",
        "e2": "not_met",
        "e3": "not_captured",
        "e4": "met",
        "e5": "not_eligible",
        "e6": "not_eligible",
        "e7": "excluded",
        "e8": "tracked",
        "e9": "not_eligible",
    }
    assert (results["e1"]["residual"], results["e8"]["change"], results["e8"]["residual"]) == ("0.0", "-30.0", "")
    counts = {row["npi"]: row for row in table(tmp_path / "run" / "scores" / "functional_status.csv")}
    assert [counts[ONE][name] for name in ("eligible", "met", "not_met", "rate")] == ["3", "1", "1", "0.5"]
    assert Fraction(counts[ONE]["completeness"]).limit_denominator(10) == Fraction(2, 3)
    assert [counts[""][name] for name in ("eligible", "met", "not_met")] == ["4", "2", "1"]
    handed = table(tmp_path / "run" / "scores" / "score_input.csv")
    assert list(handed[0]) == [column.name for column in QUALITY_COLUMNS]
    assert [(row["npi"], row["measure"], row["collection_type"], row["exclusions"]) for row in handed] == [
        (ONE, "220", "cqm", "0"),
        (TWO, "220", "cqm", "0"),
    ]
    assert "Q161" in text


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (ROWS[0].replace("2027-03-01", "2027-01-04"), "Q160"),
        (ROWS[0].replace("FOTO_LOW_BACK", "KOOS"), "F015"),
        (ROWS[0].replace("40.1", "101"), "F013"),
        (ROWS[0].replace(TIN, "77"), "F017"),
    ],
)
def test_bad_rows_are_refused(tmp_path: Path, row: str, code: str) -> None:
    with pytest.raises(InputRefused) as refused:
        run(tmp_path, row)
    assert [problem.kind.code for problem in refused.value.problems] == [code]
    assert not (tmp_path / "run").exists()


def test_an_episode_stands_once(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        run(tmp_path, ROWS[0], ROWS[0])
    assert [problem.kind.code for problem in refused.value.problems] == ["F018"]
