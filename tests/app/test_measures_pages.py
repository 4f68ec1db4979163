"""Measures: the practice's rate from its clinicians' rows, what fails, the trend, the file; other practices out of sight."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from openasm.app.audit.models import AuditEvent
from openasm.app.measures.standing import standings, together
from openasm.app.published import publish
from openasm.app.published.models import Benchmark, MeasureResult, Run
from openasm.app.published.publish import publish_run
from tests.app.conftest import Stage
from tests.app.run_folders import NPIS, write_small_run


def row(npi: str = "1", **fields: object) -> MeasureResult:
    usual = {
        "npi": npi,
        "cohort": "heart_failure",
        "measure": "236",
        "collection_type": "ecqm",
        "level": "individual",
        "status": "scored",
        "finding": "scored",
        "reason": "",
    }
    return MeasureResult(**(usual | fields))


def test_the_practices_rate_is_of_all_cases_together() -> None:
    made = together([row("1", met=10, not_met=0, eligible=10), row("2", met=0, not_met=30, eligible=40)])
    assert (made.met, made.not_met, made.rate, made.eligible) == (10, 30, 0.25, 50)
    assert together([row("1", met=0, not_met=0)]).rate is None


def test_the_row_of_the_tin_goes_before() -> None:
    made = together([row(met=1, not_met=1, rate=0.5), row(level="tin", rate=0.9, met=90, not_met=10, completeness=0.8)])
    assert (made.rate, made.level, made.completeness) == (0.9, "tin", 0.8)


@pytest.mark.parametrize(("measure", "kind"), [("492", "claims"), ("COST_HF_1", "claims")])
def test_claims_measures_are_weighted_by_cases(measure: str, kind: str) -> None:
    rows = [
        row("1", measure=measure, collection_type=kind, rate=60.0, eligible=30),
        row("2", measure=measure, collection_type=kind, rate=80.0, eligible=10),
        row("3", measure=measure, collection_type=kind, rate=None, eligible=99),
    ]
    assert together(rows).rate == 65.0
    assert together(rows[2:]).rate is None


def test_standing_counts_clinicians_once_and_says_what_fails() -> None:
    rows = [
        row("1", points=4.0, met=20, not_met=5, completeness=1.0),
        row("2", points=8.0, met=25, not_met=0, completeness=0.76),
        row("3", points=0.0, status="zero", finding="incomplete", completeness=0.5),
        row("4", points=None, status="excluded", finding="too_few_cases", completeness=0.9),
        row("5", points=None, status="excluded", finding="too_few_cases"),
        row("5", points=6.0, level="tin", rate=0.8),
        row("2", points=None, status="not_used", level="tin"),
        row("6", collection_type="", points=0.0, status="zero", finding=""),
    ]
    found = standings(rows, [row("1", points=3.5)], [])
    assert [each.row.line.collection_type for each in found] == ["", "ecqm"]
    missing, each = found
    assert (missing.missing, missing.clinicians) == (1, 1)
    assert (each.clinicians, each.counted, each.points, each.lowest) == (5, 4, 4.5, 0.0)
    assert (each.too_few, each.incomplete, each.missing, each.completeness) == (1, 1, 0, 0.5)
    assert each.change == 1.0


def test_cohorts_stay_apart_and_cost_comes_last() -> None:
    rows = [
        row("1", measure="COST_HF_1", collection_type="claims"),
        row("1"),
        row("2", cohort="low_back_pain"),
    ]
    benchmarks = [
        Benchmark(cohort="heart_failure", measure="236", collection_type="ecqm", edges=[], median=0.5, source="pool"),
        Benchmark(cohort="low_back_pain", measure="236", collection_type="ecqm", edges=[], median=0.7, source="pool"),
    ]
    found = standings(rows, [], benchmarks)
    assert [(each.cohort, each.row.line.measure, each.row.median) for each in found] == [
        ("heart_failure", "236", "50.0%"),
        ("heart_failure", "COST_HF_1", "–"),
        ("low_back_pain", "236", "70.0%"),
    ]


def test_the_page_lists_measures_with_benchmark(stage: Stage, sign_in: Callable[..., Client]) -> None:
    text = sign_in("viewer").get(f"/practices/{stage.elm.key}/measures/").content.decode()
    assert "005 ACE inhibitor, ARB or ARNI in heart failure" in text
    assert "88.9%" in text
    assert "88.0%" in text
    assert "of 1,600 in the pool" in text
    assert "20 cases and 75% of cases reported" in text
    assert "2 of 2" in text
    only = sign_in("viewer").get(f"/practices/{stage.elm.key}/measures/?cohort=low_back_pain").content.decode()
    assert '<span class="sub">Heart failure' not in only


def test_one_measure_over_runs(
    stage: Stage, sign_in: Callable[..., Client], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/practices/{stage.elm.key}/measures/005/"
    first = sign_in("viewer").get(address).content.decode()
    assert "One run so far" in first
    assert "Test Clinician 1" in first
    assert "Test Clinician 4" not in first, "another practice's clinician"
    assert "/worklist/" not in first, "no door that is closed"
    assert f"/practices/{stage.elm.key}/worklist/?measure=CMS135" in sign_in("nurse").get(address).content.decode()
    monkeypatch.setattr(publish, "_analyze", lambda: None)
    publish_run(write_small_run(tmp_path / "next", shift=4.0), by=None)
    MeasureResult.objects.filter(run=stage.run, npi=NPIS[0], measure="005").update(met=60, not_met=30)
    later = sign_in("viewer").get(address).content.decode()
    assert "over the runs of the year" in later
    assert "77.8%" in later, "140 of 180 in the first run"
    assert sign_in("viewer").get(f"/practices/{stage.elm.key}/measures/999/").status_code == 404
    Run.objects.filter(pk=stage.run.pk).update(performance_year=2026)
    assert "One run so far" in sign_in("viewer").get(address).content.decode(), "years are not mixed"


def test_a_practice_without_a_run(stage: Stage, sign_in: Callable[..., Client]) -> None:
    from openasm.app.published.models import PracticeResult

    PracticeResult.objects.filter(practice=stage.elm).delete()
    assert "No measures yet" in sign_in("viewer").get(f"/practices/{stage.elm.key}/measures/").content.decode()
    assert sign_in("viewer").get(f"/practices/{stage.elm.key}/measures/005/").status_code == 404
    assert sign_in("viewer").get(f"/practices/{stage.elm.key}/measures/measures.csv").status_code == 404


def test_the_file(stage: Stage, sign_in: Callable[..., Client]) -> None:
    address = f"/practices/{stage.elm.key}/measures/measures.csv"
    assert sign_in("viewer", confirmed=False).get(address).status_code == 302
    response = sign_in("viewer").get(f"{address}?cohort=heart_failure")
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert {(each["npi"], each["measure"]) for each in rows} == {
        (npi, measure) for npi in NPIS[:2] for measure in ("005", "492")
    }
    assert {each["name"] for each in rows} == {"Test Clinician 1", "'=Test Clinician 2"}
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.kind, event.details) == ("exported", '{"form":"csv","rows":4,"what":"measures"}')
    assert sign_in("viewer").get(address.replace("csv", "xlsx")).content[:2] == b"PK"


def test_queries_do_not_grow_with_clinicians(stage: Stage, sign_in: Callable[..., Client]) -> None:
    client = sign_in("viewer")
    addresses = [f"/practices/{stage.elm.key}/measures/", f"/practices/{stage.elm.key}/measures/005/"]
    counts = []
    for _ in range(2):
        for address in addresses:
            client.get(address)
            with CaptureQueriesContext(connection) as seen:
                client.get(address)
            counts.append(len(seen))
        one = MeasureResult.objects.filter(practice=stage.elm, measure="005").first()
        top = MeasureResult.objects.order_by("-pk").first()
        assert one is not None
        assert top is not None
        for place in range(30):
            one.pk, one.npi = top.pk + 1 + place, f"29990{place:05d}"
            one.save(force_insert=True)
    assert counts[:2] == counts[2:]
    assert max(counts) <= 14
