"""The chain of steps over claims, in the order of the CMS method; each stage is kept as Parquet and found again on resuming.

Claims are read three times in all: once for the qualifying lines and twice (lines and diagnoses) for the beneficiaries who
have an episode in the year. Everything after that is as small as those beneficiaries' claims.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import narwhals as nw

from openasm.episodes.attribution import attributed_clinicians
from openasm.episodes.categories import episode_categories
from openasm.episodes.conditions import conditions_holding, near_claims
from openasm.episodes.cutting import EPISODE, cut_windows, numbered_episodes
from openasm.episodes.enrollment import enrollment_of_episodes, judged_episodes
from openasm.episodes.frames import CLAIM, PERSON, ClaimFrames
from openasm.episodes.hcc import condition_categories
from openasm.episodes.qualifying import qualifying_lines
from openasm.episodes.services import SERVICE, assigned_services, episode_costs, services_in_episodes
from openasm.episodes.specifications.construction import Construction
from openasm.episodes.specifications.lists import CodesList, Condition
from openasm.episodes.windows import attribution_windows
from openasm.tables.engine import Engine, Frame

STAGES = (
    "qualifying",
    "episodes",
    "lines",
    "diagnoses",
    "claims",
    "attribution",
    "services",
    "costs",
    "conditions",
    "enrollment",
    "categories",
)
"""Names of the stages in their order."""

KEEP_WHOLE: Mapping[str, tuple[str, ...]] = {
    "episodes": (EPISODE,),
    "attribution": (EPISODE, "npi"),
    "costs": (EPISODE, "category", "setting"),
    "conditions": (EPISODE, "purpose", "name"),
    "enrollment": (EPISODE,),
    "categories": (EPISODE, "category"),
}
"""Stages that results are made of, and their keys: written in that order, so that equal claims give equal bytes."""


@dataclass(frozen=True)
class Chain:
    """Where the stages of one run stand. `progress` is told each stage's name as it begins.

    folder: of stages made from the same claims, codes list, parameters, year and program alone, as `openasm episodes` names it
    by all of these; a file found in it is taken without a further look.
    """

    engine: Engine
    folder: Path
    progress: Callable[[str], None] = lambda _: None

    def stage(self, name: str, make: Callable[[], Frame]) -> Frame:
        """A stage's frame, made and kept when it is not there yet. What stands under its name is always whole."""
        path = self.path(name)
        if not path.exists():
            self.progress(name)
            if name in KEEP_WHOLE:
                self.engine.sink_parquet(make(), path, order_by=KEEP_WHOLE[name])
            else:
                self.engine.sink_rows(make(), path)
        return self.engine.read_parquet(path)

    def path(self, name: str) -> Path:
        """Where a stage's file stands, or the folder of its files."""
        return self.folder / f"{name}.parquet"


def run_steps(chain: Chain, claims: ClaimFrames, codes: CodesList, construction: Construction, *, year: int) -> None:
    """Make every stage of `STAGES` that is not there yet."""
    engine = chain.engine
    qualifying = chain.stage("qualifying", lambda: qualifying_lines(claims.lines, claims.diagnoses, codes))

    def cut() -> Frame:
        windows = attribution_windows(
            qualifying, confirm_days=construction.confirm_days, window_days=construction.window_days
        )
        pieces = cut_windows(
            windows, engine, episode_days=construction.episode_days, data_end=claims.data_end, year=year
        )
        return engine.from_arrow(numbered_episodes(engine.to_arrow(pieces), construction))

    episodes = chain.stage("episodes", cut)
    people = episodes.select(PERSON).unique()
    lines = chain.stage("lines", lambda: claims.lines_of(people))
    diagnoses = chain.stage("diagnoses", lambda: claims.diagnoses.join(people, on=PERSON, how="semi"))
    near = chain.stage("claims", lambda: near_claims(lines))
    chain.stage(
        "attribution",
        lambda: attributed_clinicians(
            qualifying,
            episodes,
            npi_share=construction.npi_share,
            prior_care_days=construction.prior_care_days,
        ),
    )
    services = chain.stage(
        "services",
        lambda: services_in_episodes(assigned_services(lines, diagnoses, codes.service_rules, engine), episodes),
    )
    chain.stage("costs", lambda: episode_costs(services, codes.service_rules, engine))
    chain.stage(
        "conditions",
        lambda: conditions_holding(lines, diagnoses, near, episodes, conditions=conditions_of(codes), engine=engine),
    )
    chain.stage(
        "enrollment",
        lambda: judged_episodes(
            episodes,
            claims.people.join(people, on=PERSON, how="semi"),
            enrollment_of_episodes(episodes, claims.enrollment),
            minimum_age=construction.minimum_age,
            states=construction.states,
        ),
    )
    chain.stage(
        "categories",
        lambda: episode_categories(
            lines,
            diagnoses,
            near,
            episodes,
            categories=condition_categories(construction.hcc_model, construction.hcc_mapping_year),
            lookback_days=construction.lookback_days,
            settings=construction.hcc_settings,
            engine=engine,
        ),
    )


def conditions_of(codes: CodesList) -> list[tuple[str, Condition]]:
    """Every condition of a codes list with what it is for."""
    return [
        *(("exclusion", condition) for condition in codes.exclusion_conditions),
        *(("subgroup", condition) for condition in codes.subgroup_conditions),
        *(("risk", condition) for condition in codes.risk_conditions),
    ]


def timeline(chain: Chain, chosen: Frame, codes: CodesList) -> Frame:
    """The services of chosen episodes day by day: episode, day, setting, category, code, npi, cents.

    chosen: a frame of episode numbers; code: what was billed (HCPCS, DRG or drug code), of a whole claim its first.
    """
    engine = chain.engine
    services = engine.read_parquet(chain.path("services")).join(chosen, on=EPISODE, how="semi")
    from openasm.episodes.frames import small_table

    categories = small_table(
        engine, {"rule": int, "category": str}, [(rule.order, rule.category) for rule in codes.service_rules]
    )
    code = nw.coalesce("drg", "hcpcs", "ndc", "revenue_center")
    lines = engine.read_parquet(chain.path("lines")).select(*CLAIM, "line", "setting", code.alias("code"), "npi")
    billed = services.join(lines, on=[*CLAIM, "setting"], how="inner").filter(
        (nw.col("place") < 0) | (nw.col("place") == nw.col("line"))
    )
    return (
        billed.group_by(EPISODE, *SERVICE, "day", "cents", "rule")
        .agg(nw.col("code").min(), nw.col("npi").min())
        .join(categories, on="rule", how="inner")
        .select(EPISODE, "day", "setting", "category", "code", "npi", "cents", "claim_id", "place")
    )
