"""The manifest of a run: what was computed, from what, under which rule values, and what was found on the way."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openasm.archive.folder import FORMAT, FORMAT_VERSION, MANIFEST
from openasm.base.files import written_whole
from openasm.base.parameters import Parameter, stamp
from openasm.base.problems import Problem
from openasm.base.years import payment_year


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a run was made from.

    command, name: which command wrote it, and the name it was given with --out;
    inputs: one record a file (table, name, sha256, bytes, rows); overlays: files of the user's rule values (name, sha256);
    settings: choices made for this run, by name; started, ended: moments with a time zone.
    """

    version: str
    command: str
    name: str
    year: int
    inputs: Sequence[Mapping[str, object]]
    overlays: Sequence[Mapping[str, object]]
    settings: Mapping[str, object]
    started: dt.datetime
    ended: dt.datetime


def write_manifest(
    folder: Path,
    *,
    provenance: Provenance,
    parameters: Iterable[Parameter],
    counts: Mapping[str, object],
    problems: Iterable[Problem],
    notes: Sequence[str],
    more: Mapping[str, object] | None = None,
    unlisted: Collection[str] = (),
) -> None:
    """Write `manifest.json` as the run's last file; it lists every other file of the folder with its hash.

    more: further keys of the command's own; unlisted: files at the top of the folder that are not results and are not listed.
    """
    used = tuple(parameters)
    unconfirmed = [each.name for each in used if not each.confirmed]
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "program": "openasm",
        "version": provenance.version,
        "command": provenance.command,
        "name": provenance.name,
        "year": provenance.year,
        "payment_year": payment_year(provenance.year),
        "started": stamp(provenance.started),
        "ended": stamp(provenance.ended),
        "settings": dict(provenance.settings),
        "inputs": [dict(each) for each in provenance.inputs],
        "overlays": [dict(each) for each in provenance.overlays],
        "counts": {**counts, "parameters": len(used), "unconfirmed_parameters": len(unconfirmed)},
        "unconfirmed": unconfirmed,
        "notes": list(notes),
        "problems": [each.as_record() for each in problems],
        "parameters": [each.as_record() for each in used],
        **(more or {}),
        "outputs": [
            _file_record(folder, path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path != folder / MANIFEST and path.relative_to(folder).as_posix() not in unlisted
        ],
    }
    with written_whole(folder / MANIFEST) as stream:
        json.dump(document, stream, ensure_ascii=False, indent=2, allow_nan=False)
        stream.write("\n")


def _file_record(folder: Path, path: Path) -> dict[str, Any]:
    return {
        "name": path.relative_to(folder).as_posix(),
        "sha256": file_hash(path),
        "bytes": path.stat().st_size,
    }


def input_record(table: str, path: Path, *, name: str = "") -> dict[str, object]:
    """A file that was read, as `Provenance.inputs` lists it. name: shown instead of the file's own, which may tell of a patient."""
    return {"table": table, "name": name or path.name, "sha256": file_hash(path), "bytes": path.stat().st_size}


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
