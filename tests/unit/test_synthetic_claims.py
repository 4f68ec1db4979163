"""Synthetic claims: the same bytes for the same seed, every planted edge in place, identifiers nobody has."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
from collections import Counter, defaultdict
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from openasm.base.errors import InputRefused, WrongUsage
from openasm.base.identity import is_npi, is_tin, stable_hash
from openasm.base.problems import Problems
from openasm.claims.contract import CLAIMS_TABLES
from openasm.claims.folder import open_claims
from openasm.claims.synthetic import identifiers
from openasm.claims.synthetic.codelists import CodeLists, demonstration_lists
from openasm.claims.synthetic.generate import TABLES, TRUTH, write_region
from openasm.claims.synthetic.settings import BLOCK, Realism, Region
from openasm.runs.cost.synthesis import code_lists_of
from openasm.tables.contracts import check_table
from openasm.tables.engine import open_engine

SEEDS = (1, 90)


@pytest.fixture(scope="module", params=SEEDS)
def region(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic") / "region"
    write_region(
        Region(seed=request.param, participants=6, beneficiaries=450), folder, formats=("tables", "cclf", "eob")
    )
    return folder


@pytest.fixture(scope="module")
def tables(region):
    return {name: pq.read_table(region / "tables" / f"{name}.parquet").to_pylist() for name in TABLES}


@pytest.fixture(scope="module")
def truth(region):
    return {name: pq.read_table(region / "truth" / f"{name}.parquet").to_pylist() for name in TRUTH}


def _hashes(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _cclf(region, file, label):
    """One field of every record of a CCLF file."""
    from openasm.claims.sources.cclf.layout import layout

    field = layout()[file].fields[label]
    path = max(region.glob(f"cclf/*.ZC{file[4]}Y*"))
    return [line[field.start - 1 : field.start - 1 + field.length].strip() for line in path.read_text().splitlines()]


def test_the_same_seed_gives_the_same_bytes_whatever_the_processes(tmp_path):
    few = Realism(background=0.02, heart_failure=0.03, low_back_pain=0.03)
    small = Region(seed=8, participants=6, beneficiaries=BLOCK + 150, realism=few)
    for name, processes in (("one", 1), ("again", 1), ("two", 2)):
        write_region(small, tmp_path / name, formats=("tables", "cclf"), processes=processes)
    write_region(replace(small, seed=9), tmp_path / "other")
    first = _hashes(tmp_path / "one")
    assert first == _hashes(tmp_path / "again") == _hashes(tmp_path / "two")
    other = _hashes(tmp_path / "other")
    assert all(other[name] != first[name] for name in other if name.endswith(".parquet") and name in first)


def test_a_person_is_the_same_in_a_larger_region(tmp_path):
    """Blocks know nothing of each other: more people leave the first ones as they are."""
    few = Realism(background=0.02, heart_failure=0.03, low_back_pain=0.03)
    for name, people in (("small", BLOCK), ("large", BLOCK + 100)):
        write_region(Region(seed=8, participants=6, beneficiaries=people, realism=few), tmp_path / name)
    small = pq.read_table(tmp_path / "small" / "tables" / "claim_lines.parquet")
    large = pq.read_table(tmp_path / "large" / "tables" / "claim_lines.parquet")
    assert large.num_rows > small.num_rows
    assert large.slice(0, small.num_rows).equals(small)


def test_the_tables_keep_their_contracts(region):
    with open_engine() as engine:
        claims = open_claims(region / "tables", engine)
        problems = Problems()
        for name, contract in CLAIMS_TABLES.items():
            check_table(getattr(claims, name), contract, problems)
        assert [problem.as_text() for problem in problems] == []
        assert (str(claims.data_start), str(claims.data_end)) == ("2025-01-01", "2027-12-31")


def test_no_identifier_can_be_real(region, tables):
    lines = tables["claim_lines"]
    npis = {row["npi"] for row in lines} - {None}
    assert npis
    assert all(npi.startswith("2999") and is_npi(npi) for npi in npis)
    tins = {row["tin"] for row in lines} - {None}
    assert tins
    assert all(tin.startswith("000") and is_tin(tin) for tin in tins)
    people = {row["beneficiary"] for row in tables["beneficiaries"]}
    assert all(re.fullmatch(r"[1-9]S[A-Z0-9]{9}", person) for person in people)
    assert all(row["claim_id"].startswith("-") for row in lines)
    numbers = {*_cclf(region, "CCLF5", "BENE_MBI_ID"), *_cclf(region, "CCLF1", "BENE_MBI_ID")}
    assert all(number[1] == "S" for number in numbers)
    with (region / "clinicians.csv").open(encoding="utf-8") as stream:
        assert all(row["name"].startswith("Test Clinician ") for row in csv.DictReader(stream))


def test_the_participant_list_has_the_columns_and_gaps_of_the_official_one(region):
    with (region / "participants.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows[0]) == 16
    assert {row["ASM_COHORT"] for row in rows} == {"Heart Failure", "Low Back Pain"}
    assert {row["ASM_CY28_PARTICIPANT"] for row in rows} == {"Null"}
    assert any(row["ORGANIZATION_LEGAL_NAME"] == "" for row in rows)
    assert all(is_npi(row["NPI"]) for row in rows)


def test_numbers_of_people_are_distinct():
    made = [identifiers.beneficiary(number, former=former) for number in range(0, 999_999, 37) for former in (0, 1)]
    assert len(set(made)) == len(made)


def test_the_books_of_the_truth_balance(region, truth, tables):
    spent = Counter()
    for row in truth["episode_costs"]:
        assert row["lines"] > 0
        spent[row["episode"]] += row["cents"]
    lines = Counter()
    for row in truth["attribution"]:
        lines[row["episode"]] += row["qualifying_lines"]
        assert lines[row["episode"]] <= row["all_lines"]
        assert not row["attributed"] or 10 * row["qualifying_lines"] >= 3 * row["all_lines"]
    for row in truth["episodes"]:
        assert row["observed_cents"] == spent[row["episode"]]
        assert row["days"] == (row["end_date"] - row["start_date"]).days + 1
        assert row["clinicians"] == sum(
            each["attributed"] for each in truth["attribution"] if each["episode"] == row["episode"]
        )
        key = (row["cohort"], row["tin"], row["beneficiary"], row["start_date"].isoformat())
        assert row["episode"] == stable_hash(*key)
    manifest = json.loads((region / "manifest.json").read_text())
    assert manifest["counts"]["tables/claim_lines"] == len(tables["claim_lines"])
    assert manifest["counts"]["truth/episodes"] == len(truth["episodes"])


def test_every_edge_of_time_is_there(truth):
    edges = defaultdict(set)
    for row in truth["episodes"]:
        edges[row["edge"]].add(row["cohort"])
    both = {"heart_failure", "low_back_pain"}
    for name in (
        "confirmed on the last day",
        "confirmed the next day",
        "extended on the last day",
        "a window straight after a window",
        "closes on the last day of the data",
        "exactly two episodes",
        "a day short of two episodes",
        "whole episode ends with the data",
        "two practices interleaved, ties on a day",
        "died on the last day",
        "died the day after",
        "two clinicians with equal shares",
        "exactly three lines of ten",
        "prior care from a visit before the window",
        "one of 19 episodes of a clinician",
    ):
        assert edges[name] == both, name
    # What must not make an episode: a confirmation a day late, two lines on one day.
    assert "confirmed a day too late" not in edges
    assert "two lines on one day confirm nothing" not in edges
    ends = [row["end_date"].isoformat() for row in truth["episodes"]]
    assert "2027-12-31" in ends
    assert max(ends) == "2027-12-31"


def test_every_reason_is_there(truth):
    for cohort in ("heart_failure", "low_back_pain"):
        reasons = {row["excluded_reason"] for row in truth["episodes"] if row["cohort"] == cohort}
        assert reasons >= {
            None,
            "no_birth_date",
            "under_age",
            "not_in_parts_a_and_b",
            "part_c",
            "death",
            "residence",
            "DEMO_EXCL_1",
            "DEMO_EXCL_2",
        }
        assert any(row["clinicians"] == 0 for row in truth["episodes"] if row["cohort"] == cohort)
        assert any(row["clinicians"] > 1 for row in truth["episodes"] if row["cohort"] == cohort)


def test_clinicians_just_below_on_and_above_the_case_minimum(truth):
    counted = {
        row["episode"]: row["cohort"]
        for row in truth["episodes"]
        if row["excluded_reason"] is None and row["year"] == 2027
    }
    held = Counter(
        (counted[row["episode"]], row["tin"], row["npi"])
        for row in truth["attribution"]
        if row["attributed"] and row["episode"] in counted
    )
    for cohort in ("heart_failure", "low_back_pain"):
        assert {19, 20, 21} <= {count for (name, _, _), count in held.items() if name == cohort}


def test_the_stories_of_the_manifest_are_true(region, truth, tables):
    stories = json.loads((region / "manifest.json").read_text())["stories"]
    assert [story["episodes"] for story in stories["case_minimum"]] == [19, 20, 21, 19, 20, 21]
    faulty = stories["practice_that_stops_naming_clinicians"]
    visits = [row for row in tables["claim_lines"] if row["tin"] == faulty and (row["hcpcs"] or "").startswith("99")]
    named = Counter((row["from_date"].isoformat() >= "2027-07-01", row["npi"] is not None) for row in visits)
    assert named[False, True] > named[False, False]
    assert named[True, False] > named[True, True]
    costly = stories["costly_practice"]
    assert any(row["tin"] == costly and row["cohort"] == "heart_failure" for row in truth["episodes"])


def test_the_lines_hold_every_edge_of_content(tables):
    lines, diagnoses = tables["claim_lines"], tables["claim_diagnoses"]
    settings = {row["setting"] for row in lines}
    assert settings == {"professional", "dme", "outpatient", "inpatient", "snf", "home_health", "hospice", "drug"}
    visits = [
        row for row in lines if row["setting"] == "professional" and (row["line_diagnosis"] or "")[:3] in ("I50", "M54")
    ]
    assert any(row["tin"] is None for row in visits)
    assert any(row["npi"] is None and row["tin"] for row in visits)
    assert any(row["allowed_cents"] == 0 for row in lines)
    assert any(row["paid_cents"] == 0 < row["allowed_cents"] for row in lines)
    tins_of = defaultdict(set)
    specialties_of = defaultdict(set)
    for row in lines:
        if row["setting"] == "professional" and row["npi"]:
            tins_of[row["npi"]].add(row["tin"])
            specialties_of[row["npi"]].add(row["specialty"])
    assert any(len(tins - {None}) > 1 for tins in tins_of.values())
    assert any(len(codes) > 1 for codes in specialties_of.values())
    assert {"06", "05", "09", "14", "20", "25", "72"} & set.union(*specialties_of.values())
    zips_of = defaultdict(set)
    for row in lines:
        if row["tin"]:
            zips_of[row["tin"]].add(row["service_zip"])
    assert any(len(zips) > 1 for zips in zips_of.values())
    positions = defaultdict(list)
    for row in diagnoses:
        positions[row["claim_id"]].append(row["code"])
    assert any(len(codes) != len(set(codes)) for codes in positions.values()), "a diagnosis twice on a claim"
    header = {claim: set(codes) for claim, codes in positions.items()}
    assert any(row["line_diagnosis"] not in header[row["claim_id"]] for row in visits), "on the line alone"
    assert any(len(codes) >= 5 and codes[4][:3] in ("I50", "M54") for codes in positions.values()), "fifth position"
    same_day = Counter((row["beneficiary"], row["tin"], row["from_date"]) for row in visits if row["tin"])
    assert max(same_day.values()) >= 2
    stays = Counter(row["claim_id"] for row in lines if row["setting"] == "inpatient")
    assert max(stays.values()) > 1
    assert max(row["cost_cents"] for row in lines) > 4_000_000


def test_enrollment_holds_every_edge(tables):
    months = defaultdict(list)
    for row in tables["enrollment"]:
        months[row["beneficiary"]].append(row)
    people = {row["beneficiary"]: row for row in tables["beneficiaries"]}
    assert any(row["part_c"] for row in tables["enrollment"])
    assert any(not row["part_b"] for row in tables["enrollment"])
    for flag in ("esrd", "dual", "disabled_origin", "institutional"):
        assert len({row[flag] for row in tables["enrollment"]}) == 2, flag
    assert any(len({row["part_d"] for row in rows}) == 2 for rows in months.values())
    assert any(len(rows) < 36 for rows in months.values())
    dead = [row for row in people.values() if row["death_date"]]
    assert any(
        max(m["month"] for m in months[row["beneficiary"]]) > row["death_date"]
        for row in dead
        if months[row["beneficiary"]]
    )
    assert any(row["birth_date"] is None for row in people.values())
    assert any(row["county_fips"].startswith("72") for row in people.values())


def test_the_feed_holds_every_edge_of_history(region):
    for file in ("CCLF1", "CCLF5"):
        kinds = Counter(_cclf(region, file, "CLM_ADJSMT_TYPE_CD"))
        assert kinds["1"] > 0
        assert (kinds["2"] > 0) == (file == "CCLF1")
    numbers, kinds = _cclf(region, "CCLF5", "CLM_CNTL_NUM"), _cclf(region, "CCLF5", "CLM_ADJSMT_TYPE_CD")
    standing = {number: place for place, (number, kind) in enumerate(zip(numbers, kinds, strict=True)) if kind == "0"}
    assert any(
        kind == "1" and place < standing.get(number, 0)
        for place, (number, kind) in enumerate(zip(numbers, kinds, strict=True))
    )
    effective = _cclf(region, "CCLF1", "CLM_EFCTV_DT")
    oscar, kinds = _cclf(region, "CCLF1", "CLM_BLG_PRVDR_OSCAR_NUM"), _cclf(region, "CCLF1", "CLM_ADJSMT_TYPE_CD")
    when = defaultdict(dict)
    for key, kind, day in zip(oscar, kinds, effective, strict=True):
        when[key][kind] = day
    order = {days["1"] > days["2"] for days in when.values() if {"1", "2"} <= days.keys()}
    assert order == {True, False}, "cancellations before and after the adjustment"
    assert "0" in _cclf(region, "CCLF5", "CLM_CARR_PMT_DNL_CD")
    assert "D" in _cclf(region, "CCLF5", "CLM_PRCSG_IND_CD")
    assert "N" in _cclf(region, "CCLF1", "CLM_MDCR_NPMT_RSN_CD")
    assert "" in _cclf(region, "CCLF5", "CLM_RNDRG_PRVDR_TAX_NUM")
    assert {"1000-01-01", "9999-12-31", ""} <= set(_cclf(region, "CCLF8", "BENE_DEATH_DT"))
    assert {"1000-01-01", "9999-12-31"} <= set(_cclf(region, "CCLF2", "CLM_LINE_INSTNL_REV_CTR_DT"))
    former = set(_cclf(region, "CCLF9", "PRVS_NUM"))
    assert former & set(_cclf(region, "CCLF5", "BENE_MBI_ID"))
    paid = defaultdict(float)
    for claim, amount in zip(
        _cclf(region, "CCLF2", "CUR_CLM_UNIQ_ID"), _cclf(region, "CCLF2", "CLM_LINE_CVRD_PD_AMT"), strict=True
    ):
        paid[claim] += float(amount)
    header = zip(_cclf(region, "CCLF1", "CUR_CLM_UNIQ_ID"), _cclf(region, "CCLF1", "CLM_PMT_AMT"), strict=True)
    assert any(float(amount) > 0 and paid.get(claim) == 0.0 for claim, amount in header), "paid in the header alone"
    records = len(_cclf(region, "CCLF5", "CUR_CLM_UNIQ_ID"))
    assert records > len(set(zip(numbers, _cclf(region, "CCLF5", "CLM_LINE_NUM"), strict=True)))
    loads = _cclf(region, "CCLF5", "CLM_IDR_LD_DT")
    assert max(loads) > "2027-12-31", "run-out"
    assert max(_cclf(region, "CCLF5", "CLM_LINE_FROM_DT")) <= "2027-12-31"
    assert "03" in _cclf(region, "CCLF7", "CLM_TYPE_CD")


def test_the_bulk_export_holds_denials_and_cancellations(region):
    status, denials, tins = Counter(), Counter(), Counter()
    with gzip.open(region / "eob" / "ExplanationOfBenefit.ndjson.gz", "rt", encoding="utf-8") as stream:
        for line in stream:
            resource = json.loads(line)
            status[resource["status"]] += 1
            for extension in resource.get("extension", ()):
                denials[extension["valueCoding"]["code"]] += 1
            if resource["type"]["coding"][0]["code"] == "71":
                names = [e["url"].rsplit("/", 1)[-1] for item in resource["item"] for e in item["extension"]]
                tins["tax_num" in names] += 1
    assert set(status) == {"active", "cancelled"}
    assert denials["0"] > 0 < denials["1"]
    assert tins[True] > tins[False] > 0


def test_costs_come_near_published_means():
    """Means published with CMS's benchmarks: about $14,000 and $1,900 a year; the demonstration lists take less than CMS's."""
    from openasm.claims.synthetic.block import make_block, make_ground

    block = make_block(make_ground(Region(seed=6, participants=48)), 0)
    truth = block.truth
    for cohort, low, high in ((0, 9_000, 19_000), (1, 1_300, 2_900)):
        counted = (truth.cohort == cohort) & (truth.reason == 0)
        annual = truth.cents[counted] * 365 / (truth.end - truth.start + 1)[counted] / 100
        assert low < annual.mean() < high
        assert annual.max() > 5 * annual.mean()
    assert 150 < len(block.bill) / len(block.people) < 210


def test_the_shipped_workbooks_agree_with_the_lists_built_in():
    shipped = code_lists_of({}, year=2027, overlays=(), problems=Problems())
    built_in = demonstration_lists()
    for ours, theirs in zip(built_in.cohorts, shipped.cohorts, strict=True):
        assert set(ours.trigger_services) == set(theirs.trigger_services)
        assert set(ours.confirming_services) == set(theirs.confirming_services)
        assert set(ours.trigger_diagnoses) == set(theirs.trigger_diagnoses)
        assert set(ours.service_rules) <= set(theirs.service_rules)
        assert (ours.confirm_days, ours.window_days, ours.minimum_days) == (
            theirs.confirm_days,
            theirs.window_days,
            theirs.minimum_days,
        )


@pytest.mark.parametrize(
    "change",
    [
        {"seed": -1},
        {"participants": 0},
        {"participants": 20_001},
        {"beneficiaries": -5},
        {"last_year": 2020},
        {"first_year": 1999},
    ],
)
def test_sizes_that_make_no_sense_are_wrong_usage(change):
    with pytest.raises(WrongUsage):
        Region(**{"seed": 1, **change})


def test_lists_without_a_usable_diagnosis_are_refused():
    lists = demonstration_lists()
    bare = replace(lists.heart_failure, trigger_diagnoses=("I5021",))
    with pytest.raises(InputRefused, match="G001"):
        Region(seed=1, lists=CodeLists(bare, lists.low_back_pain))


def test_writing_refuses_what_it_cannot_do(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "keep.txt").write_text("mine")
    small = Region(seed=1, participants=2, beneficiaries=5)
    with pytest.raises(WrongUsage, match="not empty"):
        write_region(small, tmp_path / "full")
    with pytest.raises(WrongUsage, match="Unknown format"):
        write_region(small, tmp_path / "new", formats=("tables", "x12"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full"]


@pytest.mark.parametrize("people", [1, 2, 30])
def test_tiny_regions_work(tmp_path, people):
    manifest = write_region(Region(seed=3, participants=1, beneficiaries=people), tmp_path / "tiny")
    assert manifest["counts"]["tables/beneficiaries"] == people
