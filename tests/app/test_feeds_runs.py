"""Runs as processes of their own: one a practice, seen when they die, resumed, published for their practice alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from openasm.app.audit.models import AuditEvent
from openasm.app.feeds import actions, running
from openasm.app.feeds.kinds import BY_CODE
from openasm.app.feeds.models import FeedRun, State
from openasm.app.people.models import Practice
from openasm.app.published.models import Gap, ParticipantResult, PracticeResult, Run
from openasm.app.published.publish import publish_run
from openasm.base.errors import NotFound, WrongUsage
from openasm.base.files import written_whole
from tests.app.conftest import Stage
from tests.app.test_feeds_checks import archive

COHORT = dict.fromkeys(("participants.csv", "quality.csv", "cost.csv", "attestations.csv"), b"a\n")


@pytest.fixture
def data(settings: object, tmp_path: Path) -> Path:
    settings.DATA = tmp_path  # type: ignore[attr-defined]
    return tmp_path


@pytest.fixture
def sleepers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Instead of the real process one that only holds the run's folder; the list of those started."""
    started: list[subprocess.Popen[bytes]] = []

    def launch(run: FeedRun, handle: int | None) -> None:
        assert handle is not None
        started.append(subprocess.Popen(["/bin/sleep", "60"], pass_fds=(handle,)))

    monkeypatch.setattr(running, "launch", launch)
    yield started
    for each in started:
        each.kill()
        each.wait()


def furnish(stage: Stage, **values: object) -> None:
    """A cohort and a configuration."""
    keep(stage, "peers", "cohort.zip", archive({f"cohort/{name}": content for name, content in COHORT.items()}))
    defaults = {"year": 2027, "projection": False}
    actions.save_configuration(practice=stage.elm, values=defaults | values, by=stage.people["nurse"])


def keep(stage: Stage, kind: str, name: str, content: bytes) -> None:
    upload = SimpleUploadedFile(name, content)
    actions.keep_file(practice=stage.elm, kind=BY_CODE[kind], upload=upload, by=stage.people["nurse"])


def begun(stage: Stage) -> FeedRun:
    return running.start_run(practice=stage.elm, by=stage.people["nurse"])


def test_a_run_needs_something_to_compute(stage: Stage, data: Path, sleepers: list) -> None:
    with pytest.raises(WrongUsage, match="save the configuration"):
        begun(stage)
    actions.save_configuration(practice=stage.elm, values={"year": 2027}, by=stage.people["nurse"])
    with pytest.raises(WrongUsage, match="nothing to compute"):
        begun(stage)
    keep(stage, "claims", "a.csv", b"a\n")
    with pytest.raises(WrongUsage, match="cohort"):
        begun(stage)
    keep(stage, "records", "a.ndjson", b"{}\n")
    keep(stage, "participants", "a.csv", b"a\n")
    with pytest.raises(WrongUsage, match="value sets"):
        begun(stage)
    assert FeedRun.objects.count() == 0
    assert [path.name for path in (data / "work" / stage.elm.key).iterdir()] == []


def test_the_configuration_names_our_own_files_and_the_own_practice(stage: Stage, data: Path, sleepers: list) -> None:
    furnish(stage, assume_year=2027, codes="demonstration", data_end="2027-06-30")
    stage.elm.name = 'Elm "Heart"\n[run]\nyear = 2031'
    stage.elm.save()
    for kind, name in (("claims", "a.csv"), ("claims", "b.csv"), ("records", "a.ndjson"), ("records", "b.ndjson")):
        keep(stage, kind, name, b"{}\n")
    for kind, name in (
        ("value_sets", "a.json"),
        ("roster", "r.csv"),
        ("attestations", "x.csv"),
        ("participants", "p.csv"),
    ):
        keep(stage, kind, name, b"{}\n")
    run = begun(stage)
    found = tomllib.loads((run.folder / running.CONFIGURATION).read_text(encoding="utf-8"))
    assert found["run"]["year"] == 2027
    assert found["run"]["name"] == stage.elm.name
    assert found["score_inputs"]["own_tins"] == [stage.elm.tin]
    assert found["projection"] == {"tins": [stage.elm.tin], "off": True}
    assert found["claims"]["data_end"].isoformat() == "2027-06-30"
    assert len(found["claims"]["sources"]) == 2
    assert found["codes"]["heart_failure"] == "demonstration"
    assert "tin" not in found["records"]  # the roster says whose patients they are
    records = Path(found["records"]["source"])
    assert sorted(path.name for path in records.rglob("*.ndjson")) == ["a.ndjson", "b.ndjson"]
    for path in (*found["claims"]["sources"], found["score_inputs"]["peers"], found["participants"]["roster"]):
        assert Path(path).is_relative_to(data)
        assert Path(path).exists()


