"""Step 2: total attribution windows, without a loop.

The rule is a recursion: a window opens at the first confirmed trigger line after the last window's end, and each later
line inside moves the end. It has a closed form. Call an *island* a longest run of a pair's qualifying days in which each
lies at most `window_days - 1` days after the one before.

* Inside an island, once a window is open, every later line lies within it: the end is at least the line before plus
  `window_days - 1`, and the step to the next line is no longer than that. So the window runs to the island's last line plus
  `window_days - 1`.
* The next island begins after that end, so no window reaches into it, and whether it opens one depends on its own lines.
* Lines of the island before its first confirmed trigger belong to no window. A trigger's confirmation looks at days alone,
  never at windows.

Hence each island with a confirmed trigger holds exactly one window: from its first confirmed trigger to its last line plus
`window_days - 1`. Confirmation needs only the nearest later confirming day: if that is too late, all are.
"""

from __future__ import annotations

import narwhals as nw

from openasm.episodes.frames import FAR, PERSON
from openasm.tables.engine import Frame

PAIR = ["tin", PERSON]


def attribution_windows(lines: Frame, *, confirm_days: int, window_days: int) -> Frame:
    """Windows of each TIN and beneficiary: tin, beneficiary, first, last (days). As `plain.windows`."""
    days = lines.group_by(*PAIR, "day").agg(nw.col("trigger").max(), nw.col("confirming").max())
    # One row a day and pair: the day alone is a full key within a pair.
    marked = days.with_columns(
        confirming_day=nw.when(nw.col("confirming") == 1).then(nw.col("day")).otherwise(nw.lit(FAR)),
        before=nw.col("day").shift(1).over(*PAIR, order_by="day"),
    ).with_columns(
        from_here=nw.col("confirming_day").cum_min(reverse=True).over(*PAIR, order_by="day"),
        begins=begins_run(window_days),
    )
    islands = marked.with_columns(
        next_confirming=nw.col("from_here").shift(-1).over(*PAIR, order_by="day"),
        island=nw.col("begins").cum_sum().over(*PAIR, order_by="day").cast(nw.Int64),
    ).with_columns(
        opens=nw.when(
            (nw.col("trigger") == 1) & (nw.col("next_confirming").fill_null(FAR) - nw.col("day") <= confirm_days)
        )
        .then(nw.col("day"))
        .otherwise(nw.lit(FAR))
    )
    return (
        islands.group_by(*PAIR, "island")
        .agg(nw.col("opens").min().alias("first"), nw.col("day").max().alias("last_line"))
        .filter(nw.col("first") < FAR)
        .select(*PAIR, "first", (nw.col("last_line") + window_days - 1).alias("last"))
    )


def begins_run(window_days: int) -> nw.Expr:
    """1 on a `day` that begins an island, else 0; `before` is the pair's qualifying day before it, null on the first."""
    return (
        nw.when(nw.col("day") - nw.col("before").fill_null(-FAR) > window_days - 1).then(nw.lit(1)).otherwise(nw.lit(0))
    )
