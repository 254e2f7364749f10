"""Configuration of the app `generations`."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings


class GenerationsConfig(AppConfig):
    name = "generations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from generations import checks  # noqa: F401, PLC0415  registers the system checks

        if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
            import_module("config.tracing").start()
