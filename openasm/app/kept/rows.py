"""Tables that only grow. A correction is a further row; models, query sets and triggers refuse everything else.

class Signature(KeptRow):
    objects: Any = KeptRows["Signature"].as_manager()

operations = [..., migrations.RunPython(guard("attestations_signature"))]   # in the migration that makes the table

SQLite changes a table by making it anew, which drops its triggers: `restore_guards` runs after every `migrate` and puts back what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, TypeVar

from django.apps import apps
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

_GUARDS = 2  # triggers of each table
_Row = TypeVar("_Row", bound=models.Model)
_SQLITE = """CREATE TRIGGER IF NOT EXISTS {table}_never_{done} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table}: rows are kept as they are'); END"""
_POSTGRESQL = """
CREATE OR REPLACE FUNCTION kept_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '%: rows are kept as they are', TG_TABLE_NAME; END $$;
CREATE OR REPLACE TRIGGER {table}_never_changed BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION kept_refuses();
CREATE OR REPLACE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION kept_refuses()
"""


class Kept(RuntimeError):
    """Somebody tried to change or delete a kept row through a model."""


class KeptRows(models.QuerySet[_Row]):
    """Rows can be read and added, nothing else."""

    def update(self, **kwargs: Any) -> NoReturn:  # noqa: ARG002 (the signature is Django's)
        """Always refused."""
        raise Kept("Kept rows are never changed.")

    def delete(self) -> NoReturn:
        """Always refused."""
        raise Kept("Kept rows are never deleted.")


class KeptRow(models.Model):
    """A row that is never changed and never deleted. Its model names `KeptRows` as its manager."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add a new row; changing one is refused."""
        if not self._state.adding:
            raise Kept("Kept rows are never changed.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002 (the signature is Django's)
        """Always refused."""
        raise Kept("Kept rows are never deleted.")


def guard(*tables: str) -> Callable[[Any, Any], None]:
    """What a migration runs so that the database itself refuses to change or delete rows of these tables.

    Not reversible on purpose: there is no way back to rows that can be changed.
    """

    def guarded(_: Any, schema_editor: Any) -> None:
        for table in tables:
            for statement in _statements(table, schema_editor.connection.vendor):
                schema_editor.execute(statement, params=None)

    return guarded


def _statements(table: str, vendor: str) -> Iterable[str]:
    if vendor == "postgresql":
        yield _POSTGRESQL.format(table=table)
    else:
        for verb, done in (("UPDATE", "changed"), ("DELETE", "deleted")):
            yield _SQLITE.format(table=table, verb=verb, done=done)


def kept_tables() -> tuple[str, ...]:
    """The tables of all models whose rows are kept, by name."""
    return tuple(sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, KeptRow)))


def guards_of(connection: BaseDatabaseWrapper) -> Mapping[str, frozenset[str]]:
    """Names of the triggers of each table that has some."""
    query = (
        "SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal"
        if connection.vendor == "postgresql"
        else "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"
    )
    found: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(query)
        for table, name in cursor.fetchall():
            found.setdefault(table, set()).add(name)
    return {table: frozenset(names) for table, names in found.items()}


def restore_guards(*, using: str, **_: object) -> None:
    """Put back the triggers of kept tables that a migration has lost. Runs after every `migrate`."""
    connection = connections[using]
    held, there = guards_of(connection), set(connection.introspection.table_names())
    for table in kept_tables():
        if table in there and len(held.get(table, ())) < _GUARDS:
            with connection.cursor() as cursor:
                for statement in _statements(table, connection.vendor):
                    cursor.execute(statement)
