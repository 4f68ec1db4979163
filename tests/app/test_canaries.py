"""Patients planted in the run and in what people send never show up where they must not: addresses, logs, error pages, headers,
events, caches, sessions.
"""

from __future__ import annotations

import io
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.cache.backends.filebased import FileBasedCache
from django.test import Client
from django.urls import resolve, reverse

from openasm.app.access.permissions import Permission
from openasm.app.audit.models import AuditEvent
from openasm.app.look.logs import OneLine
from openasm.app.people import actions
from openasm.app.sealing import patient_key
from openasm.app.worklists.models import Case, WorkEvent
from tests.app.access_table import ACCESS
from tests.app.conftest import PARTS, Stage
from tests.app.run_folders import CANARY_NAMES

LINK = re.compile(r'(?:href|action|hx-get|hx-post)="([^"#]*)')
# Pages made to show patients; everywhere else an identifier is a leak. Names of URLs.
PATIENT_PAGES = frozenset(
    {
        *("episodes", "episode", "attributed_patients", "episodes_file", "patients_file"),
        *("worklist", "worklist_patient", "worklist_history", "worklist_file"),
        *("primary_care", "primary_care_patient", "primary_care_file", "telehealth", "telehealth_file"),
        *("arrangement_shared", "arrangement_shared_file"),
    }
)


API_OF_PATIENTS = frozenset({"api_gaps", "api_episodes"})
SENT = "CANARYPATIENT999ZZ"  # what somebody types
FIELDS = (
    *("q", "find", "patient", "note", "name", "email", "login", "password", "evidence", "owner", "subject", "text"),
    *("message", "reason", "content", "comment", "title", "filter", "role", "query", "organization"),
)


class Noted(FileBasedCache):
    """The cache of a server, which keeps in mind what was put into it."""

    written: ClassVar[list[str]] = []

    def set(self, key: str, value: object, *rest: object, **named: object) -> None:
        self.written.append(f"{key} {value!r}")
        super().set(key, value, *rest, **named)


