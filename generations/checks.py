"""System checks for settings that cannot work together."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from botocore.exceptions import BotoCoreError
from botocore.session import Session
from django.conf import settings
from django.core import checks

from generations.bucket_check import BucketCheckError, try_bucket
from generations.fal.arguments import Endpoint


@checks.register(checks.Tags.security, deploy=False)
def sandbox_outside_development(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    if settings.DEBUG or not settings.FAL_IS_SANDBOX:
        return []
    hint = "Set FAL_KEY to the key from fal.ai/dashboard/keys."
    return [checks.Warning("No FAL_KEY is set: the sandbox stands in for fal.", hint=hint, id="studio.W001")]


@checks.register()
def bucket_is_named(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    if settings.AWS_STORAGE_BUCKET_NAME:
        return []
    hint = "Set AWS_STORAGE_BUCKET_NAME to the bucket that finished videos go to."
    return [checks.Error("The bucket has no name.", hint=hint, id="studio.E002")]


@checks.register()
def endpoints_do_not_end(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Told while there is time to change to another one."""
    hint = "Tell the teams. A newer version of the studio may know its successor."
    return [
        checks.Warning(f"fal ends {endpoint} on {endpoint.terms.ends_on}.", hint=hint, id="studio.W007")
        for endpoint in Endpoint.ending(date.today())  # noqa: DTZ011 - settings may not be usable yet
    ]


@checks.register()
def presigned_pictures_are_reachable(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    endpoint = settings.AWS_S3_ENDPOINT_URL or "https://s3.amazonaws.com"
    if settings.FAL_INPUT_DELIVERY != "presigned" or settings.FAL_IS_SANDBOX or endpoint.startswith("https://"):
        return []
    hint = "Set FAL_INPUT_DELIVERY=upload, or use a bucket with a public https address."
    return [checks.Error("fal cannot read pictures from a bucket without https.", hint=hint, id="studio.E003")]


@checks.register()
def presigned_pictures_outlive_their_keys(
    app_configs: Sequence[Any] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    if settings.FAL_INPUT_DELIVERY != "presigned" or not _are_keys_temporary():
        return []
    message = (
        "The bucket's keys are temporary: a presigned address dies with them, maybe before fal has read the picture."
    )
    hint = "Set FAL_INPUT_DELIVERY=upload, or give the studio keys that last, without AWS_SESSION_TOKEN."
    return [checks.Warning(message, hint=hint, id="studio.W005")]


def _are_keys_temporary() -> bool:
    """Those of a role have a session token; who names no keys leaves it to botocore where to find some."""
    if settings.AWS_SESSION_TOKEN or settings.AWS_ACCESS_KEY_ID:
        return bool(settings.AWS_SESSION_TOKEN)
    try:
        found = Session().get_credentials()
        return bool(found and found.token)
    except BotoCoreError:  # that there are none is said by the trial of the bucket
        return False


@checks.register(deploy=True)
def bucket_takes_videos(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """For `manage.py check --deploy`, which may take its time: on the very way of copies."""
    try:
        try_bucket()
    except BucketCheckError as error:
        hint = "No video comes home before this is mended."
        return [checks.Error(f"The bucket takes no videos. {error}", hint=hint, id="studio.E006")]
    return []


@checks.register()
def database_is_postgresql(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
        return []
    hint = "Set DATABASE_URL=postgres://user:password@host/name, or unset it for the embedded one."
    return [checks.Error("The studio needs PostgreSQL.", hint=hint, id="studio.E004")]
