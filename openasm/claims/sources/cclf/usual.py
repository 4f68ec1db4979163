"""The short way for clinicians' lines (CCLF5): records in the usual form that nothing else in the delivery touches.

Most records are printed as the packet prints them, and nothing cancels, adjusts away or repeats them. Those become claim lines
here, a column at a time. Every other record, and every record of a claim or history with such a record, takes the long way
through the engine (`standing`, `lines`), which alone decides and reports; this way only ever answers "not mine". So both ways
give the same lines: what is left out here in doubt costs time, not correctness.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from openasm.claims import codes
from openasm.claims.accounting import FIRST_ROWS
from openasm.claims.coded import SIGNED_FROM
from openasm.claims.sources.cclf.denials import CLAIM_DENIED, LINE_DENIED
from openasm.claims.sources.cclf.files import CclfFile
from openasm.claims.sources.cclf.layout import NO_DATES, FileLayout
from openasm.claims.sources.cclf.lines import DENIED_CLAIM, DENIED_LINE
from openasm.claims.sources.cclf.reading import IMPOSSIBLE_DATE
from openasm.tables import words as w
from openasm.tables.fixed_width import WrongRecordLength, in_order, open_records, record_matrix

HELPING_DOMAINS = ("day", "line", "claim_denied", "line_denied", "cancels", "icd_9")
"""Domains that are no column of a claims table."""

BLOCK_RECORDS = 65_536
"""Records cut at once: few enough that a block's words stay in the processor's cache."""

BUCKET_BITS = 22
LARGEST_LINE = 1 << 20
DIAGNOSES = 12
_EPOCH = dt.date(1970, 1, 1)
_FIRST_DAY = (dt.date(1900, 1, 1) - _EPOCH).days
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))

_DATES = ("CLM_LINE_FROM_DT", "CLM_LINE_THRU_DT", "CLM_FROM_DT", "CLM_THRU_DT", "CLM_EFCTV_DT", "CLM_IDR_LD_DT")
_WHOLE = {  # label -> (domain, cleaning); fields of up to eight characters
    "CLM_PRVDR_SPCLTY_CD": "specialty",
    "CLM_POS_CD": "place_of_service",
    "CLM_LINE_HCPCS_CD": "hcpcs",
    "CLM_LINE_DGNS_CD": "diagnosis",
    **{f"CLM_DGNS_{place}_CD": "diagnosis" for place in range(1, DIAGNOSES + 1)},
}


_MARKS: dict[str, tuple[str, tuple[str, ...]]] = {  # name -> (label, the values that set the mark)
    "claim_denied": ("CLM_CARR_PMT_DNL_CD", CLAIM_DENIED),
    "line_denied": ("CLM_PRCSG_IND_CD", LINE_DENIED),
    "cancels": ("CLM_ADJSMT_TYPE_CD", ("1",)),
    "icd_9": ("DGNS_PRCDR_ICD_IND", ("9",)),
}


class NotUsual(Exception):
    """Something in the file that concerns more than single records: everything takes the long way."""


def _must(text: str, cleaned: str | None) -> str | None:
    if text and cleaned is None:
        raise ValueError("not in the form of its kind")
    return cleaned or None


def _read_day(word: int) -> str:
    """The days since 1970 of `YY-MM-DD` with the century's digits in place of the hyphens, as text."""
    text = w.text_of(word)
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        raise ValueError("no date")
    day = f"{text[2]}{text[5]}{text[:2]}-{text[3:5]}-{text[6:]}"
    if day in NO_DATES:
        raise ValueError("no date")
    return str((dt.date.fromisoformat(day) - _EPOCH).days)


def _read_line(word: int) -> str:
    text = w.text_of(word)
    if not (text.isascii() and text.isdigit()) or int(text) >= LARGEST_LINE:
        raise ValueError("no usual line number")
    return str(int(text))


def _read_modifiers(word: int) -> str | None:
    raw = word.to_bytes(8, "little").decode("latin-1")
    pairs = [raw[at : at + 2].strip() for at in range(0, 8, 2)]
    return " ".join(str(_must(pair, codes.two(pair))) for pair in pairs if pair) or None


