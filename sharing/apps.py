"""The app's configuration."""

from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "sharing"

    def ready(self) -> None:
        from generations.notifications import add_sender  # noqa: PLC0415  models are there only now
        from sharing.notifications import send_review_notifications  # noqa: PLC0415

        add_sender(send_review_notifications)
