"""Triggers of kept tables and of the audit: all there after all migrations, and put back where one was lost."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from openasm.app.kept.actions import keep_document
from openasm.app.kept.models import Document
from openasm.app.kept.rows import guards_of, kept_tables, restore_guards
from openasm.app.kept.uploads import checked_attachment
from tests.app.conftest import Stage

AUDIT = ("audit_auditevent", "audit_audithead")
REFUSALS = {"audit_auditevent": "never changed|append-only", "audit_audithead": "forward"}


def expected(table: str) -> set[str]:
    done = ("changed", "emptied") if connection.vendor == "postgresql" else ("changed", "deleted")
    return {f"{table}_never_{each}" for each in done}


def test_every_kept_table_has_its_triggers_after_all_migrations(db: None) -> None:
    found = guards_of(connection)
    assert len(kept_tables()) >= 11
    assert {table: set(found.get(table, ())) for table in kept_tables()} == {
        table: expected(table) for table in kept_tables()
    }
    more = 1 if connection.vendor == "postgresql" else 0  # against emptying
    assert [len(found[table]) for table in AUDIT] == [2, 2 + more]


def drop(table: str) -> None:
    with connection.cursor() as cursor:
        for name in guards_of(connection)[table]:
            cursor.execute(f"DROP TRIGGER {name}" + (f" ON {table}" if connection.vendor == "postgresql" else ""))


def test_migrating_puts_back_what_a_rebuilt_table_has_lost(stage: Stage) -> None:
    keep_document(
        practice=stage.elm,
        year=2027,
        about="IA_1",
        attachment=checked_attachment("a.txt", b"kept"),
        by=stage.people["nurse"],
    )
    tables = (Document._meta.db_table, *AUDIT)
    before = guards_of(connection)
    for table in tables:
        drop(table)
        assert table not in guards_of(connection)
    call_command("migrate", verbosity=0)
    assert guards_of(connection) == before
    for table in tables:
        changed = (
            "position = position + 2" if table == "audit_audithead" else "id = id" if table not in AUDIT else "who = ''"
        )
        with (
            pytest.raises(DatabaseError, match=REFUSALS.get(table, "kept")),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE {table} SET {changed}")


def test_restoring_what_is_there_changes_nothing(db: None) -> None:
    before = guards_of(connection)
    restore_guards(using="default")
    assert guards_of(connection) == before
