"""The truth of a block: episodes, attribution and costs as the plan laid them down.

Windows are read off the plan (a chain is a window), not searched for in claims. What is left is bookkeeping over planned
things: cutting windows by their length, counting the planned visits of each clinician, adding up the planned costs by day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from openasm.claims.synthetic.bill import Bill
from openasm.claims.synthetic.codelists import CohortLists
from openasm.claims.synthetic.courses import CONFIRM, START, Courses
from openasm.claims.synthetic.people import People
from openasm.claims.synthetic.settings import Flags, Ints, Region, months_of
from openasm.claims.synthetic.templates import Catalogue

WHOLE_CLAIM = ("inpatient", "snf", "home_health", "hospice")

REASONS = (
    "",
    "no_birth_date",
    "under_age",
    "not_in_parts_a_and_b",
    "part_c",
    "death",
    "residence",
    "measure",
    "too_short",
)
"""Why an episode is not counted, in the order of the definition; `measure` stands for the workbook's own exclusions. That no
clinician holds it is no reason here: the practice keeps such an episode."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What the block must come to.

    Episodes by episode: beneficiary, cohort, tin, course, start, end; reason: place in REASONS; rule: which of the
    workbook's exclusions, or -1; cents: cost assigned. share_*: episode, pair, lines, all lines, attributed.
    cost_*: episode, category, setting, counted lines (claims where claims count whole), cents.
    """

    beneficiary: Ints
    cohort: Ints
    tin: Ints
    course: Ints
    start: Ints
    end: Ints
    reason: Ints
    rule: Ints
    cents: Ints
    share_episode: Ints
    share_pair: Ints
    share_lines: Ints
    share_all: Ints
    share_attributed: Flags
    cost_episode: Ints
    cost_category: Ints
    cost_setting: Ints
    cost_lines: Ints
    cost_cents: Ints


SETTINGS = ("professional", "dme", "outpatient", "inpatient", "snf", "home_health", "hospice", "drug")


def make_truth(
    region: Region, people: People, courses: Courses, bill: Bill, catalogue: Catalogue, billed_exclusions: Flags
) -> Truth:
    """Keep the books of the plan."""
    course, start, end = _episodes(region, courses)
    beneficiary, cohort, tin = courses.beneficiary[course], courses.cohort[course], courses.tin[course]
    shares = _shares(region, courses, course, start, end)
    reason, rule = _reasons(region, people, courses, beneficiary, cohort, start, end, billed_exclusions)
    short = np.array([lists.minimum_days for lists in region.lists.cohorts])[cohort] > end - start + 1
    reason = np.where((reason == 0) & short, REASONS.index("too_short"), reason)
    costs = _costs(beneficiary, cohort, start, end, bill, catalogue)
    cents = np.zeros(len(course), dtype=np.int64)
    np.add.at(cents, costs[0], costs[4])
    return Truth(beneficiary, cohort, tin, course, start, end, reason, rule, cents, *shares, *costs)


def _episodes(region: Region, courses: Courses) -> tuple[Ints, Ints, Ints]:
    """Course, first and last day of every episode: the plan's chains with their confirming line, cut by length."""
    segments = courses.visit_course * 64 + courses.visit_segment
    keys, place = np.unique(segments, return_inverse=True)
    first = np.full(len(keys), np.iinfo(np.int64).max, dtype=np.int64)
    last = np.full(len(keys), -1, dtype=np.int64)
    np.minimum.at(first, place, courses.visit_day)
    np.maximum.at(last, place, courses.visit_day)
    is_window = np.zeros((2, len(keys)), dtype=bool)
    is_window[0, place[courses.visit_kind == START]] = True
    is_window[1, place[courses.visit_kind == CONFIRM]] = True
    chosen = is_window[0] & is_window[1]
    course, first, last = keys[chosen] // 64, first[chosen], last[chosen]
    cohort = courses.cohort[course]
    window = np.array([lists.window_days for lists in region.lists.cohorts])[cohort]
    length = np.array([lists.episode_days for lists in region.lists.cohorts])[cohort]
    end = last + window - 1
    is_open = end > region.last_day
    closed_count = np.maximum(1, (end - first + 1) // length)
    open_count = np.maximum(0, region.last_day - first + 1) // length
    count = np.where(is_open, np.minimum(closed_count, open_count), closed_count)
    again = np.repeat(np.arange(len(course)), count)
    number = np.arange(len(again)) - np.repeat(np.cumsum(count) - count, count)
    start = first[again] + number * length[again]
    stop = start + length[again] - 1
    is_last = (number == closed_count[again] - 1) & ~is_open[again]
    return course[again], start, np.where(is_last, end[again], stop)


def _shares(
    region: Region, courses: Courses, course: Ints, start: Ints, end: Ints
) -> tuple[Ints, Ints, Ints, Ints, Flags]:
    """Each clinician's planned visits in each episode of the practice, and whether that attributes it."""
    span = 1 << 20
    order = np.lexsort((start, course))
    key = course[order] * span + start[order]
    found = np.searchsorted(key, courses.visit_course * span + courses.visit_day, side="right") - 1
    episode = order[np.maximum(found, 0)] if len(order) else np.zeros(0, dtype=np.int64)
    if not len(order):
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, empty, empty, np.zeros(0, dtype=bool)
    inside = (found >= 0) & (course[episode] == courses.visit_course) & (courses.visit_day <= end[episode])
    total = np.bincount(episode[inside], minlength=len(course))
    pair = courses.visit_pair()
    named = inside & (pair >= 0)
    many = int(pair.max(initial=0)) + 1
    keys, lines = np.unique(episode[named] * many + pair[named], return_counts=True)
    owner, who = keys // many, keys % many
    # Prior care: a visit of the clinician to the patient under the practice within the days before, the first day included.
    prior = np.sort((courses.visit_course * many + pair)[pair >= 0] * span + courses.visit_day[pair >= 0])
    base = (course[owner] * many + who) * span + start[owner]
    latest = prior[np.maximum(np.searchsorted(prior, base, side="right") - 1, 0)]
    cohort = courses.cohort[course[owner]]
    prior_days, above, below = (
        np.array([getattr(lists, name) for lists in region.lists.cohorts])[cohort]
        for name in ("prior_days", "share_denominator", "share_numerator")
    )
    has_prior = (latest <= base) & (latest >= base - prior_days)
    attributed = (above * lines >= below * total[owner]) & has_prior
    return owner, who, lines.astype(np.int64), total[owner], attributed


def _reasons(
    region: Region,
    people: People,
    courses: Courses,
    who: Ints,
    cohort: Ints,
    start: Ints,
    end: Ints,
    billed: Flags,
) -> tuple[Ints, Ints]:
    """First reason, in order, why each episode is not counted; and the planned exclusion where it is that."""
    lookback = np.array([lists.lookback_days for lists in region.lists.cohorts])[cohort]
    before, after = months_of(start - lookback), months_of(end)
    lapse = people.lapse[who]
    covered = (people.cover_from[who] <= before) & (people.cover_to[who] >= after)
    covered &= ~((lapse <= after) & (lapse + people.lapse_months[who] - 1 >= before) & (people.lapse_months[who] > 0))
    part_c = (people.part_c_from[who] <= after) & (people.part_c_to[who] >= before)
    death = people.death[who]
    rule = _planned_exclusion(region, courses, who, cohort, start, end, billed)
    tests = (
        ("no_birth_date", ~people.has_birth[who]),
        ("under_age", _under_age(region.lists.cohorts, cohort, people.birth[who], start)),
        ("not_in_parts_a_and_b", ~covered),
        ("part_c", part_c),
        ("death", (death >= start) & (death <= end)),
        ("residence", people.abroad[who]),
        ("measure", rule >= 0),
    )
    reason = np.zeros(len(who), dtype=np.int64)
    for name, holds in reversed(tests):
        reason = np.where(holds, REASONS.index(name), reason)
    return reason, np.where(reason == REASONS.index("measure"), rule, -1)


def _under_age(cohorts: tuple[CohortLists, CohortLists], cohort: Ints, birth: Ints, start: Ints) -> Flags:
    """Whether the person has not yet had the birthday of the minimum age on the first day."""
    minimum = np.array([lists.minimum_age for lists in cohorts])[cohort]
    under = np.zeros(len(birth), dtype=bool)
    for place in np.flatnonzero(start - birth < (minimum + 1) * 366):
        born = dt.date(1970, 1, 1) + dt.timedelta(days=int(birth[place]))
        day = dt.date(1970, 1, 1) + dt.timedelta(days=int(start[place]))
        age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
        under[place] = age < minimum[place]
    return under


def _planned_exclusion(
    region: Region, courses: Courses, who: Ints, cohort: Ints, start: Ints, end: Ints, billed: Flags
) -> Ints:
    """The first of the workbook's exclusions that a planned claim brings about for each episode, or -1."""
    many = len(courses.exclusion_rule)
    found = np.full(len(who), -1, dtype=np.int64)
    chosen = np.flatnonzero(billed) if many else np.zeros(0, dtype=np.int64)
    if not len(chosen) or not len(who):
        return found
    by_person: dict[tuple[int, int], list[int]] = {}
    for place in chosen.tolist():
        by_person.setdefault(
            (int(courses.exclusion_beneficiary[place]), int(courses.exclusion_cohort[place])), []
        ).append(int(place))
    wanted = np.isin(who * 2 + cohort, courses.exclusion_beneficiary * 2 + courses.exclusion_cohort)
    for episode in np.flatnonzero(wanted).tolist():
        hits = []
        for place in by_person.get((int(who[episode]), int(cohort[episode])), []):
            rule = region.lists.cohorts[int(cohort[episode])].exclusions[int(courses.exclusion_rule[place])]
            day, low, high = int(courses.exclusion_day[place]), int(start[episode]), int(end[episode])
            if rule.days_before is not None:
                low, high = low - rule.days_before, low - 1
            if low <= day <= high:
                hits.append(int(courses.exclusion_rule[place]))
        if hits:
            found[episode] = min(hits)
    return found


def _costs(
    who: Ints, cohort: Ints, start: Ints, end: Ints, bill: Bill, catalogue: Catalogue
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Assigned cents of each episode by category and setting, from the categories the plan gave its templates."""
    span = 1 << 20
    setting_of = np.array([SETTINGS.index(template.setting) for template in catalogue.templates])
    parts: list[tuple[Ints, Ints]] = []
    for number in range(2):
        mine = np.flatnonzero(cohort == number)
        lines = np.flatnonzero(catalogue.category[number][bill.template] >= 0)
        key = bill.beneficiary[lines] * span + bill.from_day[lines]
        order = np.argsort(key, kind="stable")
        key, lines = key[order], lines[order]
        low = np.searchsorted(key, who[mine] * span + start[mine])
        high = np.searchsorted(key, who[mine] * span + end[mine], side="right")
        count = high - low
        episode = np.repeat(mine, count)
        place = np.arange(len(episode)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
        parts.append((episode, lines[place]))
    episode, line = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    category = np.where(
        cohort[episode] == 0, catalogue.category[0][bill.template[line]], catalogue.category[1][bill.template[line]]
    )
    setting = setting_of[bill.template[line]]
    whole = np.isin(setting, [SETTINGS.index(name) for name in WHOLE_CLAIM])
    counted = np.where(whole & (bill.line[line] > 1), 0, 1)  # a claim that counts whole is one
    keys, place = np.unique((episode * 4096 + category) * 8 + setting, return_inverse=True)
    cents = np.zeros(len(keys), dtype=np.int64)
    np.add.at(cents, place, bill.allowed[line])
    many = np.zeros(len(keys), dtype=np.int64)
    np.add.at(many, place, counted)
    return keys // 8 // 4096, keys // 8 % 4096, keys % 8, many, cents