def make_domains(crosswalk: Mapping[str, str]) -> dict[str, w.Domain]:
    """The distinct values of the columns of claim lines and diagnoses, by column; crosswalk: old MBI -> current one."""

    def person(raw: str) -> str | None:
        if raw.isascii() and raw.isalnum():
            return crosswalk.get(raw, raw)
        if raw.strip() == "":
            return None
        raise NotUsual("MBIs in another form")

    def cleaned(clean: Any) -> w.Domain:
        return w.Domain(lambda word: _must(w.text_of(word), clean(w.text_of(word)) if w.text_of(word) else None))

    def marks(values: tuple[str, ...]) -> w.Domain:
        return w.Domain(lambda word: w.text_of(word) if w.text_of(word) in values else None)

    return {
        "beneficiary": w.PairDomain(person),
        "specialty": cleaned(codes.two),
        "place_of_service": cleaned(codes.two),
        "hcpcs": cleaned(codes.hcpcs),
        "diagnosis": cleaned(codes.diagnosis),
        "modifiers": w.Domain(_read_modifiers),
        "npi": w.PairDomain(lambda raw: _must(raw.strip(), codes.npi(raw.strip()) if raw.strip() else None)),
        "tin": w.PairDomain(lambda raw: _must(raw.strip(), codes.tin(raw.strip()) if raw.strip() else None)),
        "day": w.Domain(_read_day),
        "line": w.Domain(_read_line),
        **{name: marks(values) for name, (_, values) in _MARKS.items()},
        **{name: w.Domain() for name in ("setting", "service_zip", "drg", "revenue_center", "ndc", "cost_basis")},
    }


@dataclass(slots=True)
class UsualLines:
    """Clinicians' lines that stand, as columns of codes and numbers.

    columns: by name; claims as integers of their thirteen digits; `diagnosis_N` of the claim header only where some record has
    one; others: per file, numbers from 0 of the records that take the long way; kept: how many of the rest stand;
    dropped: reason, file, how many, rows of the first.
    """

    columns: dict[str, Any]
    domains: dict[str, w.Domain]
    others: list[Any]
    kept: int
    dropped: list[tuple[str, str, int, list[int]]] = field(default_factory=list)


