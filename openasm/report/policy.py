"""A whole cohort for analysts: who gains and loses, by group; and what changed rules would do, as in published impact tables.

    view = policy_view(run)                                       # as scored
    view = policy_view(run, changed=anew.changed, base=anew.base) # against another outcome of the same participants

Every amount is a sum, a mean or a count over participants of the run; means are of participants, not weighted. Payments are
compared within a cohort (42 CFR 512.750(b)), so each table is of one cohort.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from openasm.archive.projection import Histogram
from openasm.archive.run import Run
from openasm.archive.tables import RunTable
from openasm.report.cells import number
from openasm.report.cohort_view import score_histogram
from openasm.report.from_run import is_made_up, moment_day, rule_lines, value_text
from openasm.report.groups import Grouping, Key, Row, by_dual_share, by_size, by_specialty, by_state, key_of
from openasm.report.titles import COHORT_TITLES, specialty_title

GAIN, SAME, LOSS = "gain", "no change", "cut"
STANDINGS = (GAIN, SAME, LOSS)
PERCENTILES = (5, 25, 50, 75, 95)
POINT = 0.01  # width of the bars of factors: one percentage point
SMALL_GROUPS = "Groups of fewer than 11 are shown too: participants are clinicians whom CMS names in public, and nothing here is about a patient."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a participant gets: final score (None: none), factor as a fraction, dollars a year."""

    final_score: float | None
    factor: float
    dollars: float

    @property
    def standing(self) -> str:
        """`gain`, `cut` or `no change`."""
        return GAIN if self.factor > 0 else LOSS if self.factor < 0 else SAME


@dataclass(frozen=True, slots=True)
class Amounts:
    """A group's outcome. Shares of its participants; means over participants (score: those with one); dollars in all.

    percent_of_part_b: dollars as a fraction of the group's Part B payments, None where these are zero.
    """

    mean_score: float | None
    mean_factor: float
    share_gaining: float
    share_cut: float
    dollars: float
    percent_of_part_b: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """One row of an impact table. after, to_cut, to_gain: with changed rules; the latter count who moves there."""

    label: str
    participants: int
    part_b_paid: float
    before: Amounts
    after: Amounts | None
    to_cut: int
    to_gain: int


@dataclass(frozen=True, slots=True)
class ImpactTable:
    """One cohort by one kind of group; the first row is everybody."""

    cohort: str
    cohort_title: str
    kind: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Distribution:
    """How final scores above zero and factors of a cohort lie: histograms and percentiles (5, 25, 50, 75, 95)."""

    scores: Histogram
    factors: Histogram
    score_percentiles: tuple[float, ...]
    factor_percentiles: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CohortDistribution:
    """A cohort's distributions, and with changed rules the other one's."""

    cohort: str
    title: str
    before: Distribution
    after: Distribution | None


@dataclass(frozen=True, slots=True)
class Move:
    """How many of a cohort go from one standing to another, and their dollars a year before and after."""

    cohort: str
    before: str
    after: str
    participants: int
    dollars_before: float
    dollars_after: float


@dataclass(frozen=True, slots=True)
class Person:
    """One participant with its outcome, and with changed rules the other one."""

    cohort: str
    tin: str
    npi: str
    name: str
    organization: str
    state: str
    part_b_paid: float
    before: Outcome
    after: Outcome | None


@dataclass(frozen=True, slots=True)
class ChangedRule:
    """A rule value that was changed. used: whether scores rest on it."""

    name: str
    title: str
    unit: str
    before: str
    after: str
    citation: str
    used: bool


