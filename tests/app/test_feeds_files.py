"""The page Data: files kept whole or not at all, for one practice alone, with events; the configuration."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from openasm.app.audit.models import AuditEvent
from openasm.app.feeds import actions
from openasm.app.feeds.kinds import BY_CODE
from openasm.app.feeds.models import FeedRun, PracticeFile, RunConfiguration
from openasm.app.published.models import DataProblem
from openasm.base.errors import InputRefused, WrongUsage
from tests.app.conftest import Stage
from tests.app.test_feeds_checks import archive

CONFIGURATION = {
    "year": "2027",
    "claims_format": "cclf",
    "data_end": "",
    "codes": "library",
    "cost_benchmark": "pool",
    "when_both": "refuse",
    "assume_year": "",
    "as_of_today": "on",
}


@pytest.fixture
def data(settings: object, tmp_path: Path) -> Path:
    settings.DATA = tmp_path  # type: ignore[attr-defined]
    return tmp_path


def sent(client: Client, stage: Stage, kind: str, *files: SimpleUploadedFile) -> object:
    return client.post(f"/practices/{stage.elm.key}/data/files/", {"kind": kind, "files": list(files)})


def keep(stage: Stage, kind: str, name: str, content: bytes) -> PracticeFile:
    upload = SimpleUploadedFile(name, content)
    return actions.keep_file(practice=stage.elm, kind=BY_CODE[kind], upload=upload, by=stage.people["nurse"])


def test_a_file_is_kept_under_names_of_our_own_for_its_owner_alone(
    stage: Stage, data: Path, sign_in: Callable[..., Client]
) -> None:
    response = sent(sign_in("nurse"), stage, "roster", SimpleUploadedFile("CANARYPATIENT000ZZ.csv", b"tin,npi\n"))
    assert response.status_code == 302  # type: ignore[attr-defined]
    kept = PracticeFile.objects.get()
    assert [str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()] == [
        f"files/{stage.elm.key}/roster/{kept.key}/roster.csv"
    ]
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (data / "files").rglob("*")} == {0}
    event = AuditEvent.objects.first()
    assert event is not None
    assert event.kind == "uploaded"
    assert event.who == "nurse@example.test"
    assert "CANARY" not in event.details
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM feeds_practicefile")
        assert b"CANARY" not in bytes(cursor.fetchone()[0])
    assert kept.name == "CANARYPATIENT000ZZ.csv"
    assert list((data / "incoming").iterdir()) == []


def test_all_that_is_wrong_is_said_and_nothing_stays(stage: Stage, data: Path, sign_in: Callable[..., Client]) -> None:
    response = sent(
        sign_in("nurse"),
        stage,
        "claims",
        SimpleUploadedFile("bomb.zip", archive({"zeros.csv": b"0" * 40_000_000})),
        SimpleUploadedFile("away.zip", archive({"../evil.csv": b"a", "/evil.csv": b"a"})),
        SimpleUploadedFile("good.csv", b"a,b\n"),
    )
    text = response.content.decode()  # type: ignore[attr-defined]
    assert response.status_code == 400  # type: ignore[attr-defined]
    assert "A035 bomb.zip" in text
    assert text.count("A034 away.zip") == 2
    assert "1 file was kept" in text
    assert PracticeFile.objects.count() == 1
    assert not [path for path in data.rglob("*") if path.name.startswith("evil")]
    assert list((data / "incoming").iterdir()) == []


def test_a_new_roster_replaces_the_old_one_and_claims_stay_together(stage: Stage, data: Path) -> None:
    keep(stage, "roster", "a.csv", b"a\n")
    newer = keep(stage, "roster", "b.csv", b"b\n")
    keep(stage, "claims", "a.csv", b"a\n")
    keep(stage, "claims", "b.zip", archive({"x/b.csv": b"b\n"}))
    assert sorted(each.kind for each in actions.current_files(stage.elm)) == ["claims", "claims", "roster"]
    assert [each.key for each in actions.current_files(stage.elm) if each.kind == "roster"] == [newer.key]
    assert (newer.folder / "roster.csv").read_bytes() == b"b\n"


def test_content_is_deleted_when_the_change_is_kept(
    stage: Stage, data: Path, sign_in: Callable[..., Client], django_capture_on_commit_callbacks: Callable
) -> None:
    kept = keep(stage, "roster", "a.csv", b"a\n")
    with django_capture_on_commit_callbacks() as waiting:
        response = sign_in("nurse").post(f"/practices/{stage.elm.key}/data/files/{kept.key}/remove/")
    assert response.status_code == 302
    assert (kept.folder / "roster.csv").read_bytes() == b"a\n"
    for callback in waiting:
        callback()
    assert not kept.folder.exists()
    assert actions.current_files(stage.elm) == []


def test_no_room_is_said(stage: Stage, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "LARGEST_PRACTICE", 10)
    with pytest.raises(InputRefused, match="A036"):
        keep(stage, "roster", "a.csv", b"more than ten bytes\n")
    monkeypatch.undo()
    monkeypatch.setattr(actions, "ROOM_LEFT", 1 << 62)
    with pytest.raises(InputRefused, match="A036"):
        keep(stage, "roster", "a.csv", b"a\n")


def test_a_file_in_use_stays(stage: Stage, data: Path) -> None:
    kept = keep(stage, "roster", "a.csv", b"a\n")
    FeedRun.objects.create(practice=stage.elm, year=2027, started_by="x")
    with pytest.raises(WrongUsage, match="going on"):
        actions.remove_file(file=kept, by=stage.people["nurse"])


def test_another_practice_finds_nothing(stage: Stage, data: Path, sign_in: Callable[..., Client]) -> None:
    kept = keep(stage, "roster", "a.csv", b"a\n")
    stranger = sign_in("other manager")
    assert stranger.post(f"/practices/{stage.elm.key}/data/files/{kept.key}/remove/").status_code == 404
    assert stranger.post(f"/practices/{stage.oak.key}/data/files/{kept.key}/remove/").status_code == 404
    assert sign_in("viewer").post(f"/practices/{stage.elm.key}/data/files/{kept.key}/remove/").status_code == 403
    assert b"a.csv" not in stranger.get(f"/practices/{stage.oak.key}/data/").content
    assert kept.folder.is_dir()


def test_the_configuration_is_saved_with_an_event(stage: Stage, data: Path, sign_in: Callable[..., Client]) -> None:
    client = sign_in("nurse")
    address = f"/practices/{stage.elm.key}/data/configuration/"
    assert client.post(address, CONFIGURATION).status_code == 302
    kept = RunConfiguration.objects.get(practice=stage.elm)
    assert (kept.year, kept.claims_format, kept.as_of_today, kept.projection) == (2027, "cclf", True, False)
    event = AuditEvent.objects.first()
    assert event is not None
    assert event.kind == "changed"
    response = client.post(address, {**CONFIGURATION, "year": "1999", "data_end": "1800-01-01"})
    assert response.status_code == 400
    assert response.content.decode().count('class="wrong"') == 2
    assert RunConfiguration.objects.get(practice=stage.elm).year == 2027


def test_choosing_nothing_is_said(stage: Stage, data: Path, sign_in: Callable[..., Client]) -> None:
    response = sign_in("nurse").post(f"/practices/{stage.elm.key}/data/files/", {"kind": "roster"})
    assert response.status_code == 400
    assert b"at least one file" in response.content
    many = [SimpleUploadedFile(f"{number}.csv", b"a\n") for number in range(51)]
    assert b"At most 50" in sent(sign_in("nurse"), stage, "claims", *many).content  # type: ignore[attr-defined]


def test_the_page_asks_the_database_a_constant_number_of_times(
    stage: Stage, data: Path, sign_in: Callable[..., Client], django_assert_max_num_queries: Callable
) -> None:
    client = sign_in("nurse")
    with django_assert_max_num_queries(14):
        client.get(f"/practices/{stage.elm.key}/data/")
    for number in range(5):
        keep(stage, "claims", f"{number}.csv", b"a\n")
        FeedRun.objects.create(practice=stage.elm, year=2027, started_by="x", state="finished")
    with django_assert_max_num_queries(14):
        assert client.get(f"/practices/{stage.elm.key}/data/").content.count(b"Finished") == 5
    with django_assert_max_num_queries(14):
        client.get(f"/practices/{stage.elm.key}/data/problems/")


def test_problems_of_the_published_run_stand_on_their_page(
    stage: Stage, data: Path, sign_in: Callable[..., Client]
) -> None:
    text = sign_in("nurse").get(f"/practices/{stage.elm.key}/data/problems/").content.decode()
    assert "Data problems" in text
    empty = sign_in("other manager").get(f"/practices/{stage.oak.key}/data/problems/")
    assert empty.status_code == 200
    # what concerns no one file must not hide what concerns some
    DataProblem.objects.create(
        id=10**6, run=stage.run, code="P045", severity="warning", file="", title="concerns no one file"
    )
    text = sign_in("nurse").get(f"/practices/{stage.elm.key}/data/problems/").content.decode()
    assert "concerns no one file" in text
    assert "a made-up warning" in text
    one = sign_in("nurse").get(f"/practices/{stage.elm.key}/data/problems/?file=claims.csv").content.decode()
    assert "concerns no one file" not in one


def test_leftovers_of_killed_uploads_go(stage: Stage, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = keep(stage, "claims", "a.csv", b"a\n")
    lost = kept.folder.parent / "lostandgone"
    lost.mkdir()
    (data / "incoming" / "keep-old").mkdir()
    monkeypatch.setattr(actions, "_LEFT_ALONE_SECONDS", -1)
    actions.clear_leftovers(stage.elm)
    actions.incoming()
    assert not lost.exists()
    assert kept.folder.is_dir()
    assert list((data / "incoming").iterdir()) == []
