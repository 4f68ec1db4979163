"""Django's description of this feature."""

from django.apps import AppConfig


class RequestsConfig(AppConfig):
    """The requests feature."""

    name = "openasm.app.requests"
    label = "requests"
