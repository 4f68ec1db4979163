"""The pages of the measures say what the code says (that they are current is tested with the other generated pages)."""

from __future__ import annotations

import pytest

from openasm.quality.description import measure_page, reasons
from openasm.quality.measures import MEASURES
from openasm.quality.specification import specification_for


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_a_page_names_every_value_set_and_limit_and_some_reasons(name: str) -> None:
    page = measure_page(name, "note")
    specification = specification_for(name, 2026)
    assert page.startswith(f"# {name}: {specification.title}")
    for value_set, oid in specification.value_sets.items():
        assert f"* {value_set} (`{oid}`)" in page
    for limit, value in specification.limits.items():
        assert f"| {limit.replace('_', ' ')} | {value:g} |" in page
    assert ("Lower is better." in page) == specification.lower_is_better
    assert ("Denominator exceptions" in page) == specification.has_exceptions
    assert len(reasons(MEASURES[name])) >= 3
    assert "| Initial population | " in page


def test_data_needed_is_what_the_code_looks_at() -> None:
    assert "allergies and intolerances" in measure_page("CMS135", "")
    assert "allergies and intolerances" not in measure_page("CMS2", "")
    assert "prescriptions" in measure_page("CMS156", "")
    assert "procedures" in measure_page("ECHO1Y", "")
    assert "prescriptions" not in measure_page("ECHO1Y", "")
    assert "latest blood pressure …/… on …" in measure_page("CMS165", "")
