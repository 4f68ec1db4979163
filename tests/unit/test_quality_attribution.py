"""Whose patients they are: by practice, by file, by performers of visits; and the points and rows made of it."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from openasm.base.errors import InputRefused, WrongUsage
from openasm.base.problems import Problems
from openasm.cli.quality import app
from openasm.clinical.fhir_source import WorkUnit
from openasm.clinical.practitioners import practitioner_npis
from openasm.quality.attribution import (
    AttributedCounts,
    Attribution,
    Clinician,
    attributed,
    performer_key,
    visit_rule,
)
from openasm.quality.demonstration import demo_records, write_demo_value_sets
from openasm.quality.evaluation import Job, UnitEvaluator
from openasm.quality.populations import Tally
from openasm.regulation.published import published_quality_benchmark
from openasm.regulation.rulebook import rules_for
from openasm.runs.demonstration.cohort import made_up_npi
from openasm.runs.measures.clinicians import as_pool, points_against
from openasm.runs.measures.whose_patients import WhosePatients, read_attribution
from tests.builders.quality_measures import measures, terminology

TIN, OTHER_TIN = "000000077", "000000078"
NPIS = [made_up_npi(number) for number in (1, 2, 3)]
MEASURES = 7
GROUPS = 9


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Value sets, records whose visits name NPIs, and the same records with references to practitioners."""
    path = tmp_path_factory.mktemp("attribution")
    write_demo_value_sets(path / "value_sets")
    records = [record.bundle() for record in demo_records(7, 90, 2026, performers=NPIS)]
    (path / "records.ndjson").write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in records))
    ids = {npi: f"doctor-{place}" for place, npi in enumerate(NPIS)}
    text = (path / "records.ndjson").read_bytes()
    parsed = [orjson.loads(line) for line in text.splitlines()]
    for bundle in parsed:
        for entry in bundle["entry"]:
            for participant in entry["resource"].get("participant", []):
                npi = participant["individual"]["identifier"]["value"]
                participant["individual"] = {"reference": f"Practitioner/{ids[npi]}"}
        bundle["entry"] += [{"resource": practitioner(name, npi)} for npi, name in ids.items()]
    with gzip.open(path / "by_reference.ndjson.gz", "wb") as stream:
        stream.write(b"".join(orjson.dumps(each) + b"\n" for each in parsed))
    return path


def practitioner(name: str, npi: str) -> dict[str, object]:
    identifier = [{"system": "http://hl7.org/fhir/sid/us-npi", "value": npi}]
    return {"resourceType": "Practitioner", "id": name, "identifier": identifier}


def run(folder: Path, source: str, out: Path, *options: str) -> str:
    arguments = [str(folder / source), "--value-sets", str(folder / "value_sets"), "--year", "2026"]
    result = CliRunner().invoke(
        app,
        [*arguments, "--out", str(out), "--jobs", "1", *options],
        catch_exceptions=False,
        standalone_mode=False,
    )
    if result.exception is not None:
        raise result.exception
    return result.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def roster(path: Path, *lines: str, header: str = "tin,npi") -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def denominators(out: Path) -> Counter[tuple[str, str]]:
    return Counter(
        (row["measure"], row["group"])
        for row in rows(out / "patients" / "populations.csv")
        if row["denominator"] == "1"
    )


def test_whole_practice_equals_the_plain_result(folder: Path, tmp_path: Path) -> None:
    run(folder, "records.ndjson", tmp_path / "run", "--tin", TIN)
    by_clinician = rows(tmp_path / "run" / "scores" / "quality_by_clinician.csv")
    plain = rows(tmp_path / "run" / "scores" / "quality.csv")
    names = ("measure", "group", "eligible", "met", "not_met", "exclusions", "exceptions", "rate")
    whole = [[row[name] for name in names] for row in plain if not row["tin"]]
    assert [[row[name] for name in names] for row in by_clinician] == whole
    assert [[row[name] for name in names] for row in plain if row["tin"]] == whole
    assert list(plain[0])[:8] == list(names)
    assert list(plain[0])[-2:] == ["tin", "npi"]
    assert {(row["tin"], row["npi"]) for row in by_clinician} == {(TIN, "")}
    handed = rows(tmp_path / "run" / "scores" / "score_input.csv")
    assert [row["measure"] for row in handed] == ["005", "008", "128", "134", "236", "238", "377"]


