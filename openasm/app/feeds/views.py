"""The page *Data*: files, configuration, runs with progress and problems, and the vintage of every official file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.feeds import actions, running
from openasm.app.feeds.advice import gathered
from openasm.app.feeds.forms import ConfigurationForm, UploadForm
from openasm.app.feeds.kinds import BY_CODE, KINDS, LARGEST_UPLOAD, FileKind
from openasm.app.feeds.models import FeedRun, PracticeFile, RunConfiguration, State
from openasm.app.look.tables import paged
from openasm.app.people.models import Practice
from openasm.app.published.models import DataProblem, Run
from openasm.base.errors import InputRefused, WrongUsage
from openasm.base.years import PERFORMANCE_YEARS
from openasm.participants.official_files import OFFICIAL_FILES, OfficialFile
from openasm.participants.shelves import Record, records

SHOWN_RUNS = 20
MOST_FILES = 50  # of one request


@dataclass(frozen=True, slots=True)
class Shelf:
    """The files of one kind."""

    kind: FileKind
    files: tuple[PracticeFile, ...]


@dataclass(frozen=True, slots=True)
class Vintage:
    """An official file and the newest version of it that the library holds."""

    file: OfficialFile
    record: Record | None


@access(Permission.UPLOAD)
@require_GET
def data_page(request: PageRequest, practice: Practice) -> HttpResponse:
    """Everything about a practice's data on one page."""
    return _page(request, practice)


def _page(
    request: PageRequest,
    practice: Practice,
    *,
    form: ConfigurationForm | None = None,
    refused: tuple[str, ...] = (),
    status: int = 200,
) -> HttpResponse:
    running.settle(practice)
    files = actions.current_files(practice)
    runs = list(FeedRun.objects.filter(practice=practice)[:SHOWN_RUNS])
    current = next((run for run in runs if run.state == State.RUNNING), None)
    if current is not None:
        current.practice = practice
    kept = RunConfiguration.objects.filter(practice=practice).first()
    newest = Run.objects.newest_of(practice)
    context = {
        "shelves": [Shelf(kind, tuple(each for each in files if each.kind == kind.code)) for kind in KINDS],
        "any_files": bool(files),
        "refused": refused,
        "largest_mb": LARGEST_UPLOAD // 2**20,
        "form": form or ConfigurationForm(initial=_initial(kept)),
        "configured": kept,
        "runs": runs,
        "current": current,
        "progress": running.progress_of(current) if current is not None else None,
        "vintages": vintages(),
        "newest": newest,
        "problems": DataProblem.objects.filter(run=newest).count() if newest is not None else 0,
    }
    return render(request, "feeds/data.html", context, status=status)


def vintages() -> list[Vintage]:
    """Every official file with the newest vintage in the workbench's library."""
    held: dict[str, Record] = {}
    for record in records(Path(settings.DATA)) if settings.DATA is not None else ():
        held.setdefault(record.key, record)
    return [Vintage(file, held.get(file.key)) for file in OFFICIAL_FILES]


@access(Permission.UPLOAD)
@require_POST
def upload(request: PageRequest, practice: Practice) -> HttpResponse:
    """Take files: each is kept whole or refused with everything that is wrong with it."""
    form = UploadForm(request.POST)
    given = request.FILES.getlist("files")
    if not form.is_valid() or not given:
        return _page(request, practice, refused=("Choose what it is and at least one file.",), status=400)
    if len(given) > MOST_FILES:
        return _page(
            request,
            practice,
            refused=(f"At most {MOST_FILES} files at a time; pack them into an archive.",),
            status=400,
        )
    refused: list[str] = []
    kept = 0
    for each in given:
        try:
            actions.keep_file(
                practice=practice,
                kind=BY_CODE[form.cleaned_data["kind"]],
                upload=each,
                by=request.user,
                request=request,
            )
        except InputRefused as error:
            refused += [problem.as_text() for problem in error.problems]
        except WrongUsage as error:
            refused.append(str(error))
        else:
            kept += 1
    if kept:
        messages.success(request, f"{kept} file{'s were' if kept != 1 else ' was'} kept.")
    if refused:
        return _page(request, practice, refused=tuple(refused), status=400)
    return redirect("data", practice=practice.key)


