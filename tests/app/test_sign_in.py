"""Signing in: second factor forced, nothing told about who has an account, sessions end, rates limited, tokens narrow."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from openasm.app.access.permissions import Permission, Role, has_permission
from openasm.app.audit.models import AuditEvent
from openasm.app.people import actions
from openasm.app.people.models import ApiToken, Invitation, User
from openasm.base.errors import NotFound, WrongUsage
from tests.app.conftest import PASSWORD, Stage, make_person, signed_in_client

SIGN_IN = "/account/sign-in/"


@pytest.fixture(autouse=True)
def _no_rates_from_other_tests() -> None:
    cache.clear()


def test_password_alone_does_not_sign_in(stage: Stage) -> None:
    client = Client()
    response = client.post(SIGN_IN, {"login": "nurse@example.test", "password": PASSWORD})
    assert response["Location"].startswith("/account/second-factor/authenticate/")
    assert client.get(f"/practices/{stage.elm.key}/").status_code == 302


def test_without_a_second_factor_only_its_pages_answer(stage: Stage) -> None:
    user = make_person("new nurse", second_factor=False)
    actions.add_member(user=user, role=Role.EDITOR, practice=stage.elm, by=None)
    client = signed_in_client(user)
    assert client.get(f"/practices/{stage.elm.key}/")["Location"] == "/account/second-factor/"
    assert client.get("/account/second-factor/").status_code == 200
    assert client.get("/account/tokens/").status_code == 302


def test_a_viewer_needs_no_second_factor(stage: Stage) -> None:
    user = make_person("new viewer", second_factor=False)
    actions.add_member(user=user, role=Role.VIEWER, practice=stage.elm, by=None)
    assert signed_in_client(user).get(f"/practices/{stage.elm.key}/").status_code == 200


def test_nothing_tells_whether_an_account_exists(stage: Stage) -> None:
    def answer(path: str, data: dict[str, str]) -> tuple[int, str]:
        response = Client().post(path, data)
        body = response.content.decode() if response.status_code == 200 else response["Location"]
        for text in data.values():
            body = body.replace(text, "")
        body = "\n".join(line for line in body.splitlines() if "csrf" not in line)
        return response.status_code, body

    known, unknown = "nurse@example.test", "nobody@example.test"
    assert answer(SIGN_IN, {"login": known, "password": "wrong"}) == answer(
        SIGN_IN, {"login": unknown, "password": "wrong"}
    )
    assert answer("/account/password/reset/", {"email": known}) == answer(
        "/account/password/reset/", {"email": unknown}
    )


def test_guessing_is_slowed_down(stage: Stage) -> None:
    client = Client()
    bodies = [
        client.post(SIGN_IN, {"login": "nurse@example.test", "password": f"wrong {place}"}).content.decode()
        for place in range(8)
    ]
    assert "Too many failed login attempts" in bodies[-1]
    response = client.post(SIGN_IN, {"login": "nurse@example.test", "password": PASSWORD})
    assert response.status_code == 200, "even the right password waits"


def test_a_failed_sign_in_is_noted_without_what_was_typed(stage: Stage) -> None:
    Client().post(SIGN_IN, {"login": "mypassword@example.test", "password": "wrong"})
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.kind, event.who, event.details) == ("sign_in_failed", "", "")


@pytest.mark.parametrize(("minutes", "still"), [(29, True), (31, False)])
def test_an_idle_session_ends(stage: Stage, minutes: int, still: bool) -> None:
    with time_machine.travel(dt.datetime(2027, 5, 1, 8, tzinfo=dt.UTC), tick=False) as clock:
        client = signed_in_client(stage.people["viewer"])
        clock.shift(dt.timedelta(minutes=minutes))
        assert (client.get(f"/practices/{stage.elm.key}/").status_code == 200) is still


def test_a_session_in_use_ends_after_twelve_hours(stage: Stage) -> None:
    with time_machine.travel(dt.datetime(2027, 5, 1, 8, tzinfo=dt.UTC), tick=False) as clock:
        client = signed_in_client(stage.people["viewer"])
        answers = []
        for _ in range(38):
            clock.shift(dt.timedelta(minutes=20))
            answers.append(client.get(f"/practices/{stage.elm.key}/").status_code)
    assert answers.index(302) == 36  # 36 x 20 minutes are 12 hours; the next request is past them


def test_a_clock_set_back_ends_a_session(stage: Stage) -> None:
    with time_machine.travel(dt.datetime(2027, 5, 1, 8, tzinfo=dt.UTC), tick=False) as clock:
        client = signed_in_client(stage.people["viewer"])
        clock.shift(dt.timedelta(hours=-1))
        assert client.get(f"/practices/{stage.elm.key}/").status_code == 302


def test_ending_all_sessions_keeps_ones_own(stage: Stage) -> None:
    here, elsewhere = signed_in_client(stage.people["viewer"]), signed_in_client(stage.people["viewer"])
    here.post("/account/sessions/end/")
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


def test_somebody_switched_off_is_out_at_once(stage: Stage) -> None:
    client = signed_in_client(stage.people["nurse"])
    _, secret = actions.create_token(user=stage.people["nurse"], name="t", scopes=[Permission.SEE_SCORES])
    actions.switch_off(user=stage.people["nurse"], by=stage.people["operator"])
    assert client.get("/account/").status_code == 302
    assert actions.user_of_token(secret) is None


def test_removing_a_member_ends_access_at_once(stage: Stage) -> None:
    client = signed_in_client(stage.people["nurse"])
    membership = stage.people["nurse"].memberships.get()
    actions.remove_member(membership=membership, by=stage.people["manager"])
    assert (
        signed_in_client(User.objects.get(pk=stage.people["nurse"].pk)).get(f"/practices/{stage.elm.key}/").status_code
        == 404
    )
    assert client.get(f"/practices/{stage.elm.key}/").status_code == 302


def test_the_last_administrator_stays(stage: Stage) -> None:
    membership = stage.people["other manager"].memberships.get()
    with pytest.raises(WrongUsage, match="last administrator"):
        actions.remove_member(membership=membership, by=stage.people["other manager"])


def test_an_invitation_works_once_and_expires(stage: Stage) -> None:
    _, secret = actions.invite(
        email="New@Example.test", role=Role.EDITOR, practice=stage.elm, by=stage.people["manager"]
    )
    client = Client()
    address = f"/invitation/{secret}/"
    page = client.get(address)
    assert page["Referrer-Policy"] == "strict-origin"
    good = {"name": "Test New", "password": "a long enough phrase", "again": "a long enough phrase"}
    assert b"too short" in client.post(address, {**good, "password": "short", "again": "short"}).content
    assert client.post(address, good).status_code == 302
    user = User.objects.get(email="new@example.test")
    assert has_permission(user, Permission.SEE_PATIENTS, practice=stage.elm)
    # who has just chosen the password sets up the second factor without typing it again
    assert client.get("/account/second-factor/totp/activate/").status_code == 200
    assert Client().get(address).status_code == 404
    _, late = actions.invite(
        email="late@example.test", role=Role.EDITOR, practice=stage.elm, by=stage.people["manager"]
    )
    Invitation.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    with pytest.raises(NotFound):
        actions.open_invitation(late)


def test_an_invitation_is_only_for_the_account_it_names(stage: Stage, sign_in: Callable[..., Client]) -> None:
    _, secret = actions.invite(
        email="viewer@example.test", role=Role.ATTESTER, practice=stage.oak, by=stage.people["other manager"]
    )
    sign_in("outsider").post(f"/invitation/{secret}/")
    assert not stage.people["outsider"].memberships.exists()
    sign_in("viewer").post(f"/invitation/{secret}/")
    assert stage.people["viewer"].memberships.filter(practice=stage.oak, role="attester").exists()


def test_a_token_narrows_and_is_kept_as_a_hash(stage: Stage) -> None:
    token, secret = actions.create_token(user=stage.people["manager"], name="nightly", scopes=[Permission.SEE_SCORES])
    assert secret not in str(ApiToken.objects.filter(pk=token.pk).values().get())
    user = actions.user_of_token(secret)
    assert user is not None
    assert has_permission(user, Permission.SEE_SCORES, practice=stage.elm)
    assert not has_permission(user, Permission.SEE_PATIENTS, practice=stage.elm)
    assert not has_permission(user, Permission.SEE_SCORES, practice=stage.oak)
    ApiToken.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert actions.user_of_token(secret) is None


def test_passwords_are_hashed_with_argon2id(settings: object) -> None:
    settings.PASSWORD_HASHERS = ["openasm.app.people.passwords.StrongArgon2"]  # type: ignore[attr-defined]
    assert make_password("x").startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize(
    ("address", "onward"),
    [
        ("inactive/", "/account/sign-in/"),
        ("password/reset/sent/", "/account/sign-in/"),
        ("password/reset/done/", "/account/sign-in/"),
        ("password/reset/key/1-no-key/", "/account/password/reset/"),
    ],
)
def test_no_page_of_the_entrance_is_a_dead_end_or_speaks_as_a_program(address: str, onward: str, stage: Stage) -> None:
    text = Client().get(f"/account/{address}").content.decode()
    main = text[text.index("<main") :]
    assert f'class="button" href="{onward}"' in main
    assert not re.search("Bad Token|contact us|reauthenticate|Deactivate|Are you sure|Account Inactive", main)


def test_own_words_on_the_pages_of_the_second_factor(stage: Stage) -> None:
    client = signed_in_client(stage.people["nurse"])
    for address in ("", "totp/deactivate/", "recovery-codes/generate/"):
        main = client.get(f"/account/second-factor/{address}").content.decode().partition("<main")[2]
        assert not re.search("Deactivate|Are you sure|Two-Factor|Please reauthenticate", main), address
    client.post("/account/second-factor/recovery-codes/generate/")
    codes = client.get("/account/second-factor/recovery-codes/").content.decode().partition("<main")[2]
    assert 'class="button" href="/">Go on' in codes
    ask = client.get("/account/confirm/").content.decode().partition("<main")[2]
    assert "Is it you?" in ask
    assert "Please reauthenticate" not in ask
