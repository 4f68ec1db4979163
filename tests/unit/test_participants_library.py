"""The library of official files: checked before kept, replaced whole, fetched with resume, several vintages side by side."""

from __future__ import annotations

import datetime as dt
import hashlib
import http.server
import itertools
import json
import re
import shutil
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from openasm.base.errors import InputRefused, NotFound, WrongUsage
from openasm.cli import data as data_command
from openasm.cli import lookup as lookup_command
from openasm.participants import shelves as library_module
from openasm.participants.official_files import OFFICIAL_FILES
from openasm.participants.shelves import FetchFailed, add_file, fetch_file, newest, records
from tests.builders.participant_lists import npi

TODAY = dt.date(2026, 11, 22)
HEADER = (
    "NPI,FIRST_NAME,LAST_NAME,STATE,ASM_COHORT,ORGANIZATION_LEGAL_NAME,ASM_CY27_PARTICIPANT,ASM_CY27_SMALLPRACTICE\n"
)
COUNTIES = (
    "cbsa_code,cbsa_title,division_code,division_title,metro_micro,county,state,state_fips,county_fips\n"
    "10000,Testville TX,,,metro,Test County,Texas,48,001\n20000,Elsewhere TX,,,metro,Other County,Texas,48,002\n"
)


def participants(path: Path, count: int) -> Path:
    path.write_text(
        HEADER + "".join(f"{npi(n)},ADA,TESTNAME{n},TX,Heart Failure,TEST PRACTICE,Yes,No\n" for n in range(count))
    )
    return path


def test_added_files_stand_side_by_side_and_changes_are_said(tmp_path: Path) -> None:
    shelf = tmp_path / "library"
    add_file(shelf, "participants", participants(tmp_path / "list.csv", 3), vintage="preliminary", today=TODAY)
    record, warnings = add_file(
        shelf,
        "participants",
        participants(tmp_path / "list.csv", 5),
        vintage="final",
        today=TODAY + dt.timedelta(days=1),
    )
    assert record.counts["rows"] == 5
    assert any(
        "P032" in text and "Found 5 (+2). Expected 3 as in preliminary" in text for text in map(str, record.warnings)
    )
    assert {problem.kind.code for problem in warnings} == {"P030", "P032"}
    assert [each.vintage for each in records(shelf)] == ["final", "preliminary"]
    assert newest(shelf, "participants")[1].vintage == "final"
    assert newest(shelf, "participants", vintage="preliminary")[1].counts["rows"] == 3


def test_a_refused_file_changes_nothing(tmp_path: Path) -> None:
    shelf = tmp_path / "library"
    add_file(shelf, "participants", participants(tmp_path / "list.csv", 3), vintage="v1", today=TODAY)
    before = sorted((path, path.read_bytes()) for path in shelf.rglob("*") if path.is_file())
    (tmp_path / "page.csv").write_text("<html>sign in</html>")
    with pytest.raises(InputRefused):
        add_file(shelf, "participants", tmp_path / "page.csv", vintage="v1", today=TODAY)
    with pytest.raises(NotFound, match=r"absent\.csv is not there"):
        add_file(shelf, "participants", tmp_path / "absent.csv", vintage="v1", today=TODAY)
    with pytest.raises(NotFound, match="Known: participants"):
        add_file(shelf, "nonsense", tmp_path / "list.csv", vintage="v1", today=TODAY)
    with pytest.raises(WrongUsage, match="vintage"):
        add_file(shelf, "participants", tmp_path / "list.csv", vintage="../v1", today=TODAY)
    assert sorted((path, path.read_bytes()) for path in shelf.rglob("*") if path.is_file()) == before


def test_an_addition_interrupted_anywhere_leaves_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "library"
    add_file(shelf, "participants", participants(tmp_path / "list.csv", 3), vintage="v1", today=TODAY)
    for step in ("copyfile", "replace"):
        monkeypatch.setattr(library_module.shutil if step == "copyfile" else library_module.os, step, _interrupt)
        with pytest.raises(KeyboardInterrupt):
            add_file(shelf, "participants", participants(tmp_path / "list.csv", 4), vintage="v1", today=TODAY)
        monkeypatch.undo()
        assert newest(shelf, "participants")[1].counts["rows"] == 3
    add_file(shelf, "participants", participants(tmp_path / "list.csv", 4), vintage="v1", today=TODAY)
    assert newest(shelf, "participants")[1].counts["rows"] == 4
    assert [path.name for path in (shelf / "participants").iterdir()] == ["v1"]


