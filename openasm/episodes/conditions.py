"""Conditions of the workbook's details sheets: which episodes an exclusion, a sub-group or a risk variable holds for.

A condition holds when one claim carries all its codes at the time it names. Claims are reduced to the few codes that any
condition asks for before anything is joined.
"""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from openasm.episodes.cutting import EPISODE
from openasm.episodes.frames import CLAIM, PERSON, small_table
from openasm.episodes.specifications.lists import CodeKind, Condition
from openasm.tables.engine import Engine, Frame


def near_claims(lines: Frame) -> Frame:
    """Claims with their first day: beneficiary, claim_id, setting, day."""
    return lines.group_by(*CLAIM, "setting").agg(nw.col("day").min())


def conditions_holding(
    lines: Frame,
    diagnoses: Frame,
    claims: Frame,
    episodes: Frame,
    *,
    conditions: Sequence[tuple[str, Condition]],
    engine: Engine,
) -> Frame:
    """Purpose and name of every condition that holds for an episode: episode, purpose, name.

    lines, diagnoses, claims: of the beneficiaries with episodes; conditions: pairs of what the condition is for (`exclusion`,
    `subgroup`, `risk`) and the condition. As `plain.names_holding`.
    """
    atoms = _Atoms(conditions)
    carried = engine.held(atoms.carried(lines, diagnoses, engine))
    parts: list[Frame] = []
    single = atoms.wanted(joint=False)
    if single:
        table = small_table(engine, {"atom": int, "row": int}, [(atom, row) for row, atom, _ in single])
        parts.append(carried.join(table, on="atom", how="inner").select(*CLAIM, "row"))
    joint = atoms.wanted(joint=True)
    if joint:
        columns = {"row": int, "atom": int, "needed": int}
        table = small_table(engine, columns, joint)
        counted = (
            carried.join(table, on="atom", how="inner")
            .group_by(*CLAIM, "row", "needed")
            .agg(nw.len().cast(nw.Int64).alias("there"))
        )
        parts.append(counted.filter(nw.col("there") == nw.col("needed")).select(*CLAIM, "row"))
    rows = [
        (row, setting, purpose, condition.name, -1 if condition.days_before is None else condition.days_before)
        for row, (purpose, condition) in enumerate(conditions)
        for setting in condition.settings
    ]
    columns_of_rows = {"row": int, "setting": str, "purpose": str, "name": str, "days_before": int}
    details = small_table(engine, columns_of_rows, rows)
    holding = nw.concat(parts or [carried.select(*CLAIM, nw.col("atom").alias("row")).filter(nw.col("row") < 0)])
    timed = (
        holding.join(claims, on=CLAIM, how="inner")
        .join(details, on=["row", "setting"], how="inner")
        .join(episodes.select(EPISODE, PERSON, "start", "end"), on=PERSON, how="inner")
    )
    within = (nw.col("days_before") < 0) & (nw.col("day") >= nw.col("start")) & (nw.col("day") <= nw.col("end"))
    ahead = (
        (nw.col("days_before") >= 0)
        & (nw.col("day") >= nw.col("start") - nw.col("days_before"))
        & (nw.col("day") < nw.col("start"))
    )
    return timed.filter(within | ahead).select(EPISODE, "purpose", "name").unique()


class _Atoms:
    """The single codes behind the conditions, each numbered once; first-position diagnoses are atoms of their own."""

    def __init__(self, conditions: Sequence[tuple[str, Condition]]) -> None:
        self.numbers: dict[tuple[str, str], int] = {}
        self.rows: list[tuple[int, int, int]] = []
        for row, (_, condition) in enumerate(conditions):
            for kind, code in condition.codes:
                first = kind is CodeKind.DIAGNOSIS and condition.first_position
                atom = self.numbers.setdefault(("first" if first else kind.value, code), len(self.numbers))
                self.rows.append((row, atom, len(condition.codes)))

    def wanted(self, *, joint: bool) -> list[tuple[int, int, int]]:
        """Row, atom and number of atoms of the rows with one code, or with several."""
        return [each for each in self.rows if (each[2] > 1) is joint]

    def carried(self, lines: Frame, diagnoses: Frame, engine: Engine) -> Frame:
        """Which claims carry which atoms, each pair once: beneficiary, claim_id, atom."""
        kinds = sorted({kind for kind, _ in self.numbers})
        parts: list[Frame] = []
        for kind in kinds:
            codes = [(code, atom) for (own, code), atom in self.numbers.items() if own == kind]
            table = small_table(engine, {"code": str, "atom": int}, codes)
            if kind == "first":
                sources = [diagnoses.filter(nw.col("position") == 1).select(*CLAIM, "code")]
            elif kind == CodeKind.DIAGNOSIS.value:
                sources = [diagnoses.select(*CLAIM, "code"), _codes_of(lines, "line_diagnosis")]
            else:
                sources = [_codes_of(lines, kind)]
            parts += [source.join(table, on="code", how="inner").select(*CLAIM, "atom") for source in sources]
        if not parts:
            table = small_table(engine, {"code": str, "atom": int}, [])
            parts = [diagnoses.select(*CLAIM, "code").join(table, on="code", how="inner").select(*CLAIM, "atom")]
        return nw.concat(parts, how="vertical").unique()


def _codes_of(lines: Frame, column: str) -> Frame:
    return lines.filter(~nw.col(column).is_null()).select(*CLAIM, nw.col(column).alias("code"))
