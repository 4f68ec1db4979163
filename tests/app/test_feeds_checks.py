"""Uploads: names, sizes, kinds of content, archives that bite."""

from __future__ import annotations

import gzip
import io
import re
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.app.feeds import checks
from openasm.app.feeds.checks import check_file, clean_name, member_place, unpack
from openasm.app.feeds.kinds import BY_CODE
from openasm.base.problems import Problems


def archive(members: dict[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as packed:
        for name, content in members.items():
            packed.writestr(zipfile.ZipInfo(name, (2027, 1, 1, 0, 0, 0)), content, compression)
    return stream.getvalue()


def codes(folder: Path, name: str, content: bytes, kind: str) -> list[str]:
    """Codes of what is wrong with an upload."""
    path = folder / "arrived"
    path.write_bytes(content)
    problems = Problems()
    check_file(path, name, BY_CODE[kind], problems)
    return [problem.kind.code for problem in problems.errors]


def str_of_name(value: object) -> str:
    """What a case is called: bytes are left out, whose form may differ from process to process."""
    return value if isinstance(value, str) else "content"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("roster.csv", b"tin,npi\n", "roster"),
        ("P.A0001.ACO.ZC1Y27.D270115.T0100000", b"0123 A line\n", "claims"),
        ("claims.zip", archive({"claims/claim_lines.csv": b"a,b\n" * 500}), "claims"),
        ("lines.parquet", b"PAR1" + b"\x00" * 50 + b"PAR1", "claims"),
        ("patients.ndjson", '{"name": "Ä"}\n'.encode() * 20_000, "records"),
        ("patients.ndjson.gz", gzip.compress(b'{"resourceType": "Patient"}\n' * 50), "records"),
        ("sets.xlsx", archive({"xl/workbook.xml": b"<x/>"}), "value_sets"),
    ],
    ids=str_of_name,
)
def test_what_is_taken(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    assert codes(tmp_path, name, content, kind) == []


@pytest.mark.parametrize(
    ("name", "content", "kind", "code"),
    [
        ("roster.xlsx", archive({"a": b"a"}), "roster", "A030"),
        (
            "peers.zip",
            archive({"participants.csv": b"a\n", "quality.csv": b"a\n", "cost.csv": b"a\n"}),
            "peers",
            "A030",
        ),
        ("roster.csv", b"", "roster", "A032"),
        ("empty.zip", archive({}), "claims", "A033"),
        ("folders.zip", archive({"folder/": b""}), "claims", "A032"),
        ("roster.csv", b"\x7fELF\x00\x00", "roster", "A033"),
        ("roster.csv", archive({"a": b"a"}), "roster", "A033"),
        ("page.json", b"<!DOCTYPE html><html>", "records", "A033"),
        ("latin.csv", b"tin,name\n1,M\xfcller of a long line\n", "roster", "A033"),
        ("cut.gz", gzip.compress(b"abc" * 9999)[:-20], "records", "A033"),
        ("cut.zip", b"PK\x03\x04" + b"x" * 50, "claims", "A033"),
        ("away.zip", archive({"../../evil.csv": b"a"}), "claims", "A034"),
        ("root.zip", archive({"/etc/passwd": b"a"}), "claims", "A034"),
        ("drive.zip", archive({"C:\\evil.csv": b"a"}), "claims", "A034"),
        ("inner.zip", archive({"more.zip": b"a"}), "claims", "A034"),
        ("twice.zip", archive({"a b.csv": b"a", "a_b.csv": b"a"}), "claims", "A034"),
        ("bomb.zip", archive({"zeros.csv": b"0" * 40_000_000}), "claims", "A035"),
        ("bomb.ndjson.gz", gzip.compress(b"0" * 40_000_000), "records", "A035"),
    ],
    ids=str_of_name,
)
def test_what_is_refused(tmp_path: Path, name: str, content: bytes, kind: str, code: str) -> None:
    assert code in codes(tmp_path, name, content, kind)


def test_a_file_past_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "arrived"
    with path.open("wb") as stream:
        stream.truncate(BY_CODE["roster"].largest + 1)
    problems = Problems()
    check_file(path, "roster.csv", BY_CODE["roster"], problems)
    assert [problem.kind.code for problem in problems.errors] == ["A031"]


def test_links_and_locked_members_are_not_unpacked(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        link = zipfile.ZipInfo("link.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, "/etc/passwd")
    assert codes(tmp_path, "links.zip", stream.getvalue(), "claims") == ["A034"]
    locked = bytearray(archive({"a.csv": b"a"}))
    locked[6] |= 1  # the flag in the member's own head
    locked[locked.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    assert codes(tmp_path, "locked.zip", bytes(locked), "claims") == ["A034"]


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MOST_MEMBERS", 2)
    assert codes(tmp_path, "many.zip", archive({f"{n}.csv": b"a" for n in range(3)}), "claims") == ["A035"]


def test_a_directory_that_lies_about_sizes_does_not_help(tmp_path: Path) -> None:
    content = bytearray(archive({"a.csv": b"0" * 30_000_000}))
    small = (1000).to_bytes(4, "little")
    place = content.index(b"PK\x01\x02")
    content[place + 24 : place + 28] = small
    content[22:26] = small
    path = tmp_path / "lying.zip"
    path.write_bytes(bytes(content))
    target = tmp_path / "out"
    target.mkdir()
    problems = Problems()
    unpack(path, target, "lying.zip", problems)
    assert [problem.kind.code for problem in problems.errors] == ["A033"]
    assert sum(each.stat().st_size for each in target.rglob("*")) <= 30_000_000


def test_unpacking_counts_bytes_over_all_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LARGEST_UNPACKED", 1000)
    path = tmp_path / "a.zip"
    path.write_bytes(archive({"a.csv": b"a" * 800, "b.csv": b"b" * 800}, compression=zipfile.ZIP_STORED))
    target = tmp_path / "out"
    target.mkdir()
    problems = Problems()
    unpack(path, target, "a.zip", problems)
    assert [problem.kind.code for problem in problems.errors] == ["A035"]


def test_unpacking_keeps_the_folders_and_refuses_programs(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(
        archive({"in/a b.csv": b"x\n", "__MACOSX/in/._a": b"x", "in/.DS_Store": b"x", "in/run.exe": b"MZ\x00"})
    )
    target = tmp_path / "out"
    target.mkdir()
    problems = Problems()
    assert unpack(path, target, "a.zip", problems) == 2
    assert sorted(str(each.relative_to(target)) for each in target.rglob("*") if each.is_file()) == [
        "in/a_b.csv",
        "in/run.exe",
    ]
    assert [problem.kind.code for problem in problems.errors] == ["A033"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in target.rglob("*") if each.is_file()} == {0o600}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(max_size=200))
def test_no_name_leads_anywhere(name: str) -> None:
    cleaned = clean_name(name)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", cleaned)
    assert len(cleaned) <= 140
    place = member_place(name)
    assert not place.is_absolute()
    assert ".." not in place.parts
