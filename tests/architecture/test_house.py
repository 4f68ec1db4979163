"""Habits of the house that a machine can check."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import openasm
from openasm.base.problems import catalogue

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "openasm"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)  # those are generated
NETWORK = {"socket", "urllib", "http", "ftplib", "smtplib", "requests", "httpx", "aiohttp"}
FETCHES_NOTHING = ("urllib.parse", "http.HTTPStatus")
LISTENS = {"app/server.py"}  # for its own people; `socket.create_server` alone
MAY_USE_NETWORK = {
    "app/server.py",  # opens the port that its processes answer at, and no connection
    "participants/shelves.py",  # the one place whose purpose is fetching
}
LONG_BUT_ARGUED = {  # files past 400 lines say why in their docstring, or are tables of declarations
    "base/parameters.py",
    "claims/sources/cclf/usual.py",
    "clinical/fhir_resources.py",
    "clinical/moments.py",
    "episodes/plain.py",
    "episodes/specifications/lists.py",
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [name_of(path) for path in MODULES if path.stem in ("utils", "helpers", "common", "misc")] == []


def test_every_public_name_says_what_it_is() -> None:
    silent = []
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not ast.get_docstring(tree) and tree.body and path.name != "__init__.py":
            silent.append(f"{name_of(path)}: the module")
        for node in tree.body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                silent += [f"{name_of(path)}: {node.name}"]
    assert silent == []


def test_nothing_reaches_for_the_network_but_fetching() -> None:
    found = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [f"{node.module or ''}.{alias.name}" for alias in node.names]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            if any(each.split(".")[0] in NETWORK and not each.startswith(FETCHES_NOTHING) for each in names):
                found.add(name_of(path))
    assert found <= MAY_USE_NETWORK | LISTENS
    for name in LISTENS:
        text = next(path for path in MODULES if name_of(path) == name).read_text(encoding="utf-8")
        assert set(re.findall(r"\bsocket\.(\w+)", text)) <= {"create_server", "socket", "AF_INET", "AF_INET6"}, name
        assert "urllib" not in text
        assert ".connect(" not in text


def test_long_files_are_few_and_named() -> None:
    long = {name_of(path) for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) > 400}
    assert long <= LONG_BUT_ARGUED


def test_the_command_line_starts_without_heavy_libraries() -> None:
    program = (
        "import sys, openasm.cli.main; "
        "print(sorted({'numpy','duckdb','pyarrow','narwhals','jinja2','vl_convert','openpyxl','hccinfhir','rapidfuzz','yaml','reportlab','django'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_problem_is_met_by_a_test() -> None:
    """A code nobody has seen happen is a message nobody has read."""
    for module in pkgutil.walk_packages(openasm.__path__, "openasm."):
        importlib.import_module(module.name)
    seen: set[str] = set()
    declared_as: dict[str, str] = {}
    for path in MODULES:
        for name, code in re.findall(
            r"^([A-Z][A-Z0-9_]+) = declare\(\s*\"([A-Z]\d{3})\"", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            declared_as |= {code: name}
    for path in (ROOT / "tests").rglob("*"):
        if path.suffix in (".py", ".txt", ".json", ".csv", ".yaml", ".md", ".expected") and path != Path(__file__):
            text = path.read_text(encoding="utf-8", errors="ignore")
            seen |= set(re.findall(r"\b[A-Z]\d{3}\b", text))
            seen |= {code for code, name in declared_as.items() if name in text}
    assert sorted(code for code in catalogue() if code not in seen and not code.startswith("Z")) == []


def test_bad_inputs_are_kept_by_the_dozen() -> None:
    """Each file or folder below `fixtures/bad/<room>` is one bad input; rooms pin what each of theirs is refused with."""
    kept = [
        path for room in (ROOT / "tests" / "fixtures" / "bad").iterdir() if room.is_dir() for path in room.iterdir()
    ]
    assert len(kept) >= 60


@pytest.mark.parametrize("room", sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()))
def test_every_room_has_an_import_contract(room: str) -> None:
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert room == "cli" or f'source_modules = ["openasm.{room}"]' in contracts


def test_no_committed_file_names_an_index_or_a_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    for name in tracked:
        path = ROOT / name
        if not path.is_file() or path.suffix in (".xlsx", ".gz", ".parquet", ".png") or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        assert "--index-url" not in text or name in ("Makefile",), name
        assert not re.search(r"/home/|/root/|pypi\.org|files\.pythonhosted", text), name
