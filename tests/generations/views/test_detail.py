"""One generation's page and its moving part."""

import html
import json
import re
import shlex
import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from generations.fal.arguments import Endpoint
from generations.models import Event, Generation, Slot, Status
from tests.cast import make_generation, make_input_picture, make_video, signed_in


@pytest.mark.parametrize("name", ["generation", "generation-panel", "generation-card"])
@pytest.mark.parametrize("status", Status)
def test_every_state_has_a_page(film: Team, bob: User, name: str, status: Status) -> None:
    row = make_generation(bob, film, status)
    if status == Status.DONE:
        make_video(row)
    page = signed_in(bob).get(reverse(name, args=[row.pk])).content.decode()

    assert (f'hx-get="/generations/{row.pk}/' in page) is True
    assert (f'src="/generations/{row.pk}/video"' in page) is (status == Status.DONE and name != "generation-card")
    assert ("fal refused the prompt. Change it." in page) is (status == Status.FAILED)


def test_page_shows_what_was_asked_for(film: Team, bob: User) -> None:
    row = make_generation(bob, film, prompt="A fox", negative_prompt="badgers", cfg_scale=0.35, aspect_ratio="9:16")
    page = signed_in(bob).get(row.get_absolute_url()).content.decode()

    assert all(words in page for words in ("A fox", "badgers", "0.35", "9:16", "Film"))


def test_page_shows_the_pictures_that_it_starts_and_ends_with(film: Team, bob: User) -> None:
    row = make_generation(bob, film, endpoint=Endpoint.IMAGE_TO_VIDEO)
    for slot in Slot:
        make_input_picture(row, slot)
    page = signed_in(bob).get(row.get_absolute_url()).content.decode()

    assert all(f'src="/generations/{row.pk}/input/{slot}"' in page for slot in Slot)


def test_page_tells_what_happened(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.RENDERING)
    row.events.create(status=Status.QUEUED, message="fal was busy.")
    logs = [{"timestamp": "2026-11-24T12:00:00+00:00", "message": "Denoising 40%"}]
    type(row).objects.filter(pk=row.pk).update(logs=logs)
    page = signed_in(bob).get(row.get_absolute_url()).content.decode()

    assert "fal was busy." in page
    assert "Denoising 40%" in page


def test_queries_do_not_grow_with_what_happened(film: Team, bob: User, alice: User) -> None:
    row = make_generation(bob, film, Status.RENDERING)
    client = signed_in(bob)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(row.get_absolute_url())
        return len(captured)

    queries()  # the first in a while also reads the usual time
    few = queries()
    Event.objects.bulk_create(
        Event(generation=row, status=Status.QUEUED, by=person, message="again") for person in (alice, bob) * 5
    )

    assert queries() == few


def test_neighbours_are_those_of_the_persons_own_gallery(film: Team, bob: User, alice: User, mallory: User) -> None:
    old, middle, new = (make_generation(bob, film, created_at=moment(minute)) for minute in (0, 2, 4))
    make_generation(alice, film, created_at=moment(1))
    trashed = make_generation(bob, film, Status.CANCELED, created_at=moment(3))
    type(trashed).objects.filter(pk=trashed.pk).update(trashed_at=timezone.now())

    assert neighbours(bob, middle) == (new.pk, old.pk)
    assert neighbours(bob, old) == (middle.pk, None)
    assert neighbours(bob, new) == (None, middle.pk)
    assert neighbours(alice, middle)[0] is None
    assert signed_in(mallory).get(middle.get_absolute_url()).status_code == 404


def test_neighbours_of_one_moment_are_told_apart(film: Team, bob: User) -> None:
    rows = sorted((make_generation(bob, film, created_at=moment(0)) for _ in range(3)), key=lambda row: row.pk)

    assert neighbours(bob, rows[1]) == (rows[2].pk, rows[0].pk)


def moment(minute: int) -> datetime:
    return datetime(2026, 11, 1, 12, minute, tzinfo=UTC)


def neighbours(person: User, row: Generation) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    """The ids that the page links as newer and as older."""
    page = signed_in(person).get(row.get_absolute_url()).content.decode()
    found = {rel: uuid.UUID(pk) for pk, rel in re.findall(r'href="/generations/([0-9a-f-]+)/" rel="(\w+)"', page)}
    return found.get("prev"), found.get("next")


@pytest.mark.parametrize("endpoint", Endpoint)
def test_page_gives_the_request_as_code(film: Team, bob: User, endpoint: Endpoint) -> None:
    row = make_generation(bob, film, endpoint=endpoint, prompt="A </code> 'fox'")
    if endpoint == Endpoint.IMAGE_TO_VIDEO:
        for slot in Slot:
            make_input_picture(row, slot)
    page = signed_in(bob).get(row.get_absolute_url()).content.decode()
    code = html.unescape(re.findall(r'<code id="code-curl">(.*?)</code>', page, re.S)[0])
    sent = json.loads(shlex.split(code)[-1])

    assert (sent["prompt"], sent["duration"], sent["cfg_scale"]) == ("A </code> 'fox'", "5", 0.5)
    assert ("aspect_ratio" in sent) is (endpoint == Endpoint.TEXT_TO_VIDEO)
    assert ("tail_image_url" in sent) is (endpoint == Endpoint.IMAGE_TO_VIDEO)
    assert all(f'id="code-{language}"' in page for language in ("python", "javascript"))
