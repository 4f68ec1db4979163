"""The months that claims cover: mistyped dates do not decide them, real shapes of deliveries do."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openasm.base.errors import WrongUsage
from openasm.claims.contract import CLAIMS_TABLES
from openasm.claims.covered import covered_months, usual_month
from openasm.claims.folder import open_claims
from openasm.claims.loading import load_claims
from openasm.tables.engine import open_engine
from tests.builders import cclf, eob

ANNA = "1SA0A00AA00"
DAYS = [dt.date(2026, month, day) for month in (1, 2, 3, 4) for day in range(1, 26)]
"""A hundred days of four months."""
MISTYPED = dt.date(2045, 1, 9)


def span(lines: dict[str, int]) -> tuple[str, str]:
    first, last = covered_months({dt.date.fromisoformat(f"{month}-01"): count for month, count in lines.items()})
    return f"{first:%Y-%m}", f"{last:%Y-%m}"


def year(number: int, count: int) -> dict[str, int]:
    return {f"{number}-{month:02d}": count for month in range(1, 13)}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(year(2026, 2000) | {"2045-01": 1}, ("2026-01", "2026-12"), id="one line far ahead"),
        pytest.param(year(2026, 2000) | {"2024-02": 1}, ("2026-01", "2026-12"), id="one line long before"),
        pytest.param(
            year(2026, 2000) | {"2024-02": 1, "2031-05": 60, "2062-12": 3}, ("2026-01", "2026-12"), id="several"
        ),
        pytest.param(
            year(2026, 2000) | {"2026-10": 1500, "2026-11": 800, "2026-12": 60},
            ("2026-01", "2026-12"),
            id="claims still to come in the last three months",
        ),
        pytest.param(
            year(2026, 2000) | {"2025-11": 30, "2025-12": 700}, ("2025-11", "2026-12"), id="a beginning by degrees"
        ),
        pytest.param(year(2025, 4) | year(2026, 5) | {"2045-01": 1}, ("2025-01", "2026-12"), id="a small practice"),
        pytest.param(year(2026, 2000) | {"2026-05": 0}, ("2026-01", "2026-12"), id="a month missing"),
        pytest.param(year(2025, 900) | {"2026-11": 800}, ("2025-01", "2026-11"), id="a real month after a long gap"),
        pytest.param({"2026-03": 700}, ("2026-03", "2026-03"), id="one month"),
        pytest.param(
            {"2026-03": 700, "2045-01": 1, "2050-01": 2}, ("2026-03", "2026-03"), id="one month and two lines"
        ),
        pytest.param({"2026-03": 600, "2026-04": 9}, ("2026-03", "2026-04"), id="one month and its first days"),
        pytest.param({"2025-01": 1, "2027-06": 3}, ("2025-01", "2027-06"), id="too few lines to tell"),
        pytest.param(year(2025, 60) | year(2026, 3000), ("2025-01", "2026-12"), id="a practice that grew fifty times"),
        pytest.param(
            {f"{1900 + 2 * place}-01": 1 for place in range(99)} | {"2097-01": 2},
            ("2097-01", "2097-01"),
            id="scattered",
        ),
    ],
)
def test_months_of_real_and_of_mistyped_shapes(lines: dict[str, int], expected: tuple[str, str]) -> None:
    assert span(lines) == expected


def test_without_a_line_there_is_no_usual_month() -> None:
    with pytest.raises(ValueError, match="no line"):
        usual_month({})


def tables(folder: Path, days: list[dt.date]) -> Path:
    basics = {"beneficiary": ANNA, "line": 1, "setting": "professional", "cost_cents": 1000, "cost_basis": "allowed"}
    month = {"beneficiary": ANNA, "month": dt.date(2026, 1, 1), "part_a": True, "part_b": True}
    rows: dict[str, list[dict[str, Any]]] = {
        "claim_lines": [
            {**basics, "claim_id": f"{number:03d}", "from_date": day, "thru_date": day}
            for number, day in enumerate(days)
        ],
        "claim_diagnoses": [{"beneficiary": ANNA, "claim_id": "000", "position": 1, "code": "I5022"}],
        "enrollment": [month],
        "beneficiaries": [{"beneficiary": ANNA, "birth_date": dt.date(1950, 5, 5), "sex": "female"}],
    }
    folder.mkdir(parents=True)
    for name, each in rows.items():
        empty = dict.fromkeys(CLAIMS_TABLES[name].names)
        pq.write_table(pa.Table.from_pylist([{**empty, **row} for row in each]), folder / f"{name}.parquet")
    return folder


def deliveries(folder: Path, days: list[dt.date]) -> Path:
    """CCLF without a date in its names, and somebody who is covered to this day."""
    visits = [
        cclf.visit(
            number,
            1,
            ANNA,
            **dict.fromkeys(("CLM_FROM_DT", "CLM_THRU_DT", "CLM_LINE_FROM_DT", "CLM_LINE_THRU_DT"), day.isoformat()),
        )
        for number, day in enumerate(days)
    ]
    cclf.write(folder / "CCLF5.txt", "CCLF5", visits)
    cclf.write(folder / "CCLF8.txt", "CCLF8", [cclf.person(ANNA)])
    return folder


def export(folder: Path, days: list[dt.date]) -> Path:
    """FHIR with a Coverage that has no end."""
    resources: list[dict[str, Any]] = [
        eob.claim(
            str(number),
            "CARRIER",
            item=[eob.visit(1, {"line_alowd_chrg_amt": 10.0}, servicedPeriod={"start": f"{day}", "end": f"{day}"})],
        )
        for number, day in enumerate(days)
    ]
    resources += [{"resourceType": "Patient", "id": "11", "birthDate": "1950-05-05", "gender": "female"}]
    resources += [
        {
            "resourceType": "Coverage",
            "id": f"part-{part}-11",
            "status": "active",
            "beneficiary": {"reference": "Patient/11"},
            "period": {"start": "2015-05-01"},
            "class": [{"value": f"Part {part.upper()}"}],
        }
        for part in ("a", "b")
    ]
    folder.mkdir(parents=True)
    (folder / "all.ndjson").write_text("".join(json.dumps(resource) + "\n" for resource in resources))
    return folder


def tuva(folder: Path, days: list[dt.date]) -> Path:
    folder.mkdir(parents=True)
    head = "claim_id,claim_line_number,claim_type,person_id,claim_start_date,paid_amount,rendering_npi\n"
    rows = [f"{number},1,professional,11,{day},10.00,2999000047\n" for number, day in enumerate(days)]
    (folder / "medical_claim.csv").write_text(head + "".join(rows))
    (folder / "eligibility.csv").write_text(
        "person_id,birth_date,gender,enrollment_start_date,enrollment_end_date\n11,1950-05-05,female,2026-01-01,\n"
    )
    return folder


@pytest.mark.parametrize(
    ("source_format", "writer"), [("tables", tables), ("cclf", deliveries), ("eob", export), ("tuva", tuva)]
)
def test_one_mistyped_date_of_any_format_decides_nothing(tmp_path: Path, source_format: str, writer: Any) -> None:
    manifest = load_claims(source_format, [writer(tmp_path / "in", [*DAYS, MISTYPED])], tmp_path / "out", threads=1)
    assert (manifest["data_start"], manifest["data_end"]) == ("2026-01-01", "2026-04-30")
    (warning,) = (each for each in manifest["problems"] if each["code"] == "C008")
    assert (warning["file"], warning["column"], warning["count"]) == ("claim_lines", "from_date", 1)
    assert warning["found"] == "1 line in 2045-01"
    assert manifest["tables"]["claim_lines"] == len(DAYS) + 1  # it stays
    months = pq.read_table(tmp_path / "out" / "enrollment.parquet")["month"].to_pylist()
    wanted = [dt.date(2026, month, 1) for month in (1, 2, 3, 4)]
    assert months == (wanted[:1] if source_format == "tables" else wanted)


def test_a_month_just_begun_is_not_covered_and_not_named(tmp_path: Path) -> None:
    """A delivery made in the first days of May, and a stay that began in December: a line each beside a usual month's 100 or 125."""
    days = [*DAYS * 4, dt.date(2026, 5, 2), dt.date(2025, 12, 30)]
    manifest = load_claims("tables", [tables(tmp_path / "in", days)], tmp_path / "out", threads=1)
    assert (manifest["data_start"], manifest["data_end"]) == ("2025-12-01", "2026-05-31")
    manifest = load_claims("tables", [tables(tmp_path / "more", DAYS * 5 + days[-2:])], tmp_path / "few", threads=1)
    assert (manifest["data_start"], manifest["data_end"]) == ("2026-01-01", "2026-04-30")
    assert "C008" not in {each["code"] for each in manifest["problems"]}


