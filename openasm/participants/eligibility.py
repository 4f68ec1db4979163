"""The four tests that decide who takes part, each with its numbers: 42 CFR 512.710(b) as summarized by CMS.

A clinician billing under a TIN takes part in a cohort's performance year when, in the data year two years before, (1) they billed
under the physician fee schedule, (2) their most common specialty code is in scope, (3) at least 20 episodes of the cohort's cost
measure are attributed to them, and (4) most of these lie in a mandatory area. Where claims or files cannot tell, neither does the
answer: a `no` is only said when nothing unknown could turn it into a `yes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from openasm.base.parameters import Rules
from openasm.participants.counting import Counted, EpisodeCount, Pair, Places
from openasm.participants.geography import Geography, Placed
from openasm.participants.location import LocationTest, location_test
from openasm.regulation.participation import (
    clinic_clinicians,
    enough_episodes,
    excluded_episodes_count,
    specialty_codes,
    specialty_of,
)

NEAR_EPISODES = 2
"""How close to a limit is called near: a matter of showing, not of the rule."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the claims hold. Each is a reason why too few of something may be no more than a gap in the claims.

    whole_people: all of the clinicians' Medicare patients, not those of one organization; whole_year: every day of the data
    year; run_up: the year before it as well, in which most episodes of the data year begin.
    """

    whole_people: bool
    whole_year: bool
    run_up: bool

    @property
    def gaps_of_lines(self) -> tuple[str, ...]:
        """Why lines of the data year may be missing, in words; empty where nothing is missing."""
        words = (
            (self.whole_people, "the claims may not hold all of the clinician's Medicare patients"),
            (self.whole_year, "the claims do not cover the whole data year"),
        )
        return tuple(text for whole, text in words if not whole)

    @property
    def gaps(self) -> tuple[str, ...]:
        """Why episodes of the data year may be missing: as for lines, and for want of the year before."""
        run_up = () if self.run_up else ("the claims do not reach back over the year before the data year",)
        return (*self.gaps_of_lines, *run_up)


@dataclass(frozen=True, slots=True)
class FeeScheduleTest:
    """Bills under the physician fee schedule. lines: professional lines of the data year.

    at_clinics: those given at a rural health clinic (RHC) or federally qualified health center (FQHC); clinic_days: days and patients
    for which such a clinic's own bill names the clinician, under whatever TIN.
    """

    answer: Placed
    lines: int
    words: str
    at_clinics: int = 0
    clinic_days: int = 0


@dataclass(frozen=True, slots=True)
class SpecialtyTest:
    """Most common specialty code on the professional lines. Code empty: no line says one.

    margin: lines by which the code leads the best code on the other side of the scope (0 in a tie); without_code: lines that
    say none; everywhere: the clinician's most common code over all TINs.
    """

    answer: Placed
    code: str
    lines: int
    of_lines: int
    margin: int
    tie: bool
    without_code: int
    everywhere: str
    words: str


@dataclass(frozen=True, slots=True)
class EpisodesTest:
    """Attributed episodes against the threshold. episodes: those that count; attributed: before the measure's exclusions."""

    answer: Placed
    episodes: int
    attributed: int
    needed: int
    words: str

    @property
    def margin(self) -> str:
        """As people say it.

        >>> EpisodesTest(Placed.YES, 21, 23, 20, "").margin
        '21 of 20 episodes'
        """
        return f"{self.episodes} of {self.needed} episodes"

    @property
    def near(self) -> bool:
        """Within two episodes of the threshold, or decided by whether excluded episodes count."""
        either_side = (self.attributed >= self.needed) != (self.episodes >= self.needed)
        return abs(self.episodes - self.needed) <= NEAR_EPISODES or either_side


