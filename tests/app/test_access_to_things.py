"""What belongs to another practice is not there: real things of both, addressed under one's own practice and under theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from openasm.app.feeds import running
from openasm.app.worklists.models import Case, WorkItem
from tests.app.access_table import ACCESS
from tests.app.conftest import Stage
from tests.app.own_things import things_of

# Arguments that name nothing of a practice: a kind of file, a year, a task of the plan that all have, a secret or an account.
OF_NOBODY = {"practice", "form", "year"}
# Addresses whose arguments are keys of the rule book or of the published tables, the same in every practice.
OF_ALL = {"readiness_task": "a task of the plan", "measure": "a measure of the rules"}
# It needs two runs: the test named there has them.
ELSEWHERE = {"compare_clinician": "test_compare_pages.py"}


@pytest.fixture(autouse=True)
def _nothing_starts(settings: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATA = tmp_path  # type: ignore[attr-defined]
    monkeypatch.setattr(running, "launch", lambda *_: None)


def named(name: str) -> set[str]:
    """What an address names beyond its practice."""
    return set(ACCESS[name].arguments) - OF_NOBODY


def test_things_of_both_practices(stage: Stage, sign_in: Callable[..., Client]) -> None:
    manager, other = stage.people["manager"], stage.people["other manager"]
    own = things_of(stage.elm, by=manager)
    theirs = things_of(stage.oak, by=other, keeper=manager, drafts=3)  # the manager was a member there once
    asked = {name for name, entry in ACCESS.items() if entry.kind == "practice" and named(name)}
    assert asked - set(own) == set(OF_ALL) | set(ELSEWHERE), "an address without a thing to try it with"
    assert set(own) == set(theirs)
    client, wrong = sign_in("manager"), []
    for name in sorted(asked & set(own)):
        for practice, things, whose in (
            (stage.elm, own, "own"),
            (stage.elm, theirs, "theirs"),
            (stage.oak, theirs, ""),
        ):
            address = reverse(name, kwargs={"practice": practice.key, **things[name]})
            statuses = {}
            for method in ("GET", "POST"):
                with transaction.atomic():
                    statuses[method] = client.generic(method, address).status_code
                    transaction.set_rollback(True)
            there = set(statuses.values()) - {405}
            if (404 in there) if whose == "own" else (there != {404}):
                wrong.append(f"{name}, {whose or 'under their practice'}: {statuses}")
    assert wrong == []


def test_cases_of_others_are_not_changed_with_ones_own(stage: Stage, sign_in: Callable[..., Client]) -> None:
    cases = [Case.objects.filter(practice=each).order_by("pk")[0].pk for each in (stage.elm, stage.oak)]
    address = reverse("worklist_change_many", kwargs={"practice": stage.elm.key})
    sign_in("manager").post(address, {"case": cases, "status": "working"})
    assert [each.practice for each in WorkItem.objects.filter(status="working")] == [stage.elm]
