"""Plain tables: the same populations as the FHIR records they were made from, and every bad table by its code."""

from __future__ import annotations

import tempfile
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
from openasm.cli.quality import app
from openasm.clinical.fhir import patients_of
from openasm.clinical.fhir_facts import FactReader, ProfileUse
from openasm.clinical.plain_table_columns import TABLES
from openasm.clinical.plain_tables import is_plain_tables, plain_table_units
from openasm.quality.demonstration import demo_code, demo_records, write_demo_patients, write_demo_value_sets
from tests.builders.plain_tables import write_plain_tables
from tests.builders.quality_measures import facts, measures, terminology

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "plain-tables.md"


def populations(folder: Path, problems: Problems) -> dict[str, Any]:
    found = {}
    with tempfile.TemporaryDirectory() as spill:
        for unit in plain_table_units(folder, problems, spill=Path(spill)):
            for patient in patients_of(unit, FactReader(terminology(), ProfileUse.INFER), problems):
                found[patient.id] = [measure.evaluate(patient) for measure in measures().values()]
    return found


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.booleans())
def test_tables_give_the_populations_of_the_records_they_were_made_from(seed: int, parquet: bool) -> None:
    records = demo_records(seed, 12, 2026)
    problems = Problems()
    with tempfile.TemporaryDirectory() as folder:
        tables = populations(write_plain_tables(Path(folder) / "t", records, parquet=parquet), problems)
    assert not list(problems)
    assert tables == {
        record.identity: [measure.evaluate(facts(record)) for measure in measures().values()] for record in records
    }


def test_the_command_takes_tables(tmp_path: Path) -> None:
    write_demo_value_sets(tmp_path / "vs")
    write_demo_patients(tmp_path / "fhir", 4, 50, 2026)
    write_plain_tables(tmp_path / "tables", demo_records(4, 50, 2026))
    for source in ("fhir", "tables"):
        arguments = [str(tmp_path / source), "--value-sets", str(tmp_path / "vs"), "--year", "2026", "--jobs", "1"]
        result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / f"out-{source}")], catch_exceptions=False)
        assert result.exit_code == 0
    for name in ("patients/populations.csv", "patients/gaps.csv", "scores/quality.csv"):
        assert (tmp_path / "out-fhir" / name).read_bytes() == (tmp_path / "out-tables" / name).read_bytes()


def tables(folder: Path, **contents: str) -> Path:
    folder.mkdir(exist_ok=True)
    contents.setdefault("patients", "patient,birth_date,gender\nsecret-1,1950-01-01,female\n")
    for name, content in contents.items():
        (folder / f"{name}.csv").write_bytes(content.encode())
    return folder


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("patients", "patient\nsecret-1\n", "F005"),
        ("patients", "patient,birth_date,birth_date\nsecret-1,1950,1950\n", "F007"),
        ("patients", "patient,birth_date\nsecret-1,1950-13-01\n", "F014"),
        ("patients", "patient,birth_date\nsecret 1,1950-01-01\n", "Q141"),
        ("patients", "patient,birth_date\n,1950-01-01\n", "F010"),
        ("patients", "patient,birth_date\nsecret-1,1950-01-01\nsecret-1,1950-01-01\n", "F018"),
        ("patients", "patient,birth_date,gender\nsecret-1,1950-01-01,f\n", "F015"),
        ("patients", "", "F002"),
        ("encounters", "patient,code,start\nsecret-1,99213,2026-01-05\n", "Q140"),
        ("encounters", "patient,code,start\nsecret-1,CTP|99213,2026-01-05\n", "Q140"),
        ("encounters", "patient,code,start,performer\nsecret-1,CPT|1,2026-01-05,1234567890\n", "F016"),
        ("encounters", "patient,code,start\nsecret-1,CPT|1\n", "F008"),
        ("encounters", 'patient,code\nsecret-1,"CPT|1\n', "F021"),
        ("observations", "patient,systolic,start\nsecret-1,12O,2026-01-05\n", "F012"),
        ("observations", "patient,start\nsecret-1,05/01/2026\n", "F014"),
        ("medications", "patient,code,refills\nsecret-1,RXNORM|1,1.5\n", "F012"),
        ("procedures", "patient,code\nsecret-1,CPT|\0\n", "F021"),
    ],
)
def test_bad_tables_are_refused_by_number_and_name_nobody(tmp_path: Path, name: str, content: str, code: str) -> None:
    problems = Problems()
    assert populations(tables(tmp_path / "t", **{name: content}), problems) == {}
    assert [problem.kind.code for problem in problems.errors] == [code]
    with pytest.raises(InputRefused) as refused:
        problems.refuse_errors()
    assert "secret" not in "".join(problem.as_text() for problem in refused.value.problems)