def test_days_that_are_stated_go_before(tmp_path: Path) -> None:
    source = deliveries(tmp_path / "in", [*DAYS, dt.date(2026, 8, 9), MISTYPED])
    manifest = load_claims(
        "cclf",
        [source],
        tmp_path / "out",
        threads=1,
        data_start=dt.date(2025, 12, 1),
        data_end=dt.date(2026, 9, 30),
    )
    assert (manifest["data_start"], manifest["data_end"]) == ("2025-12-01", "2026-09-30")
    assert [each["found"] for each in manifest["problems"] if each["code"] == "C008"] == ["1 line in 2045-01"]
    months = pq.read_table(tmp_path / "out" / "enrollment.parquet")["month"].to_pylist()
    assert (min(months), max(months)) == (dt.date(2025, 12, 1), dt.date(2026, 9, 1))
    wrong = {"data_start": dt.date(2026, 2, 1), "data_end": dt.date(2026, 1, 1)}
    with pytest.raises(WrongUsage, match="after the last"):
        load_claims("cclf", [source], tmp_path / "none", threads=1, **wrong)
    with pytest.raises(WrongUsage, match="leaves nothing"):
        load_claims("cclf", [source], tmp_path / "none", threads=1, data_end=dt.date(2025, 1, 1))
    assert not (tmp_path / "none").exists()


def test_a_folder_without_its_description_is_read_the_same_way(tmp_path: Path) -> None:
    load_claims("tables", [tables(tmp_path / "in", [*DAYS, MISTYPED])], tmp_path / "out", threads=1)
    (tmp_path / "out" / "claims.json").unlink()
    with open_engine(threads=1) as engine:
        claims = open_claims(tmp_path / "out", engine)
    assert (claims.data_start, claims.data_end) == (dt.date(2026, 1, 1), dt.date(2026, 4, 30))
