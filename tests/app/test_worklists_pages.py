"""The worklist: whose eyes, which order, what changing does, one query plan for any number of cases, no identifier outside its pages."""

from __future__ import annotations

import csv
import datetime as dt
import importlib
import io
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from openasm.app.access.request import PatientScope
from openasm.app.audit.models import AuditEvent
from openasm.app.published.models import Gap, GapKind, ParticipantResult, Patient
from openasm.app.sealing import patient_key
from openasm.app.worklists.asking import Asked, asked_for
from openasm.app.worklists.models import Case, CaseCount, SavedFilter, WorkEvent, WorkItem, newest_worklist
from openasm.app.worklists.selection import Selection, part_of, selection_from
from tests.app.conftest import CLINICIAN_NPI, Stage, signed_in_client
from tests.app.run_folders import CANARY_NAMES

TODAY = dt.datetime(2027, 11, 5, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.fixture
def sign_in(stage: Stage) -> Callable[..., Client]:
    """As everywhere, but with sessions begun on the day of these tests."""
    return lambda name, *, confirmed=True: signed_in_client(stage.people[name], confirmed=confirmed)


def page(client: Client, stage: Stage, query: str = "") -> str:
    response = client.get(f"/practices/{stage.elm.key}/worklist/{query}")
    assert response.status_code == 200
    return str(response.content.decode())


def case_of(stage: Stage, name: str, measure: str) -> Case:
    found: Case = Case.objects.get(practice=stage.elm, patient__key=patient_key(name), measure=measure)
    return found


def change(client: Client, stage: Stage, case: Case, **fields: object) -> object:
    sent = {"status": "open", "owner": "", "outcome": "", "due": "", "note": "", "version": 0} | fields
    return client.post(
        f"/practices/{stage.elm.key}/worklist/patients/{case.patient.key}/cases/{case.pk}/",
        {f"case-{case.pk}-{name}": value for name, value in sent.items()},
    )


def test_cases_are_gaps_by_patient_measure_and_group(stage: Stage) -> None:
    cases = list(Case.objects.filter(practice=stage.elm).order_by("pk"))
    assert [(each.measure, each.ways, str(each.due or ""), str(each.earliest or "")) for each in cases] == [
        ("CMS135", 2, "2027-12-31", ""),
        ("CMS144", 1, "2027-12-31", "2027-12-01"),
        ("CMS2", 1, "", ""),
    ]
    assert (cases[0].kind, cases[0].cents, cases[0].points) == ("care", 1250, 0.05)
    assert Case.objects.filter(practice=stage.oak).count() == 1


def test_the_list_shows_what_can_be_done_now_and_notes_that_it_was_seen(
    stage: Stage, sign_in: Callable[..., Client]
) -> None:
    text = page(sign_in("nurse"), stage)
    assert CANARY_NAMES[0] in text
    assert CANARY_NAMES[1] not in text, "opens in December"
    assert CANARY_NAMES[3] not in text, "another practice's patient"
    assert "005 ACE inhibitor, ARB or ARNI in heart failure" in text
    assert "56 days left" in text
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.kind, event.details) == ("patients_viewed", '{"page":"worklist","rows":1}')
    assert CANARY_NAMES[1] in page(sign_in("nurse"), stage, "?window=later")
    assert CANARY_NAMES[2] in page(sign_in("nurse"), stage, "?window=past")


def test_a_clinician_sees_own_patients_alone(stage: Stage, sign_in: Callable[..., Client]) -> None:
    client = sign_in("clinician")
    text = page(client, stage, "?window=all")
    assert CANARY_NAMES[0] in text
    assert CANARY_NAMES[1] in text
    assert CANARY_NAMES[2] not in text, "counts for another clinician"
    other = case_of(stage, CANARY_NAMES[2], "CMS2")
    address = f"/practices/{stage.elm.key}/worklist/patients/{other.patient.key}/"
    assert client.get(address).status_code == 404
    assert change(client, stage, other, note="x").status_code == 404
    sent = {"case": [other.pk], "status": "working"}
    client.post(f"/practices/{stage.elm.key}/worklist/change/", sent)
    assert not WorkItem.objects.exists()
    found = client.post(f"/practices/{stage.elm.key}/worklist/find/", {"identifier": CANARY_NAMES[2]})
    assert found["Location"].endswith("/worklist/")
    found = client.post(f"/practices/{stage.elm.key}/worklist/find/", {"identifier": CANARY_NAMES[0]})
    assert patient_key(CANARY_NAMES[0]) in found["Location"]


