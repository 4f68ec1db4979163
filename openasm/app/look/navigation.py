"""What the page frame shows: the practice's navigation, only with what the person may open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from openasm.app.access.permissions import Permission, has_permission
from openasm.app.people.models import Practice, User


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: the name of its URL, its title, and any permission of which one is enough."""

    url_name: str
    title: str
    permissions: tuple[Permission, ...]


# Entries of a practice, in order. A page that is not there yet (its URL is not known) is left out.
ENTRIES = (
    Entry("today", "Today", (Permission.SEE_SCORES,)),
    Entry("practice", "Practice", (Permission.SEE_SCORES,)),
    Entry("measures", "Measures", (Permission.SEE_SCORES,)),
    Entry("worklist", "Worklist", (Permission.SEE_PATIENTS, Permission.SEE_OWN_PATIENTS)),
    Entry("episodes", "Episodes", (Permission.SEE_PATIENTS, Permission.SEE_OWN_PATIENTS)),
    Entry("what_if", "What-if", (Permission.SEE_SCORES,)),
    Entry("readiness", "Readiness", (Permission.SEE_SCORES,)),
    Entry("calendar", "Calendar", (Permission.SEE_SCORES,)),
    Entry("attestations", "Attestations", (Permission.DRAFT_ATTESTATIONS, Permission.ATTEST)),
    Entry("primary_care", "Primary care", (Permission.SEE_PATIENTS, Permission.SEE_OWN_PATIENTS)),
    Entry("arrangements", "Arrangements", (Permission.DRAFT_ATTESTATIONS,)),
    Entry("incentives", "Incentives", (Permission.DRAFT_ATTESTATIONS,)),
    Entry("telehealth", "Telehealth", (Permission.SEE_PATIENTS, Permission.SEE_OWN_PATIENTS)),
    Entry("requests", "Requests", (Permission.DRAFT_ATTESTATIONS,)),
    Entry("submissions", "Submission", (Permission.DRAFT_ATTESTATIONS,)),
    Entry("compare", "Compare", (Permission.SEE_SCORES,)),
    Entry("data", "Data", (Permission.UPLOAD,)),
    Entry("members", "Members", (Permission.MANAGE_MEMBERS,)),
    Entry("practice_audit", "Audit", (Permission.SEE_AUDIT,)),
)


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as it is drawn."""

    title: str
    address: str
    current: bool


def practice_links(request: HttpRequest, practice: Practice) -> list[Link]:
    """The entries this person may open in a practice."""
    user = request.user
    if not isinstance(user, User):
        return []
    links = []
    for entry in ENTRIES:
        if not any(has_permission(user, permission, practice=practice) for permission in entry.permissions):
            continue
        try:
            address = reverse(entry.url_name, kwargs={"practice": practice.key})
        except NoReverseMatch:
            continue
        links.append(Link(entry.title, address, request.path.startswith(address) and _is_current(request, address)))
    return links


def _is_current(request: HttpRequest, address: str) -> bool:
    """The practice's own address is the start of all others: it is current only when nothing follows or a clinician does."""
    rest = request.path[len(address) :]
    return rest == "" or rest.startswith("clinicians/") or address.rstrip("/").count("/") > 2


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: the practice, its links, and what the person may do in it (`may.export_patients` ...)."""
    practice = getattr(request, "practice", None)
    if not isinstance(practice, Practice):
        return {"practice": None, "practice_links": []}
    user = request.user
    may = {
        permission.value: isinstance(user, User) and has_permission(user, permission, practice=practice)
        for permission in Permission
    }
    return {"practice": practice, "practice_links": practice_links(request, practice), "may": may}
