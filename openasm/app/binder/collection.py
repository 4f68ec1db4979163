"""Everything a binder holds, read once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from openasm.app.access.request import PatientScope
from openasm.app.arrangements.models import ArrangementVersion
from openasm.app.arrangements.register import newest_versions
from openasm.app.attestations.answers import rules_of
from openasm.app.attestations.models import Version
from openasm.app.kept.models import Document
from openasm.app.people.models import Practice
from openasm.app.primary_care.standing import Coverage, beneficiaries_of, by_clinician, shown_run
from openasm.app.published.models import ParticipantResult, Run
from openasm.app.readiness.models import TaskEntry
from openasm.app.submissions.models import SubmissionPackage
from openasm.base.parameters import Rules
from openasm.base.years import submission_deadline
from openasm.regulation.incentives import documentation_kept_until


@dataclass(frozen=True, slots=True)
class Kept:
    """Something of the retention list: kept at least until the day."""

    what: str
    since: dt.date
    until: dt.date


@dataclass(frozen=True, slots=True)
class Binder:
    """What a binder is made of. run: the one the signature names, else None (its rows may have gone; its hash stands in the signature)."""

    practice: Practice
    year: int
    signed: Version
    versions: tuple[Version, ...]
    documents: tuple[Document, ...]
    arrangements: tuple[ArrangementVersion, ...]
    tasks: tuple[TaskEntry, ...]
    packages: tuple[SubmissionPackage, ...]
    run: Run | None
    kept: tuple[Kept, ...]
    coverage: tuple[Coverage, ...]  # of IA_1 by clinician, counts alone


def collect(practice: Practice, year: int) -> Binder | None:
    """The binder of what is signed; None while nothing is."""
    versions = tuple(Version.objects.of(practice, year).order_by("number"))
    signed = next((each for each in reversed(versions) if each.step == "signed"), None)
    if signed is None:
        return None
    arrangements = tuple(each for each in newest_versions(practice) if each.year == year)
    abouts = [f"arrangement:{each.key}" for each in arrangements]
    documents = tuple(
        Document.objects.filter(practice=practice).filter(
            (Q(year=year) & ~Q(about__contains=":")) | Q(about__in=abouts)
        )
    )
    packages = tuple(
        SubmissionPackage.objects.filter(practice=practice, year=year).defer("sealed").prefetch_related("receipts")
    )
    run = (signed.known.get("run") or {}).get("key", "")
    tasks = {each.key: each for each in TaskEntry.objects.filter(practice=practice, year=year).order_by("number")}
    return Binder(
        practice,
        year,
        signed,
        versions,
        documents,
        arrangements,
        tuple(tasks.values()),
        packages,
        Run.objects.filter(key=run).first(),
        _retention(versions, documents, packages, arrangements, year, rules_of(year)),
        _coverage(practice, year),
    )


def _coverage(practice: Practice, year: int) -> tuple[Coverage, ...]:
    """How far each clinician's beneficiaries are seen to, by the newest run with patients, when that is of the year."""
    run = shown_run(practice)
    if run is None or run.performance_year != year:
        return ()
    people = beneficiaries_of(PatientScope(practice, None), run)
    names = dict(ParticipantResult.objects.filter(practice=practice, run=run).values_list("npi", "name"))
    return tuple(by_clinician(people, names)) if people else ()


def _retention(
    versions: tuple[Version, ...],
    documents: tuple[Document, ...],
    packages: tuple[SubmissionPackage, ...],
    arrangements: tuple[ArrangementVersion, ...],
    year: int,
    rules: Rules,
) -> tuple[Kept, ...]:
    """What is kept until when: counted from its own day or from the last day for submitting, whichever is later."""
    things = [(f"Attestation version {each.number} ({each.step})", timezone.localdate(each.at)) for each in versions]
    things += [
        (f"Document {each.name} ({each.about.split(':')[0]})", timezone.localdate(each.added_at)) for each in documents
    ]
    things += [
        (f"Arrangement with {each.partner}, version {each.number}", timezone.localdate(each.at))
        for each in arrangements
    ]
    things += [(f"Submission package {each.key}", timezone.localdate(each.at)) for each in packages]
    deadline = submission_deadline(year)
    return tuple(
        Kept(what, since, documentation_kept_until(max(since, deadline), rules))
        for what, since in sorted(things, key=lambda each: (each[1], each[0]))
    )
