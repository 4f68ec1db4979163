"""VSAC's downloads with made-up content: SVS XML, the spreadsheets, archives, and files that are none."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import openpyxl
import pytest

from openasm.base.problems import Problems
from openasm.clinical.value_sets import read_value_sets

SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
ONE, TWO = "2.16.840.1.113883.3.999.1", "2.16.840.1.113883.3.999.2"
SVS = f"""<?xml version="1.0" encoding="UTF-8"?>
<ns0:RetrieveMultipleValueSetsResponse xmlns:ns0="urn:ihe:iti:svs:2008">
 <ns0:DescribedValueSet ID="{ONE}" displayName="Made Up One" version="20261117">
  <ns0:ConceptList>
   <ns0:Concept code="101" codeSystem="2.16.840.1.113883.6.96" codeSystemName="SNOMEDCT" displayName="x"/>
   <ns0:Concept code="1-8" codeSystem="2.16.840.1.113883.6.1" codeSystemName="LOINC" displayName="y"/>
  </ns0:ConceptList>
 </ns0:DescribedValueSet>
 <ns0:DescribedValueSet ID="{TWO}" displayName="Made Up Two" version="20261117">
  <ns0:ConceptList><ns0:Concept code="102" codeSystem="2.16.840.1.113883.6.96"/></ns0:ConceptList>
 </ns0:DescribedValueSet>
</ns0:RetrieveMultipleValueSetsResponse>
"""
CODES = {ONE: {(SNOMED, "101"), (LOINC, "1-8")}, TWO: {(SNOMED, "102")}}


def by_measure() -> bytes:
    """An export by measure: the value set in each row."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "CMS999v1"
    sheet.append(["Value sets of a made-up measure"])
    sheet.append(["Value Set Name", "Value Set OID", "Definition Version", "Code", "Description", "Code System"])
    sheet.append(["Made Up One", ONE, "20261117", 101, "x", "SNOMEDCT"])
    sheet.append(["Made Up One", ONE, "20261117", "1-8", "y", "LOINC"])
    sheet.append(["Made Up Two", TWO, "20261117", "102", "z", "SNOMEDCT"])
    return saved(book)


def one_set() -> bytes:
    """An export of one value set: a sheet about it, its definition, its expansion."""
    book = openpyxl.Workbook()
    about = book.active
    about.title = "Value Set Info"
    for row in (["Value Set Name", "Made Up One"], ["OID", ONE], ["Definition Version", "20261117"]):
        about.append(row)
    for title, codes in (("Code List", [101]), ("Expansion List", [101, "1-8"])):
        sheet = book.create_sheet(title)
        sheet.append(["Value Set Name", "Made Up One"])
        sheet.append([])
        sheet.append(["Code", "Descriptor", "Code System Name", "Code System Version", "Code System OID"])
        for code in codes:
            oid = "2.16.840.1.113883.6.1" if code == "1-8" else "2.16.840.1.113883.6.96"
            sheet.append([code, "x", "whatever", "2026", oid])
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def read(folder: Path) -> tuple[dict[str, set[tuple[str, str]]], list[str]]:
    problems = Problems()
    sets = read_value_sets(folder, problems)
    return {oid: set(each.codes) for oid, each in sets.by_oid.items()}, [each.kind.code for each in problems]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("answer.xml", SVS.encode(), CODES),
        ("measure.xlsx", by_measure(), CODES),
        ("one.xlsx", one_set(), {ONE: CODES[ONE]}),
    ],
)
def test_every_download_gives_its_codes(
    tmp_path: Path, name: str, content: bytes, expected: dict[str, set[tuple[str, str]]]
) -> None:
    (tmp_path / name).write_bytes(content)
    assert read(tmp_path) == (expected, [])
    (tmp_path / name).unlink()
    with zipfile.ZipFile(tmp_path / "download.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"folder/{name}", content)
        archive.writestr("readme.txt", "not a value set")
    assert read(tmp_path) == (expected, [])


def test_a_single_value_set_answer_and_fhir_in_an_archive(tmp_path: Path) -> None:
    single = SVS.replace("RetrieveMultipleValueSetsResponse", "RetrieveValueSetResponse").replace(
        "DescribedValueSet", "ValueSet"
    )
    fhir = {
        "resourceType": "ValueSet",
        "url": f"urn:oid:{TWO}",
        "expansion": {"contains": [{"system": SNOMED, "code": "102"}]},
    }
    with zipfile.ZipFile(tmp_path / "download.zip", "w") as archive:
        archive.writestr(
            "one.xml", single.partition(f'<ns0:ValueSet ID="{TWO}"')[0] + "</ns0:RetrieveValueSetResponse>"
        )
        archive.writestr("two.json", json.dumps(fhir))
    assert read(tmp_path) == (CODES, [])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.xml", SVS[:400].encode()),
        ("other.xml", b"<html><body>Sign in</body></html>"),
        ("entities.xml", b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + SVS.encode()),
        ("utf16.xml", SVS.encode("utf-16")),
        ("cut.xlsx", by_measure()[:500]),
        ("no.xlsx", b"not a workbook"),
        ("empty.xlsx", saved(openpyxl.Workbook())),
        ("cut.zip", by_measure()[:500]),
    ],
)
def test_what_cannot_be_read_is_said_by_file(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert read(tmp_path) == ({}, ["V102", "V101"])


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.xlsx"])
def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.xml", bytes(30_000_000))
    problems = Problems()
    read_value_sets(tmp_path, problems)
    (unreadable,) = [each for each in problems if each.kind.code == "V102"]
    assert unreadable.found.startswith("30,000,000 bytes from")


def test_missing_sets_are_named(tmp_path: Path) -> None:
    (tmp_path / "answer.xml").write_text(SVS, encoding="utf-8")
    problems = Problems()
    sets = read_value_sets(tmp_path, problems)
    assert sets.require({"Made Up One": ONE, "Lost": "2.16.840.1.113883.3.999.3"}, problems, needed_by="CMS999") == {
        "Made Up One": frozenset(CODES[ONE])
    }
    (problem,) = problems.errors
    assert problem.kind.code == "V105"
    assert problem.found == "Lost (2.16.840.1.113883.3.999.3), needed by CMS999"
