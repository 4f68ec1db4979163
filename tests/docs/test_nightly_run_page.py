"""The page about nightly runs: its configuration and its commands as they stand, on made-up files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openasm.cli.run import app
from tests.builders.configured_runs import is_whole, small_group

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "nightly-run.md").read_text(encoding="utf-8")


def test_the_page_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_group(tmp_path)
    (configuration,) = re.findall(r"```toml practice\.toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "practice.toml").write_text(configuration, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    commands = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert len(commands) == 4
    said = []
    for command in commands:
        program, name, *arguments = shlex.split(command)
        assert (program, name) == ("openasm", "run")
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.exception
        said.append(done.stdout)
    assert "first time" in said[0]
    assert "15 stages computed" in said[1]
    assert '"computed": []' in said[2]
    assert "0 stages computed" in said[3]
    assert is_whole(tmp_path / "run")
