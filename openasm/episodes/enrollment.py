"""Step 6: what enrollment and the person say about each episode, and the standard exclusions."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from openasm.episodes.cutting import EPISODE
from openasm.episodes.days import EPOCH
from openasm.episodes.frames import PERSON, total
from openasm.tables.engine import Frame

AT_START = ("disabled_origin", "esrd", "institutional")
"""Flags of the month in which the episode begins."""


def enrollment_of_episodes(episodes: Frame, enrollment: Frame) -> Frame:
    """Enrollment around each episode that has any month of it.

    Returns episode, covered (months with Parts A and B from the lookback's first to the episode's last), any_part_c (0 or 1,
    the same months), drug_months (with Part D, from the episode's first month) and the flags of its first month (0 or 1).
    """
    months = enrollment.join(
        episodes.select(EPISODE, PERSON, "first_month", "start_month", "end_month"), on=PERSON, how="inner"
    ).filter((nw.col("month") >= nw.col("first_month")) & (nw.col("month") <= nw.col("end_month")))
    at_start = nw.col("month") == nw.col("start_month")
    return (
        months.with_columns(
            covered=(nw.col("part_a") & nw.col("part_b")).cast(nw.Int64),
            any_part_c=nw.col("part_c").cast(nw.Int64),
            drug_months=(nw.col("part_d") & (nw.col("month") >= nw.col("start_month"))).cast(nw.Int64),
            **{flag: (nw.col(flag) & at_start).cast(nw.Int64) for flag in AT_START},
        )
        .group_by(EPISODE)
        .agg(
            total("covered").alias("covered"),
            nw.col("any_part_c").max(),
            total("drug_months").alias("drug_months"),
            *(nw.col(flag).max() for flag in AT_START),
        )
    )


def judged_episodes(episodes: Frame, people: Frame, months: Frame, *, minimum_age: int, states: Sequence[str]) -> Frame:
    """Episodes with age at start, Part D in all months, flags and the first standard exclusion.

    months: of `enrollment_of_episodes`. Adds age (-1 unknown), part_d (bool), disabled_origin, esrd, institutional (0 or 1),
    standard_exclusion (null: none), not_found (1: no row in `beneficiaries`),
    without_months (1: no month of enrollment). As `plain.standard_exclusion`.
    """
    joined = (
        episodes.join(people.with_columns(found=nw.lit(1)), on=PERSON, how="left")
        .join(months.with_columns(enrolled=nw.lit(1)), on=EPISODE, how="left")
        .with_columns(
            *(nw.col(name).fill_null(0).cast(nw.Int64).alias(name) for name in ("covered", "any_part_c", *AT_START)),
            drug_months=nw.col("drug_months").fill_null(0),
            not_found=nw.when(nw.col("found").is_null()).then(nw.lit(1)).otherwise(nw.lit(0)),
            without_months=nw.when(nw.col("enrolled").is_null()).then(nw.lit(1)).otherwise(nw.lit(0)),
            # A date in place of a missing one keeps the arithmetic whole; the missing one is asked for first below.
            birth=nw.when(nw.col("birth_date").is_null()).then(nw.lit(EPOCH)).otherwise(nw.col("birth_date")),
            no_birth=nw.col("birth_date").is_null(),
        )
    )
    birth, start = nw.col("birth").dt, nw.col("start_date").dt
    before_birthday = (start.month() < birth.month()) | ((start.month() == birth.month()) & (start.day() < birth.day()))
    aged = joined.with_columns(
        age=nw.when(nw.col("no_birth"))
        .then(nw.lit(-1))
        .otherwise(
            start.year().cast(nw.Int64)
            - birth.year().cast(nw.Int64)
            - nw.when(before_birthday).then(nw.lit(1)).otherwise(nw.lit(0))
        )
        .cast(nw.Int64),
        part_d=nw.col("drug_months") == nw.col("end_month") - nw.col("start_month") + 1,
    )
    wanted = nw.col("end_month") - nw.col("first_month") + 1
    elsewhere = ~nw.col("county_fips").str.slice(0, 2).fill_null(states[0]).is_in(list(states))
    died = (nw.col("death_day") >= nw.col("start")) & (nw.col("death_day") <= nw.col("end"))
    reasons = (
        (nw.col("no_birth"), "no_birth_date"),
        (nw.col("age") < minimum_age, "under_age"),
        (nw.col("covered") < wanted, "not_in_parts_a_and_b"),
        (nw.col("any_part_c") == 1, "part_c"),
        (died.fill_null(False), "death"),
        (elsewhere, "residence"),
    )
    reason = nw.lit(None, dtype=nw.String())
    for applies, name in reversed(reasons):
        reason = nw.when(applies).then(nw.lit(name)).otherwise(reason)
    return aged.with_columns(standard_exclusion=reason).select(
        EPISODE, "age", "part_d", *AT_START, "standard_exclusion", "not_found", "without_months"
    )
