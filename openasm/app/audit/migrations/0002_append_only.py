"""The database itself refuses to change or delete events, whoever asks."""

from typing import Any

from django.db import migrations

_SQLITE = """
CREATE TRIGGER audit_event_never_changed BEFORE UPDATE ON audit_auditevent
BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END;
CREATE TRIGGER audit_event_never_deleted BEFORE DELETE ON audit_auditevent
BEGIN SELECT RAISE(ABORT, 'audit events are never deleted'); END;
CREATE TRIGGER audit_head_never_deleted BEFORE DELETE ON audit_audithead
BEGIN SELECT RAISE(ABORT, 'the head of the audit is never deleted'); END;
CREATE TRIGGER audit_head_only_forward BEFORE UPDATE ON audit_audithead WHEN NEW.position <> OLD.position + 1
BEGIN SELECT RAISE(ABORT, 'the head of the audit moves forward one by one'); END
"""
_POSTGRESQL = """
CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$;
CREATE FUNCTION audit_head_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.position <> OLD.position + 1 THEN RAISE EXCEPTION 'the head of the audit moves forward one by one'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER audit_event_never_changed BEFORE UPDATE OR DELETE ON audit_auditevent
FOR EACH ROW EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_event_never_emptied BEFORE TRUNCATE ON audit_auditevent
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_head_never_deleted BEFORE DELETE ON audit_audithead
FOR EACH ROW EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_head_never_emptied BEFORE TRUNCATE ON audit_audithead
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_head_only_forward BEFORE UPDATE ON audit_audithead
FOR EACH ROW EXECUTE FUNCTION audit_head_forward()
"""


def _guard(apps: Any, schema_editor: Any) -> None:
    del apps
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_POSTGRESQL)
        return
    for statement in _SQLITE.strip().split("END;"):
        schema_editor.execute(statement if statement.rstrip().endswith("END") else f"{statement} END")


class Migration(migrations.Migration):
    """Not reversible on purpose: there is no way back to events that can be changed."""

    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(_guard)]
