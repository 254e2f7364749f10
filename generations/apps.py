"""Configuration of the app `generations`."""

from django.apps import AppConfig


class GenerationsConfig(AppConfig):
    name = "generations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from generations import checks  # noqa: F401, PLC0415  registers the system checks
