"""The Tuva input layer (`medical_claim`, `pharmacy_claim`, `eligibility`) to the four claims tables.

Columns used, as the input layer names them (version 0.18; anything else there is ignored):

- medical_claim: claim_id, claim_line_number, claim_type, person_id, claim_start_date, claim_end_date,
  claim_line_start_date, claim_line_end_date, place_of_service_code, bill_type_code, drg_code, revenue_center_code, hcpcs_code,
  hcpcs_modifier_1 to 5, rendering_npi, rendering_tin, billing_tin, paid_amount, allowed_amount, diagnosis_code_type,
  diagnosis_code_1 to 25;
- pharmacy_claim: claim_id, claim_line_number, person_id, prescribing_provider_npi, dispensing_date, ndc_code, paid_amount,
  allowed_amount;
- eligibility: person_id, birth_date, death_date, gender, enrollment_start_date, enrollment_end_date, zip_code,
  dual_status_code, medicare_status_code, original_reason_entitlement_code, payer_type.

What it cannot give: specialty, line diagnosis (the first header diagnosis stands in), service ZIP, county, Parts C and D.
The layer expects final-action claims: cancellations are not looked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from openasm.base.problems import Problems, Severity, declare
from openasm.claims.accounting import Account, counted
from openasm.claims.covered import Days, make_covered
from openasm.claims.sources.delivery import Delivery, hash_beside
from openasm.claims.sources.plain import SEXES
from openasm.claims.sources.tabular import (
    TABLE_FILE_MISSING,
    TableFile,
    Value,
    cents,
    check_columns,
    check_key,
    check_values,
    code,
    date,
    find_table,
    integer,
    open_table,
    plain_text,
    text,
    word,
)
from openasm.tables.duckdb_engine import DuckDbEngine

NOT_MEDICARE_SETTING = declare(
    "C309",
    "claims of a type other than professional or institutional were left out",
    expected="claim_type professional or institutional",
    next_step="Nothing needs doing for dental and vision claims; others should be given a type.",
    severity=Severity.WARNING,
)

_DIAGNOSIS = "[A-Z][0-9][0-9A-Z]{1,5}"
_MEDICAL_NEEDED = ("claim_id", "claim_line_number", "claim_type", "person_id", "claim_start_date", "paid_amount")
_MEDICAL_KNOWN = (
    *_MEDICAL_NEEDED,
    *("claim_end_date", "claim_line_start_date", "claim_line_end_date", "place_of_service_code", "bill_type_code"),
    *("drg_code", "revenue_center_code", "hcpcs_code", "rendering_npi", "rendering_tin", "billing_tin"),
    *("allowed_amount", "diagnosis_code_type", *(f"hcpcs_modifier_{place}" for place in range(1, 6))),
    *(f"diagnosis_code_{place}" for place in range(1, 26)),
)
_PHARMACY_NEEDED = ("claim_id", "claim_line_number", "person_id", "dispensing_date", "ndc_code", "paid_amount")
_PHARMACY_KNOWN = (*_PHARMACY_NEEDED, "prescribing_provider_npi", "allowed_amount")
_ELIGIBILITY_NEEDED = ("person_id", "birth_date", "gender", "enrollment_start_date", "enrollment_end_date")
_ELIGIBILITY_KNOWN = (
    *_ELIGIBILITY_NEEDED,
    *("death_date", "zip_code", "dual_status_code", "medicare_status_code", "original_reason_entitlement_code"),
)

_SETTING = """
    CASE WHEN claim_type = 'professional' THEN 'professional'
         WHEN bill_type_code[1:2] IN ('11', '41') THEN 'inpatient'
         WHEN bill_type_code[1:2] IN ('18', '21', '28') THEN 'snf'
         WHEN bill_type_code[1:2] IN ('32', '33') THEN 'home_health'
         WHEN bill_type_code[1:2] IN ('81', '82') THEN 'hospice'
         ELSE 'outpatient' END
