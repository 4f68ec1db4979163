"""The page What-if: from the kept copy of a run, for the own practice, without an engine, with a plain form and with htmx."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from openasm.app.people.models import Practice
from openasm.app.published.models import Run
from openasm.app.what_if import cohorts
from openasm.app.what_if.cohorts import cohorts_of
from openasm.archive.tables import read_csv
from openasm.base.errors import NotFound
from openasm.runs.scoring.run import score_folder
from tests.app.conftest import Stage
from tests.builders.score_folders import cohort_rows, write_folder


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("what-if")
    write_folder(folder / "inputs", cohort_rows(40))
    score_folder(folder / "inputs", folder / "run", year=2027, now=dt.datetime(2028, 1, 5, tzinfo=dt.UTC))
    return folder / "run"


@pytest.fixture
def mine(stage: Stage, scored: Path, settings: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Practice:
    """Elm, renamed to a TIN of the scored cohort, with that run as its newest."""
    import shutil

    settings.DATA = tmp_path  # type: ignore[attr-defined]
    stage.elm.tin = read_csv(scored / "scores" / "scores.csv").texts("tin")[0]
    stage.elm.save()
    run = Run.objects.newest_of(stage.elm)
    assert run is not None
    shutil.copytree(scored, run.folder)
    monkeypatch.setattr(cohorts, "SMALL_COHORT", 10)
    monkeypatch.setattr(cohorts, "DRAWS", 12)
    cohorts._kept.clear()
    return stage.elm


def difference(text: str) -> str:
    found = re.search(r"<dt>Difference</dt><dd><span[^>]*>([^<]+)", text)
    assert found is not None
    return found[1]


def test_nothing_moved_gives_no_difference_and_levers_give_one(mine: Practice, sign_in: Callable[..., Client]) -> None:
    client = sign_in("viewer")
    address = f"/practices/{mine.key}/what-if/"
    text = client.get(address).content.decode()
    assert difference(text) in ("$0", "+$0")
    assert "A value nobody has confirmed" in text
    moved = client.get(address, {"activities": "0", "interoperability": "0"}).content.decode()
    assert difference(moved).startswith(("−", "-"))
    part = client.get(address, {"cost": "10"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "By clinician" in part


def test_bad_input_is_a_lever_at_rest_or_at_its_end(mine: Practice, sign_in: Callable[..., Client]) -> None:
    client = sign_in("viewer")
    address = f"/practices/{mine.key}/what-if/"
    wrong = {"cost": "abc", "peers": "99999", "activities": "7", "interoperability": "nan", "value": "no.such=thing"}
    response = client.get(address, wrong)
    assert response.status_code == 200
    assert b'name="peers" type="number" min="-10" max="10" step="1" value="10"' in response.content
    assert client.get(address, {"interoperability": "1e999"}).status_code == 200


def test_an_unconfirmed_value_is_named(mine: Practice, sign_in: Callable[..., Client]) -> None:
    run = Run.objects.newest_of(mine)
    assert run is not None
    found = cohorts_of(run, mine).alternatives
    assert found
    text = sign_in("viewer").get(f"/practices/{mine.key}/what-if/", {"value": found[0].key}).content.decode()
    assert "Not confirmed" in text
    with pytest.raises(NotFound):
        cohorts_of(run, mine, "no.such=thing")


def test_what_is_kept_is_bounded_and_made_once(
    mine: Practice, sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.objects.newest_of(mine)
    assert run is not None
    first = cohorts_of(run, mine)
    assert cohorts_of(run, mine) is first
    monkeypatch.setattr(cohorts, "KEPT", 2)
    for each in first.alternatives[:3]:
        cohorts_of(run, mine, each.key)
    assert len(cohorts._kept) == 2
    assert cohorts._making == {}


def test_a_run_without_its_copy_is_said(stage: Stage, sign_in: Callable[..., Client]) -> None:
    cohorts._kept.clear()
    response = sign_in("viewer").get(f"/practices/{stage.elm.key}/what-if/")
    assert response.status_code == 200
    assert b"cannot be moved" in response.content


def test_no_engine_is_loaded() -> None:
    program = "import sys, openasm.projection.what_if, openasm.projection.project; print({'duckdb', 'pyarrow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_queries_do_not_grow(
    mine: Practice, sign_in: Callable[..., Client], django_assert_max_num_queries: Callable
) -> None:
    client = sign_in("viewer")
    client.get(f"/practices/{mine.key}/what-if/")
    with django_assert_max_num_queries(7):
        client.get(f"/practices/{mine.key}/what-if/", {"cost": "5"})
