"""The page Compare: parts and causes that add up as shown, nothing invented, and what `openasm compare` tells."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from openasm.app.audit.models import AuditEvent
from openasm.app.comparisons.actions import publish_comparison
from openasm.app.comparisons.changes import changes_of, comparison_between, practice_causes, sides_of, told_by
from openasm.app.comparisons.models import ParticipantCauses, RunComparison
from openasm.app.comparisons.splits import Side, payment_causes, whole_dollars
from openasm.app.people.models import Practice
from openasm.app.published.models import ParticipantResult, Run
from openasm.base.errors import InputRefused
from openasm.regulation.rulebook import rules_for
from openasm.runs.comparison.compare import compare_runs
from tests.app.conftest import Stage, signed_in_client
from tests.app.scored_runs import publish_all, reader_of, score_two
from tests.builders.score_folders import tin

COHORT = {"midpoint": "50.0", "scaling_factor": "1.05"}
OTHER = {"midpoint": "52.0", "scaling_factor": "1.15"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return score_two(tmp_path_factory.mktemp("compared"))


@pytest.fixture
def practice(stage: Stage, runs: tuple[Path, Path]) -> Practice:
    return publish_all(*runs)


@pytest.fixture
def reader(practice: Practice) -> Client:
    return signed_in_client(reader_of(practice))


def pair() -> tuple[Run, Run]:
    return Run.objects.get(name="march"), Run.objects.get(name="june")


def text_of(response: object) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def side(document: dict[str, str]) -> Side:
    return Side(rules_for(2027), document)


def result(score: float | None, part_b: int, under: Side) -> ParticipantResult:
    return ParticipantResult(
        final_score=score, part_b_cents=part_b, change_cents=round(under.cents([score], [part_b])[0]), status="scored"
    )


def test_what_is_shown_adds_up_for_every_practice(practice: Practice) -> None:
    earlier, later = pair()
    taken_apart = 0
    for each in Practice.objects.filter(results__run__in=(earlier, later)).distinct():
        changes = changes_of(each, earlier, later)
        for change in changes:
            assert change.dollars == sum(cause.shown for cause in change.payment) or not change.payment
            if change.parts:
                assert round(sum(part.shown for part in change.parts) * 10) == change.score_tenths
                taken_apart += 1
            if change.before is not None and change.after is not None:
                assert change.payment or not change.dollars, change.npi
        assert sum(cause.shown for cause in practice_causes(changes)) == sum(change.dollars for change in changes)
    assert taken_apart > 20


def test_the_published_numbers_give_the_published_payments(practice: Practice) -> None:
    sides = sides_of(pair())
    for (run, cohort), under in sides.items():  # all of them together
        rows = ParticipantResult.objects.filter(run=run, cohort=cohort)
        again = under.cents([each.final_score for each in rows], [each.part_b_cents for each in rows])
        assert list(again) == pytest.approx([each.change_cents for each in rows], abs=1.0)


def test_exchanging_the_runs_turns_every_sign() -> None:
    first, second = side(COHORT), side(OTHER)
    before, after = result(41.0, 10_000_000, first), result(63.5, 12_000_000, second)
    (there,) = payment_causes([(before, after)], (first, second))
    (back,) = payment_causes([(after, before)], (second, first))
    assert there is not None
    assert back is not None
    assert {key: -value for key, value in back.items()} == pytest.approx(there)
    assert sum(there.values()) == pytest.approx((after.change_cents - before.change_cents) / 100, abs=0.02)


@pytest.mark.parametrize(
    ("cause", "score", "part_b", "document"),
    [("score", 63.0, 100, COHORT), ("scaling", 41.0, 100, OTHER), ("part_b", 41.0, 140, COHORT)],
)
def test_what_alone_changed_is_the_whole_cause(cause: str, score: float, part_b: int, document: dict[str, str]) -> None:
    first, second = side(COHORT), side(document)
    before, after = result(41.0, 10_000_000, first), result(score, part_b * 100_000, second)
    (causes,) = payment_causes([(before, after)], (first, second))
    assert causes is not None
    others = [value for key, value in causes.items() if key != cause]
    assert others == [0.0, 0.0]
    assert abs(causes[cause]) > 100


def test_a_score_that_came_to_be_is_a_cause_of_its_own() -> None:
    first = side(COHORT)
    alike = result(41.0, 10_000_000, first)
    wrong = result(41.0, 10_000_000, first)
    wrong.change_cents += 500
    came = (result(None, 10_000_000, first), result(0.0, 10_000_000, first))
    causes = payment_causes([(alike, alike), came, (alike, wrong)], (first, first))
    assert causes[0] == {"score": 0.0, "scaling": 0.0, "part_b": 0.0}
    assert causes[1] == pytest.approx({"score": -9000.0, "scaling": 0.0, "part_b": 0.0})
    assert causes[2] is None, "one whose payment does not follow leaves the others as they are"
    assert payment_causes([], (first, first)) == []


def test_payments_that_do_not_follow_are_not_taken_apart(practice: Practice) -> None:
    changed = ParticipantResult.objects.filter(practice=practice, run__name="june", final_score__isnull=False).first()
    changed.change_cents += 1_000_00
    changed.save()
    changes = changes_of(practice, *pair())
    (mine,) = [each for each in changes if (each.npi, each.cohort) == (changed.npi, changed.cohort)]
    assert not mine.payment
    assert [cause.shown for cause in practice_causes(changes) if cause.title.startswith("Not taken")] == [mine.dollars]


def test_whole_dollars_round_halves_away_from_zero() -> None:
    assert [whole_dollars(cents) for cents in (50, 49, -50, -49, 0)] == [1, 0, -1, 0, 0]


def test_the_pages(practice: Practice, reader: Client) -> None:
    earlier, later = pair()
    page = text_of(reader.get(f"/practices/{practice.key}/compare/"))
    assert f"From {earlier.name}" in page
    assert "Payment scaling" in page
    for change in changes_of(practice, earlier, later):
        detail = text_of(reader.get(f"/practices/{practice.key}/compare/{change.npi}/?cohort={change.cohort}"))
        assert change.name in page
        assert change.name in detail
        for part in change.parts:
            assert part.title in detail
    assert "openasm compare FIRST SECOND --tin TIN --json > comparison.json" in detail


def test_runs_are_chosen_by_their_keys(practice: Practice, reader: Client, stage: Stage) -> None:
    earlier, later = pair()
    turned = text_of(reader.get(f"/practices/{practice.key}/compare/?first={later.key}&second={earlier.key}"))
    assert f"From {later.name}" in turned
    assert f"From {earlier.name}" in text_of(reader.get(f"/practices/{practice.key}/compare/?first=none&second=none"))
    same = text_of(reader.get(f"/practices/{practice.key}/compare/?first={later.key}&second={later.key}"))
    assert f"From {earlier.name}" in same


def test_a_practice_with_one_run_learns_what_to_do(stage: Stage, sign_in: Callable[..., Client]) -> None:
    assert "One run so far" in text_of(sign_in("viewer").get(f"/practices/{stage.elm.key}/compare/"))


def test_somebody_of_one_run_only(practice: Practice, reader: Client) -> None:
    gone = (
        ParticipantResult.objects.filter(run__name="march").exclude(
            npi__in=ParticipantResult.objects.filter(run__name="june").values("npi")
        )
    ).get()
    (change,) = changes_of(gone.practice, *pair(), npi=gone.npi)
    assert (change.after, change.score_tenths, change.parts) == (None, None, ())
    assert change.dollars == -whole_dollars(gone.change_cents)
    client = signed_in_client(reader_of(gone.practice, "colleague"))
    assert "one of the two runs only" in text_of(
        client.get(f"/practices/{gone.practice.key}/compare/{gone.npi}/?first={pair()[0].key}&second={pair()[1].key}")
    )


def test_the_file_holds_every_part_and_is_an_export(practice: Practice, reader: Client) -> None:
    response = reader.get(f"/practices/{practice.key}/compare.csv")
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    changes = {(each.npi, each.cohort): each for each in changes_of(practice, *pair())}
    assert len(rows) == len(changes)
    for row in rows:
        if row["final_score_before"] and row["final_score_after"]:
            names = (
                "quality",
                "cost",
                "improvement",
                "interoperability",
                "complex_patients",
                "small_practice",
                "limits",
            )
            moved = float(row["final_score_after"]) - float(row["final_score_before"])
            assert sum(float(row[name]) for name in names) == pytest.approx(moved, abs=1e-6)
    assert AuditEvent.objects.first().details == f'{{"form":"csv","rows":{len(rows)},"what":"comparison"}}'
    assert reader.get(f"/practices/{practice.key}/compare.exe").status_code == 404


def test_the_number_of_queries_is_constant(practice: Practice, reader: Client) -> None:
    address = f"/practices/{practice.key}/compare/?first={pair()[0].key}&second={pair()[1].key}"
    with CaptureQueriesContext(connection) as queries:
        reader.get(address)
    assert len(queries) == 10
    change = changes_of(practice, *pair())[0]
    with CaptureQueriesContext(connection) as queries:
        reader.get(f"/practices/{practice.key}/compare/{change.npi}/")
    assert len(queries) == 12


@pytest.fixture(scope="module")
def told(runs: tuple[Path, Path]) -> dict[str, object]:
    return compare_runs(*runs, tin=tin(1)).as_record()


def test_a_comparison_tells_the_causes(
    practice: Practice, reader: Client, told: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / "comparison.json"
    path.write_text(json.dumps(told))
    count = publish_comparison(path, by=None)
    assert count == len(told["participants"]) > 0
    assert publish_comparison(path, by=None) == count  # replaces, adds nothing
    assert (RunComparison.objects.count(), ParticipantCauses.objects.count()) == (1, count)
    assert AuditEvent.objects.filter(kind="published", details__contains='"comparison":true').count() == 2
    changes = {(each.npi, each.cohort): each for each in changes_of(practice, *pair())}
    for key, each in told_by(comparison_between(*pair()), practice).items():
        assert sum(cause.shown for cause in each.dollars.causes) == each.dollars.change == changes[key].dollars
        detail = text_of(reader.get(f"/practices/{practice.key}/compare/{key[0]}/?cohort={key[1]}"))
        assert "Own data" in detail
        assert "Program version" in detail
    page = text_of(reader.get(f"/practices/{practice.key}/compare/"))
    assert "What differs between the runs as a whole" in page


def test_a_comparison_of_runs_that_are_not_published_is_refused(
    stage: Stage, told: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / "comparison.json"
    path.write_text(json.dumps(told))
    with pytest.raises(InputRefused) as refused:
        publish_comparison(path, by=None)
    assert [(each.kind.code, each.column) for each in refused.value.problems] == [("A040", "first"), ("A040", "second")]
    assert not RunComparison.objects.exists()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no JSON", "A041"),
        ("{}", "X003"),
        ('{"format": "openasm-comparison", "format_version": 9}', "X003"),
        ('{"format": "openasm-comparison", "format_version": 1, "first": {}}', "X003"),
    ],
)
def test_what_is_no_comparison_is_refused(text: str, code: str, stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "comparison.json"
    path.write_text(text)
    with pytest.raises(InputRefused) as refused:
        publish_comparison(path, by=None)
    assert [each.kind.code for each in refused.value.problems] == [code]
