"""Tables that people send: every way a file can be wrong, and that a right one comes through exactly."""

from __future__ import annotations

import datetime as dt
import os
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openasm.base import files
from openasm.base.files import Column, read_table, written_whole
from openasm.base.lines import longest_line
from openasm.base.problems import Problems

COLUMNS = (
    Column("tin", files.tin),
    Column("npi", files.npi, may_be_empty=True),
    Column("met", files.integer(0)),
    Column("share", files.number(0, 1), may_be_empty=True),
    Column("start", files.iso_date, required=False, may_be_empty=True),
    Column("kind", files.choice("ecqm", "cqm"), required=False, may_be_empty=True),
)
HEADER = "tin,npi,met,share,start,kind"
GOOD = "001234567,1234567893,5,0.25,2027-03-31,ecqm"


def read(folder: Path, content: str | bytes, *, key: tuple[str, ...] = ("tin", "npi")) -> tuple[files.Table, list[str]]:
    path = folder / "rows.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    problems = Problems()
    table = read_table(path, COLUMNS, problems, key=key)
    return table, [problem.as_text() for problem in problems]


def test_a_right_file_comes_through_exactly(tmp_path: Path) -> None:
    table, problems = read(tmp_path, f"\ufeff{HEADER}\r\n{GOOD}\r\n001234567,, 7 ,,,\r\n")
    assert problems == []
    assert table.columns == {
        "tin": ["001234567", "001234567"],
        "npi": ["1234567893", None],
        "met": [5, 7],
        "share": [Fraction(1, 4), None],
        "start": [dt.date(2027, 3, 31), None],
        "kind": ["ecqm", None],
    }
    assert table.row_numbers == [1, 2]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("12345678,1234567893,5,,,", "F017 rows.csv, row 1, column tin: not a valid TIN. Found '12345678'."),
        ("001234567,1234567890,5,,,", "F016 rows.csv, row 1, column npi: not a valid NPI. Found '1234567890'."),
        ("001234567,,five,,,", "F011 rows.csv, row 1, column met: not a whole number. Found 'five'."),
        ("001234567,,5.0,,,", "F011 rows.csv, row 1, column met: not a whole number. Found '5.0'."),
        (
            "001234567,,-1,,,",
            "F013 rows.csv, row 1, column met: the number is out of range. Found '-1'. Expected 0 or more.",
        ),
        ("001234567,,5,NaN,,", "F012 rows.csv, row 1, column share: not a number. Found 'NaN'."),
        ("001234567,,5,1e999,,", "F012 rows.csv, row 1, column share: not a number."),
        ("001234567,,5,$1,,", "F012 rows.csv, row 1, column share: not a number."),
        ("001234567,,5,1.5,,", "F013 rows.csv, row 1, column share: the number is out of range."),
        ("001234567,,5,,31/03/2027,", "F014 rows.csv, row 1, column start: not a date. Found '31/03/2027'."),
        ("001234567,,5,,2027-02-29,", "F014 rows.csv, row 1, column start: not a date. Found '2027-02-29'."),
        ("001234567,,5,,,claims", "F015 rows.csv, row 1, column kind: the value is not one of the words allowed."),
        ("001234567,,,,,", "F010 rows.csv, row 1, column met: the value is empty."),
        ("001234567,,5", "F008 rows.csv, row 1: the row has another number of fields than the header. Found 3 fields."),
        (
            f"{GOOD}\n{GOOD}",
            "F018 rows.csv, row 2, column tin+npi: the same key stands in an earlier row. Found also in row 1.",
        ),
        ('001234567,"12,5,,,', "F021 rows.csv, row 1: the file is not a table of the kind its name says."),
        ("٠٠١٢٣٤٥٦٧,,5,,,", "F017 rows.csv, row 1, column tin: not a valid TIN."),
    ],
)
def test_each_bad_row_is_one_numbered_problem(tmp_path: Path, row: str, expected: str) -> None:
    _, problems = read(tmp_path, f"{HEADER}\n{row}\n")
    assert len(problems) == 1
    assert problems[0].startswith(expected)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "F002"),
        (b"\n", "F002"),
        (b"\xef\xbb\xbf", "F002"),
        (HEADER.encode() + b"\n", "F019"),
        (b"tin,npi,met\n", "F005"),
        (b"tin,npi,met,share,tin\n1,,2,,3\n", "F007"),
        (HEADER.encode() + b"\n001234567,,5,,,\xe9\n", "F003"),
        (HEADER.encode() + b"\n001234567,,5,,,\x00\n", "F021"),
        (b"x," * 600_000, "F009"),
        (b",".join(b"c%d" % each for each in range(20_000)), "F009"),
    ],
)
def test_a_file_that_is_no_table_is_one_problem(tmp_path: Path, content: bytes, code: str) -> None:
    _, problems = read(tmp_path, content)
    assert [text[:4] for text in problems if text[:4] != "F006"] == [code]


