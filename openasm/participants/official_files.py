"""The official public files the program works with: what each is, where it comes from, how its content is checked.

A check counts what identifies a version (rows, participants by cohort, areas ...) and says when a count is implausible. Counts are
kept with the file, so that the next version can be compared with it. Nothing official ships with the program.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from openasm.base.errors import NotFound
from openasm.base.files import COLUMN_MISSING, NOT_A_TABLE
from openasm.base.problems import Problems, Severity, declare
from openasm.participants.geography_files import read_areas, read_counties, read_crosswalk
from openasm.participants.participant_list import read_participant_list, totals
from openasm.participants.sheets import IS_WEB_PAGE, archive_is_safe

IMPLAUSIBLE = declare(
    "P030",
    "a count is outside what the file should hold",
    expected="a count in the range given",
    next_step="Compare with the official page; the file may be cut, or of another kind.",
    severity=Severity.WARNING,
)
WRONG_CONTENT = declare(
    "P031",
    "the file is not what its name in the library says",
    expected="the official file",
    next_step="Check which file this is; `openasm data list --known` shows what belongs under each name.",
)

Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class OfficialFile:
    """One kind of official file.

    page: where a person finds it; address: where the file itself can be fetched, empty when it needs a licence, a sign-in or
    a choice of version; check: counts the content, adding problems.
    """

    key: str
    title: str
    publisher: str
    page: str
    address: str
    licence: str
    note: str
    check: Callable[[Path, Problems], Counts]


def official_file(key: str) -> OfficialFile:
    """The kind of file with this key; NotFound names the keys there are."""
    for each in OFFICIAL_FILES:
        if each.key == key:
            return each
    raise NotFound(f"There is no official file called {key}. Known: {', '.join(each.key for each in OFFICIAL_FILES)}.")


def _within(problems: Problems, path: Path, name: str, found: int, low: int, high: int) -> None:
    if not low <= found <= high:
        problems.add(IMPLAUSIBLE, path.name, column=name, found=f"{found:,}", expected=f"{low:,} to {high:,}")


def check_participants(path: Path, problems: Problems) -> Counts:
    """Participant list: totals, each between half and twice what was reported for February 2026."""
    counts = totals(read_participant_list(path, problems))
    for name, reported in {"rows": 6637, "heart failure": 2610, "low back pain": 4027, "states": 49}.items():
        _within(problems, path, name, counts[name], reported // 2, reported * 2)
    return counts


def check_areas(path: Path, problems: Problems) -> Counts:
    """Mandatory areas: 235 are reported."""
    codes, _ = read_areas(path, problems)
    return {"areas": len(codes)}


def check_counties(path: Path, problems: Problems) -> Counts:
    """County delineation: 1,915 counties, 935 CBSAs and 37 divisions in July 2023."""
    counties = read_counties(path, problems)
    counts = {
        "counties": len(counties),
        "CBSAs": len({each.cbsa for each in counties}),
        "divisions": len({each.division for each in counties if each.division}),
    }
    for name, published in {"counties": 1915, "CBSAs": 935, "divisions": 37}.items():
        _within(problems, path, name, counts[name], published * 9 // 10, published * 11 // 10)
    return counts


def check_zips(path: Path, problems: Problems) -> Counts:
    """ZIP crosswalk: some 33,800 ZCTAs, or up to 42,000 ZIP codes."""
    parts, _ = read_crosswalk(path, problems)
    counts = {"ZIP codes": len({part.zip for part in parts}), "parts": len(parts)}
    _within(problems, path, "ZIP codes", counts["ZIP codes"], 30_000, 45_000)
    return counts


def check_qpp(path: Path, problems: Problems) -> Counts:
    """A file of CMS's QPP measures repository: a list of records that each name a measure."""
    content = _json(path, problems)
    if problems.errors:
        return {}
    if not isinstance(content, list) or not all(isinstance(each, dict) and "measureId" in each for each in content):
        problems.add(WRONG_CONTENT, path.name, expected="a JSON list of measures or benchmarks")
        return {}
    wanted = {"492", "008", "005", "236", "377", "238", "134", "128", "220", "COST_HF_1", "COST_LBP_1"}
    return {"records": len(content), "records of ASM measures": sum(each["measureId"] in wanted for each in content)}


def check_codes_list(path: Path, problems: Problems) -> Counts:
    """A codes-list workbook: the sheets every cost measure has (their rows are checked when the list is used)."""
    if not archive_is_safe(path, problems, expected="an Excel workbook"):
        return {}
    import openpyxl  # loaded only for workbooks

    try:
        names = openpyxl.load_workbook(path, read_only=True).sheetnames
    except Exception:  # a damaged workbook fails in many ways, none of them ours
        problems.add(NOT_A_TABLE, path.name, expected="an Excel workbook")
        return {}
    for sheet in ("Triggers_HCPCS", "Triggers_DGN", "Service_Assignment_AB"):
        if sheet not in names:
            problems.add(COLUMN_MISSING, path.name, column=sheet, expected=f"a sheet {sheet}")
    return {"sheets": len(names)}


