"""The page Episodes: whose patients are shown to whom, filters, one episode day by day, files, and what the audit keeps."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from html import unescape

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from openasm.app.audit.models import AuditEvent
from openasm.app.episodes.choice import reason_text
from openasm.app.episodes.listing import badge_of, by_patient, summary_from, summary_of
from openasm.app.episodes.models import AttributedPatient, EpisodeTotal
from openasm.app.episodes.timeline import MOST_LINES, timeline
from openasm.app.people.models import Practice
from openasm.app.published.models import Episode, EpisodeService, Patient, Run
from openasm.app.sealing import patient_key
from tests.app.conftest import Stage
from tests.app.run_folders import CANARY_NAMES, NPIS
from tests.app.sums import add_up_again

START, END = dt.date(2026, 3, 1), dt.date(2027, 2, 28)


def text_of(response: object) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def shown(response: object) -> set[str]:
    """Patients on a page."""
    return set(re.findall(r"CANARYPATIENT\d{3}ZZ", response.content.decode()))


def add_episodes(practice: Practice, run: Run, count: int, *, npi: str = NPIS[0], first: int = 1_000) -> list[Episode]:
    """Further episodes, each of a patient of its own; every third an outlier."""
    patients = [
        Patient(
            id=first + place,
            key=patient_key(f"CANARYPATIENT{first + place}"),
            identifier=f"CANARYPATIENT{first + place}",
        )
        for place in range(count)
    ]
    Patient.objects.bulk_create(patients)
    made = Episode.objects.bulk_create(
        Episode(
            **{"id": first + place, "run": run, "practice": practice, "patient": patient, "episode": f"x{place}"},
            **{"cohort": "heart_failure", "start": START, "end": END, "days": 365, "npis": f" {npi} "},
            **{
                "observed_cents": 1_000 * place,
                "annualized_cents": 1_000 * place,
                "expected_cents": 900,
                "ratio": place / 4,
            },
            **{"excluded_reason": "outlier" if place % 3 == 0 else "", "costs": {"Imaging": 10 * place}},
        )
        for place, patient in enumerate(patients)
    )
    add_up_again(run)
    return made


@pytest.fixture
def home(stage: Stage) -> str:
    return f"/practices/{stage.elm.key}/episodes/"


def test_everybody_sees_their_part(stage: Stage, sign_in: Callable[..., Client], home: str) -> None:
    mine = set(Episode.objects.filter(practice=stage.elm).values_list("episode", flat=True))
    assert mine == {"e1", "e2"}
    seen = {name: shown(sign_in(name).get(home)) for name in ("manager", "nurse", "attester", "system manager")}
    assert set(map(len, seen.values())) == {2}
    assert shown(sign_in("clinician").get(home)) == {CANARY_NAMES[5]}  # e1 alone counts for that NPI
    assert sign_in("viewer").get(home).status_code == 403
    assert shown(sign_in("other manager").get(f"/practices/{stage.oak.key}/episodes/")) == {CANARY_NAMES[7]}


def test_each_view_is_an_event_without_an_identifier(stage: Stage, sign_in: Callable[..., Client], home: str) -> None:
    client = sign_in("nurse")
    client.get(home)
    event = AuditEvent.objects.first()
    assert (event.kind, event.subject, json.loads(event.details)) == (
        "patients_viewed",
        "",
        {"page": "episodes", "rows": 2},
    )
    client.get(f"{home}patients/")
    assert json.loads(AuditEvent.objects.first().details) == {"page": "attributed_patients", "rows": 2}
    episode = Episode.objects.get(episode="e1")
    client.get(f"{home}{episode.pk}/")
    event = AuditEvent.objects.first()
    assert (event.kind, event.subject) == ("patient_viewed", patient_key(CANARY_NAMES[5]))
    before = AuditEvent.objects.count()
    client.get(f"{home}?standing=outlier")  # nobody matches, so nobody was seen
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 32),
        ("?cohort=heart_failure", 32),
        ("?cohort=nonsense", 32),
        (f"?clinician={NPIS[0]}", 31),
        (f"?clinician={NPIS[3]}", 32),  # of another practice: no such choice
        ("?category=Inpatient", 1),
        ("?standing=outlier", 10),
        ("?standing=counted", 21),
        ("?standing=high", 15),
        ("?standing=excluded", 1),
        (f"?patient={'0' * 32}", 0),
        ("?patient=CANARYPATIENT005ZZ", 32),  # no pseudonym: not a filter
    ],
)
def test_filters(query: str, count: int, stage: Stage, sign_in: Callable[..., Client], home: str) -> None:
    add_episodes(stage.elm, stage.run, 30)
    assert sign_in("manager").get(f"{home}{query}").context["summary"].episodes == count


def test_the_costliest_come_first_and_pages_follow(stage: Stage, sign_in: Callable[..., Client], home: str) -> None:
    add_episodes(stage.elm, stage.run, 60)
    client = sign_in("manager")
    first = client.get(home).context["rows"]
    costs = [row.episode.annualized_cents for row in first]
    assert costs == sorted(costs, reverse=True)
    assert len(first) == 50
    assert len(client.get(f"{home}?page=2").context["rows"]) == 12
    rising = client.get(f"{home}?sort=annualized_cents").context["rows"]
    assert rising[0].episode.annualized_cents == 0


def test_cost_drivers_against_peers(stage: Stage, sign_in: Callable[..., Client], home: str) -> None:
    page = text_of(sign_in("manager").get(home))
    assert "What drives cost: the whole practice, heart failure" in page
    assert "+$1,023" in page  # 5,123.45 against 4,100
    own = text_of(sign_in("manager").get(f"{home}?clinician={NPIS[0]}"))
    assert "What drives cost: Test Clinician 1" in own
    assert "$512" in own


def test_one_episode_day_by_day(stage: Stage, sign_in: Callable[..., Client], home: str) -> None:
    episode = Episode.objects.get(episode="e1")
    response = sign_in("clinician").get(f"{home}{episode.pk}/")
    page = text_of(response)
    for words in ("May 2, 2026", "Inpatient", "291", "Test Clinician 1", "$10,000", "Imaging", "$2,345"):
        assert words in page
    assert response.content.count(b"<circle") == 2  # in the wide and in the narrow drawing
    other = Episode.objects.get(episode="e2")
    assert "this one is not among them" in text_of(sign_in("manager").get(f"{home}{other.pk}/"))


def test_an_episode_of_others_is_not_found(stage: Stage, sign_in: Callable[..., Client], home: str) -> None:
    others, foreign = Episode.objects.get(episode="e2"), Episode.objects.get(episode="e3")
    assert sign_in("clinician").get(f"{home}{others.pk}/").status_code == 404
    assert sign_in("manager").get(f"{home}{foreign.pk}/").status_code == 404
    assert sign_in("viewer").get(f"{home}{others.pk}/").status_code == 403
    assert not AuditEvent.objects.filter(kind="patient_viewed").exists()


def test_patients_with_the_sums_of_their_episodes(stage: Stage, sign_in: Callable[..., Client], home: str) -> None:
    (extra,) = add_episodes(stage.elm, stage.run, 1)
    extra.patient = Patient.objects.get(key=patient_key(CANARY_NAMES[5]))
    extra.observed_cents = 100_000
    extra.save()
    add_up_again(stage.run)
    response = sign_in("manager").get(f"{home}patients/")
    rows = {row.patient.identifier: row for row in response.context["rows"]}
    mine = Episode.objects.get(episode="e1")
    assert rows[CANARY_NAMES[5]].episodes == 2
    assert rows[CANARY_NAMES[5]].cents == mine.observed_cents + 100_000
    assert rows[CANARY_NAMES[5]].last_day == max(mine.end, END)
    link = f"{home}?patient={patient_key(CANARY_NAMES[5])}"
    assert link in response.content.decode()
    assert shown(sign_in("manager").get(link)) == {CANARY_NAMES[5]}


def test_files_hold_the_list_and_are_exports(stage: Stage, sign_in: Callable[..., Client], home: str) -> None:
    Patient.objects.filter(key=patient_key(CANARY_NAMES[5])).update(identifier="=cmd|CANARYPATIENT005ZZ")
    response = sign_in("attester").get(f"{home}list.csv?clinician={NPIS[0]}")
    (row,) = csv.DictReader(io.StringIO(response.content.decode("utf-8-sig")))
    assert row["patient"] == "'=cmd|CANARYPATIENT005ZZ"
    assert (row["cohort"], row["npis"]) == ("heart_failure", NPIS[0])
    assert json.loads(AuditEvent.objects.first().details) == {"form": "csv", "rows": 1, "what": "episodes"}
    book = openpyxl.load_workbook(io.BytesIO(sign_in("manager").get(f"{home}patients.xlsx").content))
    assert book.active.max_row == 3
    assert json.loads(AuditEvent.objects.first().details) == {"form": "xlsx", "rows": 2, "what": "attributed_patients"}
    for name in ("nurse", "clinician", "viewer"):
        assert sign_in(name).get(f"{home}list.csv").status_code == 403
        assert sign_in(name).get(f"{home}patients.csv").status_code == 403
    assert sign_in("system manager", confirmed=False).get(f"{home}list.csv").status_code == 302
    assert sign_in("manager").get(f"{home}list.exe").status_code == 404


def test_published_sums_are_those_of_the_episodes(stage: Stage) -> None:
    """For the practice and each clinician, in each cohort and in all: what publishing added up is what the rows say now."""
    add_episodes(stage.elm, stage.run, 25, npi=f"{NPIS[0]} {NPIS[1]}")
    others = add_episodes(stage.elm, stage.run, 8, npi=NPIS[1], first=2_000)
    Episode.objects.filter(pk__in=[each.pk for each in others[:5]]).update(
        cohort="low_back_pain", patient=others[0].patient, ratio=None
    )
    add_up_again(stage.run)
    totals = EpisodeTotal.objects.filter(practice=stage.elm)
    rows = Episode.objects.filter(practice=stage.elm, run=stage.run)
    assert {(each.npi, each.cohort) for each in totals} >= {
        (npi, cohort) for npi in ("", *NPIS[:2]) for cohort in ("", "heart_failure")
    } | {("", "low_back_pain"), (NPIS[1], "low_back_pain")}
    for total in totals:
        chosen = rows.filter(npis__contains=f" {total.npi} ") if total.npi else rows
        found = summary_of(chosen.filter(cohort=total.cohort) if total.cohort else chosen)
        assert asdict(summary_from(total)) == pytest.approx(asdict(found)), (total.npi, total.cohort)
    names = ("episodes", "counted", "outliers", "cents", "ratio", "last_day")
    live = {each["patient_id"]: [each[name] for name in names] for each in by_patient(rows)}
    kept = {
        each.patient_id: [getattr(each, name) for name in names]
        for each in AttributedPatient.objects.filter(practice=stage.elm)
    }
    assert kept == live


def test_a_run_of_before_there_were_sums_shows_the_same(
    stage: Stage, sign_in: Callable[..., Client], home: str
) -> None:
    add_episodes(stage.elm, stage.run, 60)
    client = sign_in("manager")
    paths = ("", f"?clinician={NPIS[0]}", "?page=2", "patients/", "patients/?page=2&sort=ratio")
    pages = [text_of(client.get(f"{home}{path}")) for path in paths]
    for model in (EpisodeTotal, AttributedPatient):
        model._default_manager.all().delete()
    assert [text_of(client.get(f"{home}{path}")) for path in paths] == pages


def test_the_number_of_queries_is_constant(stage: Stage, sign_in: Callable[..., Client], home: str) -> None:
    client = sign_in("manager")

    def counted() -> list[int]:
        found = []
        for path in (
            "",
            "patients/",
            f"{Episode.objects.get(episode='e1').pk}/",
            f"?clinician={NPIS[0]}&category=Imaging",
        ):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(f"{home}{path}").status_code == 200
            found.append(len(queries))
        return found

    before = counted()
    add_episodes(stage.elm, stage.run, 40)
    assert counted() == before
    assert max(before) <= 18


def test_a_practice_without_episodes_learns_how_to_get_them(
    stage: Stage, sign_in: Callable[..., Client], home: str
) -> None:
    Run.objects.update(has_patients=False)
    assert "No episodes yet" in text_of(sign_in("manager").get(home))
    assert "No episodes yet" in text_of(sign_in("manager").get(f"{home}patients/"))
    assert sign_in("manager").get(f"{home}1/").status_code == 404
    assert sign_in("manager").get(f"{home}list.csv").status_code == 404


def test_how_an_episode_stands() -> None:
    assert badge_of(Episode(excluded_reason="outlier"))[0] == "warn"
    assert badge_of(Episode(excluded_reason="part_c"))[1] == "Left out: in a Medicare Advantage plan"
    assert badge_of(Episode(excluded_reason="", ratio=2.0))[0] == "bad"
    assert badge_of(Episode(excluded_reason="", ratio=None)) == ("good", "Counted")
    assert reason_text("OWN_RULE") == "own rule"


def test_a_timeline_has_few_lines_whatever_there_is() -> None:
    episode = Episode(start=START, end=START)
    assert timeline(episode, []) == ""
    services = [
        EpisodeService(id=place, date=START, setting="drug", category=f"Category <{place}>", cents=-place)
        for place in range(20)
    ]
    drawn = timeline(episode, services)
    assert drawn.count("<circle") == 40  # 20 in the wide drawing, 20 in the narrow one
    assert drawn.count('class="label end"') == MOST_LINES
    assert "13 other categories" in drawn
    assert "<0>" not in drawn
    assert "nan" not in drawn


def test_a_clinicians_episodes_are_found_by_the_texts_that_publishing_noted(
    stage: Stage, sign_in: Callable[..., Client], home: str
) -> None:
    episodes = add_episodes(stage.elm, stage.run, 5)
    Episode.objects.filter(pk=episodes[0].pk).update(npis=f" {NPIS[0]} {NPIS[1]} ")
    add_up_again(stage.run)
    for total in EpisodeTotal.objects.filter(practice=stage.elm):
        here = Episode.objects.filter(practice=stage.elm, npis__contains=f" {total.npi} ")
        texts = (here.filter(cohort=total.cohort) if total.cohort else here).values_list("npis", flat=True)
        assert total.texts == (sorted(set(texts)) if total.npi else [])
    client = sign_in("clinician")

    def found(page: str) -> list[int]:
        rows = client.get(page).context["rows"]
        return [row.episode.pk if hasattr(row, "episode") else row.patient.pk for row in rows]

    pages = (home, f"{home}patients/", f"{home}?sort=ratio", f"{home}?cohort=heart_failure")
    by_texts = [found(page) for page in pages]
    assert len(by_texts[0]) == 6
    assert client.get(f"{home}patients/").context["page"].paginator.count == len(by_texts[1]) == 6
    EpisodeTotal.objects.filter(practice=stage.elm).update(texts=[])  # as of runs published before they were noted
    assert [found(page) for page in pages] == by_texts
