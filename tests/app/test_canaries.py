"""Patients planted in the run never show up where they must not: addresses, logs, error pages, headers, events, caches."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import resolve

from openasm.app.audit.models import AuditEvent
from openasm.app.look.logs import AddRequestNumber, OneLine
from tests.app.conftest import PARTS, Stage

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
    party: str, stage: Stage, sign_in: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = sign_in(party)
    pages = crawl(client, "/")
    client.get("/practices/CANARY/nothing/?q=")
    client.post(f"/practices/{stage.elm.key}/members/", {"email": "CANARYPATIENT000ZZ", "role": "x"})
    assert len(pages) > 2
    for address, (status, body, headers) in pages.items():
        assert status < 500, address
        assert "CANARYPATIENT" not in address
        assert "CANARYPATIENT" not in headers, address
        if status == 404 or resolve(address.partition("?")[0]).view_name not in PATIENT_PAGES:
            assert "CANARYPATIENT" not in body, address
    assert "CANARYPATIENT" not in caplog.text
    for event in AuditEvent.objects.all():
        assert "CANARYPATIENT" not in f"{event.who}{event.subject}{event.details}"
    assert "CANARYPATIENT" not in repr(getattr(cache, "_cache", {}))


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
    AddRequestNumber().filter(record)
    line = OneLine("%(request_number)s %(message)s").format(record)
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
