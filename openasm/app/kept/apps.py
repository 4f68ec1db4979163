"""Django's description of this feature."""

from django.apps import AppConfig


class KeptConfig(AppConfig):
    """The documents feature."""

    name = "openasm.app.kept"
    label = "kept"

    def ready(self) -> None:
        """Have every `migrate` end with all triggers in place."""
        from django.db.models.signals import post_migrate

        from openasm.app.kept.rows import restore_guards

        post_migrate.connect(restore_guards, sender=self, dispatch_uid="kept rows")
