"""Django's description of this feature."""

from django.apps import AppConfig


class PrimaryCareConfig(AppConfig):
    """The primary care feature; its rows come with every published run."""

    name = "openasm.app.primary_care"
    label = "primary_care"

    def ready(self) -> None:
        """Have every publish load the rows, and old ones removed with the other rows of patients."""
        from openasm.app.primary_care.models import PrimaryCare, PrimaryCareVisit
        from openasm.app.primary_care.publishing import load_primary_care
        from openasm.app.published.models import PATIENT_TABLES
        from openasm.app.published.publish import WITH_PATIENTS

        if load_primary_care not in WITH_PATIENTS:
            WITH_PATIENTS.append(load_primary_care)
        for table in (PrimaryCare, PrimaryCareVisit):
            if table not in PATIENT_TABLES:
                PATIENT_TABLES.insert(0, table)
