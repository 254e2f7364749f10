"""The app's configuration."""

from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "sharing"

    def ready(self) -> None:
        from generations.notifications import add_sender  # noqa: PLC0415  models are there only now
        from generations.tasks import add_hourly  # noqa: PLC0415
        from sharing.notifications import send_review_notifications  # noqa: PLC0415
        from sharing.review import delete_reviews_of_deleted_videos  # noqa: PLC0415

        add_hourly(delete_reviews_of_deleted_videos)
        add_sender(send_review_notifications)