@pytest.fixture
def cached(settings: object, tmp_path: Path) -> list[str]:
    """What the kind of cache that servers have is given."""
    Noted.written = []
    backend = f"{__name__}.Noted"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path / "limits")}}  # type: ignore[attr-defined]
    return Noted.written


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the workbench writes to the terminal, by its own handler: all of it, also what it would leave out."""
    root = logging.getLogger()
    handler = next(each for each in root.handlers if isinstance(each.formatter, OneLine))
    assert isinstance(handler, logging.StreamHandler)
    text, level = io.StringIO(), root.level
    before = handler.setStream(text)
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(level)
    handler.setStream(before)


def nothing_kept(log: io.StringIO, cached: list[str]) -> None:
    """No planted patient in logs, events, sessions and caches."""
    assert "CANARY" not in log.getvalue()
    for event in AuditEvent.objects.all():
        assert "CANARY" not in f"{event.who}{event.subject}{event.details}{event.practice}"
    for session in Session.objects.all():
        assert "CANARY" not in repr(session.get_decoded())
    assert "CANARY" not in repr(cached)


def crawl(client: Client, start: str) -> dict[str, tuple[int, str, str]]:
    """Every page that links lead to from a page, with a few of its filters, as (status, body, headers) by address."""
    seen: dict[str, tuple[int, str, str]] = {}
    visits: Counter[str] = Counter()
    waiting = [start]
    while waiting and len(seen) < 300:
        address = waiting.pop()
        path = address.partition("?")[0]
        if address in seen or not address.startswith("/") or address.startswith("/static/") or visits[path] >= 3:
            continue
        visits[path] += 1
        response = client.get(address)
        kind = response.headers.get("Content-Type", "")
        body = response.content.decode(errors="replace") if "text" in kind or "json" in kind else ""
        seen[address] = (response.status_code, body, repr(dict(response.headers)))
        links = [*LINK.findall(body.replace("&amp;", "&")), response.headers.get("Location", "")]
        waiting += [address.split("?")[0] + link if link.startswith("?") else link for link in links]
    return seen


@pytest.mark.parametrize("party", sorted(PARTS))
def test_no_patient_outside_the_pages_made_for_patients(
    party: str, stage: Stage, sign_in: Callable[..., Client], log: io.StringIO, cached: list[str]
) -> None:
    client = sign_in(party)
    pages = crawl(client, "/")
    assert len(pages) > 2
    for address, (status, body, headers) in pages.items():
        assert status < 500, address
        assert "CANARYPATIENT" not in address
        assert "CANARYPATIENT" not in headers, address
        if status == 404 or resolve(address.partition("?")[0]).view_name not in PATIENT_PAGES:
            assert "CANARYPATIENT" not in body, address
    nothing_kept(log, cached)


def test_what_people_send_is_kept_nowhere_else(
    stage: Stage, sign_in: Callable[..., Client], log: io.StringIO, cached: list[str]
) -> None:
    """Every form of the workbench with a patient in every field, wherever it is sent."""
    client = sign_in("manager")
    everything = dict.fromkeys(FIELDS, SENT)
    stage.removable_membership = 0  # type: ignore[attr-defined]
    for name, entry in ACCESS.items():
        if entry.post == 405 or name == "account_logout":
            continue
        arguments = {key: value(stage) for key, value in entry.arguments.items()}
        if entry.kind == "practice":
            arguments["practice"] = stage.elm.key
        response = client.post(reverse(name, kwargs=arguments), everything)
        assert response.status_code < 500, name
        assert "CANARY" not in repr(dict(response.headers)), name
    Client().post(reverse("account_login"), {"login": f"{SENT}@example.test", "password": SENT})
    assert cache.get("nothing") is None
    assert cached, "signing in is limited by what the cache holds"
    assert AuditEvent.objects.filter(kind="sign_in_failed").exists()
    nothing_kept(log, cached)


def test_a_note_is_on_its_patients_page_alone_and_sealed(
    stage: Stage, sign_in: Callable[..., Client], log: io.StringIO, cached: list[str]
) -> None:
    client, case = sign_in("manager"), Case.objects.get(patient__key=patient_key(CANARY_NAMES[0]), measure="CMS135")
    place = reverse("worklist_patient", kwargs={"practice": stage.elm.key, "patient": case.patient.key})
    sent = {"status": "open", "owner": "", "outcome": "", "due": "", "note": f"{SENT} called", "version": 0}
    done = client.post(f"{place}cases/{case.pk}/", {f"case-{case.pk}-{name}": each for name, each in sent.items()})
    assert done.status_code == 302
    assert WorkEvent.objects.get().note == f"{SENT} called"
    shown = {
        resolve(path.partition("?")[0]).view_name for path, (_, body, _) in crawl(client, "/").items() if SENT in body
    }
    assert shown <= {"worklist_patient"}
    assert SENT in client.get(place).content.decode()
    nothing_kept(log, cached)


def test_programs_see_patients_only_where_patients_are(stage: Stage, log: io.StringIO, cached: list[str]) -> None:
    _, secret = actions.create_token(user=stage.people["manager"], name="test", scopes=tuple(Permission))
    headers = {"Authorization": f"Bearer {secret}"}
    for name, entry in ACCESS.items():
        if entry.kind == "token":
            address = reverse(name, kwargs={"practice": stage.elm.key} if entry.of_practice else {})
            assert "CANARY" not in Client().get(address, headers=headers).content.decode(), name
            text = Client().get(f"{address}?identifiers=true", headers=headers).content.decode()
            assert ("CANARY" in text) == (name in API_OF_PATIENTS), name
    wrong = ("/api/v1/CANARY/", f"/api/v1/practices/{stage.elm.key}/gaps?limit=CANARY", "/api/v1/practices/CANARY/gaps")
    for address in wrong:
        answer = Client().get(address, headers=headers)
        assert 400 <= answer.status_code < 500
        assert "CANARY" not in answer.content.decode(), address
    nothing_kept(log, cached)


def test_a_log_names_a_page_and_never_its_address(
    stage: Stage, sign_in: Callable[..., Client], log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is refused or fails: what is not there, a form without its token, too many fields, a failure within."""
    client = sign_in("manager")
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)

    def failing(*args: object, **kwargs: object) -> None:
        raise ValueError("patient CANARY has no date")

    monkeypatch.setattr("openasm.app.practices.views._risk_levels", failing)
    elm = f"/practices/{stage.elm.key}"
    too_many = {f"{SENT}{number}": SENT for number in range(2_001)}
    asked = [
        (client.get("/CANARY/1EG4TE5MK73?q=CANARY"), "no such address 404"),
        (client.get("/practices/CANARY/?patient=CANARY"), "practice 404"),
        (client.get(f"{elm}/worklist/patients/CANARY/"), "worklist_patient 404"),
        (client.get("/invitation/CANARY/"), "invitation 404"),
        (client.get("/calendar/CANARY.ics"), "calendar_feed 404"),
        (client.post(f"{elm}/today/?q=CANARY"), "today 405"),
        (sign_in("viewer").get(f"{elm}/worklist/?q=CANARY"), "worklist 403"),
        (strict.post("/account/sign-in/?next=/CANARY/", {"login": SENT}), "account_login 403"),
        (client.post(f"{elm}/members/?q=CANARY", too_many), "members 400"),
        (client.get(f"{elm}/?q=CANARY"), "practice 500"),
    ]
    for answer, words in asked:
        assert str(answer.status_code) == words[-3:], words
        line = next(each for each in log.getvalue().splitlines() if each.endswith(words) or f"{words} |" in each)
        assert answer["X-Request-ID"] in line
    logging.getLogger("waitress").error("Exception while serving /practices/CANARY/")
    logging.getLogger("django.security.Other").error("CANARY")
    assert "waitress: Exception" in log.getvalue()
    assert "CANARY" not in log.getvalue()
    assert "1EG4TE5MK73" not in log.getvalue()


