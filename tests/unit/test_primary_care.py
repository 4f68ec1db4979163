"""Primary care of ASM beneficiaries: plurality, whose visits count, screenings in claims and records, shared beneficiaries, the files."""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.archive.tables import read_csv
from openasm.base.problems import Problems
from openasm.claims.contract import CLAIMS_TABLES
from openasm.claims.folder import open_claims
from openasm.clinical.screenings import MBI_SYSTEM, recorded_screenings
from openasm.episodes.primary_care import (
    AsmBeneficiary,
    PrimaryCareVisits,
    Screening,
    asm_beneficiaries,
    best_screening,
    by_plurality,
    primary_care_rules,
    shared_with,
)
from openasm.runs.cost.primary_care import screenings_of_records, write_primary_care
from openasm.runs.sharing.small_cells import LARGEST_HIDDEN
from openasm.tables.engine import open_engine

HOME, FAMILY, CLINIC = "000000001", "000000021", "000000022"
HEART, NURSE, DOCTOR, OTHER = "2999000039", "2999000047", "2999000054", "2999000062"
RULES = primary_care_rules(2027)
SMALLEST_SHARED = LARGEST_HIDDEN + 1
_number = itertools.count()


def line(person: str, day: str, npi: str, tin: str | None, specialty: str, **more: Any) -> dict[str, Any]:
    first = dt.date.fromisoformat(day)
    return {
        "beneficiary": person,
        "claim_id": f"c{next(_number)}",
        "line": 1,
        "setting": "professional",
        "from_date": first,
        "thru_date": first,
        "npi": npi,
        "tin": tin,
        "specialty": specialty,
        "place_of_service": "11",
        "hcpcs": "99213",
        "cost_cents": 0,
        "cost_basis": "allowed",
    } | more


def claims_folder(folder: Path, lines: list[dict[str, Any]]) -> Path:
    arrow = {"text": pa.string(), "integer": pa.int64(), "date": pa.date32(), "boolean": pa.bool_()}
    for name, contract in CLAIMS_TABLES.items():
        schema = pa.schema([(column.name, arrow[column.kind.value]) for column in contract.columns])
        rows = lines if name == "claim_lines" else []
        found = [{field.name: row.get(field.name) for field in schema} for row in rows]
        pq.write_table(pa.Table.from_pylist(found, schema=schema), folder / f"{name}.parquet")
    return folder


def episodes_folder(folder: Path, held: list[tuple[str, str, str, bool]]) -> Path:
    """held: beneficiary, TIN, NPI, whether attributed; one episode a beneficiary and TIN."""
    folder.mkdir()
    pq.write_table(
        pa.table({"episode_id": [f"{each[0]}{each[1]}" for each in held], "beneficiary": [each[0] for each in held]}),
        folder / "episodes.parquet",
    )
    pq.write_table(
        pa.table(
            {
                "episode_id": [f"{each[0]}{each[1]}" for each in held],
                "tin": [each[1] for each in held],
                "npi": [each[2] for each in held],
                "attributed": [each[3] for each in held],
            }
        ),
        folder / "attribution.parquet",
    )
    return folder


