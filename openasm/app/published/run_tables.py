"""The rows of a run that explain its numbers, kept as written: a document for each practice and one for the run as a whole.

`run_with(...)` puts them together to a run as the archive reads it, so that the explanation of a participant needs neither the run
folder nor the rows of other practices.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from openasm.app.people.models import Practice
from openasm.app.prepared import Given, Prepared
from openasm.app.published.models import Run, RunTables
from openasm.app.published.reading import Source, method_of, table_or_none
from openasm.archive.projection import Projection
from openasm.archive.run import Run as RunFolder
from openasm.archive.tables import RunTable
from openasm.base.errors import NotFound

OF_PRACTICE = (
    *("scores", "categories", "measure_scores", "practices", "practice_items"),
    *("inputs/participants", "inputs/attestations", "level_choice", "gap_worth"),
)
OF_RUN = ("cohorts", "benchmarks")
_MANIFEST = ("format_version", "name", "version", "year", "payment_year", "settings", "notes", "parameters")

Document = dict[str, Any]


def run_tables(
    source: Source, practices: Mapping[str, int], projection: Projection | None
) -> Iterator[tuple[int | None, str]]:
    """Rows of RunTables but for id and run: practice (None: the run as a whole) and document as JSON text.

    Of the projection goes with the run what is nobody's own: how it was made and what it rests on.
    """
    manifest = source.run.manifest
    whole: Document = {"manifest": {name: manifest[name] for name in _MANIFEST if name in manifest}, "tables": {}}
    if projection is not None:
        whole["projection"] = {**method_of(projection), **_rests_on(projection)}
    for name in OF_RUN:
        table = table_or_none(source.run, name)
        if table is not None:
            whole["tables"][name] = {"columns": list(table.columns), "rows": list(_lines(table))}
    found: dict[str, Document] = {}
    for name in OF_PRACTICE:
        table = table_or_none(source.run, name)
        if table is None:
            continue
        columns = list(table.columns)
        whole["tables"][name] = {"columns": columns, "rows": []}  # stands for practices that have no row in it
        for tin, line in zip(table.texts("tin"), _lines(table), strict=True):
            if tin in practices:
                own = found.setdefault(tin, {}).setdefault(name, {"columns": columns, "rows": []})
                own["rows"].append(line)
    yield None, json.dumps(whole)
    for tin, tables in found.items():
        yield practices[tin], json.dumps({"tables": tables})


def _rests_on(projection: Projection) -> Document:
    return {
        "notes": list(projection.notes),
        "assumptions": [asdict(each) for each in projection.assumptions],
        "alternatives": [asdict(each) for each in projection.alternatives],
    }


def projection_of(run: Run) -> Document:
    """How the run's projection was made, its assumptions and the values it tried; empty where the run has none. One query."""
    row = RunTables.objects.filter(run=run, practice__isnull=True).values_list("document", flat=True).first()
    found: Document = (row or {}).get("projection", {})
    return found


def rule_folders(runs: Iterable[Run]) -> dict[int, RunFolder]:
    """Runs by id as the archive reads them, without any practice's rows: for their rule values. One query."""
    asked = {run.pk: run for run in runs}
    rows = RunTables.objects.filter(run__in=asked.values(), practice__isnull=True).values_list("run_id", "document")
    return {run: RunFolder(Path(asked[run].key), document["manifest"]) for run, document in rows}


_TEXTS = Prepared[tuple[int | None, str]](  # as text: read many times faster than Django reads JSON
    lambda: (
        RunTables.objects.filter(Q(practice=Given("practice")) | Q(practice__isnull=True), run=Given("run"))
        .annotate(text=Cast("document", TextField()))
        .values_list("practice_id", "text")
    )
)


def run_with(run: Run, practice: Practice, *, npi: str = "") -> RunFolder:
    """The run as the archive reads it, with the rows of one practice; NotFound when they were not published with it.

    npi: of tables with an NPI only the rows of this one.
    """
    documents: dict[int | None, Document] = {
        whose: orjson.loads(text) for whose, text in _TEXTS.all(practice=practice.pk, run=run.pk)
    }
    if None not in documents or practice.pk not in documents:
        raise NotFound("The run was published without what explains its numbers.")
    tables = {
        name: RunTable(f"{name}.csv", _columns(each, npi))
        for document in (documents[None], documents[practice.pk])
        for name, each in document["tables"].items()
    }
    return RunFolder(Path(run.key), documents[None]["manifest"]).with_tables(tables)


def _lines(table: RunTable) -> Iterator[list[str]]:
    return (list(line) for line in zip(*table.columns.values(), strict=True))


def _columns(each: Mapping[str, Any], npi: str) -> dict[str, tuple[str, ...]]:
    rows = each["rows"]
    if npi and "npi" in each["columns"]:
        place = each["columns"].index("npi")
        rows = [row for row in rows if row[place] == npi]
    values = list(zip(*rows, strict=True)) or [() for _ in each["columns"]]
    return dict(zip(each["columns"], values, strict=True))
