"""Django's description of this feature."""

from django.apps import AppConfig


class LookConfig(AppConfig):
    """The look feature; it has no models."""

    name = "openasm.app.look"
    label = "look"