def _interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("key", "name", "content", "code"),
    [
        ("qpp-benchmarks", "b.json", b"[1]", "P031"),
        ("qpp-benchmarks", "b.json", b"[" * 100_000, "P031"),
        ("value-sets", "v.json", b'{"resourceType": "Patient"}', "P031"),
        ("value-sets", "v.txt", b"hello", "P031"),
        ("value-sets", "v.html", b"<!DOCTYPE html>", "P021"),
        ("codes-heart-failure", "c.xlsx", b"not a workbook", "F021"),
        ("codes-heart-failure", "c.xlsx", b"PK\x03\x04 broken", "F021"),
        ("areas", "a.csv", b"title\nx\n", "F005"),
    ],
)
def test_wrong_content_is_refused(tmp_path: Path, key: str, name: str, content: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputRefused) as refused:
        add_file(tmp_path / "library", key, tmp_path / name, vintage="v1", today=TODAY)
    assert [problem.kind.code for problem in refused.value.problems] == [code]


@pytest.mark.parametrize("key", [each.key for each in OFFICIAL_FILES])
def test_two_gigabytes_of_one_line_are_refused_in_little_memory(tmp_path: Path, key: str) -> None:
    for name, beginning in (("zeros.csv", b""), ("open.json", b"[")):
        hostile = tmp_path / name
        with hostile.open("wb") as stream:
            stream.write(beginning)
            stream.truncate(2_000_000_000)  # sparse on disk
        tracemalloc.start()
        with pytest.raises(InputRefused):
            add_file(tmp_path / "library", key, hostile, vintage="v1", today=TODAY)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 50_000_000, name
    assert records(tmp_path / "library") == ()


@pytest.mark.parametrize("key", ["areas", "counties", "zips", "participants", "codes-heart-failure"])
def test_a_workbook_that_multiplies_itself_is_refused(tmp_path: Path, key: str) -> None:
    """Entities that name entities: a few hundred bytes that would be gigabytes."""
    names = [f"e{number}" for number in range(12)]
    entities = "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in itertools.pairwise(names))
    good = tmp_path / "good.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["code"])
    book.save(good)
    hostile = tmp_path / "hostile.xlsx"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(hostile, "w") as target:
        for member in source.namelist():
            content = source.read(member).decode()
            if member.endswith(("sheet1.xml", "workbook.xml")):
                head = f'<!DOCTYPE x [<!ENTITY e0 "0000000000">{entities}]>'
                content = re.sub(
                    r"^(<\?xml[^>]*>)?", lambda found, head=head: (found[0] or "") + head, content, count=1
                )
                content = content.replace("code", "&e11;").replace('name="Sheet"', 'name="&e11;"')
                content = content.replace(
                    "<sheetData>", '<sheetData><row r="2"><c r="A2" t="inlineStr"><is><t>&e11;</t></is></c></row>'
                )
            target.writestr(member, content)
    started = time.process_time()
    tracemalloc.start()
    with pytest.raises(InputRefused):
        add_file(tmp_path / "library", key, hostile, vintage="v1", today=TODAY)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000_000
    assert time.process_time() - started < 10


