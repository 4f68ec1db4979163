"""What people use: the visits of their courses, the services these lead to, and care that has to do with neither cohort.

Costs have causes. A practice's style and a person's frailty decide how much is used; an admission brings an emergency visit
before and post-acute care after it; back surgery has imaging and an injection before it; who dies may have hospice care.
"""

from __future__ import annotations

import numpy as np

from openasm.claims.synthetic.bill import NOBODY, Ledger
from openasm.claims.synthetic.codelists import COHORTS
from openasm.claims.synthetic.courses import CONFIRM, LONELY, START, STRAY, Courses
from openasm.claims.synthetic.people import NEVER, People
from openasm.claims.synthetic.practices import Practices
from openasm.claims.synthetic.settings import Ints, Reals, Region, months_of
from openasm.claims.synthetic.templates import LAYOUTS, Catalogue

# Services of a course, events a year at average style and frailty: (setting, rate, share that the lists name).
_RATES: tuple[tuple[tuple[str, float, float], ...], ...] = (
    (
        ("inpatient", 1.15, 0.78),
        ("outpatient", 0.80, 0.6),
        ("professional", 2.5, 0.3),
        ("drug", 12.0, 0.6),
        ("dme", 0.8, 0.3),
    ),
    (
        ("inpatient", 0.06, 0.7),
        ("outpatient", 0.9, 0.5),
        ("professional", 7.0, 0.3),
        ("drug", 4.0, 0.5),
        ("dme", 0.25, 0.3),
    ),
)
_STAY = {"inpatient": 5.0, "snf": 20.0, "home_health": 40.0, "hospice": 18.0}
_AFTER = ((0.18, 0.25), (0.10, 0.30))  # chance of SNF and of home health after an admission, by cohort
_LAYOUT_SHARE = np.array([0.70, 0.12, 0.06, 0.06, 0.06])

# Background: pool, claims a year at average frailty, mean lines a claim.
_BACKGROUND = (
    ("office", 6.0, 1.0),
    ("laboratory", 4.4, 3.1),
    ("imaging", 1.1, 1.0),
    ("outpatient", 3.5, 2.3),
    ("dme", 1.5, 1.0),
    ("inpatient", 0.18, 1.0),
    ("snf", 0.04, 1.0),
    ("home_health", 0.07, 1.0),
    ("drug", 27.0, 1.0),
)


def bill_visits(ledger: Ledger, catalogue: Catalogue, courses: Courses) -> None:
    """One claim a visit (some second lines of a day on a claim of their own), with its trigger diagnosis in some layout."""
    rng, pair = ledger.rng, courses.visit_pair()
    kind, cohort = courses.visit_kind, courses.cohort[courses.visit_course]
    layout = rng.choice(len(LAYOUTS), size=len(kind), p=_LAYOUT_SHARE)
    only_confirms = rng.random(len(kind)) < 0.06
    template = np.full(len(kind), -1, dtype=np.int64)
    for number, name in enumerate(COHORTS):
        mine = cohort == number
        for role, wanted in _roles(kind, only_confirms):
            for place, layout_name in enumerate(LAYOUTS):
                pool = _visit_pool(catalogue, name, role, layout_name)
                chosen = np.flatnonzero(mine & wanted & (layout == place))
                template[chosen] = pool[rng.integers(0, len(pool), len(chosen))]
    favoured = [catalogue.pools.get(f"{name}/both/taken", np.zeros(0, dtype=np.int64)) for name in COHORTS]
    usual = (layout == 0) & (kind != STRAY) & (rng.random(len(kind)) < 0.45)
    for number, pool in enumerate(favoured):
        chosen = np.flatnonzero(usual & (cohort == number))
        if len(pool):
            template[chosen] = pool[rng.integers(0, len(pool), len(chosen))]
    lines = 1 + (rng.random(len(kind)) < 0.25)
    ledger.add(
        courses.beneficiary[courses.visit_course],
        courses.visit_day,
        template,
        pair=pair,
        tin=courses.tin[courses.visit_course],
        visit=np.arange(len(kind), dtype=np.int64),
        lines=lines.astype(np.int64),
        pool=catalogue.pools["background/ancillary"],
    )


