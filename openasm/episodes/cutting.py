"""Step 3: windows cut into episodes; the episodes of a year with their keys."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals as nw
import pyarrow as pa

from openasm.base.identity import stable_hash
from openasm.episodes.days import date_of, day_number, month_number
from openasm.episodes.frames import PERSON, small_table
from openasm.episodes.specifications.construction import Construction
from openasm.tables.engine import Engine, Frame

EPISODE = "episode"
"""Number of an episode within a run, in the order of TIN, beneficiary and start: a narrow key for joins."""


def cut_windows(windows: Frame, engine: Engine, *, episode_days: int, data_end: int, year: int) -> Frame:
    """Episodes that end in the year: tin, beneficiary, start, end (days). As `plain.cut`."""
    first_day, last_day = day_number(dt.date(year, 1, 1)), day_number(dt.date(year, 12, 31))
    # Only windows that touch the year can end an episode in it.
    near = windows.filter((nw.col("first") <= last_day) & (nw.col("last") >= first_day))
    counted = near.with_columns(pieces=(nw.col("last") - nw.col("first") + 1) // episode_days).with_columns(
        pieces=nw.when(nw.col("pieces") < 1).then(nw.lit(1)).otherwise(nw.col("pieces")).cast(nw.Int64)
    )
    row = engine.to_arrow(counted.select(nw.col("pieces").max().alias("most"))).to_pylist()[0]
    places = small_table(engine, {"place": int}, [(place,) for place in range(int(row["most"] or 1))])
    pieces = counted.join(places, how="cross").filter(nw.col("place") < nw.col("pieces"))
    whole_end = nw.col("first") + (nw.col("place") + 1) * episode_days - 1
    takes_rest = (nw.col("last") <= data_end) & (nw.col("place") == nw.col("pieces") - 1)
    return (
        pieces.with_columns(
            start=nw.col("first") + nw.col("place") * episode_days,
            end=nw.when(takes_rest).then(nw.col("last")).otherwise(whole_end),
        )
        .filter((nw.col("end") <= data_end) & (nw.col("end") >= first_day) & (nw.col("end") <= last_day))
        .select("tin", PERSON, "start", "end")
    )


def numbered_episodes(cut: Any, construction: Construction) -> pa.Table:
    """Cut episodes (pyarrow) in their order with number, key and months.

    Columns: episode, episode_id, tin, beneficiary, start, end, days, start_date, first_month (of the lookback), start_month,
    end_month. The key is a SHA-256 of cohort, TIN, beneficiary and start date, made here so that every engine has the same.
    """
    rows = sorted(zip(*(cut[name].to_pylist() for name in ("tin", PERSON, "start", "end")), strict=True))
    dates = {start: date_of(start) for _, _, start, _ in rows}
    columns: dict[str, list[Any]] = {
        EPISODE: list(range(len(rows))),
        "episode_id": [
            stable_hash(construction.cohort, tin, person, dates[start].isoformat()) for tin, person, start, _ in rows
        ],
        "tin": [row[0] for row in rows],
        PERSON: [row[1] for row in rows],
        "start": [row[2] for row in rows],
        "end": [row[3] for row in rows],
        "days": [end - start + 1 for _, _, start, end in rows],
        "start_date": [dates[start] for _, _, start, _ in rows],
        "first_month": [month_number(start - construction.lookback_days) for _, _, start, _ in rows],
        "start_month": [month_number(start) for _, _, start, _ in rows],
        "end_month": [month_number(end) for _, _, _, end in rows],
    }
    return pa.table(columns, schema=EPISODE_SCHEMA)


EPISODE_SCHEMA = pa.schema(
    [
        (EPISODE, pa.int64()),
        ("episode_id", pa.string()),
        ("tin", pa.string()),
        (PERSON, pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("days", pa.int64()),
        ("start_date", pa.date32()),
        ("first_month", pa.int64()),
        ("start_month", pa.int64()),
        ("end_month", pa.int64()),
    ]
)
