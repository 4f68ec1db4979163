"""Django's description of this feature."""

from django.apps import AppConfig


class WhatIfConfig(AppConfig):
    """What-if; it has no models."""

    name = "openasm.app.what_if"
    label = "what_if"
