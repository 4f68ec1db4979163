"""The whole cost measure over lists and loops: slow, obvious, exact.

This file is the description of the method and the judge of the fast one: every step of `openasm.episodes` must give what
these functions give, to the cent and the key. Steps stand in the order of the CMS method. Days are whole days since
1970-01-01 and every interval is closed. It is one long file so that the method can be read from top to bottom. Arithmetic is in integers and fractions, so that nothing is rounded before the end.

What each constant means and how sure it is stands in `specifications/*.yaml`; how the codes lists are read in
`specifications/lists.py`.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

from openasm.base.identity import stable_hash
from openasm.claims.contract import WHOLE_CLAIM_SETTINGS
from openasm.episodes.days import age_on, date_of, day_number, month_number
from openasm.episodes.hcc import ConditionCategories
from openasm.episodes.specifications.codes_list import WHOLE_EPISODE, Window
from openasm.episodes.specifications.construction import Construction
from openasm.episodes.specifications.lists import CodeKind, CodesList, Condition

# The facts: claims as in openasm.claims.contract, with days as numbers.


@dataclass(frozen=True)
class Line:
    """A claim line (the columns of `claim_lines` that the measure reads)."""

    beneficiary: str
    claim_id: str
    line: int
    setting: str
    day: int
    cost_cents: int = 0
    hcpcs: str | None = None
    line_diagnosis: str | None = None
    npi: str | None = None
    tin: str | None = None
    drg: str | None = None
    revenue_center: str | None = None
    ndc: str | None = None


@dataclass(frozen=True)
class Diagnosis:
    """A diagnosis of a claim's header."""

    beneficiary: str
    claim_id: str
    position: int
    code: str


@dataclass(frozen=True)
class Month:
    """A month of enrollment; month as in `days.month_number`."""

    beneficiary: str
    month: int
    part_a: bool = True
    part_b: bool = True
    part_c: bool = False
    part_d: bool = False
    esrd: bool = False
    disabled_origin: bool = False
    institutional: bool = False


@dataclass(frozen=True)
class Person:
    """A beneficiary."""

    beneficiary: str
    birth: dt.date | None
    death: dt.date | None = None
    county_fips: str | None = None


@dataclass(frozen=True)
class Facts:
    """Everything the claims say, in any order, and the last day they cover."""

    lines: Sequence[Line]
    diagnoses: Sequence[Diagnosis]
    enrollment: Sequence[Month]
    people: Sequence[Person]
    data_end: int


# 1. Qualifying lines.


@dataclass(frozen=True)
class Qualifying:
    """A qualifying line and its role."""

    tin: str
    beneficiary: str
    day: int
    claim_id: str
    line: int
    npi: str | None
    trigger: bool
    confirming: bool


def qualifying_lines(facts: Facts, codes: CodesList) -> list[Qualifying]:
    """Professional lines with a service of the trigger list whose claim carries a trigger diagnosis.

    The diagnosis may stand in any position of the claim's header or be the line's own. A line without a TIN qualifies for
    nothing.
    """
    headers = header_codes(facts)
    found = []
    for line in facts.lines:
        role = codes.triggers.get(line.hcpcs or "")
        carried = {*headers[line.beneficiary, line.claim_id], line.line_diagnosis}
        if line.setting == "professional" and line.tin and role and carried & codes.trigger_diagnoses:
            found.append(
                Qualifying(
                    tin=line.tin,
                    beneficiary=line.beneficiary,
                    day=line.day,
                    claim_id=line.claim_id,
                    line=line.line,
                    npi=line.npi,
                    trigger=role.trigger,
                    confirming=role.confirming,
                )
            )
    return sorted(found, key=lambda each: (each.tin, each.beneficiary, each.day, each.claim_id, each.line))


def header_codes(facts: Facts) -> Mapping[tuple[str, str], set[str]]:
    """Diagnosis codes of each claim's header."""
    codes: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for diagnosis in facts.diagnoses:
        codes[diagnosis.beneficiary, diagnosis.claim_id].add(diagnosis.code)
    return codes


# 2. Total attribution windows.


