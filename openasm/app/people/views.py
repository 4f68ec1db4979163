"""Practices to choose from, their members, and the installation's page."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from openasm.app.access.permissions import ROLE_WORDS
from openasm.app.access.rules import PageRequest, Permission, Role, access, operators, signed_in
from openasm.app.look.tables import paged
from openasm.app.people import actions, administration
from openasm.app.people.forms import InvitationForm, PracticeForm, RoleForm
from openasm.app.people.models import Invitation, Membership, Practice, System, User
from openasm.base.errors import WrongUsage


@signed_in
@require_http_methods(["GET"])
def practices(request: PageRequest) -> HttpResponse:
    """The practices a person is a member of; with one alone, straight to it."""
    mine = practices_of(request.user)
    asked = request.GET.get("q", "").strip()
    if asked:
        mine = mine.filter(name__icontains=asked)
    page = paged(request, mine, 60)
    if page.paginator.count == 1 and not asked and not request.user.is_operator:
        return redirect("practice", practice=page[0].key)
    systems = System.objects.filter(pk__in=[grant.system for grant in request.user.grants if grant.system is not None])
    return render(request, "people/practices.html", {"page": page, "asked": asked, "systems": systems})


def practices_of(user: User) -> QuerySet[Practice]:
    """Practices in which a person holds a role, directly or through a system."""
    own = [grant.practice for grant in user.grants if grant.practice is not None]
    systems = [grant.system for grant in user.grants if grant.system is not None]
    return Practice.objects.filter(Q(pk__in=own) | Q(system__in=systems)).select_related("system")


@operators
@require_http_methods(["GET", "POST"])
def installation(request: PageRequest) -> HttpResponse:
    """All practices; entering one invites its first administrator."""
    form = PracticeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                practice = actions.create_practice(
                    tin=form.cleaned_data["tin"], name=form.cleaned_data["name"], by=request.user, request=request
                )
                send_invitation(request, practice, form.cleaned_data["email"], Role.ADMINISTRATOR, "")
        except WrongUsage as error:
            form.add_error(None, str(error))
        else:
            return redirect("members", practice=practice.key)
    asked = request.GET.get("q", "").strip()
    found = Practice.objects.select_related("system").filter(name__icontains=asked)
    return render(request, "people/installation.html", {"form": form, "page": paged(request, found), "asked": asked})


@access(Permission.MANAGE_MEMBERS)
@require_http_methods(["GET", "POST"])
def members(request: PageRequest, practice: Practice) -> HttpResponse:
    """Who may do what here; inviting somebody."""
    form = InvitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        role = Role(form.cleaned_data["role"])
        send_invitation(request, practice, form.cleaned_data["email"], role, form.cleaned_data["npi"])
        return redirect("members", practice=practice.key)
    here = Membership.objects.select_related("user", "system").filter(
        Q(practice=practice) | Q(system__isnull=False, system=practice.system)
    )
    waiting = [each for each in Invitation.objects.filter(practice=practice, accepted_at=None) if each.is_open]
    return render(
        request,
        "people/members.html",
        {
            "form": form,
            "memberships": here.order_by("user__name", "user__email", "role"),
            "waiting": waiting,
            "role_words": {role.value: words for role, words in ROLE_WORDS.items()},
        },
    )


@access(Permission.MANAGE_MEMBERS)
@require_POST
def remove(request: PageRequest, practice: Practice, membership: int) -> HttpResponse:
    """Take a role away."""
    chosen = _membership(practice, membership)
    try:
        actions.remove_member(membership=chosen, by=request.user, request=request)
    except WrongUsage as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{chosen.user} is no longer {chosen.role} here.")
    return redirect("members", practice=practice.key)


@access(Permission.MANAGE_MEMBERS)
@require_http_methods(["GET", "POST"])
def change_role(request: PageRequest, practice: Practice, membership: int) -> HttpResponse:
    """Another role for a member of the practice."""
    chosen = _membership(practice, membership)
    form = RoleForm(request.POST or None, initial={"role": chosen.role, "npi": chosen.npi})
    if request.method == "POST" and form.is_valid():
        role = Role(form.cleaned_data["role"])
        try:
            administration.change_role(
                membership=chosen, role=role, npi=form.cleaned_data["npi"], by=request.user, request=request
            )
        except WrongUsage as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{chosen.user} is {role.value} here now and has to sign in again.")
            return redirect("members", practice=practice.key)
    return render(request, "people/role.html", {"form": form, "membership": chosen})


@access(Permission.MANAGE_MEMBERS)
@require_POST
def end_member_sessions(request: PageRequest, practice: Practice, membership: int) -> HttpResponse:
    """End the sessions of a member of the practice: for a lost telephone, or somebody who has left."""
    chosen = _membership(practice, membership)
    administration.end_sessions_of(user=chosen.user, by=request.user, practice=practice, request=request)
    messages.success(request, f"All sessions of {chosen.user} have ended.")
    return redirect("members", practice=practice.key)


def _membership(practice: Practice, membership: int) -> Membership:
    found = Membership.objects.select_related("user", "practice__system", "system")
    chosen = found.filter(pk=membership, practice=practice).first()
    if chosen is None:
        raise Http404
    return chosen


def send_invitation(request: PageRequest, where: Practice | System, email: str, role: Role, npi: str) -> None:
    """Invite somebody to a practice or a system by mail."""
    practice, system = (where, None) if isinstance(where, Practice) else (None, where)
    _, secret = actions.invite(
        email=email, role=role, npi=npi, practice=practice, system=system, by=request.user, request=request
    )
    link = invitation_link(request, secret)
    text = render_to_string("people/invitation_mail.txt", {"where": where, "link": link, "role": role.value})
    transaction.on_commit(
        lambda: send_mail(f"[OpenASM] Invitation to {where.name}", text, settings.DEFAULT_FROM_EMAIL, [email])
    )
    messages.success(request, f"An invitation was sent to {email}. Its link works once, for seven days.")
    if settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        messages.warning(
            request, "No mail server is set up: the mail with the link lies in the folder mail of the data folder."
        )


def invitation_link(request: HttpRequest, secret: str) -> str:
    """The address that accepts an invitation."""
    return request.build_absolute_uri(reverse("invitation", kwargs={"secret": secret}))
