"""What a synthetic region was planned to hold, and what the chain finds in claims, in one comparable form."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

import pyarrow.parquet as pq

from openasm.base.problems import Problems
from openasm.episodes.chain import Chain, run_steps
from openasm.episodes.frames import claim_frames
from openasm.episodes.outcome import outcome
from openasm.episodes.specifications.construction import construction_for, demonstration_workbook
from openasm.episodes.specifications.lists import load_codes_list

EPOCH = dt.date(1970, 1, 1)
DECIDED_BY_THE_REGRESSION = {"outlier", "no_expected_cost"}
"""Reasons that the plan knows nothing of."""


def planned_episodes(folder, year):
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


def found_episodes(claims, engine, cohort, year, folder, workbook=demonstration_workbook):
    construction = construction_for(cohort, year)
    codes = load_codes_list(workbook(cohort), construction, Problems())
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
            None if result.reason[number] in DECIDED_BY_THE_REGRESSION else result.reason[number],
            int(result.observed[number]),
            shares[number],
            costs[number],
        )
        for number, row in enumerate(result.episodes.to_pylist())
    }
