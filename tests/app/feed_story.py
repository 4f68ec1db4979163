"""A practice's runs with real processes, told as JSON: refused, stopped by hand, killed, resumed, published."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sys
import time
import zipfile
from pathlib import Path

from openasm.app.server import configure, migrate
from tests.builders.configured_runs import small_group


def zipped(folder: Path) -> bytes:
    """A folder as an archive, as people send it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent))
    return stream.getvalue()


def tell(place: Path) -> dict[str, object]:
    """The story, in a data folder of its own."""
    demo = place / "demo"
    demo.mkdir()
    small_group(demo)
    configure(place / "data")
    migrate()
    from django.core.files.uploadedfile import SimpleUploadedFile

    from openasm.app.audit.models import AuditEvent
    from openasm.app.feeds import actions, running
    from openasm.app.feeds.kinds import BY_CODE
    from openasm.app.feeds.models import FeedRun
    from openasm.app.people.actions import create_practice
    from openasm.app.people.models import User
    from openasm.app.published.models import PracticeResult

    with (demo / "roster.csv").open() as stream:
        tin = next(csv.DictReader(stream))["tin"]
    user = User.objects.create_user("nurse@example.test", None, name="Test Nurse")
    practice = create_practice(tin=tin, name="Elm", by=None)

    def keep(kind: str, name: str, content: bytes) -> None:
        upload = SimpleUploadedFile(name, content)
        actions.keep_file(practice=practice, kind=BY_CODE[kind], upload=upload, by=user)

    def ended(run: FeedRun, seconds: float = 120) -> FeedRun:
        for _ in range(int(seconds / 0.2)):
            running.settle(practice)
            run.refresh_from_db()
            if run.state != "running" and not running.is_alive(run.folder):
                return run
            time.sleep(0.2)
        raise TimeoutError((run.folder / running.LOG).read_text()[-2000:])

    def under_way(run: FeedRun) -> None:
        for _ in range(300):
            if (run.folder / running.PROGRESS).exists():
                return
            time.sleep(0.1)
        raise TimeoutError

    story: dict[str, object] = {}
    values = {
        "year": 2027,
        "claims_format": "tables",
        "codes": "demonstration",
        "as_of_today": False,
        "projection": False,
    }
    actions.save_configuration(practice=practice, values=values, by=user)
    keep("claims", "claims.zip", zipped(demo / "claims"))
    keep("peers", "peers.zip", zipped(demo / "peers"))
    keep("participants", "own.csv", b"tin,npi\n1,2\n")
    run = ended(running.start_run(practice=practice, by=user))
    story["refused"] = {"state": run.state, "codes": [each["code"] for each in run.problems], "message": run.message}
    keep("participants", "own.csv", (demo / "own-participants.csv").read_bytes())

    run = running.start_run(practice=practice, by=user)
    running.ask_to_stop(run=run, by=user)
    story["cancelled"] = {"state": ended(run).state}

    run = running.start_run(practice=practice, by=user)
    under_way(run)
    for process in holders(run.folder):  # the machine fails: all of the run's own processes end at once
        os.kill(process, signal.SIGKILL)
    story["killed"] = {"state": ended(run).state}
    running.resume_run(run=run, by=user)
    run = ended(run)
    story["resumed"] = {
        "state": run.state,
        "results": PracticeResult.objects.filter(run=run.published).count() if run.published else run.message,
        "left": [name for name in ("run", "inputs") if (run.folder / name).exists()],
    }
    events = []
    for event in AuditEvent.objects.order_by("position"):
        about = json.loads(event.details or "{}")
        if event.kind == "published":
            events.append("published")
        elif "run" in about:
            known = ("resumed", "stopped", "stop")
            events.append(about.get("ended") or next((name for name in known if name in about), "started"))
    story["events"] = events
    return story


def holders(folder: Path) -> list[int]:
    """Processes that hold a folder, but for this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int(process.name) != os.getpid() and any(
                os.readlink(each) == str(folder) for each in (process / "fd").iterdir()
            ):
                found.append(int(process.name))
        except OSError:
            continue
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(tell(Path(sys.argv[1]))))
