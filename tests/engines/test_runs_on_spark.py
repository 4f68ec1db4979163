"""One configuration on both engines: every file of the run is the same, byte by byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openasm.base.errors import WrongUsage
from openasm.tables.engine import open_engine
from tests.builders.configured_runs import results_of, run_now, small_group


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_both_engines_give_the_same_run_folder(tmp_path: Path) -> None:
    try:
        open_engine("spark", memory_bytes=1024**3, threads=2).close()
    except WrongUsage as missing:
        pytest.skip(str(missing))
    folder = tmp_path / "group"
    folder.mkdir()
    small_group(folder)
    text = (folder / "practice.toml").read_text(encoding="utf-8")
    # One cohort's codes list suffices: half the work, every kind of stage.
    text = text.replace('low_back_pain = "demonstration"\n', "")
    (folder / "practice.toml").write_text(text, encoding="utf-8")
    (folder / "on-spark.toml").write_text(
        text.replace("year = 2027", 'year = 2027\nengine = "spark"\nmemory = "2GB"'), encoding="utf-8"
    )
    for name, engine in (("practice", "duckdb"), ("on-spark", "spark")):
        run_now(folder / f"{name}.toml", tmp_path / engine)
        execution = json.loads((tmp_path / engine / "execution.json").read_text(encoding="utf-8"))
        assert execution["engine"] == engine
        assert [each["name"] for each in execution["stages"] if each["reused"]] == []
    on_one, on_other = results_of(tmp_path / "duckdb"), results_of(tmp_path / "spark")
    assert {name for name in on_one.keys() | on_other.keys() if on_one.get(name) != on_other.get(name)} == set()
    assert len(on_one) > 30
