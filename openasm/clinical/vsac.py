"""Value sets as the Value Set Authority Center (VSAC) hands them out: SVS XML, the spreadsheet export, and ZIP archives of either.

* SVS XML: the answer of `RetrieveMultipleValueSets` or `RetrieveValueSet` (IHE Sharing Value Sets, namespace urn:ihe:iti:svs:2008).
* The spreadsheet: sheets with a header that names the code and its system. The value set is named in each row (the exports by measure),
  or above the header or in a sheet beside it (the export of one value set; of its two lists the expansion counts).

Files are bounded before they are unpacked, document type definitions are refused, and nothing is fetched from anywhere.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple
from xml.etree import ElementTree as ET

from openasm.clinical.terminology import code_system

MAXIMUM_UNPACKED = 1 << 30
MAXIMUM_RATIO = 200
MAXIMUM_MEMBERS = 20_000
ENDINGS = (".xml", ".xlsx")

# The names that VSAC's spreadsheets give to code systems; the object identifier beside them goes first where there is one.
_SYSTEM_NAMES = {
    "SNOMEDCT": "http://snomed.info/sct",
    "SNOMEDCTUS": "http://snomed.info/sct",
    "LOINC": "http://loinc.org",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "CPT": "http://www.ama-assn.org/go/cpt",
    "HCPCS": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "HCPCSLEVELII": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "ICD10CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD10PCS": "http://www.cms.gov/Medicare/Coding/ICD10",
    "ICD9CM": "http://hl7.org/fhir/sid/icd-9-cm",
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "CDT": "http://www.ada.org/cdt",
}
_OID = re.compile(r"[0-2](\.[0-9]+){3,}", re.ASCII)
_SHEETS_LAST = ("code list",)  # the definition of a grouping; its expansion is in the sheet beside it


class NotVsac(ValueError):
    """The content is not a value-set download that can be read, with what was found."""


class Download(NamedTuple):
    """One value set of a download; its list of codes is whole."""

    oid: str
    name: str
    version: str
    codes: frozenset[tuple[str, str]]


def downloads_in(path: Path) -> list[Download]:
    """The value sets of an .xml or .xlsx file. NotVsac when it holds none or cannot be read."""
    try:
        with path.open("rb") as stream:
            return read_download(path.name, stream)
    except OSError as error:
        raise NotVsac(error.strerror or "unreadable") from None


def read_download(name: str, stream: IO[bytes]) -> list[Download]:
    """As `downloads_in`, from an open file whose name says of which kind it is."""
    found = _svs(stream) if name.lower().endswith(".xml") else _workbook(stream)
    if not found:
        raise NotVsac("no value set")
    return found


def members_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of a ZIP archive, folders and hidden files left out. NotVsac when it is damaged or would unpack to
    more than `MAXIMUM_UNPACKED` or `MAXIMUM_RATIO` times its size."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_bounds(archive)
            for member in sorted(archive.infolist(), key=lambda each: each.filename):
                name = member.filename.rsplit("/", 1)[-1]
                if not member.is_dir() and not name.startswith(".") and "__MACOSX" not in member.filename:
                    yield name, archive.read(member)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise NotVsac("no readable ZIP archive") from error


def check_bounds(archive: zipfile.ZipFile) -> None:
    """NotVsac for an archive that unpacks to far more than value sets hold."""
    members = archive.infolist()
    packed = sum(member.compress_size for member in members)
    unpacked = sum(member.file_size for member in members)
    if len(members) > MAXIMUM_MEMBERS:
        raise NotVsac(f"{len(members):,} files in the archive")
    if unpacked > MAXIMUM_UNPACKED or unpacked > MAXIMUM_RATIO * packed + 10_000_000:
        raise NotVsac(f"{unpacked:,} bytes from {packed:,}")


# --- SVS -----------------------------------------------------------------------------------------------------------------


def _svs(stream: IO[bytes]) -> list[Download]:
    content = stream.read(MAXIMUM_UNPACKED)
    if b"\x00" in content[:200]:
        raise NotVsac("no UTF-8 text")
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise NotVsac("a document type definition")
    found: list[Download] = []
    try:
        for _, element in ET.iterparse(io.BytesIO(content)):  # noqa: S314 - definitions are refused above
            if _local(element) in ("DescribedValueSet", "ValueSet") and element.get("ID"):
                found.append(_described(element))
                element.clear()
    except ET.ParseError:
        raise NotVsac("no well-formed XML") from None
    return found


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _described(element: ET.Element) -> Download:
    codes = frozenset(
        (code_system(concept.get("codeSystem", "")), concept.get("code", ""))
        for concept in element.iter()
        if _local(concept) == "Concept" and concept.get("code")
    )
    return Download(
        element.get("ID", "").removeprefix("urn:oid:"),
        element.get("displayName", ""),
        element.get("version", ""),
        codes,
    )


# --- spreadsheet ---------------------------------------------------------------------------------------------------------


def _workbook(stream: IO[bytes]) -> list[Download]:
    import openpyxl  # heavy: loaded when there is a spreadsheet

    try:
        with zipfile.ZipFile(stream) as archive:
            check_bounds(archive)
        stream.seek(0)
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        sheets = [(str(sheet.title), list(_texts(sheet.iter_rows(values_only=True)))) for sheet in book.worksheets]
    except NotVsac:
        raise
    except Exception as error:  # a damaged workbook makes the library raise whatever it meets
        raise NotVsac("no readable workbook") from error
    stated = {key: value for _, rows in sheets for key, value in _stated(rows).items()}
    sheets.sort(key=lambda sheet: sheet[0].strip().lower() in _SHEETS_LAST)
    gathered: dict[str, tuple[str, str, set[tuple[str, str]]]] = {}
    for _, rows in sheets:
        of_sheet: dict[str, tuple[str, str, set[tuple[str, str]]]] = {}
        for oid, name, version, code in _codes_of(rows, stated | _stated(rows)):
            of_sheet.setdefault(oid, (name, version, set()))[2].add(code)
        for oid, each in of_sheet.items():
            gathered.setdefault(oid, each)  # of two lists of one set the earlier sheet's counts
    return [Download(oid, name, version, frozenset(codes)) for oid, (name, version, codes) in sorted(gathered.items())]


def _texts(rows: Any) -> Iterator[tuple[str, ...]]:
    for row in rows:
        yield tuple("" if cell is None else _text(cell) for cell in row)


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _stated(rows: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """What the lines above a header say: OID, name and version of the sheet's value set."""
    found: dict[str, str] = {}
    for row in rows:
        if _header(row) is not None:
            break
        filled = [cell for cell in row if cell]
        if len(filled) >= 2:
            found.setdefault(filled[0].rstrip(":").strip().lower(), filled[1])
    return found