def test_good_content_of_every_other_kind(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(json.dumps([{"measureId": "236"}, {"measureId": "001"}]))
    (tmp_path / "v.json").write_text('{"resourceType": "ValueSet"}')
    (tmp_path / "v.xml").write_text("<?xml version='1.0'?><x/>")
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        archive.writestr("one.json", "{}")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.json", b"0" * 60_000_000)
    shelf = tmp_path / "library"
    added = {
        name: add_file(shelf, key, tmp_path / name, vintage=name.replace(".", "-"), today=TODAY)[0].counts
        for key, name in (
            ("qpp-measures", "b.json"),
            ("value-sets", "v.json"),
            ("value-sets", "v.xml"),
            ("value-sets", "v.zip"),
        )
    }
    assert added["b.json"] == {"records": 2, "records of ASM measures": 1}
    assert added["v.zip"] == added["v.json"] == added["v.xml"] == {"files": 1}
    with pytest.raises(InputRefused, match="P020"):
        add_file(shelf, "value-sets", tmp_path / "bomb.zip", vintage="bomb", today=TODAY)


class _Server(http.server.BaseHTTPRequestHandler):
    content = b""
    break_after: int | None = None
    ranges: list[str | None] = []  # noqa: RUF012 (reset by each test)

    def do_GET(self) -> None:
        type(self).ranges.append(self.headers.get("Range"))
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        start = 0
        if self.headers.get("Range") and self.headers.get("If-Range") == '"one"':
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        body = self.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"one"')
        self.end_headers()
        if self.break_after is not None:
            self.wfile.write(body[: self.break_after])
            type(self).break_after = None
            self.connection.close()
        else:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def server(socket_enabled: None) -> Iterator[str]:
    _Server.ranges, _Server.break_after = [], None
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_broken_download_is_resumed(tmp_path: Path, server: str) -> None:
    _Server.content = participants(tmp_path / "list.csv", 2000).read_bytes()
    _Server.break_after = 50_000
    seen: list[int] = []
    arguments = {"vintage": "v1", "today": TODAY, "address": f"{server}/list.csv"}
    with pytest.raises(FetchFailed, match="broke off"):
        fetch_file(tmp_path / "library", "participants", **arguments)
    assert records(tmp_path / "library") == ()
    record, _ = fetch_file(
        tmp_path / "library", "participants", **arguments, progress=lambda have, _: seen.append(have)
    )
    assert _Server.ranges == [None, "bytes=50000-"]
    assert record.counts["rows"] == 2000
    assert newest(tmp_path / "library", "participants")[0].read_bytes() == _Server.content
    assert seen[-1] == len(_Server.content)
    assert not list((tmp_path / "library" / ".partial").iterdir())


def test_what_cannot_be_fetched_says_what_to_do(tmp_path: Path, server: str) -> None:
    with pytest.raises(FetchFailed, match="404"):
        fetch_file(tmp_path, "areas", vintage="v1", today=TODAY, address=f"{server}/missing.xlsx")
    with pytest.raises(WrongUsage, match="openasm data add value-sets FILE"):
        fetch_file(tmp_path, "value-sets", vintage="v1", today=TODAY)
    with pytest.raises(WrongUsage, match="https"):
        fetch_file(tmp_path, "areas", vintage="v1", today=TODAY, address="file:///etc/hostname")


def test_the_commands(tmp_path: Path) -> None:
    runner = CliRunner()
    shelf = ["--library", str(tmp_path / "library")]
    list_file, counties = participants(tmp_path / "list.csv", 3), tmp_path / "counties.csv"
    counties.write_text(COUNTIES)
    (tmp_path / "areas.csv").write_text("code\n10000\n")
    for key, file in (("participants", list_file), ("counties", counties), ("areas", tmp_path / "areas.csv")):
        result = runner.invoke(data_command.app, ["add", key, str(file), "--vintage", "v1", *shelf])
        assert result.exit_code == 0, result.output
    listing = json.loads(runner.invoke(data_command.app, ["list", "--json", *shelf]).stdout)
    assert [each["key"] for each in listing["library"]] == ["participants", "areas", "counties"]
    assert "licence: needs a UMLS licence" in runner.invoke(data_command.app, ["list", "--known", *shelf]).stdout
    found = json.loads(runner.invoke(lookup_command.app, ["testname1 ada", "--json", *shelf]).stdout)
    assert found["rows"][0]["npi"] == npi(1)
    place = json.loads(runner.invoke(lookup_command.app, ["--county", "48001", "--json", *shelf]).stdout)
    assert place["placed"] == "yes"
    assert (
        json.loads(runner.invoke(lookup_command.app, ["--zip", "77001", "--json", *shelf]).stdout)["placed"]
        == "cannot tell"
    )
    missing = runner.invoke(lookup_command.app, [npi(77), *shelf])
    assert isinstance(missing.exception, NotFound)
    assert isinstance(runner.invoke(lookup_command.app, shelf).exception, WrongUsage)
    other = participants(tmp_path / "other.csv", 2)
    compared = json.loads(runner.invoke(data_command.app, ["compare", "v1", str(other), "--json", *shelf]).stdout)
    assert [(each["kind"], each["npi"]) for each in compared["changes"]] == [("removed", npi(2))]
    shutil.rmtree(tmp_path / "library")
    empty = runner.invoke(lookup_command.app, ["ada", *shelf])
    assert isinstance(empty.exception, NotFound)
    assert "openasm data add participants FILE" in str(empty.exception)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--npi", "12345"], WrongUsage),
        (["--npi", "12345abcde"], WrongUsage),
        (["--zip", "7700"], WrongUsage),
        (["--zip", "77001-12"], WrongUsage),
        (["--county", "48"], WrongUsage),
        (["--state", "Texas"], WrongUsage),
        (["--npi", npi(1)], NotFound),
        (["--zip", "77001-1234"], NotFound),
        (["ada", "--list", "absent.csv"], NotFound),
        (["--zip", "77001", "--counties", "absent.csv"], NotFound),
    ],
)
def test_what_is_asked_is_checked_before_any_file_is_missed(tmp_path: Path, arguments: list[str], error: type) -> None:
    result = CliRunner().invoke(lookup_command.app, [*arguments, "--library", str(tmp_path / "none")])
    assert type(result.exception) is error
    if error is WrongUsage:
        assert "openasm data" not in str(result.exception)


