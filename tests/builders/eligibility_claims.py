"""Tiny claims and episodes for tests of eligibility, straight from rows. Everything in them is made up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from openasm.claims.folder import Claims
from openasm.participants.counting import EpisodeFrames
from openasm.participants.geography import County, Geography, ZipPart
from openasm.tables.engine import Engine

TIN, NPI = "000000001", "2999000013"
OTHER_TIN, OTHER_NPI = "000000002", "2999000021"
DAY = dt.date(2025, 6, 1)


@dataclass(frozen=True)
class Line:
    tin: str | None = TIN
    npi: str | None = NPI
    specialty: str | None = "06"
    zip: str | None = "10001"
    day: dt.date = DAY
    person: str = "A"
    setting: str = "professional"
    place: str | None = "11"
    revenue_center: str | None = None
    hcpcs: str | None = "99213"


@dataclass(frozen=True)
class Held:
    """An episode and who holds it."""

    key: str
    person: str = "A"
    tin: str = TIN
    npis: tuple[str, ...] = (NPI,)
    start: dt.date = dt.date(2025, 1, 1)
    end: dt.date = dt.date(2025, 12, 31)
    excluded: str | None = None
    not_held_by: tuple[str, ...] = ()


def claims_of(lines: Sequence[Line], engine: Engine) -> Claims:
    columns = {
        "beneficiary": [each.person for each in lines],
        "setting": [each.setting for each in lines],
        "from_date": [each.day for each in lines],
        "tin": [each.tin for each in lines],
        "npi": [each.npi for each in lines],
        "specialty": [each.specialty for each in lines],
        "service_zip": [each.zip for each in lines],
        "place_of_service": [each.place for each in lines],
        "revenue_center": [each.revenue_center for each in lines],
        "hcpcs": [each.hcpcs for each in lines],
    }
    types = {name: pa.date32() if name == "from_date" else pa.string() for name in columns}
    frame = engine.from_arrow(pa.table(columns, schema=pa.schema(list(types.items()))))
    return Claims(frame, frame, frame, frame, dt.date(2023, 1, 1), dt.date(2025, 12, 31), {})


def episodes_of(held: Sequence[Held], engine: Engine, cohort: str = "heart_failure") -> EpisodeFrames:
    text, day = pa.string(), pa.date32()
    episodes = pa.table(
        {
            "cohort": [cohort] * len(held),
            "episode_id": [each.key for each in held],
            "beneficiary": [each.person for each in held],
            "tin": [each.tin for each in held],
            "start_date": [each.start for each in held],
            "end_date": [each.end for each in held],
            "excluded_reason": [each.excluded for each in held],
        },
        schema=pa.schema(
            [(name, text) for name in ("cohort", "episode_id", "beneficiary", "tin")]
            + [("start_date", day), ("end_date", day), ("excluded_reason", text)]
        ),
    )
    rows = [(each.key, each.tin, npi, npi in each.npis) for each in held for npi in (*each.npis, *each.not_held_by)]
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    attribution = pa.table(
        dict(zip(("episode_id", "tin", "npi", "attributed"), map(list, columns), strict=True)),
        schema=pa.schema([("episode_id", text), ("tin", text), ("npi", text), ("attributed", pa.bool_())]),
    )
    return EpisodeFrames(cohort, engine.from_arrow(episodes), engine.from_arrow(attribution))


def county(fips: str, cbsa: str, division: str = "") -> County:
    title = f"Area {division or cbsa}"
    return County(fips, f"County {fips}", "Test State", cbsa, f"Area {cbsa}", division, title if division else "", True)


def geography(*, complete: bool = True, areas: Sequence[str] = ("11111", "33334")) -> Geography:
    """Units 11111 and 33334 (a division) mandatory; 22222 and 33335 not; 99001 in no area; Connecticut by old counties.

    ZIPs: 10001 in 11111; 20002 in 22222; 30003 in division 33334; 12012 two thirds in 11111 and one in 22222; 90009 outside;
    06001 in an old county of Connecticut.
    """
    counties = [
        county("01001", "11111"),
        county("01002", "22222"),
        county("01003", "33333", "33334"),
        county("01004", "33333", "33335"),
        county("09110", "25540"),
    ]
    parts = [
        ZipPart("10001", "01001", 1.0),
        ZipPart("20002", "01002", 1.0),
        ZipPart("30003", "01003", 1.0),
        ZipPart("12012", "01001", 2 / 3),
        ZipPart("12012", "01002", 1 / 3),
        ZipPart("90009", "99001", 1.0),
        ZipPart("06001", "09001", 1.0),
    ]
    return Geography(counties=counties, zips=parts, areas=areas, areas_complete=complete)
