"""Calendar addresses and EHR credentials: they work while they should, end at once, and are recorded; CDS Hooks beside the workbench."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from openasm.app.audit.models import AuditEvent
from openasm.app.connections import actions, hooks
from openasm.app.connections.models import CalendarFeed, HookClient
from openasm.app.published.models import Patient
from openasm.app.sealing import patient_key
from openasm.clinical.terminology import Terminology
from openasm.quality.cds_hooks import PREFETCH, SERVICE, Application, CdsService
from openasm.quality.demonstration import demo_value_sets
from openasm.quality.evaluation import Job
from openasm.quality.specification import measure_ids, specification_for
from tests.app.conftest import Stage
from tests.app.run_folders import CANARY_NAMES, TINS


def test_a_calendar_reads_the_deadlines_until_its_address_ends(stage: Stage, sign_in: Callable[..., Client]) -> None:
    viewer, page = sign_in("viewer"), reverse("calendar", kwargs={"practice": stage.elm.key})
    made = viewer.post(page, {"do": "make"})
    address = made.context["address"].removeprefix("http://testserver")
    secret = address.removeprefix("/calendar/").removesuffix(".ics")
    assert secret not in str(CalendarFeed.objects.values().get())
    assert secret not in viewer.get(page).content.decode()
    response = Client().get(address)
    text = response.content.decode()
    assert response["Content-Type"].startswith("text/calendar")
    assert text.startswith("BEGIN:VCALENDAR\r\n")
    assert text.count("BEGIN:VEVENT") > 5
    assert not any(each in text for each in (*TINS, *CANARY_NAMES))
    again = viewer.post(page, {"do": "make"}).context["address"].removeprefix("http://testserver")
    assert Client().get(address).status_code == 404, "a new address ends the earlier one"
    assert Client().get(again).status_code == 200
    viewer.post(page, {"do": "end"})
    assert Client().get(again).status_code == 404
    kinds = list(AuditEvent.objects.values_list("kind", flat=True)[:3])
    assert kinds == ["token_revoked", "token_created", "token_created"]


def test_a_calendar_ends_with_the_membership_and_the_account(stage: Stage) -> None:
    nurse = stage.people["nurse"]
    address = reverse("calendar_feed", kwargs={"secret": actions.make_feed(user=nurse, practice=stage.elm)})
    assert Client().get(address).status_code == 200
    nurse.is_active = False
    nurse.save()
    assert Client().get(address).status_code == 404
    nurse.is_active = True
    nurse.save()
    nurse.memberships.all().delete()
    assert Client().get(address).status_code == 404


@pytest.fixture(scope="module")
def service() -> Application:
    specifications = tuple(specification_for(name, 2026) for name in measure_ids())
    codes = {name: codes for name, (_, codes) in demo_value_sets().items()}
    singles = {name: pair for each in specifications for name, pair in each.codes.items()}
    job = Job(specifications, Terminology(codes, singles), 2026)
    return Application(CdsService(job, lambda: dt.date(2026, 6, 1)))


def call(application: hooks.Wsgi, method: str, path: str, secret: str = "", body: bytes = b"") -> tuple[str, Any]:
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **({"HTTP_AUTHORIZATION": f"Bearer {secret}"} if secret else {}),
    }
    answer = b"".join(application(environ, lambda status, _: statuses.append(status)))
    return statuses[0], json.loads(answer)


@pytest.fixture
def beside(service: Application, monkeypatch: pytest.MonkeyPatch) -> hooks.Wsgi:
    def workbench(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b'"the workbench"']

    monkeypatch.setattr(hooks, "close_old_connections", lambda: None)  # the test's transaction lives in the connection
    return hooks.beside(workbench, service)


def test_an_ehr_calls_with_its_own_secret(stage: Stage, beside: hooks.Wsgi) -> None:
    operator = stage.people["operator"]
    client, secret = actions.make_hook_client(name="Made-up EHR", by=operator)
    assert secret not in str(HookClient.objects.values().get())
    assert call(beside, "GET", "/practices/") == ("200 OK", "the workbench")
    assert call(beside, "GET", "/cds-services-elsewhere") == ("200 OK", "the workbench")
    for wrong in ("", "cds_wrong"):
        status, body = call(beside, "GET", "/cds-services", wrong)
        assert (status, body["error"]["code"]) == ("401 Unauthorized", "credentials_required")
    status, found = call(beside, "GET", "/cds-services", secret)
    assert (status, found["services"][0]["id"]) == ("200 OK", SERVICE)
    request = {
        "hook": "patient-view",
        "hookInstance": "test",
        "context": {"patientId": CANARY_NAMES[0]},
        "prefetch": {**dict.fromkeys(PREFETCH), "patient": {"resourceType": "Patient", "id": CANARY_NAMES[0]}},
    }
    before = AuditEvent.objects.count()
    status, answer = call(beside, "POST", f"/cds-services/{SERVICE}", secret, json.dumps(request).encode())
    assert (status, answer) == ("200 OK", {"cards": []})
    event = AuditEvent.objects.first()
    assert AuditEvent.objects.count() == before + 1
    assert event is not None
    assert (event.kind, event.who, "Made-up EHR" in event.details) == ("patient_viewed", "", True)
    assert event.subject == Patient.objects.get(key=patient_key(CANARY_NAMES[0])).key, "as pages name this patient"
    assert "CANARY" not in f"{event.subject}{event.details}"
    for wrong in (
        b"not json",
        b"[" * 100_000,
        b"[]",
        b'{"context": {"patientId": 7}}',
        b'{"context": {"patientId": ""}}',
    ):
        assert call(beside, "POST", f"/cds-services/{SERVICE}", secret, wrong)[0] == "400 Bad Request"
        event = AuditEvent.objects.first()
        assert event is not None
        assert (event.kind, event.subject, event.outcome) == ("patients_viewed", "", "refused")
    actions.end_hook_client(client=client, by=operator)
    assert call(beside, "GET", "/cds-services", secret)[0] == "401 Unauthorized"


def test_credentials_of_ehrs_are_made_by_operators_after_confirming(
    stage: Stage, sign_in: Callable[..., Client]
) -> None:
    page = reverse("hook_clients")
    assert sign_in("operator", confirmed=False).post(page, {"name": "EHR"}).status_code == 302
    assert not HookClient.objects.exists()
    client = sign_in("operator")
    secret = client.post(page, {"name": "EHR"}).context["secret"]
    assert actions.hook_client_of(secret) == HookClient.objects.get()
    client.post(reverse("end_hook_client", kwargs={"client": HookClient.objects.get().pk}))
    assert actions.hook_client_of(secret) is None


def test_without_a_database_an_ehr_is_told_so(beside: hooks.Wsgi, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> None:
        raise OperationalError

    monkeypatch.setattr(hooks, "hook_client_of", broken)
    status, body = call(beside, "GET", "/cds-services", "cds_any")
    assert (status, body["error"]["code"]) == ("503 Service Unavailable", "database_unavailable")
