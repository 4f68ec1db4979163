"""A configuration's settings as the manifest holds them: with their defaults, paths by their last name, and nothing that changes no result."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from openasm.runs.chain.configuration import Configuration

HOW = frozenset(("engine", "memory", "jobs", "spill", "store", "keep_days"))
"""Keys of [run] that say how the work is done."""


def settings_of(configuration: Configuration) -> dict[str, object]:
    """`cost_benchmark` and `assume_year` as every run has them, and the configuration section by section."""
    sections: dict[str, Any] = {
        "run": {key: value for key, value in _plain(configuration.run).items() if key not in HOW},
        "claims": _plain(configuration.claims),
        "records": _plain(configuration.records),
        "participants": _plain(configuration.participants),
        "admissions": _plain(configuration.admissions),
        "attestations": _plain(configuration.attestations),
        "score_inputs": _plain(configuration.score_inputs),
        "rules": _plain(configuration.overlays),
        "codes": _plain(configuration.codes),
        "projection": _plain(configuration.projection),
        "report": _plain(configuration.report),
    }
    return {
        "cost_benchmark": configuration.score_inputs.cost_benchmark,
        "assume_year": configuration.run.assume_year,
        "participants_only": True,
        "configuration": sections,
    }


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Path):
        return value.name
    return value.isoformat() if isinstance(value, dt.date) else value
