"""The page *Compare*: two published runs of a practice, clinician by clinician, and one clinician's change in its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.audit.events import exported
from openasm.app.comparisons.changes import (
    Change,
    changes_of,
    comparison_between,
    practice_causes,
    told_by,
)
from openasm.app.comparisons.measure_changes import measure_changes
from openasm.app.comparisons.splits import PAYMENT_CAUSES, CauseChange
from openasm.app.look import charts
from openasm.app.look.exports import csv_response, xlsx_response
from openasm.app.look.tables import paged
from openasm.app.look.templatetags.look import signed_dollars
from openasm.app.people.models import Practice
from openasm.app.published.models import PracticeResult, Run

HEADER = (
    *(
        "npi",
        "name",
        "cohort",
        "final_score_before",
        "final_score_after",
        "payment_change_before",
        "payment_change_after",
    ),
    *("quality", "cost", "improvement", "interoperability", "complex_patients", "small_practice", "limits"),
    *("dollars_own_score", "dollars_payment_scaling", "dollars_part_b"),
)
_PARTS = HEADER[7:14]


@dataclass(frozen=True, slots=True)
class Pair:
    """The two runs compared, and those there are to choose from (newest first)."""

    earlier: Run
    later: Run
    runs: tuple[Run, ...]


@access(Permission.SEE_SCORES)
@require_GET
def compare_page(request: PageRequest, practice: Practice) -> HttpResponse:
    """What changed between two runs, for the practice and each clinician."""
    runs = _runs(practice)
    pair = _pair(request, runs)
    if pair is None:
        return render(request, "comparisons/one_run.html", {"runs": runs})
    changes = changes_of(practice, pair.earlier, pair.later)
    causes = practice_causes(changes)
    comparison = comparison_between(pair.earlier, pair.later)
    context: dict[str, Any] = {
        **_frame(pair),
        "changes": changes,
        "page": paged(request, changes),
        "clinician_page": reverse("compare_clinician", kwargs={"practice": practice.key, "npi": "0"}),
        "dollars": sum(each.dollars for each in changes),
        "rising": sum(each.dollars > 0 for each in changes),
        "falling": sum(each.dollars < 0 for each in changes),
        "came": sum(each.before is None for each in changes),
        "left": sum(each.after is None for each in changes),
        "causes": causes,
        "cause_chart": _chart(causes, "Change of the practice's payment by cause; the table below holds the numbers"),
        "comparison": comparison,
        "told": told_by(comparison, practice),
    }
    return render(request, "comparisons/compare.html", context)


@access(Permission.SEE_SCORES)
@require_GET
def compare_clinician_page(request: PageRequest, practice: Practice, npi: str) -> HttpResponse:
    """One clinician's change, part by part."""
    pair = _pair(request, _runs(practice))
    if pair is None:
        raise Http404
    changes = changes_of(practice, pair.earlier, pair.later, npi=npi)
    asked = request.GET.get("cohort", "")
    change = next((each for each in changes if each.cohort == asked), changes[0] if changes else None)
    if change is None:
        raise Http404
    comparison = comparison_between(pair.earlier, pair.later)
    context = {
        **_frame(pair),
        "change": change,
        "changes": changes,
        "waterfall": _waterfall(change),
        "payment_chart": _chart(change.payment, "Change of the payment by cause; the table below holds the numbers"),
        "measures": measure_changes(practice, (pair.earlier, pair.later), npi=npi, cohort=change.cohort),
        "comparison": comparison,
        "told": told_by(comparison, practice, npi=npi).get((npi, change.cohort)),
    }
    return render(request, "comparisons/clinician.html", context)


@access(Permission.SEE_SCORES, confirm=True)
@require_GET
def compare_file(request: PageRequest, practice: Practice, form: str) -> HttpResponse:
    """Every clinician's change with its parts, as CSV or XLSX."""
    pair = _pair(request, _runs(practice))
    if pair is None or form not in ("csv", "xlsx"):
        raise Http404
    rows = [_row(each) for each in changes_of(practice, pair.earlier, pair.later)]
    exported(request, what="comparison", rows=len(rows), form=form)
    make = csv_response if form == "csv" else xlsx_response
    return make(f"comparison {practice.name} {pair.later.performance_year}", HEADER, rows)


def _runs(practice: Practice) -> tuple[Run, ...]:
    """The published runs that have results of a practice, newest first."""
    found = PracticeResult.objects.filter(practice=practice).select_related("run").order_by("-run_id")
    return tuple(each.run for each in found)


def _pair(request: PageRequest, runs: Sequence[Run]) -> Pair | None:
    """The runs asked for (`?first=KEY&second=KEY`), else the newest against the one before it of its year; None of fewer than two."""
    if len(runs) < 2:
        return None
    by_key = {run.key: run for run in runs}
    later = by_key.get(request.GET.get("second", ""), runs[0])
    others = [run for run in runs if run.pk != later.pk]
    before = [run for run in others if run.pk < later.pk] or others
    same_year = [run for run in before if run.performance_year == later.performance_year]
    earlier = by_key.get(request.GET.get("first", ""))
    if earlier is None or earlier.pk == later.pk:
        earlier = (same_year or before)[0]
    return Pair(earlier, later, tuple(runs))


def _frame(pair: Pair) -> dict[str, Any]:
    return {
        "earlier": pair.earlier,
        "later": pair.later,
        "runs": pair.runs,
        "query": f"first={pair.earlier.key}&second={pair.later.key}",
    }


def _chart(causes: Sequence[CauseChange], title: str) -> SafeString:
    return charts.bars(
        [
            charts.Bar(
                each.title.partition(":")[0],
                each.shown,
                signed_dollars(each.shown),
                "good" if each.shown > 0 else "bad",
            )
            for each in causes
        ],
        title=title,
    )


def _waterfall(change: Change) -> SafeString:
    """From the earlier final score over the parts that moved to the later one."""
    if not change.parts or change.before is None or change.after is None:
        return SafeString("")
    return charts.waterfall(
        [
            charts.Step("Before", change.before.final_score or 0.0, total=True),
            *(charts.Step(part.title, part.shown) for part in change.parts if part.shown),
            charts.Step("After", change.after.final_score or 0.0, total=True),
        ],
        title="From the earlier to the later final score; the table below holds the numbers",
    )


def _row(each: Change) -> tuple[str | float | None, ...]:
    before, after = each.before, each.after
    parts = {part.key: part.after - part.before for part in each.parts}
    return (
        *(each.npi, each.name, each.cohort),
        *(side.final_score if side is not None else None for side in (before, after)),
        *(
            side.change_cents / 100 if side is not None and side.change_cents is not None else None
            for side in (before, after)
        ),
        *((parts.get(key, 0.0) for key in _PARTS) if parts else (None for _ in _PARTS)),
        *(each.payment_dollars.get(cause) for cause in PAYMENT_CAUSES),
    )
