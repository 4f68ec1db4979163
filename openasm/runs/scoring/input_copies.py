"""The rows a run was made from, kept inside the run: sorted, in one spelling, without any patient."""

from __future__ import annotations

from fractions import Fraction

from openasm.archive.tables import Cell, Table, table_of
from openasm.runs.scoring.inputs import (
    ATTESTATION_COLUMNS,
    COST_COLUMNS,
    PARTICIPANT_COLUMNS,
    QUALITY_COLUMNS,
    ScoreInputs,
)


def input_tables(inputs: ScoreInputs) -> dict[str, Table]:
    """The four tables as `inputs/NAME`; scoring them again gives the same scores."""
    tables = (
        ("participants", PARTICIPANT_COLUMNS, inputs.participants),
        ("quality", QUALITY_COLUMNS, inputs.quality),
        ("cost", COST_COLUMNS, inputs.cost),
        ("attestations", ATTESTATION_COLUMNS, inputs.attestations),
    )
    copies = {}
    for name, columns, records in tables:
        names = [column.name for column in columns]
        copies[f"inputs/{name}"] = table_of(
            names, ([_cell(getattr(record, each)) for each in names] for record in records)
        )
    return copies


def _cell(value: object) -> Cell:
    if isinstance(value, str | int | None):
        return value
    return decimal_text(value) if isinstance(value, Fraction) else str(value)


def decimal_text(value: Fraction) -> str:
    """A number that came from decimal text, written as decimals again, exactly.

    >>> decimal_text(Fraction(12345, 100)), decimal_text(Fraction(7)), decimal_text(Fraction(-1, 20))
    ('123.45', '7', '-0.05')
    """
    places, scale = 0, 1
    while scale % value.denominator:
        places, scale = places + 1, scale * 10
    digits = str(abs(value.numerator) * (scale // value.denominator)).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)
