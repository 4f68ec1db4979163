"""Courses of care: the visits of one beneficiary to one practice for one cohort's condition.

The planner does not search for windows; it chooses them. A course is a row of *segments*. A *chain* is a window: it starts
with a trigger, has its confirming line 1 to `confirm_days` later, and every further line comes at most `window_days - 1` days
after the one before, so that the window is [first line, last line + window_days - 1]. A *lonely* line is a trigger after which
the practice bills nothing for more than `confirm_days`; a *stray* line is one that can only confirm. Segments are set apart by
the distance that makes them so (working definition of episode construction, section 2).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from openasm.claims.synthetic.codelists import CohortLists
from openasm.claims.synthetic.people import People
from openasm.claims.synthetic.practices import Practices
from openasm.claims.synthetic.settings import Flags, Ints, Region, day_number

START, CONFIRM, MORE, LONELY, STRAY = range(5)
"""What a line is in its segment: opens a chain, confirms it, keeps it open, a trigger alone, a confirming line alone."""

SLOTS = (26, 34)
"""Most lines laid out for a course of either cohort."""

_GAP = ((38.0, 52.0), (13.0, 17.0))  # mean days to the confirming line and between later lines, by cohort
_CHAIN_END = (0.06, 0.14)  # chance after each line that the chain is over
TEAM = 4


@dataclass(frozen=True, slots=True)
class Courses:
    """Courses by course, visits by visit; every visit is one qualifying line.

    team (n, TEAM): pairs of the practice that see the patient. visit_course; visit_segment: number of the segment within
    the course; visit_day; visit_kind: START to STRAY; visit_member: place in the team, -1 for a line without NPI;
    visit_second: a second line of the same day. exclusion_*: planned claims that exclude: beneficiary, cohort, rule, day.
    """

    beneficiary: Ints
    cohort: Ints
    tin: Ints
    team: Ints
    visit_course: Ints
    visit_segment: Ints
    visit_day: Ints
    visit_kind: Ints
    visit_member: Ints
    visit_second: Flags
    exclusion_beneficiary: Ints
    exclusion_cohort: Ints
    exclusion_rule: Ints
    exclusion_day: Ints

    def visit_pair(self) -> Ints:
        """The pair that billed each visit; -1 where the line names no clinician."""
        pair = self.team[self.visit_course, np.maximum(self.visit_member, 0)]
        return np.where(self.visit_member < 0, -1, pair)


def make_courses(region: Region, practices: Practices, people: People, block: int, reserved: int) -> Courses:
    """Random courses of a block's people; the first `reserved` people are left to the planned edges."""
    parts = [
        _cohort_courses(region, practices, people, region.generator(2, block, cohort), cohort, reserved)
        for cohort in range(2)
    ]
    return join_courses(parts)


def join_courses(parts: list[Courses]) -> Courses:
    """Several sets of courses as one; course numbers of the visits are moved along."""
    shifts = np.cumsum([0] + [len(part.beneficiary) for part in parts])
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in Courses.__dataclass_fields__
        if name != "visit_course"
    }
    course = np.concatenate([part.visit_course + shift for part, shift in zip(parts, shifts, strict=False)])
    return Courses(visit_course=course, **joined)


def _cohort_courses(
    region: Region, practices: Practices, people: People, rng: np.random.Generator, cohort: int, reserved: int
) -> Courses:
    knobs, lists = region.realism, region.lists.cohorts[cohort]
    share = (knobs.heart_failure, knobs.low_back_pain)[cohort]
    has = rng.random(len(people)) < np.minimum(0.9, share * np.sqrt(people.frailty))
    has[:reserved] = False
    has &= people.care_to >= people.care_from
    sick = np.flatnonzero(has)
    draw = rng.random(len(sick))
    extra = (draw < knobs.second_practice).astype(np.int64) + (draw < knobs.third_practice)
    beneficiary = np.repeat(sick, 1 + extra)
    pair = np.empty(len(beneficiary), dtype=np.int64)
    for place, pairs in enumerate(practices.home_pairs[cohort]):
        here = people.place[beneficiary] == place
        pair[here] = pairs[rng.integers(0, len(pairs), int(here.sum()))]
    # One course a beneficiary and practice: a second one would make one window with the first.
    key = beneficiary * practices.tins + practices.pair_tin[pair]
    once = np.sort(np.unique(key, return_index=True)[1])
    beneficiary, pair = beneficiary[once], pair[once]
    tin = practices.pair_tin[pair]
    days, kinds, segments = _lay_out(region, lists, cohort, people, beneficiary, rng)
    keep = days <= people.care_to[beneficiary][:, None]
    course, slot = np.nonzero(keep)
    day, kind, segment = days[course, slot], kinds[course, slot], segments[course, slot]
    twin = np.flatnonzero(rng.random(len(day)) < knobs.same_day_pair)
    order = np.argsort(np.concatenate([np.arange(len(day)), twin]), kind="stable")
    second = np.concatenate([np.zeros(len(day), dtype=bool), np.ones(len(twin), dtype=bool)])[order]
    course, day, kind, segment = (
        np.concatenate([column, column[twin]])[order] for column in (course, day, kind, segment)
    )
    member = _members(len(course), knobs.no_npi, rng)
    last_summer = day_number(dt.date(region.last_year, 7, 1))
    member[(tin[course] == practices.faulty_tin) & (day >= last_summer)] = -1
    planned = _exclusions(region, lists, people, beneficiary, course, day, kind, rng)
    return Courses(
        beneficiary=beneficiary,
        cohort=np.full(len(beneficiary), cohort, dtype=np.int64),
        tin=tin,
        team=_team(practices, pair, rng),
        visit_course=course,
        visit_segment=segment,
        visit_day=day,
        visit_kind=kind,
        visit_member=member,
        visit_second=second,
        exclusion_beneficiary=planned[0],
        exclusion_cohort=np.full(len(planned[0]), cohort, dtype=np.int64),
        exclusion_rule=planned[1],
        exclusion_day=planned[2],
    )


