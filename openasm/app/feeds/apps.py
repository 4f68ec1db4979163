"""Django's description of this feature."""

from pathlib import Path

from django.apps import AppConfig


class FeedsConfig(AppConfig):
    """Files, configurations and runs of practices."""

    name = "openasm.app.feeds"
    label = "feeds"

    def ready(self) -> None:
        """Make the folder in which uploads arrive: in the data folder, so that nothing of a patient lies in the system's own."""
        from django.conf import settings

        if settings.DATA is not None:
            (Path(settings.DATA) / "incoming").mkdir(mode=0o700, parents=True, exist_ok=True)
