"""Damaged records that exports really hold: every reader goes on, and what was left out is counted."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from openasm.base.problems import Problems
from openasm.clinical.fhir import patients_of_bundle
from openasm.clinical.fhir_facts import FactReader, ProfileUse
from openasm.quality.demonstration import demo_records
from tests.builders.quality_measures import measures, terminology

WRONG: list[Any] = [
    "x",
    5,
    True,
    [],
    ["x"],
    [None],
    {},
    {"profile": "x"},
    {"profile": 5},
    {"profile": [None]},
    {"a": [1]},
]


def outcomes(bundle: dict[str, Any], profiles: ProfileUse) -> int:
    reader = FactReader(terminology(), profiles)
    found = 0
    for patient in patients_of_bundle(bundle, reader, Problems()):
        for measure in measures().values():
            found += len(list(measure.evaluate(patient)))
    return found


@pytest.mark.parametrize("profiles", list(ProfileUse))
def test_every_element_of_every_kind_of_resource_may_be_anything(profiles: ProfileUse) -> None:
    whole = demo_records(3, 1, 2026)[0].bundle()
    tried = 0
    seen: set[tuple[str, str]] = set()
    for place, entry in enumerate(whole["entry"]):
        kind = entry["resource"]["resourceType"]
        for element in [*entry["resource"], "meta", "extension", "contained"]:
            if element in ("resourceType", "id") or (kind, element) in seen:
                continue
            seen.add((kind, element))
            for wrong in WRONG:
                bundle = {**whole, "entry": list(whole["entry"])}
                bundle["entry"][place] = {**entry, "resource": {**entry["resource"], element: copy.deepcopy(wrong)}}
                assert outcomes(bundle, profiles) > 0
                tried += 1
    assert tried > 300


@pytest.mark.parametrize("repeats", ["x", [1], {}, None, 1.0, "2"])
def test_refills_that_are_no_number_do_not_reach_the_measures(repeats: Any) -> None:
    for record in demo_records(3, 6, 2026):
        bundle = record.bundle()
        for entry in bundle["entry"]:
            if entry["resource"]["resourceType"] == "MedicationRequest":
                entry["resource"]["dispenseRequest"] = {"numberOfRepeatsAllowed": repeats}
        assert outcomes(bundle, ProfileUse.AUTO) > 0