def _team(practices: Practices, pair: Ints, rng: np.random.Generator) -> Ints:
    """The patient's own clinician and up to three others of the same practice (the same again in a small one)."""
    tin = practices.pair_tin[pair]
    team = np.empty((len(pair), TEAM), dtype=np.int64)
    team[:, 0] = pair
    for place in range(1, TEAM):
        team[:, place] = practices.tin_start[tin] + rng.integers(0, practices.tin_size[tin])
    return team


def _members(count: int, no_npi: float, rng: np.random.Generator) -> Ints:
    """Who of the team bills each visit: mostly the own clinician, sometimes nobody named."""
    draw = rng.random(count)
    member = np.searchsorted(np.array([0.70, 0.86, 0.95]), draw).astype(np.int64)
    member[rng.random(count) < no_npi] = -1
    return member


def _lay_out(
    region: Region, lists: CohortLists, cohort: int, people: People, beneficiary: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Day, kind and segment of every slot of every course, shape (courses, slots); days may lie beyond the data."""
    count, slots, edge = len(beneficiary), SLOTS[cohort], region.realism.edge_gap
    to_confirm, between = _GAP[cohort]
    days, kinds, segments = (np.empty((count, slots), dtype=np.int64) for _ in range(3))
    room = np.maximum(1, people.care_to[beneficiary] - people.care_from[beneficiary] + 1)
    day = people.care_from[beneficiary] + (room * rng.random(count) ** 1.6 * 0.9).astype(np.int64)
    segment = np.zeros(count, dtype=np.int64)
    kind = _opening(lists, count, region.realism.lonely_visit, rng)
    for slot in range(slots):
        if slot:
            is_chain = (kind == CONFIRM) | (kind == MORE)
            over = (kind == LONELY) | (kind == STRAY) | (is_chain & (rng.random(count) < _CHAIN_END[cohort]))
            apart = np.where(
                kind == STRAY,
                1 + _exponential(rng, 20.0, count),
                np.where(kind == LONELY, lists.confirm_days + 1, lists.window_days)
                + np.where(rng.random(count) < 0.4, rng.integers(0, 2, count), _exponential(rng, 70.0, count)),
            )
            confirm = _within(rng, lists.confirm_days, to_confirm, edge, count)
            more = _within(rng, lists.window_days - 1, between, edge, count)
            day = day + np.where(over, apart, np.where(kind == START, confirm, more))
            segment = segment + over
            kind = np.where(
                over, _opening(lists, count, region.realism.lonely_visit, rng), np.where(kind == START, CONFIRM, MORE)
            )
        days[:, slot], kinds[:, slot], segments[:, slot] = day, kind, segment
    return days, kinds, segments


def _opening(lists: CohortLists, count: int, lonely: float, rng: np.random.Generator) -> Ints:
    """What the first line of each segment is."""
    draw, stray = rng.random(count), 0.03 if lists.confirm_only() else 0.0
    return np.where(draw < lonely, LONELY, np.where(draw < lonely + stray, STRAY, START)).astype(np.int64)


def _exponential(rng: np.random.Generator, mean: float, count: int) -> Ints:
    return rng.exponential(mean, count).astype(np.int64)


def _within(rng: np.random.Generator, limit: int, mean: float, edge: float, count: int) -> Ints:
    """Gaps of 1 to `limit` days, a share of them exactly on the limit and as many exactly one day."""
    gap = np.minimum(limit, 1 + _exponential(rng, mean, count))
    draw = rng.random(count)
    return np.where(draw < edge, limit, np.where(draw < 1.5 * edge, 1, gap)).astype(np.int64)


def _exclusions(
    region: Region,
    lists: CohortLists,
    people: People,
    beneficiary: Ints,
    course: Ints,
    day: Ints,
    kind: Ints,
    rng: np.random.Generator,
) -> tuple[Ints, Ints, Ints]:
    """Beneficiary, rule and day of the claims that exclude: before a chain or within it, as the rule's timing asks."""
    starts = np.flatnonzero(kind == START)
    chosen = starts[rng.random(len(starts)) < region.realism.excluded]
    if not lists.exclusions or not len(chosen):
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, empty
    rule = rng.integers(0, len(lists.exclusions), len(chosen))
    before = np.array([entry.days_before or 0 for entry in lists.exclusions], dtype=np.int64)[rule]
    shift = np.where(
        before > 0, -rng.integers(1, np.maximum(2, before + 40)), rng.integers(0, lists.window_days, len(chosen))
    )
    who, when = beneficiary[course[chosen]], day[chosen] + shift
    inside = (when >= people.care_from[who]) & (when <= people.care_to[who])
    return who[inside], rule[inside], when[inside]
