"""Participation, 42 CFR 512.705 and 512.710: specialty, area, episodes, years."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from openasm.base.errors import NotFound
from openasm.base.parameters import Rules, RuleValue
from openasm.regulation.choices import chosen

PARAMETERS = (
    "participation.specialties",
    "participation.specialty_codes",
    "participation.specialty_rule",
    "participation.episode_threshold",
    "participation.episodes_counted",
    "participation.data_year_lag",
    "participation.service_location",
    "participation.tie_rule",
    "participation.area_unit",
    "participation.clinic_claims",
    "participation.clinic_clinicians",
    "participation.final_list_may_add",
    "participation.performance_years",
    "participation.payment_year_lag",
    "participation.submission_deadline",
    "participation.participant_key",
    "participation.unique_email",
    "participation.error_notice_days",
    "participation.error_notice_answer_days",
    "participation.error_notice_reconsideration_days",
)

COHORTS = ("heart_failure", "low_back_pain")


@dataclass(frozen=True, slots=True)
class MostCommon:
    """The most common code, how often it stands, and whether another stands as often."""

    code: str
    count: int
    tie: bool


def specialty_names(cohort: str, rules: Rules) -> tuple[str, ...]:
    """Names of the specialties in scope (`participation.specialties`). NotFound for an unknown cohort."""
    return _listed(rules["participation.specialties"].table, cohort)


def specialty_codes(cohort: str, rules: Rules) -> tuple[str, ...]:
    """Medicare specialty codes in scope (`participation.specialty_codes`). NotFound for an unknown cohort.

    >>> from openasm.regulation.rulebook import rules_for
    >>> specialty_codes("heart_failure", rules_for(2027))
    ('06',)
    """
    return _listed(rules["participation.specialty_codes"].table, cohort)


def specialty_of(codes: Iterable[str] | Mapping[str, int], rules: Rules) -> MostCommon:
    """A clinician's specialty from the codes of the Part B claim lines of the data year (one code a line, or lines by code).

    Ties go to the lowest code and are flagged. NotFound without a line.

    >>> from openasm.regulation.rulebook import rules_for
    >>> specialty_of(["20", "06", "06", "20"], rules_for(2027))
    MostCommon(code='06', count=2, tie=True)
    """
    chosen(rules, "participation.specialty_rule")
    return _most_common(codes, rules)


def area_of(episode_areas: Iterable[str] | Mapping[str, int], rules: Rules) -> MostCommon:
    """A clinician's area from the areas of the attributed episodes (one area an episode, or episodes by area).

    Ties as in `specialty_of`.
    """
    chosen(rules, "participation.service_location")
    return _most_common(episode_areas, rules)


def episode_area(cbsa: str, metropolitan_division: str, rules: Rules) -> str:
    """The area unit of a place: its metropolitan division where the CBSA has divisions, else the CBSA.

    metropolitan_division: empty where the CBSA has none.

    >>> from openasm.regulation.rulebook import rules_for
    >>> episode_area("35620", "35614", rules_for(2027)), episode_area("10580", "", rules_for(2027))
    ('35614', '10580')
    """
    if chosen(rules, "participation.area_unit") == "cbsa":
        return cbsa
    return metropolitan_division or cbsa


def enough_episodes(attributed_episodes: int, rules: Rules) -> bool:
    """Whether the attributed episodes of the data year make a clinician eligible (`participation.episode_threshold`)."""
    return attributed_episodes >= rules["participation.episode_threshold"].integer


def excluded_episodes_count(rules: Rules) -> bool:
    """Whether attributed episodes that the measure excludes count toward the threshold (`participation.episodes_counted`)."""
    return chosen(rules, "participation.episodes_counted") == "before_exclusions"


@dataclass(frozen=True, slots=True)
class ClinicCodes:
    """What tells claims of rural health clinics and federally qualified health centers apart (`participation.clinic_claims`).

    places_of_service: of professional lines given there; revenue_centers, visit_codes: of visits on the clinic's own bill.
    """

    places_of_service: tuple[str, ...]
    revenue_centers: tuple[str, ...]
    visit_codes: tuple[str, ...]

    @property
    def visits_known(self) -> bool:
        """Whether visits on a clinic's own bill can be told apart."""
        return bool(self.revenue_centers or self.visit_codes)


