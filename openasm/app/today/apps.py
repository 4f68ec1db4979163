"""Django's description of this feature."""

from django.apps import AppConfig


class TodayConfig(AppConfig):
    """The today feature; it has no models."""

    name = "openasm.app.today"
    label = "today"
