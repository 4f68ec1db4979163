"""`openasm quality`: files, exit codes, every kind of source, any number of processes, and every bad input by its code."""

from __future__ import annotations

import csv
import gzip
import json
import stat
import subprocess
import sys
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from openasm.base.errors import InputRefused, WrongUsage
from openasm.cli.quality import app
from openasm.clinical.synthetic import bulk_lines
from openasm.quality.demonstration import demo_records, write_demo_patients, write_demo_value_sets

FIXTURES = Path(__file__).parents[1] / "fixtures" / "bad" / "quality"
PATIENTS = 60


@pytest.fixture(scope="module")
def value_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("value_sets")
    write_demo_value_sets(folder)
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo_patients(tmp_path_factory.mktemp("records"), 11, PATIENTS, 2026)


def run(source: Path, value_sets: Path, out: Path, *options: str) -> str:
    arguments = [
        str(source),
        "--value-sets",
        str(value_sets),
        "--year",
        "2026",
        "--out",
        str(out),
        "--jobs",
        "1",
        *options,
    ]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.stdout


def files(out: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in (
            out / "patients" / "populations.csv",
            out / "patients" / "populations.parquet",
            out / "patients" / "gaps.csv",
            out / "patients" / "worklist.csv",
            out / "scores" / "quality.csv",
        )
    }