def test_one_clinicians_records_say_nothing_of_the_practice(folder: Path, tmp_path: Path) -> None:
    run(folder, "records.ndjson", tmp_path / "run", "--tin", TIN, "--npi", NPIS[0], "--cohort", "low_back_pain")
    assert {row["npi"] for row in rows(tmp_path / "run" / "scores" / "quality_by_clinician.csv")} == {NPIS[0]}
    handed = rows(tmp_path / "run" / "scores" / "score_input.csv")
    assert [row["measure"] for row in handed] == ["128", "134", "238"]


def test_performers_and_practitioner_references_give_the_same(folder: Path, tmp_path: Path) -> None:
    path = roster(tmp_path / "roster.csv", *(f"{TIN},{npi}" for npi in NPIS))
    for name in ("records.ndjson", "by_reference.ndjson.gz"):
        run(folder, name, tmp_path / name, "--roster", str(path))
    names = ("quality_by_clinician.csv", "score_input.csv")
    one, other = (
        [(tmp_path / source / "scores" / name).read_bytes() for name in names]
        for source in ("records.ndjson", "by_reference.ndjson.gz")
    )
    assert one == other
    # Each demonstration patient stays with one clinician, so the clinicians' counts add up to the practice's.
    table = rows(tmp_path / "records.ndjson" / "scores" / "quality_by_clinician.csv")
    for column in ("eligible", "met", "not_met", "exclusions", "exceptions"):
        of_practice = {(row["measure"], row["group"]): int(row[column]) for row in table if not row["npi"]}
        added = Counter[tuple[str, str]]()
        for row in table:
            if row["npi"]:
                added[row["measure"], row["group"]] += int(row[column])
        assert dict(added) == of_practice
    assert len(table) == GROUPS * (len(NPIS) + 1)
    eligible = {(row["measure"], row["group"]): int(row["eligible"]) for row in table if not row["npi"]}
    assert eligible == dict(denominators(tmp_path / "records.ndjson"))


def test_roster_ids_name_practitioners_without_npi(folder: Path, tmp_path: Path) -> None:
    stripped = gzip.decompress((folder / "by_reference.ndjson.gz").read_bytes()).replace(
        b'"Practitioner","id"', b'"Basic","id"'
    )
    (tmp_path / "records.ndjson").write_bytes(stripped)
    (tmp_path / "value_sets").symlink_to(folder / "value_sets")
    path = roster(tmp_path / "roster.csv", f"{TIN},{NPIS[0]},doctor-0", header="tin,npi,practitioner")
    run(tmp_path, "records.ndjson", tmp_path / "run", "--roster", str(path))
    table = rows(tmp_path / "run" / "scores" / "quality_by_clinician.csv")
    assert sum(int(row["eligible"]) for row in table if row["npi"] == NPIS[0]) > 0


def test_nobodys_patients_are_counted_not_named(folder: Path, tmp_path: Path) -> None:
    path = roster(tmp_path / "roster.csv", f"{TIN},{NPIS[0]}")
    text = run(folder, "records.ndjson", tmp_path / "run", "--roster", str(path), "--json")
    problems = [each for each in json.loads(text)["problems"] if each["code"] == "Q131"]
    assert len(problems) == MEASURES
    assert "demo-0" not in text
    alone = roster(tmp_path / "nobody.csv", f"{TIN},{made_up_npi(99)}")
    text = run(folder, "records.ndjson", tmp_path / "none", "--roster", str(alone), "--json")
    assert [each["code"] for each in json.loads(text)["problems"]] == ["Q132"]


