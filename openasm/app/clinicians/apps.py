"""Django's description of this feature."""

from django.apps import AppConfig


class CliniciansConfig(AppConfig):
    """The clinicians feature; it has no models."""

    name = "openasm.app.clinicians"
    label = "clinicians"
