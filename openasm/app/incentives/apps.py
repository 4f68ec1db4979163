"""Django's description of this feature."""

from django.apps import AppConfig


class IncentivesConfig(AppConfig):
    """The incentives feature."""

    name = "openasm.app.incentives"
    label = "incentives"