def test_an_error_page_shows_nothing_of_the_failure(
    stage: Stage, sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*args: object, **kwargs: object) -> None:
        raise ValueError("patient CANARYPATIENT000ZZ has no date")

    monkeypatch.setattr("openasm.app.practices.views._risk_levels", failing)
    response = sign_in("manager").get(f"/practices/{stage.elm.key}/")
    assert response.status_code == 500
    assert b"CANARY" not in response.content
    assert b"Number of this request" in response.content
    assert "no-store" in response["Cache-Control"]


def test_a_log_line_keeps_the_place_of_a_failure_but_not_its_message() -> None:
    try:
        raise ValueError("patient CANARYPATIENT000ZZ\nsecond line")
    except ValueError:
        record = logging.getLogger("x").makeRecord("x", 40, "f", 1, "failed\nhere", (), __import__("sys").exc_info())
    line = OneLine("%(message)s").format(record)
    assert "CANARY" not in line
    assert "ValueError in" in line
    assert "\n" not in line


def test_everything_that_is_not_static_is_never_stored(stage: Stage, sign_in: Callable[..., Client]) -> None:
    for address, (_, _, headers) in crawl(sign_in("manager"), "/").items():
        assert "no-store" in headers, address
        assert "script-src 'self'" in headers, address
        assert "unsafe-inline" not in headers, address


def test_a_database_that_is_away_gives_a_clear_page(
    sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    client = sign_in("manager")

    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("could not connect to server at 10.0.0.7")

    monkeypatch.setattr("openasm.app.people.sessions.SessionStore.load", away)
    response = client.get("/")
    assert response.status_code == 503
    assert response["Retry-After"] == "60"
    assert b"database is not available" in response.content
    assert b"10.0.0.7" not in response.content
