"""The page Readiness: the dated plan, a task's form, and the plan as a calendar."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.attestations import reading
from openasm.app.attestations.answers import years
from openasm.app.audit.events import exported
from openasm.app.look.tables import chosen
from openasm.app.people.models import Practice
from openasm.app.readiness.actions import note_task
from openasm.app.readiness.models import TaskEntry, TaskState
from openasm.app.readiness.plan import plan_of
from openasm.app.readiness.reminders import choose_reminders, wants_reminders
from openasm.base.errors import WrongUsage
from openasm.submission.calendar import calendar_text

_SHOWN = {"open": ("open", "soon", "late", "missed"), "done": ("done",)}
_BADGES = {
    "done": ("good", "Done"),
    "missed": ("bad", "Too late"),
    "late": ("bad", "Late"),
    "soon": ("warn", "Due soon"),
    "open": ("info", "Open"),
}


class TaskForm(forms.Form):
    """What somebody notes about a task."""

    base = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    state = forms.ChoiceField(label="State", choices=[("open", "Open"), ("done", "Done")])
    owner = forms.CharField(label="Owner", max_length=120, required=False, help_text="Who sees to it.")
    due = forms.DateField(
        label="Another due day",
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text="Empty: the plan's own day.",
    )
    evidence = forms.CharField(
        label="Evidence",
        max_length=2_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What proves it, and where it lies. No patients' names.",
    )


@access(Permission.SEE_SCORES)
@require_GET
def readiness(request: PageRequest, practice: Practice) -> HttpResponse:
    """The plan of a year."""
    year, day = reading.asked_year(request), reading.today()
    plan = plan_of(practice, year, today=day)
    show = chosen(request, "show", tuple(_SHOWN))
    context = {
        "year": year,
        "years": years(),
        "plan": plan,
        "show": show,
        "tasks": [(each, *_BADGES[each.state]) for each in plan.tasks if not show or each.state in _SHOWN[show]],
        "late": plan.count("late", "missed"),
        "soon": plan.count("soon"),
        "done": plan.count("done"),
        "reminded": wants_reminders(request.user, practice),
        "next": next((each for each in plan.tasks if each.state in ("open", "soon", "late")), None),
    }
    return render(request, "readiness/readiness.html", context)


@access(Permission.DRAFT_ATTESTATIONS)
@require_http_methods(["GET", "POST"])
def task(request: PageRequest, practice: Practice, year: int, key: str) -> HttpResponse:
    """One task: why, until when, who, what proves it; earlier entries below."""
    plan = plan_of(practice, reading.known_year(year), today=reading.today())
    found = next((each for each in plan.tasks if each.task.key == key), None)
    if found is None:
        raise Http404
    entry = found.entry
    initial = {"base": 0, "state": "open"}
    if entry is not None:
        initial = {name: getattr(entry, name) for name in ("state", "owner", "due", "evidence")} | {
            "base": entry.number
        }
    form = TaskForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        try:
            note_task(
                practice=practice,
                year=year,
                key=key,
                base=values.pop("base"),
                state=TaskState(values.pop("state")),
                by=request.user,
                request=request,
                **values,
            )
        except WrongUsage as wrong:
            form.add_error(None, str(wrong))
        else:
            messages.success(request, "Saved.")
            return redirect(f"{reverse('readiness', kwargs={'practice': practice.key})}?year={year}")
    earlier = TaskEntry.objects.filter(practice=practice, year=year, key=key).order_by("-number")
    context = {"year": year, "each": found, "badge": _BADGES[found.state], "form": form, "earlier": list(earlier)}
    return render(request, "readiness/task.html", context)


@access(Permission.SEE_SCORES)
@require_GET
def calendar(request: PageRequest, practice: Practice, year: int) -> HttpResponse:
    """The open tasks as a calendar file. Nobody is asked to confirm: it names no patient and no result, only the year's days."""
    plan = plan_of(practice, reading.known_year(year), today=reading.today())
    tasks = [each.task for each in plan.tasks]
    text = calendar_text(tasks, tin=practice.tin, year=year, moment=timezone.now())
    exported(request, what=f"readiness {year}", rows=sum(not each.done for each in tasks), form="ics")
    response = HttpResponse(text, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="readiness-{year}.ics"'
    return response


@access(Permission.DRAFT_ATTESTATIONS)
@require_POST
def reminders(request: PageRequest, practice: Practice) -> HttpResponse:
    """Say whether the person wants mails about this plan."""
    wanted = request.POST.get("wanted") == "yes"
    choose_reminders(request.user, practice, wanted=wanted, request=request)
    messages.success(
        request, "You will be reminded by mail." if wanted else "You will get no more mails about this plan."
    )
    return redirect("readiness", practice=practice.key)
