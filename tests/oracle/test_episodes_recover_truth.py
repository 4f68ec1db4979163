"""The whole chain over a synthetic region gives exactly what the region was planned to hold, on several seeds.

Through CCLF and ExplanationOfBenefit files it gives the same, but for what a format does not carry:

- both: coverage that goes on after death by mistake is cut at death, so `death` turns into `not_in_parts_a_and_b`;
- CCLF: Medicare Advantage shows only as absence from the monthly files, so `part_c` turns into something else;
- CCLF: facility bills have what Medicare paid and no allowed amount, drugs only the patient's share: other cents, the same
  services; an outpatient bill whose lines have no payment has the claim's on its first line;
- CCLF: equipment claims carry no diagnosis, hence no condition category; Part D shows only as drugs bought in a year;
- both: nothing says who lives in an institution.
"""

from __future__ import annotations

from collections import Counter

import pytest

from openasm.claims.folder import open_claims
from openasm.claims.loading import load_claims
from openasm.claims.synthetic.codelists import COHORTS
from openasm.episodes.specifications.construction import demonstration_workbook, story_workbook
from openasm.runs.cost.synthesis import synthetic_region
from openasm.tables.engine import open_engine
from tests.builders.cclf_tells import as_cclf_tells
from tests.builders.chain_details import details_of
from tests.builders.truth_and_chain import found_episodes, planned_episodes


def _found(folder, year, work, workbook=demonstration_workbook):
    found = {}
    with open_engine() as engine:
        claims = open_claims(folder, engine)
        for cohort in COHORTS:
            found |= found_episodes(claims, engine, cohort, year, work / f"{cohort}-{year}", workbook)
    return found


@pytest.mark.parametrize("seed", [3, 71, 2027])
def test_the_chain_recovers_the_truth(tmp_path, seed):
    synthetic_region(seed, tmp_path / "region", participants=10, beneficiaries=800)
    for year in (2026, 2027):
        planned = planned_episodes(tmp_path / "region" / "truth", year)
        found = _found(tmp_path / "region" / "tables", year, tmp_path)
        assert len(found) > 100
        assert found.keys() == planned.keys()
        for key, truth in planned.items():
            assert (key, found[key]) == (key, truth)


def test_the_chain_recovers_the_truth_of_the_demonstrations_story(tmp_path):
    workbooks = {cohort: story_workbook(cohort) for cohort in COHORTS}
    synthetic_region(5, tmp_path / "region", participants=8, beneficiaries=600, workbooks=workbooks)
    planned = planned_episodes(tmp_path / "region" / "truth", 2027)
    found = _found(tmp_path / "region" / "tables", 2027, tmp_path, story_workbook)
    categories = {category for episode in found.values() for category, _ in episode[7]}
    kinds = ("admissions", "imaging", "injections", "surgery", "therapy", "drugs", "care after discharge", "visits")
    assert {f"Invented category: {kind}" for kind in kinds} <= categories
    assert found.keys() == planned.keys()
    for key, truth in planned.items():
        assert (key, found[key]) == (key, truth)


@pytest.mark.parametrize("source_format", ["cclf", "eob"])
def test_the_chain_recovers_the_truth_through_files(tmp_path, source_format):
    synthetic_region(12, tmp_path / "region", participants=6, beneficiaries=420, formats=["tables", source_format])
    load_claims(source_format, [tmp_path / "region" / source_format], tmp_path / "claims")
    planned = planned_episodes(tmp_path / "region" / "truth", 2027)
    found = _found(tmp_path / "claims", 2027, tmp_path)
    tables, told = tmp_path / "region" / "tables", tmp_path / "told"
    told.mkdir()
    if source_format == "cclf":
        tables = as_cclf_tells(tables, tmp_path / "as CCLF tells")
    expected = _found(tables, 2027, told)
    assert len(found) > 100
    assert found.keys() == planned.keys() == expected.keys()
    for key, truth in planned.items():
        place, reason, shares = truth[:4], truth[4], truth[6]
        got = found[key]
        assert (key, got[:4], got[6]) == (key, place, shares)
        assert (key, got[4]) == (key, reason) or _not_carried(source_format, reason, got[4])
        assert (key, got[5], got[7]) == (key, expected[key][5], expected[key][7])  # to the cent
        services = {which: count for which, (count, _) in truth[7].items()}
        assert {which: count for which, (count, _) in got[7].items()} == services
        if source_format == "eob":
            assert (key, got[5], got[7]) == (key, truth[5], truth[7])
    assert sum(found[key][5] > 0 for key in found) > 50
    _assert_same_details(tmp_path, told)


def _assert_same_details(files, tables):
    """Sub-group, Part D, age, flags, condition categories and every condition of the workbook, but for the institution."""
    seen = Counter()
    for cohort in COHORTS:
        found, expected = details_of(files / f"{cohort}-2027"), details_of(tables / f"{cohort}-2027")
        assert found.keys() == expected.keys()
        for key, own in expected.items():
            assert (key, found[key]) == (key, own | {"institutional": 0})
            seen.update(name for name, value in own.items() if value)
    assert min(seen[name] for name in ("part_d", "disabled_origin", "hcc", "subgroup", "risk")) > 20


def _not_carried(source_format, planned, found):
    if planned == "death":
        return found == "not_in_parts_a_and_b"
    return source_format == "cclf" and planned == "part_c"
