"""Stages beside the scores: observed admissions, the primary care of a practice's ASM beneficiaries, and its choice of level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from openasm.episodes.primary_care import primary_care_rules
from openasm.quality.admissions import admission_rules
from openasm.runs.chain import stage_work
from openasm.runs.chain.configuration import Configuration
from openasm.runs.chain.stage_graph import Stage, StageInput
from openasm.runs.chain.stage_inputs import records, single, tree
from openasm.runs.chain.stage_rooms import ADMISSION_ROOMS, EPISODE_ROOMS, SCORE_ROOMS
from openasm.runs.chain.stage_work import Means


def primary_care_stage(
    configuration: Configuration,
    means: Means,
    loaded: Path | None,
    after: Sequence[str],
    inputs: Sequence[StageInput],
) -> Stage:
    """The stage. loaded: a loaded claims folder, None for that of the stage before; after, inputs: those of the claims and episodes."""
    source = configuration.records.source
    return Stage(
        "primary_care",
        "Primary care of ASM beneficiaries",
        partial(stage_work.primary_care, configuration=configuration, means=means, claims=loaded),
        (*EPISODE_ROOMS, "clinical", "runs/sharing/small_cells.py"),
        after=tuple(after),
        inputs=(*inputs, *(() if source is None else (tree("records", "records", source),))),
        parameters=records(primary_care_rules(configuration.run.year)),
        settings={
            "year": configuration.run.cost_year,
            "tins": list(stage_work.own_tins(configuration)),
        },
        weight=2,
    )


def admissions_stage(
    configuration: Configuration,
    means: Means,
    loaded: Path | None,
    after: Sequence[str],
    inputs: Sequence[StageInput],
) -> Stage:
    """Observed admissions of the year at risk. loaded, after, inputs: as those of the primary care, of the claims alone."""
    section = configuration.admissions
    assert section.codes is not None
    return Stage(
        "admissions",
        "Observed admissions",
        partial(stage_work.admissions, configuration=configuration, means=means, claims=loaded),
        ADMISSION_ROOMS,
        after=tuple(after),
        inputs=(*inputs, single("admission codes", section.codes)),
        parameters=records(admission_rules()),
        settings={"year": section.year},
        weight=2,
    )


def levels_stage(configuration: Configuration, *, used: tuple[Mapping[str, Any], ...]) -> Stage:
    """What one's own small practices gain or lose by the level of handing in. used: records of the rule values of scoring."""
    return Stage(
        "levels",
        "Levels of handing in",
        partial(stage_work.levels, configuration=configuration),
        (*SCORE_ROOMS, "submission", "runs/handing_in"),
        after=("scores",),
        parameters=used,
        settings={"tins": list(stage_work.own_tins(configuration))},
    )
