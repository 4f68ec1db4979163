"""Django's description of this feature."""

from django.apps import AppConfig


class ReadinessConfig(AppConfig):
    """The readiness feature."""

    name = "openasm.app.readiness"
    label = "readiness"