LINES = [
    # A: two days with the family doctor (one billed twice), one with another; the cardiologist of home last in June
    *(line("A", day, DOCTOR, FAMILY, "08") for day in ("2026-02-01", "2027-03-01", "2027-03-01")),
    line("A", "2027-08-01", OTHER, CLINIC, "11"),
    line("A", "2027-06-01", HEART, HOME, "06"),
    line("A", "2027-07-01", NURSE, HOME, "50"),  # a nurse practitioner of the own practice is no primary care
    line(
        "A", "2027-05-01", DOCTOR, FAMILY, "08", hcpcs="G0136", place_of_service="21"
    ),  # a hint; the place is no visit's
    # B: too long ago, no TIN, a facility's line; then a screening billed
    line("B", "2025-12-31", DOCTOR, FAMILY, "08"),
    line("B", "2027-01-05", DOCTOR, None, "08"),
    line("B", "2027-01-06", DOCTOR, FAMILY, "08", setting="outpatient"),
    line("B", "2027-02-06", OTHER, CLINIC, "93", hcpcs="M1207"),
    line("B", "2026-02-06", OTHER, CLINIC, "93", hcpcs="M1207"),
    # C: a physician in internal medicine of the own practice does count; the attributed clinician does not
    line("C", "2027-02-01", OTHER, HOME, "11"),
    *(line("C", f"2027-0{month}-01", HEART, HOME, "11") for month in range(1, 6)),
    # D is nobody's
    line("D", "2027-02-01", DOCTOR, FAMILY, "08"),
]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, AsmBeneficiary]:
    folder = tmp_path_factory.mktemp("primary")
    claims = folder / "claims"
    claims.mkdir()
    claims_folder(claims, LINES)
    one = episodes_folder(
        folder / "one", [("A", HOME, HEART, True), ("C", HOME, HEART, True), ("D", HOME, HEART, False)]
    )
    two = episodes_folder(
        folder / "two", [("A", HOME, NURSE, True), ("B", HOME, HEART, True), ("B", CLINIC, OTHER, True)]
    )
    with open_engine() as engine:
        found = asm_beneficiaries(
            open_claims(claims, engine),
            engine,
            episodes=[("heart_failure", one), ("low_back_pain", two)],
            year=2027,
            rules=RULES,
            tins=[HOME],
            recorded={"C": [Screening(dt.date(2027, 4, 1), "records", "96777-8", certain=True)]},
        )
    return {each.beneficiary: each for each in found}


def test_beneficiaries_are_those_of_attributed_episodes_of_the_practices(people: dict[str, AsmBeneficiary]) -> None:
    assert list(people) == ["A", "B", "C"]
    assert {each.tin for each in people.values()} == {HOME}
    assert people["A"].cohorts == ("heart_failure", "low_back_pain")
    assert people["A"].npis == (HEART, NURSE)


def test_visits_are_days_of_primary_care_in_two_years(people: dict[str, AsmBeneficiary]) -> None:
    assert people["A"].primary_care == (
        PrimaryCareVisits(FAMILY, DOCTOR, 2, dt.date(2027, 3, 1)),
        PrimaryCareVisits(CLINIC, OTHER, 1, dt.date(2027, 8, 1)),
    )
    assert people["B"].primary_care == ()
    assert people["C"].primary_care == (PrimaryCareVisits(HOME, OTHER, 1, dt.date(2027, 2, 1)),)


def test_the_last_day_seen_is_of_the_clinicians_it_is_attributed_to(people: dict[str, AsmBeneficiary]) -> None:
    assert people["A"].last_seen == dt.date(2027, 7, 1)
    assert people["B"].last_seen is None
    assert people["C"].last_seen == dt.date(2027, 5, 1)


def test_screenings_come_from_claims_and_records(people: dict[str, AsmBeneficiary]) -> None:
    assert people["A"].screening == Screening(dt.date(2027, 5, 1), "claims", "G0136", certain=False)
    assert people["B"].screening == Screening(dt.date(2027, 2, 6), "claims", "M1207", certain=True)
    assert people["C"].screening == Screening(dt.date(2027, 4, 1), "records", "96777-8", certain=True)


def test_shared_beneficiaries_are_counted_once_and_never_with_oneself(people: dict[str, AsmBeneficiary]) -> None:
    found = shared_with(people.values())
    assert [(each.primary_tin, each.beneficiaries, each.days, each.npis) for each in found] == [
        (FAMILY, 1, 2, (DOCTOR,)),
        (CLINIC, 1, 1, (OTHER,)),
    ]


visit = st.builds(
    PrimaryCareVisits,
    st.sampled_from([FAMILY, CLINIC]),
    st.sampled_from([DOCTOR, OTHER]),
    st.integers(1, 3),
    st.dates(dt.date(2027, 1, 1), dt.date(2027, 1, 3)),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(visit, max_size=6, unique_by=lambda each: (each.tin, each.npi)), st.randoms())
def test_plurality_does_not_hang_on_the_order_of_visits(visits: list[PrimaryCareVisits], random: Any) -> None:
    first = by_plurality(visits)
    shuffled = list(visits)
    random.shuffle(shuffled)
    assert by_plurality(shuffled) == first
    assert all(one.days >= two.days for one, two in itertools.pairwise(first))