class _Reader:
    """Reads blocks of records; safe for several threads."""

    def __init__(self, layout: FileLayout, domains: dict[str, w.Domain]) -> None:
        self.domains = domains
        self.labels: dict[str, int] = {}
        self.spans: list[tuple[int, int]] = []
        self._layout = layout
        for label in (*_WHOLE, *(label for label, _ in _MARKS.values())):
            self._span(label, label, 0, self._length(label))
        for label in _DATES:
            self._span(f"{label} day", label, 2, 8)
            self._span(f"{label} century", label, 0, 2)
        for label in ("CUR_CLM_UNIQ_ID", "BENE_MBI_ID", "CLM_RNDRG_PRVDR_TAX_NUM", "RNDRG_PRVDR_NPI_NUM"):
            self._parts(label, first=8)
        self._parts("CLM_RNDRG_PRVDR_NPI_NUM", first=8)
        for label in ("CLM_LINE_NUM", "CLM_LINE_CVRD_PD_AMT"):
            self._parts(label, first=self._length(label) - 8)
        self._span(
            "CLM_LINE_ALOWD_CHRG_AMT 2", "CLM_LINE_ALOWD_CHRG_AMT", self._length("CLM_LINE_ALOWD_CHRG_AMT") - 8, 8
        )
        self._span("CLM_LINE_ALOWD_CHRG_AMT 1", "CLM_LINE_ALOWD_CHRG_AMT", 1, 8)
        self._span("CLM_LINE_ALOWD_CHRG_AMT 0", "CLM_LINE_ALOWD_CHRG_AMT", 0, 1)
        self._span("modifiers", "HCPCS_1_MDFR_CD", 0, 8)
        self._span("HCPCS_5_MDFR_CD", "HCPCS_5_MDFR_CD", 0, 2)
        for part in range(5):
            self._span(f"CLM_CNTL_NUM {part}", "CLM_CNTL_NUM", 8 * part, 8)
        self._own = threading.local()  # every thread's words, written anew by every block

    def _length(self, label: str) -> int:
        return self._layout.fields[label].length

    def _span(self, name: str, label: str, skip: int, length: int) -> None:
        self.labels[name] = len(self.spans)
        self.spans.append((self._layout.fields[label].start - 1 + skip, length))

    def _parts(self, label: str, *, first: int) -> None:
        self._span(f"{label} 1", label, 0, first)
        self._span(f"{label} 2", label, first, self._length(label) - first)

    def block(self, matrix: Any) -> dict[str, Any]:
        """The columns of one block, with `odd`, `cancels` and the buckets of claim and history for every record."""
        rows, stride = matrix.shape
        words = getattr(self._own, "words", None)
        if words is None:
            words = self._own.words = np.empty((len(self.spans), BLOCK_RECORDS), dtype=np.uint64)
        cut, feeds = w.cut_words(matrix.reshape(-1), stride, rows, self.spans, into=words, count_feeds=True)
        if feeds != rows or not (matrix[:, -1] == 10).all():
            raise NotUsual("line ends inside records")
        word = {name: cut[place] for name, place in self.labels.items()}
        odd = np.zeros(rows, dtype=bool)
        out: dict[str, Any] = {}
        for label, domain in _WHOLE.items():
            span = word[label]
            if (span == w.blank(self._length(label))).all():
                out[label] = None
                continue
            out[label] = self.domains[domain].encode(span)
            odd |= out[label] == w.ODD
        self._dates(word, out, odd)
        self._identifiers(word, out, odd)
        self._amounts_and_line(word, out, odd)
        self._kinds(word, out, odd)
        out["odd"] = odd
        return out

    def _dates(self, word: dict[str, Any], out: dict[str, Any], odd: Any) -> None:
        hyphens, day_digits = np.uint64(0x00002D00002D0000), np.uint64(0xFFFF00FFFF00FFFF)
        broken = np.zeros(len(odd), dtype=np.uint64)
        known: list[tuple[Any, Any, Any]] = []
        for label in _DATES:
            day, century = word[f"{label} day"], word[f"{label} century"]
            for same_day, same_century, found in known:  # line and claim mostly share their dates
                if np.array_equal(same_day, day) and np.array_equal(same_century, century):
                    out[label] = found
                    break
            else:
                broken |= (day ^ hyphens) & ~day_digits
                mixed = (day & day_digits) | ((century & np.uint64(0xFF)) << np.uint64(16))
                mixed |= (century >> np.uint64(8)) << np.uint64(40)
                out[label] = self.domains["day"].encode(mixed)
                odd |= out[label] < 0
                known.append((day, century, out[label]))
        odd |= broken != 0

    def _identifiers(self, word: dict[str, Any], out: dict[str, Any], odd: Any) -> None:
        first, last = word["CUR_CLM_UNIQ_ID 1"], w.with_zeros(word["CUR_CLM_UNIQ_ID 2"], 5)
        signed = (first & np.uint64(0xFF)) == np.uint64(ord("-"))
        first = first ^ (signed * np.uint64(ord("-") ^ ord("0")))
        if not (w.are_digits(first) & w.are_digits(last)).all():
            raise NotUsual("claim numbers that are no numbers")
        claim = w.number(first) * 100_000 + w.number(last) + signed * np.int64(SIGNED_FROM)
        out["claim"] = claim
        person = self._pairs("beneficiary", word, "BENE_MBI_ID")
        out["person"] = person
        odd |= person < 0
        out["CLM_RNDRG_PRVDR_TAX_NUM"] = self._pairs("tin", word, "CLM_RNDRG_PRVDR_TAX_NUM")
        odd |= out["CLM_RNDRG_PRVDR_TAX_NUM"] == w.ODD
        for label in ("RNDRG_PRVDR_NPI_NUM", "CLM_RNDRG_PRVDR_NPI_NUM"):
            out[label] = None
            if not (word[f"{label} 1"] == w.blank(8)).all() or not (word[f"{label} 2"] == w.blank(2)).all():
                out[label] = self._pairs("npi", word, label)
                odd |= out[label] == w.ODD
        control = [word[f"CLM_CNTL_NUM {part}"] for part in range(5)]
        out["history"] = _bucket(self._control(control, word, person))
        out["claim_bucket"] = _bucket(claim.astype(np.uint64) * _MIX[0])

    def _pairs(self, domain: str, word: dict[str, Any], label: str) -> Any:
        pairs = self.domains[domain]
        assert isinstance(pairs, w.PairDomain)
        return pairs.encode_pair(word[f"{label} 1"], word[f"{label} 2"])

    def _control(self, control: list[Any], word: dict[str, Any], person: Any) -> Any:
        """A mixture of person and control number (the claim number where there is none)."""
        nothing = control[0] == w.blank(8)
        strange = np.zeros(len(person), dtype=np.uint64)
        for part in control:  # characters beyond printable ASCII: from 0x80, 0x7F, and those that come before the blank
            strange |= part | (part + np.uint64(0x0101010101010101)) | ((part - np.uint64(0x2020202020202020)) & ~part)
        if (strange & np.uint64(0x8080808080808080)).any():
            raise NotUsual("control numbers in another form")
        if nothing.any():
            for part in control[1:]:
                nothing &= part == w.blank(8)
        begins_blank = (control[0] & np.uint64(0xFF)) == np.uint64(0x20)
        if (begins_blank & ~nothing).any():
            raise NotUsual("control numbers in another form")
        if nothing.any():
            claim = word["CUR_CLM_UNIQ_ID 1"], word["CUR_CLM_UNIQ_ID 2"] | np.uint64(0x2020200000000000)
            control = [np.where(nothing, claim[0], control[0]), np.where(nothing, claim[1], control[1]), *control[2:]]
        mixed = person.astype(np.uint64)
        for part in control:
            mixed = (mixed ^ part) * _MIX[0]
            mixed ^= mixed >> np.uint64(29)
        return mixed * _MIX[1]

    def _amounts_and_line(self, word: dict[str, Any], out: dict[str, Any], odd: Any) -> None:
        out["paid_cents"], wrong = w.amounts(word["CLM_LINE_CVRD_PD_AMT 2"], word["CLM_LINE_CVRD_PD_AMT 1"], 7)
        odd |= wrong
        out["allowed_cents"], wrong = w.amounts(word["CLM_LINE_ALOWD_CHRG_AMT 2"], word["CLM_LINE_ALOWD_CHRG_AMT 1"], 8)
        odd |= wrong | (word["CLM_LINE_ALOWD_CHRG_AMT 0"] != w.blank(1))
        line = self.domains["line"].encode(word["CLM_LINE_NUM 2"])
        odd |= line < 0
        padded = word["CLM_LINE_NUM 1"] != w.blank(2)
        if padded.any():  # with zeros
            odd |= padded & ((word["CLM_LINE_NUM 1"] != w.zeros(2)) | ~w.are_digits(word["CLM_LINE_NUM 2"]))
        out["line"] = line

    def _kinds(self, word: dict[str, Any], out: dict[str, Any], odd: Any) -> None:
        out["modifiers"] = None
        if not (word["modifiers"] == w.blank(8)).all():
            out["modifiers"] = self.domains["modifiers"].encode(word["modifiers"])
            odd |= out["modifiers"] == w.ODD
        odd |= word["HCPCS_5_MDFR_CD"] != w.blank(2)
        for name, (label, _) in _MARKS.items():
            out[name] = self.domains[name].encode(word[label]) >= 0


