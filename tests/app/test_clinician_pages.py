"""The page Clinician: parts that add up, the same explanation as the run's own, the scorecard, who sees what."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import pypdf
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from openasm.app.audit.models import AuditEvent
from openasm.app.clinicians.explanation import shown_explanation
from openasm.app.clinicians.forecast import forecast_of
from openasm.app.clinicians.measures import category_rows, category_title
from openasm.app.clinicians.score_parts import score_parts
from openasm.app.people.models import Practice
from openasm.app.published.models import CostCategory, ParticipantResult, ProjectionSummary, Run
from openasm.app.published.run_tables import run_with
from openasm.archive.explanation import explain_participant
from openasm.archive.run import read_run
from openasm.archive.trail import digits
from tests.app.conftest import Stage, signed_in_client
from tests.app.run_folders import NPIS
from tests.app.scored_runs import publish_all, reader_of, score_two

HISTOGRAM = {"edges": [-3000.0, -1500.0, 0.0, 1500.0], "counts": [50, 40, 10]}
SPREAD = {"mean": -900.0, "p5": -2900.0, "p25": -2000.0, "median": -1100.0, "p75": -300.0, "p95": 700.0}
LEVERS = [
    {"key": "cost", "title": "Episode cost 5% lower", "score": 1.31, "factor": 0.002, "dollars": 571.6},
    {"key": "005", "title": "Measure 005: rate 5 points higher", "score": 0.7, "factor": 0.001, "dollars": 305.0},
    {"key": "nothing", "title": "A change of nothing", "score": 0.0, "factor": 0.0, "dollars": 0.0},
    {"key": "all", "title": "All of these together", "score": 17.3, "factor": 0.03, "dollars": 7172.4},
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return score_two(tmp_path_factory.mktemp("clinicians"))


@pytest.fixture
def practice(stage: Stage, runs: tuple[Path, Path]) -> Practice:
    return publish_all(runs[0])


@pytest.fixture
def reader(practice: Practice) -> Client:
    return signed_in_client(reader_of(practice))


def text_of(response: object) -> str:
    """A page's words, tags taken out."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def results(practice: Practice) -> Iterator[ParticipantResult]:
    run = Run.objects.newest_of(practice)
    return iter(ParticipantResult.objects.filter(practice=practice, run=run).order_by("pk"))


def test_parts_add_up_for_everybody(practice: Practice) -> None:
    scored = ParticipantResult.objects.filter(run__name="march", final_score__isnull=False)
    assert scored.count() > 20
    for each in scored:
        assert sum(part.points for part in score_parts(each)) == pytest.approx(each.final_score, abs=1e-9)


def test_a_failed_minimum_submission_is_a_part_of_its_own() -> None:
    result = ParticipantResult(
        final_score=0.0,
        quality_score=0.2,
        quality_weight=0.5,
        cost_score=0.5,
        cost_weight=0.5,
        minimum_submission_met=False,
    )
    last = score_parts(result)[-1]
    assert (last.key, last.points) == ("limits", -35.0)
    assert "the score is 0" in last.how


def test_no_final_score_has_no_parts() -> None:
    assert score_parts(ParticipantResult(final_score=None)) == ()


def test_explanations_are_those_of_the_run_itself(practice: Practice, runs: tuple[Path, Path]) -> None:
    folder, run = read_run(runs[0]), Run.objects.get(name="march")
    for each in ParticipantResult.objects.filter(run=run).select_related("practice")[:25]:
        key = {"tin": each.practice.tin, "npi": each.npi, "cohort": each.cohort}
        kept = explain_participant(run_with(run, each.practice), **key)
        assert [one.as_record() for one in kept] == [one.as_record() for one in explain_participant(folder, **key)]


def test_the_explanation_shows_every_step_with_formula_source_and_status(practice: Practice, reader: Client) -> None:
    result = next(results(practice))
    shown = shown_explanation(result.run, practice, result)
    assert shown is not None
    page = text_of(reader.get(f"/practices/{practice.key}/clinicians/{result.npi}/explanation/?cohort={result.cohort}"))
    (found,) = explain_participant(
        run_with(result.run, practice), tin=practice.tin, npi=result.npi, cohort=result.cohort
    )
    for step in found.steps:
        assert step.title in page
        for line in step.calculations:
            assert line.filled in page
            assert digits(line.result) in page
        for rule in step.rules:
            assert rule.title in page
            assert rule.citation in page
    assert f"{len(found.unconfirmed)} of {len(shown.rules)} rule values" in page


def test_a_run_without_rule_values_says_so(stage: Stage, sign_in: Callable[..., Client]) -> None:
    page = text_of(sign_in("viewer").get(f"/practices/{stage.elm.key}/clinicians/{NPIS[0]}/explanation/"))
    assert "No explanation with this run" in page


