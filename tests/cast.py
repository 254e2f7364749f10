"""The people of the tests, and what they own.

alice owns the team Film, bob is a member of it, victor a viewer; mallory is outside; mona moderates. Like everybody,
each has a personal team besides.
"""

import functools
import hashlib
import uuid
from io import BytesIO
from typing import Any

import pillow_heif
import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from PIL import Image, ImageDraw

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations import bucket, pictures
from generations.fal.arguments import AspectRatio, Endpoint
from generations.fal.error_messages import ResponsibleParty
from generations.fal.responses import RequestUrls
from generations.fal_account import fal_config
from generations.models import (
    DRIVEN,
    TERMINAL,
    Event,
    Generation,
    InputPicture,
    LibraryPicture,
    Price,
    Slot,
    Status,
    Upload,
    Video,
)
from generations.orders.library import add_picture
from generations.orders.place import save_upload
from tests.generations.mirror.videos import mp4

_BEFORE_FAL = {Status.HELD, Status.QUEUED, Status.REJECTED, Status.CANCELED}
_AT_FAL = {Status.RENDERING, Status.CANCELLING, Status.MIRRORING, Status.DONE}
_DATABASE = {"db", "transactional_db", "live_server"}  # fixtures
_MADE = {Status.MIRRORING, Status.DONE}


@pytest.fixture
def film(db: None) -> Team:
    return Team.objects.create(name="Film", slug="film")


@pytest.fixture
def alice(film: Team) -> User:
    return _join(film, _person("alice"), Role.OWNER)


@pytest.fixture
def bob(film: Team) -> User:
    return _join(film, _person("bob"), Role.MEMBER)


@pytest.fixture
def victor(film: Team) -> User:
    return _join(film, _person("victor"), Role.VIEWER)


@pytest.fixture
def mallory(db: None) -> User:
    return _person("mallory")


@pytest.fixture
def mona(db: None) -> User:
    """Staff who may look at everything in the admin."""
    mona = _person("mona", is_staff=True)
    mona.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return mona


@pytest.fixture(autouse=True)
def prices(request: pytest.FixtureRequest) -> None:
    """The price list that the migration enters: a test with transaction=True leaves every table empty to the next."""
    if not request.node.get_closest_marker("django_db") and not _DATABASE & set(request.fixturenames):
        return
    request.getfixturevalue("db")
    if not Price.objects.exists():
        Price.objects.bulk_create(
            Price(endpoint=endpoint, seconds=seconds, cents=cents, read_on=endpoint.terms.price_read_on)
            for endpoint in Endpoint
            for seconds, cents in endpoint.terms.cents.items()
        )


@pytest.fixture(autouse=True)
def _nobody_was_here_before(request: pytest.FixtureRequest) -> None:
    """allauth counts tries and mails in the cache, whose table is no model's: a test with transaction=True keeps it."""
    marker = request.node.get_closest_marker("django_db")
    if (marker and marker.kwargs.get("transaction")) or "transactional_db" in request.fixturenames:
        request.getfixturevalue("db")
        cache.clear()


def _person(name: str, **fields: Any) -> User:
    return User.objects.create_user(f"{name}@example.com", name=name.title(), **fields)


def _join(team: Team, user: User, role: Role) -> User:
    Membership.objects.create(team=team, user=user, role=role)
    return user


def signed_in(user: User) -> Client:
    """A browser in which the person is signed in, and was seen a moment ago: that is written down once in a while."""
    client = Client()
    client.force_login(user)
    client.get("/healthz")
    return client


def make_generation(user: User, team: Team, status: Status = Status.QUEUED, **columns: Any) -> Generation:
    """A row as it would be in that state, written straight into the database, with the event that led there."""
    values = {
        "prompt": "A fox in the snow",
        "endpoint": Endpoint.TEXT_TO_VIDEO,
        "duration": 5,
        "cost_cents": 35,
        **columns_of(status),
        **columns,
    }
    is_text = values["endpoint"] == Endpoint.TEXT_TO_VIDEO
    values.setdefault("aspect_ratio", AspectRatio.LANDSCAPE if is_text else "")
    generation = Generation.objects.create(user=user, team=team, status=status, **values)
    Event.objects.create(generation=generation, status=status, by=user, message=generation.message)
    return generation