def test_all_problems_of_a_file_at_once(tmp_path: Path) -> None:
    _, problems = read(tmp_path, f"{HEADER},colour\n1,2,x,y,z,w,red\n{GOOD},blue\n")
    assert [text[:4] for text in problems] == ["F006", "F017", "F016", "F011", "F012", "F014", "F015"]


def test_a_million_bad_rows_give_a_short_list(tmp_path: Path) -> None:
    rows = "001234567,,x,,,\n" * 5_000
    table, problems = read(tmp_path, f"{HEADER}\n{rows}", key=())
    assert len(table) == 0
    assert len(problems) == 21
    assert "4980 more of the same" in problems[-1]


def test_a_missing_file_and_a_folder_in_its_place(tmp_path: Path) -> None:
    problems = Problems()
    read_table(tmp_path / "absent.csv", COLUMNS, problems)
    (tmp_path / "folder.csv").mkdir()
    read_table(tmp_path / "folder.csv", COLUMNS, problems)
    assert [problem.kind.code for problem in problems] == ["F001", "F001"]


def test_private_columns_are_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("tin\nbeneficiary-secret\n")
    problems = Problems()
    read_table(path, (Column("tin", files.tin),), problems, private_columns=frozenset({"tin"}))
    assert "secret" not in " ".join(problem.as_text() for problem in problems)


def test_parquet_gives_what_csv_gives(tmp_path: Path) -> None:
    from_csv, _ = read(tmp_path, f"{HEADER}\n{GOOD}\n001234567,,7,,,\n")
    path = tmp_path / "rows.parquet"
    pq.write_table(
        pa.table(
            {
                "tin": ["001234567", "001234567"],
                "npi": ["1234567893", None],
                "met": [5, 7],
                "share": [0.25, None],
                "start": [dt.date(2027, 3, 31), None],
                "kind": ["ecqm", None],
            }
        ),
        path,
    )
    problems = Problems()
    from_parquet = read_table(path, COLUMNS, problems, key=("tin", "npi"))
    assert list(problems) == []
    assert from_parquet.columns == from_csv.columns


def test_parquet_traps(tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 not really")
    nan = tmp_path / "nan.parquet"
    pq.write_table(pa.table({"tin": ["001234567"], "npi": [None], "met": [1], "share": [float("nan")]}), nan)
    problems = Problems()
    read_table(broken, COLUMNS, problems)
    read_table(nan, COLUMNS, problems)
    assert [problem.kind.code for problem in problems] == ["F021", "F012"]


def test_writing_is_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with pytest.raises(RuntimeError), written_whole(path) as stream:  # noqa: PT012 (the interruption is inside)
        stream.write("half")
        raise RuntimeError
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["out.csv"]
    with written_whole(path, private=True) as stream:
        stream.write("after")
    assert path.read_text() == "after"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_the_disk_or_the_account_withholds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n")

    def withheld(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", withheld)
    problems = Problems()
    assert len(read_table(path, COLUMNS, problems)) == 0
    (problem,) = problems
    assert problem.as_text() == (
        "F004 rows.csv: the file cannot be read. Found Permission denied. Expected a readable file. "
        "Check that it opens elsewhere and that this account may read it."
    )


@pytest.mark.parametrize("compression", ["snappy", "none"])
def test_a_parquet_file_with_damaged_contents_is_no_table(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(
        pa.table({"tin": [f"{number:09}" for number in range(5000)]}),
        path,
        use_dictionary=False,
        compression=compression,
    )
    raw = bytearray(path.read_bytes())
    raw[200 : len(raw) // 2] = b"\xff" * (len(raw) // 2 - 200)
    path.write_bytes(raw)
    problems = Problems()
    assert len(read_table(path, (Column("tin", files.tin),), problems)) == 0
    (problem,) = problems
    assert (problem.kind.code, problem.where, problem.found) == ("F021", "rows.parquet", "")


def test_parquet_text_that_is_not_utf8_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    text = pa.StringArray.from_buffers(1, pa.array([0, 9], pa.int32()).buffers()[1], pa.py_buffer(b"12345678\xff"))
    pq.write_table(pa.table({"tin": text}), path)
    problems = Problems()
    assert len(read_table(path, (Column("tin", files.tin),), problems)) == 0
    assert [problem.kind.code for problem in problems] == ["F021"]


@pytest.mark.parametrize("ends", [b"", b"\n"])
@pytest.mark.parametrize(
    "lengths", [[0], [5], [3, 0, 9], [1024 * 1024 - 1, 4], [1024 * 1024, 2], [7, 1024 * 1024 + 3, 1]]
)
def test_the_longest_line_is_that_of_splitting(tmp_path: Path, lengths: list[int], ends: bytes) -> None:
    content = b"\n".join(b"x" * length for length in lengths) + ends
    (tmp_path / "lines.txt").write_bytes(content)
    assert longest_line(tmp_path / "lines.txt", enough=10**9) == max(lengths)
    assert longest_line(tmp_path / "lines.txt", enough=4) >= min(max(lengths), 5)
