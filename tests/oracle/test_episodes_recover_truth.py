"""The whole chain over a synthetic region gives exactly what the region was planned to hold, on several seeds."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

import pyarrow.parquet as pq
import pytest

from openasm.base.problems import Problems
from openasm.claims.folder import open_claims
from openasm.claims.synthetic.codelists import COHORTS
from openasm.episodes.chain import Chain, run_steps
from openasm.episodes.frames import claim_frames
from openasm.episodes.outcome import outcome
from openasm.episodes.specifications.construction import construction_for, demonstration_workbook
from openasm.episodes.specifications.lists import load_codes_list
from openasm.runs.synthesis import synthetic_region
from openasm.tables.engine import open_engine

EPOCH = dt.date(1970, 1, 1)
OURS_TO_DECIDE = {"outlier", "no_expected_cost"}
"""Reasons that the regression gives; the plan knows nothing of them."""


@pytest.mark.parametrize("seed", [3, 71, 2027])
def test_the_chain_recovers_the_truth(tmp_path, seed):
    synthetic_region(seed, tmp_path / "region", participants=12, beneficiaries=1_000)
    for year in (2026, 2027):
        truth = _truth(tmp_path / "region" / "truth", year)
        found = {}
        with open_engine() as engine:
            claims = open_claims(tmp_path / "region" / "tables", engine)
            for cohort in COHORTS:
                found |= _chain(claims, engine, cohort, year, tmp_path / f"{cohort}-{year}")
        assert len(found) > 100
        assert found.keys() == truth.keys()
        for key, planned in truth.items():
            assert (key, found[key]) == (key, planned)


def _truth(folder, year):
    shares, costs = defaultdict(dict), defaultdict(dict)
    for row in pq.read_table(folder / "attribution.parquet").to_pylist():
        shares[row["episode"]][row["npi"]] = (row["qualifying_lines"], row["all_lines"], row["attributed"])
    for row in pq.read_table(folder / "episode_costs.parquet").to_pylist():
        costs[row["episode"]][row["category"], row["setting"]] = (row["lines"], row["cents"])
    return {
        (row["cohort"], row["episode"]): (
            row["beneficiary"],
            row["tin"],
            row["start_date"],
            row["end_date"],
            row["excluded_reason"],
            row["observed_cents"],
            shares[row["episode"]],
            costs[row["episode"]],
        )
        for row in pq.read_table(folder / "episodes.parquet").to_pylist()
        if row["year"] == year
    }


def _chain(claims, engine, cohort, year, folder):
    construction = construction_for(cohort, year)
    codes = load_codes_list(demonstration_workbook(cohort), construction, Problems())
    folder.mkdir()
    chain = Chain(engine, folder)
    run_steps(chain, claim_frames(claims), codes, construction, year=year)
    result = outcome(chain, codes, construction)
    shares, costs = defaultdict(dict), defaultdict(dict)
    for row in result.attribution.to_pylist():
        shares[row["episode"]][row["npi"]] = (row["qualifying_lines"], row["all_lines"], row["reason"] == "attributed")
    for row in result.costs.to_pylist():
        costs[row["episode"]][row["category"], row["setting"]] = (row["lines"], row["cents"])
    return {
        (cohort, row["episode_id"]): (
            row["beneficiary"],
            row["tin"],
            row["start_date"],
            EPOCH + dt.timedelta(days=row["end"]),
            None if result.reason[number] in OURS_TO_DECIDE else result.reason[number],
            int(result.observed[number]),
            shares[number],
            costs[number],
        )
        for number, row in enumerate(result.episodes.to_pylist())
    }
