"""Django's description of this feature."""

from django.apps import AppConfig


class ComparisonsConfig(AppConfig):
    """The comparisons feature."""

    name = "openasm.app.comparisons"
    label = "comparisons"