@dataclass(frozen=True, slots=True)
class Eligibility:
    """One TIN and NPI in one cohort: the four tests of a data year."""

    tin: str
    npi: str
    cohort: str
    fee_schedule: FeeScheduleTest
    specialty: SpecialtyTest
    episodes: EpisodesTest
    location: LocationTest

    @property
    def answers(self) -> Mapping[str, Placed]:
        """The four answers by name, in order."""
        return {
            "fee schedule": self.fee_schedule.answer,
            "specialty": self.specialty.answer,
            "episodes": self.episodes.answer,
            "location": self.location.answer,
        }

    @property
    def eligible(self) -> Placed:
        """All four: a no when one is no; else cannot tell when one cannot; else it depends where one does."""
        found = set(self.answers.values())
        for worst in (Placed.NO, Placed.CANNOT_TELL, Placed.DEPENDS):
            if worst in found:
                return worst
        return Placed.YES

    @property
    def failing(self) -> tuple[str, ...]:
        """The tests that are not met."""
        return tuple(name for name, answer in self.answers.items() if answer is Placed.NO)

    @property
    def near(self) -> tuple[str, ...]:
        """The tests that a tie or two episodes would turn."""
        close = {
            "specialty": self.specialty.tie,
            "episodes": self.episodes.near,
            "location": self.location.near,
        }
        return tuple(name for name, is_close in close.items() if is_close)


def judge(
    counted: Counted, pairs: Mapping[str, set[Pair]], *, coverage: Coverage, geography: Geography | None, rules: Rules
) -> tuple[Eligibility, ...]:
    """The tests of every cohort's TINs and NPIs, sorted by cohort, TIN and NPI.

    pairs: by cohort, whom to judge (see `worth_judging`). geography None: location is never told.
    """
    everywhere = _specialty_everywhere(counted, rules)
    return tuple(
        eligibility_of(
            pair,
            cohort,
            lines=counted.lines.get(pair, {}),
            everywhere=everywhere.get(pair[1], ""),
            episodes=counted.episodes.get(cohort, {}).get(pair, EpisodeCount()),
            places=counted.places.get(cohort, {}).get(pair, Places()),
            at_clinics=counted.at_clinics.get(pair, 0),
            clinic_days=counted.clinic_days.get(pair[1], 0),
            coverage=coverage,
            geography=geography,
            rules=rules,
        )
        for cohort in sorted(pairs)
        for pair in sorted(pairs[cohort])
    )


def worth_judging(counted: Counted, cohort: str, rules: Rules, *, also: set[Pair] | None = None) -> set[Pair]:
    """TINs and NPIs of a cohort with an attributed episode, or whose lines carry a specialty in scope; and `also`."""
    scope = set(specialty_codes(cohort, rules))
    by_specialty = {pair for pair, lines in counted.lines.items() if scope & lines.keys()}
    return by_specialty | counted.episodes.get(cohort, {}).keys() | (also or set())


def eligibility_of(
    pair: Pair,
    cohort: str,
    *,
    lines: Mapping[str, int],
    everywhere: str,
    episodes: EpisodeCount,
    places: Places,
    coverage: Coverage,
    geography: Geography | None,
    rules: Rules,
    at_clinics: int = 0,
    clinic_days: int = 0,
) -> Eligibility:
    """The four tests of one TIN and NPI in one cohort. lines: professional lines by specialty code, empty for none said.

    at_clinics, clinic_days: as in `FeeScheduleTest`.
    """
    number = sum(lines.values())
    return Eligibility(
        tin=pair[0],
        npi=pair[1],
        cohort=cohort,
        fee_schedule=_fee_schedule(
            number, episodes, coverage, at_clinics=at_clinics, clinic_days=clinic_days, rules=rules
        ),
        specialty=_specialty(lines, everywhere, cohort, coverage=coverage, rules=rules),
        episodes=_episodes(episodes, coverage, rules),
        location=location_test(places, geography, gaps=coverage.gaps, near=NEAR_EPISODES, rules=rules),
    )


