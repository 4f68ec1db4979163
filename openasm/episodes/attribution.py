"""Step 4: which clinicians of the TIN hold an episode."""

from __future__ import annotations

from fractions import Fraction

import narwhals as nw

from openasm.episodes.cutting import EPISODE
from openasm.episodes.frames import total
from openasm.episodes.windows import PAIR
from openasm.tables.engine import Frame


def attributed_clinicians(lines: Frame, episodes: Frame, *, npi_share: Fraction, prior_care_days: int) -> Frame:
    """Clinicians with qualifying lines in each episode: episode, npi, qualifying_lines, all_lines, reason.

    reason: `attributed`, `share_too_small` or `no_prior_care`. Shares are compared as integers. As `plain.attribution`.
    """
    near = (
        lines.join(episodes.select(EPISODE, *PAIR, "start", "end"), on=PAIR, how="inner")
        .filter((nw.col("day") >= nw.col("start") - prior_care_days) & (nw.col("day") <= nw.col("end")))
        .with_columns(
            inside=(nw.col("day") >= nw.col("start")).cast(nw.Int64),
            prior=(nw.col("day") <= nw.col("start")).cast(nw.Int64),
        )
    )
    counted = near.group_by(EPISODE, "npi").agg(
        total("inside").alias("qualifying_lines"), nw.col("prior").max().alias("prior")
    )
    # Lines without an NPI count among all lines, but name nobody.
    everyone = counted.group_by(EPISODE).agg(total("qualifying_lines").alias("all_lines"))
    enough = nw.col("qualifying_lines") * npi_share.denominator >= nw.col("all_lines") * npi_share.numerator
    reason = (
        nw.when(~enough)
        .then(nw.lit("share_too_small"))
        .otherwise(nw.when(nw.col("prior") == 1).then(nw.lit("attributed")).otherwise(nw.lit("no_prior_care")))
    )
    return (
        counted.filter((nw.col("qualifying_lines") > 0) & ~nw.col("npi").is_null())
        .join(everyone, on=EPISODE, how="inner")
        .select(EPISODE, "npi", "qualifying_lines", "all_lines", reason.alias("reason"))
    )
