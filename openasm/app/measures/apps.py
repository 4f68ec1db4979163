"""Django's description of this feature."""

from django.apps import AppConfig


class MeasuresConfig(AppConfig):
    """The measures feature; it has no models."""

    name = "openasm.app.measures"
    label = "measures"
