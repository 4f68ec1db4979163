"""Django's description of this feature."""

from django.apps import AppConfig


class EpisodesConfig(AppConfig):
    """The episodes feature; every published run is added up for its pages."""

    name = "openasm.app.episodes"
    label = "episodes"

    def ready(self) -> None:
        """Have every publish make the sums, and old ones removed with their episodes."""
        from openasm.app.episodes.models import AttributedPatient, EpisodeTotal
        from openasm.app.episodes.totals import add_up
        from openasm.app.published.models import PATIENT_TABLES
        from openasm.app.published.publish import WITH_EPISODES

        if add_up not in WITH_EPISODES:
            WITH_EPISODES.append(add_up)
        for table in (EpisodeTotal, AttributedPatient):
            if table not in PATIENT_TABLES:
                PATIENT_TABLES.insert(0, table)
