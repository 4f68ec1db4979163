"""Stages of a run as a small explicit graph: what each is made from, whether it is there already, and why not.

A stage's key is SHA-256 over its name, the program (version, text of the rooms it runs, versions of the libraries that compute), the
content of its inputs, the keys of the stages before it, the rule values it uses and the settings that change its result. How the
work is done (jobs, memory, engine) is no part of it: results are equal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openasm import __version__
from openasm.base.errors import InputRefused, why_unreadable
from openasm.base.problems import Problem
from openasm.runs.chain.configuration_problems import UNREADABLE
from openasm.runs.chain.stage_store import Entry, Store, mark_of
from openasm.runs.program_text import library_versions, program_hash


@dataclass(frozen=True, slots=True)
class StageInput:
    """A file or folder a stage reads. role: what it is to the stage; name: as it may be shown; files: what is hashed.

    base: the folder below which the files' own names count; None for a single file, whose name does not matter; listed: lists a
    folder's files anew, None where they are named one by one.
    """

    role: str
    name: str
    files: tuple[Path, ...]
    base: Path | None = None
    listed: Callable[[], Iterable[Path]] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage reports besides its files: numbered problems as records, notes, and counts for the manifest."""

    problems: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """What a stage's function gets. place: the stage's own folder; out: where its files go (not there yet); before: the finished stages it rests on."""

    place: Path
    out: Path
    before: Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. title: in words; after: names of the stages it rests on; parameters: records of the rule values it uses; rooms:
    the parts of the program it runs; weight: its share of the work where nothing was measured yet.
    """

    name: str
    title: str
    make: Callable[..., Outcome]
    rooms: tuple[str, ...]
    after: tuple[str, ...] = ()
    inputs: tuple[StageInput, ...] = ()
    parameters: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """A stage in the plan. entry: the finished one, None when it is to be made; why: the reason, in words; made_from: its part of
    the manifest; seconds: what it took the last time, None where nothing is known; marks: those of its inputs, taken before they were
    hashed.
    """

    stage: Stage
    key: str
    entry: Entry | None
    why: str
    made_from: Mapping[str, Any]
    seconds: float | None
    marks: Mapping[StageInput, Mapping[Path, str]] = field(default_factory=dict)


def plan(stages: Sequence[Stage], store: Store) -> list[Step]:
    """What is there and what has to be made, in the order of work. Raises InputRefused for files that cannot be read."""
    steps: dict[str, Step] = {}
    marks = {each: marks_of(each) for stage in stages for each in stage.inputs}
    inputs = _hashed([each for stage in stages for each in stage.inputs], store)
    for stage in stages:
        made_from = _made_from(stage, inputs, {name: steps[name].key for name in stage.after})
        key = key_of(made_from)
        latest = store.latest(stage.name)
        entry = store.find(stage.name, key)
        if entry is not None:
            why = "nothing it rests on has changed"
        else:
            remade = [name for name in stage.after if steps[name].entry is None]
            why = why_made(made_from, latest.record if latest else None, key, remade)
        seconds = None if latest is None else float(latest.record.get("seconds", 0.0))
        steps[stage.name] = Step(
            stage, key, entry, why, made_from, seconds, {each: marks[each] for each in stage.inputs}
        )
    return list(steps.values())


def key_of(made_from: Mapping[str, Any]) -> str:
    """The key: SHA-256 over everything the stage is made from, as 64 hexadecimal digits."""
    text = json.dumps(made_from, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _made_from(
    stage: Stage, inputs: Mapping[StageInput, Mapping[str, Any]], before: Mapping[str, str]
) -> dict[str, Any]:
    values = {str(each["name"]): _digest(each) for each in stage.parameters}
    return {
        "name": stage.name,
        "program": {"version": __version__, "sha256": program_hash(stage.rooms), "libraries": library_versions()},
        "inputs": [inputs[each] for each in stage.inputs],
        "after": dict(before),
        "parameters": values,
        "settings": dict(stage.settings),
    }


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _hashed(wanted: Sequence[StageInput], store: Store) -> dict[StageInput, dict[str, Any]]:
    """Role, name, SHA-256 and size of every input; every one that cannot be read is named."""
    found: dict[StageInput, dict[str, Any]] = {}
    problems: list[Problem] = []
    for each in dict.fromkeys(wanted):
        try:
            found[each] = {"role": each.role, "name": each.name, "sha256": _content(each, store), "bytes": _size(each)}
        except OSError as error:
            problems.append(Problem(UNREADABLE, each.name, found=why_unreadable(error)))
    if problems:
        raise InputRefused(problems)
    return found


def marks_of(each: StageInput) -> dict[Path, str]:
    """Each file's mark as it is now: size, moments and inode; empty text for one that is not there."""
    paths = each.files if each.listed is None else tuple(each.listed())
    found: dict[Path, str] = {}
    for path in paths:
        try:
            found[path] = mark_of(path.stat())
        except OSError:
            found[path] = ""
    return found


def _content(each: StageInput, store: Store) -> str:
    if each.base is None and len(each.files) == 1:
        return store.hash_of(each.files[0])
    digest = hashlib.sha256()
    for path in sorted(each.files):
        name = path.relative_to(each.base).as_posix() if each.base else path.name
        digest.update(f"{name}\x1f{store.hash_of(path)}\x1e".encode())
    return digest.hexdigest()


def _size(each: StageInput) -> int:
    return sum(path.stat().st_size for path in each.files)


def why_made(made_from: Mapping[str, Any], earlier: Mapping[str, Any] | None, key: str, remade: Sequence[str]) -> str:
    """Why a stage has to be made, in words: what changed since its latest entry.

    earlier: the record of that entry, None when there is none; remade: stages before it that are made now.
    """
    if earlier is None:
        return "first time"
    if earlier.get("key") == key:
        return f"rests on {', '.join(remade)}" if remade else "its files are gone or were changed"
    reasons = list(_differences(made_from, earlier.get("made_from", {})))
    return "; ".join(reasons[:4]) + ("; ..." if len(reasons) > 4 else "") if reasons else "not made from these before"


def _differences(now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    if now["program"] != before.get("program"):
        yield "another program or library version"
    earlier = {(each["role"], each["name"]): each["sha256"] for each in before.get("inputs", ())}
    current = {(each["role"], each["name"]): each["sha256"] for each in now["inputs"]}
    for (role, name), digest in current.items():
        if (role, name) not in earlier:
            yield f"{role} {name} is new"
        elif earlier[role, name] != digest:
            yield f"{role} {name} changed"
    for role, name in earlier.keys() - current.keys():
        yield f"{role} {name} is gone"
    for word, kind in (("parameters", "rule value"), ("settings", "setting")):
        old, new = before.get(word, {}), now[word]
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                yield f"{kind} {name} changed"
    old_after = before.get("after", {})
    for name, key in now["after"].items():
        if old_after.get(name) != key:
            yield f"rests on {name}, which is another"
    for name in old_after.keys() - now["after"].keys():
        yield f"rests on {name} no more"
