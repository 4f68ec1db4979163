"""Django's description of this feature."""

from django.apps import AppConfig


class KeptConfig(AppConfig):
    """The documents feature."""

    name = "openasm.app.kept"
    label = "kept"
