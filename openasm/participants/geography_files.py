"""Readers of the official geography files: county delineation, ZIP crosswalks, list of mandatory areas.

Accepted, told apart by their headers:
- delineation: OMB/Census `list1_2023.xlsx`, or a CSV with fips, county, state, cbsa_code, cbsa_title, division_code,
  division_title, metro_micro;
- crosswalk: HUD ZIP to county (`ZIP`, `COUNTY`, `TOT_RATIO`; address-weighted), the Census 2020 ZCTA-to-county relationship
  file (`GEOID_ZCTA5_20`, `GEOID_COUNTY_20`, `AREALAND_PART`; land area, `|` or `,`), or a CSV with zcta, county_fips, land_share;
- mandatory areas: a workbook or CSV with a column of CBSA or division codes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from openasm.base.files import COLUMN_MISSING, NOT_A_TABLE
from openasm.base.problems import Problems, Severity, declare
from openasm.participants.geography import COMPLETE_AREA_COUNT, County, ZipPart
from openasm.participants.names import folded
from openasm.participants.sheets import rows_of

BAD_FIPS = declare(
    "P010",
    "not a county code",
    expected="two digits of the state and three of the county",
    next_step="Keep leading zeros: format the columns as text.",
)
BAD_SHARE = declare(
    "P011", "not a share", expected="a number from 0 to 1", next_step="Check the column of ratios or land area."
)
BAD_AREA_CODE = declare(
    "P012",
    "not an area code",
    expected="five digits of a CBSA or metropolitan division",
    next_step="Check that the column holds codes, not titles.",
)
AREAS_INCOMPLETE = declare(
    "P013",
    "the list of mandatory areas is not whole",
    expected=f"{COMPLETE_AREA_COUNT} areas",
    next_step="Load CMS's workbook of mandatory areas; until then the answer for other areas is `cannot tell`.",
    severity=Severity.WARNING,
)
UNKNOWN_AREA = declare(
    "P014",
    "a listed area is not in the delineation",
    expected="a code of the July 2023 delineation",
    next_step="Check that both files are of the same vintage.",
    severity=Severity.WARNING,
)

_COUNTY_HEADERS: Mapping[str, tuple[str, ...]] = {
    "cbsa": ("cbsa code", "cbsa_code"),
    "cbsa_title": ("cbsa title", "cbsa_title"),
    "division": ("metropolitan division code", "division_code"),
    "division_title": ("metropolitan division title", "division_title"),
    "kind": ("metropolitan/micropolitan statistical area", "metro_micro"),
    "county": ("county/county equivalent", "county"),
    "state": ("state name", "state"),
    "state_fips": ("fips state code", "state_fips"),
    "county_fips": ("fips county code", "county_fips"),
}
_AREA_HEADERS = (
    "asm_unit",
    "cbsa code",
    "cbsa_code",
    "cbsa",
    "cbsa or metropolitan division code",
    "area code",
    "code",
)


def read_counties(path: Path, problems: Problems) -> tuple[County, ...]:
    """The counties of the delineation, sorted by FIPS code."""
    found = _table(path, problems, _COUNTY_HEADERS)
    counties: dict[str, County] = {}
    for row_number, row in found:
        fips = row["state_fips"].zfill(2) + row["county_fips"].zfill(3)
        if not row["cbsa"] and not row["county"]:
            continue  # notes below the table
        if not (_digits(fips, 5) and row["state_fips"] and row["county_fips"]):
            if row["cbsa"][:5].isdigit():
                problems.add(BAD_FIPS, path.name, row=row_number, found=repr(fips[:12]))
            continue
        if not _digits(row["cbsa"], 5):
            problems.add(BAD_AREA_CODE, path.name, row=row_number, found=repr(row["cbsa"][:20]))
            continue
        counties[fips] = County(
            fips=fips,
            name=row["county"],
            state=row["state"],
            cbsa=row["cbsa"],
            cbsa_title=row["cbsa_title"],
            division=row["division"],
            division_title=row["division_title"],
            metropolitan=folded(row["kind"]).startswith("metro"),
        )
    return tuple(counties[fips] for fips in sorted(counties))


def read_crosswalk(path: Path, problems: Problems) -> tuple[tuple[ZipPart, ...], str]:
    """The parts of every ZIP, sorted, and what their shares are shares of (`addresses` or `land area`)."""
    rows = rows_of(path, problems)
    header = next(rows, (0, ()))[1]
    names = [folded(cell).replace(" ", "_") for cell in header]

    def place(*wanted: str) -> int | None:
        return next((names.index(name) for name in wanted if name in names), None)

    zip_at, county_at = place("zip", "geoid_zcta5_20", "zcta"), place("county", "geoid_county_20", "county_fips")
    share_at, land_at = place("tot_ratio", "land_share"), place("arealand_part")
    if zip_at is None or county_at is None or (share_at is None and land_at is None):
        if header:
            problems.add(
                COLUMN_MISSING, path.name, row=0, found=", ".join(header)[:80], expected="ZIP, county and share"
            )
        return (), ""
    raw: dict[str, dict[str, float]] = defaultdict(dict)
    for row_number, cells in rows:
        if len(cells) <= max(zip_at, county_at, share_at or 0, land_at or 0) or not cells[zip_at].strip():
            continue  # the relationship file also lists counties without a ZIP area
        zip_code, fips = cells[zip_at].strip().zfill(5), cells[county_at].strip().zfill(5)
        if not _digits(zip_code, 5) or not _digits(fips, 5):
            problems.add(BAD_FIPS, path.name, row=row_number)
            continue
        amount = _number(cells[share_at if share_at is not None else land_at or 0])
        if amount is None or amount < 0 or (share_at is not None and amount > 1.000001):
            problems.add(BAD_SHARE, path.name, row=row_number)
            continue
        raw[zip_code][fips] = raw[zip_code].get(fips, 0.0) + amount
    parts = []
    for zip_code in sorted(raw):
        whole = sum(raw[zip_code].values())
        for fips in sorted(raw[zip_code]):
            share = raw[zip_code][fips] / whole if whole else 1.0 / len(raw[zip_code])
            parts.append(ZipPart(zip_code, fips, share))
    return tuple(parts), "addresses" if "tot_ratio" in names else "land area"


def read_areas(path: Path, problems: Problems, *, known: frozenset[str] = frozenset()) -> tuple[tuple[str, ...], bool]:
    """Unit codes of the list of mandatory areas, sorted, and whether the list is whole (235 areas or more).

    known: units of the delineation; a listed code that is not one of them is a warning.
    """
    rows = rows_of(path, problems)
    at: int | None = None
    codes: dict[str, None] = {}
    any_row = False
    for row_number, cells in rows:
        any_row = True
        if at is None:
            names = [folded(cell) for cell in cells]
            wanted = [folded(name) for name in _AREA_HEADERS]
            at = next((names.index(name) for name in wanted if name in names), None)
            if at is None:
                at = next((place for place, name in enumerate(names) if "code" in name and "state" not in name), None)
            continue
        code = cells[at].strip() if at < len(cells) else ""
        if _digits(code, 5):
            codes[code] = None
            if known and code not in known:
                problems.add(UNKNOWN_AREA, path.name, row=row_number, found=code)
        elif code and code[:1].isdigit():
            problems.add(BAD_AREA_CODE, path.name, row=row_number, found=repr(code[:20]))
    if at is None:
        if any_row:
            problems.add(COLUMN_MISSING, path.name, row=0, expected="a column of CBSA or division codes")
    elif not codes:
        problems.add(NOT_A_TABLE, path.name, found="no area code")
    whole = len(codes) >= COMPLETE_AREA_COUNT
    if codes and not whole:
        problems.add(AREAS_INCOMPLETE, path.name, found=f"{len(codes)} areas")
    return tuple(sorted(codes)), whole


def _table(
    path: Path, problems: Problems, headers: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows below the first row that holds every wanted header, as named cells; title rows above it are passed over."""
    places: dict[str, int] | None = None
    seen_any = False
    for row_number, cells in rows_of(path, problems):
        seen_any = True
        if places is None:
            if row_number > 20:
                break
            places = _places(cells, headers)
            continue
        yield row_number, {name: cells[at].strip() if at < len(cells) else "" for name, at in places.items()}
    if places is None and seen_any:
        problems.add(COLUMN_MISSING, path.name, row=0, expected=", ".join(names[0] for names in headers.values()))


def _places(cells: Sequence[str], headers: Mapping[str, tuple[str, ...]]) -> dict[str, int] | None:
    names = [" ".join(cell.casefold().split()) for cell in cells]
    places: dict[str, int] = {}
    for wanted, spellings in headers.items():
        at = next((names.index(spelling) for spelling in spellings if spelling in names), None)
        if at is None:
            return None
        places[wanted] = at
    return places


def _digits(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdigit()


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
