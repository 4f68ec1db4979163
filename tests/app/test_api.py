"""The interface for programs: every operation x every person's token x own and other practice; answers; refusals; the description."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from jsonschema import Draft202012Validator

from openasm.app.access.permissions import Permission
from openasm.app.api import operations
from openasm.app.audit.models import AuditEvent
from openasm.app.people import actions
from openasm.app.people.models import User
from openasm.app.published.publish import publish_run
from tests.app.access_table import ACCESS
from tests.app.conftest import CLINICIAN_NPI, PARTS, Stage, make_person
from tests.app.run_folders import CANARY_NAMES, NPIS, write_small_run

OPERATIONS = sorted(name for name, entry in ACCESS.items() if entry.kind == "token")


def token_of(user: User, *scopes: Permission) -> dict[str, str]:
    _, secret = actions.create_token(user=user, name="test", scopes=scopes or tuple(Permission))
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def ask(stage: Stage) -> Callable[..., Any]:
    """`ask("nurse", "api_gaps", limit=2)`: the answer to a person's token about Elm."""

    def asked(who: str, name: str, *scopes: Permission, practice: Any = None, **query: object) -> Any:
        arguments = {"practice": (practice or stage.elm).key} if ACCESS[name].of_practice else {}
        headers = token_of(stage.people[who], *scopes)
        return Client().get(reverse(name, kwargs=arguments), query, headers=headers)

    return asked


@pytest.mark.parametrize("name", OPERATIONS)
def test_matrix_of_tokens(name: str, stage: Stage) -> None:
    entry, wrong = ACCESS[name], []
    for practice in (stage.elm, stage.oak) if entry.of_practice else (None,):
        address = reverse(name, kwargs={"practice": practice.key} if practice else {})
        for party in PARTS:
            here = {"other manager"} if practice == stage.oak else set(PARTS) - {"other manager", "outsider"}
            right = 200 if party in entry.members else 403
            if practice is not None and party not in here | {"operator"}:
                right = 404
            response = Client().get(address, headers=token_of(stage.people[party]))
            if response.status_code != right:
                wrong.append(f"{party} at {practice}: {response.status_code}, not {right}")
    assert wrong == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_scopes_narrow(name: str, stage: Stage, ask: Callable[..., Any]) -> None:
    needs_patients = name in ("api_gaps", "api_episodes")
    assert ask("manager", name, Permission.SEE_SCORES).status_code == (403 if needs_patients else 200)
    scores_only = ask("manager", name, Permission.SEE_PATIENTS)
    if name == "api_practices":
        assert scores_only.json() == {"items": []}
    else:
        assert scores_only.status_code == (200 if needs_patients else 403)


@pytest.mark.parametrize("name", OPERATIONS)
def test_answers_are_as_described(name: str, ask: Callable[..., Any]) -> None:
    description = Client().get("/api/v1/openapi.json").json()
    template = reverse(name, kwargs={"practice": "KEY"} if ACCESS[name].of_practice else {}).replace(
        "KEY", "{practice}"
    )
    responses = description["paths"][template]["get"]["responses"]
    for response in (ask("manager", name), Client().get(template)):
        schema = responses[str(response.status_code)]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": description["components"]}).validate(response.json())


def test_the_description_names_every_operation_its_token_and_its_refusals() -> None:
    description = Client().get("/api/v1/openapi.json").json()
    assert len(description["paths"]) == len(OPERATIONS)
    for each in description["paths"].values():
        assert set(each) == {"get"}
        assert each["get"]["security"] == [{"ApiToken": []}]
        assert {"200", "401", "403", "404", "409", "422", "503"} <= set(each["get"]["responses"])


def test_every_operation_has_a_rule() -> None:
    names = {each.name for each in operations.api.urls[0]} - {"api-root"}
    assert names == set(operations.RULES) == set(OPERATIONS)