def _bucket(mixed: Any) -> Any:
    return (mixed >> np.uint64(64 - BUCKET_BITS)).astype(np.int32)  # half the memory of what indexes fastest


def read_usual(
    files: Sequence[CclfFile], layout: FileLayout, crosswalk: Mapping[str, str], latest: dt.date, *, threads: int = 1
) -> UsualLines | None:
    """Read CCLF5 files; None when something in them concerns more than single records (the long way then reads all of it).

    crosswalk: old MBI -> current one; latest: last day a service may have. Memory: about 200 bytes a record.
    The order in which threads meet codes changes their numbers, not what is written: columns are put in the order of the texts.
    """
    domains = make_domains(crosswalk)
    reader = _Reader(layout, domains)
    blocks: list[dict[str, Any]] = []
    try:
        counts = [_read_file(file, layout, reader, blocks, threads) for file in files]
    except (NotUsual, w.SamePlace, WrongRecordLength):
        return None
    if not blocks:
        return None
    found = _joined(blocks)
    return _standing(found, domains, counts, latest, [file.name for file in files])


def _read_file(file: CclfFile, layout: FileLayout, reader: _Reader, blocks: list[dict[str, Any]], threads: int) -> int:
    opened = open_records(file.path, layout.record_length)
    if opened is None:
        return 0
    whole, count, stride = opened

    def block(start: int) -> dict[str, Any]:
        stop = min(start + BLOCK_RECORDS, count)
        return reader.block(record_matrix(whole, np.arange(start, stop), stride, whole_run=True))

    blocks.extend(in_order(block, range(0, count, BLOCK_RECORDS), threads=threads))
    return int(count)


