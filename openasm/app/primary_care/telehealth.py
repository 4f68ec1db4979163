"""The page Telehealth: for whom the model waives limits on telehealth, in plain words with the citation, and the list to save."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.attestations.answers import rules_of
from openasm.app.audit.events import exported, patients_viewed
from openasm.app.look.exports import csv_response, xlsx_response
from openasm.app.look.tables import paged
from openasm.app.people.models import Practice
from openasm.app.primary_care.standing import beneficiaries_of, shown_run
from openasm.app.primary_care.views import rows_of
from openasm.app.published.models import ParticipantResult
from openasm.regulation.incentives import telehealth_limits_waived

LIMIT_WORDS = {
    "geographic": "Where the patient lives does not matter: the service need not begin in a rural or shortage area.",
    "originating_site": "The patient may be at home: the service need not begin in a clinic or hospital.",
}
HEADER = ("Beneficiary", "Cohorts", "NPIs", "Last seen here")


@access(Permission.SEE_PATIENTS, patients=True)
@require_GET
def telehealth(request: PageRequest, practice: Practice) -> HttpResponse:
    """The waived limits and the beneficiaries they are waived for."""
    run = shown_run(practice)
    if run is None:
        return render(request, "primary_care/no_run.html")
    rules = rules_of(run.performance_year)
    names = dict(ParticipantResult.objects.filter(practice=practice, run=run).values_list("npi", "name"))
    page = paged(request, beneficiaries_of(request.patients, run))
    rows = rows_of(list(page), names)
    if rows:
        patients_viewed(request, page="telehealth", count=len(rows))
    waived = rules["incentives.telehealth_waivers"]
    context = {
        "run": run,
        "page": page,
        "rows": rows,
        "limits": [LIMIT_WORDS.get(each, each.replace("_", " ")) for each in telehealth_limits_waived(rules)],
        "waived": waived,
    }
    return render(request, "primary_care/telehealth.html", context)


@access(Permission.EXPORT_PATIENTS, confirm=True, patients=True)
@require_GET
def telehealth_file(request: PageRequest, practice: Practice, form: str) -> HttpResponse:
    """The list as CSV or XLSX."""
    run = shown_run(practice)
    if run is None or form not in ("csv", "xlsx"):
        raise Http404
    rows = rows_of(beneficiaries_of(request.patients, run), {})
    cells = [
        (
            *(row.identifier, " ".join(row.person.cohorts), " ".join(row.person.npis)),
            "" if row.person.last_seen is None else row.person.last_seen.isoformat(),
        )
        for row in rows
    ]
    exported(request, what="telehealth", rows=len(cells), form=form)
    save = csv_response if form == "csv" else xlsx_response
    return save(f"telehealth {practice.name}", HEADER, cells)
