"""An interrupted `openasm episodes` goes on with its own stages, and never with those of other inputs, values, years or programs."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from openasm.episodes.chain import STAGES
from openasm.episodes.specifications.construction import demonstration_workbook, story_workbook
from openasm.runs.cost import episodes
from openasm.runs.cost.episodes import run_episodes
from openasm.runs.cost.synthesis import synthetic_region

HEART = "heart_failure"
Given = dict[str, Any]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("region") / "made"
    synthetic_region(9, folder, participants=4, beneficiaries=100)
    return folder / "tables"


def run(given: Given, out: Path, made: list[str], stop_at: str = "") -> None:
    """Add the stages that are made to `made`; stopped as one of them begins."""

    def progress(stage: str) -> None:
        if stage == stop_at:
            raise KeyboardInterrupt
        made.append(stage)

    run_episodes(
        out=out,
        cohort=HEART,
        now=lambda: dt.datetime(2028, 2, 1, tzinfo=dt.UTC),
        threads=1,
        replace=True,
        progress=progress,
        **given,
    )


def results(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*.*"))
        if path.name != "manifest.json"
    }


def _another_workbook(given: Given, _: Path, __: pytest.MonkeyPatch) -> None:
    given["codes_file"] = story_workbook(HEART)


def _another_list_of_the_same_name(given: Given, folder: Path, _: pytest.MonkeyPatch) -> None:
    given["codes_file"] = folder / demonstration_workbook(HEART).name
    shutil.copy(story_workbook(HEART), given["codes_file"])


def _another_year(given: Given, _: Path, __: pytest.MonkeyPatch) -> None:
    given["year"] = 2026


def _another_value(given: Given, folder: Path, _: pytest.MonkeyPatch) -> None:
    (folder / "mine.yaml").write_text(
        "section: heart_failure\nparameters:\n  confirm_days:\n    values:\n      - years: [2027]\n"
        "        value: 60\n        citation: made up for a test\n",
        encoding="utf-8",
    )
    given["overlays"] = [folder / "mine.yaml"]


def _other_claims(given: Given, folder: Path, _: pytest.MonkeyPatch) -> None:
    claims = folder / given["claims_folder"].name
    shutil.copytree(given["claims_folder"], claims)
    lines = pq.read_table(claims / "claim_lines.parquet")
    pq.write_table(lines.slice(0, lines.num_rows - 200), claims / "claim_lines.parquet")
    given["claims_folder"] = claims


def _another_program(_: Given, __: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episodes, "program_hash", lambda rooms: f"another text of {rooms}")


def _another_library(_: Given, __: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episodes, "library_versions", lambda: {"duckdb": "0"})


@pytest.mark.parametrize(
    "change",
    [
        *(_another_workbook, _another_list_of_the_same_name, _another_year, _another_value, _other_claims),
        *(_another_program, _another_library),
    ],
)
def test_stages_of_others_are_never_taken(
    region: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Given, Path, pytest.MonkeyPatch], None],
) -> None:
    given: Given = {"claims_folder": region, "codes_file": demonstration_workbook(HEART), "year": 2027}
    out = tmp_path / "run"
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run(given, out, made := [], stop_at="episodes")
    assert made == []  # the same inputs: what was made is taken
    (tmp_path / "changed").mkdir()
    change(given, tmp_path / "changed", monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(given, out, made := [], stop_at="episodes")
    assert made == ["qualifying"]
    assert len(list(tmp_path.glob(".run.stages-*"))) == 1  # the others are gone


def test_one_folder_for_other_inputs_gives_what_a_new_one_does(region: Path, tmp_path: Path) -> None:
    given: Given = {"claims_folder": region, "codes_file": demonstration_workbook(HEART), "year": 2027}
    other = {**given, "codes_file": story_workbook(HEART)}
    with pytest.raises(KeyboardInterrupt):
        run(given, tmp_path / "run", [], stop_at="conditions")
    for out in ("fresh", "run"):
        run(other, tmp_path / out, made := [])
        assert made == [*STAGES, "scores"]
    assert results(tmp_path / "run") == results(tmp_path / "fresh")
    run(given, tmp_path / "run", made := [])  # and back, into the finished folder
    assert made == [*STAGES, "scores"]
    assert results(tmp_path / "run") != results(tmp_path / "fresh")
    assert list(tmp_path.glob(".run.stages-*")) == []
