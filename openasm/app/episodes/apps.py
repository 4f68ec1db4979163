"""Django's description of this feature."""

from django.apps import AppConfig


class EpisodesConfig(AppConfig):
    """The episodes feature; it has no models."""

    name = "openasm.app.episodes"
    label = "episodes"