def test_a_file_of_patients(folder: Path, tmp_path: Path) -> None:
    patients = [f"demo-{number:05}" for number in range(1, 91)]
    lines = [f"{patient},{TIN},{NPIS[place % 2]}" for place, patient in enumerate(patients[:60])]
    lines += [f"{patient},{TIN},{NPIS[2]}" for patient in patients[:30]]  # seen by two clinicians of the practice
    lines += [f"{patient},{OTHER_TIN}," for patient in patients[:10]]
    path = roster(tmp_path / "attribution.csv", *lines, header="patient,tin,npi")
    run(folder, "records.ndjson", tmp_path / "run", "--attribution", str(path))
    eligible = {
        (row["tin"], row["npi"], row["measure"]): int(row["eligible"])
        for row in rows(tmp_path / "run" / "scores" / "quality_by_clinician.csv")
        if row["group"] == "1"
    }
    counted = Counter(
        row["measure"]
        for row in rows(tmp_path / "run" / "patients" / "populations.csv")
        if row["denominator"] == "1" and row["group"] == "1" and row["patient"] in patients[:60]
    )
    for measure, count in counted.items():
        assert eligible[TIN, "", measure] == count  # once a practice, although two clinicians have the patient
    assert eligible[OTHER_TIN, "", "CMS2"] <= 10
    run(folder, "records.ndjson", tmp_path / "one", "--attribution", str(path), "--tin", OTHER_TIN)
    assert {row["tin"] for row in rows(tmp_path / "one" / "scores" / "quality_by_clinician.csv")} == {OTHER_TIN}


def test_cohorts_and_sizes_decide_what_is_handed_over(folder: Path, tmp_path: Path) -> None:
    path = roster(
        tmp_path / "participants.csv",
        f"{TIN},{NPIS[0]},heart_failure,3",
        f"{TIN},{NPIS[1]},low_back_pain,3",
        f"{OTHER_TIN},{NPIS[2]},heart_failure,16",
        header="tin,npi,cohort,clinicians_in_tin",
    )
    run(folder, "records.ndjson", tmp_path / "run", "--roster", str(path))
    handed = {}
    for row in rows(tmp_path / "run" / "scores" / "score_input.csv"):
        handed.setdefault((row["tin"], row["npi"]), []).append(row["measure"])
    heart, back = ["005", "008", "236", "377"], ["128", "134", "238"]
    assert handed == {
        (TIN, ""): sorted(heart + back),  # small: may report as a whole
        (TIN, NPIS[0]): heart,
        (TIN, NPIS[1]): back,
        (OTHER_TIN, NPIS[2]): heart,
    }


def test_points_are_those_of_the_published_deciles() -> None:
    rules = rules_for(2027)
    benchmark = published_quality_benchmark("236", "ecqm", 2026, rules)
    fifth = benchmark.deciles[4] / 100
    assert fifth == Fraction("0.6898")
    at_edge = Tally(10_000, 6898, 0, 0)
    below = Tally(10_000, 6897, 0, 0)
    assert points_against(at_edge, as_pool(benchmark, rules), rules) == 6.0
    assert points_against(below, as_pool(benchmark, rules), rules) == 5.9
    assert points_against(Tally(19, 19, 0, 0), as_pool(benchmark, rules), rules) is None  # below the case minimum
    inverse = published_quality_benchmark("238", "ecqm", 2026, rules)
    assert points_against(Tally(100, 0, 0, 0), as_pool(inverse, rules), rules) == 10.0
    assert points_against(Tally(100, 99, 0, 0), as_pool(inverse, rules), rules) < 2


def test_visit_rules_agree_with_the_measures() -> None:
    for name, measure in measures().items():
        rule = visit_rule(measure)
        assert rule is not None
        own = getattr(measure, "any_visit", None) or measure.visit
        assert rule.codes == own, name
    assert visit_rule(measures()["CMS69"]).not_class == "VR"


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 200), st.integers(1, 6))
def test_performers_count_as_a_file_of_their_patients_does(seed: int, size: int) -> None:
    """A patient listed for exactly the clinicians whose visits he had counts for the same, measure by measure."""
    records = demo_records(seed, size, 2026, performers=NPIS)
    text = b"\n".join(orjson.dumps(record.bundle()) for record in records)
    specifications = tuple(each.specification for each in measures().values())
    by_performer = {npi: (Clinician(TIN, npi),) for npi in NPIS}

    def counted(attribution: Attribution, measure: str) -> tuple[AttributedCounts, list[bytes]]:
        chosen = tuple(each for each in specifications if each.measure == measure)
        result = UnitEvaluator(Job(chosen, terminology(), 2026, attribution=attribution))(WorkUnit("f", text=text))
        return attributed(result.counts.attributed, result.counts.nobodys), result.lines.visits

    for measure in measures():
        found, visits = counted(Attribution(by_performer=by_performer), measure)
        listed: dict[str, set[Clinician]] = {}
        for line in visits:
            _, _, patient, npi, count = line.decode().strip().split(",")
            assert int(count) > 0
            listed.setdefault(patient, set()).add(Clinician(TIN, npi))
        by_patient = {patient: tuple(sorted(each)) for patient, each in listed.items()}
        looked_up, _ = counted(Attribution(by_patient=by_patient), measure)
        assert found == looked_up
        for tally in found.tallies.values():
            assert tally.eligible == tally.met + tally.not_met + tally.exclusions + tally.exceptions