@dataclass(frozen=True, slots=True)
class PolicyView:
    """Everything an analyst's page, workbook or JSON shows. people: in the run's order."""

    run_name: str
    performance_year: int
    payment_year: int
    made: str
    program_version: str
    made_up: bool
    unconfirmed: tuple[str, ...]
    changed_rules: tuple[ChangedRule, ...]
    tables: tuple[ImpactTable, ...]
    distributions: tuple[CohortDistribution, ...]
    moves: tuple[Move, ...]
    people: tuple[Person, ...]
    notes: tuple[str, ...]

    @property
    def compared(self) -> bool:
        """Whether there is a second outcome to compare with."""
        return any(each.after for each in self.people)

    def table(self, cohort: str, kind: str) -> ImpactTable:
        """One impact table; KeyError when there is none."""
        for each in self.tables:
            if (each.cohort, each.kind) == (cohort, kind):
                return each
        raise KeyError(f"no table of {cohort} by {kind}")

    def movers(self, before: str, after: str) -> tuple[Person, ...]:
        """Who goes from one standing to another, by the largest difference in dollars."""
        found = [
            each
            for each in self.people
            if each.after and (each.before.standing, each.after.standing) == (before, after)
        ]
        return tuple(sorted(found, key=_largest_difference))

    def as_record(self) -> dict[str, Any]:
        """JSON-ready mapping."""
        return {"format": "openasm-policy", "format_version": 1, **asdict(self)}


def _largest_difference(person: Person) -> tuple[float, str, str, str]:
    assert person.after is not None
    return -abs(person.after.dollars - person.before.dollars), person.cohort, person.tin, person.npi


def policy_view(
    run: Run,
    *,
    base: RunTable | None = None,
    changed: RunTable | None = None,
    changed_rules: Iterable[Any] = (),
    specialties: Mapping[tuple[str, str], str] | None = None,
    notes: Sequence[str] = (),
) -> PolicyView:
    """A run's cohorts by group; with `changed`, beside what another outcome of the same participants would be.

    base, changed: tables like scores.csv; base is the run's own where it is left out. changed_rules: objects with name, title,
    unit, before, after, citation and used. specialties: codes by TIN and NPI.
    """
    scores = base or run.table("scores")
    rows = list(scores.rows())
    before = _outcomes(scores)
    after = _aligned(changed, rows) if changed is not None else None
    attributes = {key_of(row): row for row in run.table("inputs/participants").rows()}
    members = [attributes[key_of(row)] for row in rows]
    people = tuple(_people(rows, members, before, after))
    cohorts = list(dict.fromkeys(row["cohort"] for row in rows))
    places = {cohort: [place for place, row in enumerate(rows) if row["cohort"] == cohort] for cohort in cohorts}
    kinds = [by_size(), by_state(members), by_dual_share(members)]
    if specialties:
        kinds.append(by_specialty({key: specialty_title(code) for key, code in specialties.items()}))
    said = [*notes, SMALL_GROUPS]
    if not specialties:
        said.append(
            "Specialties are not known to this run: a run made from claims holds them, and --specialties FILE gives them."
        )
    return PolicyView(
        run_name=str(run.manifest.get("name", run.path.name)),
        performance_year=run.year,
        payment_year=run.payment_year,
        made=moment_day(str(run.manifest.get("ended", ""))),
        program_version=str(run.manifest.get("version", "")),
        made_up=is_made_up(run),
        unconfirmed=tuple(rule.name for rule in rule_lines(run) if not rule.confirmed),
        changed_rules=tuple(
            ChangedRule(
                each.name,
                each.title,
                each.unit,
                value_text(each.before),
                value_text(each.after),
                each.citation,
                each.used,
            )
            for each in changed_rules
        ),
        tables=tuple(
            ImpactTable(cohort, COHORT_TITLES[cohort], kind.kind, tuple(_groups(kind, members, people, places[cohort])))
            for cohort in cohorts
            for kind in kinds
        ),
        distributions=tuple(
            _distribution_pair(cohort, [people[place] for place in places[cohort]]) for cohort in cohorts
        ),
        moves=tuple(move for cohort in cohorts for move in _moves(cohort, people)) if after else (),
        people=people,
        notes=tuple(said),
    )


def _outcomes(table: RunTable) -> list[Outcome]:
    columns = (table.texts(name) for name in ("final_score", "payment_adjustment_factor", "payment_change_dollars"))
    return [
        Outcome(number(score), number(factor) or 0.0, number(dollars) or 0.0)
        for score, factor, dollars in zip(*columns, strict=True)
    ]


def _aligned(changed: RunTable, rows: Sequence[Row]) -> list[Outcome]:
    """The other outcome in the order of the first; ValueError when it is about other participants."""
    found: dict[Key, Outcome] = dict(zip((key_of(row) for row in changed.rows()), _outcomes(changed), strict=True))
    if found.keys() != {key_of(row) for row in rows}:
        raise ValueError("the two outcomes are about different participants")
    return [found[key_of(row)] for row in rows]