def columns_of(status: Status) -> dict[str, Any]:
    """What the database demands of a state, and what the pipeline would have written down on the way to it."""
    now = timezone.now()
    columns: dict[str, Any] = {"due_at": now if status in DRIVEN else None}
    if status in TERMINAL:
        columns["finished_at"] = now
    if status not in _BEFORE_FAL:
        columns["submitted_at"] = now
    if status in _AT_FAL:
        urls = RequestUrls.for_id(fal_config(), str(uuid.uuid4()))
        columns |= {"request_id": urls.request_id, "status_url": urls.status_url}
        columns |= {"response_url": urls.response_url, "cancel_url": urls.cancel_url}
    if status in _MADE:
        columns["source_url"] = "https://fal.media/files/fox.mp4"
    if status == Status.FAILED:
        columns |= {
            "reason": "content_policy",
            "message": "fal refused the prompt. Change it.",
            "responsible_party": ResponsibleParty.USER,
        }
    return columns


def make_video(generation: Generation, data: bytes | None = None) -> Video:
    """A real MP4 and its poster in the bucket, and their row; like a video of old it has no preview."""
    content = data or mp4(seconds=0.25)
    video = Video(
        generation=generation,
        key=f"{generation.key_prefix}/video.mp4",
        poster_key=f"{generation.key_prefix}/poster.webp",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content_type="video/mp4",
        width=320,
        height=180,
        duration=0.25,
        fps=24,
        codec="h264",
    )
    bucket.put(video.key, content, video.content_type)
    bucket.put(video.poster_key, picture("WEBP", (320, 180)), "image/webp")
    video.save(force_insert=True)
    return video


def make_upload(user: User, data: bytes | None = None) -> Upload:
    """A picture that waits in the composer, in the bucket."""
    return save_upload(user, read_picture(data or picture()))


def make_library_picture(user: User, team: Team, data: bytes | None = None, name: str = "Fox") -> LibraryPicture:
    """A picture of the team's library, in the bucket."""
    return add_picture(user, team, read_picture(data or picture()), name)


def make_input_picture(generation: Generation, slot: Slot = Slot.START, data: bytes | None = None) -> InputPicture:
    """The generation's own picture, in the bucket."""
    read = read_picture(data or picture())
    key = f"{generation.key_prefix}/input/{read.sha256}.{read.extension}"
    bucket.put(key, read.data, read.media_type)
    return InputPicture.objects.create(
        generation=generation,
        slot=slot,
        key=key,
        sha256=read.sha256,
        media_type=read.media_type,
        width=read.width,
        height=read.height,
        size=len(read.data),
    )


@functools.cache
def read_picture(data: bytes) -> pictures.Picture:
    """As the studio reads it, in a process of its own: once for all tests that only need one."""
    return pictures.read("image", data)


pillow_heif.register_heif_opener()


@functools.cache
def drawing(shift: int = 0, size: tuple[int, int] = (400, 300)) -> bytes:
    """A picture that has a perceptual hash, as a plain one has not; each shift's, 0 and 1, looks different."""
    image = Image.linear_gradient("L").rotate(90 * shift).resize((600, 400)).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.ellipse((100 + 150 * shift, 80, 300 + 150 * shift, 300), fill=(200, 40, 40))
    draw.rectangle((350, 200 - 150 * shift, 550, 380 - 150 * shift), fill=(20, 90, 200))
    buffer = BytesIO()
    image.resize(size).save(buffer, "PNG")
    return buffer.getvalue()


@functools.cache
def picture(format_: str = "JPEG", size: tuple[int, int] = (400, 300), color: str = "teal") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, color).save(buffer, format_)
    return buffer.getvalue()
