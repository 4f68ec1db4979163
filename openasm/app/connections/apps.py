"""Django's description of this feature."""

from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    """Calendar feeds and clients of the CDS Hooks service."""

    name = "openasm.app.connections"
    label = "connections"
