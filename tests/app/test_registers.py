"""Arrangements, incentives and requests: checks before saving, limits to the cent, clocks, entries that stay."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils.html import escape
from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.app.arrangements.models import ArrangementVersion, Payment
from openasm.app.arrangements.register import in_force, limit_of, newest_versions
from openasm.app.attestations.answers import rules_of
from openasm.app.audit.models import AuditEvent
from openasm.app.incentives.models import GivenItem
from openasm.app.kept.models import Document
from openasm.app.kept.uploads import MOST_BYTES, BadAttachment, checked_attachment
from openasm.app.readiness.plan import known_done
from openasm.app.requests.clocks import next_due
from openasm.app.requests.models import RequestEntry, RequestKind, RequestStep
from openasm.submission.arrangements import TERM_WORDS
from tests.app.attesting import AFTER, YEAR, on
from tests.app.conftest import Stage

RULES = rules_of(YEAR)
PDF = b"%PDF-1.7\n1 0 obj\nendobj\n%%EOF\n"
TERMS = [
    *("in_writing", "one_primary_care_practice", "purpose", "voluntary", "complies_with_law", "not_tied_to_referrals")
]


def path(stage: Stage, rest: str) -> str:
    return f"/practices/{stage.elm.key}/{rest}"


def entered(stage: Stage, client: Client, **changes: object) -> ArrangementVersion:
    fields = {
        **{"base": "0", "partner": "Elm Family Medicine (made up)", "shared": "12", "terms": TERMS},
        **{
            "signed_here": "2027-09-20",
            "signed_there": "2027-10-01",
            "effective": "2027-09-01",
            "renewal": "2028-03-01",
        },
        **changes,
    }
    response = client.post(path(stage, "arrangements/new/"), fields)
    assert response.status_code == 302, response.content.decode()[:3000]
    return newest_versions(stage.elm)[-1]


# Documents


def _office(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b""),
        ("a.pdf", b"MZ\x90\x00"),
        ("a.exe", PDF),
        ("a", PDF),
        ("a.png", PDF),
        ("a.txt", b"\x00\x01"),
        ("a.docx", _office("word/document.xml", "[Content_Types].xml", "word/vbaProject.bin")),
        ("a.docx", _office("other.xml")),
        ("a.pdf", PDF + b"x" * MOST_BYTES),
    ],
)
def test_files_that_are_not_taken(name: str, content: bytes) -> None:
    with pytest.raises(BadAttachment):
        checked_attachment(name, content)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(max_size=300))
def test_names_become_harmless(name: str) -> None:
    kept = checked_attachment(f"{name}.PDF", PDF).name
    assert kept.endswith(".pdf")
    assert len(kept) <= 120
    assert kept.isascii()
    assert not set(kept) & set('/\\"\r\n;')


def test_a_document_is_sealed_and_comes_back_as_it_was(stage: Stage, sign_in: Callable[..., Client]) -> None:
    client = sign_in("nurse")
    version = entered(stage, client)
    upload = SimpleUploadedFile("../signed paper.pdf", PDF)
    client.post(path(stage, f"arrangements/{version.key}/documents/"), {"document": upload})
    document = Document.objects.get(practice=stage.elm)
    assert PDF not in bytes(document.sealed)
    response = client.get(path(stage, f"documents/{document.key}/"))
    assert response.content == PDF
    assert response["Content-Disposition"] == 'attachment; filename="signed paper.pdf"'
    assert sign_in("viewer").get(path(stage, f"documents/{document.key}/")).status_code == 403
    other = f"/practices/{stage.oak.key}/documents/{document.key}/"
    assert sign_in("other manager").get(other).status_code == 404
    bad = client.post(
        path(stage, f"arrangements/{version.key}/documents/"),
        {"document": SimpleUploadedFile("x.pdf", b"no")},
        follow=True,
    )
    assert "was not kept" in bad.content.decode()
    assert Document.objects.count() == 1


# Arrangements


def test_an_arrangement_counts_from_the_second_signature(
    stage: Stage, sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, dt.date(2027, 12, 31))
    client = sign_in("nurse")
    version = entered(stage, client)
    text = client.get(path(stage, "arrangements/")).content.decode()
    assert "92 of 90" in text  # 1 October to 31 December
    assert "Long enough" in text
    assert in_force(stage.elm, YEAR, today=dt.date(2027, 12, 31), rules=RULES)
    assert {"arrangement_drafted", "arrangement_signed"} <= known_done(stage.elm, YEAR)
    assert version.number == 1


@pytest.mark.parametrize(
    ("change", "term"),
    [
        ({"signed_there": ""}, "signed_by_both_parties"),
        ({"effective": ""}, "effective_date"),
        ({"shared": "0"}, "shared_established_beneficiary"),
        *(({"terms": [each for each in TERMS if each != term]}, term) for term in TERMS),
    ],
)
def test_each_element_that_is_missing_is_named(
    change: dict[str, object], term: str, stage: Stage, sign_in: Callable[..., Client]
) -> None:
    client = sign_in("nurse")
    entered(stage, client, **change)
    text = client.get(path(stage, "arrangements/")).content.decode()
    assert escape(TERM_WORDS[term][0]) in text
    assert "Not in force" in text
    assert not in_force(stage.elm, YEAR, today=AFTER, rules=RULES)


def test_a_change_is_a_version_and_the_slower_one_is_told(stage: Stage, sign_in: Callable[..., Client]) -> None:
    client = sign_in("nurse")
    version = entered(stage, client)
    address = path(stage, f"arrangements/{version.key}/")
    fields = {"base": "1", "partner": "Another name", "shared": "3", "terms": TERMS, "ended": "2027-11-01"}
    assert client.post(address, fields).status_code == 302
    assert "Nothing was saved" in sign_in("attester").post(address, fields).content.decode()
    assert [each.partner for each in ArrangementVersion.objects.order_by("number")] == [version.partner, "Another name"]
    assert (
        "Before it takes effect"
        in client.post(address, fields | {"base": "2", "effective": "2027-11-02"}).content.decode()
    )


def test_payments_against_the_limit_to_the_cent(stage: Stage, sign_in: Callable[..., Client]) -> None:
    """Elm's payment changes sum to -4017.54 dollars, so nothing may be paid; Oak's to +1200."""
    client = sign_in("nurse")
    version = entered(stage, client)
    address = path(stage, f"arrangements/{version.key}/payments/")
    fields = {"day": "2027-11-01", "cents": "0.01", "note": "care coordination"}
    warned = client.post(address, fields)
    assert "$0.00 may still be paid" in warned.content.decode()
    assert not Payment.objects.exists()
    assert client.post(address, fields | {"anyway": "on"}).status_code == 302
    payment = Payment.objects.get()
    said = client.get(path(stage, f"arrangements/{version.key}/")).content.decode()
    assert "Payments pass the limit" in said
    assert "a cut of −$4,018, and payments may not pass their sum" in said  # why nothing may be paid
    assert "a cut of −$4,018" in client.get(path(stage, "arrangements/")).content.decode()
    taken = path(stage, f"arrangements/{version.key}/payments/{payment.pk}/")
    client.post(taken, {"note": ""})
    assert limit_of(stage.elm, YEAR)[0].paid_cents == 1
    client.post(taken, {"note": "entered twice"})
    client.post(taken, {"note": "once more"})
    assert Payment.objects.count() == 2
    assert limit_of(stage.elm, YEAR)[0].paid_cents == 0
    assert "An amount such as" in client.post(address, fields | {"cents": "1.005"}).content.decode()


@pytest.mark.parametrize(("cents", "taken"), [("1200.00", True), ("1200.01", False)])
def test_exactly_the_limit_may_be_paid(cents: str, taken: bool, stage: Stage, sign_in: Callable[..., Client]) -> None:
    client = sign_in("other manager")
    client.post(
        f"/practices/{stage.oak.key}/arrangements/new/",
        {"base": "0", "partner": "Partner", "shared": "1", "terms": TERMS},
    )
    (version,) = newest_versions(stage.oak)
    client.post(
        f"/practices/{stage.oak.key}/arrangements/{version.key}/payments/", {"day": "2027-11-01", "cents": cents}
    )
    assert Payment.objects.exists() is taken


# Incentives


ITEM = {
    **{"identifier": "CANARYPATIENT000ZZ", "day": "2027-05-01", "cents": "600", "what": "Blood pressure cuff"},
    **{"in_kind": "on", "asm_beneficiary": "on", "connected_to_care": "on"},
}


def test_within_the_cap_an_item_is_entered_at_once(
    stage: Stage, sign_in: Callable[..., Client], django_assert_max_num_queries: Callable
) -> None:
    client = sign_in("nurse")
    assert client.post(path(stage, "incentives/"), ITEM).status_code == 302
    item = GivenItem.objects.get()
    assert (item.cents, item.identifier, item.warnings) == (60_000, "CANARYPATIENT000ZZ", "")
    with django_assert_max_num_queries(18):
        text = client.get(path(stage, "incentives/")).content.decode()
    assert "$400.00 left" in text
    event = AuditEvent.objects.first()
    assert event is not None
    assert event.kind == "patients_viewed"
    assert not AuditEvent.objects.filter(details__contains="CANARY").exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT identifier FROM incentives_givenitem")
        assert b"CANARY" not in bytes(cursor.fetchone()[0])


def test_it_warns_before_and_tells_both_readings(stage: Stage, sign_in: Callable[..., Client]) -> None:
    client = sign_in("nurse")
    client.post(path(stage, "incentives/"), ITEM)
    second = ITEM | {"day": "2028-01-02", "cents": "400.01"}
    text = client.post(path(stage, "incentives/"), second).content.decode()
    assert "Nothing is saved yet" in text
    assert "over the cap of 1,000.00 dollars" in text
    assert "over a lifetime $1,000.01, in the calendar year $400.01" in text
    assert GivenItem.objects.count() == 1
    client.post(path(stage, "incentives/"), second | {"cents": "400.00"})
    assert GivenItem.objects.count() == 2  # exactly the cap


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"in_kind": ""}, "not an in-kind item"),
        ({"asm_beneficiary": ""}, "not an ASM beneficiary"),
        ({"connected_to_care": ""}, "not connected to care"),
        ({"tied_to_provider": "on"}, "tied to receiving"),
        ({"technology": "on", "cents": "75.01"}, "stays the practice"),
        ({"identifier": "SOMEBODYELSE"}, "does not know this beneficiary"),
    ],
)
def test_every_reason_is_told_before_it_is_saved(
    change: dict[str, str], words: str, stage: Stage, sign_in: Callable[..., Client]
) -> None:
    client = sign_in("nurse")
    fields = {name: value for name, value in (ITEM | change).items() if value}
    assert words in client.post(path(stage, "incentives/"), fields).content.decode()
    assert not GivenItem.objects.exists()
    client.post(path(stage, "incentives/"), fields | {"checked": "on"})
    assert words in GivenItem.objects.get().warnings


def test_technology_is_asked_back_and_wrong_entries_are_taken_back(
    stage: Stage, sign_in: Callable[..., Client]
) -> None:
    client = sign_in("nurse")
    client.post(path(stage, "incentives/"), ITEM | {"technology": "on", "checked": "on"})
    item = GivenItem.objects.get()
    assert "To be returned" in client.get(path(stage, "incentives/")).content.decode()
    address = path(stage, f"incentives/{item.key}/return/")
    client.post(address, {"day": "2027-08-01", "note": "letter sent"})
    assert "To be returned" in client.get(path(stage, "incentives/")).content.decode()
    client.post(address, {"day": "2027-08-09", "returned": "on"})
    assert "To be returned" not in client.get(path(stage, "incentives/")).content.decode()
    client.post(path(stage, f"incentives/{item.key}/back/"), {"reason": "another patient's"})
    text = client.get(path(stage, "incentives/")).content.decode()
    assert "Nothing given yet" in text
    assert "another patient&#x27;s" in text


# Requests


@pytest.mark.parametrize(
    ("step", "day", "last"),
    [
        (RequestStep.RECEIVED, dt.date(2027, 1, 1), dt.date(2027, 2, 15)),
        (RequestStep.RECEIVED, dt.date(2028, 1, 15), dt.date(2028, 2, 29)),
        (RequestStep.SENT, dt.date(2027, 12, 15), dt.date(2028, 1, 14)),
        (RequestStep.ANSWERED, dt.date(2027, 12, 31), dt.date(2028, 1, 10)),
        (RequestStep.CLOSED, dt.date(2027, 12, 31), None),
    ],
)
def test_clocks_of_notices(step: RequestStep, day: dt.date, last: dt.date | None) -> None:
    due = next_due(RequestKind.ERROR_NOTICE, step, day, rules=RULES)
    assert due.last == last
    if last is not None:
        assert (due.days_left(last), due.days_left(last + dt.timedelta(days=1))) == (0, -1)


def test_the_years_data_request(stage: Stage, sign_in: Callable[..., Client]) -> None:
    client = sign_in("nurse")
    assert "Data request not sent" in client.get(path(stage, "requests/")).content.decode()
    fields = {"base": "0", "kind": "data_request", "title": "Request of 2027", "step": "sent", "day": "2027-01-20"}
    client.post(path(stage, "requests/"), fields)
    assert "data_request" in known_done(stage.elm, YEAR)
    (entry,) = RequestEntry.objects.all()
    step = {"base": "1", "step": "answered", "day": "2027-02-20", "note": "data came"}
    client.post(path(stage, f"requests/{entry.key}/"), step)
    client.post(path(stage, f"requests/{entry.key}/"), step)  # sent twice: the second is refused
    assert RequestEntry.objects.count() == 2
    text = client.get(path(stage, "requests/")).content.decode()
    assert "Data request sent" in text
    assert "data came" in text


@pytest.mark.parametrize("model", [ArrangementVersion, RequestEntry, GivenItem, Payment, Document])
def test_the_database_refuses_to_change_or_delete(model: type, stage: Stage, sign_in: Callable[..., Client]) -> None:
    client = sign_in("nurse")
    version = entered(stage, client)
    address = path(stage, f"arrangements/{version.key}/")
    client.post(f"{address}documents/", {"document": SimpleUploadedFile("a.pdf", PDF)})
    client.post(f"{address}payments/", {"day": "2027-11-01", "cents": "1", "anyway": "on"})
    client.post(path(stage, "incentives/"), ITEM)
    client.post(
        path(stage, "requests/"), {"base": 0, "kind": "data_request", "title": "x", "step": "sent", "day": "2027-01-20"}
    )
    assert model.objects.count() == 1
    table = model._meta.db_table
    for statement in (f"UPDATE {table} SET practice_id = practice_id", f"DELETE FROM {table}"):
        with pytest.raises(DatabaseError, match="kept"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
