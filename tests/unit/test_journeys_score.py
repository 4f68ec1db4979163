"""`openasm score` as people meet it: files from spreadsheets, from other programs and from the steps before it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openasm.base.errors import InputRefused
from openasm.base.problems import Problems
from openasm.regulation.rulebook import rules_for
from openasm.runs.scoring.inputs import ScoreInputs, read_inputs
from tests.builders.score_folders import cohort_rows, npi, tin, write_folder

TABLES = ("participants", "quality", "cost", "attestations")


def read(folder: Path, *, participants_only: bool = False) -> tuple[ScoreInputs, Problems]:
    problems = Problems()
    inputs = read_inputs(folder, rules=rules_for(2027), problems=problems, participants_only=participants_only)
    return inputs, problems


def rows_of(inputs: ScoreInputs) -> tuple[object, ...]:
    return inputs.participants, inputs.quality, inputs.cost, inputs.attestations


def openasm(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from openasm.cli.main import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "inputs", cohort_rows(24, seed=3))


def test_empty_rows_that_spreadsheets_leave_behind_are_passed_over(folder: Path) -> None:
    plain = rows_of(read(folder)[0])
    for name in TABLES:
        path = folder / f"{name}.csv"
        columns = path.read_text(encoding="utf-8").splitlines()[0].count(",")
        path.write_bytes(
            b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"," * columns + b"\r\n\r\n  \r\n,,\r\n"
        )
    inputs, problems = read(folder)
    assert rows_of(inputs) == plain
    assert len(problems) == 0


def test_counts_that_another_program_kept_as_floats_are_whole_numbers(folder: Path) -> None:
    plain = rows_of(read(folder)[0])
    for name in ("quality", "cost", "attestations"):
        header, *lines = (folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        cells = list(zip(*(line.split(",") for line in lines), strict=True))
        columns: dict[str, pa.Array] = {}
        for title, values in zip(header.split(","), cells, strict=True):
            if title in ("tin", "npi", "measure", "collection_type", "item", "answer", "start", "end"):
                columns[title] = pa.array([value or None for value in values], pa.string())
            else:
                columns[title] = pa.array([float(value) if value else None for value in values], pa.float64())
        (folder / f"{name}.csv").unlink()
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    assert rows_of(read(folder)[0]) == plain


@pytest.mark.parametrize(("length", "code"), [(200_000, "F020"), (1_000_001, "F009")])
def test_a_field_far_too_long_is_called_that(folder: Path, length: int, code: str) -> None:
    path = folder / "participants.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Test Clinician 1,", "x" * length + ","), encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        read(folder)
    assert [problem.kind.code for problem in refused.value.problems] == [code]
    assert len(refused.value.problems[0].as_text()) < 500


def test_a_whole_number_of_thousands_of_digits_is_out_of_range(folder: Path) -> None:
    with (folder / "cost.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"{tin(1)},{npi(1)},COST_LBP_1,{'9' * 5000},1\n")
    with pytest.raises(InputRefused) as refused:
        read(folder)
    assert [problem.kind.code for problem in refused.value.problems] == ["F013"]


def test_rows_of_others_are_refused_and_left_out_when_asked(folder: Path) -> None:
    plain = rows_of(read(folder)[0])
    stranger, practice = npi(9_999), tin(99_999)
    for name, lines in {
        "cost": [f"{practice},{stranger},COST_HF_1,30,12000", f"{tin(1)},{stranger},COST_LBP_1,30,2000"],
        "quality": [f"{practice},{stranger},236,ecqm,50,30,20,0,0,", f"{practice},,134,ecqm,50,30,20,0,0,"],
        "attestations": [f"{practice},PI_ONCDIR_1,yes,,,,"],
    }.items():
        with (folder / f"{name}.csv").open("a", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
    with pytest.raises(InputRefused) as refused:
        read(folder)
    assert [problem.kind.code for problem in refused.value.problems] == ["S203", "S204", "S302", "S302", "S402"]
    assert all("--participants-only" in problem.as_text() for problem in refused.value.problems)
    inputs, problems = read(folder, participants_only=True)
    assert rows_of(inputs) == plain
    found = {problem.file: problem.found.split(" rows")[0] for problem in problems.warnings}
    assert {problem.kind.code for problem in problems.warnings} == {"S003"}
    assert found == {"attestations.csv": "1", "cost.csv": "2", "quality.csv": "2"}


def test_participants_only_still_refuses_what_is_wrong(folder: Path) -> None:
    with (folder / "cost.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"{tin(99_999)},{npi(9_999)},COST_XX_1,30,12000\n{tin(99_999)},{npi(9_999)},COST_HF_1,30,\n")
    with pytest.raises(InputRefused) as refused:
        read(folder, participants_only=True)
    assert [problem.kind.code for problem in refused.value.problems] == ["S301"]


def test_practice_level_cost_rows_are_one_warning(folder: Path) -> None:
    with (folder / "cost.csv").open("a", encoding="utf-8") as stream:
        stream.writelines(f"{tin(number)},,COST_HF_1,30,12000\n" for number in range(1, 31))
    _, problems = read(folder)
    assert [(problem.kind.code, problem.count) for problem in problems] == [("S304", 30)]


def test_one_json_document_on_standard_output_and_nothing_on_a_quiet_error_stream(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "Lauf é" / "run 1"
    with (folder / "cost.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"{tin(99_999)},{npi(9_999)},COST_HF_1,30,12000\n")
    arguments = ("score", folder, "--year", 2027, "--out", out, "--no-report", "--json")
    refused = openasm(*arguments)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "S302" in refused.stderr
    assert not out.parent.exists()
    done = openasm(*arguments, "--participants-only")
    assert (done.returncode, done.stderr) == (0, "")
    assert [each["code"] for each in json.loads(done.stdout)["warnings"]] == ["S003"]
    assert json.loads((out / "manifest.json").read_text())["settings"]["participants_only"] is True


def test_counts_beside_an_answer_that_makes_them_void_are_a_warning(folder: Path) -> None:
    (folder / "attestations.csv").write_text(
        "tin,item,answer,numerator,denominator,start,end\n"
        f"{tin(1)},PI_EP_1,no,5,9,,\n{tin(1)},PI_HIE_1,yes,5,9,,\n{tin(1)},PI_ONCDIR_1,yes,1,1,,\n",
        encoding="utf-8",
    )
    _, problems = read(folder)
    assert [(problem.kind.code, problem.row) for problem in problems] == [("S409", 1), ("S409", 3)]
