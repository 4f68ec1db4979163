"""Django's description of this feature."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Events."""

    name = "openasm.app.audit"
    label = "audit"