def test_a_mistyped_npi_is_said_to_be_one(tmp_path: Path) -> None:
    wrong = npi(1)[:-1] + str((int(npi(1)[-1]) + 1) % 10)
    listed = participants(tmp_path / "list.csv", 3)
    result = CliRunner().invoke(lookup_command.app, [wrong, "--list", str(listed)])
    assert isinstance(result.exception, NotFound)
    assert "check digit" in str(result.exception)
    right = CliRunner().invoke(lookup_command.app, [npi(77), "--list", str(listed)])
    assert "check digit" not in str(right.exception)


def test_a_hash_that_is_known_is_held_to(tmp_path: Path, server: str) -> None:
    listed = participants(tmp_path / "list.csv", 3)
    digest = hashlib.sha256(listed.read_bytes()).hexdigest()
    shelf = tmp_path / "library"
    with pytest.raises(InputRefused, match="P049"):
        add_file(shelf, "participants", listed, vintage="v1", today=TODAY, sha256="0" * 64)
    assert records(shelf) == ()
    record, _ = add_file(shelf, "participants", listed, vintage="v1", today=TODAY, sha256=digest.upper())
    assert record.sha256 == digest
    with pytest.raises(InputRefused, match="P049"):
        fetch_file(shelf, "participants", vintage="v2", today=TODAY, address=f"{server}/list.csv", sha256="0" * 64)
    assert [each.vintage for each in records(shelf)] == ["v1"]
    assert not list((shelf / ".partial").iterdir())


def test_files_that_changed_after_they_were_added_are_named(tmp_path: Path) -> None:
    shelf = tmp_path / "library"
    for vintage, count in (("v1", 3), ("v2", 4), ("v3", 5)):
        add_file(shelf, "participants", participants(tmp_path / "list.csv", count), vintage=vintage, today=TODAY)
    asked = ["verify", "--library", str(shelf)]
    assert "3 files, every one as it was added" in CliRunner().invoke(data_command.app, asked).stdout
    with (shelf / "participants" / "v2" / "list.csv").open("a") as stream:
        stream.write("\n")
    (shelf / "participants" / "v3" / "list.csv").unlink()
    result = CliRunner().invoke(data_command.app, asked)
    assert isinstance(result.exception, InputRefused)
    assert [(each.kind.code, each.file) for each in result.exception.problems] == [
        ("P050", "participants v3"),
        ("P050", "participants v2"),
    ]
    told = CliRunner().invoke(data_command.app, [*asked, "--json"])
    assert told.exit_code == 3
    assert len(json.loads(told.stdout)["changed"]) == 2


def test_browsing_by_state(tmp_path: Path) -> None:
    rows = [
        (npi(0), "TX", "Heart Failure", "Yes"),
        (npi(1), "TX", "Low Back Pain", "No"),
        (npi(2), "NY", "Low Back Pain", "Yes"),
        (npi(3), "TX", "Low Back Pain", "Yes"),
    ]
    listed = tmp_path / "list.csv"
    listed.write_text(
        HEADER + "".join(f"{one},ADA,TEST,{state},{cohort},GROUP,Yes,{small}\n" for one, state, cohort, small in rows)
    )
    asked = ["--list", str(listed), "--json"]
    texas = {"state": "TX", "heart_failure": 1, "low_back_pain": 2, "small_practice": 2, "all": 3}
    told = json.loads(CliRunner().invoke(lookup_command.app, ["--states", *asked]).stdout)
    assert told["states"] == [
        texas,
        {"state": "NY", "heart_failure": 0, "low_back_pain": 1, "small_practice": 1, "all": 1},
    ]
    told = json.loads(CliRunner().invoke(lookup_command.app, ["--state", "TX", *asked]).stdout)
    assert (told["found"], told["by_state"]) == (3, [texas])
    shown = CliRunner().invoke(lookup_command.app, ["tx", *asked[:2]]).stdout
    assert "TX: 3 rows; heart failure 1, low back pain 2; small practice 2" in shown
    both = CliRunner().invoke(lookup_command.app, ["tx", "--states", *asked])
    assert isinstance(both.exception, WrongUsage)