def _roles(kind: Ints, only_confirms: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Which lines need a code that triggers, which one that confirms, and which take a code that can do only one of these."""
    opens = (kind == START) | (kind == LONELY)
    return [
        ("opens", opens),
        ("goes on", ~opens),
        ("only triggers", opens & only_confirms),
        ("only confirms", (kind == STRAY) | ((kind == CONFIRM) & only_confirms)),
    ]


def _visit_pool(catalogue: Catalogue, cohort: str, role: str, layout: str) -> Ints:
    """Templates of a role in a layout; where the lists have none, the nearest that serves the same role."""
    substitutes = {
        "opens": ("both", "trigger"),
        "goes on": ("both", "confirm"),
        "only triggers": ("trigger", "both"),
        "only confirms": ("confirm", "both"),
    }[role]
    for name in substitutes:
        for form in (layout, "first"):
            pool = catalogue.pools.get(f"{cohort}/{name}/{form}")
            if pool is not None and len(pool):
                return pool
    raise AssertionError("a checked code list always has a template")


def bill_exclusions(ledger: Ledger, catalogue: Catalogue, courses: Courses) -> np.ndarray:
    """The planned claims that exclude; True for those that could be billed."""
    billed = np.zeros(len(courses.exclusion_rule), dtype=bool)
    for number, name in enumerate(COHORTS):
        for rule in np.unique(courses.exclusion_rule[courses.exclusion_cohort == number]):
            pool = catalogue.pools.get(f"{name}/exclusion/{rule}")
            chosen = np.flatnonzero((courses.exclusion_cohort == number) & (courses.exclusion_rule == rule))
            if pool is None:
                continue
            billed[chosen] = True
            ledger.add(
                courses.exclusion_beneficiary[chosen], courses.exclusion_day[chosen], np.full(len(chosen), pool[0])
            )
    return billed


def bill_pathways(ledger: Ledger, region: Region, practices: Practices, people: People, courses: Courses) -> None:
    """The services that a course leads to, for every person with one."""
    catalogue, rng = ledger.catalogue, ledger.rng
    for cohort, name in enumerate(COHORTS):
        mine = np.flatnonzero(courses.cohort == cohort)
        if not len(mine):
            continue
        patient, first = np.unique(courses.beneficiary[mine], return_index=True)
        course = mine[first]
        begin, end = _span(courses, course, people)
        use = people.frailty[patient] * practices.tin_style[courses.tin[course]]
        own = courses.team[course, 0]
        years = np.maximum(0, end - begin + 1) / 365.25
        for setting, rate, named in _RATES[cohort]:
            taken = catalogue.pools.get(f"{name}/{setting}", np.zeros(0, dtype=np.int64))
            beside = catalogue.pools.get(f"{name}/{setting}/beside", np.zeros(0, dtype=np.int64))
            events = np.repeat(np.arange(len(patient)), rng.poisson(rate * use * years))
            day = begin[events] + (rng.random(len(events)) * (end - begin + 1)[events]).astype(np.int64)
            if setting == "drug":
                fills = _with_part_d(people, patient[events], day)
                events, day = events[fills], day[fills]
            template = _either(taken, beside, named, len(events), rng)
            thru = day + _length(setting, len(events), rng)
            pair = own[events] if setting in ("professional", "inpatient", "drug", "outpatient") else None
            professional = setting == "professional"
            scale = np.where(rng.random(len(events)) < 0.004, 7.0, 1.0) * np.exp(0.15 * np.log(use[events]))
            several = 1 + (rng.random(len(events)) < 0.25) if setting == "inpatient" else None
            ledger.add(
                patient[events],
                day,
                template,
                pair=pair,
                thru=thru,
                scale=scale,
                with_tin=np.full(len(events), professional),
                lines=several,
            )
            if setting == "inpatient":
                _around_admissions(ledger, name, cohort, patient[events], day, thru, people)
        _hospice(ledger, name, patient, people, region)
        _without_tin(ledger, region, name, patient, begin, end)


def _span(courses: Courses, course: Ints, people: People) -> tuple[Ints, Ints]:
    """First and last day on which a course's services fall: from a little before its first visit on."""
    first = np.full(len(courses.beneficiary), NEVER, dtype=np.int64)
    last = np.full(len(courses.beneficiary), -1, dtype=np.int64)
    np.minimum.at(first, courses.visit_course, courses.visit_day)
    np.maximum.at(last, courses.visit_course, courses.visit_day)
    who = courses.beneficiary[course]
    begin = np.maximum(first[course] - 20, people.care_from[who])
    return begin, np.minimum(last[course] + 90, people.care_to[who])


def _either(taken: Ints, beside: Ints, named: float, count: int, rng: np.random.Generator) -> Ints:
    """Templates the lists name or ones beside them."""
    if not len(taken):
        return beside[rng.integers(0, len(beside), count)]
    if not len(beside):
        return taken[rng.integers(0, len(taken), count)]
    one, other = taken[rng.integers(0, len(taken), count)], beside[rng.integers(0, len(beside), count)]
    return np.where(rng.random(count) < named, one, other)


def _length(setting: str, count: int, rng: np.random.Generator) -> Ints:
    """Days from the first to the last day of a claim."""
    if setting not in _STAY:
        return np.zeros(count, dtype=np.int64)
    return 1 + rng.poisson(_STAY[setting], count)


def _with_part_d(people: People, who: Ints, day: Ints) -> np.ndarray:
    month = months_of(day)
    return np.asarray((month >= people.part_d_from[who]) & (month <= people.part_d_to[who]))


def _around_admissions(
    ledger: Ledger, name: str, cohort: int, who: Ints, day: Ints, discharge: Ints, people: People
) -> None:
    """An emergency visit before, SNF or home health after; for back surgery imaging and an injection before."""
    rng, pools = ledger.rng, ledger.catalogue.pools
    nothing = np.zeros(0, dtype=np.int64)

    def put(setting: str, chosen: np.ndarray, when: Ints, length: Ints | None = None) -> None:
        fits = np.flatnonzero(chosen & (when >= people.care_from[who]) & (when <= people.care_to[who]))
        pool = np.concatenate([pools.get(f"{name}/{setting}", nothing), pools.get(f"{name}/{setting}/beside", nothing)])
        if len(fits) and len(pool):
            thru = when[fits] if length is None else when[fits] + length[fits]
            ledger.add(who[fits], when[fits], pool[rng.integers(0, len(pool), len(fits))], thru=thru)

    draw, count = rng.random(len(who)), len(who)
    to_snf, to_home = _AFTER[cohort]
    put("outpatient", rng.random(count) < 0.4, day - 1)
    put("snf", draw < to_snf, discharge + 1, _length("snf", count, rng))
    put("home_health", (draw >= to_snf) & (draw < to_snf + to_home), discharge + 2, _length("home_health", count, rng))
    if cohort == 1:
        put("outpatient", np.ones(count, dtype=bool), day - 21)
        put("professional", rng.random(count) < 0.7, day - 50)


def _hospice(ledger: Ledger, name: str, patient: Ints, people: People, region: Region) -> None:
    """Hospice care in the last weeks of a third of those who die."""
    pools = ledger.catalogue.pools
    pool = np.concatenate([pools.get(f"{name}/hospice", np.zeros(0, dtype=np.int64)), pools[f"{name}/hospice/beside"]])
    died = patient[people.death[patient] <= region.last_day]
    chosen = died[ledger.rng.random(len(died)) < 0.33]
    begin = np.maximum(people.death[chosen] - ledger.rng.integers(1, 31, len(chosen)), people.care_from[chosen])
    fits = begin <= people.care_to[chosen]
    who, day = chosen[fits], begin[fits]
    ledger.add(who, day, pool[ledger.rng.integers(0, len(pool), len(who))], thru=np.maximum(day, people.death[who]))


def _without_tin(ledger: Ledger, region: Region, name: str, patient: Ints, begin: Ints, end: Ints) -> None:
    """Claims that look like visits of the course but name no practice: they qualify for nothing and still cost."""
    chosen = np.flatnonzero(ledger.rng.random(len(patient)) < 10 * region.realism.no_tin)
    chosen = chosen[end[chosen] >= begin[chosen]]
    day = begin[chosen] + (ledger.rng.random(len(chosen)) * (end - begin + 1)[chosen]).astype(np.int64)
    pool = _visit_pool(ledger.catalogue, name, "opens", "first")
    ledger.add(patient[chosen], day, pool[ledger.rng.integers(0, len(pool), len(chosen))])


def bill_background(ledger: Ledger, region: Region, practices: Practices, people: People) -> None:
    """Care that has to do with neither cohort; the bulk of the lines."""
    rng, pools = ledger.rng, ledger.catalogue.pools
    days = np.maximum(0, people.care_to - people.care_from + 1)
    years: Reals = days / 365.25
    doctor = practices.primary_pairs[rng.integers(0, len(practices.primary_pairs), len(people))]
    for pool_name, rate, mean_lines in _BACKGROUND:
        pool = pools[f"background/{pool_name}"]
        if not len(pool):
            continue
        who = np.repeat(np.arange(len(people)), rng.poisson(rate * region.realism.background * people.frailty * years))
        day = people.care_from[who] + (rng.random(len(who)) * days[who]).astype(np.int64)
        if pool_name == "drug":
            fills = _with_part_d(people, who, day)
            who, day = who[fills], day[fills]
        count = len(who)
        if pool_name in ("laboratory", "imaging", "dme"):
            start = {"imaging": 0, "laboratory": 3, "dme": 12}[pool_name]
            pair = practices.service_pairs[start + rng.integers(0, 3, count)]
        else:
            pair = np.where(rng.random(count) < 0.97, doctor[who], NOBODY)
        professional = pool_name in ("office", "laboratory", "imaging")
        ledger.add(
            who,
            day,
            pool[rng.integers(0, len(pool), count)],
            pair=pair,
            with_tin=np.full(count, professional),
            thru=day + _length(pool_name, count, rng),
            lines=1 + rng.poisson(mean_lines - 1.0, count) if mean_lines > 1 else None,
            pool=pool,
        )