def check_value_sets(path: Path, problems: Problems) -> Counts:
    """Value sets: a FHIR ValueSet or Bundle, an archive of them, or a VSAC download (XML, workbook)."""
    with path.open("rb") as stream:
        beginning = stream.read(512).lstrip().lower()
    if beginning.startswith((b"<!doctype html", b"<html")):
        problems.add(IS_WEB_PAGE, path.name)
        return {}
    if beginning.startswith(b"pk"):
        if not archive_is_safe(path, problems, expected="a workbook or archive"):
            return {}
        with zipfile.ZipFile(path) as archive:
            return {"files": len(archive.infolist())}
    if beginning.startswith(b"{"):
        content = _json(path, problems)
        if problems.errors:
            return {}
        kind = content.get("resourceType") if isinstance(content, dict) else None
        if kind not in ("ValueSet", "Bundle"):
            problems.add(WRONG_CONTENT, path.name, expected="a FHIR ValueSet or Bundle")
    elif not beginning.startswith(b"<?xml"):
        problems.add(WRONG_CONTENT, path.name, expected="FHIR JSON, SVS XML, a workbook or an archive of them")
    return {"files": 1}


MAXIMUM_JSON = 256 * 1024 * 1024


def _json(path: Path, problems: Problems) -> object:
    """The content of a JSON file of a plausible size; None where it is none."""
    if path.stat().st_size > MAXIMUM_JSON:
        problems.add(
            WRONG_CONTENT,
            path.name,
            found=f"{path.stat().st_size:,} bytes",
            expected=f"at most {MAXIMUM_JSON // 2**20} MB",
        )
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError):
        return None


_QPP = "https://raw.githubusercontent.com/CMSgov/qpp-measures-data/100b25f9ac65615fcd7b75b11d16dc5a02b3e92f"
_QPP_PAGE = "https://github.com/CMSgov/qpp-measures-data"
_PUBLIC = "US government work, public domain"

OFFICIAL_FILES: tuple[OfficialFile, ...] = (
    OfficialFile(
        "participants",
        "ASM participants",
        "CMS",
        "https://data.cms.gov/cms-innovation-center-programs/disease-episode-based-payment-models/"
        "ambulatory-specialty-model-participants",
        "",
        _PUBLIC,
        "Download the CSV from the page (dataset 175d576d-0568-4ac2-aec5-d77f3ee02205); lists are replaced, keep each version.",
        check_participants,
    ),
    OfficialFile(
        "areas",
        "Mandatory geographic areas",
        "CMS",
        "https://www.cms.gov/priorities/innovation/innovation-models/asm",
        "https://www.cms.gov/priorities/innovation/files/asm-mandatory-geo-areas.xlsx",
        _PUBLIC,
        "CBSAs and metropolitan divisions; 235 areas are reported.",
        check_areas,
    ),
    OfficialFile(
        "counties",
        "Counties of CBSAs and metropolitan divisions, July 2023",
        "US Census Bureau, OMB Bulletin 23-01",
        "https://www.census.gov/geographies/reference-files/time-series/demo/metro-micro/delineation-files.html",
        "https://www2.census.gov/programs-surveys/metro-micro/geographies/reference-files/2023/delineation-files/list1_2023.xlsx",
        _PUBLIC,
        "The model is reported to use this vintage.",
        check_counties,
    ),
    OfficialFile(
        "zips",
        "ZIP codes to counties",
        "HUD (address-weighted) or US Census Bureau (ZCTA, land area)",
        "https://www.huduser.gov/portal/datasets/usps_crosswalk.html",
        "https://www2.census.gov/geo/docs/maps-data/data/rel2020/zcta520/tab20_zcta520_county20_natl.txt",
        "HUD: terms of use at the source; Census: public domain",
        "HUD's file is the better one and needs an account; the address given fetches the Census file.",
        check_zips,
    ),
    OfficialFile(
        "qpp-benchmarks",
        "MIPS benchmarks 2026",
        "CMS (qpp-measures-data)",
        _QPP_PAGE,
        f"{_QPP}/benchmarks/2026.json",
        "public domain (CC0) by the repository's own note",
        "National MIPS benchmarks; the 2026 rows of 492 and of the cost measures are placeholders.",
        check_qpp,
    ),
    OfficialFile(
        "qpp-measures",
        "MIPS measures 2027",
        "CMS (qpp-measures-data)",
        _QPP_PAGE,
        f"{_QPP}/measures/2027/measures-data.json",
        "public domain (CC0) by the repository's own note",
        "A copy of 2026 in progress at that commit.",
        check_qpp,
    ),
    OfficialFile(
        "codes-heart-failure",
        "Codes list of COST_HF_1",
        "CMS",
        "https://qpp.cms.gov/resources/resource-library",
        "",
        "contains CPT, copyright American Medical Association: for your own use",
        "Inside the archive of cost measure codes lists of the year.",
        check_codes_list,
    ),
    OfficialFile(
        "codes-low-back-pain",
        "Codes list of COST_LBP_1",
        "CMS",
        "https://qpp.cms.gov/resources/resource-library",
        "",
        "contains CPT, copyright American Medical Association: for your own use",
        "Inside the archive of cost measure codes lists of the year.",
        check_codes_list,
    ),
    OfficialFile(
        "value-sets",
        "eCQM value sets",
        "National Library of Medicine, Value Set Authority Center",
        "https://vsac.nlm.nih.gov/download/ecqm",
        "",
        "needs a UMLS licence; contains CPT, SNOMED CT and other licensed codes: for your own use",
        "Any of VSAC's download formats, or FHIR ValueSets.",
        check_value_sets,
    ),
)

BY_KEY: Mapping[str, OfficialFile] = {each.key: each for each in OFFICIAL_FILES}
