"""Films of the tests: clips in the bucket, and a film of them that waits to be joined."""

import io
import uuid

import av
import pytest
from django.db import connection

from accounts.models import Team, User
from generations import bucket
from generations.films import worker
from generations.films.plan import order_film
from generations.films.worker import LEASE
from generations.models import Film, Generation, Status
from tests.cast import make_generation, make_video
from tests.generations.mirror.film import clips


def make_clip(user: User, team: Team, data: bytes, **columns: object) -> Generation:
    """A finished video with this file, whose row says what the file is."""
    row = make_generation(user, team, Status.DONE, **columns)
    video = make_video(row, data)
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        video.width, video.height = stream.width, stream.height
        video.duration, video.fps = 1.0, float(stream.average_rate or 24)
        video.codec = stream.codec_context.name
    video.save()
    return row


def make_film(user: User, team: Team, *parts: bytes, **columns: object) -> Film:
    rows = [make_clip(user, team, data) for data in parts or (clips.clip(1), clips.clip(2))]
    return film_of(user, rows, **columns)


def film_of(user: User, rows: list[Generation], **columns: object) -> Film:
    return order_film(user, rows, {"name": "Spot", "project": None, "idempotency_key": uuid.uuid4()} | columns)


def join(film: Film) -> None:
    """As a worker does; a join of more than a second leaves the test the connection of its transaction."""
    with pytest.MonkeyPatch.context() as patch:
        if connection.in_atomic_block:
            patch.setattr(worker, "close_old_connections", lambda: None)
        worker.join_film(film)


def join_due() -> None:
    """One pass of a worker, in this thread."""
    for film in Film.objects.claim_due(10, LEASE):
        join(film)


def joined(user: User, team: Team, *parts: bytes) -> Film:
    film = make_film(user, team, *parts)
    join_due()
    film.refresh_from_db()
    assert film.status == "done", film.message
    return film


def file_of(film: Film) -> bytes:
    return bucket.client().get_object(Bucket=bucket.name(), Key=film.own_keys()[0])["Body"].read()
