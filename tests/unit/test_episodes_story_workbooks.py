"""The demonstration's codes lists give every kind of care of the synthetic pathways a category."""

from __future__ import annotations

import pytest

from openasm.base.problems import Problems
from openasm.claims.synthetic.templates import make_catalogue
from openasm.episodes.specifications.construction import (
    COHORTS,
    construction_for,
    demonstration_workbook,
    story_workbook,
)
from openasm.episodes.specifications.lists import load_codes_list
from openasm.runs.cost.synthesis import code_lists_of

KINDS = {"admissions", "imaging", "injections", "surgery", "therapy", "drugs", "care after discharge", "visits"}


@pytest.mark.parametrize("cohort", COHORTS)
def test_every_category_is_named_invented_and_the_rest_is_the_demonstration_list(cohort: str) -> None:
    construction = construction_for(cohort, 2027)
    codes = load_codes_list(story_workbook(cohort), construction, Problems())
    plain = load_codes_list(demonstration_workbook(cohort), construction, Problems())
    assert codes.is_demonstration
    assert all(rule.category.startswith("Invented category: ") for rule in codes.service_rules)
    assert {f"Invented category: {kind}" for kind in KINDS} <= {rule.category for rule in codes.service_rules}
    assert (codes.triggers, codes.trigger_diagnoses, codes.exclusions) == (
        plain.triggers,
        plain.trigger_diagnoses,
        plain.exclusions,
    )


def test_the_generator_bills_lines_for_every_kind() -> None:
    workbooks = {cohort: story_workbook(cohort) for cohort in COHORTS}
    lists = code_lists_of(workbooks, year=2027, overlays=(), problems=Problems())
    catalogue = make_catalogue(lists)
    for taken in catalogue.category:
        billed = {catalogue.categories[number] for number in taken if number >= 0}
        assert {f"Invented category: {kind}" for kind in KINDS} <= billed
