"""What the claims see of the patients' care, and what that does to the measure: warnings, never refusals."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import narwhals as nw

from openasm.base.problems import Problems, Severity, declare
from openasm.claims.folder import Claims
from openasm.episodes.chain import Chain
from openasm.episodes.frames import total
from openasm.episodes.outcome import Outcome
from openasm.episodes.regression import Basis
from openasm.episodes.specifications.construction import Construction
from openasm.episodes.specifications.lists import CodesList
from openasm.tables.engine import Engine

ONE_TIN_SHARE = 0.9
"""Share of the professional lines with a TIN from which one TIN is taken as the only one whose claims are there."""

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
ONE_TIN = declare(
    "E021",
    "nearly all professional lines come from one TIN; the claims seem to be a practice's own and miss what others did",
    expected="the patients' claims from all practices",
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
    "the claims do not cover the year's episodes whole; episodes are missing or lack their lookback",
    expected="claims from two years before the year's end, and to its end",
    next_step="Load more months; until then read results as preliminary.",
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
    "a model has too few episodes for a regression of its own; its costs are not adjusted for risk by the data",
    expected="at least `minimum_model_episodes` episodes in the model",
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


@dataclass(frozen=True, slots=True)
class Seen:
    """What the claims hold.

    settings, bases: lines by setting and by what their cost is; one_tin: largest TIN's share; incomplete: lines without a day,
    a setting or a cost.
    """

    settings: dict[str, int]
    bases: dict[str, int]
    one_tin: float | None
    incomplete: int


def seen_in(claims: Claims, chain: Chain, engine: Engine) -> Seen:
    """Count lines by setting and cost basis in all claims, and by TIN in those of patients with an episode."""
    lacking = nw.col("from_date").is_null() | nw.col("setting").is_null() | nw.col("cost_cents").is_null()
    counted = engine.to_arrow(
        claims.claim_lines.with_columns(lacking=lacking.cast(nw.Int64))
        .group_by("setting", "cost_basis")
        .agg(nw.len().cast(nw.Int64).alias("lines"), total("lacking").alias("lacking"))
    )
    settings: dict[str, int] = {}
    bases: dict[str, int] = {}
    for row in counted.to_pylist():
        setting, basis = row["setting"] or "unknown", row["cost_basis"] or "unknown"
        settings[setting] = settings.get(setting, 0) + row["lines"]
        bases[basis] = bases.get(basis, 0) + row["lines"]
    by_tin = engine.to_arrow(
        engine.read_parquet(chain.path("lines"))
        .filter((nw.col("setting") == "professional") & ~nw.col("tin").is_null())
        .group_by("tin")
        .agg(nw.len().cast(nw.Int64).alias("lines"))
    )["lines"].to_pylist()
    return Seen(
        settings=dict(sorted(settings.items())),
        bases=dict(sorted(bases.items())),
        one_tin=max(by_tin) / sum(by_tin) if by_tin else None,
        incomplete=sum(counted["lacking"].to_pylist()),
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
    if seen.one_tin is not None and seen.one_tin >= ONE_TIN_SHARE:
        problems.add(ONE_TIN, file, found=f"{seen.one_tin:.0%} of the lines")
    earliest = dt.date(year, 1, 1) - dt.timedelta(days=construction.episode_days + construction.lookback_days - 1)
    if claims.data_start > earliest or claims.data_end < dt.date(year, 12, 31):
        problems.add(
            COVERS_TOO_LITTLE,
            file,
            found=f"claims from {claims.data_start} to {claims.data_end}",
            expected=f"claims from {earliest} to {year}-12-31",
        )
    if set(seen.bases) - {"standardized"}:
        found = ", ".join(f"{basis}: {lines:,} lines" for basis, lines in seen.bases.items())
        problems.add(COST_BASIS, file, found=found)


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
    for model in result.expected.models:
        if model.basis is not Basis.REGRESSION:
            problems.add(
                MODEL_TOO_SMALL, file, column=model.name, found=f"{model.episodes:,} episodes; used {model.basis}"
            )
    if result.national_mean is not None and result.construction.national_mean_dollars is None:
        problems.add(MEAN_OF_THE_DATA, file, found=f"{result.national_mean:,.2f} dollars")
