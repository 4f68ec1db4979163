"""The practice demonstration on both engines: every file of the run is the same, byte by byte."""

from __future__ import annotations

import json
import re
from pathlib import Path

import narwhals as nw
import pytest

from openasm.regulation.rulebook import rules_for
from openasm.runs.demonstration.files import SIZES, write_demo_files
from openasm.tables.engine import open_engine
from tests.builders.configured_runs import SECTIONS_LIGHT, results_of, run_now, with_section

SEED = 2027
ON_THE_CLUSTER = ("claims_by_practice", "eligibility", "episodes-heart_failure", "episodes-low_back_pain", "quality")


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.enable_socket
@pytest.mark.usefixtures("spark_session")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_both_engines_give_the_same_run_folder(tmp_path: Path) -> None:
    folder = tmp_path / "group"
    folder.mkdir()
    group = write_demo_files(folder, size=SIZES["practice"], seed=SEED, rules=rules_for(2027), jobs=2)
    # What no engine computes is left short: the projection, and pages of practices one by one.
    (folder / "practice.toml").write_text(
        (folder / "practice.toml").read_text(encoding="utf-8")
        + "off = true\n"
        + SECTIONS_LIGHT.format(tin=group.tins[0]),
        encoding="utf-8",
    )
    on_spark = with_section(folder, "[run]\n", '[run]\nengine = "spark"\n')
    for engine, configuration in (("duckdb", folder / "practice.toml"), ("spark", on_spark)):
        run_now(configuration, tmp_path / engine)
        execution = json.loads((tmp_path / engine / "execution.json").read_text(encoding="utf-8"))
        assert execution["engine"] == engine
        assert [each["name"] for each in execution["stages"] if each["reused"]] == []
        assert {each["name"] for each in execution["stages"]} >= set(ON_THE_CLUSTER)
    on_one, on_other = results_of(tmp_path / "duckdb"), results_of(tmp_path / "spark")
    assert {name for name in on_one.keys() | on_other.keys() if on_one.get(name) != on_other.get(name)} == set()
    assert len(on_one) > 30


@pytest.mark.spark
@pytest.mark.enable_socket
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_session_of_the_callers_stays(spark_session: object) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/spark.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    exec(example, {})
    with open_engine("spark", memory_bytes=1024**3, threads=2) as engine:
        frame = engine.from_rows({"cents": [1, 2]}, {"cents": nw.Int64()})
        assert engine.to_arrow(frame).num_rows == 2
    assert spark_session.sql("select 1").count() == 1  # type: ignore[attr-defined]