def _header(row: tuple[str, ...]) -> dict[str, int] | None:
    """Column places of a header row; None for any other row."""
    titles: dict[str, int] = {}
    for place, cell in enumerate(row):
        titles.setdefault(cell.lower(), place)
    if "code" in titles and any(title.startswith("code system") for title in titles):
        return titles
    return None


def _codes_of(
    rows: Sequence[tuple[str, ...]], stated: dict[str, str]
) -> Iterator[tuple[str, str, str, tuple[str, str]]]:
    titles: dict[str, int] | None = None
    for row in rows:
        if titles is None:
            titles = _header(row)
            continue
        code = _cell(row, titles, "code")
        system = _system(_cell(row, titles, "code system oid"), _cell(row, titles, "code system", "code system name"))
        oid = _cell(row, titles, "value set oid", "oid") or stated.get("value set oid", "") or stated.get("oid", "")
        if not code or not system or _OID.fullmatch(oid) is None:
            continue
        name = _cell(row, titles, "value set name") or stated.get("value set name", "") or stated.get("name", "")
        version = _cell(row, titles, "expansion version", "definition version") or stated.get("definition version", "")
        yield oid, name, version, (system, code)


def _cell(row: tuple[str, ...], titles: dict[str, int], *names: str) -> str:
    for name in names:
        place = titles.get(name)
        if place is not None and place < len(row) and row[place]:
            return row[place]
    return ""


def _system(oid: str, name: str) -> str:
    if _OID.fullmatch(oid) is not None:
        return code_system(oid)
    plain = re.sub(r"[^A-Z0-9]", "", name.upper())
    return _SYSTEM_NAMES.get(plain, name if ":" in name else "")
