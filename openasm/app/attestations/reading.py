"""What the pages of attesting read: the practice's version, documents, covered participants, and where the answers stand."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from django.http import Http404, HttpRequest
from django.utils import timezone

from openasm.app.arrangements.register import in_force
from openasm.app.attestations.answers import Answers, attestations_csv, rules_of, years
from openasm.app.attestations.models import Version
from openasm.app.attestations.standing import Finding, Standing, standing_of
from openasm.app.attestations.statement import Covered
from openasm.app.kept.models import Document
from openasm.app.people.models import Practice
from openasm.app.prepared import Given, Prepared
from openasm.app.published.models import ParticipantResult, PracticeResult, Run
from openasm.base.parameters import Rules


@dataclass(frozen=True, slots=True)
class People:
    """Whom an attestation is for. partners: clinicians of the TIN it is not for, None when the run does not say; run: where from."""

    covered: tuple[Covered, ...]
    partners: int | None
    point_dollars: float | None  # of one point of every covered participant's final score
    run: Run | None


def today() -> dt.date:
    """The day pages are drawn for, where the practice is."""
    return timezone.localdate()


def asked_year(request: HttpRequest) -> int:
    """The year of `?year=`, else the first that can be attested; Http404 for one whose rule values are not known."""
    asked = request.GET.get("year", "")
    return known_year(int(asked)) if asked.isdecimal() and len(asked) < 6 else years()[0]


def known_year(year: int) -> int:
    """The year itself; Http404 where its rule values are not known."""
    if year not in years():
        raise Http404
    return year


_RESULT = Prepared[PracticeResult](
    lambda: (
        PracticeResult.objects.filter(practice=Given("practice"), run__performance_year=Given("year"))
        .select_related("run")
        .order_by("-run_id")[:1]
    )
)
_PEOPLE = Prepared[tuple[str, str, str, float | None]](
    lambda: (
        ParticipantResult.objects.filter(practice=Given("practice"), run=Given("run"))
        .order_by("name", "npi", "cohort")
        .values_list("npi", "name", "cohort", "point_dollars")
    )
)


def people_of(practice: Practice, year: int) -> People:
    """The participants of the newest run of the year, each once a cohort."""
    found = _RESULT.first(practice=practice.pk, year=year)
    if found is None:
        return People((), None, None, None)
    rows = _PEOPLE.all(practice=practice.pk, run=found.run_id)
    worth = [dollars for *_, dollars in rows if dollars is not None]
    partners = None
    if found.clinicians_in_tin is not None:
        partners = max(0, found.clinicians_in_tin - len({npi for npi, *_ in rows}))
    covered = tuple(Covered(npi, name, cohort) for npi, name, cohort, _ in rows)
    return People(covered, partners, sum(worth) if worth else None, found.run)


def documents_of(practice: Practice, year: int) -> list[Document]:
    """The documents of attested items, without their content."""
    rows = Document.objects.filter(practice=practice, year=year).exclude(about__contains=":")
    return list(rows.defer("sealed"))


def standing_now(
    practice: Practice, answers: Answers, *, documents: list[Document], people: People, rules: Rules, day: dt.date
) -> Standing:
    """Where answers stand, with what the workbench's own records say: nobody covered, no arrangement behind IA_2."""
    found = standing_of(
        answers, tin=practice.tin, today=day, rules=rules, proven=frozenset(each.about for each in documents)
    )
    more = []
    if not people.covered:
        text = "No participant is known: publish a run of this year first, so that it is clear for whom you sign."
        more.append(Finding("", text, True))
    claims_arrangement = "IA_2" in answers and answers["IA_2"].answer == "yes"
    if claims_arrangement and not in_force(practice, rules.year, today=day, rules=rules):
        text = "Collaborative care arrangements: answered yes, but the register has none with every term in force this year."
        more.append(Finding("IA_2", text, False))
    return replace(found, findings=(*more, *found.findings))


def signed_file(practice: Practice, year: int) -> bytes | None:
    """`attestations.csv` of what is signed, for a run of this practice; None when nothing is signed."""
    version = Version.objects.signed(practice, year)
    return None if version is None else attestations_csv(practice.tin, version.answered, rules=rules_of(year))
