"""Queries made once give what the query sets they come from give."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connections
from django.db.models import Count, DateField

from openasm.app.people.models import Membership, Practice
from openasm.app.prepared import Given, Prepared
from openasm.app.published.models import ParticipantResult
from openasm.app.worklists.models import Case
from tests.app.conftest import Stage

pytestmark = pytest.mark.django_db


def test_models_with_those_beside_them(stage: Stage, django_assert_num_queries: object) -> None:
    asked = Practice.objects.select_related("system").order_by("name")
    prepared = Prepared[Practice](lambda: asked.filter(pk__gte=Given("least")))
    prepared.all(least=0)
    with django_assert_num_queries(1):
        found = prepared.all(least=0)
        assert {each.system.name for each in found if each.system} == {stage.grove.name}
    assert found == list(asked)
    assert [each.system_id for each in found] == [each.system_id for each in asked]
    assert prepared.first(least=stage.elm.pk) in {stage.elm, stage.oak}
    assert prepared.first(least=2**60) is None


def test_annotations_converters_tuples_and_single_values(stage: Stage) -> None:
    counted = Prepared[Practice](lambda: Practice.objects.filter(pk=Given("pk")).annotate(members=Count("memberships")))
    found = counted.first(pk=stage.elm.pk)
    assert found is not None
    assert found.members == Membership.objects.filter(practice=stage.elm).count()  # type: ignore[attr-defined]
    day = dt.date(2027, 8, 1)
    cases = Case.objects.order_by("pk").values_list("pk", "due", "measure", "cents")
    until = Prepared[tuple[object, ...]](lambda: cases.filter(due__lte=Given("day", DateField())))
    assert until.all(day=dt.date(2100, 1, 1)) == list(cases.filter(due__isnull=False))
    assert until.all(day=day) == list(cases.filter(due__lte=day))
    names = Prepared[str](
        lambda: (
            ParticipantResult.objects.filter(practice=Given("practice")).order_by("pk").values_list("name", flat=True)
        )
    )
    assert names.all(practice=stage.elm.pk) == [
        each.name for each in ParticipantResult.objects.filter(practice=stage.elm).order_by("pk")
    ]


def test_a_value_that_is_missing_is_an_error(stage: Stage) -> None:
    prepared = Prepared[int](lambda: Practice.objects.filter(pk=Given("pk")).values_list("pk", flat=True))
    assert prepared.all(pk=stage.elm.pk) == [stage.elm.pk]
    with pytest.raises(KeyError):
        prepared.all(practice=stage.elm.pk)


def test_what_is_made_for_a_connection_is_not_for_another_thread(stage: Stage) -> None:
    prepared = Prepared[int](lambda: Practice.objects.filter(pk=Given("pk")).values_list("pk", flat=True))
    assert prepared.all(pk=stage.elm.pk)
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(hasattr(prepared._mine, "ready")))
    thread.start()
    thread.join(timeout=20)
    assert seen == [False]
    assert prepared._mine.ready.connection is connections["default"]
