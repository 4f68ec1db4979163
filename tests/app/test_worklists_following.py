"""Work over runs: closed by what a run shows, kept when a run does not know, open again when the gap is back."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from openasm.app.published import publish
from openasm.app.published.models import Gap, Patient
from openasm.app.published.publish import publish_run
from openasm.app.sealing import patient_key
from openasm.app.worklists.actions import Change, change_case
from openasm.app.worklists.models import Case, PublishedWorklist, Status, WorkEvent, WorkItem, newest_worklist
from openasm.app.worklists.rows import window_badge
from openasm.base.errors import InputRefused
from tests.app.conftest import Stage
from tests.app.run_folders import CANARY_NAMES, NPIS, write_parquet, write_small_run

POPULATIONS = (
    *("measure", "group", "patient", "initial_population", "denominator", "denominator_exclusion"),
    *("denominator_exception", "numerator", "reason"),
)
MET, UNMET, EXCLUDED, EXCEPTED, OUT = (
    (1, 1, 0, 0, 1),
    (1, 1, 0, 0, 0),
    (1, 1, 1, 0, 0),
    (1, 1, 0, 1, 0),
    (0, 0, 0, 0, 0),
)


@pytest.fixture(autouse=True)
def _aside(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics are not renewed inside a test's transaction."""
    monkeypatch.setattr(publish, "_analyze", lambda: None)


def work_on(stage: Stage, name: str, measure: str, status: Status = Status.WORKING) -> WorkItem:
    case = Case.objects.select_related("run", "patient").get(
        practice=stage.elm, patient__key=patient_key(name), measure=measure
    )
    nurse = stage.people["nurse"]
    return change_case(case=case, change=Change(status=status, note="begun"), version=0, by=nurse)


def next_run(
    folder: Path,
    *,
    without: Sequence[str] = (),
    populations: Sequence[tuple[str, int, str, tuple[int, ...]]] | None = None,
    change: Callable[[list[str]], list[str]] = lambda row: row,
) -> Path:
    """The small run a week later. without: patients whose gaps are gone; populations: lines of populations.parquet."""
    write_small_run(folder, shift=1.0 + len(folder.name))  # other scores, another content
    path = folder / "patients" / "worklist.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(
            [header, *(change(row) for row in rows if row[header.index("patient")] not in without)]
        )
    if populations is not None:
        lines = [(measure, group, patient, *flags, "") for measure, group, patient, flags in populations]
        write_parquet(folder / "patients" / "populations.parquet", POPULATIONS, lines)
    return folder


@pytest.mark.parametrize(
    ("lines", "status", "outcome"),
    [
        ([("CMS135", 1, CANARY_NAMES[0], MET)], "closed", "met"),
        ([("CMS135", 1, CANARY_NAMES[0], EXCLUDED)], "closed", "excepted"),
        ([("CMS135", 1, CANARY_NAMES[0], EXCEPTED)], "closed", "excepted"),
        ([("CMS135", 1, CANARY_NAMES[0], OUT)], "closed", "not_counted"),
        ([("CMS135", 1, CANARY_NAMES[0], UNMET)], "working", ""),
        ([("CMS135", 1, CANARY_NAMES[0], MET), ("CMS135", 1, CANARY_NAMES[0], UNMET)], "working", ""),
        ([("CMS135", 1, CANARY_NAMES[0], OUT), ("CMS135", 1, CANARY_NAMES[0], MET)], "closed", "met"),
        ([("CMS135", 2, CANARY_NAMES[0], MET), ("CMS144", 1, CANARY_NAMES[0], MET)], "working", ""),
        ([("CMS135", 1, CANARY_NAMES[1], MET)], "working", ""),
        (None, "working", ""),
    ],
)
def test_a_run_closes_what_its_populations_settle(
    stage: Stage,
    tmp_path: Path,
    lines: list[tuple[str, int, str, tuple[int, ...]]] | None,
    status: str,
    outcome: str,
) -> None:
    item = work_on(stage, CANARY_NAMES[0], "CMS135")
    run = publish_run(next_run(tmp_path / "run", without=CANARY_NAMES[:1], populations=lines), by=None).run
    item.refresh_from_db()
    assert (item.status, item.outcome) == (status, outcome)
    closed = status == "closed"
    assert item.closed_by == (run if closed else None)
    assert item.left_out_of == (None if closed else run)
    published = PublishedWorklist.objects.get(practice=stage.elm, run=run)
    assert (published.cases, published.lost, published.closed, published.left_out) == (
        1,
        1,
        int(closed),
        int(not closed),
    )
    assert [event.who_text for event in item.events.all()] == ["Test Nurse", ""]
    assert item.events.all()[0].note == "begun", "the history goes on"
    assert item.patient.identifier == CANARY_NAMES[0], "a patient with work is kept"


