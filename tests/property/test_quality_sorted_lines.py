"""Sorting on disk by several writers: the pieces, one after the other, are the sorted lines, however they were cut."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.quality import sorted_lines
from openasm.quality.outputs import repeated_records
from openasm.quality.sorted_lines import RunWriter, merged, pieces

ordinary = settings(max_examples=150, deadline=None, derandomize=True)
lines_of_keys = st.lists(
    st.tuples(
        st.sampled_from(["CMS2", "CMS90", "CMS165"]),
        st.integers(1, 3),
        st.text("ab.-_Z9", min_size=1, max_size=4),
        st.text('xy, "', max_size=6),
    ),
    max_size=120,
)


@ordinary
@given(lines_of_keys, st.integers(1, 4), st.integers(1, 30), st.integers(1, 5), st.integers(1, 200))
def test_pieces_in_order_are_all_lines_sorted(
    keys: list[tuple[str, int, str, str]], writers: int, run: int, block: int, piece: int
) -> None:
    lines = [f"{measure},{group},{patient},{rest}\n".encode() for measure, group, patient, rest in keys]
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(sorted_lines, "RUN_LINES", run),
        mock.patch.object(sorted_lines, "_BLOCK_LINES", block),
        mock.patch.object(sorted_lines, "_PIECE_BYTES", piece),
    ):
        kept = [RunWriter(Path(folder) / f"lines-{number}", 3) for number in range(writers)]
        for place, line in enumerate(lines):
            kept[place % writers].add([line])
        runs = [each for writer in kept for each in writer.runs()]
        found = [merged(each) for each in pieces(runs)]
    assert [line for part in found for line in part] == sorted(lines)
    # Lines of one key stay together, so that repeats can be counted piece by piece.
    for measure, group in {(measure, group) for measure, group, _, _ in keys}:
        patients = [patient for *of, patient, _ in keys if of == [measure, group]]
        counted = sum(repeated_records(part, measure, group) for part in found)
        assert counted == len(patients) - len(set(patients))
    ends = [list(_keys(part)) for part in found if part]
    assert all(before[-1] != after[0] for before, after in pairwise(ends))


def _keys(lines: list[bytes]) -> Iterator[bytes]:
    return (b",".join(line.split(b",", 3)[:3]) for line in lines)
