"""The request as pages get it: a known person and, where a page is about one, the practice and the visible patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from openasm.app.people.models import Practice, User


@dataclass(frozen=True, slots=True)
class PatientScope:
    """The part of a practice's patients a person may see. npi: only those counting for it; None: all of the practice."""

    practice: Practice
    npi: str | None


class PageRequest(HttpRequest):
    """A request that has passed its access rule. practice: set on pages of a practice; patients: with `patients=True`."""

    user: User
    htmx: HtmxDetails
    number: str
    practice: Practice
    patients: PatientScope
