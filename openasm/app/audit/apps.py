"""Django's description of this feature."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Events."""

    name = "openasm.app.audit"
    label = "audit"

    def ready(self) -> None:
        """Have every `migrate` end with the triggers in place."""
        from django.db.models.signals import post_migrate

        from openasm.app.audit.triggers import restore_triggers

        post_migrate.connect(restore_triggers, sender=self, dispatch_uid="audit triggers")
