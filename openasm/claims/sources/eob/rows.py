"""Resources of a piece of a file to rows of the engine's tables; what one process of several does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

import orjson
import pyarrow as pa

from openasm.base.problems import Problem, Problems, Severity, declare
from openasm.claims.accounting import Account
from openasm.claims.sources.eob.claim import ClaimRows, read_claim
from openasm.claims.sources.eob.elements import Unreadable
from openasm.claims.sources.eob.people import read_coverage, read_patient
from openasm.claims.sources.eob.stream import Piece, PieceReader

UNREADABLE = declare(
    "C206",
    "a resource lacks what it must have, or a date or amount cannot be read; it was left out",
    expected="an id, a patient, a service date, numbers as amounts",
    next_step="Report these resources to the sender; totals lack them.",
    severity=Severity.WARNING,
)
LINE_COLUMNS: dict[str, Any] = {
    "resource": pa.int64(),
    "line": pa.int64(),
    "setting": pa.string(),
    "from_date": pa.date32(),
    "thru_date": pa.date32(),
    **{
        column: pa.string()
        for column in (
            *("hcpcs", "modifiers", "line_diagnosis", "place_of_service", "specialty", "npi", "tin", "service_zip"),
            *("drg", "revenue_center", "ndc"),
        )
    },
    "allowed_cents": pa.int64(),
    "paid_cents": pa.int64(),
    "cost_cents": pa.int64(),
    "cost_basis": pa.string(),
}
TABLES: dict[str, dict[str, Any]] = {
    "eob_claims": {
        "resource": pa.int64(),
        "beneficiary": pa.string(),
        "claim_id": pa.string(),
        "updated": pa.string(),
        "digest": pa.string(),
        "reason": pa.string(),
        "kept_items": pa.int64(),
        "denied_items": pa.int64(),
        "file": pa.int32(),
        "row": pa.int64(),
    },
    "eob_lines": LINE_COLUMNS,
    "eob_diagnoses": {"resource": pa.int64(), "position": pa.int64(), "code": pa.string()},
    "eob_patients": {
        "beneficiary": pa.string(),
        "updated": pa.string(),
        "birth_date": pa.date32(),
        "death_date": pa.date32(),
        "sex": pa.string(),
        "county_fips": pa.string(),
        "zip": pa.string(),
    },
    "eob_coverage": {
        "beneficiary": pa.string(),
        "first": pa.date32(),
        "last": pa.date32(),
        "part": pa.string(),
        "covered": pa.bool_(),
        "monthly": pa.bool_(),
        "esrd": pa.bool_(),
        "dual": pa.bool_(),
        "disabled_origin": pa.bool_(),
    },
}


@dataclass(frozen=True, slots=True)
class PieceRows:
    """What a piece of a file holds.

    place, file: of the piece; tables: rows by table of the engine, their `resource` counted from 1 within the piece; resources: how many; lines, broken:
    lines read and those that are no JSON; unreadable: resources left out; accounts: by kind of resource, items those of claims.
    """

    place: int
    file: str
    tables: dict[str, pa.Table]
    resources: int
    lines: int
    broken: int
    unreadable: int
    accounts: dict[str, Account]
    items: Account
    problems: list[Problem]


class _Rows:
    def __init__(self) -> None:
        self._columns: dict[str, dict[str, list[Any]]] = {
            table: {column: [] for column in columns} for table, columns in TABLES.items()
        }

    def add(self, table: str, values: Mapping[str, Any]) -> None:
        get = values.get
        for name, kept in self._columns[table].items():
            kept.append(get(name))

    def tables(self) -> dict[str, pa.Table]:
        return {
            table: pa.table(columns, schema=pa.schema(list(TABLES[table].items())))
            for table, columns in self._columns.items()
            if next(iter(columns.values()))
        }


def read_piece(_: None, piece: Piece) -> PieceRows:
    """Read every resource of a piece; what cannot be read is left out and counted."""
    problems = Problems()
    rows = _Rows()
    accounts: dict[str, Account] = {}
    items = Account("ExplanationOfBenefit items", 0)
    reader = PieceReader(piece, problems)
    resources = unreadable = 0
    for line, resource in reader:
        resources += 1
        kind = str(resource.get("resourceType") or "no resource type")[:40]
        account = accounts.setdefault(kind, Account(kind, 0))
        account.records += 1
        try:
            _take(kind, resource, _At(resources, piece.place, line), rows, account, items)
        except (Unreadable, AttributeError, TypeError) as error:
            unreadable += 1
            account.drop("cannot be read", 1)
            where = error.where if isinstance(error, Unreadable) else "an element of another type"
            problems.add(UNREADABLE, piece.file, row=line, column=f"{kind}.{where}", found="a value not shown")
    if reader.broken:
        lines = accounts.setdefault("lines", Account("lines that are no JSON", 0))
        lines.records += reader.broken
        lines.drop("not JSON", reader.broken)
    return PieceRows(
        piece.place,
        piece.file,
        rows.tables(),
        resources,
        reader.lines,
        reader.broken,
        unreadable,
        accounts,
        items,
        list(problems),
    )


@dataclass(frozen=True, slots=True)
class _At:
    """A resource's number within its piece, the place of its file among the files, and its line there."""

    number: int
    file: int
    line: int


def _take(kind: str, resource: Mapping[str, Any], at: _At, rows: _Rows, account: Account, items: Account) -> None:
    if kind == "ExplanationOfBenefit":
        claim = read_claim(resource)
        digest = hashlib.sha256(orjson.dumps(resource, option=orjson.OPT_SORT_KEYS)).hexdigest()
        _add_claim(claim, digest, at, rows, account, items)
    elif kind == "Patient":
        patient = read_patient(resource)
        names = tuple(TABLES["eob_patients"])
        rows.add("eob_patients", dict(zip(names, astuple(patient), strict=True)))
        account.kept += 1
    elif kind == "Coverage":
        names = tuple(TABLES["eob_coverage"])
        found = [dict(zip(names, astuple(row), strict=True)) for row in read_coverage(resource)]
        for each in found:
            rows.add("eob_coverage", each)
        if found:
            account.kept += 1
        else:
            account.drop("names no part of Medicare and no period", 1)
    else:
        account.drop("not used", 1)


def _add_claim(claim: ClaimRows, digest: str, at: _At, rows: _Rows, account: Account, items: Account) -> None:
    items.records += claim.items
    rows.add(
        "eob_claims",
        {
            "resource": at.number,
            "beneficiary": claim.beneficiary,
            "claim_id": claim.claim_id,
            "updated": claim.updated,
            "digest": digest,
            "reason": claim.reason,
            "kept_items": claim.items - claim.denied_lines - claim.folded_lines,
            "denied_items": claim.denied_lines,
            "file": at.file,
            "row": at.line,
        },
    )
    if claim.reason:
        account.drop(claim.reason, 1)
        items.drop(f"its claim: {claim.reason}", claim.items)
        return
    account.kept += 1
    items.drop("denied line", claim.denied_lines)
    items.drop("part of a bill that counts as one line", claim.folded_lines)
    items.kept += claim.items - claim.denied_lines - claim.folded_lines
    for line in claim.lines:
        rows.add("eob_lines", {**line, "resource": at.number})
    for position, code in enumerate(claim.diagnoses, start=1):
        rows.add("eob_diagnoses", {"resource": at.number, "position": position, "code": code})
