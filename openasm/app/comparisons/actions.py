"""Publishing a comparison: the JSON that `openasm compare FIRST SECOND --json` printed, for two runs that are published."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from django.db import transaction

from openasm.app.audit.events import Kind, record
from openasm.app.comparisons.models import ParticipantCauses, RunComparison
from openasm.app.people.models import Practice, User
from openasm.app.published.models import Run
from openasm.archive.comparison import Comparison, RunNamed, comparison_from_record
from openasm.base.errors import InputRefused
from openasm.base.problems import Problem, declare

NOT_PUBLISHED = declare(
    "A040",
    "a comparison is about a run that is not published here",
    expected="a comparison of two runs that were both published, as they were published",
    next_step="Publish both runs first, then the comparison.",
)
UNREADABLE = declare(
    "A041",
    "the comparison is not a JSON document",
    expected="what `openasm compare FIRST SECOND --json` printed",
    next_step="Make it again: openasm compare FIRST SECOND --json > comparison.json",
)


def publish_comparison(path: Path, *, by: User | None) -> int:
    """Keep a comparison beside its two runs; one that was kept before is replaced. Returns how many participants it explains.

    Raises InputRefused when the file is no comparison (A041, X003) or a run of it is not published here (A040).
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputRefused([Problem(UNREADABLE, path.name)]) from None
    comparison = comparison_from_record(document, file=path.name)
    named = (("first", comparison.first), ("second", comparison.second))
    runs = {which: _published(each) for which, each in named}
    missing = [
        Problem(NOT_PUBLISHED, path.name, column=which, found=f"{each.name}, {each.year}, ended {each.ended}")
        for which, each in named
        if runs[which] is None
    ]
    if missing:
        raise InputRefused(missing)
    first, second = runs["first"], runs["second"]
    assert first is not None
    assert second is not None
    practices = dict(
        Practice.objects.filter(tin__in={each.tin for each in comparison.participants}).values_list("tin", "id")
    )
    with transaction.atomic():
        RunComparison.objects.filter(earlier=first, later=second).delete()
        kept = RunComparison.objects.create(earlier=first, later=second, document=_of_runs(comparison))
        rows = _rows(kept, comparison, practices)
        ParticipantCauses.objects.bulk_create(rows, batch_size=1_000)
        details = {"comparison": True, "run": second.key, "earlier": first.key, "participants": len(rows)}
        record(Kind.PUBLISHED, who=by, details=details)
    return len(rows)


def _published(named: RunNamed) -> Run | None:
    """The published run that a comparison names; the newest of several alike."""
    try:
        ended = dt.datetime.fromisoformat(named.ended)
    except ValueError:
        return None
    return (
        Run.objects.filter(performance_year=named.year, program_version=named.version, made_at=ended)
        .order_by("-id")
        .first()
    )


def _of_runs(comparison: Comparison) -> dict[str, object]:
    return {
        "rules": [asdict(each) for each in comparison.rules],
        "inputs": [asdict(each) for each in comparison.inputs],
        "notes": list(comparison.notes),
        "not_taken_apart": comparison.not_taken_apart,
    }


def _rows(kept: RunComparison, comparison: Comparison, practices: Mapping[str, int]) -> list[ParticipantCauses]:
    """A row for each participant whose practice is known here."""
    return [
        ParticipantCauses(
            comparison=kept, practice_id=practices[each.tin], npi=each.npi, cohort=each.cohort, document=asdict(each)
        )
        for each in comparison.participants
        if each.tin in practices
    ]