"""
NOTES = (
    "The Tuva input layer has no specialty codes and no line diagnoses: specialty is empty, a line points to the claim's first diagnosis.",
    "It has no county of residence and says nothing about Parts C and D.",
)


def load_tuva(engine: DuckDbEngine, sources: Sequence[Path], *, stated: Days | None = None) -> Delivery:
    """Read the three tables from files or folders; problems as in `load_plain`. pharmacy_claim may be absent.

    stated: days covered that the user gave.
    """
    problems = Problems()
    accounts = {name: Account(name, 0) for name in ("medical_claim", "pharmacy_claim", "eligibility")}
    inputs = []
    medical: list[tuple[TableFile, dict[str, Value]]] = []
    for name, needed, known in (
        ("medical_claim", _MEDICAL_NEEDED, _MEDICAL_KNOWN),
        ("pharmacy_claim", _PHARMACY_NEEDED, _PHARMACY_KNOWN),
        ("eligibility", _ELIGIBILITY_NEEDED, _ELIGIBILITY_KNOWN),
    ):
        files = find_table(sources, name)
        if not files and name != "pharmacy_claim":
            problems.add(TABLE_FILE_MISSING, name)
        inputs += files
        parts: list[tuple[TableFile, dict[str, Value]]] = []
        for file in open_table(engine, name, files, problems):
            # The input layer has many more columns than are used here; they are no surprise and not named.
            file.columns = {column: kind for column, kind in file.columns.items() if column in known}
            check_columns(file, needed, known, problems)
            values = {column: _value(column, file.columns[column]) for column in known if column in file.columns}
            check_values(engine, file, values, accounts[name], problems)
            parts.append((file, values))
        selected = [_selected(file, values, known) for file, values in parts]
        nothing = f"SELECT {', '.join(f'NULL AS {column}' for column in known)} WHERE false"
        if not problems.errors:
            engine.execute(
                f"CREATE OR REPLACE TEMP TABLE tuva_{name} AS {' UNION ALL BY NAME '.join(selected) or nothing}"
            )
        if name == "medical_claim":
            medical = parts
            whole = "" if problems.errors else "SELECT * FROM tuva_medical_claim"
            check_key(engine, parts, ("person_id", "claim_id", "claim_line_number"), problems, whole=whole)
    problems.refuse_errors()
    if engine.execute(f"SELECT 1 FROM tuva_medical_claim WHERE claim_type NOT IN {_TYPES} LIMIT 1"):
        for file, values in medical:
            where = f"{values['claim_type'].value} NOT IN {_TYPES}"
            other = int(engine.execute(f"SELECT count(*) FROM {file.view} WHERE {where}")[0][0])
            if other:
                accounts["medical_claim"].drop("claim type without a setting here", other)
                problems.add(NOT_MEDICARE_SETTING, file.path.name, found=counted(other, "row"), count=other)
    for account in accounts.values():
        account.kept = account.records - sum(account.dropped.values())
    queries = _queries()
    make_covered(engine, f"SELECT from_date FROM ({queries['claim_lines']})", stated)
    tables = {name: engine.sql(query) for name, query in queries.items()}
    return Delivery(tables, problems, list(accounts.values()), hash_beside(inputs), list(NOTES))


_TYPES = "('professional', 'institutional')"


def _selected(file: TableFile, values: Mapping[str, Value], known: Sequence[str]) -> str:
    shown = (f"{values[column].value} AS {column}" if column in values else f"NULL AS {column}" for column in known)
    return f"SELECT {', '.join(shown)} FROM {file.view}"


def _value(column: str, kind: str) -> Value:
    required = column in (
        "claim_id",
        "person_id",
        "claim_type",
        "claim_start_date",
        "dispensing_date",
        "claim_line_number",
    )
    if column.endswith("_date"):
        return date(column, kind, required=required)
    if column.endswith("_amount"):
        return cents(column)
    if column == "claim_line_number":
        return integer(column, kind, required=True, low=0)
    if column == "gender":
        return word(column, SEXES)
    if column.startswith("diagnosis_code_") and column != "diagnosis_code_type":
        return code(column, _DIAGNOSIS, f"replace(upper({text(column)}), '.', '')")
    if column == "hcpcs_code":
        return code(column, "[0-9A-Z]{5}")
    if column.startswith("hcpcs_modifier") or column == "place_of_service_code":
        return code(column, "[0-9A-Z]{2}")
    if column in ("rendering_tin", "billing_tin"):
        return code(column, "[0-9]{9}", f"replace({text(column)}, '-', '')")
    if column == "zip_code":
        return code(column, "[0-9]{5}", f"{text(column)}[1:5]")
    if column == "ndc_code":
        return code(column, "[0-9A-Z]{11}", f"replace(upper({text(column)}), '-', '')")
    if column == "revenue_center_code":
        return code(column, "[0-9A-Z]{4}", f"lpad(upper({text(column)}), 4, '0')")
    if column == "drg_code":
        return code(column, "[0-9A-Z]{3}", f"lpad(upper({text(column)}), 3, '0')")
    if column == "bill_type_code":
        # Some exports carry the leading zero of the four-digit form.
        return Value(f"ltrim({text(column)}, '0')")
    if column == "claim_type":
        return Value(f"lower({text(column)})", absent=f"{text(column)} IS NULL")
    return plain_text(column, required=required)


def _queries() -> dict[str, str]:
    modifiers = ", ".join(f"hcpcs_modifier_{place}" for place in range(1, 6))
    places = ", ".join(str(place) for place in range(1, 26))
    listed = ", ".join(f"d{place}" for place in range(1, 26))
    firsts = ", ".join(f"min(diagnosis_code_{place}) AS d{place}" for place in range(1, 26))
    medical = f"(SELECT *, {_SETTING} AS setting FROM tuva_medical_claim WHERE claim_type IN {_TYPES})"
    return {
        "claim_lines": f"""
            SELECT person_id AS beneficiary, claim_id, claim_line_number AS line, setting,
                   CASE WHEN setting IN ('professional', 'outpatient') THEN coalesce(claim_line_start_date, claim_start_date)
                        ELSE claim_start_date END AS from_date,
                   greatest(
                       CASE WHEN setting IN ('professional', 'outpatient')
                            THEN coalesce(claim_line_start_date, claim_start_date) ELSE claim_start_date END,
                       CASE WHEN setting IN ('professional', 'outpatient')
                            THEN coalesce(claim_line_end_date, claim_line_start_date, claim_end_date, claim_start_date)
                            ELSE coalesce(claim_end_date, claim_start_date) END
                   ) AS thru_date,
                   hcpcs_code AS hcpcs, nullif(concat_ws(' ', {modifiers}), '') AS modifiers,
                   CASE WHEN setting = 'professional' THEN diagnosis_code_1 END AS line_diagnosis,
                   place_of_service_code AS place_of_service, NULL::VARCHAR AS specialty, rendering_npi AS npi,
                   CASE WHEN setting = 'professional' THEN coalesce(billing_tin, rendering_tin) END AS tin,
                   NULL::VARCHAR AS service_zip, CASE WHEN setting = 'inpatient' THEN drg_code END AS drg,
                   revenue_center_code AS revenue_center, NULL::VARCHAR AS ndc, allowed_amount AS allowed_cents,
                   paid_amount AS paid_cents, coalesce(allowed_amount, paid_amount, 0) AS cost_cents,
                   CASE WHEN allowed_amount IS NULL THEN 'paid' ELSE 'allowed' END AS cost_basis
            FROM {medical}
            UNION ALL
            SELECT person_id, claim_id, claim_line_number, 'drug', dispensing_date, dispensing_date, NULL, NULL, NULL, NULL,
                   NULL, prescribing_provider_npi, NULL, NULL, NULL, NULL, ndc_code, allowed_amount, paid_amount,
                   coalesce(allowed_amount, paid_amount, 0), CASE WHEN allowed_amount IS NULL THEN 'paid' ELSE 'allowed' END
            FROM tuva_pharmacy_claim
        """,
        "claim_diagnoses": f"""
            SELECT beneficiary, claim_id, position, code FROM (
                SELECT person_id AS beneficiary, claim_id, unnest([{places}])::BIGINT AS position, unnest([{listed}]) AS code
                FROM (
                    SELECT person_id, claim_id, {firsts} FROM {medical}
                    WHERE coalesce(lower(diagnosis_code_type), 'icd-10-cm') = 'icd-10-cm'
                    GROUP BY person_id, claim_id
                )
            ) WHERE code IS NOT NULL
        """,
        "enrollment": """
            SELECT beneficiary, month, true AS part_a, true AS part_b, NULL::BOOLEAN AS part_c, NULL::BOOLEAN AS part_d,
                   bool_or(status IN ('11', '21', '31')) AS esrd,
                   bool_or(dual IN ('01', '02', '03', '04', '05', '06', '08')) AS dual,
                   bool_or(origin IN ('1', '3')) AS disabled_origin, NULL::BOOLEAN AS institutional
            FROM (
                SELECT person_id AS beneficiary, medicare_status_code AS status, lpad(dual_status_code, 2, '0') AS dual,
                       original_reason_entitlement_code AS origin,
                       unnest(generate_series(
                           date_trunc('month', enrollment_start_date),
                           least(coalesce(enrollment_end_date, span.last), span.last), INTERVAL 1 MONTH
                       ))::DATE AS month
                FROM tuva_eligibility, covered AS span
                WHERE enrollment_start_date IS NOT NULL
            ) GROUP BY beneficiary, month
        """,
        "beneficiaries": """
            SELECT person_id AS beneficiary, birth_date, death_date, gender AS sex, NULL::VARCHAR AS county_fips,
                   zip_code AS zip
            FROM tuva_eligibility
            QUALIFY row_number() OVER (
                PARTITION BY person_id
                ORDER BY enrollment_end_date DESC NULLS FIRST, enrollment_start_date DESC, birth_date, death_date DESC NULLS LAST,
                         gender, zip_code
            ) = 1
        """,
    }
