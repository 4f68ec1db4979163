"""Django's description of this feature."""

from django.apps import AppConfig


class SubmissionsConfig(AppConfig):
    """The submissions feature."""

    name = "openasm.app.submissions"
    label = "submissions"
