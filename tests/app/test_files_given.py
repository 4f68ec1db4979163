"""Every address that gives a file asks for the password or passkey again and leaves its event; so does every view of patients."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from openasm.app.access.rules import rule_of
from openasm.app.audit.models import AuditEvent
from openasm.app.published.models import Run
from openasm.app.published.publish import publish_run
from tests.app.access_table import ACCESS
from tests.app.conftest import Stage
from tests.app.own_things import things_of
from tests.app.run_folders import CANARY_NAMES, write_small_run
from tests.app.test_access_matrix import patterns

RULES = {str(pattern.name): rule_of(pattern.callback) for pattern in patterns()}
# Files that nobody is asked to confirm for, and why.
UNASKED = {
    "readiness_calendar": "the year's days, which name no patient and no result",
    "calendar_feed": "the same days, for calendar programs, which cannot be asked",
    "mfa_download_recovery_codes": "allauth asks by itself",
}
ASKING = sorted(
    name
    for name, rule in RULES.items()
    if rule is not None and rule.confirm and ACCESS[name].get != 405 and name != "attestation_sign"
)
OF_PATIENTS = sorted(
    name
    for name, rule in RULES.items()
    if rule is not None and rule.patients and not rule.confirm and ACCESS[name].get != 405 and rule.kind == "practice"
)
OF_ONE = {"worklist_patient", "primary_care_patient", "episode"}


@pytest.fixture
def addresses(stage: Stage, settings: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """The address of a name, of things that are there, with two runs to compare and a copy of the last."""
    settings.DATA = tmp_path  # type: ignore[attr-defined]
    publish_run(write_small_run(tmp_path / "later", shift=1.0), by=None)
    things = things_of(stage.elm, by=stage.people["manager"])
    monkeypatch.setattr("openasm.report.files.write_report", lambda *_, out, **__: out.write_bytes(b"%PDF"))

    def address(name: str) -> str:
        rest = things.get(name) or {key: value(stage) for key, value in ACCESS[name].arguments.items()}
        here = {"practice": stage.elm.key} if ACCESS[name].kind == "practice" or ACCESS[name].of_practice else {}
        return reverse(name, kwargs={**here, **rest})

    assert Run.objects.count() == 2
    return address


def test_every_address_that_gives_a_file_is_one_that_asks(
    addresses: Callable[[str], str], sign_in: Callable[..., Client]
) -> None:
    client, files = sign_in("manager"), set()
    for name, entry in ACCESS.items():
        if entry.get == 405 or entry.kind in ("token", "everybody"):
            continue
        with transaction.atomic():
            answer = client.get(addresses(name))
            transaction.set_rollback(True)
        if "attachment" in answer.get("Content-Disposition", ""):
            files.add(name)
    assert files - set(UNASKED) == set(ASKING)
    assert "readiness_calendar" in files


@pytest.mark.parametrize("name", ASKING)
def test_a_file_is_given_after_confirming_and_noted(
    name: str, addresses: Callable[[str], str], sign_in: Callable[..., Client]
) -> None:
    exports = AuditEvent.objects.filter(kind="exported")
    asked = sign_in("manager", confirmed=False).get(addresses(name))
    assert asked.status_code == 302
    assert "/account/confirm/" in asked["Location"] or "reauthenticate" in asked["Location"]
    assert not exports.exists()
    given = sign_in("manager").get(addresses(name))
    assert given.status_code == 200
    assert given["Content-Disposition"].startswith("attachment")
    event = exports.get()
    assert event.who == "manager@example.test"
    assert set(json.loads(event.details)) == {"what", "rows", "form"}


def test_the_calendar_is_noted_too(addresses: Callable[[str], str], sign_in: Callable[..., Client]) -> None:
    assert sign_in("viewer", confirmed=False).get(addresses("readiness_calendar")).status_code == 200
    assert AuditEvent.objects.filter(kind="exported").count() == 1


@pytest.mark.parametrize("name", OF_PATIENTS)
def test_seeing_patients_is_noted(name: str, addresses: Callable[[str], str], sign_in: Callable[..., Client]) -> None:
    seen = AuditEvent.objects.filter(kind__in=("patients_viewed", "patient_viewed"))
    response = sign_in("manager").get(addresses(name))
    assert response.status_code == 200
    event = seen.get()
    assert event.kind == ("patient_viewed" if name in OF_ONE else "patients_viewed")
    assert (len(event.subject) == 32) == (name in OF_ONE)
    if any(each in response.content.decode() for each in CANARY_NAMES):
        assert name in OF_ONE or json.loads(event.details)["rows"] > 0
