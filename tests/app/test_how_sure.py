"""What figures are and how sure they are: the projection's own record in words and sums, and what closing a case is worth."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from openasm.app.look.templatetags.look import cents, chance, dollars, signed_cents, signed_dollars
from openasm.app.people.models import Practice
from openasm.app.practices.method import drawn_words, why_two
from openasm.app.published.models import CohortResult, ParticipantResult, PracticeResult, Run
from openasm.archive.projection import Projection, read_projection, write_projection
from openasm.archive.run import read_run
from openasm.projection.project import Request, project
from tests.app.conftest import Stage, signed_in_client
from tests.app.scored_runs import publish_all, reader_of, score_two

DRAWS = 40
WORTH = (
    *("tin", "npi", "cohort", "measure", "level", "benchmark", "open_cases", "points_now", "points_one", "points_all"),
    *("final_score_one", "final_score_all", "dollars_one", "dollars_all", "dollars_per_case"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a projection, and with what closing cases of measure 236 is worth to one participant of each practice."""
    found, _ = score_two(tmp_path_factory.mktemp("sure"))
    write_projection(found, project(read_run(found), Request(draws=DRAWS, peers="own"), threads=1))
    lines = [",".join(WORTH)]
    for row in read_run(found).table("scores").rows():
        if row["cohort"] == "heart_failure":
            values = ("236", "individual", "pool of the run", 20, 1.4, 1.5, 9.4, 0.1, 8.0, 30.0, 2400.0, 120.0)
            lines.append(",".join(map(str, (row["tin"], row["npi"], row["cohort"], *values))))
    (found / "scores" / "gap_worth.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def projection(folder: Path) -> Projection:
    return read_projection(folder)


@pytest.fixture
def practice(stage: Stage, folder: Path) -> Practice:
    publish_all(folder)
    return Practice.objects.get(pk=ParticipantResult.objects.filter(cohort="heart_failure").latest("pk").practice_id)


@pytest.fixture
def reader(practice: Practice) -> Client:
    return signed_in_client(reader_of(practice))


def words_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def test_the_explanation_says_how_sure_the_payment_is(
    practice: Practice, reader: Client, projection: Projection
) -> None:
    result = ParticipantResult.objects.filter(practice=practice, cohort="heart_failure").latest("pk")
    own = projection.participant(practice.tin, result.npi, result.cohort)
    text = words_of(reader, f"/practices/{practice.key}/clinicians/{result.npi}/explanation/")
    _, _, sure = text.partition("How sure the payment is the run's projection")
    for part in ("Likely range", "Chance of a cut", "One more point of final score", "At stake", "What would help"):
        assert part in sure, part
    for value in (own.dollars.p5, own.dollars.median, own.dollars.p95):
        assert signed_dollars(value) in sure
    assert f"{round(own.probability_of_cut * DRAWS)} of {DRAWS} = {chance(own.probability_of_cut)}" in sure
    assert f"= {dollars(own.point_dollars)}" in sure
    risk = float(CohortResult.objects.get(run=result.run, cohort=result.cohort).document["risk_level"])
    assert f"x {dollars(result.part_b_cents / 100)} = {dollars(risk * result.part_b_cents / 100)}" in sure
    for lever in own.levers:
        assert lever.title in sure
    assert why_two(result.run) in sure
    assert not re.search(r"Measure \w+[^:]*: (is|counts)", text), "a measure without points is told in a whole sentence"


def test_two_figures_never_stand_without_names(practice: Practice, reader: Client) -> None:
    run = Run.objects.newest_of(practice)
    assert run is not None
    result = ParticipantResult.objects.filter(practice=practice, run=run).order_by("pk")[0]
    for address in ("", f"clinicians/{result.npi}/"):
        text = words_of(reader, f"/practices/{practice.key}/{address}")
        assert "If the year ended now" in text
        assert "Expected" in text
        assert why_two(run) in text
    assert "if the year ended now" in words_of(
        reader, f"/practices/{practice.key}/clinicians/{result.npi}/explanation/"
    )


def test_the_reason_is_the_projections_own() -> None:
    own = Run(facts={"projection": {"peers": "own", "own_error": "next_year", "draws": 1000}})
    published = Run(facts={"projection": {"peers": "published", "own_error": "none", "draws": 200}})
    assert "draws the peers of the run anew" in why_two(own)
    assert "another year of the same size" in why_two(own)
    assert "CMS's published MIPS benchmarks" in why_two(published)
    assert "another year" not in why_two(published)
    assert "1,000 simulated cohorts" in drawn_words(own)
    assert "many simulated cohorts" in drawn_words(Run(facts={})), "published by an earlier version"


def test_the_practices_sums_are_explained(practice: Practice, reader: Client, projection: Projection) -> None:
    run = Run.objects.newest_of(practice)
    assert run is not None
    summary = PracticeResult.objects.get(practice=practice, run=run)
    people = ParticipantResult.objects.filter(practice=practice, run=run)
    text = words_of(reader, f"/practices/{practice.key}/how-sure/")
    assert f"If the year ended now: {signed_cents(summary.change_cents)}" in text
    for each in people:
        assert signed_cents(each.change_cents) in text
    documents = dict(CohortResult.objects.filter(run=run).values_list("cohort", "document"))
    stake = sum(round(float(documents[each.cohort]["risk_level"]) * each.part_b_cents) for each in people)
    assert f"Together {cents(stake)}" in text
    shown = words_of(reader, f"/practices/{practice.key}/")
    assert f"At stake {cents(stake)}" in shown, "the same sum as on the page Practice"
    for each in projection.assumptions:
        assert each.title in text
        assert each.status in text.lower()
    assert f"seed {projection.seed}" in text


def test_what_a_case_is_worth_is_worked_out_from_the_runs_values(practice: Practice, reader: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        text = words_of(reader, f"/practices/{practice.key}/worklist/worth/?measure=CMS165")
    assert "236 Controlling high blood pressure, by participant" in text
    assert "Pool of the run 20 1.4 9.4 8.00 0.4000 $300 $120" in text
    assert len(queries) <= 8
    asked = words_of(reader, f"/practices/{practice.key}/worklist/worth/?measure=CMS135")
    assert "the run has no worth for this practice" in asked


def test_a_run_without_worth_or_projection_says_so(stage: Stage, sign_in: Callable[..., Client]) -> None:
    client = sign_in("viewer")
    assert "No worth with this run" in words_of(client, f"/practices/{stage.elm.key}/worklist/worth/")
    assert "The run has no projection" in words_of(client, f"/practices/{stage.elm.key}/how-sure/")
    nurse = words_of(sign_in("nurse"), f"/practices/{stage.elm.key}/worklist/?window=all")
    assert "how this is worked out" in nurse
