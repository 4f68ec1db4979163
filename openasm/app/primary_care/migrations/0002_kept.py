"""Entries by hand are kept as they are, by the database itself."""

from django.db import migrations

from openasm.app.kept.rows import guard


class Migration(migrations.Migration):
    """Triggers that refuse change."""

    dependencies = [("primary_care", "0001_initial")]

    operations = [migrations.RunPython(guard("primary_care_careentry"))]
