"""The practice's day: what "today" is near midnight, in two zones; times shown there and stored in UTC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from openasm.app.attestations import reading
from openasm.app.audit.models import AuditEvent
from openasm.app.configuration import configuration_from, machine_time_zone
from openasm.app.look.templatetags.look import day
from openasm.base.errors import WrongUsage
from tests.app.conftest import Stage, signed_in_client
from tests.app.own_things import things_of

LAST_EVENING = dt.datetime(2028, 4, 1, 3, 30, tzinfo=dt.UTC)  # in the United States the evening of March 31
ZONES = {"UTC": ("2028-04-01", "Saturday, April 1, 2028"), "America/Chicago": ("2028-03-31", "Friday, March 31, 2028")}


@pytest.fixture(params=sorted(ZONES))
def zone(request: pytest.FixtureRequest, settings: object) -> Iterator[str]:
    settings.TIME_ZONE = request.param  # type: ignore[attr-defined]
    with time_machine.travel(LAST_EVENING, tick=False):
        yield request.param


@pytest.fixture
def manager(zone: str, stage: Stage) -> Client:
    return signed_in_client(stage.people["manager"])


def asked(client: Client, stage: Stage, name: str, **rest: object) -> object:
    response = client.get(reverse(name, kwargs={"practice": stage.elm.key, **rest}))
    assert response.status_code == 200
    return response


def test_today_is_the_practices_day(zone: str, stage: Stage, manager: Client) -> None:
    date, words = ZONES[zone]
    today = dt.date.fromisoformat(date)
    assert timezone.localdate() == reading.today() == today
    assert words in asked(manager, stage, "today").content.decode()  # type: ignore[attr-defined]
    package = things_of(stage.elm, by=stage.people["manager"])["submission"]
    shown = asked(manager, stage, "submission", **package).context  # type: ignore[attr-defined]
    assert shown["deadline"] == dt.date(2028, 3, 31), "a day of the calendar, in whatever zone"
    assert shown["days_left"] == (dt.date(2028, 3, 31) - today).days
    tasks = asked(manager, stage, "readiness").context["plan"].tasks  # type: ignore[attr-defined]
    last = [each for each in tasks if each.task.last == dt.date(2028, 3, 31) and each.state != "done"]
    assert last
    assert all((each.state == "missed") == (zone == "UTC") for each in last)


def test_times_are_stored_in_utc_and_shown_where_the_practice_is(zone: str, stage: Stage, manager: Client) -> None:
    event = AuditEvent.objects.first()
    assert event is not None
    assert event.at == LAST_EVENING
    manager.get(reverse("clinicians_file", kwargs={"practice": stage.elm.key, "form": "csv"}))
    text = asked(manager, stage, "practice_audit").content.decode()  # type: ignore[attr-defined]
    assert ("Apr 1, 2028 03:30:00 UTC" if zone == "UTC" else "Mar 31, 2028 22:30:00 CDT") in text
    given = manager.get(reverse("practice_audit_csv", kwargs={"practice": stage.elm.key})).content.decode()
    assert "2028-04-01T03:30:00.000000+00:00" in given
    assert day(LAST_EVENING) == ("Apr 1, 2028" if zone == "UTC" else "Mar 31, 2028")
    assert day(dt.date(2028, 4, 1)) == "Apr 1, 2028"
    here = f"{reverse('practice_audit', kwargs={'practice': stage.elm.key})}?since=2028-04-01"
    assert ("clinicians" in manager.get(here).content.decode().partition("<tbody>")[2]) == (zone == "UTC")


@pytest.mark.parametrize("wrong", ["Chicago", "America", "../etc/passwd", "UTC+5", "/etc/localtime"])
def test_a_zone_that_is_none_is_told(wrong: str) -> None:
    with pytest.raises(WrongUsage, match="OPENASM_TIME_ZONE must name a zone"):
        configuration_from({"OPENASM_TIME_ZONE": wrong})


def test_the_zone_is_the_one_said_else_the_machines_else_utc(tmp_path: Path) -> None:
    assert configuration_from({"OPENASM_TIME_ZONE": "Pacific/Honolulu", "TZ": "UTC"}).time_zone == "Pacific/Honolulu"
    assert configuration_from({"TZ": "Europe/Paris"}).time_zone == "UTC", (
        "checks and tests do not depend on the machine"
    )
    data = {"OPENASM_DATA": str(tmp_path)}
    assert configuration_from({**data, "TZ": ":Europe/Paris"}).time_zone == "Europe/Paris"
    assert machine_time_zone({"TZ": "EST5EDT4,M3"}, tmp_path) == "UTC"
    (tmp_path / "timezone").write_text("America/Denver\n")
    assert machine_time_zone({}, tmp_path) == "America/Denver"
    (tmp_path / "zoneinfo" / "America").mkdir(parents=True)
    (tmp_path / "zoneinfo" / "America" / "Boise").touch()
    (tmp_path / "localtime").symlink_to(tmp_path / "zoneinfo" / "America" / "Boise")
    assert machine_time_zone({}, tmp_path) == "America/Boise"
    assert machine_time_zone({"TZ": "nowhere"}, tmp_path) == "America/Boise"
