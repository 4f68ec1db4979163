"""A practice's calendar address, its file, and the operator's list of EHRs."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openasm.app.access.permissions import Permission, has_permission
from openasm.app.access.rules import PageRequest, access, everybody, operators
from openasm.app.connections import actions
from openasm.app.connections.deadlines import deadlines_of
from openasm.app.connections.models import CalendarFeed, HookClient
from openasm.app.people.models import Practice
from openasm.app.people.sign_in import ask_again
from openasm.submission.calendar import calendar_text


class HookClientForm(forms.Form):
    """New credentials for an EHR."""

    name = forms.CharField(label="Which EHR", max_length=80)


@access(Permission.SEE_SCORES)
@require_http_methods(["GET", "POST"])
def calendar(request: PageRequest, practice: Practice) -> HttpResponse:
    """One's own address for a calendar program: make it, see that there is one, end it."""
    address = ""
    if request.method == "POST" and request.POST.get("do") == "end":
        if actions.end_feed(user=request.user, practice=practice, request=request):
            messages.success(request, "The calendar address no longer works.")
        return redirect("calendar", practice=practice.key)
    if request.method == "POST":
        secret = actions.make_feed(user=request.user, practice=practice, request=request)
        address = request.build_absolute_uri(reverse("calendar_feed", kwargs={"secret": secret}))
    feed = CalendarFeed.objects.filter(user=request.user, practice=practice).first()
    return render(request, "connections/calendar.html", {"feed": feed, "address": address})


@everybody(
    "the secret in the address is the proof; calendars cannot sign in, and the file names no patient and no score"
)
@require_GET
def calendar_feed(request: HttpRequest, secret: str) -> HttpResponse:
    """The open deadlines as iCalendar."""
    del request
    feed = actions.feed_of(secret)
    if feed is None or not has_permission(feed.user, Permission.SEE_SCORES, practice=feed.practice):
        raise Http404
    plan = deadlines_of(feed.practice, today=timezone.localdate())
    if plan is None:
        raise Http404
    tasks = [each.task for each in plan.tasks]
    text = calendar_text(tasks, tin=feed.practice.tin, year=plan.year, moment=timezone.now())
    response = HttpResponse(text, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="deadlines.ics"'
    return response


@operators
@require_http_methods(["GET", "POST"])
def hook_clients(request: PageRequest) -> HttpResponse:
    """EHRs that may call the CDS Hooks service."""
    form = HookClientForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        ask_again(request)
        _, secret = actions.make_hook_client(name=form.cleaned_data["name"], by=request.user, request=request)
        form = HookClientForm()
    return render(
        request, "connections/hook_clients.html", {"form": form, "secret": secret, "clients": HookClient.objects.all()}
    )


@operators
@require_POST
def end_hook_client(request: PageRequest, client: int) -> HttpResponse:
    """End an EHR's credentials."""
    found = HookClient.objects.filter(pk=client).first()
    if found is None:
        raise Http404
    actions.end_hook_client(client=found, by=request.user, request=request)
    messages.success(request, f"{found.name} can no longer call the service.")
    return redirect("hook_clients")
