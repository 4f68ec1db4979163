"""Django's description of this feature."""

from django.apps import AppConfig


class WorklistsConfig(AppConfig):
    """The worklists feature; it follows every published run."""

    name = "openasm.app.worklists"
    label = "worklists"

    def ready(self) -> None:
        """Have every publish make its cases and close what it shows as met; have old cases removed with their gaps."""
        from openasm.app.published.models import PATIENT_TABLES
        from openasm.app.published.publish import AFTER_ROWS, WITH_GAPS
        from openasm.app.worklists.following import follow_run, make_cases
        from openasm.app.worklists.models import Case, CaseCount

        if make_cases not in WITH_GAPS:
            WITH_GAPS.append(make_cases)
        if follow_run not in AFTER_ROWS:
            AFTER_ROWS.append(follow_run)
        for table in (CaseCount, Case):
            if table not in PATIENT_TABLES:
                PATIENT_TABLES.insert(0, table)
