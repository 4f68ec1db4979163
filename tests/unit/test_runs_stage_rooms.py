"""A stage's key holds the text of the rooms it runs: what its function imports, directly or not, lies in them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import openasm
from openasm.runs.chain import stage_work
from openasm.runs.chain.stages import stages_of
from tests.builders.configured_runs import configured, run_now, small_group

ROOT = Path(openasm.__file__).parent
# How stages are planned, named, kept and described: it changes no result of a stage. What a configuration says enters keys as settings.
PLANNING = {f"runs/chain/{name}.py" for name in ("stage_graph", "stage_rooms", "stage_store", "configuration_problems")}
PLANNING |= {"runs/program_text.py"}
# Imported only to draw the page of `openasm score`, which the stage is told not to.
NOT_RUN = {"scores": {"report", "projection"}}


def file_of(module: str) -> Path | None:
    place = ROOT.joinpath(*module.split(".")[1:])
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return path if path.is_file() else None


@cache
def imported(path: Path) -> dict[str, str]:
    """Names a file imports from this program, anywhere in it, and the module of each."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "openasm":
            for each in node.names:
                whole = f"{node.module}.{each.name}"
                found[each.asname or each.name] = whole if file_of(whole) else node.module
        elif isinstance(node, ast.Import):
            found |= {each.name: each.name for each in node.names if each.name.startswith("openasm.")}
    return found


def reached(modules: set[str]) -> set[str]:
    """Files of the program that modules come to, themselves too."""
    seen: set[Path] = set()
    pending = list(modules)
    while pending:
        path = file_of(pending.pop())
        if path is not None and path not in seen:
            seen.add(path)
            pending += imported(path).values()
    return {path.relative_to(ROOT).as_posix() for path in seen}


def modules_of(function: str) -> set[str]:
    """Modules that a function of stage_work names, or that those it calls there name; a type of what it is given runs nothing."""
    path = Path(stage_work.__file__)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef | ast.ClassDef)}
    names: set[str] = set()
    pending, seen = [function], set()
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            for node in ast.walk(defined[name]):
                own = [node.id] if isinstance(node, ast.Name) else []
                own += [each.name for each in node.names] if isinstance(node, ast.ImportFrom) else []
                names.update(own)
                pending += [each for each in own if each in defined]
    known = imported(path)
    return {known[name] for name in names - {"Configuration"} if name in known}


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every stage there can be: its function and its rooms."""
    folder = tmp_path_factory.mktemp("group")
    small_group(folder, projected=True)
    score = folder / "score.toml"
    score.write_text(
        '[run]\nyear = 2027\n[score_inputs]\npeers = "peers"\n[projection]\noff = true\n[report]\nforms = []\n'
    )
    run_now(score, folder / "before")
    config = folder / "all.toml"
    config.write_text((folder / "practice.toml").read_text() + '[previous]\nruns = ["before"]\n')
    asked = stages_of(configured(config), stage_work.Means(now=lambda: None))
    assert {"comparison", "trend", "report"} <= {stage.name for stage in asked.stages}
    return {stage.name: (_function(stage.make), stage.rooms) for stage in asked.stages}


def _function(make: object) -> str:
    while hasattr(make, "func"):
        make = make.func
    return make.__name__


def test_what_a_stage_imports_lies_in_its_rooms(stages: dict[str, tuple[str, tuple[str, ...]]]) -> None:
    outside = {}
    for name, (function, rooms) in stages.items():
        known = (*rooms, *NOT_RUN.get(name, ()))
        outside[name] = sorted(
            path
            for path in reached(modules_of(function)) - PLANNING
            if not path.endswith("__init__.py")
            and not any(path == room or path.startswith(f"{room}/") for room in known)
        )
    assert {name: paths for name, paths in outside.items() if paths} == {}


def test_rooms_exist_and_none_is_all_of_runs(stages: dict[str, tuple[str, tuple[str, ...]]]) -> None:
    for _, rooms in stages.values():
        assert "runs" not in rooms
        assert [room for room in rooms if not (ROOT / room).exists()] == []
