"""Pages without a run lead to where runs are made, and problems say what to do on these pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from openasm.app.feeds.advice import HERE, gathered, what_to_do
from openasm.app.published.models import CostCategory, DataProblem, PracticeResult
from openasm.app.worklists.models import PublishedWorklist
from tests.app.conftest import Stage

EMPTY = ("", "today/", "measures/", "worklist/", "episodes/", "compare/", "primary-care/")


@pytest.mark.parametrize("page", EMPTY)
def test_a_page_without_a_run_leads_to_data_or_says_whom_to_ask(
    page: str, stage: Stage, sign_in: Callable[..., Client]
) -> None:
    PublishedWorklist.objects.filter(practice=stage.elm).delete()
    CostCategory.objects.filter(practice=stage.elm).delete()
    PracticeResult.objects.filter(practice=stage.elm).delete()
    address = f"/practices/{stage.elm.key}/{page}"
    editor = sign_in("nurse").get(address).content.decode()
    assert f'href="/practices/{stage.elm.key}/data/"' in editor
    assert "Upload files and start a run" in editor
    assert "<code>openasm" not in editor
    clinician = sign_in("clinician").get(address).content.decode()
    assert "Ask an editor or the administrator" in clinician
    assert "<code>openasm" not in clinician


def test_the_same_problem_of_many_files_is_one_row(stage: Stage, sign_in: Callable[..., Client]) -> None:
    DataProblem.objects.bulk_create(
        DataProblem(
            **{"id": 900 + place, "run": stage.run, "code": "Q121", "severity": "warning", "file": f"CMS{place}"},
            **{"title": "the specification was not read", "found": f"CMS{place}v15", "next_step": "Compare it."},
        )
        for place in (2, 69, 90)
    )
    text = sign_in("nurse").get(f"/practices/{stage.elm.key}/data/problems/").content.decode()
    assert text.count("the specification was not read") == 1
    assert "3 places" in text
    for name in ("CMS2", "CMS69", "CMS90", "CMS90v15"):
        assert name in text
    rows = gathered(DataProblem.objects.filter(run=stage.run, code="Q121").order_by("pk"))
    assert [(len(each.places), each.count) for each in rows] == [(3, 3)]


def test_what_to_do_never_is_an_option_alone() -> None:
    listed = (Path(__file__).parents[2] / "docs" / "reference" / "problems.md").read_text(encoding="utf-8")
    for code, words in HERE.items():
        assert code in listed, "a problem that exists"
        assert "--" not in words
    spoken = what_to_do(DataProblem(code="P045", next_step="Give --counties, --zips and --areas"))
    assert "--" not in spoken
    assert "library" in spoken