def test_less_is_better_for_an_inverse_measure(stage: Stage, tmp_path: Path) -> None:
    def as_inverse(row: list[str]) -> list[str]:
        return ["CMS156" if cell == "CMS144" else cell for cell in row]

    publish_run(next_run(tmp_path / "first", change=as_inverse), by=None)
    item = work_on(stage, CANARY_NAMES[1], "CMS156")
    lines = [("CMS156", 1, CANARY_NAMES[1], UNMET)]  # not in the numerator: the good end of this measure
    folder = next_run(tmp_path / "second", without=CANARY_NAMES[1:2], populations=lines)
    publish_run(folder, by=None)
    item.refresh_from_db()
    assert (item.status, item.outcome) == ("closed", "met")


def test_work_goes_on_with_the_same_gap_and_follows_the_patient(stage: Stage, tmp_path: Path) -> None:
    item = work_on(stage, CANARY_NAMES[0], "CMS135", Status.WAITING)

    def moved(row: list[str]) -> list[str]:
        return [cell.replace(NPIS[0], NPIS[1]) for cell in row]

    run = publish_run(next_run(tmp_path / "run", change=moved), by=None).run
    item.refresh_from_db()
    assert (item.status, item.npis, item.version) == ("waiting", f" {NPIS[1]} ", 1)
    assert Case.objects.get(item=item).run == run
    assert item.events.count() == 1, "nothing happened to it"
    assert set(Case.objects.filter(practice=stage.elm).values_list("run", flat=True)) == {run.pk}, "old cases went"
    assert set(Gap.objects.filter(practice=stage.elm).values_list("run", flat=True)) == {run.pk}


def test_a_gap_that_is_back_opens_the_work_again(stage: Stage, tmp_path: Path) -> None:
    item = work_on(stage, CANARY_NAMES[0], "CMS135")
    lines = [("CMS135", 1, CANARY_NAMES[0], MET)]
    publish_run(next_run(tmp_path / "met", without=CANARY_NAMES[:1], populations=lines), by=None)
    publish_run(next_run(tmp_path / "again", populations=lines), by=None)
    item.refresh_from_db()
    assert (item.status, item.outcome, item.closed_by) == ("open", "", None)
    assert [sorted(event.changes) for event in item.events.all()] == [
        ["status"],
        ["outcome", "run", "status"],
        ["reopened", "run", "status"],
    ]


def test_a_run_without_a_worklist_changes_no_work(stage: Stage, tmp_path: Path) -> None:
    item = work_on(stage, CANARY_NAMES[0], "CMS135")
    folder = write_small_run(tmp_path / "run", shift=2.0)
    for path in (folder / "patients").iterdir():
        path.unlink()
    publish_run(folder, by=None)
    item.refresh_from_db()
    assert (item.status, item.left_out_of) == ("working", None)
    newest = newest_worklist(stage.elm)
    assert newest is not None
    assert newest.run == stage.run, "the list stays that of the run that brought it"


def test_another_year_is_other_work(stage: Stage, tmp_path: Path) -> None:
    item = work_on(stage, CANARY_NAMES[0], "CMS135")
    WorkItem.objects.filter(pk=item.pk).update(year=2026)
    publish_run(next_run(tmp_path / "run", without=CANARY_NAMES[1:2]), by=None)
    item.refresh_from_db()
    assert (item.status, item.left_out_of) == ("working", None)
    assert not Case.objects.filter(item=item, run=newest_worklist(stage.elm).run).exists()  # type: ignore[union-attr]


def test_a_broken_populations_file_stops_the_publish_whole(stage: Stage, tmp_path: Path) -> None:
    work_on(stage, CANARY_NAMES[0], "CMS135")
    folder = next_run(tmp_path / "run", without=CANARY_NAMES[:1])
    (folder / "patients" / "populations.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputRefused) as refused:
        publish_run(folder, by=None)
    assert refused.value.problems[0].kind.code == "A001"
    assert "CANARY" not in json.dumps([str(each) for each in refused.value.problems])
    assert Case.objects.filter(run=stage.run).count() == 4
    assert WorkEvent.objects.count() == 1


def test_patients_without_rows_or_work_go(stage: Stage, tmp_path: Path) -> None:
    work_on(stage, CANARY_NAMES[0], "CMS135")
    publish_run(next_run(tmp_path / "run", without=CANARY_NAMES[:2]), by=None)
    keys = set(Patient.objects.values_list("key", flat=True))
    assert patient_key(CANARY_NAMES[0]) in keys
    assert patient_key(CANARY_NAMES[1]) not in keys


def test_badges_at_the_edges() -> None:
    today = dt.date(2027, 12, 1)
    day = dt.timedelta(days=1)
    assert [
        window_badge(earliest, due, today)
        for earliest, due in (
            (None, today),
            (None, today - day),
            (today, today + 30 * day),
            (today + day, today + 31 * day),
            (None, today + 31 * day),
            (None, None),
        )
    ] == [
        ("warn", "Last day today"),
        ("off", "Ended Nov 30, 2027"),
        ("warn", "30 days left"),
        ("info", "Opens Dec 2, 2027"),
        ("good", "31 days left"),
        ("off", "Too late this year"),
    ]
