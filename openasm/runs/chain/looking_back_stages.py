"""The stages that rest on earlier runs: what changed since the last, and the trend over all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from openasm.runs.chain import stage_work
from openasm.runs.chain.configuration import Configuration
from openasm.runs.chain.stage_graph import Outcome, Stage
from openasm.runs.chain.stage_inputs import tree
from openasm.runs.chain.stage_rooms import SCORE_ROOMS
from openasm.runs.comparison.looking_back import newest_scored

LOOKING_BACK = ("comparison", "trend")
"""Stages made from the assembled run, as the report is, whose results stand in it."""


def looking_back_stages(configuration: Configuration, before: Sequence[Stage]) -> tuple[list[Stage], dict[str, str]]:
    """The stages there can be, which still want `folder`, the assembled run; and why others cannot. before: the stages they rest on."""
    if not configuration.previous:
        return [], dict.fromkeys(LOOKING_BACK, "no earlier runs: no [previous] runs")
    stages: list[Stage] = []
    missing: dict[str, str] = {}
    newest = newest_scored(configuration.previous)
    if newest is None or all(stage.name != "scores" for stage in before):
        missing["comparison"] = "no scores" if newest else "no earlier run holds scores"
    else:
        make = partial(stage_work.comparison, before=newest)
        stages.append(_stage("comparison", "What changed", make, configuration, before, (newest,)))
    stages.append(_stage("trend", "Trend", stage_work.trend, configuration, before, configuration.previous))
    return stages, missing


def _stage(
    name: str,
    title: str,
    make: Callable[..., Outcome],
    configuration: Configuration,
    before: Sequence[Stage],
    runs: Sequence[Path],
) -> Stage:
    return Stage(
        name,
        title,
        partial(make, configuration=configuration),
        (*SCORE_ROOMS, "projection", "report", "runs/comparison"),
        after=tuple(stage.name for stage in before),
        inputs=tuple(tree("earlier run", path.name, path) for path in runs),
        settings={
            "year": configuration.run.year,
            "name": configuration.name,
            "tins": list(stage_work.own_tins(configuration)),
            "pages": "html" in configuration.report.forms,
        },
        weight=3,
    )
