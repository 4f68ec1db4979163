"""Pieces of a file: every line whole, once and with its number, however the file was packed, cut or broken."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.base.problems import Problems
from openasm.clinical import fhir_source
from openasm.clinical.fhir_source import CUT_GZIP, bulk_chunks

ordinary = settings(max_examples=80, deadline=None, derandomize=True)
lines = st.lists(st.sampled_from([b"", b" ", b"{}", b'{"a":"\xc3\xa9"}', b"x" * 70]), max_size=30)


def read(content: bytes, size: int) -> tuple[dict[int, bytes], list[str]]:
    """Lines that are not blank by number, and the codes of problems, with blocks of some bytes."""
    problems, found = Problems(), {}
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(fhir_source, "_PACKED", size),
        mock.patch.object(fhir_source, "_PLAIN", size),
    ):
        path = Path(folder) / "file"
        path.write_bytes(content)
        for unit in bulk_chunks([path], problems):
            for row, line in enumerate(unit.text.split(b"\n"), start=unit.first_row):
                if line.strip():
                    assert row not in found
                    found[row] = line
    return found, [problem.kind.code for problem in problems]


def numbered(text: bytes) -> dict[int, bytes]:
    return {row: line for row, line in enumerate(text.split(b"\n"), start=1) if line.strip()}


@ordinary
@given(lines, st.booleans(), st.integers(2, 40), st.lists(st.integers(0, 400), max_size=3))
def test_every_line_is_read_once_and_whole(each: list[bytes], ended: bool, size: int, cuts: list[int]) -> None:
    """Plain and as gzip of one or more members that end anywhere, with and without a last line feed."""
    text = b"\n".join(each) + (b"\n" if ended else b"")
    if text[:2] != b"\x1f\x8b":
        assert read(text, size) == (numbered(text), [])
    ends = sorted({min(cut, len(text)) for cut in cuts} | {len(text)})
    starts = [0, *ends[:-1]]
    packed = b"".join(gzip.compress(text[start:end]) for start, end in zip(starts, ends, strict=True))
    assert read(packed, size) == (numbered(text), [])
    assert read(packed + b"\0" * 7, size) == (numbered(text), [])  # padded, as tapes and some tools do


@ordinary
@given(lines.filter(any), st.integers(2, 40), st.data())
def test_broken_gzip_is_a_problem_and_no_line_is_torn(each: list[bytes], size: int, data: st.DataObject) -> None:
    """The second of two members ends too soon, or holds a wrong byte: lines before the break are whole or absent, never cut."""
    first, text = b'{"first":1}\n', b"\n".join(each) + b"\n"
    member = gzip.compress(text)
    place = data.draw(st.integers(2, len(member) - 1))
    wrong_sum = member[:-8] + bytes(byte ^ 255 for byte in member[-8:])
    broken = data.draw(st.sampled_from([member[:place], wrong_sum]))
    found, codes = read(gzip.compress(first) + broken, size)
    assert codes == [CUT_GZIP.code]
    whole = numbered(first + text)
    assert all(whole[row] == line for row, line in found.items())
