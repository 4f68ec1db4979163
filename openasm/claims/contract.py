"""The four claims tables: what every source is brought into and every later step reads.

Rules that hold for all of them: one row is one fact of the standing (final-action) record, cancelled and denied lines do not
exist here; money is integer cents and may be negative; an empty text is null, never ""; codes are upper case, without dots
and without blanks at the ends; nothing is assumed about the order of rows.
"""

from __future__ import annotations

import datetime as dt

from openasm.tables.contracts import ColumnContract, Kind, TableContract

SETTINGS = ("professional", "dme", "outpatient", "inpatient", "snf", "home_health", "hospice", "drug")
"""Where a line was billed: carrier claims, equipment suppliers, five kinds of facility bill, Part D."""

WHOLE_CLAIM_SETTINGS = ("inpatient", "snf", "home_health", "hospice")
"""Settings whose claim counts once with its whole cost: the sum of `cost_cents` over its lines."""

COST_BASES = ("standardized", "allowed", "rebuilt", "paid")
"""What `cost_cents` is, best first: CMS's payment-standardized amount; the allowed amount as sent; the allowed amount put
together from payment, patient share and other payers; only what the source shows as paid (an underestimate)."""

EARLIEST = dt.date(1900, 1, 1)
LATEST = dt.date(2100, 12, 31)

_DIAGNOSIS = "[A-Z][0-9][0-9A-Z]{1,5}"
_DIAGNOSIS_WORDS = "an ICD-10-CM code without its dot, as in I5022"


def _text(name: str, meaning: str, *, null: bool = True, form: str = "", words: str = "") -> ColumnContract:
    return ColumnContract(name, Kind.TEXT, meaning, may_be_null=null, form=form, form_in_words=words)


def _date(name: str, meaning: str, *, null: bool = False) -> ColumnContract:
    return ColumnContract(name, Kind.DATE, meaning, may_be_null=null, low=EARLIEST, high=LATEST)


def _flag(name: str, meaning: str, *, null: bool = True) -> ColumnContract:
    return ColumnContract(name, Kind.BOOLEAN, meaning, may_be_null=null)


CLAIM_LINES = TableContract(
    "claim_lines",
    "One row a service line. A facility bill paid as a whole is one line, or carries its payment on one line.",
    (
        _text("beneficiary", "The person's key, one for life (old MBIs are replaced by the current one).", null=False),
        _text("claim_id", "The claim's key, unique across settings within a person.", null=False),
        ColumnContract("line", Kind.INTEGER, "Line number within the claim.", low=0),
        ColumnContract("setting", Kind.TEXT, "Where the line was billed.", words=SETTINGS),
        _date(
            "from_date",
            "First day of the service; for inpatient, SNF, home health and hospice the first day of the claim (admission).",
        ),
        _date("thru_date", "Last day of the service; for drugs the fill date. Not before from_date."),
        _text("hcpcs", "HCPCS or CPT code billed.", form="[0-9A-Z]{5}", words="five letters or digits"),
        _text(
            "modifiers",
            "HCPCS modifiers in the order billed, separated by one blank.",
            form="[0-9A-Z]{2}( [0-9A-Z]{2})*",
            words="two-character codes separated by blanks",
        ),
        _text(
            "line_diagnosis",
            "The diagnosis the line points to (professional lines), ICD-10-CM without dot.",
            form=_DIAGNOSIS,
            words=_DIAGNOSIS_WORDS,
        ),
        _text("place_of_service", "CMS place-of-service code.", form="[0-9A-Z]{2}", words="two digits"),
        _text(
            "specialty",
            "CMS specialty code of the clinician who did it.",
            form="[0-9A-Z]{2}",
            words="two letters or digits",
        ),
        _text(
            "npi",
            "Who did it: rendering clinician (professional), attending clinician (facility), prescriber (drug), supplier (dme).",
        ),
        _text(
            "tin",
            "Taxpayer number the line was billed under; professional lines only. Null: the source did not say; such a line qualifies for nothing.",
            form="[0-9]{9}",
            words="nine digits",
        ),
        _text("service_zip", "ZIP code (five digits) where it was done.", form="[0-9]{5}", words="five digits"),
        _text(
            "drg",
            "Diagnosis related group of an inpatient claim, three digits.",
            form="[0-9A-Z]{3,4}",
            words="three digits",
        ),
        _text(
            "revenue_center",
            "Revenue center code of a facility line, four digits; null when the bill is one line.",
            form="[0-9A-Z]{4}",
            words="four digits",
        ),
        _text("ndc", "National drug code, eleven digits.", form="[0-9A-Z]{11}", words="eleven digits"),
        ColumnContract(
            "allowed_cents", Kind.INTEGER, "Allowed amount; null where the source has none.", may_be_null=True
        ),
        ColumnContract(
            "paid_cents",
            Kind.INTEGER,
            "Paid by Medicare or the plan; null where the source has none.",
            may_be_null=True,
        ),
        ColumnContract("cost_cents", Kind.INTEGER, "The amount the measures add up; `cost_basis` says what it is."),
        ColumnContract("cost_basis", Kind.TEXT, "What `cost_cents` is.", words=COST_BASES),
    ),
    ("beneficiary", "claim_id", "line"),
)

