"""Pages that change other people's access: accounts on and off, sessions, roles; systems and their roll-up."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from openasm.app.access.permissions import Permission, Role, has_permission
from openasm.app.audit.models import AuditEvent
from openasm.app.people import actions, administration
from openasm.app.people.models import Membership, Practice, System, User
from openasm.base.errors import WrongUsage
from tests.app.conftest import CLINICIAN_NPI, Stage, make_person, signed_in_client

SignIn = Callable[..., Client]


def said(kind: str) -> dict[str, object]:
    """The details of the newest event of a kind, with who did it."""
    event = AuditEvent.objects.filter(kind=kind).first()
    assert event is not None, kind
    return {**json.loads(event.details or "{}"), "by": event.who, "practice": event.practice}


def test_an_account_is_switched_off_and_on(stage: Stage, sign_in: SignIn) -> None:
    nurse, operator = stage.people["nurse"], sign_in("operator")
    inside = sign_in("nurse")
    _, secret = actions.create_token(user=nurse, name="nightly", scopes=[Permission.SEE_SCORES])
    assert inside.get("/account/").status_code == 200
    page = operator.get("/installation/accounts/?q=nurse").content.decode()
    assert "Test Nurse" in page
    assert "Test Viewer" not in page
    assert operator.post(f"/installation/accounts/{nurse.pk}/switch/", {"to": "off"}).status_code == 302
    assert inside.get("/account/").status_code == 302
    assert actions.user_of_token(secret) is None
    assert said("account_switched_off")["member"] == nurse.email
    assert "switched off" in operator.get("/installation/accounts/?q=nurse").content.decode()
    operator.post(f"/installation/accounts/{nurse.pk}/switch/", {"to": "on"})
    assert said("account_switched_on") == {
        "member": nurse.email,
        "by": stage.people["operator"].email,
        "practice": "",
    }
    assert inside.get("/account/").status_code == 302, "a session that ended stays ended"
    assert actions.user_of_token(secret) is None
    assert signed_in_client(User.objects.get(pk=nurse.pk)).get("/account/").status_code == 200


def test_somebody_can_always_undo_it(stage: Stage) -> None:
    operator = stage.people["operator"]
    with pytest.raises(WrongUsage, match="own account"):
        administration.switch_account(user=operator, on=False, by=operator)
    second = make_person("second operator", operator=True)
    administration.switch_account(user=operator, on=False, by=second)
    with pytest.raises(WrongUsage, match="last operator"):
        administration.switch_account(user=second, on=False, by=operator)


def test_sessions_of_a_member_are_ended_by_administrators_and_operators(stage: Stage, sign_in: SignIn) -> None:
    nurse = stage.people["nurse"]
    membership = nurse.memberships.get()
    for party, address in (
        ("manager", f"/practices/{stage.elm.key}/members/{membership.pk}/sessions/"),
        ("operator", f"/installation/accounts/{nurse.pk}/sessions/"),
    ):
        inside = signed_in_client(User.objects.get(pk=nurse.pk))
        assert inside.get("/account/").status_code == 200
        assert sign_in(party).post(address).status_code == 302
        assert inside.get("/account/").status_code == 302, party
        assert said("sessions_ended")["by"] == stage.people[party].email


def test_a_role_is_changed(stage: Stage, sign_in: SignIn) -> None:
    nurse = stage.people["nurse"]
    membership = nurse.memberships.get()
    inside, manager = sign_in("nurse"), sign_in("manager")
    address = f"/practices/{stage.elm.key}/members/{membership.pk}/role/"
    assert manager.get(address).status_code == 200
    assert b"check digit" in manager.post(address, {"role": "clinician", "npi": "1"}).content
    assert manager.post(address, {"role": "clinician", "npi": CLINICIAN_NPI}).status_code == 302
    membership.refresh_from_db()
    assert (membership.role, membership.npi) == ("clinician", CLINICIAN_NPI)
    assert inside.get("/account/").status_code == 302
    event = said("member_changed")
    assert (event["before"], event["role"], event["practice"]) == ("editor", "clinician", stage.elm.key)
    assert manager.post(address, {"role": "attester", "npi": CLINICIAN_NPI}).status_code == 302
    membership.refresh_from_db()
    assert (membership.role, membership.npi) == ("attester", ""), "only a clinician has an NPI"


def test_a_role_of_another_practice_is_not_found(stage: Stage, sign_in: SignIn) -> None:
    there = stage.people["other manager"].memberships.get()
    for what in ("role", "sessions"):
        address = f"/practices/{stage.elm.key}/members/{there.pk}/{what}/"
        assert sign_in("manager").post(address, {"role": "viewer"}).status_code == 404


def test_a_practice_keeps_an_administrator_who_may_sign_in(stage: Stage) -> None:
    manager, membership = stage.people["other manager"], stage.people["other manager"].memberships.get()
    with pytest.raises(WrongUsage, match="last administrator"):
        administration.change_role(membership=membership, role=Role.VIEWER, by=manager)
    second = make_person("second manager")
    actions.add_member(user=second, role=Role.ADMINISTRATOR, practice=stage.oak, by=manager)
    User.objects.filter(pk=second.pk).update(is_active=False)
    with pytest.raises(WrongUsage, match="last administrator"):
        administration.change_role(membership=membership, role=Role.VIEWER, by=manager)
    User.objects.filter(pk=second.pk).update(is_active=True)
    administration.change_role(membership=membership, role=Role.VIEWER, by=manager)
    assert Membership.objects.get(pk=membership.pk).role == "viewer"


def test_the_same_role_twice_is_refused(stage: Stage) -> None:
    nurse, manager = stage.people["nurse"], stage.people["manager"]
    actions.add_member(user=nurse, role=Role.VIEWER, practice=stage.elm, by=manager)
    with pytest.raises(WrongUsage, match="already"):
        administration.change_role(membership=nurse.memberships.get(role="editor"), role=Role.VIEWER, by=manager)


def test_operators_make_a_system_and_its_people(
    stage: Stage, sign_in: SignIn, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    operator = sign_in("operator")
    answer = operator.post("/installation/systems/", {"name": "Hill System"})
    hill = System.objects.get(name="Hill System")
    assert answer["Location"] == f"/installation/systems/{hill.key}/"
    assert said("system_created")["system"] == "Hill System"
    place = f"/installation/systems/{hill.key}/practices/"
    operator.post(place, {"tin": "90-0000002"})
    assert Practice.objects.get(pk=stage.oak.pk).system == hill
    operator.post(place, {"tin": stage.elm.tin})
    assert Practice.objects.get(pk=stage.elm.pk).system == stage.grove, "it belongs to another system"
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        operator.post(f"/installation/systems/{hill.key}/", {"email": "chief@example.test", "role": "viewer"})
    assert "Hill System" in mail.outbox[0].subject
    secret = mail.outbox[0].body.split("/invitation/")[1].split("/")[0]
    chief = actions.accept_invitation(secret=secret, name="Test Chief", password="a long enough phrase")
    assert has_permission(chief, Permission.SEE_SCORES, practice=Practice.objects.get(pk=stage.oak.pk))
    assert not has_permission(chief, Permission.SEE_SCORES, practice=stage.elm)
    operator.post(place, {"out": stage.oak.key})
    assert Practice.objects.get(pk=stage.oak.pk).system is None
    assert not has_permission(
        User.objects.get(pk=chief.pk), Permission.SEE_SCORES, practice=Practice.objects.get(pk=stage.oak.pk)
    )
    membership = chief.memberships.get()
    operator.post(f"/installation/systems/{hill.key}/members/{membership.pk}/remove/")
    assert not chief.memberships.exists()


def test_members_of_a_system_see_it_rolled_up(stage: Stage, sign_in: SignIn) -> None:
    Practice.objects.filter(pk=stage.oak.pk).update(system=stage.grove)
    page = sign_in("system manager").get(f"/systems/{stage.grove.key}/").content.decode()
    assert stage.elm.name in page
    assert stage.oak.name in page
    both = stage.elm.results.get().participants + stage.oak.results.get().participants
    assert f'<span class="figure">{both}</span>' in page
    assert stage.elm.tin not in page, "a TIN may be a social security number"
    assert "all practices together" in sign_in("system manager").get("/").content.decode()
    for party in ("manager", "other manager", "nurse", "viewer", "clinician", "outsider", "operator"):
        assert sign_in(party).get(f"/systems/{stage.grove.key}/").status_code == 404, party
    assert sign_in("anonymous").get(f"/systems/{stage.grove.key}/").status_code == 302


def test_the_roll_up_asks_little_however_many_practices(
    stage: Stage, sign_in: SignIn, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = sign_in("system manager")
    for number in range(12):
        Practice.objects.create(tin=f"90001{number:04d}", name=f"Test Practice {number}", system=stage.grove)
    with django_assert_num_queries(7):
        assert client.get(f"/systems/{stage.grove.key}/").status_code == 200
