"""Planned edges: people whose courses sit exactly on, one day inside and one day outside every limit of the definition.

They are the first beneficiaries of every region with room for them, on any seed. A script says what its lines are; the truth
follows from the same bookkeeping as for everybody else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from openasm.claims.synthetic.codelists import CohortLists
from openasm.claims.synthetic.courses import CONFIRM, LONELY, MORE, START, STRAY, TEAM, Courses
from openasm.claims.synthetic.people import NEVER, People
from openasm.claims.synthetic.practices import EDGE_COUNTS, Practices
from openasm.claims.synthetic.settings import Ints, Region, day_number, months_of

NOBODY = -1
_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Line:
    """One planned qualifying line: day, what it is in its segment, number of the segment, who of the team, at which practice."""

    day: int
    kind: int
    segment: int = 0
    member: int = 0
    practice: int = 0
    second: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """One planned person: a name that says the edge, the lines, fields of `People` to set, claims that exclude (rule, day)."""

    name: str
    cohort: int
    lines: tuple[Line, ...]
    person: dict[str, int] = field(default_factory=dict)
    exclusions: tuple[tuple[int, int], ...] = ()
    edge_pair: int = -1


def scripts(region: Region, practices: Practices) -> list[Script]:
    """Every script that fits the region's years, at most half of its people, in a fixed order."""
    made: list[Script] = []
    for cohort, lists in enumerate(region.lists.cohorts):
        made += _windows(region, cohort, lists)
        made += _attribution(region, cohort, lists)
        made += _people(region, cohort, lists)
        made += _measure(region, cohort, lists)
    made += _minimum(region, practices)
    fits = [
        script
        for script in made
        if all(region.first_day <= line.day for line in script.lines)
        and all(region.first_day <= day <= region.last_day for _, day in script.exclusions)
    ]
    return fits[: region.beneficiaries // 2]


def _near(lists: CohortLists, days: int) -> int:
    """A gap that confirms and extends, of so many days where the lists allow."""
    return max(1, min(days, lists.confirm_days, lists.window_days - 1))


def _windows(region: Region, cohort: int, lists: CohortLists) -> Iterator[Script]:
    """Limits of confirming, extending, cutting and of the end of the data."""
    confirm, window, length, end = lists.confirm_days, lists.window_days, lists.episode_days, region.last_day
    start = region.first_day + 200 + cohort
    near, far = _near(lists, 5), _near(lists, 20)

    def chain(*gaps: int, first: int = start, segment: int = 0) -> list[Line]:
        lines, day = [Line(first, START, segment)], first
        for place, gap in enumerate(gaps):
            day += gap
            lines.append(Line(day, CONFIRM if place == 0 else MORE, segment))
        return lines

    def steps(total: int) -> list[int]:
        """Gaps that add up to a span, the first fit to confirm, none too wide to extend."""
        step = min(confirm, window - 1)
        return [step] * (total // step) + ([total % step] if total % step else [])

    def script(name: str, lines: list[Line]) -> Script:
        return Script(name, cohort, tuple(lines))

    yield script("confirmed on the last day", chain(confirm))
    yield script("confirmed a day too late", [Line(start, LONELY), Line(start + confirm + 1, LONELY, 1)])
    yield script("confirmed a day before the last", chain(max(1, confirm - 1)))
    yield script("confirmed the next day", chain(1))
    yield script(
        "two lines on one day confirm nothing", [Line(start, LONELY), Line(start, LONELY, second=True, member=1)]
    )
    yield script("extended on the last day", chain(near, window - 1))
    yield script("a day too late to extend", [*chain(near), Line(start + near + window, LONELY, 1)])
    yield script(
        "a window straight after a window", [*chain(near), *chain(near, first=start + near + window, segment=1)]
    )
    yield script("closes on the last day of the data", chain(near, first=end - window + 1 - near))
    yield script("open by a day", chain(near, first=end - window + 2 - near))
    yield script("exactly two episodes", chain(*steps(2 * length - window)))
    yield script("a day short of two episodes", chain(*steps(2 * length - window - 1)))
    yield script("open with one whole episode", chain(*steps(end - start - 20)))
    yield script("whole episode ends with the data", chain(*steps(length - 2), first=end - length + 1))
    if lists.confirm_only():
        yield script("a confirming line first", [Line(start - 9, STRAY), *chain(far, segment=1)])
    yield script(
        "unconfirmed, then confirmed", [Line(start, LONELY), *chain(near, first=start + confirm + 1, segment=1)]
    )
    yield script(
        "two practices interleaved, ties on a day",
        [
            *(Line(line.day, line.kind, 0, 0, 0) for line in chain(far, far, far)),
            *(Line(line.day, line.kind, 0, 0, 1) for line in chain(far, far, far, far)),
        ],
    )
    yield script(
        "many lines on one day",
        [*chain(far, far), *(Line(start + far, CONFIRM, 0, member, second=True) for member in (1, 1, NOBODY))],
    )


def _attribution(region: Region, cohort: int, lists: CohortLists) -> Iterator[Script]:
    """Shares of lines on and beside the limit, ties, nobody, and the look back for prior care."""
    start = region.first_day + 210 + cohort
    gap = _near(lists, 9)

    def shared(name: str, members: list[int]) -> Script:
        kinds = [START, CONFIRM] + [MORE] * (len(members) - 2)
        return Script(name, cohort, tuple(Line(start + gap * k, kinds[k], 0, m) for k, m in enumerate(members)))

    yield shared("exactly three lines of ten", [1, 0, 0, 0, 0, 0, 0, 0, 1, 1])
    yield shared("two lines of seven", [1, 0, 0, 0, 0, 0, 1])
    yield shared("two clinicians with equal shares", [1, 0, 1, 0])
    yield shared("a share without care before the start", [0, 1, 1, 1])
    yield shared("nobody named on eight lines of ten", [0, *[NOBODY] * 8, 0])
    yield shared("nobody named at all", [NOBODY] * 4)
    early = start - lists.confirm_days - 10
    yield Script(
        "prior care from a visit before the window",
        cohort,
        (
            Line(early, LONELY, 0, 1),
            Line(start, START, 1, 0),
            Line(start + gap, CONFIRM, 1, 1),
            Line(start + 2 * gap, MORE, 1, 1),
        ),
    )


def _people(region: Region, cohort: int, lists: CohortLists) -> Iterator[Script]:
    """Edges of enrollment, death, age and residence around one episode."""
    start = region.first_day + 240 + cohort
    gap = _near(lists, 6)
    end = start + gap + lists.window_days - 1
    lines = (Line(start, START), Line(start + gap, CONFIRM))
    months = months_of(np.array([start - lists.lookback_days, end]))
    before, after = int(months[0]), int(months[1])

    def script(name: str, **person: int) -> Script:
        return Script(name, cohort, lines, person)

    yield script("covered from the first month of the look-back", cover_from=before)
    yield script("covered a month too late", cover_from=before + 1)
    yield script("coverage ends in the last month", cover_to=after)
    yield script("coverage ends a month early", cover_to=after - 1)
    yield script("Part B lapse in the look-back", lapse=before, lapse_months=1)
    yield script("Part B lapse the month before the look-back", lapse=before - 1, lapse_months=1)
    yield script("Medicare Advantage from the last month", part_c_from=after, part_c_to=region.last_month)
    yield script("Medicare Advantage from the month after", part_c_from=after + 1, part_c_to=region.last_month)
    yield script("died on the last day", death=end, stale=1)
    yield script("died the day after", death=end + 1, stale=1)
    yield script("died within, coverage ended", death=end - 40, cover_to=after - 1)
    yield script("adult on the first day", birth=_years_before(start, lists.minimum_age), esrd=1)
    yield script("adult a day too late", birth=_years_before(start, lists.minimum_age) + 1, esrd=1)
    yield script("no date of birth", has_birth=0)
    yield script("lives abroad", abroad=1)
    yield script("without Part D", part_d_from=NEVER, part_d_to=-1)
    yield script("Part D from the middle", part_d_from=before + 6)
    yield script("number changed within the episode", new_mbi=start + 3)


def _years_before(day: int, years: int) -> int:
    """The birth date of somebody who turns that old on the day."""
    date = _EPOCH + dt.timedelta(days=day)
    return day_number(date.replace(year=date.year - years))


def _measure(region: Region, cohort: int, lists: CohortLists) -> Iterator[Script]:
    """Claims that exclude, on the first and last day that counts and one day beside."""
    start = region.first_day + 250 + cohort
    gap = _near(lists, 6)
    end = start + gap + lists.window_days - 1
    for number, rule in enumerate(lists.exclusions[:6]):
        if rule.days_before is None:
            days = (start - 1, start, end, end + 1)
        else:
            days = (start - rule.days_before - 1, start - rule.days_before, start - 1, start)
        for place, day in enumerate(days):
            yield Script(
                f"exclusion {number + 1}, limit {place + 1}",
                cohort,
                (Line(start, START), Line(start + gap, CONFIRM)),
                exclusions=((number, day),),
            )


def _minimum(region: Region, practices: Practices) -> Iterator[Script]:
    """Patients of the clinicians who end with 19, 20 and 21 counted episodes in the last year."""
    new_year = day_number(dt.date(region.last_year, 1, 1))
    for cohort, lists in enumerate(region.lists.cohorts):
        back, confirm = (
            (300, min(90, lists.confirm_days)) if lists.window_days > 300 else (-20, min(30, lists.confirm_days))
        )
        for place, count in enumerate(EDGE_COUNTS):
            for number in range(count):
                start = new_year - back + number
                yield Script(
                    f"one of {count} episodes of a clinician",
                    cohort,
                    (Line(start, START), Line(start + confirm, CONFIRM)),
                    edge_pair=int(practices.edge_pairs[cohort][place]),
                )


def place_people(planned: list[Script], region: Region, people: People) -> None:
    """Make the first people of the block plain and healthy, then set what each script asks for."""
    plain: dict[str, int] = {
        "birth": day_number(dt.date(1950, 3, 14)),
        "has_birth": 1,
        "death": NEVER,
        "abroad": 0,
        "esrd": 0,
        "disabled": 0,
        "cover_from": region.first_month,
        "cover_to": region.last_month,
        "lapse": NEVER,
        "lapse_months": 0,
        "part_c_from": NEVER,
        "part_c_to": -1,
        "part_d_from": region.first_month,
        "part_d_to": region.last_month,
        "stale": 0,
        "care_from": region.first_day,
        "care_to": region.last_day,
        "new_mbi": -1,
    }
    for number, script in enumerate(planned):
        values = {**plain, **script.person}
        values["care_to"] = min(values["care_to"], values["death"])
        for name, value in values.items():
            getattr(people, name)[number] = value


def scripted_courses(planned: list[Script], region: Region, practices: Practices) -> Courses:
    """The courses of the scripts; script k belongs to the block's person k."""
    rng = region.generator(3)
    header: list[tuple[int, int, int]] = []
    teams: list[Ints] = []
    visits: list[tuple[int, int, int, int, int, bool]] = []
    planned_exclusions: list[tuple[int, int, int, int]] = []
    for person, script in enumerate(planned):
        homes = _two_practices(script, practices, rng)
        for practice in sorted({line.practice for line in script.lines}):
            course = len(header)
            team = homes[practice]
            header.append((person, script.cohort, int(practices.pair_tin[team[0]])))
            teams.append(team)
            visits += [
                (course, line.segment, line.day, line.kind, line.member, line.second)
                for line in script.lines
                if line.practice == practice and line.day <= region.last_day
            ]
        planned_exclusions += [(person, script.cohort, rule, day) for rule, day in script.exclusions]
    top = np.array(header, dtype=np.int64).reshape(-1, 3)
    body = np.array([visit[:5] for visit in visits], dtype=np.int64).reshape(-1, 5)
    excluded = np.array(planned_exclusions, dtype=np.int64).reshape(-1, 4)
    return Courses(
        beneficiary=top[:, 0],
        cohort=top[:, 1],
        tin=top[:, 2],
        team=np.array(teams, dtype=np.int64).reshape(-1, TEAM),
        visit_course=body[:, 0],
        visit_segment=body[:, 1],
        visit_day=body[:, 2],
        visit_kind=body[:, 3],
        visit_member=body[:, 4],
        visit_second=np.array([visit[5] for visit in visits], dtype=bool),
        exclusion_beneficiary=excluded[:, 0],
        exclusion_cohort=excluded[:, 1],
        exclusion_rule=excluded[:, 2],
        exclusion_day=excluded[:, 3],
    )


def _two_practices(script: Script, practices: Practices, rng: np.random.Generator) -> list[Ints]:
    """Two teams of different TINs; of practices with at least two clinicians where there are any."""
    if script.edge_pair >= 0:
        team = np.full(TEAM, script.edge_pair, dtype=np.int64)
        return [team, team]
    pairs = np.unique(np.concatenate(practices.home_pairs[script.cohort]))
    group = pairs[practices.tin_size[practices.pair_tin[pairs]] >= 2]
    teams: list[Ints] = []
    chosen = -1
    for _ in range(2):
        others = group[practices.pair_tin[group] != chosen] if chosen >= 0 else group
        pool = others if len(others) else pairs[practices.pair_tin[pairs] != chosen]
        own = int(pool[rng.integers(0, len(pool))])
        chosen = int(practices.pair_tin[own])
        first, size = int(practices.tin_start[chosen]), int(practices.tin_size[chosen])
        team = first + (own - first + np.arange(TEAM)) % size
        teams.append(team.astype(np.int64))
    return teams
