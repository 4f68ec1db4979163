"""Step 7a: condition categories of each episode, from the diagnoses of the days before it."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from openasm.episodes.cutting import EPISODE
from openasm.episodes.frames import CLAIM, PERSON, small_table
from openasm.episodes.hcc import ConditionCategories
from openasm.tables.engine import Engine, Frame


def episode_categories(
    lines: Frame,
    diagnoses: Frame,
    claims: Frame,
    episodes: Frame,
    *,
    categories: ConditionCategories,
    lookback_days: int,
    settings: Sequence[str],
    engine: Engine,
) -> Frame:
    """Condition categories, before hierarchies, of claims whose first day lies in the lookback: episode, category.

    lines, diagnoses, claims: of the beneficiaries with episodes. Hierarchies and interactions follow in the risk model.
    """
    rows = [(code, number) for code, numbers in categories.of_diagnosis.items() for number in numbers]
    table = small_table(engine, {"code": str, "category": int}, rows)
    timed = (
        claims.filter(nw.col("setting").is_in(list(settings)))
        .join(episodes.select(EPISODE, PERSON, "start"), on=PERSON, how="inner")
        .filter((nw.col("day") >= nw.col("start") - lookback_days) & (nw.col("day") < nw.col("start")))
        .select(EPISODE, *CLAIM)
    )
    coded = nw.concat(
        [
            diagnoses.select(*CLAIM, "code"),
            lines.filter(~nw.col("line_diagnosis").is_null()).select(*CLAIM, nw.col("line_diagnosis").alias("code")),
        ],
        how="vertical",
    )
    return (
        coded.join(table, on="code", how="inner")
        .join(timed, on=CLAIM, how="inner")
        .select(EPISODE, "category")
        .unique()
    )