def test_one_run_at_a_time_and_a_dead_one_is_seen_and_goes_on(
    stage: Stage, data: Path, sleepers: list[subprocess.Popen[bytes]], sign_in: Callable[..., Client]
) -> None:
    furnish(stage)
    run = begun(stage)
    with pytest.raises(WrongUsage, match="going on already"):
        begun(stage)
    running.settle(stage.elm)
    run.refresh_from_db()
    assert run.state == State.RUNNING
    client = sign_in("nurse")
    address = f"/practices/{stage.elm.key}/data/runs/{run.key}/"
    with written_whole(run.folder / running.PROGRESS) as stream:
        json.dump({"title": "Final scores", "place": 3, "of": 4, "left": 130.0}, stream)
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "Final scores · step 3 of 4 · about 2 minutes left" in part
    assert "<html" not in part
    sleepers[0].kill()
    sleepers[0].wait()
    text = client.get(address).content.decode()
    assert "Stopped" in text
    assert "Go on" in text
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.kind, event.outcome) == ("run_started", "failed")
    assert client.get(address, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert client.post(address + "resume/").status_code == 302
    run.refresh_from_db()
    assert (run.state, run.attempts) == (State.RUNNING, 2)
    assert len(sleepers) == 2
    running.settle(stage.elm)
    assert FeedRun.objects.get().state == State.RUNNING
    with pytest.raises(WrongUsage):
        running.resume_run(run=run, by=stage.people["nurse"])


def test_the_wish_to_stop_is_a_file_for_the_runs_own_process(
    stage: Stage,
    data: Path,
    sleepers: list,
    sign_in: Callable[..., Client],
    django_capture_on_commit_callbacks: Callable,
) -> None:
    furnish(stage)
    run = begun(stage)
    with django_capture_on_commit_callbacks(execute=True):
        sign_in("nurse").post(f"/practices/{stage.elm.key}/data/runs/{run.key}/stop/")
    assert (run.folder / running.STOP).exists()
    FeedRun.objects.update(state=State.FINISHED.value)
    response = sign_in("nurse").post(f"/practices/{stage.elm.key}/data/runs/{run.key}/stop/", follow=True)
    assert b"has ended already" in response.content
    run.refresh_from_db()
    with pytest.raises(WrongUsage, match="start a new one"):
        running.resume_run(run=run, by=stage.people["nurse"])


def test_without_a_data_folder_nothing_starts(stage: Stage, sign_in: Callable[..., Client]) -> None:
    response = sign_in("nurse").post(f"/practices/{stage.elm.key}/data/runs/", follow=True)
    assert b"no data folder" in response.content


def test_progress_that_cannot_be_read_is_a_beginning(stage: Stage, data: Path, sleepers: list) -> None:
    furnish(stage)
    run = begun(stage)
    (run.folder / running.PROGRESS).write_text("{")
    assert running.progress_of(run) == running.Progress("Starting", 0, 1, 0, None)


def test_a_practice_publishes_for_itself_alone(stage: Stage, run_folder: Path) -> None:
    before = ParticipantResult.objects.filter(practice=stage.oak).count()
    gaps = Gap.objects.filter(practice=stage.oak).count()
    published = publish_run(run_folder, by=None, tins=frozenset({stage.elm.tin}))
    assert published.new
    run = published.run
    assert set(PracticeResult.objects.filter(run=run).values_list("practice__tin", flat=True)) == {stage.elm.tin}
    assert set(ParticipantResult.objects.filter(run=run).values_list("practice__tin", flat=True)) == {stage.elm.tin}
    assert set(Gap.objects.filter(run=run).values_list("practice__tin", flat=True)) == {stage.elm.tin}
    assert ParticipantResult.objects.filter(practice=stage.oak).count() == before
    assert Gap.objects.filter(practice=stage.oak).count() == gaps
    assert Run.objects.newest_of(stage.oak) == stage.run
    assert Run.objects.newest_of(stage.elm) == run
    assert not publish_run(run_folder, by=None, tins=frozenset({stage.elm.tin})).new
    with pytest.raises(NotFound, match="TIN"):
        publish_run(run_folder, by=None, tins=frozenset({"999999999"}))
    assert Practice.objects.count() == 2


@pytest.mark.skipif(bool(os.environ.get("OPENASM_DATABASE")), reason="the story has a file database of its own")
def test_a_real_run_is_refused_stopped_killed_resumed_and_published(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.app.feed_story", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if not name.startswith(("OPENASM", "DJANGO"))},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    story = json.loads(done.stdout)
    assert story["refused"]["state"] == "refused"
    assert story["refused"]["codes"]
    assert story["cancelled"]["state"] == "cancelled"
    assert story["killed"]["state"] == "stopped"
    assert story["resumed"]["state"] == "finished"
    assert story["resumed"]["results"] == 1
    assert story["resumed"]["left"] == []
    assert story["events"] == [
        "started",
        "refused",
        "started",
        "stop",
        "cancelled",
        "started",
        "stopped",
        "resumed",
        "published",
        "finished",
    ]
