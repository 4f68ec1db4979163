"""Claim lines and diagnoses held as columns of codes, and written ordered without ever being made text row by row.

A code is the place of a value in the list of a column's distinct values; ordering, gathering and writing touch numbers only,
and Parquet takes the lists as its dictionaries. Rows that the engine made (text) are brought to codes and ordered in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from openasm.claims.contract import CLAIM_DIAGNOSES, CLAIM_LINES
from openasm.tables.contracts import Kind, TableContract
from openasm.tables.engine import PARQUET_ROW_GROUP
from openasm.tables.whole_file import temporary_beside
from openasm.tables.words import MISSING, Domain

CLAIM_FORM = "[0-9]{13}|-[0-9]{12}"
"""Claim numbers that are held as integers: thirteen digits, or a minus sign (CMS's mark of made-up claims) and twelve."""

SIGNED_FROM = -(10**12)
"""The integer of the claim number -000000000000; integers then come in the order of the texts."""

_CLAIM_CHARACTERS = 13
DIAGNOSIS_PLACES = 12
NO_CENTS = np.iinfo(np.int64).min
_CENTS = ("allowed_cents", "paid_cents")
_DOMAIN = {"line_diagnosis": "diagnosis", "code": "diagnosis"}
_STATED = ("beneficiary", "from_date", "thru_date")
_SHORT_LIST = 4_096
"""Values of a dictionary that are written with every row group rather than looked through for those it has."""
_ARROW = {Kind.INTEGER: pa.int64(), Kind.DATE: pa.date32(), Kind.TEXT: pa.dictionary(pa.int32(), pa.string())}


CODED_TABLES = ("claim_lines", "claim_diagnoses")
"""The tables that `CodedTables.write` writes."""


@dataclass(slots=True)
class CodedTables:
    """Claim lines of one setting as codes, and what the engine holds besides.

    columns: beneficiary, claim (integer, see `CLAIM_FORM`), line, dates as days, codes by column, cents, `diagnosis_1` to
    `diagnosis_12` of the claim header; a column without a value is None. domains: the values behind the codes by name of the
    column (`diagnosis` for all diagnoses). constants: values that are the same in every row. other_lines, other_diagnoses:
    make the rows of the engine, columns as in the contract. people: everyone with a line, known once it is written.
    """

    columns: dict[str, Any]
    domains: Mapping[str, Domain]
    constants: Mapping[str, str]
    other_lines: Callable[[], Any]
    other_diagnoses: Callable[[], Any]
    people: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> dict[str, int]:
        """Write `claim_lines.parquet` and `claim_diagnoses.parquet`, each ordered by its key; returns their rows."""
        rows = len(self.columns["claim"])
        others = _other_columns(self.other_lines(), CLAIM_LINES, self.domains)
        other_diagnoses = _other_columns(self.other_diagnoses(), CLAIM_DIAGNOSES, self.domains)
        for name, value in self.constants.items():
            self.domains[name].of_texts([value])
        ordered, places = self._ranks([others, other_diagnoses])
        for name, column in self.columns.items():
            domain_name = _domain_of(name)
            if column is not None and domain_name in places:
                self.columns[name] = places[domain_name][column]
        lines = self._lines(rows, others, places)
        order = _order(lines["beneficiary"], lines["claim"], lines["line"])
        present = np.zeros(len(ordered["beneficiary"]), dtype=bool)
        present[lines["beneficiary"]] = True  # not everyone with a diagnosis has a line
        self.people = [ordered["beneficiary"][rank] for rank in np.flatnonzero(present).tolist()]
        own = order[order < rows] if others["claim"].size else order
        with ThreadPoolExecutor(max_workers=1) as beside:
            first = beside.submit(_write, folder / "claim_lines.parquet", CLAIM_LINES, lines, order, ordered)
            diagnoses = self._diagnoses(own, other_diagnoses, places)
            second: Any = np.arange(len(diagnoses["claim"]))
            if other_diagnoses["claim"].size:
                second = _order(diagnoses["beneficiary"], diagnoses["claim"], diagnoses["position"])
            _write(folder / "claim_diagnoses.parquet", CLAIM_DIAGNOSES, diagnoses, second, ordered)
            first.result()
        return {"claim_lines": len(order), "claim_diagnoses": len(second)}

    def _ranks(self, others: Sequence[Mapping[str, Any]]) -> tuple[dict[str, list[str]], dict[str, Any]]:
        """The texts that some row has, in order, and code -> place in that order, by domain."""
        present = {name: np.zeros(len(domain.values) + 1, dtype=bool) for name, domain in self.domains.items()}
        for name, value in self.constants.items():
            present[name][self.domains[name].of_texts([value])] = True
        for columns in (self.columns, *others):
            for name, column in columns.items():
                if column is not None and _domain_of(name) in present:
                    present[_domain_of(name)][column] = True  # the missing code -1 is the last place
        ranked = {name: domain.ranks(present[name][:-1]) for name, domain in self.domains.items()}
        return {name: texts for name, (texts, _) in ranked.items()}, {
            name: places for name, (_, places) in ranked.items()
        }

    def _lines(self, rows: int, others: Mapping[str, Any], places: Mapping[str, Any]) -> dict[str, Any]:
        lines: dict[str, Any] = {}
        more = others["claim"].size
        for name in ("claim", *(column.name for column in CLAIM_LINES.columns if column.name != "claim_id")):
            domain = _DOMAIN.get(name, name)
            ours = self.columns.get("allowed_cents" if name == "cost_cents" else name)
            if name in self.constants:
                code = self.domains[name].of_texts([self.constants[name]])[0]
                ours = np.broadcast_to(places[name][code], rows)
            if not more:
                lines[name] = ours
                continue
            theirs = places[domain][others[name]] if domain in places else others[name]
            if ours is None:
                ours = np.full(rows, MISSING, dtype=np.int32)
            lines[name] = np.concatenate([ours, theirs])
        return lines

    def _diagnoses(self, order: Any, others: Mapping[str, Any], places: Mapping[str, Any]) -> dict[str, Any]:
        """One row a claim and filled position: the value that comes first where the claim's lines differ."""
        person, claim = self.columns["beneficiary"][order], self.columns["claim"][order]
        starts = np.flatnonzero(np.concatenate([[True], (claim[1:] != claim[:-1]) | (person[1:] != person[:-1])]))
        starts = starts[: len(order)]
        filled = [n for n in range(1, DIAGNOSIS_PLACES + 1) if self.columns[f"diagnosis_{n}"] is not None]
        found = np.empty((len(starts), len(filled)), dtype=np.uint32)
        for place, number in enumerate(filled):
            # As an unsigned number the missing code is the largest, so that any value comes before it.
            codes = self.columns[f"diagnosis_{number}"].view(np.uint32)[order]
            found[:, place] = np.minimum.reduceat(codes, starts) if len(starts) else codes
        there = found.view(np.int32) != MISSING
        each, nth = np.nonzero(there)
        own = {
            "beneficiary": person[starts][each],
            "claim": claim[starts][each],
            "position": np.array(filled, dtype=np.int64)[nth] if filled else np.zeros(0, dtype=np.int64),
            "code": found.view(np.int32)[there],
        }
        if not others["claim"].size:
            return own
        return {
            name: np.concatenate(
                [
                    column,
                    places[_DOMAIN.get(name, name)][others[name]] if name in ("beneficiary", "code") else others[name],
                ]
            )
            for name, column in own.items()
        }


def _domain_of(column: str) -> str:
    return "diagnosis" if column.startswith("diagnosis_") else _DOMAIN.get(column, column)


def _other_columns(table: Any, contract: TableContract, domains: Mapping[str, Domain]) -> dict[str, Any]:
    """Rows of the engine as codes (not yet in order) and numbers."""
    columns: dict[str, Any] = {}
    for column in contract.columns:
        values = table.column(column.name)
        if column.name == "claim_id":
            columns["claim"] = _claim_numbers(values.cast(pa.string()))
        elif column.kind is Kind.TEXT:
            encoded = values.cast(pa.string()).combine_chunks().dictionary_encode()
            codes = domains[_DOMAIN.get(column.name, column.name)].of_texts([*encoded.dictionary.to_pylist(), None])
            columns[column.name] = codes[encoded.indices.fill_null(len(codes) - 1).to_numpy()]
        elif column.kind is Kind.DATE:
            columns[column.name] = values.cast(pa.date32()).cast(pa.int32()).to_numpy()
        else:
            columns[column.name] = values.cast(pa.int64()).fill_null(NO_CENTS).to_numpy()
    return columns


def _order(person: Any, claim: Any, line: Any) -> Any:
    """Row numbers in the order of person, claim and line."""
    if not len(person):
        return np.zeros(0, dtype=np.int64)
    low = int(claim.min())
    bits = [int(width).bit_length() for width in (person.max(), int(claim.max()) - low, line.max())]
    if line.min() < 0 or max(bits[0] + bits[1], len(person).bit_length() + bits[2]) > 64:
        return np.lexsort((line, claim, person))
    # Sorts of single numbers are several times faster than one by three columns.
    key = (person.astype(np.uint64) << np.uint64(bits[1])) | (claim - low).astype(np.uint64)
    if sum(bits) <= 64:
        return np.argsort((key << np.uint64(bits[2])) | line.astype(np.uint64))
    first = np.argsort(key)
    key = key[first]
    runs = np.cumsum(np.concatenate([[0], key[1:] != key[:-1]])).astype(np.uint64)
    return first[np.argsort((runs << np.uint64(bits[2])) | line[first].astype(np.uint64))]


def _write(
    path: Path, contract: TableContract, columns: Mapping[str, Any], order: Any, values: Mapping[str, list[str]]
) -> None:
    filled = {name: _is_filled(name, column) for name, column in columns.items()} | {"claim_id": True}
    schema = pa.schema(
        [pa.field(column.name, _ARROW[column.kind], nullable=not filled[column.name]) for column in contract.columns]
    )
    texts = {name: pa.array(each, pa.string()) for name, each in values.items()}
    in_order = bool(np.array_equal(order, np.arange(len(order))))
    integers = [column.name for column in contract.columns if column.kind is Kind.INTEGER]

    def batch(start: int) -> pa.RecordBatch:
        rows = slice(start, start + PARQUET_ROW_GROUP) if in_order else order[start : start + PARQUET_ROW_GROUP]
        size = min(PARQUET_ROW_GROUP, len(order) - start)
        arrays = [
            _claim_texts(columns["claim"][rows])
            if column.name == "claim_id"
            else _column(column.name, column.kind, columns[column.name], rows, size, texts)
            for column in contract.columns
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    with (
        ThreadPoolExecutor(max_workers=1) as beside,
        temporary_beside(path) as temporary,
        pq.ParquetWriter(
            temporary,
            schema,
            # Differences of integers and places in a dictionary are packed into bits: compressing them again gains nothing.
            compression={
                column.name: "zstd" if column.name == "claim_id" or column.kind is Kind.DATE else "none"
                for column in contract.columns
            },
            compression_level={"claim_id": 1},
            use_dictionary=[column.name for column in contract.columns if column.kind is Kind.TEXT],
            column_encoding=dict.fromkeys(integers, "DELTA_BINARY_PACKED"),
            dictionary_pagesize_limit=1 << 24,
            write_statistics=list(_STATED),  # of dictionary columns they cost as much as all the rest of writing
            store_schema=False,
        ) as writer,
    ):
        starts = range(0, len(order), PARQUET_ROW_GROUP)
        # While a batch is written the next one is gathered.
        waiting = deque(beside.submit(batch, start) for start in starts[:1])
        for start in starts:
            ready = waiting.popleft().result()
            if start + PARQUET_ROW_GROUP < len(order):
                waiting.append(beside.submit(batch, start + PARQUET_ROW_GROUP))
            writer.write_batch(ready, row_group_size=PARQUET_ROW_GROUP)


def _is_filled(name: str, column: Any) -> bool:
    """Whether every row has a value; Parquet then needs no marks of missing ones."""
    if column is None:
        return False
    if column.strides == (0,):
        return True
    return not (column == (NO_CENTS if name in _CENTS else MISSING)).any()


def _column(name: str, kind: Kind, column: Any, rows: Any, size: int, texts: Mapping[str, Any]) -> pa.Array:
    if kind is Kind.TEXT:
        if column is None:
            return pa.DictionaryArray.from_arrays(pa.nulls(size, pa.int32()), pa.array([], pa.string()))
        if column.strides == (0,):  # one value in every row
            indices = pa.array(np.zeros(size, dtype=np.int32))
            return pa.DictionaryArray.from_arrays(indices, texts[name].slice(int(column[0]), 1))
        return _dictionary(column[rows], texts[_DOMAIN.get(name, name)])
    numbers = column[rows]
    if kind is Kind.DATE:
        return pa.array(numbers.astype(np.int32)).cast(pa.date32())
    return pa.array(numbers, mask=numbers == NO_CENTS) if name in _CENTS else pa.array(numbers)


def _dictionary(codes: Any, texts: pa.Array) -> pa.Array:
    """A column with only the values it has, in order, so that equal rows give equal bytes; a short list stays whole."""
    missing = codes == MISSING
    if len(texts) <= _SHORT_LIST:
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=missing if missing.any() else None), texts)
    present = np.zeros(len(texts) + 1, dtype=bool)
    present[codes] = True  # the missing code -1 is the last place
    places = (np.cumsum(present) - 1).astype(np.int32)[codes]
    used = texts.take(pa.array(np.flatnonzero(present[:-1])))
    return pa.DictionaryArray.from_arrays(pa.array(places, mask=missing if present[-1] else None), used)


