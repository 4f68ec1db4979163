"""Starting, stopping and resuming runs as processes of their own, and seeing whether one still lives.

A run works in a folder of its own. A lock on that folder is taken before anything is stored and handed to the process (and to
the process it starts): the system lets go of it when both have ended, however they end. So a run whose row says `running` and whose
folder nobody holds has died, also when the server was restarted or the machine lost power.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from openasm.app.audit.events import Kind, Outcome, record
from openasm.app.feeds.actions import clear_leftovers, current_files
from openasm.app.feeds.configuration_text import configuration_text
from openasm.app.feeds.models import FeedRun, RunConfiguration, State, private_folder, work_folder
from openasm.app.people.models import Practice, User, new_key
from openasm.base.errors import WrongUsage
from openasm.base.files import written_whole
from openasm.base.held_folders import hold, release

CONFIGURATION, PROGRESS, STOP, LOG = "config.toml", "progress.json", "stop", "log.txt"
GOING_ON = "A run of this practice is going on already. Wait for its end, or stop it."


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: `place` of `of` stages, percent of the bar, what it is at, about how many seconds are left."""

    title: str
    place: int
    of: int
    percent: int
    left: float | None


def start_run(*, practice: Practice, by: User, request: HttpRequest | None = None) -> FeedRun:
    """Start a run of what the practice has uploaded; WrongUsage when one is going on or nothing can be computed."""
    if settings.DATA is None:
        raise WrongUsage("This workbench has no data folder, so it cannot make runs.")
    settle(practice)
    configuration = RunConfiguration.objects.filter(practice=practice).first()
    if configuration is None:
        raise WrongUsage("Say first what a run computes: save the configuration.")
    configuration.practice = practice
    clear_leftovers(practice)
    run = FeedRun(key=new_key(), practice=practice, year=configuration.year, started_by=by.email)
    private_folder(run.folder)
    handle = hold(run.folder)
    try:
        text = configuration_text(
            configuration, current_files(practice), inputs=run.folder / "inputs", store=work_folder(practice) / "stages"
        )
        with written_whole(run.folder / CONFIGURATION, private=True) as stream:
            stream.write(text)
        with transaction.atomic():
            run.save(force_insert=True)
            details = {"run": run.key, "year": run.year, "files": len(current_files(practice))}
            record(Kind.RUN_STARTED, who=by, practice=practice, details=details, request=request)
        launch(run, handle)
    except (WrongUsage, IntegrityError) as error:
        shutil.rmtree(run.folder, ignore_errors=True)
        raise WrongUsage(GOING_ON if isinstance(error, IntegrityError) else str(error)) from None
    finally:
        release(handle)
    return run


def resume_run(*, run: FeedRun, by: User, request: HttpRequest | None = None) -> None:
    """Let a stopped run go on from its finished stages; WrongUsage when it cannot."""
    settle(run.practice)
    run.refresh_from_db()
    if not run.can_resume or not (run.folder / CONFIGURATION).is_file():
        raise WrongUsage("This run cannot go on; start a new one. What was finished is not computed again.")
    handle = hold(run.folder)
    if handle is None:
        raise WrongUsage(GOING_ON)
    try:
        (run.folder / STOP).unlink(missing_ok=True)
        with transaction.atomic():
            run.state, run.ended_at, run.message, run.problems = State.RUNNING.value, None, "", []
            run.attempts += 1
            run.save(update_fields=["state", "ended_at", "message", "problems", "attempts"])
            details = {"run": run.key, "year": run.year, "resumed": True}
            record(Kind.RUN_STARTED, who=by, practice=run.practice, details=details, request=request)
        launch(run, handle)
    except IntegrityError:
        raise WrongUsage(GOING_ON) from None
    finally:
        release(handle)


@transaction.atomic
def ask_to_stop(*, run: FeedRun, by: User, request: HttpRequest | None = None) -> None:
    """Ask a run to stop: its own process ends what it started. Nothing of the practice's results changes."""
    if run.state != State.RUNNING:
        raise WrongUsage("This run has ended already.")
    details = {"run": run.key, "stop": True}
    record(Kind.CHANGED, who=by, practice=run.practice, details=details, request=request)
    transaction.on_commit(lambda: (run.folder / STOP).touch(mode=0o600))


def launch(run: FeedRun, handle: int | None) -> None:
    """Start the process of a run, apart from the server's, holding the lock of its folder."""
    environment = {**os.environ, "OPENASM_DATA": str(settings.DATA)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    with (run.folder / LOG).open("w") as log:
        process = subprocess.Popen(  # noqa: S603 (our own program, a key of our own)
            [
                sys.executable,
                "-m",
                "openasm.app.feeds.worker",
                str(settings.DATA),
                run.key,
                str(-1 if handle is None else handle),
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=() if handle is None else (handle,),
            start_new_session=True,  # a server that is stopped does not take its runs along
        )
    threading.Thread(target=process.wait, daemon=True).start()  # so that an ended process leaves the system's table


def settle(practice: Practice) -> None:
    """Mark runs whose process has died as stopped, with an event."""
    for run in FeedRun.objects.filter(practice=practice, state=State.RUNNING.value):
        run.practice = practice
        if not is_alive(run.folder):
            with transaction.atomic():
                changed = FeedRun.objects.filter(pk=run.pk, state=State.RUNNING.value).update(
                    state=State.STOPPED.value,
                    ended_at=timezone.now(),
                    message="Its process ended before the run was finished. It can go on from what is done.",
                )
                if changed:
                    details = {"run": run.key, "stopped": True}
                    record(Kind.RUN_STARTED, who=None, practice=practice, outcome=Outcome.FAILED, details=details)


def is_alive(folder: Path) -> bool:
    """Whether a process holds a run's folder."""
    try:
        handle = hold(folder)
    except OSError:
        return False
    if handle is None:
        return True
    release(handle)
    return False


def progress_of(run: FeedRun) -> Progress:
    """How far a run is, from the note its process writes."""
    try:
        note = json.loads((run.folder / PROGRESS).read_text(encoding="utf-8"))
        place, of = int(note["place"]), max(1, int(note["of"]))
        left = None if note["left"] is None else float(note["left"])
        title = str(note["title"])
    except (OSError, ValueError, KeyError, TypeError):
        return Progress("Starting", 0, 1, 0, None)
    return Progress(title, place, of, round(100 * max(0, place - 1) / of), left)
