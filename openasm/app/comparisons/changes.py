"""Two published runs of a practice side by side: each participant's change of score and payment, taken apart where it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from openasm.app.comparisons.models import ParticipantCauses, RunComparison
from openasm.app.comparisons.splits import (
    PAYMENT_CAUSES,
    PAYMENT_TITLES,
    CauseChange,
    PartChange,
    Side,
    payment_causes,
    score_changes,
    shown_dollars,
    shown_tenths,
    whole_dollars,
)
from openasm.app.people.models import Practice
from openasm.app.published.models import CohortResult, ParticipantResult, Run
from openasm.app.published.run_tables import rule_folders
from openasm.archive.comparison import PART_TITLES, ParticipantChange, Split, rounded_parts
from openasm.archive.records import typed_record
from openasm.base.errors import RuleUnpublished
from openasm.projection.project import rules_of

Sides = Mapping[tuple[int, str], Side]  # by run and cohort


@dataclass(frozen=True, slots=True)
class Change:
    """One participant in both runs (None: not in that one), with the parts of its changes.

    score_tenths: change of the final score as shown, None where a run has none; dollars: change of the payment as shown;
    payment: its causes, empty where the published numbers do not add up to the published payment.
    """

    npi: str
    cohort: str
    name: str
    before: ParticipantResult | None
    after: ParticipantResult | None
    score_tenths: int | None
    dollars: int
    payment_dollars: Mapping[str, float] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[PartChange, ...]:
        """The change of the final score by part, worked out when asked for; none where a run has no final score."""
        return () if self.before is None or self.after is None else score_changes(self.before, self.after)

    @property
    def score_change(self) -> float | None:
        """Points of final score as shown."""
        return None if self.score_tenths is None else self.score_tenths / 10

    @property
    def cents(self) -> tuple[int | None, int | None]:
        """Payment change before and after, in cents; None where the run does not have the participant."""
        before, after = self.before, self.after
        return None if before is None else before.change_cents, None if after is None else after.change_cents

    @property
    def part_b_cents(self) -> tuple[int | None, int | None]:
        """Part B payments before and after, in cents."""
        before, after = self.before, self.after
        return None if before is None else before.part_b_cents, None if after is None else after.part_b_cents

    @property
    def largest(self) -> PartChange | None:
        """The part that moved the final score most; None where none did."""
        moved = [part for part in self.parts if part.shown]
        return max(moved, key=lambda part: abs(part.shown), default=None)

    @property
    def payment(self) -> tuple[CauseChange, ...]:
        """Causes of the change of the payment, in whole dollars that add up."""
        return shown_dollars(self.payment_dollars, self.dollars, PAYMENT_TITLES) if self.payment_dollars else ()


@dataclass(frozen=True, slots=True)
class ToldSplit:
    """A split of `openasm compare` as texts' numbers: before, after, change and causes, in tenths of a point or whole dollars."""

    causes: tuple[CauseChange, ...]
    change: float
    together: float | None


@dataclass(frozen=True, slots=True)
class Told:
    """What a published comparison tells of one participant. own_rows_changed: whether its own data differ at all."""

    score: ToldSplit | None
    dollars: ToldSplit
    own_rows_changed: bool


def changes_of(practice: Practice, earlier: Run, later: Run, *, npi: str = "") -> tuple[Change, ...]:
    """Every participant of the practice in either run, the largest change of the payment first. npi: only this clinician."""
    rows = ParticipantResult.objects.filter(practice=practice, run__in=(earlier, later))
    results: dict[tuple[str, str], dict[int, ParticipantResult]] = {}
    for each in (rows.filter(npi=npi) if npi else rows).order_by("name", "pk"):
        results.setdefault((each.npi, each.cohort), {})[each.run_id] = each
    causes = _causes(results, (earlier, later))
    found = [_change(key, pair.get(earlier.pk), pair.get(later.pk), causes.get(key)) for key, pair in results.items()]
    return tuple(sorted(found, key=lambda each: (-abs(each.dollars), each.name, each.npi, each.cohort)))


