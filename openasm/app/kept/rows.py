"""Tables that only grow. A correction is a further row; models, query sets and triggers refuse everything else.

class Signature(KeptRow):
    objects: Any = KeptRows["Signature"].as_manager()

operations = [..., migrations.RunPython(guard("attestations_signature"))]   # in the migration that makes the table
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from django.db import models

_Row = TypeVar("_Row", bound=models.Model)
_SQLITE = """CREATE TRIGGER {table}_never_{done} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table}: rows are kept as they are'); END"""
_POSTGRESQL = """
CREATE OR REPLACE FUNCTION kept_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '%: rows are kept as they are', TG_TABLE_NAME; END $$;
CREATE TRIGGER {table}_never_changed BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION kept_refuses();
CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION kept_refuses()
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

    def guarded(apps: Any, schema_editor: Any) -> None:
        del apps
        for table in tables:
            if schema_editor.connection.vendor == "postgresql":
                schema_editor.execute(_POSTGRESQL.format(table=table), params=None)
                continue
            for verb, done in (("UPDATE", "changed"), ("DELETE", "deleted")):
                schema_editor.execute(_SQLITE.format(table=table, verb=verb, done=done))

    return guarded
