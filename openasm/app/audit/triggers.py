"""Triggers with which the database itself refuses to change or delete events, whoever asks."""

from __future__ import annotations

from django.db import connections

_SQLITE = """
CREATE TRIGGER IF NOT EXISTS audit_event_never_changed BEFORE UPDATE ON audit_auditevent
BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END;
CREATE TRIGGER IF NOT EXISTS audit_event_never_deleted BEFORE DELETE ON audit_auditevent
BEGIN SELECT RAISE(ABORT, 'audit events are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS audit_head_never_deleted BEFORE DELETE ON audit_audithead
BEGIN SELECT RAISE(ABORT, 'the head of the audit is never deleted'); END;
CREATE TRIGGER IF NOT EXISTS audit_head_only_forward BEFORE UPDATE ON audit_audithead WHEN NEW.position <> OLD.position + 1
BEGIN SELECT RAISE(ABORT, 'the head of the audit moves forward one by one'); END
"""
_POSTGRESQL = """
CREATE OR REPLACE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$;
CREATE OR REPLACE FUNCTION audit_head_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.position <> OLD.position + 1 THEN RAISE EXCEPTION 'the head of the audit moves forward one by one'; END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER audit_event_never_changed BEFORE UPDATE OR DELETE ON audit_auditevent
FOR EACH ROW EXECUTE FUNCTION audit_refuses();
CREATE OR REPLACE TRIGGER audit_event_never_emptied BEFORE TRUNCATE ON audit_auditevent
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();
CREATE OR REPLACE TRIGGER audit_head_never_deleted BEFORE DELETE ON audit_audithead
FOR EACH ROW EXECUTE FUNCTION audit_refuses();
CREATE OR REPLACE TRIGGER audit_head_never_emptied BEFORE TRUNCATE ON audit_audithead
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();
CREATE OR REPLACE TRIGGER audit_head_only_forward BEFORE UPDATE ON audit_audithead
FOR EACH ROW EXECUTE FUNCTION audit_head_forward()
"""


def statements(vendor: str) -> tuple[str, ...]:
    """What makes the triggers that are missing, by the kind of database."""
    if vendor == "postgresql":
        return (_POSTGRESQL,)
    return tuple(f"{each} END" for each in _SQLITE.strip().removesuffix("END").split("END;"))


def restore_triggers(*, using: str, **_: object) -> None:
    """Put back what a migration has lost (SQLite changes a table by making it anew). Runs after every `migrate`."""
    connection = connections[using]
    if "audit_audithead" in connection.introspection.table_names():
        with connection.cursor() as cursor:
            for statement in statements(connection.vendor):
                cursor.execute(statement)
