"""What the claims see of the patients' care, and what that does to the measure: warnings, never refusals."""

from __future__ import annotations

import datetime as dt

from openasm.base.problems import Problems, Severity, declare
from openasm.claims.folder import Claims
from openasm.episodes.outcome import Outcome
from openasm.episodes.regression import Basis
from openasm.episodes.seen import People, Seen, first_day_needed
from openasm.episodes.specifications.construction import Construction
from openasm.episodes.specifications.lists import CodesList

SETTING_UNSEEN = declare(
    "E020",
    "the claims hold no line of a setting that the codes list assigns; costs and scores miss it",
    expected="claims of every setting",
    next_step="Load claims of all parts (an ACO's CCLF or BCDA has them); a practice's own billing does not.",
    severity=Severity.WARNING,
)
LINES_INCOMPLETE = declare(
    "E028",
    "lines without a first day, a setting or a cost; without a day or setting they count nowhere, without a cost as nothing",
    expected="a day, a setting and a cost on every line",
    next_step="Run `openasm claims check` on the claims and load them again.",
    severity=Severity.WARNING,
)
PART_OF_THE_CARE = declare(
    "E021",
    "few of the patients have claims from other practices, from facilities or of drugs; the claims seem to be a practice's "
    "own and miss what others did",
    expected="claims of all parts and practices for nearly every patient",
    next_step="Read costs as a lower bound and do not compare them with published averages.",
    severity=Severity.WARNING,
)
NOT_ENROLLED = declare(
    "E022",
    "episodes were excluded because the person or their enrollment is not in the data",
    expected="enrollment and a row in beneficiaries for everyone with claims",
    next_step="Load enrollment of all months from 120 days before the episodes to their end.",
    severity=Severity.WARNING,
)
COVERS_TOO_LITTLE = declare(
    "E023",
    "the claims do not cover the time of the year's episodes whole; episodes are missing or what came before them is not seen",
    expected="claims from three years before the year, and to its end",
    next_step="Load more months; until then read results as preliminary.",
    severity=Severity.WARNING,
)
OPENING_UNSEEN = declare(
    "E030",
    "episodes belong to windows that may have opened before the claims begin; they would then begin and end on other days",
    expected="no qualifying line so near the claims' first day that an earlier one could reach it",
    next_step="Load earlier claims where there are any; care that goes on for years has its first day before every file.",
    severity=Severity.WARNING,
)
NO_EPISODES = declare(
    "E024",
    "no episode ends in the year",
    expected="trigger and confirming lines by the codes list",
    next_step="Check the cohort, the codes list and the months the claims cover.",
    severity=Severity.WARNING,
)
MODEL_TOO_SMALL = declare(
    "E025",
    "models have too few episodes for a regression of their own; their costs are not adjusted for risk by the data",
    expected="as many episodes in each model as the parameter `minimum_model_episodes` asks for",
    next_step="Add claims, or give coefficients or a national mean with --spec; the result names what was used.",
    severity=Severity.WARNING,
)
COST_BASIS = declare(
    "E026",
    "costs are not all payment-standardized; regional prices remain in them",
    expected="standardized amounts",
    next_step="Compare practices of one region only, not with published MIPS scores.",
    severity=Severity.WARNING,
)
MEAN_OF_THE_DATA = declare(
    "E027",
    "scores are scaled by the mean of the data, as no national mean was supplied",
    expected="the national mean of the measure",
    next_step="Give `national_mean` with --spec to compare with other regions; ranks within the data do not change.",
    severity=Severity.WARNING,
)


def note_what_is_missing(
    seen: Seen,
    claims: Claims,
    codes: CodesList,
    construction: Construction,
    *,
    year: int,
    file: str,
    problems: Problems,
) -> None:
    """Add the warnings that the claims alone give. file: what messages call the claims."""
    wanted = {setting for rule in codes.service_rules for setting in rule.settings} - {"dme"}
    for setting in sorted(wanted - seen.settings.keys()):
        problems.add(SETTING_UNSEEN, file, column=setting, found="no line")
    if seen.incomplete:
        problems.add(
            LINES_INCOMPLETE, file, column="claim_lines", found=f"{seen.incomplete:,} lines", count=seen.incomplete
        )
    _note_part_of_the_care(seen.people, construction, file=file, problems=problems)
    earliest = first_day_needed(year, codes, construction)
    if claims.data_start > earliest or claims.data_end < dt.date(year, 12, 31):
        back = f"; {_episodes(seen.unseen_before)} looking back to days before them" if seen.unseen_before else ""
        problems.add(
            COVERS_TOO_LITTLE,
            file,
            found=f"claims from {claims.data_start} to {claims.data_end}{back}",
            expected=f"claims from {earliest} to {year}-12-31",
        )
    if seen.unseen_opening:
        safe = claims.data_start + dt.timedelta(days=construction.window_days - 1)
        problems.add(
            OPENING_UNSEEN,
            file,
            found=_episodes(seen.unseen_opening),
            expected=f"care that begins on {safe} or later, as the claims begin on {claims.data_start}",
            count=seen.unseen_opening,
        )
    if set(seen.bases) - {"standardized"}:
        found = ", ".join(f"{basis}: {lines:,} lines" for basis, lines in seen.bases.items())
        problems.add(COST_BASIS, file, found=found)


def _note_part_of_the_care(people: People, construction: Construction, *, file: str, problems: Problems) -> None:
    """Warn when too few of the people with an episode have lines that only others bill; all shares are told then."""
    shares = [
        (people.two_tins, people.with_episode, "have lines of another TIN", construction.fewest_with_other_tin),
        (people.facility, people.with_episode, "lines of a facility", construction.fewest_with_facility),
        (people.drugs, people.part_d, "with Part D lines of drugs", construction.fewest_with_drugs),
    ]
    if all(some >= fewest * everyone for some, everyone, _, fewest in shares):
        return
    problems.add(
        PART_OF_THE_CARE,
        file,
        found="of the people with an episode "
        + ", ".join(f"{some:,} of {everyone:,} {what}" for some, everyone, what, _ in shares if everyone),
        expected="at least "
        + ", ".join(f"{float(fewest):.0%} {what}" for _, everyone, what, fewest in shares if everyone),
    )


def _episodes(count: int) -> str:
    return "1 episode" if count == 1 else f"{count:,} episodes"


def note_what_results_rest_on(result: Outcome, *, file: str, problems: Problems) -> None:
    """Add the warnings that the results give."""
    if not result.episodes.num_rows:
        problems.add(NO_EPISODES, file)
    for count, what in (
        (result.not_found, "a row in beneficiaries"),
        (result.without_months, "any month of enrollment"),
    ):
        if count:
            found = f"{count:,} of {len(result.reason):,} episodes without {what}"
            problems.add(NOT_ENROLLED, file, column=what, found=found, count=count)
    small = [model for model in result.expected.models if model.basis is not Basis.REGRESSION]
    if small:
        problems.add(
            MODEL_TOO_SMALL,
            file,
            found="; ".join(
                f"{model.name}: {_episodes(model.episodes)}, used {model.basis.replace('_', ' ')}" for model in small
            ),
            expected=f"at least {result.construction.minimum_model_episodes:,} episodes in each model",
            count=len(small),
        )
    if result.national_mean is not None and result.construction.national_mean_dollars is None:
        problems.add(MEAN_OF_THE_DATA, file, found=f"{result.national_mean:,.2f} dollars")
