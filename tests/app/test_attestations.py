"""Attesting: steps, lock and amendment, two people at once, who may, what the database refuses, the pages, the file."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openasm.app.attestations.actions import Signature, SomebodyWasFaster, digest_of, take_step
from openasm.app.attestations.answers import Answer, as_text, attestations_csv, from_text, item_kinds, rules_of
from openasm.app.attestations.models import Version
from openasm.app.attestations.standing import standing_of
from openasm.app.attestations.steps import FOLLOWS, KEEPS_ANSWERS, NEEDS_REASON, Step
from openasm.app.audit.chain import verify
from openasm.app.audit.models import AuditEvent
from openasm.app.feeds.models import PracticeFile
from openasm.app.kept.rows import Kept
from openasm.base.errors import WrongUsage
from openasm.base.problems import Problems
from openasm.runs.scoring.inputs import read_inputs
from tests.app.attesting import AFTER, YEAR, complete, on, sent, signed
from tests.app.conftest import Stage

RULES = rules_of(YEAR)
SIGNATURE = Signature("the text", "Managing partner", {})


def address(stage: Stage, name: str, **arguments: object) -> str:
    arguments = arguments or {"year": YEAR}
    return reverse(name, kwargs={"practice": stage.elm.key, **arguments})


# What answers are worth


def standing(answers: dict[str, Answer], today: dt.date = AFTER) -> object:
    return standing_of(answers, tin="900000001", today=today, rules=RULES)


def test_complete_answers_cost_nothing_and_nothing_speaks_against_signing() -> None:
    found = standing(complete())
    assert (found.cost, found.activities, found.interoperability_score) == (0.0, ("IA_1", "IA_2"), 100.0)
    assert found.findings == ()


@pytest.mark.parametrize(("item", "start", "counts"), [("IA_1", (10, 3), True), ("IA_1", (10, 4), False)])
def test_ninety_days_to_the_day(item: str, start: tuple[int, int], counts: bool) -> None:
    answer = Answer(item, "yes", start=dt.date(YEAR, *start), end=dt.date(YEAR, 12, 31), evidence="x")
    found = standing(complete(**{item: answer}))
    assert (item in found.activities) is counts
    assert bool(found.blocking) is not counts
    assert found.cost == (0.0 if counts else 10.0)


@pytest.mark.parametrize(("start", "lost"), [((7, 5), 0.0), ((7, 6), 10.0)])
def test_a_hundred_and_eighty_days_to_the_day(start: tuple[int, int], lost: float) -> None:
    answer = Answer("CEHRT", "yes", start=dt.date(YEAR, *start), end=dt.date(YEAR, 12, 31), evidence="x")
    assert standing(complete(CEHRT=answer)).cost == lost


def test_nobody_signs_what_is_still_to_come() -> None:
    found = standing(complete(), today=dt.date(2027, 12, 30))
    assert [each.item for each in found.blocking] == ["IA_1", "IA_2", "CEHRT"]
    assert "still to come" in found.blocking[0].text
    before = standing(complete(), today=dt.date(2026, 12, 31))
    assert "has not begun" in before.blocking[0].text


def test_nothing_answered_costs_thirty_points() -> None:
    found = standing({})
    assert found.cost == 30.0
    assert "Nothing is answered" in found.blocking[0].text


ITEMS = [kind.item for kind in item_kinds(RULES)]
_days = st.none() | st.dates(dt.date(YEAR, 1, 1), dt.date(YEAR, 12, 31))
_answers = st.builds(
    Answer,
    st.sampled_from(ITEMS),
    st.sampled_from((None, "yes", "no", "excluded")),
    st.none() | st.integers(0, 10**9),
    st.none() | st.integers(0, 10**9),
    _days,
    _days,
    st.text(max_size=20),
)
ANSWERS = st.lists(_answers, max_size=20).map(lambda found: {each.item: each for each in found})


@settings(max_examples=150, deadline=None, derandomize=True)
@given(ANSWERS)
def test_answers_survive_their_text(answers: dict[str, Answer]) -> None:
    kept = {item: each for item, each in answers.items() if each.given or each.evidence}
    assert from_text(as_text(answers)) == kept
    assert as_text(from_text(as_text(answers))) == as_text(answers)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(ANSWERS)
def test_the_cost_is_between_nothing_and_thirty_points(answers: dict[str, Answer]) -> None:
    assert 0.0 <= standing(answers).cost <= 30.0


# Steps


def step(stage: Stage, which: Step, base: int, part: str = "attester", **more: object) -> Version:
    more.setdefault("answers", None if which in KEEPS_ANSWERS else complete())
    more.setdefault("signature", SIGNATURE if which is Step.SIGNED else None)
    more.setdefault("reason", "a reason" if which in NEEDS_REASON else "")
    return take_step(which, practice=stage.elm, year=YEAR, base=base, by=stage.people[part], **more)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tried=st.lists(st.tuples(st.sampled_from(list(Step)), st.integers(0, 3)), max_size=14))
def test_whatever_is_tried_versions_follow_the_rules_and_signed_ones_stay(
    tried: list[tuple[Step, int]], stage: Stage
) -> None:
    """lag: how many versions behind the person's page is; only one that is up to date may take a step."""
    with transaction.atomic():
        number, before = 0, None
        seen: dict[int, str] = {}
        for which, lag in tried:
            fits = lag == 0 and which in FOLLOWS[before]
            base = max(0, number - lag)
            if fits or (number == 0 and which in FOLLOWS[before]):
                made = step(stage, which, base)
                number, before = made.number, which
                seen[number] = made.digest
            else:
                with pytest.raises(WrongUsage):
                    step(stage, which, base)
        rows = list(Version.objects.of(stage.elm, YEAR).order_by("number"))
        assert [each.number for each in rows] == list(range(1, number + 1))
        assert {each.number: each.digest for each in rows} == seen
        assert all(digest_of(each) == each.digest for each in rows)
        for earlier, later in pairwise(rows):
            assert Step(later.step) in FOLLOWS[Step(earlier.step)]
            if later.step in KEEPS_ANSWERS:
                assert later.answers == earlier.answers
        transaction.set_rollback(True)


