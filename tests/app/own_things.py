"""One of everything that an address of a practice can name, made for a practice: its keys by address, for tests of access and of files."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from openasm.app.access.permissions import Role
from openasm.app.arrangements.models import ArrangementVersion, Payment
from openasm.app.attestations.actions import Signature, take_step
from openasm.app.attestations.steps import Step
from openasm.app.feeds.models import FeedRun, PracticeFile, State
from openasm.app.incentives.models import GivenItem
from openasm.app.kept.models import PURPOSE as DOCUMENT
from openasm.app.kept.models import Document
from openasm.app.people.models import Membership, Practice, User
from openasm.app.primary_care.models import PrimaryCare
from openasm.app.published.models import Episode, ParticipantResult
from openasm.app.requests.models import RequestEntry, RequestKind, RequestStep
from openasm.app.sealing import patient_key, seal_bytes
from openasm.app.submissions.models import PURPOSE as PACKAGE
from openasm.app.submissions.models import SubmissionPackage
from openasm.app.worklists.models import Case, SavedFilter
from tests.app.attesting import YEAR, complete
from tests.app.conftest import make_person

PARTNER = "900000021"  # of the run's shared beneficiaries
DAY = dt.date(YEAR, 3, 1)
CONTENT = b"evidence"


def things_of(
    practice: Practice, *, by: User, keeper: User | None = None, drafts: int = 1
) -> Mapping[str, Mapping[str, Any]]:
    """Arguments of addresses by the addresses' names, of things of this practice alone, made by a person.

    keeper: whose saved filter it is; drafts: how many before the attestation was signed.
    """
    here: dict[str, Any] = {"practice": practice, "by": by.email}
    sealed = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "year": YEAR}
    document = Document.objects.create(
        **here_of_document(practice, by), **sealed, sealed=seal_bytes(CONTENT, purpose=DOCUMENT)
    )
    arrangement = ArrangementVersion.objects.create(
        **here, number=1, year=YEAR, partner="Test Partner", partner_tin=PARTNER, terms=[]
    )
    payment = Payment.objects.create(**here, arrangement=arrangement.key, year=YEAR, day=DAY, cents=100)
    item = GivenItem.objects.create(
        **here,
        patient=patient_key("TESTPATIENT"),
        identifier="TESTPATIENT",
        day=DAY,
        cents=100,
        what="a scale",
        technology=True,
    )
    request = RequestEntry.objects.create(
        **here,
        year=YEAR,
        number=1,
        kind=RequestKind.ERROR_NOTICE.value,
        title="Test",
        step=RequestStep.RECEIVED.value,
        day=DAY,
    )
    package = SubmissionPackage.objects.create(
        **here,
        **sealed,
        run_key="none",
        run_hash="",
        level="individual",
        manifest={"files": []},
        sealed=seal_bytes(CONTENT, purpose=PACKAGE),
    )
    file = PracticeFile.objects.create(
        practice=practice, kind="roster", name="roster.csv", size=1, sha256="0" * 64, uploaded_by=by.email
    )
    run = FeedRun.objects.create(practice=practice, state=State.STOPPED.value, year=YEAR, started_by=by.email)
    versions = signed_after(practice, by=by, drafts=drafts)
    member = Membership.objects.create(
        user=make_person(f"removable {practice.key}"), practice=practice, role=Role.VIEWER.value
    )
    case = Case.objects.filter(practice=practice).order_by("pk").first()
    saved = SavedFilter.objects.create(user=keeper or by, practice=practice, name="mine", query={})
    npis = set(ParticipantResult.objects.filter(practice=practice).values_list("npi", flat=True))
    elsewhere = set(ParticipantResult.objects.exclude(practice=practice).values_list("npi", flat=True))
    npi = {"npi": min(npis - elsewhere)}
    episode = Episode.objects.filter(practice=practice).order_by("pk").values_list("pk", flat=True).first()
    keys = PrimaryCare.objects.values_list("patient__key", flat=True)
    seen = set(keys.filter(practice=practice)) - set(keys.exclude(practice=practice))
    assert case is not None
    assert episode is not None
    year, form, patient = {"year": YEAR}, {"form": "csv"}, {"patient": case.patient.key}
    of_arrangement, of_item = {"arrangement": arrangement.key}, {"item": item.key}
    return {
        **{key: {"membership": member.pk} for key in ("change_role", "end_member_sessions", "remove_member")},
        **dict.fromkeys(("clinician", "explanation", "scorecard"), npi),
        "document": {"document": document.key},
        **dict.fromkeys(
            ("arrangement", "arrangement_shared", "arrangement_document", "arrangement_payment"), of_arrangement
        ),
        "arrangement_shared_file": of_arrangement | form,
        "cancel_payment": of_arrangement | {"payment": payment.pk},
        **dict.fromkeys(("take_incentive_back", "return_attempt"), of_item),
        "request_step": {"key": request.key},
        **{key: {"package": package.key} for key in ("submission", "submission_receipt", "submission_file")},
        "data_remove": {"key": file.key},
        **{key: {"key": run.key} for key in ("data_run", "data_resume", "data_stop")},
        "attestation_version": year | {"number": versions},
        "worklist_patient": patient,
        "primary_care_patient": {"patient": min(seen)},
        "episode": {"number": episode},
        "worklist_change": patient | {"case": case.pk},
        "worklist_filter_remove": {"saved": saved.pk},
        **dict.fromkeys(("attestations_file", "binder", "binder_file"), year),
    }


def here_of_document(practice: Practice, by: User) -> dict[str, Any]:
    """What a document says of itself."""
    said = {"about": "IA_1", "name": "evidence.pdf", "kind": "pdf", "size": len(CONTENT)}
    return {"practice": practice, "added_by": by.email, **said}


def signed_after(practice: Practice, *, by: User, drafts: int) -> int:
    """An attestation with so many drafts before it was signed; the number of the last version."""
    common = {"practice": practice, "year": YEAR, "by": by}
    for number in range(drafts):
        take_step(Step.DRAFT, base=number, answers=complete(), **common)
    take_step(Step.REVIEW, base=drafts, **common)
    signature = Signature("the text", "Managing partner", {"covered": []})
    return int(take_step(Step.SIGNED, base=drafts + 1, signature=signature, **common).number)