def _people(
    rows: Sequence[Row], members: Sequence[Row], before: Sequence[Outcome], after: Sequence[Outcome] | None
) -> Iterator[Person]:
    for place, (row, member) in enumerate(zip(rows, members, strict=True)):
        yield Person(
            cohort=row["cohort"],
            tin=row["tin"],
            npi=row["npi"],
            name=member.get("name", ""),
            organization=member.get("organization", ""),
            state=member.get("state", ""),
            part_b_paid=number(row["part_b_paid"]) or 0.0,
            before=before[place],
            after=after[place] if after else None,
        )


def _groups(kind: Grouping, members: Sequence[Row], people: Sequence[Person], places: Sequence[int]) -> Iterator[Group]:
    yield _group("All", [people[place] for place in places])
    for label, within in kind.split([members[place] for place in places]):
        yield _group(label, [people[places[place]] for place in within])


def _group(label: str, people: Sequence[Person]) -> Group:
    paid = math.fsum(each.part_b_paid for each in people)
    after = [each.after for each in people if each.after]
    moves = Counter((each.before.standing, each.after.standing) for each in people if each.after)
    return Group(
        label=label,
        participants=len(people),
        part_b_paid=paid,
        before=_amounts([each.before for each in people], paid),
        after=_amounts(after, paid) if after else None,
        to_cut=sum(count for (was, now), count in moves.items() if now == LOSS != was),
        to_gain=sum(count for (was, now), count in moves.items() if now == GAIN != was),
    )


def _amounts(outcomes: Sequence[Outcome], paid: float) -> Amounts:
    scores = [each.final_score for each in outcomes if each.final_score is not None]
    dollars = math.fsum(each.dollars for each in outcomes)
    return Amounts(
        mean_score=math.fsum(scores) / len(scores) if scores else None,
        mean_factor=math.fsum(each.factor for each in outcomes) / len(outcomes),
        share_gaining=sum(each.standing == GAIN for each in outcomes) / len(outcomes),
        share_cut=sum(each.standing == LOSS for each in outcomes) / len(outcomes),
        dollars=dollars,
        percent_of_part_b=dollars / paid if paid else None,
    )


def _distribution_pair(cohort: str, people: Sequence[Person]) -> CohortDistribution:
    before = [each.before for each in people]
    after = [each.after for each in people if each.after]
    most = max(abs(each.factor) for each in (*before, *after))
    bars = max(1, math.ceil(round(most / POINT, 9)))
    return CohortDistribution(
        cohort, COHORT_TITLES[cohort], _distribution(before, bars), _distribution(after, bars) if after else None
    )


def _distribution(outcomes: Sequence[Outcome], bars: int) -> Distribution:
    scores = sorted(each.final_score for each in outcomes if each.final_score is not None)
    factors = sorted(each.factor for each in outcomes)
    counts = [0] * (2 * bars)
    for value in factors:
        # the ninth digit keeps a factor that is a whole percentage point in the bar above it, whatever its last bit
        counts[min(2 * bars - 1, max(0, math.floor(round(value / POINT, 9)) + bars))] += 1
    edges = tuple(place / 100 for place in range(-bars, bars + 1))
    return Distribution(
        scores=score_histogram(value for value in scores if value > 0),
        factors=Histogram(edges, tuple(counts)),
        score_percentiles=tuple(percentile(scores, each) for each in PERCENTILES) if scores else (),
        factor_percentiles=tuple(percentile(factors, each) for each in PERCENTILES),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """A percentile of sorted values, linear between neighbours (Hyndman and Fan's type 7, as spreadsheets have it).

    >>> percentile([1.0, 2.0, 4.0], 75)
    3.0
    """
    place = (len(ordered) - 1) * percent / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _moves(cohort: str, people: Sequence[Person]) -> Iterator[Move]:
    for was in STANDINGS:
        for now in STANDINGS:
            found = [
                each
                for each in people
                if each.cohort == cohort and each.after and (each.before.standing, each.after.standing) == (was, now)
            ]
            yield Move(
                cohort,
                was,
                now,
                len(found),
                math.fsum(each.before.dollars for each in found),
                math.fsum(each.after.dollars for each in found if each.after),
            )
