"""Which episodes are shown: cohort, clinician, service category, standing, one patient; and the choices there are.

An episode whose cost lies far beyond what the cost model expects is an outlier: it is left out of the measure, and still worth a look.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from openasm.app.access.rules import PageRequest
from openasm.app.look.tables import chosen
from openasm.app.prepared import Given, Prepared
from openasm.app.published.models import CostCategory, Episode, ParticipantResult, Run
from openasm.report.titles import EXCLUSION_TITLES

OUTLIER = "outlier"
TWICE = 2.0  # times what was expected, or more
STANDINGS = {
    "counted": "Counted in the measure",
    "high": "Twice what was expected, or more",
    "outlier": "Outliers, left out",
    "excluded": "Left out for another reason",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for; empty texts: no filter. clinicians: NPI and name of those there are to choose from."""

    cohort: str
    clinician: str
    category: str
    standing: str
    patient: str
    cohorts: tuple[str, ...]
    clinicians: tuple[tuple[str, str], ...]
    categories: tuple[str, ...]

    def applied_to(self, rows: QuerySet[Episode]) -> QuerySet[Episode]:
        """The episodes asked for."""
        if self.cohort:
            rows = rows.filter(cohort=self.cohort)
        if self.clinician:
            rows = rows.filter(npis__contains=f" {self.clinician} ")
        if self.category:
            rows = rows.filter(costs__has_key=self.category)
        if self.patient:
            rows = rows.filter(patient__key=self.patient)
        return rows.filter(_STANDING[self.standing]) if self.standing else rows

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter holds."""
        return bool(self.cohort or self.clinician) or self.is_narrowed_further

    @property
    def is_narrowed_further(self) -> bool:
        """Whether a filter holds beside cohort and clinician."""
        return any((self.category, self.standing, self.patient))


_STANDING = {
    "counted": Q(excluded_reason=""),
    "high": Q(excluded_reason="", ratio__gte=TWICE),
    "outlier": Q(excluded_reason=OUTLIER),
    "excluded": ~Q(excluded_reason__in=("", OUTLIER)),
}


_NAMES = Prepared[tuple[str, str]](
    lambda: (
        ParticipantResult.objects.filter(practice=Given("practice"), run=Given("run"))
        .order_by("name", "npi")
        .values_list("npi", "name")
    )
)


def choice_of(request: PageRequest, run: Run, categories: Iterable[CostCategory]) -> Choice:
    """The filters of a request; a clinician who sees only the own patients has no other clinicians to choose from."""
    own = request.patients.npi
    people = _NAMES.all(practice=request.practice.pk, run=run.pk)
    clinicians = {npi: name for npi, name in people if not own or npi == own}
    rows_of_costs = list(categories)
    cohorts = tuple(sorted({each.cohort for each in rows_of_costs if each.cohort}))
    names = tuple(sorted({each.category for each in rows_of_costs}))
    return Choice(
        cohort=chosen(request, "cohort", cohorts or ("heart_failure", "low_back_pain")),
        clinician=chosen(request, "clinician", tuple(clinicians)),
        category=chosen(request, "category", names),
        standing=chosen(request, "standing", tuple(STANDINGS)),
        patient=_key(request.GET.get("patient", "")),
        cohorts=cohorts,
        clinicians=tuple((npi, name or f"NPI {npi}") for npi, name in clinicians.items()),
        categories=names,
    )


def reason_text(reason: str) -> str:
    """Why an episode does not count, in words.

    >>> reason_text("part_c"), reason_text("OWN_RULE")
    ('in a Medicare Advantage plan', 'own rule')
    """
    return EXCLUSION_TITLES.get(reason, reason.replace("_", " ").lower())


def _key(text: str) -> str:
    """A patient's pseudonym from the address, if it looks like one."""
    return text if len(text) == 32 and all(sign in "0123456789abcdef" for sign in text) else ""
