"""A finished run, read: the manifest and the tables of `scores/`, typed.

run = read_run(Path("run"))
run.table("scores").numbers("final_score")
run.participants(tin="001234567", npi="1234567893")
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from openasm.archive.folder import FORMAT, FORMAT_VERSION, MANIFEST
from openasm.archive.tables import RunTable, read_csv
from openasm.base.errors import InputRefused, NotFound
from openasm.base.problems import Problem, declare

NOT_A_RUN = declare(
    "S901",
    "the folder is not a run of this program",
    expected="a folder that a command of this program wrote with --out, with its manifest.json",
    next_step="Give the folder that was named with --out.",
)
NEWER_RUN = declare(
    "S902",
    "the run was written by a newer version of this program",
    expected=f"format version {FORMAT_VERSION} or earlier",
    next_step="Install the version the manifest names, or a later one.",
)


@dataclass(frozen=True)
class RuleValue:
    """A rule value as the run used it. value: number, text, list or mapping as in JSON; status: evidence status."""

    name: str
    title: str
    unit: str
    value: Any
    citation: str
    edition: str
    status: str
    confirmed: bool
    note: str
    assumed_from_year: int | None


@dataclass(frozen=True)
class Run:
    """A run folder. Tables are read when first asked for and kept.

    Raises NotFound for a table, parameter or participant the run does not have.
    """

    path: Path
    manifest: Mapping[str, Any]
    _tables: dict[str, RunTable] = field(default_factory=dict, repr=False)

    @property
    def year(self) -> int:
        """Performance year."""
        return int(self.manifest["year"])

    @property
    def payment_year(self) -> int:
        """The year in which payments change."""
        return int(self.manifest["payment_year"])

    @cached_property
    def parameters(self) -> Mapping[str, RuleValue]:
        """The rule values used, by name."""
        return {
            record["name"]: RuleValue(
                **{
                    name: record[name] for name in RuleValue.__dataclass_fields__
                }  # extra keys of later versions are left out
            )
            for record in self.manifest["parameters"]
        }

    def parameter(self, name: str) -> RuleValue:
        """One rule value the run used."""
        try:
            return self.parameters[name]
        except KeyError:
            raise NotFound(f"The run used no rule value named {name}.") from None

    def has_table(self, name: str) -> bool:
        """Whether the run holds a table of that name (see `table`)."""
        return (self.path / "scores" / f"{name}.csv").is_file()

    def table(self, name: str) -> RunTable:
        """A table of `scores/`, by its name without ending: `scores`, `measure_scores`, `inputs/quality`, ..."""
        if name not in self._tables:
            path = self.path / "scores" / f"{name}.csv"
            if not path.is_file():
                made_by = str(self.manifest.get("command", ""))
                other = f"; it was written by openasm {made_by}" if made_by not in ("", "score") else ""
                raise NotFound(f"The run {self.path.name} has no table {name}{other}. Give a run of openasm score.")
            self._tables[name] = read_csv(path)
        return self._tables[name]

    def with_tables(self, tables: Mapping[str, RunTable]) -> Run:
        """The same run with these tables (or those rows of them that matter) instead of what its folder holds."""
        return Run(self.path, self.manifest, {**self._tables, **tables})

    def participants(self, *, tin: str, npi: str, cohort: str | None = None) -> list[dict[str, str]]:
        """The rows of `scores` of one TIN and NPI: one, or two when in both cohorts. NotFound, with advice, when none."""
        scores = self.table("scores")
        rows = scores.where(tin=tin, npi=npi)
        chosen = [row for row in rows if cohort is None or row["cohort"] == cohort]
        if chosen:
            return chosen
        raise NotFound(self._advice(scores, tin, npi, cohort, rows))

    def _advice(self, scores: RunTable, tin: str, npi: str, cohort: str | None, rows: list[dict[str, str]]) -> str:
        if rows:
            return f"TIN {tin}, NPI {npi} is not in the cohort {cohort} of this run, but in {rows[0]['cohort']}."
        message = f"The run has no participant with TIN {tin} and NPI {npi}."
        tins = sorted({row["tin"] for row in scores.where(npi=npi)})
        if tins:
            return f"{message} This NPI is in it under TIN {', '.join(tins[:5])}."
        npis = sorted({row["npi"] for row in scores.where(tin=tin)})
        if npis:
            more = f" and {len(npis) - 5} more" if len(npis) > 5 else ""
            return f"{message} This TIN is in it with NPI {', '.join(npis[:5])}{more}."
        return f"{message} Its participants are in {self.path.name}/scores/scores.csv."


def read_run(path: Path) -> Run:
    """Open a run folder.

    Raises NotFound when there is no such folder, InputRefused when it is not a run or was written by a newer version.
    """
    if not path.exists():
        raise NotFound(f"There is no run {path.name}.")
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputRefused([Problem(NOT_A_RUN, path.name, found="no readable manifest.json")]) from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputRefused([Problem(NOT_A_RUN, path.name, found="a manifest.json of something else")])
    version = manifest.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise InputRefused([Problem(NEWER_RUN, path.name, found=f"format version {version}")])
    return Run(path, manifest)
