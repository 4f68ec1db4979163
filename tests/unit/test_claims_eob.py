"""ExplanationOfBenefit to claims: every sample of CMS's two shapes, and each rule on resources made for it."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from openasm.base.errors import InputRefused, NotFound
from openasm.claims.loading import load_claims
from openasm.claims.sources.eob.claim import read_claim
from openasm.claims.sources.eob.elements import Unreadable
from openasm.claims.sources.eob.shape import V2, V3, shape_of
from tests.builders import eob

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "fhir-eob"
samples = pytest.mark.skipif(not SHARED.is_dir(), reason="CMS's sample resources beside the project are absent")


def load(source: Path, out: Path, *, threads: int = 1) -> tuple[dict[str, list[dict]], dict]:
    manifest = load_claims("eob", [source], out, threads=threads, replace=True)
    return {name: pq.read_table(out / f"{name}.parquet").to_pylist() for name in manifest["tables"]}, manifest


def written(path: Path, *resources: dict) -> Path:
    path.write_text("\n".join(json.dumps(each) for each in resources) + "\n")
    return path


@pytest.mark.shared
@samples
def test_one_claim_of_each_type_in_version_2() -> None:
    bundle = json.loads((SHARED / "v2" / "eobByPatientIdAll.json").read_text())
    found = {}
    for entry in bundle["entry"]:
        assert shape_of(entry["resource"]) is V2
        rows = read_claim(entry["resource"])
        assert rows.reason is None
        (line,) = rows.lines
        found[line["setting"]] = (line["cost_cents"], line["paid_cents"], line["cost_basis"], line["npi"])
    assert found == {
        "professional": (4784, 3750, "allowed", None),  # the sample's NPI has seven digits
        "dme": (12945, 12345, "allowed", "1244444444"),
        # 693.11 + 112.00 + 175.73 + 6.00 + 11.00: the lines' 5,000.00 do not add up to the claim's payment
        "outpatient": (99784, 69311, "rebuilt", None),
        "inpatient": found["inpatient"],
        "snf": (333333 + 11200 + 500 + 600 + 1100, 333333, "rebuilt", None),
        "home_health": found["home_health"],
        "hospice": (13032, 13032, "rebuilt", None),
        "drug": (55000, 12699, "allowed", "1750384806"),
    }
    assert found["inpatient"][2] == found["home_health"][2] == "rebuilt"


@pytest.mark.shared
@samples
def test_tax_numbers_of_version_2() -> None:
    rows = read_claim(json.loads((SHARED / "v2" / "eobReadCarrierWithTaxNumbers.json").read_text()))
    assert [line["tin"] for line in rows.lines] == ["204299999"]
    assert (rows.lines[0]["specialty"], rows.lines[0]["service_zip"]) == ("41", "55555")
    several = read_claim(json.loads((SHARED / "v2" / "eobReadCarrierWithMultipleLines.json").read_text()))
    assert several.items == len(several.lines) + several.denied_lines > 1


@pytest.mark.shared
@samples
def test_samples_of_version_3() -> None:
    found = {}
    for path in sorted((SHARED / "v3").glob("*.json")):
        resource = json.loads(path.read_text())
        assert shape_of(resource) is V3
        rows = read_claim(resource)
        found[path.stem] = rows.reason or [
            (line["setting"], line["cost_cents"], line["cost_basis"], line.get("tin")) for line in rows.lines
        ]
    assert found["eobReadPhase1"] == "not the final action"
    assert found["eobReadPharmacy"] == [("drug", 225682986, "allowed", None)]
    assert found["eobReadProfessionalClaimBillingOrg"] == []  # its only line is processed as bundled (Z)
    assert found["eobReadProfessionalClaim"] == [("dme", 244, "allowed", None)]
    assert found["eobReadPhase2"][0][0] == "outpatient"
    # payment 625,244.33 + deductible 14.34 + coinsurance 0.83 + blood 8.66 + primary payer 3,451.85
    assert found["eobReadValidLong"] == [("home_health", 62524433 + 1434 + 83 + 866 + 345185, "rebuilt", None)]


def test_a_clinicians_line_field_by_field(tmp_path: Path) -> None:
    amounts = {"line_alowd_chrg_amt": 100.0, "line_nch_pmt_amt": 80.05, "line_coinsrnc_amt": 19.95}
    path = written(tmp_path / "eob.ndjson", eob.claim("5", "CARRIER", item=[eob.visit(2, amounts)]))
    tables, manifest = load(path, tmp_path / "out")
    assert tables["claim_lines"] == [
        {
            "beneficiary": "11",
            "claim_id": "5",
            "line": 2,
            "setting": "professional",
            "from_date": dt.date(2026, 3, 2),
            "thru_date": dt.date(2026, 3, 2),
            "hcpcs": "99214",
            "modifiers": "25",
            "line_diagnosis": "I5022",
            "place_of_service": "11",
            "specialty": "06",
            "npi": "2999000047",
            "tin": "000000012",
            "service_zip": "12207",
            "drg": None,
            "revenue_center": None,
            "ndc": None,
            "allowed_cents": 10000,
            "paid_cents": 8005,
            "cost_cents": 10000,
            "cost_basis": "allowed",
        }
    ]
    assert tables["claim_diagnoses"] == [{"beneficiary": "11", "claim_id": "5", "position": 1, "code": "I5022"}]
    assert manifest["data_end"] == "2026-03-31"


def test_allowed_amounts_are_rebuilt(tmp_path: Path) -> None:
    shares = {
        "line_nch_pmt_amt": 80.0,
        "line_bene_ptb_ddctbl_amt": 5.0,
        "line_coinsrnc_amt": 20.0,
        "line_bene_prmry_pyr_pd_amt": 3.0,
    }
    rows = read_claim(eob.claim("1", "CARRIER", item=[eob.visit(1, shares), eob.visit(2, {"line_nch_pmt_amt": 7.0})]))
    assert [(line["cost_cents"], line["cost_basis"]) for line in rows.lines] == [(10800, "rebuilt"), (700, "paid")]
    two = [
        eob.visit(1, {"rev_cntr_pmt_amt_amt": 10.0, "rev_cntr_coinsrnc_wge_adjstd_c": 2.0}),
        eob.visit(2, {"rev_cntr_pmt_amt_amt": 20.0, "rev_cntr_cash_ddctbl_amt": 1.0}),
    ]
    fitting = read_claim(eob.claim("1", "OUTPATIENT", item=two, payment={"amount": {"value": 30.0}}))
    assert [line["cost_cents"] for line in fitting.lines] == [1200, 2100]
    other = read_claim(eob.claim("1", "OUTPATIENT", item=two, payment={"amount": {"value": 31.0}}))
    assert [line["cost_cents"] for line in other.lines] == [3100, 0]


def test_what_is_left_out() -> None:
    visit = eob.visit(1, {"line_alowd_chrg_amt": 1.0})
    denied = eob.visit(2, {"line_alowd_chrg_amt": 1.0}, extension=[eob.coded("line_prcsg_ind_cd", "D")])
    assert read_claim(eob.claim("1", "CARRIER", item=[visit, denied])).denied_lines == 1
    for reason, change in (
        ("cancelled claim", {"status": "cancelled"}),
        ("a preauthorization or estimate", {"use": "preauthorization"}),
        ("denied claim", {"extension": [eob.coded("carr_clm_pmt_dnl_cd", "0")]}),
        ("claim type not known", {"type": eob.concept(("x", "71"))}),
        ("neither version 2 nor 3 of CMS's shape", {"meta": {}, "type": eob.concept(("x", "71"))}),
    ):
        assert read_claim(eob.claim("1", "CARRIER", item=[visit], **change)).reason == reason
    for change in (
        {"patient": {}},
        {"billablePeriod": {"start": "soon"}, "item": [eob.visit(1, {}, servicedPeriod={})]},
        {"item": [eob.visit(1, {"line_alowd_chrg_amt": "12,50"})]},
    ):
        with pytest.raises(Unreadable):
            read_claim(eob.claim("1", "CARRIER", **change))


def coverage(part: str, person: str = "11", **more: object) -> dict:
    return {
        "resourceType": "Coverage",
        "id": f"part-{part}-{person}",
        "beneficiary": {"reference": f"Patient/{person}"},
        "class": [{"value": f"Part {part.upper()}"}],
        **more,
    }


def test_people_coverage_and_repeats_in_any_order(tmp_path: Path) -> None:
    early = eob.claim("1", "CARRIER", item=[eob.visit(1, {"line_alowd_chrg_amt": 1.0})])
    late = eob.claim(
        "1",
        "CARRIER",
        item=[eob.visit(1, {"line_alowd_chrg_amt": 2.0})],
        meta={**early["meta"], "lastUpdated": "2026-06-01"},
    )
    before = eob.claim(
        "2", "CARRIER", item=[eob.visit(1, {"line_alowd_chrg_amt": 5.0}, servicedPeriod={"start": "2026-01-10"})]
    )
    months = [
        eob.coded("buyin01", "3"),
        eob.coded("buyin02", "1"),
        eob.coded("buyin03", "3"),
        eob.coded("dual_03", "02"),
    ]
    year = [{"url": eob.V2 + "rfrnc_yr", "valueDate": "2026"}, eob.coded("esrd_ind", "Y"), eob.coded("orec", "1")]
    people = [
        coverage("a", period={"start": "2020-01-01"}),
        coverage("b", extension=[*months, *year]),
        coverage("d", period={"start": "2026-02-01", "end": "2026-02-28"}),
        {
            "resourceType": "Patient",
            "id": "11",
            "birthDate": "1950-05-05",
            "gender": "female",
            "address": [{"postalCode": "122071234"}],
        },
        {"resourceType": "Practitioner", "id": "x"},
    ]
    resources = [early, late, before, *people]
    tables, manifest = load(written(tmp_path / "a.ndjson", *resources), tmp_path / "a")
    assert sorted(row["cost_cents"] for row in tables["claim_lines"]) == [200, 500]
    got = {
        row["month"].month: (row["part_a"], row["part_b"], row["part_c"], row["part_d"], row["dual"])
        for row in tables["enrollment"]
    }
    assert got == {
        1: (True, True, None, False, None),
        2: (True, False, None, True, None),
        3: (True, True, None, False, True),
    }
    assert {(row["esrd"], row["disabled_origin"]) for row in tables["enrollment"]} == {(True, True)}
    assert tables["beneficiaries"][0]["birth_date"] == dt.date(1950, 5, 5)
    assert tables["beneficiaries"][0]["zip"] == "12207"
    accounts = {each["source"]: each for each in manifest["records"]}
    assert accounts["ExplanationOfBenefit"]["dropped"] == {"repeats another resource": 1}
    assert accounts["Practitioner"]["dropped"] == {"not used": 1}
    other = tmp_path / "b"
    other.mkdir()
    written(other / "1.ndjson", *reversed(resources[3:]), late)
    (other / "2.json").write_text(
        json.dumps({"resourceType": "Bundle", "entry": [{"resource": before}, {"resource": early}]}, indent=1)
    )
    (other / "2.json.gz").write_bytes(gzip.compress((other / "2.json").read_bytes()))
    (other / "2.json").unlink()
    again, _ = load(other, tmp_path / "out_b")
    assert again == tables


def test_broken_lines_and_cut_files(tmp_path: Path) -> None:
    good = [
        json.dumps(eob.claim(str(each), "CARRIER", item=[eob.visit(1, {"line_alowd_chrg_amt": 1.0})]))
        for each in range(150)
    ]
    path = tmp_path / "eob.ndjson"
    path.write_text("\n".join([good[0], '{"resourceType": "Expl', *good[1:]]) + "\n")
    tables, manifest = load(path, tmp_path / "out")
    assert len(tables["claim_lines"]) == 150
    (problem,) = (each for each in manifest["problems"] if each["code"] == "C201")
    assert problem["row"] == 2
    assert {"source": "lines that are no JSON", "records": 1, "kept": 0, "dropped": {"not JSON": 1}} in manifest[
        "records"
    ]
    path.write_text("\n".join([good[0], "{", good[1]]))
    with pytest.raises(InputRefused, match="C010"):
        load(path, tmp_path / "none")
    packed = gzip.compress("\n".join(good).encode())
    (tmp_path / "cut.ndjson.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputRefused, match="C202"):
        load(tmp_path / "cut.ndjson.gz", tmp_path / "none")
    (tmp_path / "bomb.ndjson.gz").write_bytes(gzip.compress(b"\n" * 30_000_000))
    with pytest.raises(InputRefused, match="C203"):
        load(tmp_path / "bomb.ndjson.gz", tmp_path / "none")
    with pytest.raises(NotFound, match="nowhere"):
        load(tmp_path / "nowhere", tmp_path / "none")
    (tmp_path / "void").mkdir()
    with pytest.raises(InputRefused, match="C205"):
        load(tmp_path / "void", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_any_number_of_processes_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openasm.claims.sources.eob.load._WORTH_PROCESSES", 0)
    monkeypatch.setattr("openasm.claims.sources.eob.stream._PIECE_BYTES", 50_000)
    (tmp_path / "in").mkdir()
    lines = [
        json.dumps(eob.claim(str(each % 110), "CARRIER", item=[eob.visit(1, {"line_alowd_chrg_amt": each})]))
        for each in range(220)
    ]
    lines.insert(100, '{"resourceType": "Expl')
    lines.insert(105, "")
    # The same file name twice: rows and shares of broken lines are told for each file.
    for folder in ("a", "b"):
        (tmp_path / "in" / folder).mkdir()
        (tmp_path / "in" / folder / "eob.ndjson").write_text("\n".join(lines) + "\n")
    found = {}
    for threads in (1, 2):
        out = tmp_path / f"out{threads}"
        _, manifest = load(tmp_path / "in", out, threads=threads)
        found[threads] = {path.name: path.read_bytes() for path in out.iterdir()}
        rows = [each["row"] for each in manifest["problems"] if each["code"] == "C201"]
        assert rows == [101, 101]
    assert found[1] == found[2]