def clinic_codes(rules: Rules) -> ClinicCodes:
    """The codes of `participation.clinic_claims`.

    >>> from openasm.regulation.rulebook import rules_for
    >>> clinic_codes(rules_for(2027)).places_of_service
    ('50', '72')
    """
    table = rules["participation.clinic_claims"].table
    places, centers, visits = (
        tuple(str(code) for code in items) if isinstance(items := table.get(name), tuple) else ()
        for name in ("places_of_service", "revenue_centers", "visit_codes")
    )
    return ClinicCodes(places, centers, visits)


def clinic_clinicians(rules: Rules) -> str:
    """Whether clinicians of such clinics take part: `not_settled`, `left_out` or `take_part`."""
    return chosen(rules, "participation.clinic_clinicians")


def data_year(rules: Rules) -> int:
    """The year whose claims decide who takes part in the rules' performance year."""
    return rules.year - rules["participation.data_year_lag"].integer


def payment_year(rules: Rules) -> int:
    """The year in which the rules' performance year changes payments."""
    return rules.year + rules["participation.payment_year_lag"].integer


def performance_years(rules: Rules) -> tuple[int, ...]:
    """The performance years of the model."""
    return tuple(int(year) for year in rules["participation.performance_years"].numbers)


def submission_deadline(rules: Rules) -> date:
    """The last day for submitting the rules' performance year.

    >>> from openasm.regulation.rulebook import rules_for
    >>> submission_deadline(rules_for(2027)).isoformat()
    '2028-03-31'
    """
    table = rules["participation.submission_deadline"].table
    month, day, later = (int(str(table[key])) for key in ("month", "day", "years_after"))
    return date(rules.year + later, month, day)


def error_notice_deadline(received: date, rules: Rules) -> date:
    """The last day for a notice of error about a list or letter received on a day (`participation.error_notice_days`).

    A placeholder from a sibling model: the text of 42 CFR 512.755 has not been read.
    """
    return received + timedelta(days=rules["participation.error_notice_days"].integer)


def error_notice_answer(sent: date, rules: Rules) -> date:
    """The day by which CMS answers a notice sent on a day; a placeholder as `error_notice_deadline`."""
    return sent + timedelta(days=rules["participation.error_notice_answer_days"].integer)


def reconsideration_deadline(answered: date, rules: Rules) -> date:
    """The last day to ask for reconsideration of an answer of a day; a placeholder as `error_notice_deadline`."""
    return answered + timedelta(days=rules["participation.error_notice_reconsideration_days"].integer)


def participant_key(rules: Rules) -> tuple[str, ...]:
    """The columns that identify a participant (`participation.participant_key`)."""
    return rules["participation.participant_key"].texts


def final_list_may_add(rules: Rules) -> bool:
    """Whether somebody missing from the preliminary list may be on the final one (`participation.final_list_may_add`)."""
    return rules["participation.final_list_may_add"].flag


def needs_own_email(rules: Rules) -> bool:
    """Whether each participant needs an e-mail address of its own (`participation.unique_email`)."""
    return rules["participation.unique_email"].flag


def _most_common(codes: Iterable[str] | Mapping[str, int], rules: Rules) -> MostCommon:
    chosen(rules, "participation.tie_rule")
    counts = Counter(codes)
    if not counts:
        raise NotFound("Nothing to count: there is no line or episode.")
    most = max(counts.values())
    leaders = sorted(code for code, count in counts.items() if count == most)
    return MostCommon(leaders[0], most, len(leaders) > 1)


def _listed(table: Mapping[str, RuleValue], cohort: str) -> tuple[str, ...]:
    items = table.get(cohort)
    if not isinstance(items, tuple):
        raise NotFound(f"There is no cohort named {cohort} in the rule.")
    return tuple(str(item) for item in items)
