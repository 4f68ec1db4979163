"""Every address x every part x own and other practice x GET and POST, against the table said by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from openasm.app.access.middleware import ALLAUTH
from openasm.app.access.rules import rule_of
from openasm.app.people.models import Membership
from tests.app.access_table import ACCESS, Access
from tests.app.conftest import PARTS, Stage

PARTIES = (*PARTS, "anonymous")
SIGN_IN = "/account/sign-in/"


def patterns(resolver: URLResolver | None = None) -> Iterator[URLPattern]:
    """Every address of the workbench."""
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLResolver):
            yield from patterns(each)
        else:
            yield each


def test_every_address_has_a_name_a_rule_and_an_answer_in_the_table() -> None:
    names = [pattern.name for pattern in patterns()]
    assert None not in names
    assert sorted(set(map(str, names))) == sorted(map(str, names)), "two addresses of one name"
    without_rule = [
        pattern.name for pattern in patterns() if rule_of(pattern.callback) is None and pattern.name not in ALLAUTH
    ]
    assert without_rule == []
    assert sorted(ACCESS) == sorted(map(str, names))


def test_declared_kinds_are_those_of_the_views() -> None:
    found = {
        str(pattern.name): (rule_of(pattern.callback) or ALLAUTH[str(pattern.name)]).kind for pattern in patterns()
    }
    assert found == {name: entry.kind for name, entry in ACCESS.items()}


def expected(entry: Access, party: str, *, own_practice: bool, method: str) -> tuple[object, ...]:
    """The statuses that are right; `sign-in` for a redirect there."""
    fine = entry.get if method == "GET" else entry.post
    allowed = fine if isinstance(fine, tuple) else (fine,)
    if entry.kind == "everybody":
        return allowed
    if entry.kind == "token":  # a session counts for nothing; tests/app/test_api.py tries every person's token
        return (401,) if method == "GET" else (405,)
    if party == "anonymous":
        return ("sign-in",)
    if entry.kind == "signed_in":
        return allowed
    if entry.kind == "operators":
        return allowed if party in entry.members else (404,)
    here = {"other manager"} if not own_practice else set(PARTS) - {"other manager", "outsider"}
    if party not in here and party != "operator":
        return (404,)
    return allowed if party in entry.members else (403,)


@pytest.mark.parametrize("name", sorted(ACCESS))
def test_matrix(name: str, stage: Stage, sign_in: Callable[..., Client]) -> None:
    entry = ACCESS[name]
    wrong = []
    for own_practice in (True, False) if entry.kind == "practice" or entry.of_practice else (True,):
        practice = stage.elm if own_practice else stage.oak
        removable = Membership.objects.filter(practice=practice, role="administrator").first()
        stage.removable_membership = removable.pk if removable else 0  # type: ignore[attr-defined]
        arguments = {key: find(stage) for key, find in entry.arguments.items()}
        if entry.kind == "practice" or entry.of_practice:
            arguments["practice"] = practice.key
        address = reverse(name, kwargs=arguments)
        for party in PARTIES:
            client = sign_in(party)
            cookies = client.cookies.copy()
            for method in ("GET", "POST"):
                with transaction.atomic():  # what a request changes is undone before the next
                    response = client.generic(method, address)
                    transaction.set_rollback(True)
                if client.cookies != cookies:  # the request ended the session, or began one
                    client = sign_in(party)
                status: object = response.status_code
                if status == 302 and str(response["Location"]).startswith(f"{SIGN_IN}?next="):
                    status = "sign-in"
                right = expected(entry, party, own_practice=own_practice, method=method)
                if status not in right:
                    wrong.append(
                        f"{method} {name} as {party}, {'own' if own_practice else 'other'}: {status}, not {right}"
                    )
    assert wrong == []


def test_a_view_without_a_rule_is_never_run(stage: Stage, settings: object, sign_in: Callable[..., Client]) -> None:
    settings.ROOT_URLCONF = "tests.app.urls_without_rules"  # type: ignore[attr-defined]
    for party in ("anonymous", "operator", "manager"):
        assert sign_in(party).get("/bare/").status_code == 403


def test_confirmation_is_asked_before_exports(stage: Stage, sign_in: Callable[..., Client]) -> None:
    address = reverse("clinicians_file", kwargs={"practice": stage.elm.key, "form": "csv"})
    response = sign_in("manager", confirmed=False).get(address)
    assert response.status_code == 302
    assert "reauthenticate" in response["Location"] or "confirm" in response["Location"]