def practice_causes(changes: Sequence[Change]) -> tuple[CauseChange, ...]:
    """The change of the practice's payment by cause, in whole dollars that add up to the sum of its clinicians' changes."""
    sums = dict.fromkeys(PAYMENT_CAUSES, 0.0)
    more = {"came": 0.0, "left": 0.0, "unknown": 0.0}
    for each in changes:
        if each.before is None:
            more["came"] += each.dollars
        elif each.after is None:
            more["left"] += each.dollars
        elif each.payment_dollars:
            for cause, amount in each.payment_dollars.items():
                sums[cause] += amount
        else:
            more["unknown"] += each.dollars
    titles = {
        **PAYMENT_TITLES,
        "came": "Only in the later run",
        "left": "Only in the earlier run",
        "unknown": "Not taken apart: the numbers kept of these runs do not give the payments",
    }
    shown = sums | {key: value for key, value in more.items() if value}
    return shown_dollars(shown, sum(each.dollars for each in changes), titles)


def sides_of(runs: Sequence[Run]) -> Sides:
    """What payments rest on in these runs, by cohort; without an entry where a run was published without its rule values."""
    folders = rule_folders(runs)
    found: dict[tuple[int, str], Side] = {}
    rules = {}
    for run, folder in folders.items():
        try:
            rules[run] = rules_of(folder)
        except RuleUnpublished:
            continue  # a year that this version of the program has no values for
    for each in CohortResult.objects.filter(run__in=list(runs)):
        if each.run_id in rules:
            found[each.run_id, each.cohort] = Side(rules[each.run_id], each.document)
    return found


def comparison_between(earlier: Run, later: Run) -> RunComparison | None:
    """The comparison that was published about two runs."""
    return RunComparison.objects.filter(earlier=earlier, later=later).first()


def told_by(comparison: RunComparison | None, practice: Practice, *, npi: str = "") -> dict[tuple[str, str], Told]:
    """What a comparison tells of the practice's participants, by NPI and cohort."""
    rows = ParticipantCauses.objects.filter(comparison=comparison, practice=practice)
    found = {}
    for each in rows.filter(npi=npi) if npi else rows:
        change = typed_record(ParticipantChange, each.document)
        score = None if change.final_score is None else _told(change.final_score, places=1)
        found[each.npi, each.cohort] = Told(score, _told(change.dollars, places=0), change.own_rows_changed)
    return found


def _told(split: Split, *, places: int) -> ToldSplit:
    scale = 10**places
    _, _, change, parts = rounded_parts(split, places=places)
    causes = tuple(CauseChange(PART_TITLES[name], amount / scale) for name, amount in parts.items())
    return ToldSplit(causes, change / scale, split.together)


def _causes(
    results: Mapping[tuple[str, str], Mapping[int, ParticipantResult]], runs: tuple[Run, Run]
) -> dict[tuple[str, str], Mapping[str, float] | None]:
    """The causes of each payment change, by NPI and cohort; a cohort's participants are worked out together."""
    sides = sides_of(runs)
    earlier, later = (run.pk for run in runs)
    of_cohort: dict[str, list[tuple[str, str]]] = {}
    for key, pair in results.items():
        if earlier in pair and later in pair:
            of_cohort.setdefault(key[1], []).append(key)
    found: dict[tuple[str, str], Mapping[str, float] | None] = {}
    for cohort, keys in of_cohort.items():
        first, second = sides.get((earlier, cohort)), sides.get((later, cohort))
        if first is not None and second is not None:
            pairs = [(results[key][earlier], results[key][later]) for key in keys]
            found.update(zip(keys, payment_causes(pairs, (first, second)), strict=True))
    return found


def _change(
    key: tuple[str, str],
    before: ParticipantResult | None,
    after: ParticipantResult | None,
    causes: Mapping[str, float] | None,
) -> Change:
    npi, cohort = key
    name = next((each.name for each in (after, before) if each is not None and each.name), "")
    dollars = _dollars(after) - _dollars(before)
    if before is None or after is None:
        return Change(npi, cohort, name, before, after, None, dollars)
    tenths = None
    if before.final_score is not None and after.final_score is not None:
        tenths = shown_tenths(after.final_score) - shown_tenths(before.final_score)
    return Change(npi, cohort, name, before, after, tenths, dollars, causes or {})


def _dollars(result: ParticipantResult | None) -> int:
    return whole_dollars(result.change_cents or 0) if result is not None else 0
