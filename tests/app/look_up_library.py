"""A participant list and a geography of made-up content, as the look-up reads them from the library."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from openasm.participants.shelves import add_file

HEADER = (
    "NPI,FIRST_NAME,LAST_NAME,STATE,ASM_COHORT,ORGANIZATION_LEGAL_NAME,ASM_CY27_PARTICIPANT,ASM_CY27_SMALLPRACTICE\n"
)
ROWS = (
    "2999000013,TESTA,VANHAZEL,TX,Heart Failure,MADE UP HEART GROUP,Yes,Yes\n"
    "2999000021,TESTB,OAKTREE,TX,Low Back Pain,MADE UP SPINE CLINIC,Yes,No\n"
    "2999000039,<b>TESTC</b>,ELMTREE,OH,Low Back Pain,=SUM(A1),Yes,Null\n"
)
COUNTIES = (
    "CBSA Code,Metropolitan Division Code,CSA Code,CBSA Title,Metropolitan/Micropolitan Statistical Area,"
    "Metropolitan Division Title,CSA Title,County/County Equivalent,State Name,FIPS State Code,FIPS County Code,"
    "Central/Outlying County\n"
    '26420,,,"Houston-Pasadena-The Woodlands, TX",Metropolitan Statistical Area,,,Harris County,Texas,48,201,Central\n'
    '12420,,,"Austin-Round Rock-San Marcos, TX",Metropolitan Statistical Area,,,Travis County,Texas,48,453,Central\n'
)
ZIPS = "ZIP,COUNTY,TOT_RATIO\n77002,48201,1.0\n78701,48453,1.0\n"
AREAS = "Code,Name\n26420,Houston\n"


def add_library(library: Path, scratch: Path, *, today: dt.date) -> None:
    """Put all of it into a library, by way of files in a scratch folder."""
    for key, text in (("participants", HEADER + ROWS), ("counties", COUNTIES), ("zips", ZIPS), ("areas", AREAS)):
        file = scratch / f"{key}.csv"
        file.write_text(text)
        add_file(library, key, file, vintage="2026-02", today=today)
