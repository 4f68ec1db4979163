"""Step 5: the services a workbook rule takes, and the costs of episodes.

A service is a line, or a whole claim of a setting that is paid by the claim (by its first day, with its whole cost). The
first rule in workbook order that takes it gives its category. Without windows, which rule that is does not depend on the
episode, so it is found once and the services are then laid over the episodes. With them it is found once for each window,
and among these the first whose window has the service is chosen in each episode.
"""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from openasm.claims.contract import WHOLE_CLAIM_SETTINGS
from openasm.episodes.cutting import EPISODE
from openasm.episodes.frames import CLAIM, FAR, PERSON, small_table, total
from openasm.episodes.specifications.codes_list import WHOLE_EPISODE, DiagnosisCondition, ServiceRule
from openasm.tables.engine import Engine, Frame

SERVICE = [*CLAIM, "place", "setting"]
WINDOW = ("window_first", "window_last")
"""Columns of services: first and last day, from the episode's first, on which their rule takes them."""
WHOLE_CLAIM = -1  # the place of a service that is a whole claim; lines are numbered from 0


def assigned_services(lines: Frame, diagnoses: Frame, rules: Sequence[ServiceRule], engine: Engine) -> Frame:
    """Services with the first rule that takes them: beneficiary, claim_id, place, setting, day, cents, rule (its order).

    When any rule has a window, the first of each window is told, with the columns of `WINDOW`.

    lines, diagnoses: of the beneficiaries with episodes. As `plain.assigned_services`.
    """
    conditions = sorted({rule.condition for rule in rules if not rule.condition.is_free}, key=repr)
    number = {condition: place for place, condition in enumerate(conditions, start=1)}
    whole = nw.col("setting").is_in(list(WHOLE_CLAIM_SETTINGS))
    placed = lines.filter(
        nw.col("setting").is_in(sorted({each for rule in rules for each in rule.settings}))
    ).with_columns(place=nw.when(whole).then(nw.lit(WHOLE_CLAIM)).otherwise(nw.col("line")).cast(nw.Int64))
    hits = engine.held(_code_hits(placed, rules, number, engine))
    taken = [hits.filter(nw.col("condition") == 0)]
    if conditions:
        table = _condition_table(conditions, number, engine)
        barred = _barred_table(conditions, number, engine)
        by_header = _meeting(diagnoses.select(*CLAIM, "code"), table, barred, CLAIM)
        by_line = _meeting(
            placed.filter(~nw.col("line_diagnosis").is_null()).select(
                *CLAIM, "place", nw.col("line_diagnosis").alias("code")
            ),
            table,
            barred,
            [*CLAIM, "place"],
        )
        asking = hits.filter(nw.col("condition") > 0)
        taken.append(asking.join(by_header, on=[*CLAIM, "condition"], how="semi"))
        taken.append(asking.join(by_line, on=[*CLAIM, "place", "condition"], how="semi"))
    asked = nw.concat([each.select(*SERVICE, "rule") for each in taken], how="vertical")
    columns = []
    if any(rule.window != WHOLE_EPISODE for rule in rules):
        columns = list(WINDOW)
        asked = asked.join(_window_table(rules, engine), on="rule", how="inner")
    first_rule = asked.group_by(*SERVICE, *columns).agg(nw.col("rule").min())
    amounts = (
        placed.join(first_rule.select(*CLAIM).unique(), on=CLAIM, how="semi")
        .group_by(*SERVICE)
        .agg(nw.col("day").min(), total("cost_cents").alias("cents"))
    )
    return amounts.join(first_rule, on=SERVICE, how="inner").select(*SERVICE, "day", "cents", "rule", *columns)


def _window_table(rules: Sequence[ServiceRule], engine: Engine) -> Frame:
    """Each rule's window, as days from the episode's first."""
    rows = [
        (rule.order, rule.window.first_day, FAR if rule.window.last_day is None else rule.window.last_day)
        for rule in rules
    ]
    return small_table(engine, dict.fromkeys(("rule", *WINDOW), int), rows)