def test_what_is_signed_is_locked_until_it_is_amended_with_a_reason(stage: Stage) -> None:
    first = signed(stage)
    with pytest.raises(WrongUsage, match="locked"):
        step(stage, Step.DRAFT, 3)
    with pytest.raises(WrongUsage, match="why"):
        step(stage, Step.AMENDED, 3, reason="   ")
    step(stage, Step.AMENDED, 3)
    step(stage, Step.DRAFT, 4, answers=complete(IA_2=Answer("IA_2", "no", evidence="ended early")))
    assert Version.objects.signed(stage.elm, YEAR) == first  # in force until the amendment is signed
    step(stage, Step.REVIEW, 5)
    second = step(stage, Step.SIGNED, 6)
    assert Version.objects.signed(stage.elm, YEAR) == second
    assert Version.objects.get(pk=first.pk).answered["IA_2"].answer == "yes"


@pytest.mark.parametrize("part", ["nurse", "viewer", "clinician", "outsider", "operator", "other manager"])
def test_only_attesters_and_administrators_of_the_practice_sign(part: str, stage: Stage) -> None:
    step(stage, Step.DRAFT, 0)
    step(stage, Step.REVIEW, 1)
    with pytest.raises(PermissionDenied):
        step(stage, Step.SIGNED, 2, part)
    step(stage, Step.SIGNED, 2, "manager")
    with pytest.raises(PermissionDenied):
        step(stage, Step.AMENDED, 3, part)


def test_of_two_people_the_second_is_told_and_changes_nothing(stage: Stage) -> None:
    step(stage, Step.DRAFT, 0)
    step(stage, Step.DRAFT, 1, "nurse")
    with pytest.raises(SomebodyWasFaster, match="Test Nurse"):
        step(stage, Step.DRAFT, 1, "manager")
    assert Version.objects.of(stage.elm, YEAR).count() == 2