def test_other_bad_files(tmp_path: Path) -> None:
    problems = Problems()
    folder = tables(tmp_path / "t", visits="patient\n1\n")
    (folder / "conditions.csv").write_bytes(b"patient,code\nsecret-1,\xff\n")
    (folder / "procedures.parquet").write_bytes(b"PAR1 nothing")
    populations(folder, problems)
    assert [problem.kind.code for problem in problems] == ["Q142", "F003", "F021"]


def test_what_cells_may_leave_out_and_how_they_may_be_written(tmp_path: Path) -> None:
    system, code = demo_code("Office Visit")
    folder = tables(
        tmp_path / "t",
        patients="\ufeffpatient, birth_date,note\nsecret-1,1950-01-01,x\n",
        encounters=f"patient,code,start,performer\nsecret-1,CPT|1 {system}|{code},2026-01-05 09:30,1234567893\n",
        observations="patient,systolic,diastolic,start\nsecret-1,150,85.5,2026-01-05\n\nother,1,1,2026-01-01\n",
    )
    problems = Problems()
    with tempfile.TemporaryDirectory() as spill:
        (unit,) = plain_table_units(folder, problems, spill=Path(spill))
        reader = FactReader(terminology(), ProfileUse.INFER)
        (patient,) = patients_of(unit, reader, problems)
    (visit,) = patient.encounters
    assert (visit.status, visit.period.text, visit.performers) == ("finished", "2026-01-05", ("1234567893",))
    assert visit.codes == terminology()["Office Visit"]
    (reading,) = patient.observations
    assert [part.value.value for part in reading.components if part.value] == [150, 85.5]
    assert {problem.kind.code for problem in problems} == {"F006"}
    assert sum(reader.counts.values()) == 1  # the other patient's reading


def test_typed_parquet_reads_as_text_does(tmp_path: Path) -> None:
    import datetime as dt

    folder = tables(tmp_path / "t")
    table = {
        "patient": ["secret-1"],
        "code": ["LOINC|39156-5"],
        "start": [dt.datetime(2026, 2, 3, 4, 5, tzinfo=dt.UTC)],
        "value": [24.0],
        "unit": ["kg/m2"],
    }
    pq.write_table(pa.table(table), folder / "observations.parquet")
    problems = Problems()
    with tempfile.TemporaryDirectory() as spill:
        (unit,) = plain_table_units(folder, problems, spill=Path(spill))
        (patient,) = patients_of(unit, FactReader(terminology(), ProfileUse.INFER), problems)
    (observation,) = patient.observations
    assert observation.quantity == (24.0, "kg/m2")
    assert observation.effective.text == "2026-02-03"


def test_a_folder_of_tables_is_recognised(tmp_path: Path) -> None:
    assert is_plain_tables(tables(tmp_path / "t"))
    assert not is_plain_tables(tmp_path)
    assert not is_plain_tables(tmp_path / "t" / "patients.csv")


def test_the_page_names_every_column() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for table in TABLES:
        section = text.partition(f"## {table.name}\n")[2].partition("\n## ")[0]
        named = {line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")}
        named = {each for cell in named for each in cell.split(", ")} - {"column"}
        assert named == {column.name for column in table.columns}, table.name
