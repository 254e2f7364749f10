"""The baseline: an RQ job that waits in fal's official client, then saves the file.

`python -m bench._baseline` is its worker.
"""

import tests  # noqa: F401  prepares the settings, before anything reads them

# isort: split

import os
import uuid
from typing import Any, Final

import fal_client
import httpx
import redis
import rq
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from generations.fal.arguments import Endpoint

QUEUE: Final = "usual"


def job(prompt: str) -> None:
    result = fal_client.subscribe(Endpoint.TEXT_TO_VIDEO, arguments={"prompt": prompt})
    video = httpx.get(result["video"]["url"], timeout=60).content
    default_storage.save(f"usual/{uuid.uuid4()}.mp4", ContentFile(video))


def queue() -> rq.Queue:
    return rq.Queue(QUEUE, connection=redis.from_url(settings.REDIS_URL), default_timeout=-1)


def main() -> None:
    """One worker; the client's addresses are globals of its module."""
    client: Any = fal_client.client
    client.QUEUE_URL_FORMAT = f"{settings.FAL_QUEUE_URL}/"
    client.REST_URL = settings.FAL_REST_URL
    os.environ["FAL_KEY"] = settings.SANDBOX_KEY
    found = queue()
    rq.SimpleWorker([found], connection=found.connection).work(logging_level="WARNING")


if __name__ == "__main__":
    main()
