"""A row's exact request to fal, with URLs at which fal can read its pictures: the same at each try."""

from collections.abc import Callable
from typing import Final

from asgiref.sync import sync_to_async
from django.conf import settings

from generations import bucket
from generations.fal.arguments import Arguments, Source, parse
from generations.fal.client import AsyncFalClient
from generations.models import Generation, InputPicture, Slot
from generations.pipeline.db_retry import with_db_retry

PRESIGNED_SECONDS: Final = 6 * 24 * 3600  # fal's queue has no time limit; S3 allows seven days


async def arguments_of(
    row: Generation, fal: AsyncFalClient, *, addresses: Callable[[InputPicture], str] | None = None
) -> Arguments:
    """The row's exact request, with addresses at which fal can read its pictures, or with those that are given."""
    pictures = await with_db_retry(_pictures, row) if row.fal_endpoint.source is Source.IMAGE else []
    found = {
        Slot(picture.slot): addresses(picture) if addresses else await _address_for_fal(picture, fal)
        for picture in pictures
    }
    return parse(
        row.fal_endpoint,
        {
            "prompt": row.prompt,
            "negative_prompt": row.negative_prompt,
            "cfg_scale": row.cfg_scale,
            "duration": row.duration,
            "aspect_ratio": row.aspect_ratio,
            "image_url": found.get(Slot.START),
            "tail_image_url": found.get(Slot.TAIL),
        },
    )


def _pictures(row: Generation) -> list[InputPicture]:
    return list(row.pictures.all())


async def _address_for_fal(picture: InputPicture, fal: AsyncFalClient) -> str:
    """Written down once made, so that a second try sends the very same request."""
    if not picture.fal_url:
        picture.fal_url = await _new_address(picture, fal)
        await sync_to_async(picture.save)(update_fields=["fal_url"])
    return picture.fal_url


async def _new_address(picture: InputPicture, fal: AsyncFalClient) -> str:
    if settings.FAL_INPUT_DELIVERY == "presigned":
        return bucket.presigned_url(picture.key, seconds=PRESIGNED_SECONDS)
    data = await sync_to_async(bucket.get, thread_sensitive=False)(picture.key)
    file_name = picture.key.rpartition("/")[2]
    return await fal.upload(data, content_type=picture.media_type, file_name=file_name)
