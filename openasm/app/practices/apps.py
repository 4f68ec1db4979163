"""Django's description of this feature."""

from django.apps import AppConfig


class PracticesConfig(AppConfig):
    """The practices feature; it has no models."""

    name = "openasm.app.practices"
    label = "practices"
