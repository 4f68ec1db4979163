"""The wheel holds everything the program reads, the container copies what the build needs, completion completes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from openasm.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    made = subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return folder / made.stdout.split()[-1]


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    tracked = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "openasm").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("openasm/")}
    assert tracked <= held
    assert {Path(name).suffix for name in held} >= {".py", ".yaml", ".xlsx"}


def test_the_wheel_answers_with_nothing_of_the_repository_beside_it(wheel: Path, tmp_path: Path) -> None:
    """The rule values are among its files; `make test-wheel` installs it and makes the demonstration with it."""
    package = tmp_path / "package"
    zipfile.ZipFile(wheel).extractall(package)
    program = (
        "import sys; sys.path[:] = [sys.argv.pop(1), *(each for each in sys.path if 'site-packages' in each or 'python3' in each)];"
        "import openasm; assert 'package' in openasm.__file__, openasm.__file__;"
        "from openasm.cli.main import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-c", program, str(package), "rules", "--year", "2027", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)["parameters"]) > 100


def test_the_container_copies_what_exists_and_the_build_needs() -> None:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    copied = {word for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]}
    assert copied >= {"pyproject.toml", "README.md", "LICENSE", "openasm", "requirements/app.txt"}
    assert all((ROOT / name).exists() for name in copied)
    let_in = (ROOT / ".containerignore").read_text(encoding="utf-8")
    assert all(f"!{name}" in let_in for name in copied)
    assert re.search(r"^USER openasm$", text, re.MULTILINE)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands_and_options(shell: str) -> None:
    def completed(words: str) -> str:
        environment = {**os.environ, "_OPENASM_COMPLETE": f"complete_{shell}", "COMP_WORDS": words}
        environment |= {"COMP_CWORD": str(len(words.split(" ")) - 1), "_TYPER_COMPLETE_ARGS": words}
        environment |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        program = "import sys; sys.argv[0] = 'openasm'; from openasm.cli.main import main; main()"
        return subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
        ).stdout

    assert "eligibility" in completed("openasm el")
    assert "--assume-year" in completed("openasm score --ass")
    assert len(COMMANDS) > 10
