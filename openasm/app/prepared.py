"""Queries whose SQL is made once: Django takes about a millisecond to put one together, ten times as long as most take to be answered.

    _NEWEST = Prepared[Run](lambda: Run.objects.filter(practice=Given("practice")).order_by("-pk")[:1])
    run = _NEWEST.first(practice=practice.pk)

For queries that pages ask at every request and that differ in their values alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import BigIntegerField, Expression, Field, QuerySet
from django.db.models.query import FlatValuesListIterable, ModelIterable, ValuesListIterable, get_related_populators

_Found = TypeVar("_Found")


class Given(Expression):
    """A value that is given each time the query is asked. field: what it is, a whole number unless said otherwise."""

    def __init__(self, name: str, field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=field or BigIntegerField())
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """A placeholder; this object stands for its value until the query is asked."""
        del compiler, connection
        return "%s", [self]


class Several(Expression):
    """As many values as said, for `__in`; see `values_of`."""

    def __init__(self, name: str, count: int, field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=field or BigIntegerField())
        self._given = [Given(f"{name}{place}", field) for place in range(count)]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """A placeholder for each."""
        del compiler, connection
        return f"({', '.join(['%s'] * len(self._given))})", self._given


def values_of(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """The values for `Several`."""
    return {f"{name}{place}": value for place, value in enumerate(values)}


class Prepared(Generic[_Found]):
    """A query set of models, of tuples (`values_list`) or of single values (`flat=True`). make: the query set, with `Given` in it."""

    def __init__(self, make: Callable[[], QuerySet[Any, Any]]) -> None:
        self._make = make
        self._mine = threading.local()  # a connection belongs to one thread, and what was made for it too

    def all(self, **values: Any) -> list[_Found]:
        """All that is found; a `Given` without a value is a KeyError."""
        connection = connections[DEFAULT_DB_ALIAS]
        ready: _Ready | None = getattr(self._mine, "ready", None)
        if ready is None or ready.connection is not connection:
            ready = self._mine.ready = _Ready(self._make(), connection)
        return ready.found(values)

    def first(self, **values: Any) -> _Found | None:
        """The first of what is found; None when there is nothing. Say `[:1]` in the query, or all are read."""
        found = self.all(**values)
        return found[0] if found else None


class _Ready:
    """A query made for one connection: its SQL, and how rows become what the query set would give."""

    def __init__(self, asked: QuerySet[Any, Any], connection: Any) -> None:
        self.connection = connection
        self._compiler = compiler = asked.query.get_compiler(connection=connection)
        self._sql, self._parameters = compiler.as_sql()
        fields = [each[0] for each in compiler.select[: compiler.col_count]]
        self._converters = compiler.get_converters(fields)
        self._finish = _FINISHES[asked._iterable_class](compiler, connection.alias)

    def found(self, values: Mapping[str, Any]) -> list[Any]:
        parameters = tuple(
            each.output_field.get_db_prep_value(values[each.name], self.connection) if isinstance(each, Given) else each
            for each in self._parameters
        )
        with self.connection.cursor() as cursor:
            cursor.execute(self._sql, parameters)
            rows = cursor.fetchall()
        if self._compiler.has_extra_select:
            rows = [row[: self._compiler.col_count] for row in rows]
        return self._finish(self._compiler.apply_converters(rows, self._converters) if self._converters else rows)


def _models(compiler: Any, alias: str) -> Callable[[Iterable[Any]], list[Any]]:
    """Rows as models, with those fetched beside them (`select_related`) and annotations: what Django's ModelIterable does."""
    model, places = compiler.klass_info["model"], compiler.klass_info["select_fields"]
    first, end = places[0], places[-1] + 1
    names = [each[0].target.attname for each in compiler.select[first:end]]
    populators: Callable[..., list[Any]] = get_related_populators  # its types are a later Django's
    beside = populators(compiler.klass_info, compiler.select, alias)
    annotations = (compiler.annotation_col_map or {}).items()

    def finish(rows: Iterable[Any]) -> list[Any]:
        found = []
        for row in rows:
            made = model.from_db(alias, names, row[first:end])
            for each in beside:
                each.populate(row, made)
            for name, place in annotations:
                setattr(made, name, row[place])
            found.append(made)
        return found

    return finish


def _tuples(compiler: Any, alias: str) -> Callable[[Iterable[Any]], list[Any]]:
    del compiler, alias
    return lambda rows: [tuple(row) for row in rows]


def _single(compiler: Any, alias: str) -> Callable[[Iterable[Any]], list[Any]]:
    del compiler, alias
    return lambda rows: [row[0] for row in rows]


_FINISHES: Mapping[type, Callable[[Any, str], Callable[[Iterable[Any]], list[Any]]]] = {
    ModelIterable: _models,
    ValuesListIterable: _tuples,
    FlatValuesListIterable: _single,
}