def _fee_schedule(
    lines: int, episodes: EpisodeCount, coverage: Coverage, *, at_clinics: int, clinic_days: int, rules: Rules
) -> FeeScheduleTest:
    if lines:
        answer, words = Placed.YES, [f"{lines:,} professional lines in the data year"]
    elif episodes.attributed:  # an episode that ends in the data year may have all its visits in the year before
        answer = Placed.YES
        words = ["no professional line in the data year itself, but attributed episodes with such lines"]
    else:
        answer = Placed.CANNOT_TELL if coverage.gaps_of_lines else Placed.NO
        words = ["no professional line in the data year", *coverage.gaps_of_lines]
    if at_clinics:
        words.append(f"{at_clinics:,} of them at a rural health clinic or federally qualified health center")
    if clinic_days:
        words.append(
            f"beside them {clinic_days:,} days with a patient on such a clinic's own bills, which are not paid by the fee schedule"
        )
    if lines and at_clinics == lines:
        stated = clinic_clinicians(rules)
        if stated == "left_out":
            answer = Placed.CANNOT_TELL if coverage.gaps_of_lines else Placed.NO
            words += ["clinicians of such clinics are left out", *coverage.gaps_of_lines]
        elif stated == "not_settled":
            answer = Placed.CANNOT_TELL
            words.append("whether clinicians of such clinics take part is not settled (proposed rule of 2025: no)")
    return FeeScheduleTest(answer, lines, "; ".join(words), at_clinics, clinic_days)


def _specialty(
    lines: Mapping[str, int], everywhere: str, cohort: str, *, coverage: Coverage, rules: Rules
) -> SpecialtyTest:
    scope = specialty_codes(cohort, rules)
    said = {code: number for code, number in lines.items() if code and number}
    without, total = lines.get("", 0), sum(lines.values())
    if not said:
        return SpecialtyTest(
            Placed.CANNOT_TELL,
            "",
            0,
            total,
            0,
            False,
            without,
            everywhere,
            "no line of the data year says a specialty code",
        )
    first = specialty_of(said, rules)
    inside = first.code in scope
    other_side = max((number for code, number in said.items() if (code in scope) != inside), default=0)
    margin = first.count - other_side
    words = [
        f"{first.code} on {first.count:,} of {total:,} lines, {'in' if inside else 'not in'} scope ({', '.join(scope)})"
    ]
    if first.tie:
        words.append("a tie with another code: the lowest is taken")
    if everywhere and everywhere != first.code:
        words.append(f"over all TINs of the clinician the most common code is {everywhere}")
    answer = Placed.YES if inside else Placed.NO
    if without and other_side + without >= first.count:
        answer = Placed.CANNOT_TELL
        words.append(f"{without:,} lines without a code could change it")
    elif not inside and coverage.gaps_of_lines:
        answer = Placed.CANNOT_TELL
        words += coverage.gaps_of_lines
    return SpecialtyTest(
        answer, first.code, first.count, total, margin, first.tie, without, everywhere, "; ".join(words)
    )


def _episodes(count: EpisodeCount, coverage: Coverage, rules: Rules) -> EpisodesTest:
    needed = rules["participation.episode_threshold"].integer
    number = count.attributed if excluded_episodes_count(rules) else count.counted
    words = [f"{number} of {needed} episodes"]
    if count.attributed != count.counted:
        words.append(f"{count.attributed} attributed, {count.counted} after the measure's exclusions")
    if enough_episodes(number, rules):
        return EpisodesTest(Placed.YES, number, count.attributed, needed, "; ".join(words))
    answer = Placed.CANNOT_TELL if coverage.gaps else Placed.NO
    return EpisodesTest(answer, number, count.attributed, needed, "; ".join([*words, *coverage.gaps]))


def _specialty_everywhere(counted: Counted, rules: Rules) -> dict[str, str]:
    """Each clinician's most common code over all TINs."""
    totals: dict[str, dict[str, int]] = {}
    for (_, npi), lines in counted.lines.items():
        mine = totals.setdefault(npi, {})
        for code, number in lines.items():
            if code:
                mine[code] = mine.get(code, 0) + number
    return {npi: specialty_of(lines, rules).code for npi, lines in totals.items() if lines}
