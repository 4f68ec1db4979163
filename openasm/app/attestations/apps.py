"""Django's description of this feature."""

from django.apps import AppConfig


class AttestationsConfig(AppConfig):
    """The attestations feature."""

    name = "openasm.app.attestations"
    label = "attestations"
