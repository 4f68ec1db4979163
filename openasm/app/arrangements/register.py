"""The register as pages show it: each arrangement's newest version, checked on a day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from openasm.app.arrangements.models import ArrangementVersion, Payment
from openasm.app.people.models import Practice
from openasm.app.prepared import Given, Prepared
from openasm.app.published.models import ParticipantResult, PracticeResult
from openasm.base.parameters import Rules
from openasm.submission.arrangements import TERM_WORDS, ArrangementCheck, check_arrangement


@dataclass(frozen=True, slots=True)
class Limit:
    """Payments of a year against their limit, in cents. limit: None while no run tells the payment adjustments.

    adjustments_cents: their sum; below 0 it leaves nothing that may be paid, so that the limit is 0.
    """

    paid_cents: int
    limit_cents: int | None
    adjustments_cents: int = 0

    @property
    def left_cents(self) -> int | None:
        """What may still be paid; below 0 when the limit is passed."""
        return None if self.limit_cents is None else self.limit_cents - self.paid_cents


@dataclass(frozen=True, slots=True)
class Registered:
    """An arrangement with its check. missing: the words of what it lacks; renew_soon: within sixty days, or past."""

    version: ArrangementVersion
    check: ArrangementCheck
    missing: tuple[tuple[str, str], ...]
    renew_soon: bool


_VERSIONS = Prepared[ArrangementVersion](
    lambda: ArrangementVersion.objects.filter(practice=Given("practice")).order_by("number")
)


def newest_versions(practice: Practice) -> list[ArrangementVersion]:
    """The newest version of each arrangement, by partner."""
    found = {each.key: each for each in _VERSIONS.all(practice=practice.pk)}
    return sorted(found.values(), key=lambda each: (each.partner.casefold(), each.key))


def register_of(practice: Practice, year: int, *, today: dt.date, rules: Rules) -> tuple[list[Registered], Limit]:
    """Every arrangement on a day, and the payments of the year under all of them together."""
    limit, adjustments = limit_of(practice, year)
    return [
        registered(each, paid_cents=limit.paid_cents, adjustments=adjustments, today=today, rules=rules)
        for each in newest_versions(practice)
    ], limit


def limit_of(practice: Practice, year: int) -> tuple[Limit, list[int]]:
    """Payments of a performance year and the sum of the payment adjustments, as the newest run of the year expects them."""
    paid = sum(each.cents for each in payments_in_force(practice, year))
    result = PracticeResult.objects.filter(practice=practice, run__performance_year=year).order_by("-run_id").first()
    if result is None:
        return Limit(paid, None), []
    rows = ParticipantResult.objects.filter(practice=practice, run_id=result.run_id)
    changes = [int(cents) for cents in rows.values_list("change_cents", flat=True) if cents is not None]
    return Limit(paid, max(0, sum(changes)), sum(changes)), changes


def payments_in_force(practice: Practice, year: int) -> list[Payment]:
    """Payments of a year that were not taken back."""
    return list(Payment.objects.filter(practice=practice, year=year, cancels=None, cancelled_by=None))


def registered(
    version: ArrangementVersion, *, paid_cents: int, adjustments: list[int], today: dt.date, rules: Rules
) -> Registered:
    """A version, checked. Without a run the limit is not held against it: it is unknown, not zero."""
    signed = [day for day in (version.signed_here, version.signed_there) if day is not None]
    terms = dict.fromkeys(version.terms, True)
    # A tick does not replace the fact: signatures, effective day and shared patients are read from their own fields.
    terms["signed_by_both_parties"] = len(signed) == 2
    terms["effective_date"] = version.effective is not None
    terms["shared_established_beneficiary"] = version.shared > 0
    check = check_arrangement(
        terms,
        signed=signed,
        effective=version.effective,
        today=today,
        rules=rules,
        ended=version.ended,
        paid_cents=paid_cents if adjustments else 0,
        adjustment_cents=adjustments,
    )
    renew = version.renewal is not None and version.ended is None and (version.renewal - today).days <= 60
    return Registered(version, check, tuple(TERM_WORDS[term] for term in check.missing), renew)


def in_force(practice: Practice, year: int, *, today: dt.date, rules: Rules) -> bool:
    """Whether an arrangement with every term has begun in the year: what IA_2 rests on."""
    arrangements, _ = register_of(practice, year, today=today, rules=rules)
    return any(not each.check.missing and each.check.clock.start is not None for each in arrangements)