def test_two_attesters_at_once_sign_once(tmp_path: Path) -> None:
    """Two threads with a connection each, on a database of their own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.app.two_attesters", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith(("OPENASM", "DJANGO"))},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["signed", "faster", "versions", "3"]


@pytest.mark.parametrize(
    "statement", ["UPDATE attestations_version SET by_name = 'x'", "DELETE FROM attestations_version"]
)
def test_the_database_refuses_to_change_versions(statement: str, stage: Stage) -> None:
    version = signed(stage)
    with pytest.raises(DatabaseError, match="kept"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    with pytest.raises(Kept):
        version.save()
    with pytest.raises(Kept):
        version.delete()
    with pytest.raises(Kept):
        Version.objects.all().delete()
    with pytest.raises(Kept):
        Version.objects.update(reason="x")


def test_every_step_is_an_event_with_the_versions_digest(stage: Stage) -> None:
    version = signed(stage)
    event = AuditEvent.objects.first()
    assert event is not None
    assert event.kind == "attested"
    assert version.digest in event.details
    assert verify().whole


# Pages


def test_the_workspace_in_few_queries(
    stage: Stage, sign_in: Callable[..., Client], django_assert_max_num_queries: Callable
) -> None:
    signed(stage)
    client = sign_in("nurse")
    with django_assert_max_num_queries(13):
        response = client.get(f"/practices/{stage.elm.key}/attestations/")
    text = response.content.decode()
    assert "Signed" in text
    assert "11 other clinicians of the TIN are not covered" in text


def test_an_empty_year_teaches(stage: Stage, sign_in: Callable[..., Client]) -> None:
    text = sign_in("nurse").get(f"/practices/{stage.elm.key}/attestations/").content.decode()
    assert "Not begun" in text
    assert "−30.0 points" in text
    assert sign_in("nurse").get(f"/practices/{stage.elm.key}/attestations/?year=2099").status_code == 404


def test_from_draft_to_signature_through_the_pages(
    stage: Stage, sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    on(monkeypatch)
    nurse, attester = sign_in("nurse"), sign_in("attester")
    assert nurse.post(address(stage, "attestation_save"), sent(complete(), 0)).status_code == 302
    assert nurse.post(address(stage, "attestation_review"), {"base": 1}).status_code == 302
    page = attester.get(address(stage, "attestation_sign"))
    text = page.content.decode()
    assert (
        "Connecting to primary care, and screening for social needs (IA_1): yes, from 2027-09-01 to 2027-12-31." in text
    )
    assert "Test Clinician 1, NPI 2999000013, heart failure" in text
    assert "900000001" not in text
    form = {"base": 2, "shown": page.context["form"]["shown"].value(), "capacity": "Managing partner", "read": "on"}
    wrong = attester.post(address(stage, "attestation_sign"), {**form, "name": "Somebody Else"})
    assert "not the name of the account" in wrong.content.decode()
    changed = attester.post(address(stage, "attestation_sign"), {**form, "name": "Test Attester", "shown": "0" * 64})
    assert changed.status_code == 302
    assert Version.objects.signed(stage.elm, YEAR) is None
    attester.post(address(stage, "attestation_sign"), {**form, "name": "test  attester"})
    version = Version.objects.signed(stage.elm, YEAR)
    assert version is not None
    assert (version.by_name, version.capacity) == ("Test Attester", "Managing partner")
    assert version.known["partners_not_covered"] == 11
    assert any(each["name"] == "improvement.period_days" for each in version.known["rules"])
    read = nurse.get(address(stage, "attestation_version", year=YEAR, number=3)).content.decode()
    assert "Managing partner" in read
    assert "for nobody else, I attest" in read
    content = nurse.get(address(stage, "attestations_file")).content
    _taken_by_a_run(tmp_path, content)
    assert attester.post(address(stage, "attestation_amend"), {"base": 3, "reason": ""}).status_code == 302
    assert Version.objects.newest(stage.elm, YEAR).number == 3
    attester.post(address(stage, "attestation_amend"), {"base": 3, "reason": "The period of IA_2 was shorter."})
    assert Version.objects.newest(stage.elm, YEAR).reason == "The period of IA_2 was shorter."


def _taken_by_a_run(folder: Path, content: bytes) -> None:
    """The file goes through the program's own reader without a problem."""
    (folder / "attestations.csv").write_bytes(content)
    (folder / "participants.csv").write_text(
        "tin,npi,cohort,name,organization,state,clinicians_in_tin,part_b_paid,hcc_mean,dual_share\n"
        "900000001,2999000013,heart_failure,Test Clinician 1,Elm,TX,14,400000.00,1.50,0.20\n"
    )
    (folder / "quality.csv").write_text(
        "tin,npi,measure,collection_type,eligible,met,not_met,exclusions,exceptions,rate\n"
    )
    (folder / "cost.csv").write_text("tin,npi,measure,episodes,score\n")
    problems = Problems()
    inputs = read_inputs(folder, rules=RULES, problems=problems)
    assert {each.item for each in inputs.attestations} == set(complete())
    assert {each.tin for each in inputs.attestations} == {"900000001"}