CLAIM_DIAGNOSES = TableContract(
    "claim_diagnoses",
    "One row a diagnosis position of a claim's header.",
    (
        _text("beneficiary", "As in claim_lines.", null=False),
        _text("claim_id", "As in claim_lines.", null=False),
        ColumnContract("position", Kind.INTEGER, "1 is the principal (facility) or first listed diagnosis.", low=1),
        _text("code", "ICD-10-CM code without dot.", null=False, form=_DIAGNOSIS, words=_DIAGNOSIS_WORDS),
    ),
    ("beneficiary", "claim_id", "position"),
)

ENROLLMENT = TableContract(
    "enrollment",
    "One row a person and month with any Medicare coverage. A month that is not there is a month without.",
    (
        _text("beneficiary", "As in claim_lines.", null=False),
        ColumnContract("month", Kind.DATE, "First day of the month.", low=EARLIEST, high=LATEST),
        _flag("part_a", "Entitled to hospital insurance in the month.", null=False),
        _flag("part_b", "Enrolled in medical insurance in the month.", null=False),
        _flag("part_c", "In a Medicare Advantage plan. Null: the source does not say; read as no."),
        _flag("part_d", "Enrolled in a drug plan. Null: the source does not say; read as no."),
        _flag("esrd", "Status of end-stage renal disease. Null: unknown; read as no."),
        _flag("dual", "Also in Medicaid (full or partial). Null: unknown; read as no."),
        _flag("disabled_origin", "First entitled because of disability. Null: unknown; read as no."),
        _flag("institutional", "Long stay in an institution. Null: unknown; read as no."),
    ),
    ("beneficiary", "month"),
)

BENEFICIARIES = TableContract(
    "beneficiaries",
    "One row a person.",
    (
        _text("beneficiary", "As in claim_lines.", null=False),
        _date("birth_date", "Date of birth.", null=True),
        _date("death_date", "Date of death; null while alive.", null=True),
        ColumnContract(
            "sex", Kind.TEXT, "As recorded by Medicare.", may_be_null=True, words=("female", "male", "unknown")
        ),
        _text(
            "county_fips", "County of residence, five digits (state and county).", form="[0-9]{5}", words="five digits"
        ),
        _text("zip", "ZIP code of residence, five digits.", form="[0-9]{5}", words="five digits"),
    ),
    ("beneficiary",),
)

CLAIMS_TABLES: dict[str, TableContract] = {
    table.name: table for table in (CLAIM_LINES, CLAIM_DIAGNOSES, ENROLLMENT, BENEFICIARIES)
}
"""The four contracts by table name."""
