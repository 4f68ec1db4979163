"""The database itself refuses to change or delete these rows, whoever asks."""

from django.db import migrations

from openasm.app.kept.rows import guard


class Migration(migrations.Migration):
    """Not reversible on purpose."""

    dependencies = [("submissions", "0001_initial")]

    operations = [migrations.RunPython(guard("submissions_submissionpackage", "submissions_submissionreceipt"))]
