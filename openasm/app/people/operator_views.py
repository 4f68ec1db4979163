"""Pages of operators: accounts of the installation, and systems of practices with their people."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openasm.app.access.rules import PageRequest, Role, operators
from openasm.app.look.tables import paged
from openasm.app.people import actions, administration
from openasm.app.people.forms import PlaceForm, SystemForm, SystemInvitationForm
from openasm.app.people.models import Invitation, Membership, Practice, System, User
from openasm.app.people.views import send_invitation
from openasm.base.errors import WrongUsage


@operators
@require_GET
def accounts(request: PageRequest) -> HttpResponse:
    """All accounts by name: whether they may sign in, and in how many places they have a role."""
    asked = request.GET.get("q", "").strip()
    found = User.objects.filter(Q(name__icontains=asked) | Q(email__icontains=asked))
    counted = found.annotate(roles=Count("memberships")).order_by("name", "email", "pk")
    return render(request, "people/accounts.html", {"page": paged(request, counted), "asked": asked})


@operators
@require_POST
def switch_account(request: PageRequest, user: int) -> HttpResponse:
    """Keep an account out, or let it in again."""
    found, on = get_object_or_404(User, pk=user), request.POST.get("to") == "on"
    try:
        administration.switch_account(user=found, on=on, by=request.user, request=request)
    except WrongUsage as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, f"{found} {'may sign in again' if on else 'is switched off, with every session and token'}."
        )
    return redirect("accounts")


@operators
@require_POST
def end_account_sessions(request: PageRequest, user: int) -> HttpResponse:
    """End the sessions of an account."""
    found = get_object_or_404(User, pk=user)
    administration.end_sessions_of(user=found, by=request.user, request=request)
    messages.success(request, f"All sessions of {found} have ended.")
    return redirect("accounts")


@operators
@require_http_methods(["GET", "POST"])
def systems(request: PageRequest) -> HttpResponse:
    """Systems of practices; entering one."""
    form = SystemForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        system = actions.create_system(name=form.cleaned_data["name"], practices=(), by=request.user, request=request)
        return redirect("system", system=system.key)
    found = System.objects.annotate(count=Count("practices")).order_by("name", "pk")
    return render(request, "people/systems.html", {"form": form, "page": paged(request, found)})


@operators
@require_http_methods(["GET", "POST"])
def system(request: PageRequest, system: str) -> HttpResponse:
    """One system: its practices, and the people who see all of them; inviting somebody."""
    found = _system(system)
    form = SystemInvitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        role = Role(form.cleaned_data["role"])
        send_invitation(request, found, form.cleaned_data["email"], role, "")
        return redirect("system", system=found.key)
    context = {
        "system": found,
        "form": form,
        "place": PlaceForm(),
        "practices": found.practices.order_by("name", "tin"),
        "memberships": Membership.objects.filter(system=found)
        .select_related("user")
        .order_by("user__name", "user__email", "role"),
        "waiting": [each for each in Invitation.objects.filter(system=found, accepted_at=None) if each.is_open],
    }
    return render(request, "people/system.html", context)


@operators
@require_POST
def system_practice(request: PageRequest, system: str) -> HttpResponse:
    """Put a practice into a system by its TIN, or take one out."""
    found, form = _system(system), PlaceForm(request.POST)
    out = Practice.objects.filter(key=request.POST.get("out", ""), system=found).first()
    try:
        if out is not None:
            administration.place_practice(practice=out, system=None, by=request.user, request=request)
        elif form.is_valid():
            practice = Practice.objects.select_related("system").filter(tin=form.cleaned_data["tin"]).first()
            if practice is None:
                raise WrongUsage("No practice with this TIN is known. Enter it first, or publish a run that holds it.")
            administration.place_practice(practice=practice, system=found, by=request.user, request=request)
        else:
            raise WrongUsage("A TIN has nine digits.")
    except WrongUsage as error:
        messages.error(request, str(error))
    return redirect("system", system=found.key)


@operators
@require_POST
def remove_system_member(request: PageRequest, system: str, membership: int) -> HttpResponse:
    """Take a role in a system away."""
    chosen = Membership.objects.select_related("user").filter(pk=membership, system=_system(system)).first()
    if chosen is None:
        raise Http404
    actions.remove_member(membership=chosen, by=request.user, request=request)
    messages.success(request, f"{chosen.user} is no longer {chosen.role} of this system.")
    return redirect("system", system=system)


def _system(key: str) -> System:
    return get_object_or_404(System, key=key)
