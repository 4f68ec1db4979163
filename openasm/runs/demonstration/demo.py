"""The demonstration: a made-up group among made-up peers through the whole chain, by the same functions as for real data.

claims, records, list, roster, attestations, peers -> openasm run -> scores, projection, report -> the story
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from openasm.archive.projection import Projection, read_projection
from openasm.base.errors import WrongUsage
from openasm.base.files import written_whole
from openasm.regulation.rulebook import rules_for
from openasm.runs.chain.configuration import read_configuration
from openasm.runs.chain.progress import Progress
from openasm.runs.chain.run import RunSummary, run_configured
from openasm.runs.demonstration.files import AS_OF, YEAR, DemoSize, Group, write_demo_files
from openasm.runs.demonstration.story import StoryLine, story_of

MARKER = "demonstration.json"
CONFIGURATION = "practice.toml"
SOON_DAYS = 31


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What the demonstration made. out: its folder; run, report, configuration: inside it."""

    out: Path
    run: Path
    report: Path
    configuration: Path
    group: Group
    summary: RunSummary
    projection: Projection
    story: tuple[StoryLine, ...]


def run_demo(
    out: Path,
    *,
    size_name: str,
    size: DemoSize,
    seed: int,
    now: Callable[[], dt.datetime],
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Demonstration:
    """Make the data, run the chain, write the report. An earlier demonstration at `out` is replaced whole.

    say: told each step as it begins; progress: where the run is. Raises WrongUsage when `out` holds anything but a demonstration; it
    is then untouched.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MARKER).is_file())):
        raise WrongUsage(f"{out.name} exists and is not a demonstration; give another folder with --out.")
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=out.absolute().parent))
    try:
        say(f"Making up claims, records, list and peers of a group of {size.group} clinicians")
        group = write_demo_files(folder, size=size, seed=seed, rules=rules_for(YEAR))
        say("Running the chain")
        summary = run_configured(
            read_configuration(folder / CONFIGURATION, today=dt.date.fromisoformat(AS_OF)),
            folder / "run",
            now=now,
            shown_as=f"{out.name}/run",
            progress=progress,
        )
        for form in ("html", "xlsx"):
            shutil.copyfile(folder / "run" / f"report.{form}", folder / f"report.{form}")
        with written_whole(folder / MARKER) as stream:
            json.dump({"size": size_name, "seed": seed, "note": "Made-up data; nobody in it exists."}, stream)
        folder.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        os.replace(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    run = out / "run"
    story = tuple(story_of(run, tins=group.tins, within_days=SOON_DAYS, shown_as=str(run)))
    return Demonstration(
        out, run, out / "report.html", out / CONFIGURATION, group, summary, read_projection(run), story
    )