def test_another_practices_case_cannot_be_changed(stage: Stage, sign_in: Callable[..., Client]) -> None:
    theirs = Case.objects.select_related("patient").get(practice=stage.oak)
    assert change(sign_in("nurse"), stage, theirs, note="x").status_code == 404
    sign_in("nurse").post(f"/practices/{stage.elm.key}/worklist/change/", {"case": [theirs.pk], "status": "working"})
    assert not WorkItem.objects.exists()


def test_work_on_a_case_is_kept_with_its_history(stage: Stage, sign_in: Callable[..., Client]) -> None:
    case = case_of(stage, CANARY_NAMES[0], "CMS135")
    nurse = stage.people["nurse"]
    answer = change(
        sign_in("nurse"),
        stage,
        case,
        status="working",
        owner=nurse.pk,
        outcome="planned",
        due="2027-11-20",
        note="Called; comes on Friday",
    )
    assert answer.status_code == 302
    item = WorkItem.objects.get()
    assert (item.status, item.owner, item.outcome, item.due, item.version) == (
        *("working", nurse, "planned"),
        *(dt.date(2027, 11, 20), 1),
    )
    assert item.npis == f" {CLINICIAN_NPI} "
    text = sign_in("manager").get(f"/practices/{stage.elm.key}/worklist/patients/{case.patient.key}/").content.decode()
    assert "Called; comes on Friday" in text
    assert "Owner: Test Nurse" in text
    assert "Planned for Nov 20, 2027" in text
    kinds = list(AuditEvent.objects.exclude(kind="signed_in").values_list("kind", "subject")[:2])
    assert kinds == [("patient_viewed", case.patient.key), ("changed", case.patient.key)]
    assert "Called" not in "".join(AuditEvent.objects.values_list("details", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM worklists_workevent")
        (raw,) = cursor.fetchone()
    assert b"Called" not in bytes(raw)
    assert CANARY_NAMES[0] in page(sign_in("nurse"), stage, "?owner=me")
    assert CANARY_NAMES[0] not in page(sign_in("manager"), stage, "?owner=me")
    assert CANARY_NAMES[0] not in page(sign_in("nurse"), stage, "?owner=none")
    assert CANARY_NAMES[0] in page(sign_in("nurse"), stage, "?status=working")
    assert CANARY_NAMES[0] not in page(sign_in("nurse"), stage, "?status=todo")


def test_nobody_overwrites_what_they_have_not_seen(stage: Stage, sign_in: Callable[..., Client]) -> None:
    case = case_of(stage, CANARY_NAMES[0], "CMS135")
    assert change(sign_in("nurse"), stage, case, status="working").status_code == 302
    late = change(sign_in("manager"), stage, case, status="waiting", note="mine")
    assert late.status_code == 409
    assert ">\nmine</textarea>" in late.content.decode()
    assert WorkItem.objects.get().status == "working"
    assert change(sign_in("manager"), stage, case, status="waiting", version=1).status_code == 302
    assert change(sign_in("manager"), stage, case, status="closed", version=2).status_code == 400, "only a run closes"
    assert change(sign_in("manager"), stage, case, outcome="met", version=2).status_code == 400
    outsider = stage.people["other manager"].pk
    assert change(sign_in("manager"), stage, case, owner=outsider, version=2).status_code == 400


def test_many_at_once(stage: Stage, sign_in: Callable[..., Client]) -> None:
    client, address = sign_in("manager"), f"/practices/{stage.elm.key}/worklist/change/"
    change(sign_in("nurse"), stage, case_of(stage, CANARY_NAMES[0], "CMS135"), status="working")
    sent = {"everything": "on", "owner": stage.people["nurse"].pk}
    answer = client.post(f"{address}?window=all", sent)
    assert answer["Location"].endswith("/worklist/?window=all")
    items = list(WorkItem.objects.order_by("measure"))
    assert [(each.measure, each.status, str(each.owner)) for each in items] == [
        ("CMS135", "working", "Test Nurse"),
        ("CMS144", "open", "Test Nurse"),
        ("CMS2", "open", "Test Nurse"),
    ]
    assert Case.objects.filter(item__isnull=False).count() == 3
    assert WorkEvent.objects.count() == 4
    event = AuditEvent.objects.filter(kind="changed").first()
    assert event is not None
    assert '"rows":3' in event.details
    client.post(address, {"case": [case_of(stage, CANARY_NAMES[2], "CMS2").pk], "owner": "none", "due": "2027-11-30"})
    item = WorkItem.objects.get(measure="CMS2")
    assert (item.owner, item.due) == (None, dt.date(2027, 11, 30))
    for nothing in ({}, {"case": [1]}, {"everything": "on"}, {"case": ["x"], "status": "working"}, {"owner": "77"}):
        before = WorkEvent.objects.count()
        assert client.post(address, nothing).status_code == 302
        assert WorkEvent.objects.count() == before


def test_saved_filters_are_ones_own(stage: Stage, sign_in: Callable[..., Client]) -> None:
    address = f"/practices/{stage.elm.key}/worklist/filters/"
    sign_in("nurse").post(f"{address}?measure=CMS144&window=later&page=2&evil=1", {"name": " Later  ones "})
    saved = SavedFilter.objects.get()
    assert (saved.name, saved.query) == ("Later ones", {"window": "later", "measure": "CMS144"})
    assert "Later ones" in page(sign_in("nurse"), stage)
    assert "Later ones" not in page(sign_in("manager"), stage)
    assert sign_in("manager").post(f"{address}{saved.pk}/remove/").status_code == 404
    assert sign_in("nurse").post(f"{address}{saved.pk}/remove/").status_code == 302
    assert not SavedFilter.objects.exists()


def test_the_file_has_the_filter_and_is_an_event(stage: Stage, sign_in: Callable[..., Client]) -> None:
    address = f"/practices/{stage.elm.key}/worklist/worklist.csv"
    assert sign_in("attester", confirmed=False).get(address).status_code == 302, "asks for the password"
    assert sign_in("nurse").get(address).status_code == 403, "an editor may look, not take along"
    Patient.objects.filter(key=patient_key(CANARY_NAMES[0])).update(identifier="=CANARYPATIENT000ZZ")
    rows = list(csv.DictReader(io.StringIO(sign_in("attester").get(address).content.decode("utf-8-sig"))))
    assert [row["patient"] for row in rows] == ["'=CANARYPATIENT000ZZ"]
    assert rows[0]["missing"] == "Care: an ACE inhibitor ordered; Record: a reason recorded"
    assert (rows[0]["dollars"], rows[0]["last_day"], rows[0]["status"]) == ("12.5", "2027-12-31", "To do")
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.kind, event.details) == ("exported", '{"form":"csv","rows":1,"what":"worklist"}')
    assert sign_in("attester").get(address.replace(".csv", ".xlsx") + "?window=all").content[:2] == b"PK"


def many_cases(stage: Stage, count: int) -> None:
    """More cases of Elm, two ways each, as a publish makes them."""
    kind = GapKind.objects.first()
    start = (Gap.objects.order_by("-pk").first() or Gap(pk=0)).pk + 1
    first = Case.objects.order_by("-pk").first().pk + 1
    due = dt.date(2027, 12, 31)
    people = Patient.objects.bulk_create(
        Patient(id=10_000 + place, key=f"{place:032x}", identifier=f"more {place}") for place in range(count)
    )
    shared = {"run": stage.run, "practice": stage.elm, "measure": "CMS165", "group": 1, "due": due}
    Gap.objects.bulk_create(
        Gap(id=start + 2 * place + way, patient=person, kind="care", missing=kind, npis=f" {CLINICIAN_NPI} ", **shared)
        for place, person in enumerate(people)
        for way in range(2)
    )
    Case.objects.bulk_create(
        Case(
            id=first + place,
            patient=person,
            kind="care",
            ways=2,
            npis=f" {CLINICIAN_NPI} ",
            cents=100 * (place % 7),
            **shared,
        )
        for place, person in enumerate(people)
    )


@pytest.mark.parametrize("party", ["nurse", "clinician"])
def test_queries_do_not_grow_with_cases(party: str, stage: Stage, sign_in: Callable[..., Client]) -> None:
    client = sign_in(party)
    page(client, stage)
    with CaptureQueriesContext(connection) as few:
        page(client, stage)
    many_cases(stage, 300)
    with CaptureQueriesContext(connection) as more:
        page(client, stage)
    assert len(more) == len(few)
    assert len(more) <= 26, [each["sql"][:90] for each in more]


def test_changing_many_takes_a_fixed_number_of_queries(stage: Stage, sign_in: Callable[..., Client]) -> None:
    client, address = sign_in("manager"), f"/practices/{stage.elm.key}/worklist/change/"
    with CaptureQueriesContext(connection) as few:
        client.post(address, {"everything": "on", "status": "working"})
    many_cases(stage, 150)
    with CaptureQueriesContext(connection) as more:
        client.post(address, {"everything": "on", "status": "waiting"})
    assert WorkItem.objects.filter(status="waiting").count() == 151
    assert len(more) - len(few) <= 4, "a few more parts, not a query a case"


def everything(stage: Stage) -> Asked:
    """All of Elm's cases."""
    published = newest_worklist(stage.elm)
    assert published is not None
    selection = Selection(window="all")
    return asked_for(PatientScope(stage.elm, None), published, selection, today=dt.date(2027, 9, 1), me=0)


@pytest.mark.parametrize("sort", ["due", "worth"])
@pytest.mark.parametrize("size", [1, 7, 50, 400])
def test_pages_cover_the_list_once_forwards_and_backwards(stage: Stage, sort: str, size: int) -> None:
    many_cases(stage, 120)
    rows, asked = Case.objects.filter(practice=stage.elm), everything(stage)
    key = (lambda case: case.pk) if sort == "due" else (lambda case: (-(case.cents or 0), case.pk))
    right = [case.pk for case in sorted(rows, key=key)]
    forwards, after = [], ""
    while True:
        part = part_of(asked, sort=sort, after=after, size=size)
        forwards.append([case.pk for case in part.cases])
        assert bool(part.earlier) is bool(after)
        if not part.later:
            break
        after = part.later
    assert [pk for some in forwards for pk in some] == right
    backwards, before = [forwards[-1]], part.earlier
    while before:
        part = part_of(asked, sort=sort, before=before, size=size)
        backwards.append([case.pk for case in part.cases])
        before = part.earlier
    assert [pk for some in reversed(backwards) for pk in some] == right


@pytest.mark.parametrize("place", ["x", "1.2.3", "-", "9" * 40, "1e5", "."])
def test_a_place_that_is_none_gives_the_first_page(stage: Stage, place: str) -> None:
    asked = everything(stage)
    first = part_of(asked, sort="due")
    assert part_of(asked, sort="worth", after=place).cases
    assert part_of(asked, sort="due", after=place).cases == first.cases
    assert part_of(asked, sort="due", before=place).cases == first.cases


def test_a_selection_keeps_only_what_makes_sense() -> None:
    query = {"window": "always", "measure": "CMS1' --", "npi": "12", "owner": "9" * 30, "status": "x", "sort": "y"}
    assert selection_from(query).query == {}
    assert selection_from({"owner": "٣", "npi": "٣" * 10}).query == {}


def test_measures_nobody_is_scored_on_are_left_out_until_asked_for(
    stage: Stage, sign_in: Callable[..., Client]
) -> None:
    assert Case.objects.get(practice=stage.oak).scored, "somebody of Oak is in low back pain"
    for table in (Case, CaseCount):
        table.objects.filter(practice=stage.elm, measure="CMS135").update(scored=False)
    client = sign_in("nurse")
    usual = page(client, stage)
    assert CANARY_NAMES[0] not in usual
    assert "Nothing to do now" in usual
    assert "Measures on which nobody here is scored are left out" in usual
    for query in ("?scored=no", "?scored=all", "?measure=CMS135"):
        text = page(client, stage, query)
        assert CANARY_NAMES[0] in text, query
        assert "Nobody of this practice is scored on this measure" in text
    assert "No case matches" in page(client, stage, "?scored=no&window=past")
    today = client.get(f"/practices/{stage.elm.key}/today/").content.decode()
    assert "005 ACE inhibitor" not in today, "counts and sums follow"


def test_worklists_of_earlier_versions_are_marked_and_counted_anew(stage: Stage) -> None:
    migration = importlib.import_module("openasm.app.worklists.migrations.0006_scored")
    published = newest_worklist(stage.elm)
    assert published is not None
    assert (published.cases, published.lost) == (2, 1)
    ParticipantResult.objects.filter(practice=stage.elm, cohort="low_back_pain").delete()
    migration.fill(apps, SimpleNamespace(connection=connection))
    marked = Case.objects.filter(practice=stage.elm).values_list("measure", "scored").order_by("measure")
    assert list(marked) == [("CMS135", True), ("CMS144", True), ("CMS2", False)]
    assert list(CaseCount.objects.filter(practice=stage.elm, scored=False).values_list("measure", flat=True)) == [
        "CMS2"
    ]
    published.refresh_from_db()
    assert (published.cases, published.lost) == (2, 0)