@pytest.fixture(scope="module")
def out(source: Path, value_sets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "run"
    text = run(source, value_sets, folder)
    assert f"{PATIENTS} patients, measurement year 2026." in text
    return folder


def test_files_are_as_documented(out: Path) -> None:
    with (out / "patients" / "populations.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == [
        "measure",
        "group",
        "patient",
        "initial_population",
        "denominator",
        "denominator_exclusion",
        "denominator_exception",
        "numerator",
        "reason",
    ]
    assert len(rows) == 9 * PATIENTS
    keys = [(row["measure"], row["group"], row["patient"]) for row in rows]
    assert keys == sorted(keys)
    assert {row["denominator_exception"] for row in rows if row["measure"] in ("CMS165", "CMS90", "CMS156")} == {""}
    assert {row["denominator_exception"] for row in rows if row["measure"] == "CMS2"} == {"0", "1"}
    table = pq.read_table(out / "patients" / "populations.parquet").to_pylist()
    assert [{name: "" if value is None else str(value) for name, value in row.items()} for row in table] == rows


def test_gaps_say_of_whom_what_is_missing_and_by_when(out: Path) -> None:
    with (out / "patients" / "gaps.csv").open(encoding="utf-8", newline="") as stream:
        lines = list(csv.reader(stream))
    assert lines[0] == ["measure", "patient", "missing", "by_when", "group", "kind", "earliest"]
    rows = lines[1:]
    assert [row[:2] for row in rows] == sorted(row[:2] for row in rows)
    assert {"care", "documentation"} <= {row[5] for row in rows} <= {"care", "documentation", "data"}
    with (out / "patients" / "populations.csv").open(encoding="utf-8", newline="") as stream:
        open_cases = {
            (row["measure"], row["patient"], row["group"])
            for row in csv.DictReader(stream)
            if row["denominator"] == "1"
            and row["denominator_exclusion"] != "1"
            and row["denominator_exception"] != "1"
            and (row["numerator"] == "1") == (row["measure"] == "CMS156")
        }
    assert {(row[0], row[1], row[4]) for row in rows} == open_cases  # every patient not met has a gap, and no other
    for row in rows:
        assert row[2]
        assert row[3] == "" or "2026-01-01" <= row[3] <= "2026-12-31"


def test_scores_add_up(out: Path) -> None:
    with (out / "patients" / "populations.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (out / "scores" / "quality.csv").open(encoding="utf-8", newline="") as stream:
        scores = list(csv.DictReader(stream))
    assert len(scores) == 9
    for score in scores:
        of_group = [row for row in rows if (row["measure"], row["group"]) == (score["measure"], score["group"])]
        for name, column in (
            ("eligible", "denominator"),
            ("met", "numerator"),
            ("exclusions", "denominator_exclusion"),
            ("exceptions", "denominator_exception"),
        ):
            assert int(score[name]) == sum(row[column] == "1" for row in of_group)
        left = int(score["eligible"]) - int(score["exclusions"]) - int(score["exceptions"])
        assert int(score["not_met"]) == left - int(score["met"])
        assert float(score["rate"]) == int(score["met"]) / left


def test_patient_files_are_for_their_owner_alone(out: Path) -> None:
    assert stat.S_IMODE((out / "patients").stat().st_mode) == 0o700
    for path in (out / "patients").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "demo-" not in (out / "manifest.json").read_text(encoding="utf-8")
    assert "demo-" not in (out / "scores" / "quality.csv").read_text(encoding="utf-8")
    assert sorted(path.name for path in out.iterdir()) == ["manifest.json", "patients", "scores"]


def test_manifest_names_versions(out: Path) -> None:
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["settings"]["measures"]["CMS165"]["version"] == "CMS165v14"
    assert manifest["counts"]["patients"] == PATIENTS
    assert manifest["year"] == 2026


def test_every_kind_of_source_gives_the_same(out: Path, value_sets: Path, tmp_path: Path) -> None:
    records = demo_records(11, PATIENTS, 2026)
    expected = files(out)
    one_a_file = tmp_path / "files"
    one_a_file.mkdir()
    for record in records:
        (one_a_file / f"{record.identity}.json").write_text(json.dumps(record.bundle(), indent=2), encoding="utf-8")
    zipped = tmp_path / "lines.ndjson.gz"
    zipped.write_bytes(
        gzip.compress(b"\n".join(orjson.dumps({"case": "x", "bundle": each.bundle()}) for each in records))
    )
    everyone = tmp_path / "everyone.json"
    everyone.write_bytes(
        orjson.dumps({"resourceType": "Bundle", "entry": [e for r in records for e in r.bundle()["entry"]]})
    )
    bulk = tmp_path / "bulk"
    bulk.mkdir()
    for kind, resources in bulk_lines(records).items():
        lines = b"".join(orjson.dumps(each) + b"\n" for each in reversed(resources))
        (bulk / f"{kind}.000.ndjson").write_bytes(lines[: len(lines)])
    for name in ("files", "lines.ndjson.gz", "everyone.json", "bulk"):
        run(tmp_path / name, value_sets, tmp_path / f"out-{name}")
        assert files(tmp_path / f"out-{name}") == expected, name


def test_processes_change_nothing(source: Path, out: Path, value_sets: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from openasm.cli.main import main; main()", "quality", str(source)]
    command += [
        "--value-sets",
        str(value_sets),
        "--year",
        "2026",
        "--out",
        str(tmp_path / "two"),
        "--jobs",
        "2",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["patients"] == PATIENTS
    assert files(tmp_path / "two") == files(out)


def test_references_of_every_form(value_sets: Path, tmp_path: Path) -> None:
    records = demo_records(11, 12, 2026)
    for form in ("Patient/{}", "http://server.example/fhir/Patient/{}", "urn:uuid:{}", "Patient/{}/_history/3"):
        lines = []
        for record in records:
            bundle = record.bundle()
            for entry in bundle["entry"]:
                resource = entry["resource"]
                for element in ("subject", "patient", "for"):
                    if element in resource:
                        resource[element] = {"reference": form.format(record.identity)}
                if form.startswith("urn") and resource["resourceType"] == "Patient":
                    entry["fullUrl"] = form.format(record.identity)
            lines.append(orjson.dumps(bundle))
        place = tmp_path / f"{abs(hash(form))}"
        place.mkdir()
        (place / "x.ndjson").write_bytes(b"\n".join(lines))
        run(place / "x.ndjson", value_sets, place / "out", "--measures", "236")
    runs = [files(path / "out") for path in sorted(tmp_path.iterdir())]
    assert all(each == runs[0] for each in runs)


def test_measures_can_be_chosen(source: Path, value_sets: Path, tmp_path: Path) -> None:
    run(source, value_sets, tmp_path / "run", "--measures", "236,CMS2")
    with (tmp_path / "run" / "scores" / "quality.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["measure"] for row in csv.DictReader(stream)] == ["CMS165", "CMS2"]
    with pytest.raises(WrongUsage, match="no measure"):
        run(source, value_sets, tmp_path / "other", "--measures", "999")


def test_a_measure_whose_value_sets_are_missing_is_refused(source: Path, value_sets: Path, tmp_path: Path) -> None:
    some = tmp_path / "some"
    some.mkdir()
    needed_by_165 = "2.16.840.1.113883.3.464.1003.104.12.1011"
    for path in value_sets.iterdir():
        if path.stem != needed_by_165:
            (some / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputRefused) as refused:
        run(source, some, tmp_path / "run")
    (problem,) = refused.value.problems
    assert problem.kind.code == "V105"
    assert problem.found == f"Essential Hypertension ({needed_by_165}), needed by CMS165"
    assert not (tmp_path / "run").exists()
    run(source, some, tmp_path / "run", "--measures", "CMS2")


REFUSED = {
    "damaged.ndjson.gz": {"Q114"},
    "deep.json": {"Q111"},
    "empty.ndjson": {"Q117"},
    "empty_bundle.json": {"Q117"},
    "latin1.ndjson": {"Q112"},
    "no_patient.ndjson": {"Q117"},
    "not_fhir.ndjson": {"Q113"},
    "not_json.ndjson": {"Q111"},
    "nul_bytes.ndjson": {"Q111"},
    "only_observations.ndjson": {"Q117"},
    "truncated.json": {"Q111"},
    "truncated.ndjson.gz": {"Q114"},
    "truncated_line.ndjson": {"Q111"},
}
WARNED = {
    "bad_birth_date.ndjson": {"Q102"},
    "bad_date.ndjson": {"Q102"},
    "bad_patient_id.ndjson": {"Q118"},
    "entry_not_object.ndjson": {"Q101"},
    "huge_number.ndjson": set(),
    "no_subject.ndjson": {"Q103"},
    "numeric_ids.ndjson": {"Q101"},
    "other_subject.ndjson": {"Q104"},
    "patient_twice.ndjson": {"Q120"},
    "patient_without_id.ndjson": {"Q118"},
    "resource_twice.ndjson": {"Q106"},
    "unit_system.ndjson": {"Q105"},
    "unit_text.ndjson": {"Q105"},
    "wrong_types.ndjson": {"Q101"},
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_broken_source_is_refused_and_nothing_written(name: str, value_sets: Path, tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        run(FIXTURES / name, value_sets, tmp_path / "run", "--measures", "236")
    assert {problem.kind.code for problem in refused.value.problems} == REFUSED[name]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(WARNED))
def test_what_cannot_be_used_is_counted(name: str, value_sets: Path, tmp_path: Path) -> None:
    run(FIXTURES / name, value_sets, tmp_path / "run", "--measures", "236")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert {problem["code"] for problem in manifest["problems"]} == WARNED[name]
    assert "test-1" not in json.dumps(manifest)


def test_every_bad_source_is_pinned() -> None:
    assert {path.name for path in FIXTURES.iterdir() if path.is_file()} == REFUSED.keys() | WARNED.keys()


def test_a_source_that_is_not_there(value_sets: Path, tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        run(tmp_path / "none", value_sets, tmp_path / "run")
    assert {problem.kind.code for problem in refused.value.problems} == {"Q110"}


def test_a_cut_value_set_refuses_the_measure(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        run(source, FIXTURES / "value_sets_cut", tmp_path / "run", "--measures", "236")
    assert {problem.kind.code for problem in refused.value.problems} == {"V104", "V105"}


def test_an_earlier_run_is_not_overwritten_unasked(source: Path, out: Path, value_sets: Path, tmp_path: Path) -> None:
    run(source, value_sets, tmp_path / "run", "--measures", "236")
    with pytest.raises(WrongUsage):
        run(source, value_sets, tmp_path / "run", "--measures", "236")
    run(source, value_sets, tmp_path / "run", "--replace")
    assert files(tmp_path / "run") == files(out)


PERSON = {"resource": {"resourceType": "Patient", "id": "test-1", "birthDate": "1950-01-01"}}
VISIT = {"resource": {"resourceType": "Encounter", "id": "e1", "subject": {"reference": "Patient/test-1"}}}


def bundle(*entries: dict) -> str:
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": list(entries)}) + "\n"


def test_empty_files_and_bundles_without_a_patient_are_passed_over_and_said(value_sets: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.ndjson").write_text(bundle(PERSON) + bundle(VISIT))
    (source / "b.ndjson").write_text("\n \n")
    (source / "c.json").write_text("")
    text = run(source, value_sets, tmp_path / "run", "--measures", "236")
    assert "1 patients, measurement year 2026." in text
    problems = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))["problems"]
    assert [(each["code"], each["file"], each["row"], each["severity"]) for each in problems] == [
        ("Q116", "a.ndjson", 2, "warning"),
        ("Q115", "b.ndjson", None, "warning"),
        ("Q115", "c.json", None, "warning"),
    ]
    assert "no Patient and was left out" in problems[0]["title"]
    assert "the file is empty" in problems[1]["title"]
    assert "test-1" not in json.dumps(problems)


@pytest.mark.parametrize("before", ["", bundle(PERSON)])
def test_a_record_without_end_is_refused_before_it_fills_the_memory(
    value_sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    monkeypatch.setattr("openasm.clinical.fhir_source.LARGEST_RECORD", 1 << 20)
    (tmp_path / "long.ndjson").write_text(before + '{"resourceType": "Bundle", "text": "' + "x" * (3 << 20) + '"}\n')
    with pytest.raises(InputRefused) as refused:
        run(tmp_path / "long.ndjson", value_sets, tmp_path / "run", "--measures", "236")
    assert refused.value.exit_code == 3
    (problem,) = [each for each in refused.value.problems if each.kind.code != "Q117"]
    assert (problem.kind.code, problem.file) == ("Q119", "long.ndjson")
    assert "too large for one record" in problem.as_text()
    assert [path.name for path in tmp_path.iterdir()] == ["long.ndjson"]


def test_a_year_whose_specification_was_not_read_uses_the_latest_and_says_so(value_sets: Path, tmp_path: Path) -> None:
    run(FIXTURES / "huge_number.ndjson", value_sets, tmp_path / "run", "--measures", "236", "--year", "2027")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    (problem,) = [each for each in manifest["problems"] if each["code"] == "Q121"]
    assert (problem["severity"], problem["file"]) == ("warning", "CMS165")
    assert problem["found"] == "CMS165v15 (not read; logic of CMS165v14)"
    assert manifest["settings"]["measures"]["CMS165"]["version"] == problem["found"]
    assert manifest["year"] == 2027


def test_a_resource_of_no_measure_is_passed_over_whatever_else_it_says(value_sets: Path, tmp_path: Path) -> None:
    about = {"resourceType": "Procedure", "status": "completed", "subject": {"reference": "Patient/test-1"}}
    odd = {"resource": {**about, "id": "p1", "performedDateTime": "yesterday", "code": {"coding": [{"code": "none"}]}}}
    (tmp_path / "source.ndjson").write_text(bundle(PERSON, odd))
    run(tmp_path / "source.ndjson", value_sets, tmp_path / "run", "--measures", "236")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["problems"] == []
