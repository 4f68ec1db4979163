from django.db import migrations, models

from openasm.app.worklists.measures import numbers_of


def fill(apps, schema_editor):
    """Of worklists that are there already: marked, and counted anew. Their cases keep their order until the next run."""
    database = schema_editor.connection.alias
    worklists = apps.get_model("worklists", "PublishedWorklist")
    participants = apps.get_model("published", "ParticipantResult")
    cases, counts = apps.get_model("worklists", "Case"), apps.get_model("worklists", "CaseCount")
    for each in worklists.objects.using(database).select_related("run").iterator():
        here = {"practice_id": each.practice_id, "run_id": each.run_id}
        cohorts = set(participants.objects.using(database).filter(**here).values_list("cohort", flat=True))
        own = counts.objects.using(database).filter(**here)
        other = set(own.values_list("measure", flat=True)) - numbers_of(cohorts, each.run.performance_year)
        if not cohorts or not other:
            continue
        cases.objects.using(database).filter(measure__in=other, **here).update(scored=False)
        own.filter(measure__in=other).update(scored=False)
        scored = own.filter(scored=True)
        for name, missing in (("cases", False), ("lost", True)):
            found = scored.filter(due__isnull=missing).aggregate(total=models.Sum("cases"))["total"]
            setattr(each, name, found or 0)
        each.save(update_fields=["cases", "lost"])


class Migration(migrations.Migration):
    dependencies = [
        ("published", "0005_patients_of_practices"),
        ("worklists", "0005_by_worth"),
    ]

    operations = [
        migrations.AddField(
            model_name="case",
            name="scored",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="casecount",
            name="scored",
            field=models.BooleanField(default=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
