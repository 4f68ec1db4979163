"""Exports: nothing of a patient leaves, equal keys give equal bytes, intervals stay, small counts are hidden in every table alike."""

from __future__ import annotations

import csv
import datetime as dt
import json
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openasm.archive.manifest import Provenance, write_manifest
from openasm.base.errors import InputRefused, WrongUsage
from openasm.runs.scoring.run import score_folder
from openasm.runs.sharing.counts import hide_small
from openasm.runs.sharing.export import export_run
from openasm.runs.sharing.pseudonyms import ExportKey, new_key, read_key, shared_birth_year, top_coded
from tests.builders.score_folders import cohort_rows, write_folder

NOW = dt.datetime(2028, 1, 5, tzinfo=dt.UTC)
KEY = ExportKey(bytes(range(32)))
OTHER = ExportKey(bytes(range(1, 33)))
PATIENTS = ["1", "2", "PATIENT-Ana-3"]  # ids may look like flags
TIN, NPI = "900000001", "2000000010"


def a_run(folder: Path) -> Path:
    """A run with every table of patients, written by hand."""
    patients = folder / "patients"
    patients.mkdir(parents=True)

    def table(name: str, header: str, *rows: str) -> None:
        (patients / name).write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")

    table(
        "populations.csv",
        "measure,group,patient,initial_population,denominator,numerator,birth_date,age,zip,note,reason",
        'CMS165,1,1,1,1,1,1931-02-03,96,75001,met,"seen 2027-03-04, called Ana"',
        "CMS165,1,2,1,1,0,1960-07-08,67,75002,PATIENT-Ana-3,last visit 2027-01-02",
        "CMS165,1,PATIENT-Ana-3,1,0,,2000-01-01,27,,,",
    )
    table("gaps.csv", "measure,group,patient,kind,missing,earliest,due", "CMS165,1,2,care,a reading,,2027-12-31")
    table(
        "worklist.csv",
        "window,due,days_left,earliest,kind,measure,group,patient,missing,counts_for,final_score_points,dollars",
        f"open,2027-12-31,200,,care,CMS165,1,2,a reading,{TIN}/ {TIN}/{NPI},0.1,12.50",
    )
    table("letters.csv", "patient,text", "1,Dear Ana")
    days = [dt.date(2027, 1, 10), dt.date(2027, 6, 1), dt.date(2027, 2, 2)]
    episodes = pa.table(
        {
            "cohort": ["heart_failure"] * 3,
            "episode_id": ["e1", "e2", "e3"],
            "beneficiary": ["1", "1", "2"],
            "tin": [TIN] * 3,
            "start_date": days,
            "end_date": [day + dt.timedelta(days=100) for day in days],
            "days": [101] * 3,
            "observed_cents": [10_000, 20_000, 30_000],
            "excluded_reason": pa.array([None, None, "death"], pa.string()),
        }
    )
    pq.write_table(episodes, patients / "episodes.parquet")
    costs = {
        "episode_id": ["e1", "e3"],
        "category": ["A", "B"],
        "setting": ["snf", "snf"],
        "lines": [1, 2],
        "cents": [5, 6],
    }
    pq.write_table(pa.table(costs), patients / "episode_costs.parquet")
    shares = {
        "episode_id": ["e1"],
        "tin": [TIN],
        "npi": [NPI],
        "share": [1.0],
        "attributed": [True],
        "reason": ["attributed"],
    }
    pq.write_table(pa.table(shares), patients / "attribution.parquet")
    provenance = Provenance("0", "run", "Practice of Ana", 2027, (), (), {}, NOW, NOW)
    write_manifest(folder, provenance=provenance, parameters=(), counts={}, problems=(), notes=())
    return folder


def text_of(folder: Path) -> str:
    """Everything an export holds, Parquet as its values."""
    parts = (
        str(pq.read_table(path).to_pydict()) if path.suffix == ".parquet" else path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )
    return "\n".join(parts)