def windows(lines: Iterable[tuple[int, bool, bool]], *, confirm_days: int, window_days: int) -> list[tuple[int, int]]:
    """Windows of one TIN and beneficiary from their qualifying lines (day, trigger, confirming), as (first day, last day).

    A trigger line is confirmed by a confirming line 1 to `confirm_days` days later. The earliest confirmed trigger opens a
    window of `window_days`; every later qualifying line inside moves its end to `window_days` from that line; after the end
    the search begins anew.

    Heart failure, every line in both roles:

    | lines on days | what happens | windows |
    |---|---|---|
    | 100, 150, 480, 900 | 100 is confirmed by 150; 150 moves the end to 514, 480 to 844; 900 stands alone | 100-844 |
    | ... and 1080 | 900 is confirmed 180 days later | 100-844, 900-1444 |
    | ... and 1081 instead | one day too late | 100-844 |

    >>> both = lambda *days: [(day, True, True) for day in days]
    >>> windows(both(100, 150, 480, 900), confirm_days=180, window_days=365)
    [(100, 844)]
    >>> windows(both(100, 150, 480, 900, 1080), confirm_days=180, window_days=365)
    [(100, 844), (900, 1444)]
    >>> windows(both(100, 150, 480, 900, 1081), confirm_days=180, window_days=365)
    [(100, 844)]

    Low back pain; two lines on one day confirm nothing:

    >>> windows(both(10, 70), confirm_days=60, window_days=120)
    [(10, 189)]
    >>> windows(both(10, 71), confirm_days=60, window_days=120)
    []
    >>> windows(both(10, 10), confirm_days=60, window_days=120)
    []
    """
    ordered = sorted(lines)
    confirming_days = [day for day, _, confirming in ordered if confirming]
    found: list[tuple[int, int]] = []
    end: int | None = None
    for day, trigger, _ in ordered:
        if end is not None and day <= end:
            end = max(end, day + window_days - 1)
            found[-1] = (found[-1][0], end)
        elif trigger and any(1 <= other - day <= confirm_days for other in confirming_days):
            end = day + window_days - 1
            found.append((day, end))
    return found


# 3. Episodes.


