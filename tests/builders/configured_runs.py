"""A small made-up group with everything `openasm run` takes, and comparisons of run folders."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

from openasm.regulation.rulebook import rules_for
from openasm.runs.chain.configuration import Configuration, read_configuration
from openasm.runs.chain.run import RunSummary, run_configured
from openasm.runs.demonstration.files import DemoSize, Group, write_demo_files

TODAY = dt.date(2027, 12, 1)
TINY = DemoSize(region=4, group=4, patients=24, heart_failure=40, low_back_pain=40, draws=100)
SECTIONS_LIGHT = '\n[report]\nforms = ["html"]\ntins = ["{tin}"]\n'


def small_group(folder: Path, *, projected: bool = False) -> Group:
    """Files and configuration of a tiny group in an empty folder. projected: with a projection, which takes most of the time."""
    group = write_demo_files(folder, size=TINY, seed=3, rules=rules_for(2027), jobs=1)
    text = (folder / "practice.toml").read_text(encoding="utf-8")
    if not projected:
        text += "off = true\n"
    (folder / "practice.toml").write_text(text + SECTIONS_LIGHT.format(tin=group.tins[0]), encoding="utf-8")
    return group


def with_section(folder: Path, old: str, new: str) -> Path:
    """A copy of the configuration, beside it, with a text replaced; it must be there."""
    text = (folder / "practice.toml").read_text(encoding="utf-8")
    assert old in text
    path = folder / "changed.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def configured(path: Path) -> Configuration:
    return read_configuration(path, today=TODAY)


def run_now(path: Path, out: Path, **how: Any) -> RunSummary:
    return run_configured(configured(path), out, now=lambda: dt.datetime.now(dt.UTC), **how)


def results_of(run: Path) -> dict[str, str]:
    """SHA-256 of every file that equal runs have in common, the manifest without its two moments."""
    found = {
        path.relative_to(run).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for room in ("scores", "patients", "worksheets")
        for path in sorted((run / room).rglob("*"))
        if path.is_file()
    }
    manifest = (run / "manifest.json").read_text(encoding="utf-8")
    without = re.sub(r'"(started|ended)": "[^"]*"', r'"\1": ""', manifest)
    return {**found, "manifest.json": hashlib.sha256(without.encode()).hexdigest()}


def is_whole(run: Path) -> bool:
    """Whether every file the manifest names is there as it says."""
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    return all(
        hashlib.sha256((run / each["name"]).read_bytes()).hexdigest() == each["sha256"] for each in manifest["outputs"]
    )


def copied(source: Path, target: Path) -> Path:
    """A folder's copy, as another machine would have it."""
    shutil.copytree(source, target)
    return target