def test_pages_hold_every_gap_once(ask: Callable[..., Any]) -> None:
    seen: list[int] = []
    after = ""
    while True:
        page = ask("nurse", "api_gaps", limit=1, after=after).json()
        seen += [each["id"] for each in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 4


def test_a_new_run_between_pages_is_said(stage: Stage, ask: Callable[..., Any], tmp_path: Any) -> None:
    after = ask("nurse", "api_gaps", limit=1).json()["next"]
    publish_run(write_small_run(tmp_path / "second", shift=1.0), by=None)
    response = ask("nurse", "api_gaps", limit=1, after=after)
    assert (response.status_code, response.json()["error"]["code"]) == (409, "run_changed")


def test_scores_and_measures(ask: Callable[..., Any]) -> None:
    (one,) = ask("viewer", "api_participants", npi=NPIS[0]).json()["items"]
    assert (one["final_score"], one["change_cents"]) == (71.5, -207_904)
    assert {each["measure"] for each in ask("viewer", "api_measures", npi=NPIS[0]).json()["items"]} == {"005", "492"}
    assert ask("viewer", "api_practice").json()["participants"] == 3


def test_patients_are_pseudonyms_unless_the_token_may_export(ask: Callable[..., Any]) -> None:
    plain = ask("attester", "api_gaps")
    assert "CANARY" not in plain.content.decode()
    assert AuditEvent.objects.first().kind == "patients_viewed"  # type: ignore[union-attr]
    named = ask("attester", "api_gaps", identifiers="true")
    assert CANARY_NAMES[0] in {each["identifier"] for each in named.json()["items"]}
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.kind, '"form":"json"' in event.details) == ("exported", True)
    refused = ask("attester", "api_gaps", Permission.SEE_PATIENTS, identifiers="true")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_permitted")
    assert ask("nurse", "api_episodes", identifiers="true").status_code == 403
    assert AuditEvent.objects.first().kind == "refused"  # type: ignore[union-attr]


def test_a_clinician_gets_the_own_patients(ask: Callable[..., Any]) -> None:
    items = ask("clinician", "api_gaps", Permission.SEE_PATIENTS).json()["items"]
    assert items
    assert all(CLINICIAN_NPI in each["npis"] for each in items)
    assert len(items) < len(ask("nurse", "api_gaps").json()["items"])


@pytest.mark.parametrize(
    ("name", "query", "fields"),
    [
        ("api_gaps", {"limit": 0}, ["limit"]),
        ("api_gaps", {"limit": 1001}, ["limit"]),
        ("api_gaps", {"after": "x"}, ["after"]),
        ("api_participants", {"npi": "123", "cohort": "knees"}, ["cohort", "npi"]),
    ],
)
def test_wrong_parameters_are_named_not_repeated(
    ask: Callable[..., Any], name: str, query: Mapping[str, object], fields: list[str]
) -> None:
    response = ask("nurse", name, **query)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["fields"]) == (422, "bad_parameter", fields)
    assert "knees" not in response.content.decode()


def test_refusals_are_documents(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    address = reverse("api_runs", kwargs={"practice": stage.elm.key})
    for header in (
        {},
        {"Authorization": "Bearer asm_wrong"},
        {"Authorization": "Basic eDp5"},
        {"Authorization": "Bearer"},
    ):
        response = Client().get(address, headers=header)
        assert (response.status_code, response.json()["error"]["code"]) == (401, "token_required")
        assert response["WWW-Authenticate"] == "Bearer"
    headers = token_of(stage.people["nurse"])
    posted = Client(enforce_csrf_checks=True).post(address, headers=headers)
    assert (posted.status_code, posted["Allow"], posted.json()["error"]["code"]) == (405, "GET", "method_not_allowed")
    assert Client().get("/api/v2/anything", headers=headers).json()["error"]["code"] == "not_found"
    assert Client().get(address, headers=headers)["Cache-Control"] == "no-store"

    for failure, status, code in (
        (OperationalError(CANARY_NAMES[0]), 503, "database_unavailable"),
        (RuntimeError(CANARY_NAMES[0]), 500, "failed"),
    ):
        monkeypatch.setattr(operations, "_run", Mock(side_effect=failure))
        response = Client().get(address, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
        assert "CANARY" not in response.content.decode()


def test_a_token_needs_its_owners_second_factor(stage: Stage) -> None:
    user = make_person("bare manager", second_factor=False)
    actions.add_member(user=user, role=actions.Role.ADMINISTRATOR, practice=stage.elm, by=None)
    response = Client().get(reverse("api_practices"), headers=token_of(user))
    assert (response.status_code, response.json()["error"]["code"]) == (403, "second_factor_missing")


@pytest.mark.parametrize("name", OPERATIONS)
def test_queries_do_not_grow_with_rows(
    name: str, stage: Stage, ask: Callable[..., Any], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(40):  # making the token and its event included
        assert ask("manager", name, limit=100).status_code == 200


def test_migrations_are_complete(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run", "connections", verbosity=0)
