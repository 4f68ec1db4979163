"""Django's description of this feature."""

from django.apps import AppConfig


class LookupConfig(AppConfig):
    """Look-up of participants and places."""

    name = "openasm.app.lookup"
    label = "lookup"