_FOUR_DIGITS = np.array([f"{number:04d}" for number in range(10_000)], dtype="S4").view("<u4")


def _claim_numbers(texts: pa.ChunkedArray) -> Any:
    signed = pc.starts_with(texts, "-").to_numpy(zero_copy_only=False)
    numbers = texts.cast(pa.int64()).to_numpy()
    return np.where(signed, SIGNED_FROM - numbers, numbers) if signed.any() else numbers


def _claim_texts(claims: Any) -> pa.Array:
    """Thirteen characters a claim; rows of one claim follow one another and share one text."""
    new = np.concatenate([[True], claims[1:] != claims[:-1]])
    distinct = claims[new]
    digits = np.empty((len(distinct), _CLAIM_CHARACTERS), dtype=np.uint8)
    signed = distinct < 0
    rest = np.where(signed, distinct - SIGNED_FROM, distinct)
    for offset in (9, 5, 1):
        rest, last = np.divmod(rest, 10_000)
        np.ndarray(len(distinct), "<u4", buffer=digits, offset=offset, strides=(_CLAIM_CHARACTERS,))[:] = _FOUR_DIGITS[
            last
        ]
    digits[:, 0] = np.where(signed, ord("-"), rest + ord("0"))
    offsets = np.arange(0, digits.size + 1, _CLAIM_CHARACTERS, dtype=np.int32)
    texts = pa.StringArray.from_buffers(len(distinct), pa.py_buffer(offsets), pa.py_buffer(digits))
    return pa.DictionaryArray.from_arrays(pa.array((np.cumsum(new) - 1).astype(np.int32)), texts)
