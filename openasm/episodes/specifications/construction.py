"""The constants of episode construction and scoring, read from the parameter files with their evidence status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

from openasm.base.errors import WrongUsage
from openasm.base.parameters import Parameter, RuleBook, Rules, RuleValue, load_overlays, load_rule_book
from openasm.base.years import FIRST_PERFORMANCE_YEAR, LAST_PERFORMANCE_YEAR

COHORTS = ("heart_failure", "low_back_pain")
COMMON = "cost_measure"
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Construction:
    """Every constant of one cohort's measure. Days are whole days, percentiles are type 7, money is dollars a year.

    parameters: what the values were read from, for the manifest.
    """

    cohort: str
    measure_id: str
    confirm_days: int
    window_days: int
    episode_days: int
    minimum_episode_days: int
    minimum_age: int
    npi_share: Fraction
    prior_care_days: int
    lookback_days: int
    annual_days: int
    winsorize_percentile: Fraction
    expected_floor_percentile: Fraction
    residual_low_percentile: Fraction
    residual_high_percentile: Fraction
    minimum_model_episodes: int
    fewest_with_other_tin: Fraction
    fewest_with_facility: Fraction
    fewest_with_drugs: Fraction
    age_band_starts: tuple[int, ...]
    age_reference_start: int
    hcc_model: str
    hcc_mapping_year: int
    hcc_settings: tuple[str, ...]
    hcc_interactions: Mapping[str, tuple[tuple[int, ...], ...]]
    states: tuple[str, ...]
    coefficients: Mapping[str, Mapping[str, float]]
    national_mean_dollars: Fraction | None
    costliest_episodes: int
    outlier_timelines: int
    outlier_timeline_ratio: Fraction
    rules: Rules

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters of this cohort, in the order of the files."""
        wanted = (f"{COMMON}.", f"{self.cohort}.")
        return tuple(parameter for parameter in self.rules if parameter.name.startswith(wanted))


@cache
def episode_rule_book() -> RuleBook:
    """Every packaged parameter of both cost measures."""
    return load_rule_book([_HERE / "construction.yaml", *(_HERE / f"{cohort}.yaml" for cohort in COHORTS)])


def demonstration_workbook(cohort: str) -> Path:
    """The made-up codes list that ships for trying things out. Never compute a score for use with it."""
    _known(cohort)
    return _HERE / "demonstration" / f"{cohort}_demo.xlsx"


def story_workbook(cohort: str) -> Path:
    """The demonstration workbook with made-up rules for imaging, injections, surgery, therapy, drugs and care after discharge.

    `openasm demo` is made for it, so that its costs have causes to show; every row is invented.
    """
    _known(cohort)
    return _HERE / "demonstration" / f"{cohort}_story.xlsx"


def construction_for(cohort: str, year: int, *, overlays: Iterable[Path] = ()) -> Construction:
    """The constants of a cohort for episodes that end in `year`, with the user's overlay files on top.

    Years outside the model's performance years (claims of earlier years) borrow the nearest one's values and say so
    (`assumed_from_year`). Raises WrongUsage for an unknown cohort, InputRefused for a bad overlay.

    >>> construction_for("heart_failure", 2027).window_days
    365
    """
    _known(cohort)
    book = load_overlays(list(overlays), episode_rule_book())
    nearest = min(max(year, FIRST_PERFORMANCE_YEAR), LAST_PERFORMANCE_YEAR)
    rules = book.for_year(year, assume_year=nearest)

    def own(name: str) -> Parameter:
        return rules[f"{cohort}.{name}"]

    def common(name: str) -> Parameter:
        return rules[f"{COMMON}.{name}"]

    national = own("national_mean").exact
    return Construction(
        cohort=cohort,
        measure_id=own("measure_id").text,
        confirm_days=own("confirm_days").integer,
        window_days=own("window_days").integer,
        episode_days=own("episode_days").integer,
        minimum_episode_days=own("minimum_episode_days").integer,
        minimum_age=own("minimum_age").integer,
        npi_share=Fraction(common("npi_share_numerator").integer, common("npi_share_denominator").integer),
        prior_care_days=common("prior_care_days").integer,
        lookback_days=common("lookback_days").integer,
        annual_days=common("annual_days").integer,
        winsorize_percentile=common("winsorize_percentile").exact,
        expected_floor_percentile=common("expected_floor_percentile").exact,
        residual_low_percentile=common("residual_low_percentile").exact,
        residual_high_percentile=common("residual_high_percentile").exact,
        minimum_model_episodes=common("minimum_model_episodes").integer,
        fewest_with_other_tin=common("fewest_with_other_tin").exact,
        fewest_with_facility=common("fewest_with_facility").exact,
        fewest_with_drugs=common("fewest_with_drugs").exact,
        age_band_starts=tuple(int(each) for each in common("age_band_starts").numbers),
        age_reference_start=int(common("age_reference_start").exact),
        hcc_model=common("hcc_model").text,
        hcc_mapping_year=common("hcc_mapping_year").integer,
        hcc_settings=common("hcc_settings").texts,
        hcc_interactions={name: _groups(value) for name, value in common("hcc_interactions").table.items()},
        states=common("states").texts,
        coefficients={name: _numbers(value) for name, value in own("coefficients").table.items()},
        national_mean_dollars=national if national > 0 else None,
        costliest_episodes=common("costliest_episodes").integer,
        outlier_timelines=common("outlier_timelines").integer,
        outlier_timeline_ratio=common("outlier_timeline_ratio").exact,
        rules=rules,
    )


def _known(cohort: str) -> None:
    if cohort not in COHORTS:
        raise WrongUsage(f"There is no cohort {cohort!r}; choose {' or '.join(COHORTS)}.")


def _groups(value: RuleValue) -> tuple[tuple[int, ...], ...]:
    if not isinstance(value, tuple):
        raise TypeError("an interaction is a list of groups of categories")
    return tuple(
        tuple(int(Fraction(each)) for each in group if isinstance(each, int | Fraction))
        for group in value
        if isinstance(group, tuple)
    )


def _numbers(value: RuleValue) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise TypeError("coefficients are a table of variables and dollars")
    return {name: float(each) for name, each in value.items() if isinstance(each, int | Fraction)}
