"""Django's description of this feature."""

from django.apps import AppConfig


class ArrangementsConfig(AppConfig):
    """The arrangements feature."""

    name = "openasm.app.arrangements"
    label = "arrangements"
