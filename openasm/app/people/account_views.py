"""A person's own pages: accepting an invitation, security, sessions, API tokens."""

from __future__ import annotations

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from openasm.app.access.rules import PageRequest, Permission, everybody, signed_in
from openasm.app.people import actions
from openasm.app.people.forms import TokenForm, WelcomeForm
from openasm.app.people.models import ApiToken, Invitation, User
from openasm.app.people.sign_in import ask_again
from openasm.base.errors import NotFound, OpenAsmError


@everybody("the link of an invitation is itself the proof; it works once")
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponseBase:
    """Accept an invitation: with the account of that address when there is one, else by making it."""
    try:
        found = actions.open_invitation(secret)
    except NotFound:
        raise Http404 from None
    known = bool(found.email) and User.objects.filter(email=found.email).exists()
    if isinstance(request.user, User) or known:
        return _accept_signed_in(request, secret, found)
    form = WelcomeForm(request.POST or None, with_address=not found.email)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        try:
            user = actions.accept_invitation(
                secret=secret,
                email=cleaned.get("email", ""),
                name=cleaned["name"],
                password=cleaned["password"],
                request=request,
            )
        except OpenAsmError as error:
            form.add_error(None, str(error))
        else:
            answer: HttpResponseBase = perform_login(request, Login(user=user, email=user.email))
            if (
                SESSION_KEY in request.session
            ):  # signed in: a second factor needs no password again that was set just now
                record_authentication(request, user, method="password", reauthenticated=True)
            return answer
    return _private(render(request, "people/invitation.html", {"form": form, "invitation": found}))


def _accept_signed_in(request: HttpRequest, secret: str, found: Invitation) -> HttpResponse:
    """Whoever follows the link must be signed in as the invited account; nothing says whether one exists otherwise."""
    user = request.user
    if isinstance(user, User) and request.method == "POST":
        try:
            actions.accept_invitation(secret=secret, user=user, request=request)
        except OpenAsmError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "Welcome. Your new role is in force.")
        return redirect("practices")
    fits = isinstance(user, User) and user.email == found.email
    return _private(render(request, "people/invitation_known.html", {"invitation": found, "fits": fits}))


def _private(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = (
        "strict-origin"  # the address holds a secret; no-referrer would make forms send Origin: null
    )
    return response


@signed_in
@require_http_methods(["GET"])
def account(request: PageRequest) -> HttpResponse:
    """Name, roles, password, second factor, sessions."""
    memberships = request.user.memberships.select_related("practice", "system").order_by("role", "id")
    return render(request, "people/account.html", {"memberships": memberships})


@signed_in
@require_POST
def end_all_sessions(request: PageRequest) -> HttpResponse:
    """End every other session of one's own."""
    actions.end_sessions(user=request.user)
    request.user.refresh_from_db()
    update_session_auth_hash(request, request.user)
    messages.success(request, "All other sessions have ended.")
    return redirect("account")


@signed_in
@require_http_methods(["GET", "POST"])
def tokens(request: PageRequest) -> HttpResponse:
    """API tokens: list them, make one (its secret is shown once)."""
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        ask_again(request)
        cleaned = form.cleaned_data
        scopes = [Permission(scope) for scope in cleaned["scopes"]]
        _, secret = actions.create_token(
            user=request.user, name=cleaned["name"], scopes=scopes, days=cleaned["days"], request=request
        )
        form = TokenForm()
    mine = ApiToken.objects.filter(user=request.user)
    return render(request, "people/tokens.html", {"form": form, "secret": secret, "tokens": mine})


@signed_in
@require_POST
def revoke(request: PageRequest, token: int) -> HttpResponse:
    """End a token of one's own."""
    found = ApiToken.objects.filter(pk=token, user=request.user).first()
    if found is None:
        raise Http404
    actions.revoke_token(token=found, by=request.user, request=request)
    messages.success(request, f"The token {found.name} no longer works.")
    return redirect("tokens")
