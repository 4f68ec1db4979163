"""What the newest run changed for a practice or one of its clinicians, against the run before of the same year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from openasm.app.people.models import Practice
from openasm.app.prepared import Given, Prepared
from openasm.app.published.models import ParticipantResult, PracticeResult, Run
from openasm.app.worklists.models import PublishedWorklist

MOST_MOVERS = 6


@dataclass(frozen=True, slots=True)
class Mover:
    """A participant whose payment or score moved; differences are now minus before, None where one of them is missing."""

    result: ParticipantResult
    cents: int | None
    points: float | None
    new: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """The newest run against the one before. cases: of the worklist; gone: participants who were there before and are not now."""

    before: Run
    cents: int | None
    movers: tuple[Mover, ...]
    gone: tuple[ParticipantResult, ...]
    cases_before: int | None
    cases_now: int | None
    closed: int
    left_out: int

    @property
    def nothing(self) -> bool:
        """Whether nothing that this page shows has changed."""
        return not (self.movers or self.gone or self.closed or self.left_out) and self.cases_before == self.cases_now


_BEFORE = Prepared[Run](
    lambda: Run.objects.filter(
        pk__in=PracticeResult.objects.filter(practice=Given("practice")).values("run"),
        pk__lt=Given("run"),
        performance_year=Given("year"),
    ).order_by("-pk")[:1]
)


def run_before(practice: Practice, run: Run) -> Run | None:
    """The practice's run of the same year that was published before."""
    return _BEFORE.first(practice=practice.pk, run=run.pk, year=run.performance_year)


def changes_between(
    now: Sequence[ParticipantResult],
    earlier: Sequence[ParticipantResult],
    *,
    before: Run,
    worklists: Mapping[int, PublishedWorklist],
    run: Run,
) -> Changes:
    """Compare two runs' participants. worklists: of both runs, by run; empty for somebody who sees a part of the practice."""
    was = {(each.npi, each.cohort): each for each in earlier}
    movers = sorted(
        (mover for mover in _movers(now, was) if mover.new or mover.cents or _moved(mover.points)),
        key=lambda each: (-abs(each.cents or 0), -abs(each.points or 0.0), each.result.name, each.result.pk),
    )
    still = {(each.npi, each.cohort) for each in now}
    sums = [sum(each.change_cents or 0 for each in some) for some in (now, earlier)]
    mine, theirs = worklists.get(run.pk), worklists.get(before.pk)
    return Changes(
        before=before,
        cents=sums[0] - sums[1],
        movers=tuple(movers[:MOST_MOVERS]),
        gone=tuple(each for key, each in was.items() if key not in still),
        cases_before=theirs.cases if theirs is not None else None,
        cases_now=mine.cases if mine is not None else None,
        closed=mine.closed if mine is not None else 0,
        left_out=mine.left_out if mine is not None else 0,
    )


def _movers(now: Iterable[ParticipantResult], was: Mapping[tuple[str, str], ParticipantResult]) -> Iterable[Mover]:
    for each in now:
        earlier = was.get((each.npi, each.cohort))
        if earlier is None:
            yield Mover(each, None, None, True)
            continue
        cents = points = None
        if each.change_cents is not None and earlier.change_cents is not None:
            cents = each.change_cents - earlier.change_cents
        if each.final_score is not None and earlier.final_score is not None:
            points = each.final_score - earlier.final_score
        yield Mover(each, cents, points, False)


def _moved(points: float | None) -> bool:
    """Whether a change shows with one decimal."""
    return points is not None and abs(points) >= 0.05
