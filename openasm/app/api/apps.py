"""Django's description of this feature."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The interface for programs; it has no models."""

    name = "openasm.app.api"
    label = "api"
