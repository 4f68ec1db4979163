"""The page *Look-up*, and the operator's choice who may use it."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_http_methods

from openasm.app.access.rules import PageRequest, everybody, operators
from openasm.app.lookup import actions
from openasm.app.lookup.held_lists import Placed, participant_list, places
from openasm.app.lookup.models import LookupSetting, is_open
from openasm.app.lookup.search import Found, look_up
from openasm.base.errors import NotFound
from openasm.participants.county_maps import CountyAnswer, CountyPlace, area_rows, county_map
from openasm.participants.lookup import CAVEAT
from openasm.participants.maps import not_on_the_map, state_map

KINDS = (
    ("", "By its form"),
    ("name", "Name"),
    ("npi", "NPI"),
    ("organization", "Organization"),
    ("zip", "ZIP code"),
    ("county", "County (FIPS)"),
    ("state", "State"),
)
A_MINUTE = 60  # look-ups a minute and address, of people who have not signed in


@everybody("shows CMS's public list and public geography; without sign-in only when an operator has opened it")
@require_GET
def look_up_page(request: HttpRequest) -> HttpResponseBase:
    """Am I in: the question, its answer, and the maps."""
    known = request.user.is_authenticated
    if not known and not is_open():
        return redirect_to_login(request.get_full_path())
    if not known and not _may_ask(request):
        return render(request, "lookup/too_often.html", status=429)
    asked = request.GET.get("q", "").strip()
    kind = request.GET.get("by", "")
    kind = kind if kind in dict(KINDS) else ""
    listed, placed = participant_list(), places()
    found = look_up(asked, kind, listed, placed) if asked else None
    context: dict[str, object] = {
        "asked": asked,
        "by": kind,
        "kinds": KINDS,
        "found": found,
        "listed": listed,
        "placed": placed,
        "caveat": CAVEAT,
        "sources": [*(listed.sources.files if listed else ()), *(placed.sources.files if placed else ())],
        "map": _map(found, placed) if found is not None else SafeString(""),
        "mandatory_areas": area_rows(found.counties) if found is not None and found.counties else (),
    }
    if listed is not None and found is None:
        title = "ASM participants by state; the table below says the same"
        context["map"] = SafeString(state_map(listed.states, title=title, with_style=False))
        context["states"] = listed.states
        context["elsewhere"] = sum(each.all for each in not_on_the_map(listed.states))
    if placed is not None and found is None:
        counts = Counter(each.answer for each in placed.places)
        context["answers"] = [(str(answer), counts[answer]) for answer in CountyAnswer if counts[answer]]
    template = "lookup/answer.html" if request.headers.get("HX-Request") else "lookup/look_up.html"
    return render(request, template, context)


@operators
@require_http_methods(["GET", "POST"])
def setting(request: PageRequest) -> HttpResponse:
    """Whether the look-up answers without sign-in."""
    if request.method == "POST":
        allowed = request.POST.get("without_sign_in") == "yes"
        actions.set_without_sign_in(allowed=allowed, by=request.user, request=request)
        said = (
            "Everybody who reaches this server may now look up who is in."
            if allowed
            else "The look-up now needs a sign-in."
        )
        messages.success(request, said)
        return redirect("look_up_setting")
    return render(
        request,
        "lookup/setting.html",
        {"setting": LookupSetting.objects.filter(pk=1).first(), "listed": participant_list(), "placed": places()},
    )


def _map(found: Found, placed: Placed | None) -> SafeString:
    if placed is None or not found.counties:
        return SafeString("")
    return _drawn(found.counties, found.state)


def _drawn(counties: tuple[CountyPlace, ...], state: str) -> SafeString:
    title = f"Mandatory areas by county, {state}; the table below names every county"
    try:
        return SafeString(county_map(counties, title=title, with_style=False))
    except NotFound:  # no outlines of this state: the table names its counties
        return SafeString("")


def _may_ask(request: HttpRequest, now: dt.datetime | None = None) -> bool:
    """Whether an address that has not signed in asked less than the limit within this minute."""
    minute = (now or timezone.now()).strftime("%H%M")
    key = f"look-up-{request.META.get('REMOTE_ADDR', '')}-{minute}"
    cache.add(key, 0, 120)
    return cache.incr(key) <= A_MINUTE
