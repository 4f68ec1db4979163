"""The workspace of IA_1 and the telehealth page: what counts, entries by hand, who may, exports, events, query counts."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.app.access.request import PatientScope
from openasm.app.attestations.actions import take_step
from openasm.app.attestations.answers import Answer
from openasm.app.attestations.steps import Step
from openasm.app.audit.models import AuditEvent
from openasm.app.kept.models import Document
from openasm.app.kept.rows import Kept
from openasm.app.primary_care.entries import OUTCOMES, enter
from openasm.app.primary_care.models import CareEntry, Part, PrimaryCare, PrimaryCareVisit
from openasm.app.primary_care.standing import Beneficiary, Entry, beneficiaries_of, by_clinician, coverage_of
from openasm.app.published.models import Patient
from openasm.base.errors import WrongUsage
from tests.app.conftest import Stage
from tests.app.run_folders import CANARY_NAMES, NPIS

SEEN = dt.date(2027, 6, 1)


def person(**changes: Any) -> Beneficiary:
    values: dict[str, Any] = dict.fromkeys(Beneficiary.__dataclass_fields__)
    values |= {"patient": 1, "key": "k", "cohorts": (), "npis": (), "primary_tin": "", "primary_npi": ""}
    return Beneficiary(**values | {"entries": {}, "screening_source": "", "screening_code": ""} | changes)


days = st.one_of(st.none(), st.dates(dt.date(2027, 5, 30), dt.date(2027, 6, 3)))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(seen=days, sent=days, certain=st.sampled_from([None, False, True]), npi=st.sampled_from(["", NPIS[0]]))
def test_what_is_seen_to(seen: dt.date | None, sent: dt.date | None, certain: bool | None, npi: str) -> None:
    entries = {} if sent is None else {Part.SUMMARY: Entry("sent", sent)}
    has = person(last_seen=seen, screening_certain=certain, primary_npi=npi, entries=entries).has
    assert has[Part.SUMMARY] == (sent is not None and (seen is None or seen <= sent))
    assert has[Part.SCREENING] == (certain is True)
    assert has[Part.PRIMARY_CARE] == bool(npi)


def test_coverage_counts_each_clinicians_beneficiaries_and_names_those_without() -> None:
    both = person(npis=(NPIS[0], NPIS[1]), primary_npi="2999000054")
    one = person(npis=(NPIS[0],), screening_certain=True)
    found = by_clinician([both, one], {NPIS[0]: "B", NPIS[1]: "A", NPIS[2]: "C"})
    assert [(each.name, each.people, each.having[Part.PRIMARY_CARE], each.complete) for each in found] == [
        ("A", 1, 1, 0),
        ("B", 2, 1, 0),
        ("C", 0, 0, 0),
    ]
    assert coverage_of([both, one]).having == {Part.PRIMARY_CARE: 1, Part.SUMMARY: 0, Part.SCREENING: 1}


def people(stage: Stage, npi: str | None = None) -> dict[str, Beneficiary]:
    names = dict(Patient.objects.values_list("key", "identifier"))
    return {names[each.key]: each for each in beneficiaries_of(PatientScope(stage.elm, npi), stage.run)}


def key_of(identifier: str) -> str:
    return next(each.key for each in Patient.objects.all() if each.identifier == identifier)


def send(client: Client, stage: Stage, *identifiers: str, what: str, day: str = "2027-06-02", **more: str) -> Any:
    data = {"patient": [key_of(each) for each in identifiers], "what": what, "day": day, **more}
    return client.post(f"/practices/{stage.elm.key}/primary-care/enter/", data, follow=True)


def test_a_run_brings_the_rows_of_each_practice(stage: Stage) -> None:
    assert set(people(stage)) == {CANARY_NAMES[0], CANARY_NAMES[5], CANARY_NAMES[6]}
    assert PrimaryCareVisit.objects.filter(practice=stage.elm).count() == 3
    assert PrimaryCare.objects.filter(practice=stage.oak).count() == 1
    hint = people(stage)[CANARY_NAMES[5]]
    assert (hint.primary_npi, hint.visit_days, hint.screening_certain) == ("2999000054", 3, False)
    assert set(people(stage, NPIS[0])) == {CANARY_NAMES[5]}


def test_the_page_says_what_is_missing_and_who_is_covered(stage: Stage, sign_in: Callable[..., Client]) -> None:
    page = sign_in("nurse").get(f"/practices/{stage.elm.key}/primary-care/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "No document proves the process" in text
    assert "Visit summary: 3 of 3 beneficiaries are not seen to." in text
    assert "Primary care: 1 of 3 beneficiaries are not seen to." in text
    assert "it may go with a screening" in text
    assert [(each.npi, each.people) for each in page.context["coverage"]] == [
        (NPIS[1], 1),
        (NPIS[0], 1),
        (NPIS[2], 1),
    ]
    assert AuditEvent.objects.filter(kind="patients_viewed", details__contains="primary_care").exists()
    for show, count in (("missing", 3), ("primary_care", 1), ("screening", 2), ("hint", 1), ("complete", 0)):
        found = sign_in("nurse").get(f"/practices/{stage.elm.key}/primary-care/?show={show}")
        assert len(found.context["rows"]) == count, show
    found = sign_in("nurse").get(f"/practices/{stage.elm.key}/primary-care/?npi={NPIS[1]}")
    assert [row.identifier for row in found.context["rows"]] == [CANARY_NAMES[6]]


def test_entries_complete_a_beneficiary_and_can_be_taken_back(stage: Stage, sign_in: Callable[..., Client]) -> None:
    nurse = sign_in("nurse")
    send(nurse, stage, CANARY_NAMES[5], CANARY_NAMES[0], what="summary:sent", note="faxed")
    send(nurse, stage, CANARY_NAMES[0], what="primary_care:helped")
    done = send(nurse, stage, CANARY_NAMES[0], CANARY_NAMES[5], what="screening:asked")
    assert "Saved for 2 beneficiaries." in done.content.decode()
    found = people(stage)
    assert found[CANARY_NAMES[0]].complete
    assert found[CANARY_NAMES[5]].complete
    assert not found[CANARY_NAMES[6]].complete
    send(nurse, stage, CANARY_NAMES[0], what="primary_care:withdrawn")
    assert not people(stage)[CANARY_NAMES[0]].complete
    page = nurse.get(f"/practices/{stage.elm.key}/primary-care/patients/{key_of(CANARY_NAMES[0])}/")
    text = page.content.decode()
    assert "Taken back" in text
    assert "(faxed)" in text
    assert CareEntry.objects.count() == 6
    events = AuditEvent.objects.filter(kind="changed", subject=key_of(CANARY_NAMES[0]))
    assert events.count() == 4


def test_a_summary_before_the_last_visit_does_not_count(stage: Stage, sign_in: Callable[..., Client]) -> None:
    send(sign_in("nurse"), stage, CANARY_NAMES[5], what="summary:sent", day="2027-05-31")
    assert not people(stage)[CANARY_NAMES[5]].has[Part.SUMMARY]
    send(sign_in("nurse"), stage, CANARY_NAMES[5], what="summary:sent", day=SEEN.isoformat())
    assert people(stage)[CANARY_NAMES[5]].has[Part.SUMMARY]


@pytest.mark.parametrize(
    ("what", "day"),
    [("summary:nothing", "2027-06-02"), ("", "2027-06-02"), ("summary:sent", "2026-12-31"), ("summary:sent", "")],
)
def test_what_does_not_hold_is_not_kept(stage: Stage, sign_in: Callable[..., Client], what: str, day: str) -> None:
    done = send(sign_in("nurse"), stage, CANARY_NAMES[5], what=what, day=day)
    assert "Nothing was saved" in done.content.decode()
    assert not CareEntry.objects.exists()


def test_other_practices_patients_are_nobody_here(stage: Stage, sign_in: Callable[..., Client]) -> None:
    done = send(sign_in("nurse"), stage, CANARY_NAMES[7], what="summary:sent")
    assert "mark at least one" in done.content.decode()
    page = sign_in("nurse").get(f"/practices/{stage.elm.key}/primary-care/patients/{key_of(CANARY_NAMES[7])}/")
    assert page.status_code == 404
    assert not CareEntry.objects.exists()


def test_a_clinician_sees_the_own_and_enters_nothing(stage: Stage, sign_in: Callable[..., Client]) -> None:
    page = sign_in("clinician").get(f"/practices/{stage.elm.key}/primary-care/")
    assert [row.identifier for row in page.context["rows"]] == [CANARY_NAMES[5]]
    assert "Enter for the marked" not in page.content.decode()
    assert send(sign_in("clinician"), stage, CANARY_NAMES[5], what="summary:sent").status_code == 403
    other = sign_in("clinician").get(f"/practices/{stage.elm.key}/primary-care/patients/{key_of(CANARY_NAMES[6])}/")
    assert other.status_code == 404


def test_entries_are_kept_and_sealed(stage: Stage) -> None:
    patient = Patient.objects.get(key=key_of(CANARY_NAMES[5]))
    nurse = stage.people["nurse"]
    how: dict[str, Any] = {"practice": stage.elm, "year": 2027, "day": SEEN, "note": "Dr Test", "by": nurse}
    assert enter([patient], part=Part.SUMMARY, outcome="sent", **how) == 1
    entry = CareEntry.objects.get()
    assert (entry.identifier, entry.note) == (CANARY_NAMES[5], "Dr Test")
    with pytest.raises(Kept):
        entry.save()
    with pytest.raises(Kept):
        CareEntry.objects.all().delete()
    with pytest.raises(WrongUsage):
        enter([patient], part=Part.SUMMARY, outcome="found", **how)
    assert {outcome for outcomes in OUTCOMES.values() for outcome in outcomes}.isdisjoint({"withdrawn"})


def test_the_process_document_is_evidence_of_the_activity(stage: Stage, sign_in: Callable[..., Client]) -> None:
    nurse = sign_in("nurse")
    file = SimpleUploadedFile("workflow.txt", b"how we do it")
    page = nurse.post(f"/practices/{stage.elm.key}/primary-care/process/", {"document": file}, follow=True)
    assert "No document proves" not in page.content.decode()
    assert Document.objects.get().about == "IA_1"
    bad = SimpleUploadedFile("workflow.exe", b"MZ")
    page = nurse.post(f"/practices/{stage.elm.key}/primary-care/process/", {"document": bad}, follow=True)
    assert "was not kept" in page.content.decode()
    assert Document.objects.count() == 1


def test_the_clock_is_that_of_the_attestation(stage: Stage, sign_in: Callable[..., Client]) -> None:
    answers = {"IA_1": Answer("IA_1", "yes", start=dt.date(2027, 10, 3))}
    take_step(Step.DRAFT, practice=stage.elm, year=2027, base=0, by=stage.people["nurse"], answers=answers)
    page = sign_in("nurse").get(f"/practices/{stage.elm.key}/primary-care/")
    assert page.context["clock"].reached_on == dt.date(2027, 12, 31)
    assert "names no first day" not in page.content.decode()


def saved(client: Client, address: str) -> list[list[str]]:
    response = client.get(address)
    assert response.status_code == 200
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_lists_are_saved_with_an_event(stage: Stage, sign_in: Callable[..., Client]) -> None:
    rows = saved(sign_in("attester"), f"/practices/{stage.elm.key}/primary-care/save/csv/?show=hint")
    assert [row[0] for row in rows[1:]] == [CANARY_NAMES[5]]
    assert rows[1][rows[0].index("Code")] == "G0136"
    rows = saved(sign_in("attester"), f"/practices/{stage.elm.key}/telehealth/csv/")
    assert sorted(row[0] for row in rows[1:]) == [CANARY_NAMES[0], CANARY_NAMES[5], CANARY_NAMES[6]]
    details = [str(each.details) for each in AuditEvent.objects.filter(kind="exported").order_by("pk")]
    assert "primary_care" in details[-2]
    assert "telehealth" in details[-1]
    assert sign_in("attester").get(f"/practices/{stage.elm.key}/telehealth/pdf/").status_code == 404


def test_telehealth_says_for_whom_what_and_by_which_text(stage: Stage, sign_in: Callable[..., Client]) -> None:
    text = sign_in("nurse").get(f"/practices/{stage.elm.key}/telehealth/").content.decode()
    assert "512.775" in text
    assert "The patient may be at home" in text
    assert "was not read" in text
    assert CANARY_NAMES[5] in text
    assert CANARY_NAMES[7] not in text


@pytest.mark.parametrize(("page", "most"), [("primary-care", 20), ("telehealth", 16)])
def test_pages_need_few_queries_however_many_rows(
    stage: Stage, sign_in: Callable[..., Client], page: str, most: int, django_assert_max_num_queries: Any
) -> None:
    client = sign_in("nurse")
    client.get(f"/practices/{stage.elm.key}/{page}/")
    with django_assert_max_num_queries(most):
        client.get(f"/practices/{stage.elm.key}/{page}/")
    row = PrimaryCare.objects.filter(practice=stage.elm).first()
    copies = []
    for number in range(60):
        patient = Patient.objects.create(pk=10_000 + number, key=f"{number:032}", identifier=f"MORE{number}")
        copies.append(
            PrimaryCare(pk=10_000 + number, run=stage.run, practice=stage.elm, patient=patient, npis=row.npis)
        )
    PrimaryCare.objects.bulk_create(copies)
    with django_assert_max_num_queries(most):
        client.get(f"/practices/{stage.elm.key}/{page}/")