def test_the_page_shows_score_payment_measures_and_levers(stage: Stage, sign_in: Callable[..., Client]) -> None:
    result = ParticipantResult.objects.get(practice=stage.elm, npi=NPIS[0])
    document = {
        **{"dollars": SPREAD, "final_score": SPREAD, "factor": SPREAD, "dollars_histogram": HISTOGRAM},
        **{"levers": LEVERS, "probability_of_cut": 0.9, "probability_of_gain": 0.1},
    }
    ProjectionSummary.objects.create(id=1, run=stage.run, participant=result, document=document)
    response = sign_in("viewer").get(f"/practices/{stage.elm.key}/clinicians/{NPIS[0]}/")
    page = text_of(response)
    for words in ("71.5", "−$2,079", "Episode cost 5% lower", "+1.3", "+$572", "All of these together", "+$7,172"):
        assert words in page
    assert "A change of nothing" not in page
    assert "005 ACE inhibitor, ARB or ARNI in heart failure: rate 5 points higher" in page
    assert "middle −$1,100" in page
    assert "005 ACE inhibitor, ARB or ARNI in heart failure" in page
    assert "89.0%" in page
    assert "Imaging" in page
    assert response.content.count(b"<svg") >= 3
    assert "CANARY" not in page
    assert "The episodes behind these numbers" not in page  # a viewer sees no patients


def test_a_forecast_without_a_middle_is_none() -> None:
    assert forecast_of(None) is None
    assert forecast_of(ProjectionSummary(document={"dollars": {"median": None}})) is None


def test_categories_by_what_they_cost_more_than_peers() -> None:
    rows = category_rows(
        CostCategory(category=name, episodes=1, services=1, cents_a_year=own, peers_cents_a_year=peers)
        for name, own, peers in (("a", 100, 200), ("b", 500, None), ("c", 900, 100))
    )
    assert [(row.category, row.difference) for row in rows] == [("c", 800), ("a", -100), ("b", None)]
    assert category_title("skilled_nursing") == "Skilled nursing"


@pytest.mark.parametrize("path", ["", "explanation/", "scorecard.pdf"])
def test_nobody_elses_clinician_is_found(path: str, stage: Stage, sign_in: Callable[..., Client]) -> None:
    address = f"/practices/{stage.elm.key}/clinicians/{NPIS[3]}/{path}"  # of Oak
    assert sign_in("manager").get(address).status_code == 404
    assert sign_in("other manager").get(f"/practices/{stage.elm.key}/clinicians/{NPIS[0]}/{path}").status_code == 404


def test_one_clinician_in_both_cohorts_has_two_results(stage: Stage, sign_in: Callable[..., Client]) -> None:
    ParticipantResult.objects.create(
        **{"id": 900, "run": stage.run, "practice": stage.elm, "npi": NPIS[0], "cohort": "low_back_pain"},
        **{"name": "Test Clinician 1", "status": "scored", "final_score": 33.3, "part_b_cents": 0},
    )
    client = sign_in("viewer")
    address = f"/practices/{stage.elm.key}/clinicians/{NPIS[0]}/"
    assert "71.5" in text_of(client.get(address))
    assert "33.3" in text_of(client.get(f"{address}?cohort=low_back_pain"))


def test_the_number_of_queries_is_constant(practice: Practice, reader: Client, runs: tuple[Path, Path]) -> None:
    counted = set()
    for result in results(practice):
        for page in ("", "explanation/"):
            with CaptureQueriesContext(connection) as queries:
                assert reader.get(f"/practices/{practice.key}/clinicians/{result.npi}/{page}").status_code == 200
            counted.add((page, len(queries)))
    publish_all(runs[1])
    result = next(results(practice))
    with CaptureQueriesContext(connection) as queries:
        page = text_of(reader.get(f"/practices/{practice.key}/clinicians/{result.npi}/"))
    assert "Over the runs" in page
    assert counted == {("", 11), ("explanation/", 7)}
    assert len(queries) == 11


def test_the_scorecard_is_a_pdf_and_an_export(
    stage: Stage, runs: tuple[Path, Path], settings: object, tmp_path: Path
) -> None:
    settings.DATA = str(tmp_path)
    practice = publish_all(runs[0])
    result = next(results(practice))
    client = signed_in_client(reader_of(practice))
    response = client.get(f"/practices/{practice.key}/clinicians/{result.npi}/scorecard.pdf")
    assert response["Content-Type"] == "application/pdf"
    assert re.fullmatch(r'attachment; filename="scorecard-[\w-]+-2027\.pdf"', response["Content-Disposition"])
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(response.content)).pages)
    assert result.npi in text
    event = AuditEvent.objects.first()
    assert (event.kind, event.details) == ("exported", '{"form":"pdf","rows":1,"what":"scorecard"}')
    unsure = signed_in_client(reader_of(practice, "unsure"), confirmed=False)
    assert unsure.get(f"/practices/{practice.key}/clinicians/{result.npi}/scorecard.pdf").status_code == 302


def test_without_a_copy_of_the_run_the_scorecard_says_so(practice: Practice, reader: Client) -> None:
    result = next(results(practice))
    address = f"/practices/{practice.key}/clinicians/{result.npi}/"
    response = reader.get(f"{address}scorecard.pdf", follow=True)
    assert "not on this machine" in text_of(response)
    assert not AuditEvent.objects.filter(kind="exported").exists()
