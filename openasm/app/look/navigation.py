"""What the page frame shows: the practice's navigation, only with what the person may open."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from openasm.app.access.permissions import Permission, permissions_in
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
    Entry("levels", "Level", (Permission.SEE_SCORES,)),
    Entry("mips", "MIPS", (Permission.SEE_SCORES,)),
    Entry("compare", "Compare", (Permission.SEE_SCORES,)),
    Entry("data", "Data", (Permission.UPLOAD,)),
    Entry("members", "Members", (Permission.MANAGE_MEMBERS,)),
    Entry("practice_audit", "Audit", (Permission.SEE_AUDIT,)),
)


# The areas of the navigation's first row, with the names of their entries; the second row has the entries of the open area.
AREAS = (
    ("Today", ("today",)),
    ("Results", ("practice", "measures", "episodes", "what_if", "compare", "mips")),
    ("Worklist", ("worklist",)),
    ("Readiness", ("readiness", "calendar", "primary_care", "arrangements", "incentives", "telehealth", "requests")),
    ("Attest and submit", ("attestations", "levels", "submissions")),
    ("Manage", ("data", "members", "practice_audit")),
)


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as it is drawn."""

    title: str
    address: str
    current: bool


@dataclass(frozen=True, slots=True)
class Area:
    """An area as it is drawn: it leads to the first of its entries the person may open."""

    title: str
    links: tuple[Link, ...]

    @property
    def address(self) -> str:
        """Of its first entry."""
        return self.links[0].address

    @property
    def current(self) -> bool:
        """Whether the open page is one of it."""
        return any(link.current for link in self.links)


def areas_of(links: dict[str, Link]) -> list[Area]:
    """The areas with the entries that are there; an entry without an area has one of its own."""
    of_areas = {name for _, names in AREAS for name in names}
    found = [Area(title, tuple(links[name] for name in names if name in links)) for title, names in AREAS]
    alone = [Area(link.title, (link,)) for name, link in links.items() if name not in of_areas]
    return [area for area in (*found, *alone) if area.links]


def practice_links(request: HttpRequest, practice: Practice, may: frozenset[Permission]) -> dict[str, Link]:
    """The entries this person may open in a practice, by the name of their URL."""
    links = {}
    for entry in ENTRIES:
        if may.isdisjoint(entry.permissions):
            continue
        try:
            address = _address(entry.url_name).replace("/0/", f"/{practice.key}/", 1)
        except NoReverseMatch:
            continue
        current = request.path.startswith(address) and _is_current(request, address)
        links[entry.url_name] = Link(entry.title, address, current)
    return links


@functools.cache
def _address(name: str) -> str:
    """The address of an entry for a practice with the key 0, which no practice has."""
    return reverse(name, kwargs={"practice": "0"})


def _is_current(request: HttpRequest, address: str) -> bool:
    """The practice's own address is the start of all others: it is current only when nothing follows or a clinician does."""
    rest = request.path[len(address) :]
    return rest == "" or rest.startswith("clinicians/") or address.rstrip("/").count("/") > 2


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: the practice, its links, and what the person may do in it (`may.export_patients` ...)."""
    practice = getattr(request, "practice", None)
    if not isinstance(practice, Practice):
        return {"practice": None, "areas": []}
    user = request.user
    may = permissions_in(user, practice) if isinstance(user, User) else frozenset()
    return {
        "practice": practice,
        "areas": areas_of(practice_links(request, practice, may)),
        "may": {permission.value: permission in may for permission in Permission},
    }
