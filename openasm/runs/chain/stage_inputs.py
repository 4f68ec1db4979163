"""Files and folders as stages state them, and the rule values they use."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from openasm.base.parameters import Parameter
from openasm.claims.contract import CLAIMS_TABLES
from openasm.claims.folder import MANIFEST as CLAIMS_MANIFEST
from openasm.claims.folder import table_path
from openasm.runs.chain.stage_graph import StageInput


def records(parameters: Iterable[Parameter]) -> tuple[Mapping[str, Any], ...]:
    """Rule values as a stage states them."""
    return tuple(each.as_record() for each in parameters)


def single(role: str, path: Path) -> StageInput:
    """A file."""
    return StageInput(role, path.name, (path,))


def tree(role: str, name: str, path: Path) -> StageInput:
    """A file, or every file below a folder."""
    if not path.is_dir():
        return StageInput(role, name, (path,))
    return StageInput(role, name, _below(path), path, partial(_below, path))


def _below(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(each for each in folder.rglob("*") if each.is_file()))


def claims_folder(folder: Path) -> StageInput:
    """A loaded CLAIMS folder: its tables and its description."""
    return StageInput("claims", folder.name, _claims_files(folder), folder, partial(_claims_files, folder))


def _claims_files(folder: Path) -> tuple[Path, ...]:
    paths = [path for name in CLAIMS_TABLES if (path := table_path(folder, name)) is not None]
    read = [each for path in paths for each in (sorted(path.glob("*.parquet")) if path.is_dir() else [path])]
    if (folder / CLAIMS_MANIFEST).is_file():
        read.append(folder / CLAIMS_MANIFEST)
    return tuple(read)


def tables_of(folder: Path | None) -> tuple[StageInput, ...]:
    """The tables of a folder of score inputs, each an input of its own."""
    if folder is None:
        return ()
    names = ("participants", "quality", "cost", "attestations")
    paths = [path for name in names for ending in ("csv", "parquet") if (path := folder / f"{name}.{ending}").is_file()]
    return tuple(single("peers", path) for path in paths)


def stated(claims: Path | None, key: str) -> Any:
    """What a loaded folder's claims.json says; None where there is nothing."""
    if claims is None:
        return None
    try:
        return json.loads((claims / CLAIMS_MANIFEST).read_text(encoding="utf-8")).get(key)
    except (OSError, ValueError, AttributeError):
        return None  # whatever is wrong with it is said when the claims are opened