def test_problems_are_shown_beside_what_was_sent_and_nothing_is_saved(
    stage: Stage, sign_in: Callable[..., Client]
) -> None:
    fields = sent(complete(), 0) | {
        "IA_1-start": "2026-12-31",
        "IA_2-end": "2027-01-01",
        "PI_EP_1-numerator": "451",
        "PI_PPHI_1-answer": "excluded",
    }
    text = sign_in("nurse").post(address(stage, "attestation_save"), fields).content.decode()
    for words in ("Not a day of 2027", "Before the first day", "Larger than the denominator", "Select a valid choice"):
        assert words in text
    assert 'value="451"' in text
    assert Version.objects.of(stage.elm, YEAR).count() == 0


def test_the_slower_of_two_keeps_what_was_typed(stage: Stage, sign_in: Callable[..., Client]) -> None:
    sign_in("nurse").post(address(stage, "attestation_save"), sent(complete(), 0))
    mine = sent(complete(IA_1=Answer("IA_1", "no", evidence="typed by the slower one")), 0)
    response = sign_in("attester").post(address(stage, "attestation_save"), mine)
    assert response.status_code == 409
    assert "typed by the slower one" in response.content.decode()
    assert "was faster" in response.content.decode()
    assert Version.objects.of(stage.elm, YEAR).count() == 1


def test_what_must_be_mended_cannot_be_signed(
    stage: Stage, sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, dt.date(2027, 12, 1))
    step(stage, Step.DRAFT, 0)
    step(stage, Step.REVIEW, 1)
    client = sign_in("attester")
    page = client.get(address(stage, "attestation_sign"))
    assert "cannot be signed as it is" in page.content.decode()
    form = {
        "base": 2,
        "shown": page.context["form"]["shown"].value(),
        "capacity": "x",
        "read": "on",
        "name": "Test Attester",
    }
    client.post(address(stage, "attestation_sign"), form)
    assert Version.objects.signed(stage.elm, YEAR) is None


def test_signing_asks_for_the_password_again(stage: Stage, sign_in: Callable[..., Client]) -> None:
    for name in ("attestation_sign", "attestations_file"):
        response = sign_in("attester", confirmed=False).get(address(stage, name))
        assert response.status_code == 302
        assert "confirm" in response["Location"] or "reauthenticate" in response["Location"]


def test_what_is_signed_is_given_to_the_next_run(
    stage: Stage, sign_in: Callable[..., Client], settings: object, tmp_path: Path
) -> None:
    settings.DATA = tmp_path  # type: ignore[attr-defined]
    client = sign_in("nurse")
    client.post(address(stage, "attestation_use"))
    assert not PracticeFile.objects.exists()  # nothing is signed
    version = signed(stage)
    client.post(address(stage, "attestation_use"))
    (kept,) = PracticeFile.objects.filter(practice=stage.elm, kind="attestations", removed_at=None)
    written = (kept.folder / "attestations.csv").read_bytes()
    assert written == attestations_csv(stage.elm.tin, version.answered, rules=RULES)
