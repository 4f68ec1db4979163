"""Django's description of this feature."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Accounts and memberships."""

    name = "openasm.app.people"
    label = "people"

    def ready(self) -> None:
        """Connect the events of signing in and out to the audit."""
        from openasm.app.people import sign_in_events  # noqa: F401
