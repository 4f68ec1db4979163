"""The truth a region is written with, against a slow second opinion, on several seeds."""

from __future__ import annotations

from collections import defaultdict

import pyarrow.parquet as pq
import pytest

from openasm.claims.synthetic.codelists import demonstration_lists
from openasm.claims.synthetic.generate import TABLES, TRUTH, write_region
from openasm.claims.synthetic.settings import Region
from tests.builders.other_code_lists import other_code_lists
from tests.oracle.episodes_by_hand import expected


def _read(folder, names):
    return {name: pq.read_table(folder / f"{name}.parquet").to_pylist() for name in names}


SPANS = {1: (2025, 2027), 20: (2025, 2027), 333: (2024, 2027), 4: (2026, 2027), 5: (2027, 2027)}


@pytest.mark.parametrize(
    ("seed", "lists"),
    [*((seed, demonstration_lists()) for seed in SPANS), (1, other_code_lists()), (20, other_code_lists())],
    ids=lambda value: value if isinstance(value, int) else value.source,
)
def test_a_second_opinion_finds_the_same_truth(tmp_path, seed, lists):
    first, last = SPANS[seed]
    region = Region(seed=seed, participants=6, beneficiaries=450, first_year=first, last_year=last, lists=lists)
    write_region(region, tmp_path / "region")
    tables, truth = _read(tmp_path / "region" / "tables", TABLES), _read(tmp_path / "region" / "truth", TRUTH)
    data_end = max(row["month"] for row in tables["enrollment"]).replace(month=12, day=31)
    found = expected(
        lists,
        tables["claim_lines"],
        tables["claim_diagnoses"],
        tables["enrollment"],
        tables["beneficiaries"],
        data_end,
    )
    shares, costs = defaultdict(dict), defaultdict(dict)
    for row in truth["attribution"]:
        shares[row["episode"]][row["npi"]] = (row["qualifying_lines"], row["all_lines"], row["attributed"])
    for row in truth["episode_costs"]:
        costs[row["episode"]][row["category"], row["setting"]] = row["cents"]
    planned = {
        (row["cohort"], row["tin"], row["beneficiary"], row["start_date"]): (
            row["end_date"],
            row["excluded_reason"],
            shares[row["episode"]],
            costs[row["episode"]],
        )
        for row in truth["episodes"]
    }
    assert len(planned) == len(truth["episodes"]) > 50
    assert planned.keys() == found.keys()
    for key, (end, reason, share, cost) in planned.items():
        assert (key, end) == (key, found[key][0])
        assert (key, reason) == (key, found[key][1])
        assert (key, share) == (key, found[key][2])
        assert (key, cost) == (key, found[key][3])