def test_options_that_do_not_go_together(folder: Path, tmp_path: Path) -> None:
    for options in (
        ("--npi", NPIS[0]),
        ("--tin", "12-3456789"),
        ("--tin", TIN, "--npi", "1234567890"),
        ("--tin", TIN, "--npi", NPIS[0], "--roster", "roster.csv"),
        ("--cohort", "heart_failure"),
        ("--tin", TIN, "--cohort", "knees"),
    ):
        with pytest.raises(WrongUsage):
            run(folder, "records.ndjson", tmp_path / "run", *options)
    assert not (tmp_path / "run").exists()


def test_bad_files_are_refused_without_naming_a_patient(folder: Path, tmp_path: Path) -> None:
    secret = "secret-patient"
    path = roster(
        tmp_path / "attribution.csv",
        f"{secret},1234,{NPIS[0]}",
        f"{secret},{TIN},1234567890",
        f"{secret},{TIN},{NPIS[0]}",
        f"{secret},{TIN},{NPIS[0]}",
        header="patient,tin,npi",
    )
    with pytest.raises(InputRefused) as refused:
        run(folder, "records.ndjson", tmp_path / "run", "--attribution", str(path))
    text = "\n".join(problem.as_text() for problem in refused.value.problems)
    assert {problem.kind.code for problem in refused.value.problems} == {"F016", "F017", "F018"}
    assert secret not in text
    with pytest.raises(InputRefused) as refused:
        run(folder, "records.ndjson", tmp_path / "run", "--roster", str(tmp_path / "absent.csv"))
    assert [problem.kind.code for problem in refused.value.problems] == ["F001"]
    other = roster(tmp_path / "roster.csv", f"{TIN},{NPIS[0]}")
    with pytest.raises(InputRefused) as refused:
        run(folder, "records.ndjson", tmp_path / "run", "--roster", str(other), "--tin", OTHER_TIN)
    assert [problem.kind.code for problem in refused.value.problems] == ["Q130"]


def test_practitioners_of_every_kind_of_source(tmp_path: Path) -> None:
    role = {"resourceType": "PractitionerRole", "id": "role", "practitioner": {"reference": "Practitioner/doctor"}}
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"fullUrl": "urn:uuid:1", "resource": practitioner("other", NPIS[1])}, {"resource": 5}, 7],
    }
    (tmp_path / "Practitioner.ndjson").write_bytes(
        orjson.dumps(practitioner("doctor", NPIS[0])) + b"\n" + orjson.dumps(role) + b'\n{"Practitioner": \n'
    )
    (tmp_path / "bundle.json").write_text(json.dumps(bundle, indent=1), encoding="utf-8")
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(b'"Practitioner"' * 1000)[:30])
    assert practitioner_npis(tmp_path) == {
        "doctor": NPIS[0],
        "role": NPIS[0],
        "other": NPIS[1],
        "urn:uuid:1": NPIS[1],
    }


def test_performers_are_recognised() -> None:
    assert performer_key(NPIS[0]) == NPIS[0]
    assert performer_key("urn:uuid:1") == "urn:uuid:1"
    assert performer_key("https://server/fhir/Practitioner/9/_history/2") == "9"


def test_exactly_one_way_of_attribution() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Attribution()
    problems = Problems()
    practices = read_attribution(WhosePatients(tin=TIN), Path("nowhere"), problems)
    assert practices.clinicians == (Clinician(TIN, ""),)
    assert not list(problems)
