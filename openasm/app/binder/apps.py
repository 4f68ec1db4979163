"""Django's description of this feature."""

from django.apps import AppConfig


class BinderConfig(AppConfig):
    """The binder feature; it has no models."""

    name = "openasm.app.binder"
    label = "binder"
