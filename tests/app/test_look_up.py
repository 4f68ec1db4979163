"""The look-up: misspelt names, numbers, places, maps; open without sign-in only when an operator says so, with an event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client

from openasm.app.audit.models import AuditEvent
from openasm.app.lookup import held_lists, views
from openasm.app.lookup.models import is_open
from openasm.participants.map_drawing import STYLE
from openasm.participants.shelves import add_file
from tests.app.conftest import Stage
from tests.app.look_up_library import HEADER, ROWS, add_library


@pytest.fixture
def shelf(settings: object, tmp_path: Path) -> Path:
    """A library with a list and a geography of made-up content."""
    settings.DATA = tmp_path / "data"  # type: ignore[attr-defined]
    add_library(tmp_path / "data", tmp_path, today=dt.date(2026, 3, 1))
    return tmp_path / "data"


def answer(client: Client, asked: str, by: str = "") -> str:
    response = client.get("/look-up/", {"q": asked, "by": by})
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(
    ("asked", "by", "shown", "hidden"),
    [
        ("vanhasel testa", "", "VANHAZEL", "OAKTREE"),
        ("2999000021", "", "OAKTREE", "VANHAZEL"),
        ("made up spin", "organization", "OAKTREE", "VANHAZEL"),
        ("made up heart", "", "VANHAZEL", "OAKTREE"),
        ("tx", "", "Mandatory areas by county, TX", "ELMTREE"),
        ("77002", "", "In a mandatory area", "VANHAZEL"),
        ("78701", "", "Austin-Round Rock", "VANHAZEL"),
        ("48201", "county", "Harris County", "OAKTREE"),
        ("2999000014", "", "check digit", "VANHAZEL"),
        ("xx", "state", "two letters", "VANHAZEL"),
        ("123", "npi", "ten digits", "VANHAZEL"),
        ("abc", "zip", "five digits", "VANHAZEL"),
        ("abc", "county", "five digits", "VANHAZEL"),
        ("zzzzzz", "", "Nobody found", "VANHAZEL"),
    ],
)
def test_answers(
    asked: str, by: str, shown: str, hidden: str, stage: Stage, shelf: Path, sign_in: Callable[..., Client]
) -> None:
    text = answer(sign_in("viewer"), asked, by)
    assert shown in text
    assert hidden not in text
    assert 'href=""' not in text  # what the page gives does not become the navigation
    assert 'class="sections"' not in text


def test_texts_of_the_list_are_texts(stage: Stage, shelf: Path, sign_in: Callable[..., Client]) -> None:
    text = answer(sign_in("outsider"), "elmtree")
    assert "&lt;b&gt;TESTC" in text
    assert "<b>TESTC" not in text


def test_the_first_page_has_the_map_of_states_and_its_table(
    stage: Stage, shelf: Path, sign_in: Callable[..., Client]
) -> None:
    text = sign_in("viewer").get("/look-up/").content.decode()
    assert "ASM participants by state" in text
    assert "participant list, 2026-02" in text
    assert "<style" not in text
    assert " style=" not in text
    part = sign_in("viewer").get("/look-up/?q=oaktree", headers={"HX-Request": "true"}).content.decode()
    assert "OAKTREE" in part
    assert "<html" not in part


def test_the_maps_style_sheet_is_that_of_the_drawings() -> None:
    sheet = Path(held_lists.__file__).parent / "static" / "openasm" / "maps.css"
    assert STYLE in sheet.read_text(encoding="utf-8")


def test_without_a_list_the_page_says_how_to_get_one(
    stage: Stage, settings: object, tmp_path: Path, sign_in: Callable[..., Client]
) -> None:
    settings.DATA = tmp_path  # type: ignore[attr-defined]
    assert "openasm data add participants" in sign_in("viewer").get("/look-up/").content.decode()
    assert "holds no participant list" in answer(sign_in("viewer"), "smith")
    assert "no county delineation" in answer(sign_in("viewer"), "77002")


def test_a_new_vintage_is_met_and_an_old_one_read_once(
    stage: Stage, shelf: Path, tmp_path: Path, sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in("viewer")
    answer(client, "vanhazel")
    first = held_lists.participant_list()
    assert held_lists.participant_list() is first
    file = tmp_path / "newer.csv"
    file.write_text(HEADER + ROWS.replace("VANHAZEL", "BIRCHTREE"))
    add_file(shelf, "participants", file, vintage="2026-08", today=dt.date(2026, 9, 1))
    assert "BIRCHTREE" in answer(client, "birchtree")
    assert "Nobody found" in answer(client, "vanhazel")


def test_a_damaged_list_is_none(stage: Stage, shelf: Path, sign_in: Callable[..., Client]) -> None:
    (shelf / "participants" / "2026-02" / "participants.csv").write_text("no list")
    held_lists._LIST._value = None
    assert "holds no participant list" in answer(sign_in("viewer"), "smith")


def test_closed_until_an_operator_opens_it(stage: Stage, shelf: Path, sign_in: Callable[..., Client]) -> None:
    nobody = Client()
    response = nobody.get("/look-up/?q=oaktree")
    assert response.status_code == 302
    assert response["Location"].startswith("/account/sign-in/")
    operator = sign_in("operator")
    assert operator.post("/look-up/setting/", {"without_sign_in": "yes"}, follow=True).status_code == 200
    assert is_open()
    event = AuditEvent.objects.filter(kind="setting_changed").first()
    assert event is not None
    assert (event.who, event.details) == ("operator@example.test", '{"look_up_without_sign_in":true}')
    assert b"OAKTREE" in nobody.get("/look-up/?q=oaktree").content
    operator.post("/look-up/setting/", {"without_sign_in": "no"})
    assert nobody.get("/look-up/?q=oaktree").status_code == 302
    for party in ("manager", "viewer", "outsider"):
        assert sign_in(party).post("/look-up/setting/", {"without_sign_in": "yes"}).status_code == 404
    assert not is_open()


def test_nobody_known_may_not_ask_without_end(
    stage: Stage, shelf: Path, sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    monkeypatch.setattr(views, "A_MINUTE", 2)
    sign_in("operator").post("/look-up/setting/", {"without_sign_in": "yes"})
    statuses = [Client().get("/look-up/?q=oaktree").status_code for _ in range(4)]
    assert statuses[:2] == [200, 200]
    assert 429 in statuses
    assert sign_in("viewer").get("/look-up/?q=oaktree").status_code == 200
    cache.clear()


def test_the_database_is_asked_little(
    stage: Stage, shelf: Path, sign_in: Callable[..., Client], django_assert_max_num_queries: Callable
) -> None:
    client = sign_in("viewer")
    with django_assert_max_num_queries(5):
        client.get("/look-up/?q=oaktree")
