"""The page Submission: prepare a package, see what was checked and left out, save it, record the receipt."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.attestations.answers import years
from openasm.app.attestations.models import Version
from openasm.app.audit.events import exported
from openasm.app.people.models import Practice
from openasm.app.published.models import Run
from openasm.app.submissions.actions import INPUT_FILES, prepare_package, record_receipt
from openasm.app.submissions.models import SubmissionPackage
from openasm.base.errors import InputRefused, NotFound, RuleUnpublished, WrongUsage
from openasm.base.problems import Problem
from openasm.base.years import submission_deadline
from openasm.submission.gathering import FILE_KINDS

MOST_BYTES = 20 << 20
_LEVELS = {
    "auto": "The only level there is",
    "individual": "Each clinician",
    "tin": "The practice as a whole (small practices)",
    "both": "Both",
}
_FILE_WORDS = {
    "qrda3": "QRDA III (eCQMs)",
    "qpp": "QPP JSON (quality, interoperability, activities)",
    "fhir": "FHIR MeasureReport",
}


class PackageForm(forms.Form):
    """What to prepare, with the practice's own files."""

    level = forms.ChoiceField(label="Quality is handed in for", choices=list(_LEVELS.items()))
    write = forms.MultipleChoiceField(
        label="Files",
        choices=[(kind, _FILE_WORDS[kind]) for kind in FILE_KINDS],
        widget=forms.CheckboxSelectMultiple,
        initial=list(FILE_KINDS),
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        for name in INPUT_FILES:
            self.fields[name.removesuffix(".csv")] = forms.FileField(
                label=name, required=name == "practice.csv", widget=forms.FileInput(attrs={"accept": ".csv"})
            )

    def clean(self) -> dict[str, Any]:
        """No file is larger than the form takes."""
        cleaned = super().clean() or {}
        for name in INPUT_FILES:
            file = cleaned.get(name.removesuffix(".csv"))
            if file is not None and file.size > MOST_BYTES:
                self.add_error(name.removesuffix(".csv"), f"Larger than {MOST_BYTES >> 20} MB.")
        return cleaned

    @property
    def uploads(self) -> dict[str, bytes]:
        """The files by name."""
        found = ((name, self.cleaned_data.get(name.removesuffix(".csv"))) for name in INPUT_FILES)
        return {name: file.read() for name, file in found if file is not None}


class ReceiptForm(forms.Form):
    """CMS's confirmation."""

    number = forms.CharField(label="Confirmation number", max_length=200)
    received = forms.DateField(
        label="Day CMS took it", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    note = forms.CharField(label="Note", max_length=500, required=False)


@access(Permission.DRAFT_ATTESTATIONS)
@require_http_methods(["GET", "POST"])
def submissions(request: PageRequest, practice: Practice) -> HttpResponse:
    """Packages so far, and the form for another one."""
    run = Run.objects.newest_of(practice)
    if run is not None and run.performance_year not in years():
        run = None
    form = PackageForm(request.POST or None, request.FILES or None)
    problems: tuple[Problem, ...] = ()
    if request.method == "POST" and run is not None and form.is_valid():
        try:
            package = prepare_package(
                form.uploads,
                practice=practice,
                run=run,
                level=form.cleaned_data["level"],
                write=tuple(form.cleaned_data["write"]),
                by=request.user,
                request=request,
            )
        except InputRefused as refused:
            problems = refused.problems
        except (NotFound, WrongUsage, RuleUnpublished) as wrong:
            form.add_error(None, str(wrong))
        else:
            messages.success(
                request, "The package is prepared and checked. Nothing was sent: hand it in at CMS's portal."
            )
            return redirect("submission", practice=practice.key, package=package.key)
    packages = SubmissionPackage.objects.filter(practice=practice).defer("sealed", "manifest")
    context = {
        "run": run,
        "form": form,
        "problems": problems,
        "packages": list(packages.prefetch_related("receipts")),
        "deadline": None if run is None else submission_deadline(run.performance_year),
        "signed": None if run is None else Version.objects.signed(practice, run.performance_year),
    }
    return render(request, "submissions/submissions.html", context)


def _package(practice: Practice, key: str) -> SubmissionPackage:
    found: SubmissionPackage | None = SubmissionPackage.objects.filter(practice=practice, key=key).first()
    if found is None:
        raise Http404
    found.practice = practice
    return found


@access(Permission.DRAFT_ATTESTATIONS)
@require_GET
def submission(request: PageRequest, practice: Practice, package: str) -> HttpResponse:
    """One package: files with hashes, what was left out and why, warnings, receipts."""
    found = _package(practice, package)
    deadline = submission_deadline(found.year)
    context = {
        "package": found,
        "files": found.manifest.get("files", []),
        "left_out": found.manifest.get("left_out", []),
        "warnings": found.manifest.get("problems", []),
        "unconfirmed": found.manifest.get("unconfirmed", []),
        "receipts": list(found.receipts.all()),
        "form": ReceiptForm(),
        "deadline": deadline,
        "days_left": (deadline - timezone.localdate()).days,
    }
    return render(request, "submissions/submission.html", context)


@access(Permission.DRAFT_ATTESTATIONS, confirm=True)
@require_GET
def submission_file(request: PageRequest, practice: Practice, package: str) -> HttpResponse:
    """The package as a zip."""
    found = _package(practice, package)
    exported(request, what=f"submission package {found.key}", rows=len(found.manifest.get("files", [])), form="zip")
    response = HttpResponse(found.content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="submission-{found.year}-{found.key}.zip"'
    return response


@access(Permission.DRAFT_ATTESTATIONS)
@require_POST
def receipt(request: PageRequest, practice: Practice, package: str) -> HttpResponse:
    """Record a receipt by hand."""
    found = _package(practice, package)
    form = ReceiptForm(request.POST)
    if form.is_valid():
        record_receipt(found, by=request.user, request=request, **form.cleaned_data)
        messages.success(request, "The receipt is kept.")
    else:
        messages.error(request, "Nothing was saved: number and day are needed.")
    return redirect("submission", practice=practice.key, package=found.key)
