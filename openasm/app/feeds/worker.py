"""The process of one run: `python -m openasm.app.feeds.worker DATA KEY HANDLE`. It computes, publishes, and says how it ended.

The computing is `openasm run` in a process of its own: what it prints is shown to people as it stands, as its messages hold no
patient. This process watches for the wish to stop, which is a file in the run's folder.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from openasm.app.server import configure
from openasm.base.errors import OpenAsmError
from openasm.base.files import written_whole

if TYPE_CHECKING:
    from openasm.app.feeds.models import FeedRun, State

_OPENASM = (sys.executable, "-c", "from openasm.cli.main import main; main()")
_PROBLEM = re.compile(r"^  ([A-Z]\d{3}) (.+)$")
_PATIENCE_SECONDS = 30.0
_SHOWN = 200


def main(data: Path, key: str, handle: int) -> None:
    """Work on the run with this key and store how it ended."""
    configure(data)
    from django.db import transaction
    from django.utils import timezone

    from openasm.app.audit.events import Kind, Outcome, record
    from openasm.app.feeds.models import FeedRun, State
    from openasm.app.people.models import User

    run = FeedRun.objects.select_related("practice").get(key=key)
    try:
        state, message, problems = _computed(run, handle)
        if state is State.FINISHED:
            run.published_id = _published(run)
    except OpenAsmError as error:
        state, message, problems = State.REFUSED, "The results could not be loaded.", [_as_problem(str(error))]
    except Exception as error:  # what is wrong is ours; its text may hold data
        state, message, problems = State.REFUSED, f"A defect of OpenASM ({type(error).__name__}).", []
    with transaction.atomic():
        run.state, run.message, run.problems, run.ended_at = state.value, message, problems, timezone.now()
        run.save(update_fields=["state", "message", "problems", "ended_at", "published"])
        outcome = Outcome.DONE if state is State.FINISHED else Outcome.FAILED
        details = {"run": run.key, "ended": state.value, "problems": len(problems)}
        who = User.objects.filter(email=run.started_by).first()
        record(Kind.RUN_STARTED, who=who, practice=run.practice, outcome=outcome, details=details)
    if state is State.FINISHED:  # published; stages stay for the next run
        for name in ("run", "inputs"):
            shutil.rmtree(run.folder / name, ignore_errors=True)


def _computed(run: FeedRun, handle: int) -> tuple[State, str, list[dict[str, str]]]:
    """Run `openasm run` until it ends or is to stop."""
    from openasm.app.feeds.models import State
    from openasm.app.feeds.running import CONFIGURATION, PROGRESS, STOP

    folder = run.folder
    said = folder / "said.txt"
    with said.open("w") as stream:
        process = subprocess.Popen(  # noqa: S603 (our own program, paths of our own)
            [
                *_OPENASM,
                "run",
                str(folder / CONFIGURATION),
                *("--out", str(folder / "run"), "--progress-file", str(folder / PROGRESS)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            pass_fds=() if handle < 0 else (handle,),
        )
        while process.poll() is None:
            time.sleep(0.3)
            if (folder / STOP).exists():
                process.terminate()
                try:
                    process.wait(_PATIENCE_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                return State.CANCELLED, "Somebody stopped this run. It can go on from what is done.", []
    if process.returncode == 0:
        return State.FINISHED, "", []
    lines = said.read_text(encoding="utf-8", errors="replace").splitlines()
    problems = [{"code": found[1], "text": found[2]} for line in lines if (found := _PROBLEM.match(line))]
    if process.returncode < 0:
        return State.STOPPED, "The computing was ended from outside. It can go on from what is done.", []
    if problems:
        return State.REFUSED, "The run was refused: its inputs have problems. Nothing was changed.", problems[:_SHOWN]
    return State.REFUSED, " ".join(lines)[:2000] or "The run ended without saying why.", []


def _published(run: FeedRun) -> int:
    """Load the finished run for its practice alone; returns the published run's id."""
    from openasm.app.feeds.running import PROGRESS
    from openasm.app.people.models import User
    from openasm.app.published.publish import publish_run

    def say(step: str) -> None:
        with written_whole(run.folder / PROGRESS) as stream:
            json.dump({"title": f"Loading the results: {step}", "place": 1, "of": 1, "left": None}, stream)

    by = User.objects.filter(email=run.started_by).first()
    return publish_run(run.folder / "run", by=by, progress=say, tins=frozenset({run.practice.tin})).run.pk


def _as_problem(text: str) -> dict[str, str]:
    found = re.match(r"([A-Z]\d{3}) (.+)", text)
    return {"code": found[1], "text": found[2]} if found else {"code": "", "text": text[:2000]}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
