"""Named stages of a long computation, kept as Parquet and resumable.

A stage has a key: a hash of its name, its code's version, its parameters and what it was made from. A stage whose output is
whole under the same key is not made again; anything else is made under a temporary name and renamed when whole. So an
interruption at any point, followed by a second run, gives the bytes of an uninterrupted run, provided each table is written
in the order of a key that names every row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openasm.tables.engine import Engine, Frame
from openasm.tables.whole_file import whole_folder

STAGE_FILE = "stage.json"


@dataclass(frozen=True, slots=True)
class StageTable:
    """One table a stage writes: name, frame, and the columns that order its rows completely."""

    name: str
    frame: Frame
    order_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageResult:
    """A finished stage: its key, its tables as frames, and whether it was made now or found."""

    name: str
    key: str
    tables: Mapping[str, Frame]
    rows: Mapping[str, int]
    made: bool


@dataclass(slots=True)
class Stages:
    """The stages of one computation in one folder.

    folder: where they are kept; private: readable by the owner alone (patients); done: results by stage in the order asked.
    """

    engine: Engine
    folder: Path
    private: bool = True
    done: dict[str, StageResult] = field(default_factory=dict)

    def run(
        self,
        name: str,
        make: Callable[[], Sequence[StageTable]],
        *,
        version: str,
        parameters: Mapping[str, Any] | None = None,
        inputs: Sequence[str] = (),
    ) -> StageResult:
        """Give a stage's tables, making them only when they are not there under the same key.

        name: letters, digits and underscores; version: changes whenever the stage's code gives other rows; parameters:
        JSON-ready; inputs: keys of earlier stages or hashes of files. A table without `order_by` raises ValueError, as its
        bytes could not be promised.
        """
        if not name.replace("_", "").isalnum():
            raise ValueError(f"{name!r} is no name for a stage")
        key = stage_key(name, version=version, parameters=parameters or {}, inputs=inputs)
        result = self._found(name, key)
        if result is None:
            result = self._make(name, key, make)
        self.done[name] = result
        return result

    def _found(self, name: str, key: str) -> StageResult | None:
        place = self.folder / name
        try:
            stated = json.loads((place / STAGE_FILE).read_text(encoding="utf-8"))
            rows = {str(table): int(count) for table, count in stated["rows"].items()}
            if stated["key"] != key or not all((place / f"{table}.parquet").is_file() for table in rows):
                return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return self._result(name, key, rows, made=False)

    def _make(self, name: str, key: str, make: Callable[[], Sequence[StageTable]]) -> StageResult:
        rows: dict[str, int] = {}
        with whole_folder(self.folder / name, private=self.private) as place:
            for table in make():
                if not table.order_by:
                    raise ValueError(f"table {table.name} of stage {name} needs an order")
                rows[table.name] = self.engine.sink_parquet(
                    table.frame, place / f"{table.name}.parquet", order_by=table.order_by, private=self.private
                )
            record = json.dumps({"stage": name, "key": key, "rows": rows}, indent=2, sort_keys=True)
            target = place / STAGE_FILE
            target.write_text(record + "\n", encoding="utf-8")
            target.chmod(0o600 if self.private else 0o644)
        return self._result(name, key, rows, made=True)

    def _result(self, name: str, key: str, rows: Mapping[str, int], *, made: bool) -> StageResult:
        place = self.folder / name
        tables = {table: self.engine.read_parquet(place / f"{table}.parquet") for table in rows}
        return StageResult(name, key, tables, rows, made)


def stage_key(name: str, *, version: str, parameters: Mapping[str, Any], inputs: Sequence[str]) -> str:
    """The key of a stage: SHA-256 of everything its rows depend on, as 64 hexadecimal digits.

    Parameters are compared as JSON with sorted names; values that are no JSON raise TypeError.
    """
    text = json.dumps([name, version, dict(parameters), list(inputs)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def folder_key(paths: Sequence[Path]) -> str:
    """A key of input files: SHA-256 over their names and contents in name order."""
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda each: each.name):
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{path.name}\x1f{content}\x1e".encode())
    return digest.hexdigest()
