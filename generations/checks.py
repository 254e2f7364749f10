"""System checks: what the environment makes impossible, said when the studio starts."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks


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
def presigned_pictures_are_reachable(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    endpoint = settings.AWS_S3_ENDPOINT_URL or "https://s3.amazonaws.com"
    if settings.FAL_INPUT_DELIVERY != "presigned" or settings.FAL_IS_SANDBOX or endpoint.startswith("https://"):
        return []
    hint = "Set FAL_INPUT_DELIVERY=upload, or use a bucket with a public https address."
    return [checks.Error("fal cannot read pictures from a bucket without https.", hint=hint, id="studio.E003")]


@checks.register()
def database_is_postgresql(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
        return []
    hint = "Set DATABASE_URL=postgres://user:password@host/name, or unset it for the embedded one."
    return [checks.Error("The studio needs PostgreSQL.", hint=hint, id="studio.E004")]
