"""`openasm run`: the whole chain from a configuration to a run folder; only what changed is made again.

    summary = run_configured(configuration, Path("run"), now=clock)

docs/reference/run-config.md says what a configuration holds, docs/reference/run-folder.md what a run and its store of stages are.
"""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from openasm.archive.folder import MANIFEST, check_target, is_run, new_run
from openasm.archive.manifest import file_hash
from openasm.archive.run import read_run
from openasm.base.errors import InputRefused, NotFound, OpenAsmError, WrongUsage
from openasm.base.files import written_whole
from openasm.base.problems import Problem, ProblemKind
from openasm.runs.chain.assembly import add_looking_back, assemble, problems_of, record_of
from openasm.runs.chain.configuration import Configuration
from openasm.runs.chain.configuration_problems import DISK_FULL, NOT_A_RUN_BEFORE, OUT_OF_MEMORY
from openasm.runs.chain.looking_back_stages import LOOKING_BACK
from openasm.runs.chain.peak_memory import forget_peak_memory, peak_memory_mb
from openasm.runs.chain.progress import Progress, Watch
from openasm.runs.chain.records import COMMAND, write_execution, write_run_manifest
from openasm.runs.chain.stage_graph import StageInput, Step, Work, marks_of, plan
from openasm.runs.chain.stage_inputs import single
from openasm.runs.chain.stage_store import Entry, Store, open_store
from openasm.runs.chain.stage_work import Means
from openasm.runs.chain.stages import stages_of
from openasm.runs.chain.unchanged_inputs import unchanged
from openasm.tables.engine import default_threads