@access(Permission.UPLOAD)
@require_POST
def remove(request: PageRequest, practice: Practice, key: str) -> HttpResponse:
    """Delete a file."""
    found = PracticeFile.objects.select_related("practice").filter(practice=practice, key=key, removed_at=None).first()
    if found is None:
        raise Http404
    running.settle(practice)
    try:
        actions.remove_file(file=found, by=request.user, request=request)
    except WrongUsage as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The file was deleted.")
    return redirect("data", practice=practice.key)


@access(Permission.UPLOAD)
@require_POST
def configuration(request: PageRequest, practice: Practice) -> HttpResponse:
    """Save what a run computes."""
    form = ConfigurationForm(request.POST)
    if not form.is_valid():
        return _page(request, practice, form=form, status=400)
    actions.save_configuration(practice=practice, values=form.cleaned_data, by=request.user, request=request)
    messages.success(request, "The configuration was saved. The next run follows it.")
    return redirect("data", practice=practice.key)


@access(Permission.UPLOAD)
@require_POST
def start(request: PageRequest, practice: Practice) -> HttpResponse:
    """Start a run."""
    try:
        run = running.start_run(practice=practice, by=request.user, request=request)
    except WrongUsage as error:
        messages.error(request, str(error))
        return redirect("data", practice=practice.key)
    return redirect("data_run", practice=practice.key, key=run.key)


@access(Permission.UPLOAD)
@require_GET
def run_page(request: PageRequest, practice: Practice, key: str) -> HttpResponse:
    """One run: how far it is, how it ended, and its problems. htmx asks for the moving part alone."""
    run = _run(practice, key)
    part = bool(request.htmx) and run.state == State.RUNNING
    published = run.published
    warnings = DataProblem.objects.filter(run=published).count() if published is not None else 0
    context = {"run": run, "progress": running.progress_of(run), "published": published, "warnings": warnings}
    context["can_resume"] = run.can_resume and (run.folder / running.CONFIGURATION).is_file()
    response = render(request, "feeds/progress.html" if part else "feeds/run.html", context)
    if request.htmx and not part:
        response["HX-Refresh"] = "true"  # it has ended: the whole page says more
    return response


@access(Permission.UPLOAD)
@require_POST
def resume(request: PageRequest, practice: Practice, key: str) -> HttpResponse:
    """Let a stopped run go on."""
    run = _run(practice, key)
    try:
        running.resume_run(run=run, by=request.user, request=request)
    except WrongUsage as error:
        messages.error(request, str(error))
    return redirect("data_run", practice=practice.key, key=run.key)


@access(Permission.UPLOAD)
@require_POST
def stop(request: PageRequest, practice: Practice, key: str) -> HttpResponse:
    """Stop a run."""
    run = _run(practice, key)
    try:
        running.ask_to_stop(run=run, by=request.user, request=request)
    except WrongUsage as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The run stops within a few seconds. What it has finished stays for the next one.")
    return redirect("data_run", practice=practice.key, key=run.key)


@access(Permission.UPLOAD)
@require_GET
def problems_page(request: PageRequest, practice: Practice) -> HttpResponse:
    """What the published run found in its inputs, most serious first: where, what, and what to do."""
    run = Run.objects.newest_of(practice)
    rows = (
        DataProblem.objects.filter(run=run).order_by("severity", "file", "code", "row", "pk")
        if run
        else DataProblem.objects.none()
    )
    by_file = Counter(dict.fromkeys(rows.values_list("file", flat=True).distinct(), 1)) if run else Counter()
    by_file.pop("", None)  # what concerns no one file is under all of them
    file = request.GET.get("file", "")
    if file in by_file:
        rows = rows.filter(file=file)
    context = {"run": run, "page": paged(request, gathered(rows)), "files": sorted(by_file), "file": file}
    return render(request, "feeds/problems.html", context)


def _run(practice: Practice, key: str) -> FeedRun:
    """A run of the practice, its state as it is now."""
    running.settle(practice)
    run = FeedRun.objects.select_related("practice", "published").filter(practice=practice, key=key).first()
    if run is None:
        raise Http404
    return run


def _initial(kept: RunConfiguration | None) -> dict[str, object]:
    if kept is None:
        today = timezone.localdate()
        year = min(max(today.year, PERFORMANCE_YEARS[0]), PERFORMANCE_YEARS[-1])
        return {"year": year, "as_of_today": True, "projection": True}
    return {name: getattr(kept, name) for name in ConfigurationForm.base_fields}
