"""`openasm cds-hooks` (docs/reference/cds-hooks.md): how it starts, without opening a socket."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from openasm.base.errors import InputRefused, WrongUsage
from openasm.cli.cds_hooks import app, service_for
from openasm.quality.cds_hooks import Application
from openasm.quality.demonstration import write_demo_value_sets


def start(*options: str) -> None:
    result = CliRunner().invoke(app, list(options), catch_exceptions=False, standalone_mode=False)
    if result.exception is not None:
        raise result.exception


@pytest.fixture(scope="module")
def value_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("value_sets")
    write_demo_value_sets(folder)
    return folder


def test_it_serves_this_machine_only(value_sets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: dict[str, Any] = {}

    def serve(application: object, **options: object) -> None:
        served.update(options, application=application)

    monkeypatch.setitem(sys.modules, "waitress", SimpleNamespace(serve=serve))
    start("--value-sets", str(value_sets), "--port", "9999", "--year", "2026")
    assert (served["host"], served["port"]) == ("127.0.0.1", 9999)
    assert isinstance(served["application"], Application)


def test_a_missing_server_is_said(value_sets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "waitress", None)
    with pytest.raises(WrongUsage, match=r"openasm\[app\]"):
        start("--value-sets", str(value_sets))
    with pytest.raises(WrongUsage, match="--port"):
        start("--value-sets", str(value_sets), "--port", "0")


def test_missing_value_sets_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        service_for(tmp_path, year=2026, measures="236", today=lambda: date(2026, 1, 1))
    assert "V105" in {problem.kind.code for problem in refused.value.problems}
