"""Django's description of this feature."""

from django.apps import AppConfig


class PublishedConfig(AppConfig):
    """Published runs."""

    name = "openasm.app.published"
    label = "published"