def _joined(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """One array a column; a column blank in every block stays None."""
    joined: dict[str, Any] = {}
    sizes = [len(block["odd"]) for block in blocks]
    for name in list(blocks[0]):
        parts = [block.pop(name) for block in blocks]
        if all(part is None for part in parts):
            joined[name] = None
            continue
        joined[name] = np.concatenate(
            [
                np.full(size, w.MISSING, dtype=np.int32) if part is None else part
                for part, size in zip(parts, sizes, strict=True)
            ]
        )
    return joined


def _standing(
    found: dict[str, Any], domains: dict[str, w.Domain], counts: Sequence[int], latest: dt.date, names: Sequence[str]
) -> UsualLines:
    lines = np.array([int(text) for text in domains["line"].values] + [0, 0], dtype=np.int64)
    days = np.array([int(text) for text in domains["day"].values] + [0, 0], dtype=np.int32)
    line = lines[found["line"]]
    odd = found["odd"]
    odd |= found["icd_9"]
    odd |= _marked(found["history"], found["cancels"])
    odd |= _repeated(found["claim"], line)
    others = _marked(found["claim_bucket"], odd)
    ends = np.cumsum([0, *counts])
    places = [np.flatnonzero(others[first:last]) for first, last in pairwise(ends)]
    usual = ~others
    from_day, thru_day = days[found["CLM_LINE_FROM_DT"]], days[found["CLM_LINE_THRU_DT"]]
    claim_denied = usual & found["claim_denied"]
    line_denied = usual & ~claim_denied & found["line_denied"]
    impossible = (from_day < _FIRST_DAY) | (from_day > (latest - _EPOCH).days)
    impossible &= usual & ~claim_denied & ~line_denied
    keep = usual & ~claim_denied & ~line_denied & ~impossible
    everything = bool(keep.all())

    def kept(column: Any) -> Any:
        return column if column is None or everything else column[keep]

    npi = found["CLM_RNDRG_PRVDR_NPI_NUM"]
    billed = found["RNDRG_PRVDR_NPI_NUM"]
    npi = billed if npi is None else npi if billed is None else np.where(npi >= 0, npi, billed)
    columns = {
        "beneficiary": kept(found["person"]),
        "claim": kept(found["claim"]),
        "line": kept(line),
        "from_date": kept(from_day),
        "thru_date": kept(np.maximum(from_day, thru_day)),
        "hcpcs": kept(found["CLM_LINE_HCPCS_CD"]),
        "modifiers": kept(found["modifiers"]),
        "line_diagnosis": kept(found["CLM_LINE_DGNS_CD"]),
        "place_of_service": kept(found["CLM_POS_CD"]),
        "specialty": kept(found["CLM_PRVDR_SPCLTY_CD"]),
        "npi": kept(npi),
        "tin": kept(found["CLM_RNDRG_PRVDR_TAX_NUM"]),
        "allowed_cents": kept(found["allowed_cents"]),
        "paid_cents": kept(found["paid_cents"]),
        **{f"diagnosis_{place}": kept(found[f"CLM_DGNS_{place}_CD"]) for place in range(1, DIAGNOSES + 1)},
    }
    dropped: list[tuple[str, str, int, list[int]]] = []
    for reason, rows in ((DENIED_CLAIM, claim_denied), (DENIED_LINE, line_denied), (IMPOSSIBLE_DATE, impossible)):
        for name, (first, last) in zip(names, pairwise(ends), strict=True):
            count = np.count_nonzero(rows[first:last])
            if count:
                shown = np.flatnonzero(rows[first:last])[:FIRST_ROWS] + 1
                dropped.append((reason, name, int(count), shown.tolist()))
    return UsualLines(columns, domains, places, int(keep.sum()), dropped)


def _marked(buckets: Any, marked: Any) -> Any:
    """Rows that share a bucket with a marked row; strangers may share one too, which costs time only."""
    if not marked.any():
        return np.zeros(len(buckets), dtype=bool)
    table = np.zeros(1 << BUCKET_BITS, dtype=bool)
    table[buckets[marked]] = True
    return table[buckets]


def _repeated(claim: Any, line: Any) -> Any:
    """Rows whose claim and line number another row has too (strangers, as in `_marked`, cost time only)."""
    keys = (claim.astype(np.uint64) << np.uint64(20)) | line.astype(np.uint64)
    if (keys[1:] > keys[:-1]).all():  # claims come in order of their number
        return np.zeros(len(keys), dtype=bool)
    ordered = np.sort(keys)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    buckets = _bucket(keys * _MIX[0])
    table = np.zeros(1 << BUCKET_BITS, dtype=bool)
    table[_bucket(twice * _MIX[0])] = True
    return table[buckets]