class StageStopped(OpenAsmError):
    """A stage could not be finished for want of memory or room; finished stages are kept and an earlier run is untouched."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do. steps: in the order of work; not_computed: stage -> why."""

    steps: tuple[Step, ...]
    not_computed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A finished run. made, reused: names of stages; seconds: by stage made; problems: stage and record."""

    out: Path
    name: str
    year: int
    made: tuple[str, ...]
    reused: tuple[str, ...]
    not_computed: Mapping[str, str]
    seconds: Mapping[str, float]
    problems: tuple[tuple[str, Mapping[str, Any]], ...]


def plan_configured(configuration: Configuration, out: Path, *, now: Callable[[], dt.datetime]) -> Plan:
    """What a run would make and what it would take from the store; nothing is written but the record of file hashes."""
    _check_out(out)
    _previous(configuration)
    asked = stages_of(configuration, Means(now, shown_as=out.name))
    place = store_folder(configuration, out)
    if not place.exists():
        return Plan(tuple(plan(asked.stages, Store(place))), asked.not_computed)
    with open_store(place) as store:
        return Plan(tuple(plan(asked.stages, store)), asked.not_computed)


def run_configured(
    configuration: Configuration,
    out: Path,
    *,
    now: Callable[[], dt.datetime],
    jobs: int = 0,
    engine: str = "",
    resume: bool = False,
    shown_as: str = "",
    progress: Callable[[Progress], None] = lambda _: None,
) -> RunSummary:
    """Run the chain and write `out`, whole or not at all; an earlier configured run there is replaced.

    jobs, engine: instead of the configuration's; shown_as: how commands in the report name the run; resume: NotFound unless an earlier run with this store left something. Raises
    InputRefused, RuleUnpublished, NotFound, WrongUsage as the stages do, and StageStopped for want of memory or room.
    """
    started = now()
    _check_out(out)
    previous = _previous(configuration)
    section = configuration.run
    means = Means(
        now=now,
        engine=engine or section.engine,
        jobs=jobs or section.jobs or default_threads(),
        memory=section.memory,
        spill=section.spill,
        shown_as=shown_as or out.name,
    )
    watch = Watch(progress)
    overlays = [single("rule values", path) for path in (*configuration.overlays, *configuration.codes.overlays)]
    rule_files = {each: marks_of(each) for each in overlays}
    asked = stages_of(configuration, replace(means, step=watch.step))
    place = store_folder(configuration, out)
    if resume and not place.is_dir():
        raise NotFound(f"There is nothing to resume: no store of stages {place.name}.")
    with open_store(place) as store:
        if resume and not store.begun():
            raise NotFound(f"There is nothing to resume: the store {place.name} holds no stage yet.")
        steps = plan(asked.stages, store)
        watch.expect(steps)
        entries: dict[str, Entry] = {}
        seconds: dict[str, float] = {}
        moment = started.timestamp()
        done = partial(
            _done, entries=entries, store=store, watch=watch, seconds=seconds, moment=moment, rule_files=rule_files
        )
        for step in steps:
            if step.stage.name not in (*LOOKING_BACK, "report"):
                entries[step.stage.name] = done(step)
        with _said("the run folder"), new_run(out, replace=out.exists() and is_run(out)) as folder:
            assemble(folder, entries)
            write_run_manifest(folder, configuration, asked, entries, previous, started, now())
            looking_back = [step for step in steps if step.stage.name in LOOKING_BACK]
            for step in looking_back:
                entries[step.stage.name] = done(_shown(step, folder))
            if looking_back:
                for step in looking_back:
                    add_looking_back(entries[step.stage.name], folder)
                write_run_manifest(folder, configuration, asked, entries, previous, started, now())
            for step in steps:
                if step.stage.name == "report":
                    entries["report"] = done(_shown(step, folder))
                    _copy_reports(entries["report"], folder)
            with written_whole(folder / "config.toml") as stream:
                stream.write(configuration.text)
            write_execution(folder, means, steps, entries, seconds, started, now())
        keep_after = started - dt.timedelta(days=section.keep_days)
        store.tidy(list(entries.values()), unused_since=keep_after.timestamp())
    made = tuple(name for name in entries if name in seconds)
    return RunSummary(
        out=out,
        name=configuration.name,
        year=section.year,
        made=made,
        reused=tuple(name for name in entries if name not in seconds),
        not_computed=asked.not_computed,
        seconds=seconds,
        problems=tuple(problems_of(entries)),
    )


def store_folder(configuration: Configuration, out: Path) -> Path:
    """Where finished stages are kept: as configured, else `RUN.stages` beside the run."""
    out = out.absolute()
    return configuration.run.store or out.with_name(f"{out.name}.stages")


def _check_out(out: Path) -> None:
    """An earlier configured run may be replaced; anything else is left alone."""
    if out.is_dir() and is_run(out):
        command = json.loads((out / MANIFEST).read_text(encoding="utf-8")).get("command")
        if command != COMMAND:
            raise WrongUsage(f"The folder {out.name} holds a run of openasm {command}; give another name with --out.")
        return
    check_target(out, replace=False)


def _previous(configuration: Configuration) -> list[dict[str, Any]]:
    """Name, year and hash of the earlier runs named."""
    found: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for path in configuration.previous:
        try:
            run = read_run(path)
        except InputRefused:
            problems.append(Problem(NOT_A_RUN_BEFORE, configuration.file.name, column="previous.runs", found=path.name))
            continue
        found.append({"name": path.name, "year": run.year, "sha256": file_hash(path / MANIFEST)})
    if problems:
        raise InputRefused(problems)
    return found


def _done(
    step: Step,
    *,
    entries: Mapping[str, Entry],
    store: Store,
    watch: Watch,
    seconds: dict[str, float],
    moment: float,
    rule_files: Mapping[StageInput, Mapping[Path, str]],
) -> Entry:
    """The stage's entry, made now where it has to be. rule_files: overlays with their marks, which enter keys by their values."""
    stage = step.stage
    watch.begin(step)
    entry = step.entry
    if entry is None:
        began = time.perf_counter()
        processor = _processor_seconds()
        forget_peak_memory()
        place = store.work_folder(stage.name, step.key)
        before = {name: entries[name] for name in stage.after}
        with _said(stage.title), unchanged({**step.marks, **rule_files}, made_in=place):
            outcome = stage.make(Work(place, place / "out", before))
        took = time.perf_counter() - began
        measured = {"peak_mb": peak_memory_mb(), "processor_seconds": round(_processor_seconds() - processor, 3)}
        with _said(stage.title):
            entry = store.keep(stage.name, step.key, record_of(outcome, step.made_from, took) | measured)
        seconds[stage.name] = round(took, 3)
    store.touch(entry, moment=moment)
    watch.end(step)
    return entry


def _shown(step: Step, folder: Path) -> Step:
    """A step whose stage is told where the assembled run is."""
    return replace(step, stage=replace(step.stage, make=partial(step.stage.make, folder=folder)))


def _processor_seconds() -> float:
    """Of this process and of those it started that have ended."""
    return sum(os.times()[:4])


@contextmanager
def _said(title: str) -> Iterator[None]:
    """Want of memory or room, said as a problem that names the stage; every other failure goes on as it is."""
    try:
        yield
    except OpenAsmError:
        raise
    except Exception as error:
        kind = _want(error)
        if kind is None:
            raise
        raise StageStopped(Problem(kind, title).as_text()) from error


def _want(error: Exception) -> ProblemKind | None:
    """What was wanting, by the kinds and words of the system and of the engines; None for another failure."""
    text = str(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException" or "OutOfMemoryError" in text:
        return OUT_OF_MEMORY
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return DISK_FULL if full or "No space left on device" in text else None


def _copy_reports(entry: Entry, folder: Path) -> None:
    for output in entry.record["outputs"]:
        with written_whole(folder / output["name"], "wb") as stream:
            stream.write((entry.out / output["name"]).read_bytes())
