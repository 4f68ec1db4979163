"""Walks through a page of the documentation: writes its files, runs its commands, compares what it says they print.

Fenced blocks count: `sh` is run line by line, `csv NAME`, `toml NAME` and `yaml NAME` are written, and each line of a `text` block must
stand in what the commands before it printed (spaces aside).
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(sh|text|csv|toml|yaml)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = ("csv", "toml", "yaml")


def walk(page: str, folder: Path, *, instead: dict[str, str] | None = None) -> dict[str, str]:
    """Walk through `docs/PAGE` in a folder; gives what each command printed.

    instead: commands that the test runs in another form (fewer draws, or nothing at all: an empty text), by their line.
    Raises AssertionError where a command fails or a `text` block's line was not printed.
    """
    printed: dict[str, str] = {}
    last = ""
    for kind, name, content in BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
        if kind in FILES and name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        elif kind == "sh":
            last = ""
            for line in content.replace("\\\n", " ").splitlines():
                printed[line] = _run((instead or {}).get(line, line), folder)
                last += printed[line]
        elif kind == "text" and last:
            said = _words(last)
            for line in content.splitlines():
                assert _words(line) in said, f"{page} says {line!r}; printed was:\n{last}"
    return printed


def _words(text: str) -> str:
    return " ".join(text.split())


def _run(line: str, folder: Path) -> str:
    if not line.strip():
        return ""
    program, *arguments = shlex.split(line, comments=True)
    if program == "cp":
        source, target = (folder / each for each in arguments[-2:])
        if "-r" in arguments:
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
        return ""
    if program == "echo" and arguments[-2] == ">>":
        with (folder / arguments[-1]).open("a", encoding="utf-8") as stream:
            stream.write(" ".join(arguments[:-2]) + "\n")
        return ""
    assert program == "openasm", f"the walk does not know `{program}`"
    command = [sys.executable, "-c", "from openasm.cli.main import main; main()", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{line}\n{result.stdout}\n{result.stderr}"
    return result.stdout
