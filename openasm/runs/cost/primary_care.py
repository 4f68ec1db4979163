"""Primary care of ASM beneficiaries as files of a run: `patients/asm_beneficiaries.parquet`, `patients/primary_care.parquet`,
and, without patients, `scores/shared_beneficiaries.csv`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openasm.archive.tables import table_of, write_csv
from openasm.base.files import written_whole
from openasm.base.parameters import Rules
from openasm.base.problems import Problems
from openasm.clinical.screenings import recorded_screenings
from openasm.episodes.primary_care import AsmBeneficiary, Screening, shared_with
from openasm.runs.sharing.small_cells import is_small


def screenings_of_records(source: Path | None, *, year: int, rules: Rules) -> Mapping[str, Sequence[Screening]]:
    """Screenings of the year in the records by patient; none without records. What is wrong with files is said by the measures' reading."""
    if source is None:
        return {}
    found = recorded_screenings(source, rules["primary_care.screening_loinc"].texts, Problems())
    return {
        person: [Screening(day, "records", code, certain=True) for day, code in sorted(days) if day.year == year]
        for person, days in found.items()
    }


def write_primary_care(people: Sequence[AsmBeneficiary], out: Path) -> dict[str, int]:
    """Write the files; returns counts for the manifest."""
    folder = out / "patients"
    folder.mkdir(parents=True, mode=0o700)
    _write_parquet(folder / "asm_beneficiaries.parquet", _PERSON, [_person(each) for each in people])
    visits = [
        {"tin": each.tin, "beneficiary": each.beneficiary, "place": place, "primary_tin": one.tin}
        | {"primary_npi": one.npi, "visit_days": one.days, "last_visit": one.last}
        for each in people
        for place, one in enumerate(each.primary_care, start=1)
    ]
    _write_parquet(folder / "primary_care.parquet", _VISITS, visits)
    columns = ("tin", "primary_tin", "beneficiaries", "visit_days", "npis")
    rows = [
        (each.tin, each.primary_tin, each.beneficiaries, each.days, " ".join(each.npis))
        for each in shared_with(people)
        if not is_small(each.beneficiaries)  # no patient may be recognizable in `scores/`
    ]
    write_csv(out / "scores" / "shared_beneficiaries.csv", table_of(columns, rows))
    return {
        "asm_beneficiaries": len(people),
        "with_primary_care": sum(bool(each.primary_care) for each in people),
        "with_screening": sum(each.screening is not None and each.screening.certain for each in people),
    }


_PERSON: Mapping[str, str] = {
    "tin": "text",
    "beneficiary": "text",
    "cohorts": "text",
    "npis": "text",
    "last_seen": "day",
    "primary_tin": "text",
    "primary_npi": "text",
    "visit_days": "number",
    "last_visit": "day",
    "screened_on": "day",
    "screening_source": "text",
    "screening_code": "text",
    "screening_certain": "flag",
}
_VISITS: Mapping[str, str] = {
    "tin": "text",
    "beneficiary": "text",
    "place": "number",
    "primary_tin": "text",
    "primary_npi": "text",
    "visit_days": "number",
    "last_visit": "day",
}


def _person(each: AsmBeneficiary) -> dict[str, Any]:
    first = each.primary_care[0] if each.primary_care else None
    found = each.screening
    return {
        "tin": each.tin,
        "beneficiary": each.beneficiary,
        "cohorts": " ".join(each.cohorts),
        "npis": " ".join(each.npis),
        "last_seen": each.last_seen,
        "primary_tin": first and first.tin,
        "primary_npi": first and first.npi,
        "visit_days": first and first.days,
        "last_visit": first and first.last,
        "screened_on": found and found.day,
        "screening_source": found and found.source,
        "screening_code": found and found.code,
        "screening_certain": None if found is None else found.certain,
    }


def _write_parquet(path: Path, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    import pyarrow as pa  # heavy: loaded only here
    import pyarrow.parquet as pq

    kinds = {"text": pa.string(), "day": pa.date32(), "number": pa.int64(), "flag": pa.bool_()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
    table = pa.Table.from_pydict({name: [row[name] for row in rows] for name in columns}, schema=schema)
    with written_whole(path, "wb", private=True) as stream:
        pq.write_table(table, stream, compression="zstd", row_group_size=122_880)