def test_a_certain_screening_comes_before_a_newer_hint() -> None:
    hint = Screening(dt.date(2027, 9, 1), "claims", "G0136", certain=False)
    sure = Screening(dt.date(2027, 2, 1), "claims", "M1207", certain=True)
    assert best_screening([hint, sure]) == sure
    assert best_screening([hint]) == hint
    assert best_screening([]) is None


def observation(patient: str, code: str, day: str, status: str = "final") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": status,
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "effectiveDateTime": f"{day}T09:00:00Z",
    }


def patient(identifier: str, number: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": identifier, "identifier": [{"system": MBI_SYSTEM, "value": number}]}


ANSWERED = {
    "resourceType": "QuestionnaireResponse",
    "status": "completed",
    "questionnaire": "http://loinc.org/q/93025-5|2.73",
    "subject": {"reference": "Patient/two"},
    "authored": "2027-05-06",
}


def records(folder: Path, form: str) -> Path:
    resources = [
        patient("one", "1SA0-A00-AA07"),
        observation("one", "96777-8", "2027-03-04"),
        observation("one", "96777-8", "2027-03-05", status="entered-in-error"),
        observation("one", "8480-6", "2027-03-06"),
        patient("two", "1SA0A00AA08"),
        ANSWERED,
        observation("three", "96777-8", "2026-03-04"),
    ]
    if form == "bundles":
        entries = [{"resource": each} for each in resources]
        (folder / "all.json").write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    else:
        for kind in ("Patient", "Observation", "QuestionnaireResponse"):
            text = "\n".join(json.dumps(each) for each in resources if each["resourceType"] == kind)
            (folder / f"{kind}.ndjson.gz").write_bytes(gzip.compress(text.encode()))
    return folder


@pytest.mark.parametrize("form", ["bundles", "bulk"])
def test_screenings_in_records_are_found_by_id_and_by_beneficiary_number(tmp_path: Path, form: str) -> None:
    found = recorded_screenings(records(tmp_path, form), RULES["primary_care.screening_loinc"].texts, Problems())
    one, two = {(dt.date(2027, 3, 4), "96777-8")}, {(dt.date(2027, 5, 6), "93025-5")}
    assert found == {
        "one": one,
        "1SA0A00AA07": one,
        "two": two,
        "1SA0A00AA08": two,
        "three": {(dt.date(2026, 3, 4), "96777-8")},
    }
    of_year = screenings_of_records(tmp_path, year=2027, rules=RULES)
    assert of_year["three"] == []
    assert of_year["1SA0A00AA08"] == [Screening(dt.date(2027, 5, 6), "records", "93025-5", certain=True)]
    assert screenings_of_records(None, year=2027, rules=RULES) == {}


def test_the_files_keep_patients_apart_and_small_counts_out(people: dict[str, AsmBeneficiary], tmp_path: Path) -> None:
    many = [
        AsmBeneficiary(
            HOME,
            f"P{place:02}",
            ("heart_failure",),
            (HEART,),
            None,
            (PrimaryCareVisits(FAMILY, DOCTOR, 1, dt.date(2027, 1, 2)),),
            None,
        )
        for place in range(SMALLEST_SHARED)
    ]
    counts = write_primary_care([*people.values(), *many], tmp_path / "out")
    assert counts == {
        "asm_beneficiaries": 3 + SMALLEST_SHARED,
        "with_primary_care": 2 + SMALLEST_SHARED,
        "with_screening": 2,
    }
    folder = tmp_path / "out"
    assert (folder / "patients").stat().st_mode & 0o777 == 0o700
    written = pq.read_table(folder / "patients" / "asm_beneficiaries.parquet").to_pylist()
    assert written[0]["primary_npi"] == DOCTOR
    assert written[0]["screening_certain"] is False
    assert written[1]["primary_tin"] is None
    places = [row["place"] for row in pq.read_table(folder / "patients" / "primary_care.parquet").to_pylist()]
    assert places[:3] == [1, 2, 1]
    shared = list(read_csv(folder / "scores" / "shared_beneficiaries.csv").rows())
    assert [(row["primary_tin"], row["beneficiaries"]) for row in shared] == [(FAMILY, str(SMALLEST_SHARED + 1))]
