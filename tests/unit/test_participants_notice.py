"""The error-notice pack: what it holds, what it must not hold, equal bytes, and when there is none."""

from __future__ import annotations

import datetime as dt
import io
import re
import subprocess
import zipfile
from dataclasses import replace
from shutil import which

import openpyxl
import pytest

from openasm.base.errors import WrongUsage
from openasm.participants.counting import EpisodeCount, Places
from openasm.participants.directory import Directory
from openasm.participants.eligibility import Coverage, Eligibility, eligibility_of
from openasm.participants.notice import BLANK, Notice, Source, make_notices
from openasm.participants.notice_pdf import notice_pdf
from openasm.participants.notice_workbook import notice_workbook
from openasm.participants.participant_list import ListedClinician, YearStatus
from openasm.regulation.rulebook import rules_for
from tests.builders.eligibility_claims import NPI, OTHER_NPI, OTHER_TIN, TIN, geography
from tests.builders.participant_lists import listed

RULES = rules_for(2027)
WHOLE = Coverage(True, True, True)
TODAY = dt.date(2026, 12, 2)
SOURCES = (
    Source("claims", "claims.json", "as given", "ab" * 32),
    Source("episodes", "e.parquet", "as given", "cd" * 32, "low_back_pain"),
)


def judged_with(number: int, *, tin: str = TIN, coverage: Coverage = WHOLE) -> Eligibility:
    return eligibility_of(
        (tin, NPI),
        "heart_failure",
        lines={"06": 100},
        everywhere="06",
        episodes=EpisodeCount(number, number),
        places=Places({"10001": number}),
        coverage=coverage,
        geography=geography(),
        rules=RULES,
    )


def directory(name: str = "TESTNAME", *, participant: bool = True) -> Directory:
    years = (YearStatus(participant, False), *(YearStatus(None, None),) * 4)
    return Directory(listed([ListedClinician(NPI, "ADA", name, "TX", "heart_failure", "MADE UP GROUP", years)]))


def notices(
    *tests: Eligibility, among: Directory | None = None, npi: str = NPI, received: dt.date | None = None
) -> tuple[Notice, ...]:
    return make_notices(
        npi,
        tests,
        directory=among or directory(),
        coverage=WHOLE,
        sources=SOURCES,
        rules=RULES,
        today=TODAY,
        received=received,
    )


def every_text(notice: Notice) -> str:
    return "\n".join(
        text
        for section in notice.sections
        for text in (
            section.title,
            *section.sentences,
            *section.header,
            *(cell for row in section.rows for cell in row),
        )
    )


def test_what_a_pack_says() -> None:
    (pack,) = notices(judged_with(19), received=dt.date(2026, 12, 1))
    text = every_text(pack)
    for wanted in (
        "19 of 20 episodes",
        f"TIN {TIN}",
        NPI,
        "MADE UP GROUP",
        "list.csv",
        "PLACEHOLDER",
        "42 CFR 512.290",
    ):
        assert wanted in text
    assert "2027-01-15" in text  # 45 days after 1 December
    assert "2026-12-02" in text
    assert "ab" * 32 in text
    assert "cd" * 32 not in text  # the other cohort's episodes
    assert pack.stem == f"notice-{NPI}-heart_failure-2027"
    assert BLANK in every_text(*notices(judged_with(19)))


def test_when_there_is_nothing_to_give_notice_of() -> None:
    for tests, among, npi, words in (
        ([judged_with(20)], directory(), NPI, "no test is shown to fail"),
        ([judged_with(19, coverage=Coverage(False, True, True))], directory(), NPI, "cannot tell"),
        ([judged_with(19), judged_with(25, tin=OTHER_TIN)], directory(), NPI, f"TIN {OTHER_TIN}: yes"),
        ([judged_with(19)], directory(participant=False), NPI, "not on this list for 2027"),
        ([judged_with(19)], directory(), OTHER_NPI, "not on this list"),
        ([], directory(), NPI, "hold nothing of this clinician"),
    ):
        with pytest.raises(WrongUsage, match=re.escape(words)):
            notices(*tests, among=among, npi=npi)
    with pytest.raises(WrongUsage, match="--list"):
        make_notices(NPI, [], directory=None, coverage=WHOLE, sources=(), rules=RULES, today=TODAY)


def test_every_tin_of_the_clinician_is_shown() -> None:
    (pack,) = notices(judged_with(19), judged_with(3, tin=OTHER_TIN))
    titles = [section.title for section in pack.sections]
    assert f"The tests under TIN {TIN}" in titles
    assert f"The tests under TIN {OTHER_TIN}" in titles
    assert "under none of the 2 TINs" in every_text(pack)


def test_equal_packs_give_equal_bytes() -> None:
    (pack,) = notices(judged_with(19))
    assert notice_pdf(pack) == notice_pdf(pack)
    assert notice_workbook(pack) == notice_workbook(pack)
    other = replace(pack, name="SOMEBODY ELSE")
    assert notice_pdf(other) != notice_pdf(pack)


@pytest.mark.parametrize(
    "name", ["<b>TEST</b> & CO", "ÑANDÚ-TEST", "ŁUKASZTEST", "李TEST", '=HYPERLINK("http://x.example")']
)
def test_any_name_can_be_drawn(name: str) -> None:
    (pack,) = notices(judged_with(19), among=directory(name))
    content = notice_pdf(pack)
    assert content.startswith(b"%PDF-")
    book = openpyxl.load_workbook(io.BytesIO(notice_workbook(pack)))
    cells = [cell for sheet in book for row in sheet for cell in row if cell.value is not None]
    assert all(cell.data_type == "s" for cell in cells)
    assert any(name in str(cell.value) for cell in cells)
    with zipfile.ZipFile(io.BytesIO(notice_workbook(pack))) as archive:
        assert not any(b"<f>" in archive.read(each) for each in archive.namelist())


@pytest.mark.skipif(which("pdftotext") is None, reason="pdftotext is not installed")
def test_the_pdf_reads_as_text() -> None:
    (pack,) = notices(judged_with(19))
    text = subprocess.run(
        ["pdftotext", "-", "-"], input=notice_pdf(pack), capture_output=True, check=True
    ).stdout.decode()
    flat = " ".join(text.split())
    assert "19 of 20 episodes" in flat
    assert "Statement of the sender" in flat