def test_no_identifier_free_text_place_or_own_date_leaves(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    done = export_run(run, tmp_path / "out", key=KEY, what=["patients"])
    text = text_of(tmp_path / "out")
    for secret in (
        "PATIENT",
        "Ana",
        "75001",
        "1931",
        "1960-07-08",
        "e1'",
        TIN,
        NPI,
        "2027-12-31",
        "2027-01-10",
        "seen",
    ):
        assert secret not in text, secret
    assert KEY.secret.hex() not in text
    assert set(done.left_out) >= {
        "patients/letters.csv",
        "patients/populations.csv, column reason",
        "patients/populations.csv, column zip",
        "patients/populations.csv, column note",
        "patients/gaps.csv, column due",
        "patients/worklist.csv, column days_left",
    }
    with (tmp_path / "out" / "patients" / "populations.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["age"], row["birth_year"]) for row in rows if row["numerator"] == "1"] == [("90", "1937")]
    assert sorted(row["numerator"] for row in rows) == ["", "0", "1"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["key_id"] == KEY.key_id
    assert manifest["files"]["patients/episodes.parquet"]["columns"]["start_date"] == "date moved"
    mode = stat.S_IMODE((tmp_path / "out" / "patients" / "episodes.parquet").stat().st_mode)
    assert (mode, stat.S_IMODE((tmp_path / "out" / "patients").stat().st_mode)) == (0o600, 0o700)


def test_intervals_stay_and_tables_still_join(tmp_path: Path) -> None:
    export_run(a_run(tmp_path / "run"), tmp_path / "out", key=KEY, what=["patients"])
    patients = tmp_path / "out" / "patients"
    rows = pq.read_table(patients / "episodes.parquet").to_pylist()
    by_cost = {row["observed_cents"]: row for row in rows}
    first, second = by_cost[10_000], by_cost[20_000]
    assert second["start_date"] - first["start_date"] == dt.date(2027, 6, 1) - dt.date(2027, 1, 10)
    assert all(row["end_date"] - row["start_date"] == dt.timedelta(days=100) for row in rows)
    moved = first["start_date"] - dt.date(2027, 1, 10)
    assert moved.days % 7 == 0
    assert 7 <= abs(moved.days) <= 364
    assert first["beneficiary"] == second["beneficiary"] != by_cost[30_000]["beneficiary"]
    costs = pq.read_table(patients / "episode_costs.parquet").to_pylist()
    assert {row["episode_id"] for row in costs} == {first["episode_id"], by_cost[30_000]["episode_id"]}
    with (patients / "populations.csv").open() as stream:
        assert first["beneficiary"] in {row["patient"] for row in csv.DictReader(stream)}


def test_equal_keys_give_equal_bytes_and_other_keys_other_pseudonyms(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    for name, key in (("one", KEY), ("two", KEY), ("three", OTHER)):
        export_run(run, tmp_path / name, key=key, what=["patients"])
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert all((tmp_path / "one" / each).read_bytes() == (tmp_path / "two" / each).read_bytes() for each in files)
    words = [
        set(pq.read_table(tmp_path / each / "patients" / "episodes.parquet")["beneficiary"].to_pylist())
        for each in ("one", "three")
    ]
    assert not words[0] & words[1]


def test_practices_may_be_kept(tmp_path: Path) -> None:
    export_run(a_run(tmp_path / "run"), tmp_path / "out", key=KEY, what=["patients"], practices="keep")
    assert f"{TIN}/{NPI}" in (tmp_path / "out" / "patients" / "worklist.csv").read_text()


def test_kinds_are_apart_and_shifts_are_never_none() -> None:
    assert len({KEY.pseudonym(kind, "7") for kind in ("patient", "episode", "claim", "practice", "clinician")}) == 5
    assert KEY.pseudonym("patient", "") == ""
    shifts = {KEY.shift(str(number)).days // 7 for number in range(20_000)}
    assert shifts == {weeks for weeks in range(-52, 53) if weeks}
    assert "secret" not in repr(KEY)


def test_ages_above_89_are_one() -> None:
    assert [top_coded(age) for age in (0, 89, 90, 104)] == [0, 89, 90, 90]
    assert shared_birth_year(dt.date(1937, 12, 31), year=2027) == shared_birth_year(dt.date(1920, 1, 1), year=2027)


def test_a_key_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "export.key"
    key = new_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path) == key
    before = path.read_bytes()
    with pytest.raises(WrongUsage, match="never overwritten"):
        new_key(path)
    assert path.read_bytes() == before
    path.chmod(0o640)
    with pytest.raises(InputRefused, match="X011"):
        read_key(path)
    path.chmod(0o600)
    path.write_text("something else")
    for bad in (path, tmp_path / "none"):
        with pytest.raises(InputRefused, match="X010"):
            read_key(bad)


def test_scores_leave_without_names_and_small_counts(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "inputs", cohort_rows(40, seed=3))
    run = tmp_path / "run"
    score_folder(source, run, year=2027, now=NOW, report=False)
    done = export_run(run, tmp_path / "out", key=KEY)
    text = text_of(tmp_path / "out")
    assert "Test Clinician" not in text
    assert "Test Practice" not in text
    for name in ("inputs/quality", "measure_scores"):
        with (tmp_path / "out" / "scores" / f"{name}.csv").open() as stream:
            rows = list(csv.DictReader(stream))
        cells = [row[column] for row in rows for column in ("eligible", "met", "not_met", "exclusions", "exceptions")]
        assert not any(cell.isdigit() and 1 <= int(cell) <= 10 for cell in cells)
        assert any(cell.isdigit() and int(cell) > 10 for cell in cells)
        assert done.hidden[name] == sum(value == "*" for row in rows for value in row.values())
        for row in rows:
            if "*" in (row["met"], row["exclusions"]):
                assert row["eligible"] in ("*", "0")
    assert not (tmp_path / "out" / "report.html").exists()
    with pytest.raises(WrongUsage):
        export_run(run, tmp_path / "out", key=KEY)


def test_the_same_fact_is_hidden_in_every_table() -> None:
    quality = {
        "measure": "CMS165",
        "group": "1",
        "eligible": "67",
        "met": "60",
        "not_met": "7",
        "exclusions": "0",
        "exceptions": "0",
    }
    quality |= {"rate": "0.8955", "quality_id": "236"}
    rows = [
        {"tin": "1", "npi": npi, "measure": "CMS165", "group": "1", "eligible": str(met + missed), "met": str(met)}
        | {"not_met": str(missed), "exclusions": "0", "exceptions": "0", "rate": "0.9", "completeness": "1"}
        for npi, met, missed in (("", 60, 7), ("a", 30, 3), ("b", 30, 4))
    ]
    given = {
        "tin": "1",
        "npi": "a",
        "measure": "236",
        "collection_type": "ecqm",
        "eligible": "33",
        "met": "30",
        "not_met": "3",
    }
    shown, hidden = hide_small(
        {
            "quality": [quality],
            "quality_by_clinician": rows,
            "score_input": [given | {"exclusions": "0", "exceptions": "0"}],
        }
    )
    assert {row["met"] for table in shown.values() for row in table} == {"*"}
    assert {row["exclusions"] for table in shown.values() for row in table} == {"0"}
    assert hidden == {"quality": 4, "quality_by_clinician": 15, "score_input": 3}


def test_a_proportion_with_a_small_rest_is_hidden() -> None:
    shown, _ = hide_small(
        {"inputs/attestations": [{"tin": "1", "item": "PI_EP_1", "numerator": "95", "denominator": "100"}]}
    )
    assert shown["inputs/attestations"][0]["numerator"] == shown["inputs/attestations"][0]["denominator"] == "*"


def test_refused_with_nothing_written(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    with pytest.raises(WrongUsage):
        export_run(run, tmp_path / "out", key=KEY, what=["everything"])
    with pytest.raises(WrongUsage):
        export_run(run, tmp_path / "out", key=KEY, practices="hidden")
    with pytest.raises(InputRefused, match="X012"):
        export_run(run, tmp_path / "out", key=KEY, what=["scores"])
    (run / "patients" / "episodes.parquet").write_bytes(b"PAR1 cut short")
    with pytest.raises(InputRefused, match="X013") as refused:
        export_run(run, tmp_path / "out", key=KEY, what=["patients"])
    assert not any(each in str(refused.value) for each in PATIENTS[2:])
    assert not (tmp_path / "out").exists()
