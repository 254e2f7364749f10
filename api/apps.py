"""The app's configuration."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "API"

    def ready(self) -> None:
        from api.erasure import erase_keys  # noqa: PLC0415  the same
        from api.usage import BY_KEY  # noqa: PLC0415
        from api.webhooks import collect, deliver, health  # noqa: PLC0415  models are there only now
        from generations.backup.after_restore import add_step  # noqa: PLC0415
        from generations.billing.usage import add_part  # noqa: PLC0415
        from generations.flows import delete_account  # noqa: PLC0415
        from generations.notifications import add_sender  # noqa: PLC0415
        from generations.tasks import add_frequent, add_hourly  # noqa: PLC0415

        add_part(BY_KEY)
        add_frequent(collect.collect)
        add_frequent(deliver.start_threads)
        add_sender(health.send_mails)
        add_hourly(health.delete_old)
        add_step(health.forget_pending)
        delete_account.add_step(health.erase_person)
        delete_account.add_step(erase_keys)
