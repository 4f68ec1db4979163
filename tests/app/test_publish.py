"""Publishing: what is loaded, once, whole or not at all; patients sealed; earlier patients' rows removed."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest
import time_machine
from django.db import connection

from openasm.app.audit.models import AuditEvent
from openasm.app.published import publish
from openasm.app.published.models import (
    CostCategory,
    DataProblem,
    Episode,
    EpisodeService,
    Gap,
    MeasureResult,
    ParticipantResult,
    Patient,
    PracticeResult,
    Run,
)
from openasm.app.published.publish import publish_run
from openasm.app.sealing import SealBroken, patient_key, seal, unseal
from openasm.base.errors import InputRefused
from tests.app.conftest import Stage
from tests.app.run_folders import CANARY_NAMES, NPIS, write_small_run

TABLES = (Run, PracticeResult, ParticipantResult, MeasureResult, CostCategory, Gap, Episode, EpisodeService, Patient)


def counts() -> list[int]:
    return [model._default_manager.count() for model in TABLES]


def test_what_is_loaded(stage: Stage) -> None:
    assert counts() == [1, 2, 5, 10, 2, 5, 3, 1, 7]
    result = ParticipantResult.objects.get(practice=stage.elm, npi=NPIS[0])
    assert (result.final_score, result.change_cents, result.part_b_cents) == (71.5, -207_904, 40_000_000)
    summary = PracticeResult.objects.get(practice=stage.elm)
    assert (summary.participants, summary.change_cents) == (3, -207_904 - 505_900 + 312_050)
    gap = Gap.objects.get(practice=stage.elm, measure="CMS144")
    assert gap.npis == f" {NPIS[0]} {NPIS[1]} "
    assert Gap.objects.get(practice=stage.elm, missing__text="an ACE inhibitor ordered").cents == 1250
    episode = Episode.objects.get(episode="e1")
    assert episode.costs == {"Imaging": 234_500, "Inpatient": 1_000_000}
    assert episode.npis == f" {NPIS[0]} "
    assert episode.patient.identifier == CANARY_NAMES[5]
    assert DataProblem.objects.get().code == "C101"


def test_a_gap_that_counts_for_nobody_here_is_not_kept(stage: Stage) -> None:
    assert not Patient.objects.filter(key=patient_key(CANARY_NAMES[4])).exists()


def test_publishing_again_changes_nothing(stage: Stage, run_folder: Path) -> None:
    before, events = counts(), AuditEvent.objects.count()
    assert not publish_run(run_folder, by=None).new
    assert counts() == before
    assert AuditEvent.objects.count() == events


def test_a_second_run_keeps_scores_and_replaces_patients_rows(stage: Stage, tmp_path: Path) -> None:
    second = publish_run(write_small_run(tmp_path / "second", shift=1.0), by=None)
    assert second.new
    assert Run.objects.newest_of(stage.elm) == second.run
    assert ParticipantResult.objects.filter(practice=stage.elm).count() == 6
    assert set(Gap.objects.values_list("run_id", flat=True)) == {second.run.pk}
    assert set(Episode.objects.values_list("run_id", flat=True)) == {second.run.pk}
    assert Patient.objects.count() == 7


def test_the_newest_run_is_the_last_published_whatever_the_clock_says(stage: Stage, tmp_path: Path) -> None:
    folder = write_small_run(tmp_path / "second", shift=1.0)
    with time_machine.travel(dt.datetime(2020, 1, 1, tzinfo=dt.UTC), tick=False):
        second = publish_run(folder, by=None).run
    assert second.published_at < stage.run.published_at
    assert Run.objects.newest_of(stage.elm) == second
    assert set(Gap.objects.values_list("run_id", flat=True)) == {second.pk}


def test_a_publish_that_fails_leaves_nothing(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(run: Run, source: object) -> None:
        raise RuntimeError

    before, events = counts(), AuditEvent.objects.count()
    monkeypatch.setattr(publish, "AFTER_ROWS", [broken])
    with pytest.raises(RuntimeError):
        publish_run(write_small_run(tmp_path / "second", shift=1.0), by=None)
    assert counts() == before
    assert AuditEvent.objects.count() == events


def test_a_spoiled_worklist_is_refused(stage: Stage, tmp_path: Path) -> None:
    before = counts()
    folder = write_small_run(tmp_path / "second", shift=1.0)
    (folder / "patients" / "worklist.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputRefused) as refused:
        publish_run(folder, by=None)
    assert [problem.kind.code for problem in refused.value.problems] == ["A001"]
    assert counts() == before


def test_runs_of_two_years_do_not_go_together(stage: Stage, tmp_path: Path) -> None:
    folder = write_small_run(tmp_path / "second", shift=1.0)
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps({**manifest, "year": 2028}))
    with pytest.raises(InputRefused) as refused:
        publish_run(folder, by=None, also=(other,))
    assert [problem.kind.code for problem in refused.value.problems] == ["A002"]


def test_no_identifier_stands_in_the_database(stage: Stage) -> None:
    with connection.cursor() as cursor:
        for model in TABLES:
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
            text = repr([[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in cursor.fetchall()])
            assert "CANARY" not in text, model


def test_seals_open_for_their_purpose_alone() -> None:
    sealed = seal("x", purpose="a")
    assert unseal(sealed, purpose="a") == "x"
    assert seal("x", purpose="a") != sealed
    for broken in (sealed[:-1] + bytes([sealed[-1] ^ 1]), b"\x02" + sealed[1:]):
        with pytest.raises(SealBroken):
            unseal(broken, purpose="a")
    with pytest.raises(SealBroken):
        unseal(sealed, purpose="b")
