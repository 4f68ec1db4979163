"""What a configured run says of itself: manifest.json (what was made from what) and execution.json (how it was done)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openasm import __version__
from openasm.archive.folder import MANIFEST
from openasm.archive.manifest import Provenance, file_hash, write_manifest
from openasm.base.files import written_whole
from openasm.base.parameters import Parameter, stamp
from openasm.regulation import participation
from openasm.runs.chain.assembly import problems_of
from openasm.runs.chain.configuration import Configuration
from openasm.runs.chain.settings import settings_of
from openasm.runs.chain.stage_graph import Stage, Step
from openasm.runs.chain.stage_store import Entry, files_of
from openasm.runs.chain.stage_work import Means
from openasm.runs.chain.stages import Asked
from openasm.runs.scoring.run import parameters_used

COMMAND = "run"
NOT_RESULTS = ("config.toml", "execution.json", "report.html", "report.xlsx", "report.pdf")
"""Files of a run that may differ between equal runs: reports carry the day they were made."""


def write_run_manifest(
    folder: Path,
    configuration: Configuration,
    asked: Asked,
    entries: Mapping[str, Entry],
    previous: Sequence[Mapping[str, Any]],
    started: dt.datetime,
    ended: dt.datetime,
) -> None:
    """Write manifest.json: the scores\' own, every stage, what was not computed and why. Nothing but its two moments tells when or how."""
    scored: Mapping[str, Any] = {}
    if "scores" in entries:
        scored = json.loads((entries["scores"].out / MANIFEST).read_text(encoding="utf-8"))
    inputs = {
        (each["role"], each["sha256"]): {
            "table": each["role"],
            **{name: each[name] for name in ("name", "sha256", "bytes")},
        }
        for entry in entries.values()
        for each in entry.record["made_from"]["inputs"]
    }
    parameters: dict[str, Parameter] = {}
    if "scores" in entries:
        parameters |= {each.name: each for each in parameters_used(asked.rules)}
    if "eligibility" in entries:
        parameters |= {name: asked.rules[name] for name in participation.PARAMETERS}
    write_manifest(
        folder,
        provenance=Provenance(
            version=__version__,
            command=COMMAND,
            name=configuration.name,
            year=configuration.run.year,
            inputs=list(inputs.values()),
            overlays=[
                {"name": path.name, "sha256": file_hash(path)}
                for path in (*configuration.overlays, *configuration.codes.overlays)
            ],
            settings=settings_of(configuration),
            started=started,
            ended=ended,
        ),
        parameters=parameters.values(),
        counts={**scored.get("counts", {}), "stages": len(entries)},
        problems=(),
        notes=list(dict.fromkeys(note for entry in entries.values() for note in entry.record["notes"])),
        more={
            "problems": [dict(each) | {"stage": stage} for stage, each in problems_of(entries)],
            "constructions": {
                cohort: [each.as_record() for each in values] for cohort, values in asked.constructions.items()
            },
            "stages": [_stage_record(stage, entries[stage.name]) for stage in asked.stages if stage.name in entries],
            "not_computed": [{"stage": name, "why": why} for name, why in asked.not_computed.items()],
            "previous": list(previous),
        },
        unlisted=NOT_RESULTS,
    )


def _stage_record(stage: Stage, entry: Entry) -> dict[str, Any]:
    """A stage as the manifest has it: nothing in it depends on when, where or how the work was done."""
    made_from = entry.record["made_from"]
    values = json.dumps(made_from["parameters"], sort_keys=True)
    return {
        "name": stage.name,
        "key": entry.record["key"],
        "after": list(made_from["after"]),
        "inputs": made_from["inputs"],
        "parameters": {"count": len(made_from["parameters"]), "sha256": _digest(values)},
        "settings": made_from["settings"],
        "program": made_from["program"],
        "outputs": [each for each in entry.record["outputs"] if each["name"] not in (MANIFEST, "claims.json")],
        "counts": entry.record["counts"],
        "notes": entry.record["notes"],
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write_execution(
    folder: Path,
    means: Means,
    steps: Sequence[Step],
    entries: Mapping[str, Entry],
    seconds: Mapping[str, float],
    started: dt.datetime,
    ended: dt.datetime,
) -> None:
    """Write execution.json: moments, engine, jobs, and seconds, memory and reason of every stage; hashes of all files there are by now."""
    why = {step.stage.name: step.why for step in steps}
    document = {
        "format": "openasm-execution",
        "started": stamp(started),
        "ended": stamp(ended),
        "engine": means.engine,
        "jobs": means.jobs,
        "memory_bytes": means.memory,
        "stages": [
            {
                "name": name,
                "reused": name not in seconds,
                "why": why.get(name, ""),
                "seconds": seconds.get(name),
                "seconds_when_made": entry.record["seconds"],
                "processor_seconds_when_made": entry.record.get("processor_seconds"),
                "peak_mb_when_made": entry.record.get("peak_mb"),
            }
            for name, entry in entries.items()
        ],
        "files": files_of(folder),
    }
    with written_whole(folder / "execution.json") as stream:
        json.dump(document, stream, ensure_ascii=False, indent=2)
        stream.write("\n")
