"""What the claims hold of the patients' care and time: counts from which `coverage` makes its warnings."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import narwhals as nw
import pyarrow as pa

from openasm.claims.folder import Claims
from openasm.episodes.chain import Chain
from openasm.episodes.cutting import EPISODE
from openasm.episodes.days import day_number
from openasm.episodes.frames import PERSON, total
from openasm.episodes.specifications.construction import Construction
from openasm.episodes.specifications.lists import CodesList
from openasm.episodes.windows import PAIR, begins_run
from openasm.tables.engine import Frame

FACILITY_SETTINGS = ("inpatient", "outpatient", "snf", "home_health", "hospice")


@dataclass(frozen=True, slots=True)
class People:
    """People with an episode, and those of them with any line, in all the claims, of what others than the practice bill.

    two_tins: lines of more than one TIN, hence of another than the episode's; part_d: a month of Part D; drugs: one of these
    with a drug line.
    """

    with_episode: int
    two_tins: int
    facility: int
    part_d: int
    drugs: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What the claims hold.

    settings, bases: lines by setting and by what their cost is; incomplete: lines without a day, a setting or a cost;
    unseen_before: episodes that look at days before the claims' first; unseen_opening: episodes of windows that may have
    opened before it.
    """

    settings: dict[str, int]
    bases: dict[str, int]
    incomplete: int
    people: People
    unseen_before: int
    unseen_opening: int

    def counts(self) -> dict[str, object]:
        """As the manifest tells it."""
        people = self.people
        return {
            "lines_by_setting": self.settings,
            "lines_by_cost_basis": self.bases,
            "people_with_an_episode": {
                "all": people.with_episode,
                "with_lines_of_two_tins": people.two_tins,
                "with_facility_lines": people.facility,
                "with_part_d": people.part_d,
                "with_part_d_and_drug_lines": people.drugs,
            },
            "episodes_that_look_before_the_claims": self.unseen_before,
            "episodes_whose_window_may_open_before_the_claims": self.unseen_opening,
        }


def seen_in(claims: Claims, chain: Chain, codes: CodesList, construction: Construction) -> Seen:
    """Count lines by setting and cost basis in all claims, and what else is seen of the people and time of the episodes."""
    engine = chain.engine
    lacking = nw.col("from_date").is_null() | nw.col("setting").is_null() | nw.col("cost_cents").is_null()
    counted = engine.to_arrow(
        claims.claim_lines.with_columns(lacking=lacking.cast(nw.Int64))
        .group_by("setting", "cost_basis")
        .agg(nw.len().cast(nw.Int64).alias("lines"), total("lacking").alias("lacking"))
    )
    settings: dict[str, int] = {}
    bases: dict[str, int] = {}
    for row in counted.to_pylist():
        setting, basis = row["setting"] or "unknown", row["cost_basis"] or "unknown"
        settings[setting] = settings.get(setting, 0) + row["lines"]
        bases[basis] = bases.get(basis, 0) + row["lines"]
    first = day_number(claims.data_start)
    starts = engine.read_parquet(chain.path("episodes")).filter(
        nw.col("start") - days_looked_back(codes, construction) < first
    )
    return Seen(
        settings=dict(sorted(settings.items())),
        bases=dict(sorted(bases.items())),
        incomplete=sum(counted["lacking"].to_pylist()),
        people=_people(claims, chain),
        unseen_before=_rows(chain, starts),
        unseen_opening=_rows(chain, _unseen_openings(chain, first, construction.window_days)),
    )


def days_looked_back(codes: CodesList, construction: Construction) -> int:
    """How many days before its start an episode looks at, at most: lookback, prior care, the list's own conditions."""
    conditions = (*codes.exclusion_conditions, *codes.subgroup_conditions, *codes.risk_conditions)
    return max(
        construction.lookback_days,
        construction.prior_care_days,
        *(condition.days_before or 0 for condition in conditions),
        *(-rule.window.first_day for rule in codes.service_rules),
    )


def first_day_needed(year: int, codes: CodesList, construction: Construction) -> dt.date:
    """The earliest day that an episode of the year can look at when its window opens within the claims.

    It ends on 1 January or later. The last episode of a window takes what remains and so has up to 2 x `episode_days` - 1 days
    (with 2 x `episode_days` there would be another); before its first day it looks back.
    """
    longest = 2 * construction.episode_days - 1
    return dt.date(year, 1, 1) - dt.timedelta(days=longest - 1 + days_looked_back(codes, construction))


def _people(claims: Claims, chain: Chain) -> People:
    engine = chain.engine
    people = engine.read_parquet(chain.path("episodes")).select(PERSON).unique()
    lines = engine.read_parquet(chain.path("lines"))
    tins = lines.filter(~nw.col("tin").is_null()).select(PERSON, "tin").unique()
    part_d = (
        claims.enrollment.filter(nw.col("part_d").fill_null(False))
        .select(PERSON)
        .join(people, on=PERSON, how="semi")
        .unique()
    )
    return People(
        with_episode=_rows(chain, people),
        two_tins=_rows(chain, tins.group_by(PERSON).agg(nw.len().alias("tins")).filter(nw.col("tins") > 1)),
        facility=_rows(chain, lines.filter(nw.col("setting").is_in(list(FACILITY_SETTINGS))).select(PERSON).unique()),
        part_d=_rows(chain, part_d),
        drugs=_rows(chain, part_d.join(lines.filter(nw.col("setting") == "drug"), on=PERSON, how="semi")),
    )


def _unseen_openings(chain: Chain, first_day: int, window_days: int) -> Frame:
    """Episodes of windows whose run of qualifying lines (`windows`) could go on before the first day of the claims.

    A run goes on to a line that lies up to `window_days` - 1 days before it; the last day not seen is `first_day` - 1.
    """
    engine = chain.engine
    episodes = engine.read_parquet(chain.path("episodes")).select(EPISODE, *PAIR, "start")
    days = (
        engine.read_parquet(chain.path("qualifying"))
        .join(episodes.select(*PAIR).unique(), on=PAIR, how="semi")
        .select(*PAIR, "day")
        .unique()
        .with_columns(before=nw.col("day").shift(1).over(*PAIR, order_by="day"))
    )
    later = days.filter(begins_run(window_days) == 1).select(*PAIR, nw.col("day").alias("begins"))
    runs = (
        later.join(episodes, on=PAIR, how="inner")
        .filter(nw.col("begins") <= nw.col("start"))
        .group_by(EPISODE)
        .agg(nw.col("begins").max())
    )
    return runs.filter(nw.col("begins") < first_day - 1 + window_days)


def _rows(chain: Chain, frame: Frame) -> int:
    counted: pa.Table = chain.engine.to_arrow(frame.select(nw.len().cast(nw.Int64).alias("rows")))
    return int(counted["rows"].to_pylist()[0])
