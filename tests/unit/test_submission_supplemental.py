"""Counts of populations by sex, race, ethnicity and payer from a quality run; blank files; all the way to a package."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from openasm.archive.run import read_run
from openasm.archive.tables import read_csv
from openasm.base.errors import InputRefused, NotFound, WrongUsage
from openasm.base.problems import Problems
from openasm.regulation.rulebook import rules_for
from openasm.runs.handing_in.demographics import NOT_KNOWN, read_demographics
from openasm.runs.handing_in.supplemental import SupplementalCounts, count_supplemental, write_supplemental
from openasm.submission.blanks import write_blanks
from openasm.submission.formats import formats_for
from openasm.submission.inputs import read_submission_inputs
from tests.builders.configured_runs import run_now, small_group
from tests.builders.submissions import TIN, practice
from tests.unit.test_submission_package import openasm

FORMATS = formats_for(2027)
FIRST, SECOND = "2999000013", "2999000021"
POPULATIONS = ("initial_population", "denominator", "denominator_exclusion", "denominator_exception", "numerator")
PATIENTS = {  # flags in measure CMS165, codes
    "p1": ("1", "1", "0", "", "1"),
    "p2": ("1", "1", "0", "", "0"),
    "p3": ("1", "1", "1", "", "0"),
    "p4": ("0", "0", "0", "", "0"),
}


def quality_run(
    folder: Path,
    *,
    method: str = "whole source",
    npis: Iterable[str] = (FIRST,),
    visits: dict[str, list[str]] | None = None,
) -> Path:
    """A run as `openasm quality` leaves it, with one measure."""
    run = folder / "quality"
    (run / "patients").mkdir(parents=True)
    (run / "scores").mkdir()
    manifest = {
        "format": "openasm-run",
        "format_version": 1,
        "command": "quality",
        "year": 2026,
        "settings": {"attribution": method},
    }
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    _write(
        run / "patients" / "populations.csv",
        ("measure", "group", "patient", *POPULATIONS, "reason"),
        [("CMS165", "1", patient, *flags, "") for patient, flags in PATIENTS.items()],
    )
    _write(
        run / "scores" / "quality_by_clinician.csv",
        ("tin", "npi", "measure", "group"),
        [(TIN, npi, "CMS165", "1") for npi in npis],
    )
    if visits is not None:
        rows = [("CMS165", "1", patient, npi, "2") for patient, seen in visits.items() for npi in seen]
        _write(run / "patients" / "attribution.csv", ("measure", "group", "patient", "npi", "visits"), rows)
    return run


def _write(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def table(folder: Path) -> Path:
    rows = [
        ("p1", "248152002", "2106-3", "2186-5", "A"),
        ("p2", "248153007", "", "", "D"),
        ("p3", "", "2028-9", "2135-2", "B"),
    ]
    return _write(folder / "demographics.csv", ("patient", "sex", "race", "ethnicity", "payer"), rows)


def counted(run: Path, people: Path, **options: Any) -> SupplementalCounts:
    problems = Problems()
    found = read_demographics(people, formats=FORMATS, problems=problems)
    problems.refuse_errors()
    return count_supplemental(run, tin=TIN, demographics=found, formats=FORMATS, problems=problems, **options)


def sizes(counts: SupplementalCounts, npi: str, population: str, kind: str = "total") -> dict[str, int]:
    return {key[5]: count for key, count in counts.counts.items() if key[:5] == (npi, "236", 1, population, kind)}


def test_each_patient_counts_once_in_every_kind(tmp_path: Path) -> None:
    counts = counted(quality_run(tmp_path), table(tmp_path))
    assert (counts.patients, counts.unknown) == (4, 1)
    for npi in (FIRST, ""):
        assert [sizes(counts, npi, each)[""] for each in ("IPOP", "DENOM", "DENEX", "NUMER")] == [3, 3, 1, 1]
        assert sizes(counts, npi, "DENOM", "sex") == {"248152002": 1, "248153007": 1, "UNK": 1}
        assert sizes(counts, npi, "DENOM", "race") == {"2028-9": 1, "2106-3": 1, "UNK": 1}
        assert sizes(counts, npi, "NUMER", "payer") == {"A": 1}


def test_what_is_written_is_taken_by_the_submission(tmp_path: Path) -> None:
    own = practice().write_files(tmp_path)
    path = own / "supplemental.csv"
    path.unlink()
    rows = write_supplemental(path, counted(quality_run(tmp_path), table(tmp_path)))
    assert rows > 20
    assert path.stat().st_mode & 0o077 == 0
    problems = Problems()
    inputs = read_submission_inputs(own, formats=FORMATS, problems=problems)
    assert list(problems) == []
    populations = inputs.populations[TIN, FIRST, "236", "ecqm", 1]
    assert [(each.code, each.count) for each in populations] == [("IPOP", 3), ("DENOM", 3), ("DENEX", 1), ("NUMER", 1)]
    assert "p1" not in path.read_text(encoding="utf-8")


def test_performers_decide_where_the_run_says_so(tmp_path: Path) -> None:
    run = quality_run(
        tmp_path,
        method="performers of qualifying visits",
        npis=("", FIRST, SECOND),
        visits={"p1": [FIRST], "p2": [FIRST, SECOND], "p3": ["2000000010"]},
    )
    counts = counted(run, table(tmp_path))
    assert sizes(counts, FIRST, "DENOM")[""] == 2
    assert sizes(counts, SECOND, "DENOM")[""] == 1
    assert sizes(counts, "", "DENOM")[""] == 2
    assert sizes(counts, SECOND, "NUMER", "sex") == {"248152002": 0}


def test_a_file_of_patients_decides_when_given(tmp_path: Path) -> None:
    run = quality_run(tmp_path, method="file of patients", npis=("", FIRST))
    mine = _write(
        tmp_path / "patients.csv",
        ("patient", "tin", "npi"),
        [("p1", TIN, FIRST), ("p2", "900000001", FIRST), ("p3", TIN, "")],
    )
    counts = counted(run, table(tmp_path), attribution=mine)
    assert (sizes(counts, FIRST, "DENOM")[""], sizes(counts, "", "DENOM")[""]) == (1, 2)
    with pytest.raises(InputRefused) as refused:
        counted(run, table(tmp_path))
    assert {each.kind.code for each in refused.value.problems} == {"B051"}


def test_runs_without_clinicians_are_refused(tmp_path: Path) -> None:
    run = quality_run(tmp_path)
    problems = Problems()
    people = read_demographics(table(tmp_path), formats=FORMATS, problems=problems)
    with pytest.raises(NotFound):
        count_supplemental(run, tin="900000001", demographics=people, formats=FORMATS, problems=problems)
    (run / "scores" / "quality_by_clinician.csv").unlink()
    with pytest.raises(InputRefused) as refused:
        counted(run, table(tmp_path))
    assert {each.kind.code for each in refused.value.problems} == {"B051"}


def test_unknown_patients_are_counted_and_warned_of(tmp_path: Path) -> None:
    problems = Problems()
    people = read_demographics(table(tmp_path), formats=FORMATS, problems=problems)
    counts = count_supplemental(quality_run(tmp_path), tin=TIN, demographics=people, formats=FORMATS, problems=problems)
    assert counts.unknown == 1
    assert [each.kind.code for each in problems] == ["B050"]
    assert "p4" not in " ".join(each.as_text() for each in problems)


def test_a_bad_table_names_no_patient(tmp_path: Path) -> None:
    path = _write(tmp_path / "demographics.csv", ("patient", "sex"), [("secret-1", "F"), ("secret-1", "M")])
    problems = Problems()
    read_demographics(path, formats=FORMATS, problems=problems)
    assert {each.kind.code for each in problems} == {"F015"}
    assert "secret" not in " ".join(each.as_text() for each in problems)
    read_demographics(tmp_path / "nowhere", formats=FORMATS, problems=problems)
    assert "Q110" in {each.kind.code for each in problems}


US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"


def patient(
    name: str, *, gender: str = "", races: Iterable[str] = (), ethnicity: str = "", sex: str = ""
) -> dict[str, Any]:
    extensions: list[dict[str, Any]] = [
        {
            "url": f"{US_CORE}race",
            "extension": [{"url": "ombCategory", "valueCoding": {"code": code}} for code in races],
        },
        {"url": f"{US_CORE}ethnicity", "extension": [{"url": "ombCategory", "valueCoding": {"code": ethnicity}}]},
        {"url": f"{US_CORE}sex", "valueCode": sex},
    ]
    return {"resourceType": "Patient", "id": name, "gender": gender, "extension": extensions}


def coverage(name: str, code: str, **more: Any) -> dict[str, Any]:
    coding = {"system": "https://nahdo.org/sopt", "code": code}
    return {
        "resourceType": "Coverage",
        "beneficiary": {"reference": f"Patient/{name}"},
        "type": {"coding": [coding]},
        **more,
    }


RESOURCES = [
    patient("a", gender="female", races=["2106-3"], ethnicity="2186-5"),
    patient("b", gender="male", races=["2106-3", "2028-9"], ethnicity="2135-2"),
    patient("c", gender="other", races=["UNK"], sex="248153007"),
    patient("d"),
    coverage("a", "51"),
    coverage("a", "12"),
    coverage("b", "25"),
    coverage("c", "9", status="active"),
    coverage("d", "1", status="cancelled"),
]
EXPECTED = {
    "a": ("248152002", "2106-3", "2186-5", "A"),
    "b": ("248153007", "2131-1", "2135-2", "B"),
    "c": ("248153007", "UNK", "UNK", "D"),
    "d": NOT_KNOWN,
}


@pytest.mark.parametrize("form", ["bundle", "lines", "gzip", "pretty"])
def test_demographics_from_records(form: str, tmp_path: Path) -> None:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in RESOURCES]}
    if form == "bundle":
        (tmp_path / "all.json").write_text(json.dumps(bundle), encoding="utf-8")
    elif form == "pretty":
        (tmp_path / "all.json").write_text(json.dumps(bundle, indent=1), encoding="utf-8")
    else:
        content = "\n".join(["no record", *(json.dumps(each) for each in RESOURCES), '{"a": "Patient"']).encode()
        name, content = ("all.ndjson.gz", gzip.compress(content)) if form == "gzip" else ("all.ndjson", content)
        (tmp_path / name).write_bytes(content)
    problems = Problems()
    people = read_demographics(tmp_path, formats=FORMATS, problems=problems)
    assert list(problems) == []
    assert {name: people.codes(name) for name in EXPECTED} == EXPECTED
    assert people.codes("nobody") == NOT_KNOWN


def test_blanks_name_all_that_is_needed(tmp_path: Path) -> None:
    made = practice(cohorts=("heart_failure", "low_back_pain"))
    run, _ = made.write(tmp_path)
    paths = write_blanks(read_run(run), TIN, tmp_path / "own", formats=FORMATS, rules=rules_for(2027))
    with paths[1].open(encoding="utf-8", newline="") as stream:
        rows = {(row["item"], row["about"], row["group"], row["population"]) for row in csv.DictReader(stream)}
    needed = {
        (str(row["item"]), str(row["about"]), str(row["group"]), str(row["population"]))
        for row in made.identifiers
        if row["item"] != "measure_version"
    }
    assert rows == needed
    problems = Problems()
    read_submission_inputs(tmp_path / "own", formats=FORMATS, problems=problems)
    assert {each.kind.code for each in problems} == {"F010"}
    with pytest.raises(WrongUsage):
        write_blanks(read_run(run), TIN, tmp_path / "own", formats=FORMATS, rules=rules_for(2027))
    with pytest.raises(NotFound):
        write_blanks(read_run(run), "900000001", tmp_path / "b", formats=FORMATS, rules=rules_for(2027))


def test_the_command_line(tmp_path: Path) -> None:
    run, _ = practice().write(tmp_path)
    done = openasm("blanks", run, "--tin", TIN, "--out", tmp_path / "own")
    assert (done.returncode, "Next: openasm submit counts" in done.stdout) == (0, True)
    out = tmp_path / "own" / "supplemental.csv"
    arguments = ("counts", quality_run(tmp_path), "--tin", TIN, "--demographics", table(tmp_path), "--out", out)
    done = openasm(*arguments)
    assert (done.returncode, "B050" in done.stdout) == (0, True)
    assert openasm(*arguments).returncode == 2


def test_the_demonstrations_run_is_counted_as_its_results_are(tmp_path: Path) -> None:
    """A whole run of records with a roster: totals of every clinician and practice equal those that were scored."""
    small_group(tmp_path)
    config = tmp_path / "records.toml"
    config.write_text(
        '[run]\nyear = 2027\n[records]\nsource = "records"\nvalue_sets = "value-sets"\nas_of = 2027-12-01\n'
        '[participants]\nroster = "roster.csv"\n'
    )
    run_now(config, tmp_path / "run")
    formats = formats_for(2027)
    problems = Problems()
    people = read_demographics(tmp_path / "records", formats=formats, problems=problems)
    scored = read_csv(tmp_path / "run" / "scores" / "quality_by_clinician.csv").rows()
    expected: dict[tuple[str, str, str, int], tuple[int, ...]] = {}
    for row in scored:
        sizes = tuple(int(row[name]) for name in ("eligible", "met", "exclusions", "exceptions"))
        expected[row["tin"], row["npi"], row["measure"], int(row["group"])] = sizes
    ecqm = {formats.measure(each).ecqm: each for each in formats.measures}
    compared = 0
    for tin in sorted({key[0] for key in expected}):
        counts = count_supplemental(tmp_path / "run", tin=tin, demographics=people, formats=formats, problems=problems)
        assert counts.unknown == 0
        for (of, npi, measure, group), sizes in expected.items():
            if of == tin and group in formats.measure(ecqm[measure]).groups:
                found = tuple(
                    counts.counts.get((npi, ecqm[measure], group, code, "total", ""), 0)
                    for code in ("DENOM", "NUMER", "DENEX", "DENEXCEP")
                )
                assert found == sizes, (tin, npi, measure, group)
                compared += 1
        path = tmp_path / f"supplemental-{tin}.csv"
        assert write_supplemental(path, counts) > 100
    assert compared > 20
    assert not problems.errors
