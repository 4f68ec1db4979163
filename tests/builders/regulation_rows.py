"""Short ways of writing the regulation's inputs in tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np

from openasm.base.parameters import Rules
from openasm.regulation.attestations import AttestationRow, Attestations, attestations_of
from openasm.regulation.quality import COLLECTION_TYPES, QualityRows, measures_of
from openasm.regulation.ratios import Ratios

TIN = "001234567"


def quality_rows(rows: Iterable[Mapping[str, object]], *, cohort: str, rules: Rules) -> QualityRows:
    """Rows as mappings: who, measure; type `ecqm`, tin False, eligible = met + not_met, counts 0, rate None unless given."""
    listed = list(rows)
    measures = measures_of(cohort, rules)

    def count(row: Mapping[str, object], name: str) -> int:
        return int(str(row.get(name, 0)))

    def column(name: str) -> np.ndarray:
        return np.array([count(row, name) for row in listed], dtype=np.int64)

    eligible = [
        count(row, "eligible") if "eligible" in row else sum(count(row, name) for name in ("met", "not_met"))
        for row in listed
    ]
    return QualityRows(
        participant=column("who"),
        measure=np.array([measures.index(str(row["measure"])) for row in listed], dtype=np.int64),
        collection_type=np.array(
            [COLLECTION_TYPES.index(str(row.get("type", "ecqm"))) for row in listed], dtype=np.int64
        ),
        tin_level=np.array([bool(row.get("tin", False)) for row in listed], dtype=np.bool_),
        eligible=np.array(eligible, dtype=np.int64),
        met=column("met"),
        not_met=column("not_met"),
        exclusions=column("exclusions"),
        exceptions=column("exceptions"),
        claims_rate=Ratios.of_fractions(
            None if row.get("rate") is None else Fraction(str(row["rate"])) for row in listed
        ),
    )


FULL_PI: dict[str, str | tuple[int, int]] = {
    "PI_EP_1": (100, 100),
    "PI_EP_2": "yes",
    "PI_HIE_1": (100, 100),
    "PI_HIE_4": (100, 100),
    "PI_PEA_1": (100, 100),
    "PI_PHCDRR_1": "yes",
    "PI_PHCDRR_3": "yes",
    "PI_PPHI_1": "yes",
    "PI_PPHI_2": "yes",
    "PI_INFBLO_1": "yes",
    "PI_ONCDIR_1": "yes",
}


def attested(
    items: Mapping[str, str | tuple[int, int]], *, technology: str | None = "yes", days: int = 180, tin: str = TIN
) -> Attestations:
    """One TIN's attestations: item -> answer or (numerator, denominator), with certified technology over some days."""
    rows = [
        AttestationRow(tin, item, None, *value) if isinstance(value, tuple) else AttestationRow(tin, item, value)
        for item, value in items.items()
    ]
    if technology is not None:
        start = dt.date(2027, 1, 1)
        rows.append(AttestationRow(tin, "CEHRT", technology, None, None, start, start + dt.timedelta(days - 1)))
    return attestations_of(rows, [tin])
