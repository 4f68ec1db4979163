"""The sums of a run's episodes made again, after a test has added some: as publishing makes them."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from django.db import models

from openasm.app.episodes.models import AttributedPatient, EpisodeTotal
from openasm.app.episodes.totals import add_up
from openasm.app.published.models import Episode, Run

_FIELDS = (
    *("practice", "patient", "npis", "cohort", "observed_cents", "annualized_cents", "ratio", "excluded_reason", "end"),
)


class _Keeper:
    """Puts the sums where they belong."""

    def add(self, model: type[models.Model], columns: Any, rows: Any) -> int:
        raise AssertionError("only tables come here")

    def add_table(self, model: type[models.Model], rows: pa.Table) -> int:
        columns = {field.name: field.attname for field in model._meta.concrete_fields}
        records = [{columns[name]: value for name, value in row.items()} for row in rows.to_pylist()]
        for record in records:
            if "texts" in record:  # documents come as text
                record["texts"] = json.loads(record["texts"])
        return len(model._default_manager.bulk_create(model(**record) for record in records))


def add_up_again(run: Run) -> None:
    """In place of the sums that are there."""
    for model in (EpisodeTotal, AttributedPatient):
        model._default_manager.filter(run=run).delete()
    rows = list(Episode.objects.filter(run=run).values(*_FIELDS))
    add_up(run, pa.Table.from_pylist(rows), _Keeper())