def cut(first: int, last: int, *, episode_days: int, data_end: int) -> list[tuple[int, int]]:
    """The episodes of a window, as (start, end).

    A window that ends within the data gives `max(1, days // episode_days)` episodes, the last one taking what remains; a
    window still open at `data_end` gives only the whole episodes that end by then.

    | window | data to | episodes |
    |---|---|---|
    | 100-844 (745 days) | 2000 | 100-464, 465-844 (380 days) |
    | 10-189 (180 days) | 2000 | 10-189 |
    | 100-844 | 500 | 100-464 |
    | 100-844 | 400 | none |

    >>> cut(100, 844, episode_days=365, data_end=2000)
    [(100, 464), (465, 844)]
    >>> cut(10, 189, episode_days=365, data_end=2000)
    [(10, 189)]
    >>> cut(100, 844, episode_days=365, data_end=500), cut(100, 844, episode_days=365, data_end=400)
    ([(100, 464)], [])
    """
    count = max(1, (last - first + 1) // episode_days)
    pieces = [(first + i * episode_days, first + (i + 1) * episode_days - 1) for i in range(count)]
    if last <= data_end:
        pieces[-1] = (pieces[-1][0], last)
        return pieces
    return [piece for piece in pieces if piece[1] <= data_end]


@dataclass(frozen=True)
class Episode:
    """An episode and, step by step, what becomes of it. Money in cents; None until known or where there is none."""

    episode_id: str
    beneficiary: str
    tin: str
    start: int
    end: int
    observed_cents: int = 0
    subgroup: str | None = None
    part_d: bool = False
    excluded_reason: str | None = None
    expected: Fraction | None = None
    winsorized: Fraction | None = None
    ratio: Fraction | None = None
    risk: frozenset[str] = field(default_factory=frozenset)

    @property
    def days(self) -> int:
        """Length, both ends counted."""
        return self.end - self.start + 1


def episodes(facts: Facts, codes: CodesList, construction: Construction, *, year: int) -> list[Episode]:
    """Episodes that end in the year, in the order of TIN, beneficiary and start."""
    by_pair: defaultdict[tuple[str, str], list[tuple[int, bool, bool]]] = defaultdict(list)
    for line in qualifying_lines(facts, codes):
        by_pair[line.tin, line.beneficiary].append((line.day, line.trigger, line.confirming))
    found = []
    for (tin, beneficiary), lines in sorted(by_pair.items()):
        for first, last in windows(lines, confirm_days=construction.confirm_days, window_days=construction.window_days):
            for start, end in cut(first, last, episode_days=construction.episode_days, data_end=facts.data_end):
                if date_of(end).year == year:
                    key = stable_hash(construction.cohort, tin, beneficiary, date_of(start).isoformat())
                    found.append(Episode(key, beneficiary, tin, start, end))
    return found


# 4. Attribution to clinicians.


@dataclass(frozen=True)
class Attribution:
    """A clinician with qualifying lines in an episode. reason: `attributed`, `share_too_small` or `no_prior_care`."""

    episode_id: str
    tin: str
    npi: str
    qualifying_lines: int
    all_lines: int
    reason: str


def attribution(
    episode: Episode, lines: Iterable[Qualifying], *, npi_share: Fraction, prior_care_days: int
) -> list[Attribution]:
    """Clinicians of the TIN with at least the share of the episode's qualifying lines and one of them in the year before.

    Ten lines in the episode, three by A (all after its first day), three by B (one on the first day), four by C (one on the
    day 365 days before):

    | clinician | lines | share >= 30 % | line on start - 365 ... start | attributed |
    |---|---|---|---|---|
    | A | 3 of 10 | yes | no | no |
    | B | 3 of 10 | yes | yes | yes |
    | C | 4 of 10 | yes | yes | yes |
    """
    own = [line for line in lines if (line.tin, line.beneficiary) == (episode.tin, episode.beneficiary)]
    inside = [line for line in own if episode.start <= line.day <= episode.end]
    before = {line.npi for line in own if episode.start - prior_care_days <= line.day <= episode.start}
    found = []
    for npi in sorted({line.npi for line in inside if line.npi}):
        count = sum(line.npi == npi for line in inside)
        enough = npi_share.denominator * count >= npi_share.numerator * len(inside)
        reason = "share_too_small" if not enough else "attributed" if npi in before else "no_prior_care"
        found.append(Attribution(episode.episode_id, episode.tin, npi, count, len(inside), reason))
    return found


# 5. Services and costs.


@dataclass(frozen=True)
class Service:
    """What is counted once: a line, or a whole claim of a setting that is paid by the claim. place: the line, -1 a claim.

    category, window: of the rule that takes it.
    """

    beneficiary: str
    claim_id: str
    place: int
    setting: str
    day: int
    cents: int
    category: str
    window: Window


def assigned_services(facts: Facts, codes: CodesList) -> list[Service]:
    """Each line or whole claim with the category of the first rule, in workbook order, that takes it; others are left out.

    A rule with a window takes it only in some episodes: it is told, and so are the next, to the first rule without a window.

    A professional line of $80 and an inpatient claim of two lines ($9,000 and $0) whose rules ask for I50:

    | service | diagnoses | rule | counted |
    |---|---|---|---|
    | line, 99213 | E119, I5022 | 99213 with I50 | $80 |
    | line, 99213 | E119 | 99213 with I50 | not |
    | claim, DRG 291 | I5023 | 291 with I50 | once, $9,000, by its first day |
    """
    headers = header_codes(facts)
    groups: defaultdict[tuple[str, str, int, str], list[Line]] = defaultdict(list)
    for line in facts.lines:
        whole = line.setting in WHOLE_CLAIM_SETTINGS
        groups[line.beneficiary, line.claim_id, -1 if whole else line.line, line.setting].append(line)
    found = []
    for (beneficiary, claim_id, place, setting), lines in sorted(groups.items()):
        carried = headers[beneficiary, claim_id] | {line.line_diagnosis for line in lines if line.line_diagnosis}
        for rule in codes.service_rules:
            right_code = not rule.code or any(getattr(line, rule.kind.value) == rule.code for line in lines)
            right_diagnosis = rule.condition.is_free or any(rule.condition.met_by(code) for code in carried)
            if setting in rule.settings and right_code and right_diagnosis:
                day = min(line.day for line in lines)
                cents = sum(line.cost_cents for line in lines)
                found.append(Service(beneficiary, claim_id, place, setting, day, cents, rule.category, rule.window))
                if rule.window == WHOLE_EPISODE:
                    break
    return found


def services_of(episode: Episode, services: Iterable[Service]) -> list[Service]:
    """The services whose day lies within the episode, or in the window of their rule; each by the first rule that has it.

    Rules "Early" for 30 days from the start and "Visits" for the whole episode, episode on days 100-464:

    | service on day | taken by |
    |---|---|
    | 99 | none |
    | 100, 130 | Early |
    | 131, 464 | Visits |
    """
    found: dict[tuple[str, int, str], Service] = {}
    for each in services:
        if each.beneficiary == episode.beneficiary and each.window.holds(
            each.day, start=episode.start, end=episode.end
        ):
            found.setdefault((each.claim_id, each.place, each.setting), each)
    return list(found.values())


# 6. Conditions, sub-groups, exclusions.


@dataclass(frozen=True)
class Claim:
    """A claim as conditions see it: its first day and everything it carries."""

    beneficiary: str
    setting: str
    day: int
    codes: frozenset[tuple[CodeKind, str]]
    first_diagnosis: str | None


def claims_of(facts: Facts) -> list[Claim]:
    """The claims behind the lines."""
    headers = header_codes(facts)
    firsts = {(d.beneficiary, d.claim_id): d.code for d in facts.diagnoses if d.position == 1}
    groups: defaultdict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in facts.lines:
        groups[line.beneficiary, line.claim_id, line.setting].append(line)
    found = []
    for (beneficiary, claim_id, setting), lines in sorted(groups.items()):
        codes = {(CodeKind.DIAGNOSIS, code) for code in headers[beneficiary, claim_id]}
        for line in lines:
            pairs = (
                (CodeKind.DIAGNOSIS, line.line_diagnosis),
                (CodeKind.HCPCS, line.hcpcs),
                (CodeKind.DRG, line.drg),
                (CodeKind.REVENUE, line.revenue_center),
                (CodeKind.NDC, line.ndc),
            )
            codes |= {(kind, code) for kind, code in pairs if code}
        first_day = min(line.day for line in lines)
        found.append(Claim(beneficiary, setting, first_day, frozenset(codes), firsts.get((beneficiary, claim_id))))
    return found


def names_holding(episode: Episode, claims: Iterable[Claim], conditions: Iterable[Condition]) -> set[str]:
    """The names of which at least one condition holds for the episode.

    A condition holds when one claim of its settings carries all its codes: within the episode, or on the N days before it.
    """
    own = [claim for claim in claims if claim.beneficiary == episode.beneficiary]
    found = set()
    for condition in conditions:
        if condition.days_before is None:
            first, last = episode.start, episode.end
        else:
            first, last = episode.start - condition.days_before, episode.start - 1
        for claim in own:
            carried = claim.codes
            if condition.first_position:
                others = {(kind, code) for kind, code in carried if kind is not CodeKind.DIAGNOSIS}
                first_one = {(CodeKind.DIAGNOSIS, claim.first_diagnosis)} if claim.first_diagnosis else set()
                carried = frozenset(others | first_one)
            if claim.setting in condition.settings and first <= claim.day <= last and set(condition.codes) <= carried:
                found.add(condition.name)
    return found


def months_of(first: int, last: int) -> range:
    """The months that two days and all between them lie in."""
    return range(month_number(first), month_number(last) + 1)


def standard_exclusion(
    episode: Episode, person: Person | None, months: Mapping[int, Month], construction: Construction
) -> str | None:
    """The first standard exclusion that applies, None when none does; the order is the method's."""
    wanted = months_of(episode.start - construction.lookback_days, episode.end)
    if person is None or person.birth is None:
        return "no_birth_date"
    if age_on(person.birth, date_of(episode.start)) < construction.minimum_age:
        return "under_age"
    if not all(month in months and months[month].part_a and months[month].part_b for month in wanted):
        return "not_in_parts_a_and_b"
    if any(months[month].part_c for month in wanted):
        return "part_c"
    if person.death is not None and episode.start <= day_number(person.death) <= episode.end:
        return "death"
    if person.county_fips is not None and person.county_fips[:2] not in construction.states:
        return "residence"
    return None


# 7. Risk, expected cost and score.


def risk_variables(
    episode: Episode,
    *,
    person: Person,
    months: Mapping[int, Month],
    claims: Sequence[Claim],
    codes: CodesList,
    construction: Construction,
    categories: ConditionCategories,
) -> frozenset[str]:
    """The indicators that are one for an episode, under the names of `risk_names`."""
    found: set[str] = set()
    if person.birth is not None:
        found.add(age_band(age_on(person.birth, date_of(episode.start)), construction))
    first_month = months.get(month_number(episode.start))
    for name in ("disabled_origin", "esrd", "institutional"):
        if first_month is not None and getattr(first_month, name):
            found.add(name)
    seen = {
        number
        for claim in claims
        if claim.beneficiary == episode.beneficiary
        and claim.setting in construction.hcc_settings
        and episode.start - construction.lookback_days <= claim.day < episode.start
        for kind, code in claim.codes
        if kind is CodeKind.DIAGNOSIS
        for number in categories.of_diagnosis.get(code, ())
    }
    standing = categories.after_hierarchies(seen)
    found |= {f"HCC{number}" for number in standing}
    for name, groups in construction.hcc_interactions.items():
        if all(standing & set(group) for group in groups):
            found.add(name)
    found |= names_holding(episode, claims, codes.risk_conditions)
    return frozenset(found - {reference_band(construction)})


def age_band(age: int, construction: Construction) -> str:
    """The name of an age's band: `age_under_65`, `age_65_69`, ..., `age_95_over`."""
    starts = construction.age_band_starts
    if age < starts[0]:
        return f"age_under_{starts[0]}"
    for low, high in pairwise(starts):
        if age < high:
            return f"age_{low}_{high - 1}"
    return f"age_{starts[-1]}_over"


def reference_band(construction: Construction) -> str:
    """The band that has no indicator."""
    return age_band(construction.age_reference_start, construction)


def risk_names(codes: CodesList, construction: Construction, categories: ConditionCategories) -> list[str]:
    """Every indicator of the model, in the order of its columns (the intercept comes before them)."""
    starts = construction.age_band_starts
    bands = [age_band(age, construction) for age in (starts[0] - 1, *starts)]
    return [
        *(band for band in bands if band != reference_band(construction)),
        *("disabled_origin", "esrd", "institutional"),
        *(f"HCC{number}" for number in categories.numbers),
        *construction.hcc_interactions,
        *codes.risk_variables,
    ]


def percentile(values: Sequence[Fraction], percent: Fraction) -> Fraction:
    """Type 7 percentile: linear between order statistics, the smallest at 0 and the largest at 100.

    >>> percentile([Fraction(each) for each in (10, 20, 30, 40)], Fraction(50))
    Fraction(25, 1)
    """
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def least_squares(rows: Sequence[Sequence[int]], values: Sequence[Fraction]) -> list[Fraction]:
    """Coefficients of ordinary least squares by the normal equations; a column that depends on earlier ones gets zero.

    >>> least_squares([(1, 0), (1, 0), (1, 1)], [Fraction(1), Fraction(3), Fraction(10)])
    [Fraction(2, 1), Fraction(8, 1)]
    """
    width = len(rows[0])
    system = [
        [Fraction(sum(row[i] * row[j] for row in rows)) for j in range(width)]
        + [sum((row[i] * value for row, value in zip(rows, values, strict=True)), Fraction(0))]
        for i in range(width)
    ]
    used = []
    for column in range(width):
        pivot = system[column][column]
        if pivot == 0:
            continue
        used.append(column)
        system[column] = [each / pivot for each in system[column]]
        for other in range(width):
            if other != column and system[other][column] != 0:
                factor = system[other][column]
                system[other] = [a - factor * b for a, b in zip(system[other], system[column], strict=True)]
    return [system[column][width] if column in used else Fraction(0) for column in range(width)]


# Expected costs and residuals are compared in steps of a hundredth of a cent, so that the fast path's floating-point
# noise cannot part two episodes that are equal.
STEP = Fraction(1, 100)


def in_steps(value: Fraction) -> Fraction:
    """A value in cents at the nearest step."""
    return Fraction(round(value / STEP)) * STEP


def fit_model(members: Sequence[Episode], names: Sequence[str], construction: Construction) -> list[Episode]:
    """Expected cost, outliers and ratio of the episodes of one model.

    Winsorize; regress; raise low expected costs to the floor; scale to the mean observed; leave outliers out; scale again.
    """
    annualized = [Fraction(each.observed_cents * construction.annual_days, each.days) for each in members]
    top = percentile(annualized, construction.winsorize_percentile)
    observed = [min(each, top) for each in annualized]
    if len(members) < construction.minimum_model_episodes:
        return [
            finished(each, own, supplied_expected(each, mean(observed), construction))
            for each, own in zip(members, observed, strict=True)
        ]
    if mean(observed) <= 0:
        return [finished(each, own, Fraction(0)) for each, own in zip(members, observed, strict=True)]
    varying = [name for name in names if 0 < sum(name in each.risk for each in members) < len(members)]
    rows = [[1, *(int(name in each.risk) for name in varying)] for each in members]
    beta = least_squares(rows, observed)
    expected = [in_steps(sum((b * x for b, x in zip(beta, row, strict=True)), Fraction(0))) for row in rows]
    expected = scaled(floored(expected, construction), observed)
    residuals = [in_steps(own - each) for own, each in zip(observed, expected, strict=True)]
    low = in_steps(percentile(residuals, construction.residual_low_percentile))
    high = in_steps(percentile(residuals, construction.residual_high_percentile))
    kept = [low <= each <= high for each in residuals]
    factor = mean([own for own, keep in zip(observed, kept, strict=True) if keep]) / mean(
        [each for each, keep in zip(expected, kept, strict=True) if keep]
    )
    return [
        finished(each, own, factor * exp) if keep else replace(each, winsorized=own, excluded_reason="outlier")
        for each, own, exp, keep in zip(members, observed, expected, kept, strict=True)
    ]


def supplied_expected(episode: Episode, mean_observed: Fraction, construction: Construction) -> Fraction:
    """Expected cost (cents a year) where the model has too few episodes of its own.

    By supplied coefficients of the model or of `all`; without them the supplied national mean; without that the mean
    observed of the model. Nothing is scaled to the mean of so few, and there are no outliers.
    """
    dollars = construction.coefficients.get(model_name(episode), construction.coefficients.get("all"))
    if dollars is not None:
        total = sum(
            (Fraction(dollars[name]) for name in episode.risk if name in dollars), Fraction(dollars["intercept"])
        )
        return max(in_steps(100 * total), STEP)
    if construction.national_mean_dollars is not None:
        return 100 * construction.national_mean_dollars
    return mean_observed


def floored(expected: Sequence[Fraction], construction: Construction) -> list[Fraction]:
    """Expected costs with the low ones raised to the floor percentile; never below the smallest positive one."""
    floor = in_steps(percentile(expected, construction.expected_floor_percentile))
    if floor <= 0:
        floor = min((each for each in expected if each > 0), default=STEP)
    return [max(each, floor) for each in expected]


def scaled(expected: Sequence[Fraction], observed: Sequence[Fraction]) -> list[Fraction]:
    """Expected costs times one factor, so that their mean is the mean observed."""
    factor = mean(observed) / mean(expected)
    return [factor * each for each in expected]


def mean(values: Sequence[Fraction]) -> Fraction:
    """The arithmetic mean."""
    return sum(values, Fraction(0)) / len(values)


def finished(episode: Episode, observed: Fraction, expected: Fraction) -> Episode:
    """The episode with its numbers; without any cost in the model there is no ratio."""
    if expected <= 0:
        return replace(episode, winsorized=observed, excluded_reason="no_expected_cost")
    return replace(episode, winsorized=observed, expected=expected, ratio=observed / expected)


def model_name(episode: Episode) -> str:
    """The model an episode belongs to: its sub-group and whether it had drug coverage in all its months."""
    return f"{episode.subgroup or 'all'}, {'with' if episode.part_d else 'without'} Part D"


@dataclass(frozen=True)
class Score:
    """A measure score in dollars; npi "" at the level of the TIN."""

    tin: str
    npi: str
    episodes: int
    dollars: Fraction


def scores(counted: Sequence[Episode], attributed: Iterable[Attribution], national_mean: Fraction) -> list[Score]:
    """Score of each TIN and TIN-NPI: the mean of the episodes' ratios weighted by days, times the national mean (dollars).

    Two episodes of a TIN and a national mean of $10,000:

    | days | ratio | days x ratio |
    |---|---|---|
    | 365 | 0.8 | 292 |
    | 400 | 1.2 | 480 |
    | 765 | | 772 |

    772 / 765 x $10,000 = $10,091.50.

    >>> one = Episode("a", "B", "T", 0, 364, ratio=Fraction(8, 10))
    >>> two = Episode("b", "C", "T", 0, 399, ratio=Fraction(12, 10))
    >>> [round(float(each.dollars), 2) for each in scores([one, two], [], Fraction(10_000))]
    [10091.5]
    """
    by_episode = {each.episode_id: each for each in counted}
    holders: defaultdict[tuple[str, str], list[Episode]] = defaultdict(list)
    for episode in counted:
        holders[episode.tin, ""].append(episode)
    for each in attributed:
        if each.reason == "attributed" and each.episode_id in by_episode:
            holders[each.tin, each.npi].append(by_episode[each.episode_id])
    found = []
    for (tin, npi), own in sorted(holders.items()):
        weighted = sum((each.days * each.ratio for each in own if each.ratio is not None), Fraction(0))
        found.append(Score(tin, npi, len(own), weighted / sum(each.days for each in own) * national_mean))
    return found


@dataclass(frozen=True)
class Outcome:
    """Everything the measure gives. costs: (episode_id, category, setting) -> (services, cents)."""

    episodes: list[Episode]
    attribution: list[Attribution]
    costs: dict[tuple[str, str, str], tuple[int, int]]
    scores: list[Score]
    national_mean: Fraction | None


def cost_measure(
    facts: Facts, codes: CodesList, construction: Construction, *, categories: ConditionCategories, year: int
) -> Outcome:
    """The whole chain for the episodes that end in a year."""
    lines = qualifying_lines(facts, codes)
    services, claims = assigned_services(facts, codes), claims_of(facts)
    people = {person.beneficiary: person for person in facts.people}
    months: defaultdict[str, dict[int, Month]] = defaultdict(dict)
    for month in facts.enrollment:
        months[month.beneficiary][month.month] = month
    found: list[Episode] = []
    attributed: list[Attribution] = []
    costs: dict[tuple[str, str, str], tuple[int, int]] = {}
    for episode in episodes(facts, codes, construction, year=year):
        attributed += attribution(
            episode, lines, npi_share=construction.npi_share, prior_care_days=construction.prior_care_days
        )
        observed = 0
        for service in services_of(episode, services):
            key = (episode.episode_id, service.category, service.setting)
            count, cents = costs.get(key, (0, 0))
            costs[key] = (count + 1, cents + service.cents)
            observed += service.cents
        person, own = people.get(episode.beneficiary), months[episode.beneficiary]
        reason = standard_exclusion(episode, person, own, construction)
        holding = names_holding(episode, claims, codes.exclusion_conditions)
        reason = reason or next((name for name in codes.exclusions if name in holding), None)
        if reason is None and episode.days < construction.minimum_episode_days:
            reason = "too_short"
        holding = names_holding(episode, claims, codes.subgroup_conditions)
        subgroup = next((name for name in codes.subgroups if name in holding), None)
        part_d = all(month in own and own[month].part_d for month in months_of(episode.start, episode.end))
        risk: frozenset[str] = frozenset()
        if person is not None:
            risk = risk_variables(
                episode,
                person=person,
                months=own,
                claims=claims,
                codes=codes,
                construction=construction,
                categories=categories,
            )
        found.append(
            replace(
                episode, observed_cents=observed, subgroup=subgroup, part_d=part_d, excluded_reason=reason, risk=risk
            )
        )
    names = risk_names(codes, construction, categories)
    judged = [each for each in found if each.excluded_reason]
    for model in sorted({model_name(each) for each in found if not each.excluded_reason}):
        members = [each for each in found if not each.excluded_reason and model_name(each) == model]
        judged += fit_model(members, names, construction)
    judged.sort(key=lambda each: (each.tin, each.beneficiary, each.start))
    counted = [each for each in judged if each.excluded_reason is None]
    if construction.national_mean_dollars is not None:
        national: Fraction | None = construction.national_mean_dollars
    else:
        national = mean([each.winsorized or Fraction(0) for each in counted]) / 100 if counted else None
    return Outcome(judged, attributed, costs, scores(counted, attributed, national or Fraction(0)), national)