def _code_hits(
    placed: Frame, rules: Sequence[ServiceRule], number: dict[DiagnosisCondition, int], engine: Engine
) -> Frame:
    """Services and the rules whose setting and code they meet, with the number of the rule's diagnosis condition (0: none)."""
    parts: list[Frame] = []
    for kind in sorted({rule.kind for rule in rules if rule.code}):
        rows = [
            (setting, rule.code, rule.order, number.get(rule.condition, 0))
            for rule in rules
            if rule.kind is kind and rule.code
            for setting in rule.settings
        ]
        table = small_table(engine, {"setting": str, "the_code": str, "rule": int, "condition": int}, rows)
        coded = placed.filter(~nw.col(kind.value).is_null()).select(*SERVICE, nw.col(kind.value).alias("the_code"))
        parts.append(coded.join(table, on=["setting", "the_code"], how="inner"))
    anything = [
        (setting, rule.order, number.get(rule.condition, 0))
        for rule in rules
        if not rule.code
        for setting in rule.settings
    ]
    if anything or not parts:
        table = small_table(engine, {"setting": str, "rule": int, "condition": int}, anything)
        parts.append(placed.select(*SERVICE).join(table, on="setting", how="inner"))
    return nw.concat([part.select(*SERVICE, "rule", "condition") for part in parts], how="vertical")


def _condition_table(
    conditions: Sequence[DiagnosisCondition], number: dict[DiagnosisCondition, int], engine: Engine
) -> dict[int, Frame]:
    """Conditions by the length of the beginning they ask for (0: any diagnosis)."""
    by_length: dict[int, list[tuple[str, str, int]]] = {}
    for condition in conditions:
        beginning = condition.listed if condition.listed.startswith(condition.category) else condition.category
        row = (beginning, condition.listed, number[condition])
        by_length.setdefault(len(beginning), []).append(row)
    columns = {"beginning": str, "listed": str, "condition": int}
    return {length: small_table(engine, columns, rows) for length, rows in sorted(by_length.items())}


def _barred_table(
    conditions: Sequence[DiagnosisCondition], number: dict[DiagnosisCondition, int], engine: Engine
) -> Frame | None:
    """Conditions and the codes that do not meet them; None when no condition bars any."""
    rows = [(number[condition], code) for condition in conditions for code in condition.barred]
    return small_table(engine, {"condition": int, "code": str}, rows) if rows else None


def _meeting(coded: Frame, table: dict[int, Frame], barred: Frame | None, key: Sequence[str]) -> Frame:
    """Keys of `coded` and the conditions that one of their diagnoses (`code`) meets; may repeat."""
    parts: list[Frame] = []
    for length, rows in table.items():
        if length:
            beginnings = coded.with_columns(beginning=nw.col("code").str.slice(0, length))
        else:
            beginnings = coded.with_columns(beginning=nw.lit(""))
        met = beginnings.join(rows, on="beginning", how="inner").filter(
            (nw.col("listed") == "") | (nw.col("listed") == nw.col("code"))
        )
        if barred is not None:
            met = met.join(barred, on=["condition", "code"], how="anti")
        parts.append(met.select(*key, "condition"))
    return nw.concat(parts, how="vertical")


def services_in_episodes(services: Frame, episodes: Frame) -> Frame:
    """Services laid over the episodes in whose windows their day lies: episode and the columns of `services`."""
    over = services.join(episodes.select(EPISODE, PERSON, "start", "end"), on=PERSON, how="inner")
    if WINDOW[0] not in services.collect_schema().names():
        return over.filter((nw.col("day") >= nw.col("start")) & (nw.col("day") <= nw.col("end"))).select(
            EPISODE, *SERVICE, "day", "cents", "rule"
        )
    first, last = nw.col("start") + nw.col(WINDOW[0]), nw.col("start") + nw.col(WINDOW[1])
    return (
        over.filter((nw.col("day") >= first) & (nw.col("day") <= last) & (nw.col("day") <= nw.col("end")))
        .group_by(EPISODE, *SERVICE, "day", "cents")
        .agg(nw.col("rule").min())
    )


def episode_costs(inside: Frame, rules: Sequence[ServiceRule], engine: Engine) -> Frame:
    """Services and cents of each episode by category and setting: episode, category, setting, lines, cents."""
    categories = small_table(engine, {"rule": int, "category": str}, [(rule.order, rule.category) for rule in rules])
    return (
        inside.join(categories, on="rule", how="inner")
        .group_by(EPISODE, "category", "setting")
        .agg(nw.len().cast(nw.Int64).alias("lines"), total("cents").alias("cents"))
    )
