"""The database itself refuses to change or delete events, whoever asks."""

from typing import Any

from django.db import migrations

from openasm.app.audit.triggers import statements


def _guard(apps: Any, schema_editor: Any) -> None:
    del apps
    for statement in statements(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    """Not reversible on purpose: there is no way back to events that can be changed."""

    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(_guard)]
