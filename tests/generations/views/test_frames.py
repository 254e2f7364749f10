"""A frame of a video, kept as the start picture of the next."""

import io
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from PIL import Image

from accounts.models import Team, User
from generations import bucket
from generations.mirror import extract_frame
from generations.models import Generation, Status, Upload
from tests.cast import make_generation, make_video, signed_in
from tests.generations.mirror.videos import mp4

SIZE = (640, 360)


@pytest.fixture
def made(film: Team, alice: User) -> Generation:
    generation = make_generation(alice, film, Status.DONE)
    make_video(generation, mp4(seconds=1.0, size=SIZE, black_until=0.5))
    return generation


def use(browser: Client, generation: Generation, at: str) -> Any:
    return browser.post(f"/generations/{generation.pk}/frame", {"at": at})


def light(data: bytes) -> int:
    return max(Image.open(io.BytesIO(data)).convert("L").resize((8, 8)).tobytes())


@pytest.mark.parametrize(
    ("at", "is_black"), [("0", True), ("0.4", True), ("0.52", False), ("0.9", False), ("99", False)]
)
def test_frame_that_the_player_shows_begins_the_next(made: Generation, bob: User, at: str, is_black: bool) -> None:
    answer = use(signed_in(bob), made, at)

    kept = Upload.objects.get()
    assert (kept.user, kept.width, kept.height, kept.media_type) == (bob, *SIZE, "image/png")
    assert (light(bucket.get(kept.key)) < 20) is is_black
    assert answer.url == f"/generations/new/?kind=image&parent={made.pk}&start={kept.pk}"
    form = signed_in(bob).get(answer.url).context["form"]
    assert form.kept == {"start": kept}


def test_each_moment_has_its_own_frame() -> None:
    """24 frames in the second, the whole GOP through: the frame counts, not the key frame before it."""
    video = mp4(seconds=1.0, size=SIZE)
    frames = [extract_frame(io.BytesIO(video), number / 24) for number in range(24)]

    assert len(set(frames)) == 24
    assert extract_frame(io.BytesIO(video), 10.5 / 24) == frames[10]
    assert extract_frame(io.BytesIO(video), round(10 / 24, 3)) == frames[10]


def test_viewer_may_use_it_for_a_team_of_their_own(made: Generation, victor: User) -> None:
    assert use(signed_in(victor), made, "0.9").status_code == 302
    assert Upload.objects.get().user == victor


def test_who_may_make_nothing_anywhere_is_refused(made: Generation, victor: User) -> None:
    victor.personal_team.delete()

    assert use(signed_in(victor), made, "0.9").status_code == 403
    assert '/frame"' not in signed_in(victor).get(made.get_absolute_url()).content.decode()
    assert not Upload.objects.exists()


def test_outsiders_and_strangers(made: Generation, mallory: User, client: Client) -> None:
    assert use(signed_in(mallory), made, "0.9").status_code == 404
    assert "/accounts/login/" in use(client, made, "0.9").url
    assert not Upload.objects.exists()


def test_no_video_has_no_frame(film: Team, alice: User) -> None:
    waiting = make_generation(alice, film)

    assert use(signed_in(alice), waiting, "0").status_code == 404
    assert '/frame"' not in signed_in(alice).get(waiting.get_absolute_url()).content.decode()


@pytest.mark.parametrize("at", ["", "soon", "-1", "nan", "inf"])
def test_moment_that_is_none(made: Generation, alice: User, at: str) -> None:
    assert said(use(signed_in(alice), made, at)) == ["Enter the frame’s time in seconds."]


def test_small_video_is_refused_in_words(film: Team, alice: User) -> None:
    generation = make_generation(alice, film, Status.DONE)
    make_video(generation, mp4(seconds=0.25, size=(320, 180)))

    (words,) = said(use(signed_in(alice), generation, "0"))
    assert "320 × 180 px; each side must be at least 300 px" in words


def test_object_that_is_gone_is_said(made: Generation, alice: User) -> None:
    bucket.delete(made.video.key)

    (words,) = said(use(signed_in(alice), made, "0"))
    assert words.startswith("The bucket refused")


def said(answer: Any) -> list[str]:
    assert answer.status_code == 302
    assert answer.url.startswith("/generations/")
    assert not Upload.objects.exists()
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_frame_of_a_video_that_was_taken_down_begins_none(made: Generation, bob: User, alice: User) -> None:
    client = signed_in(bob)
    page = client.get(client.post(f"/generations/{made.pk}/extend").headers["Location"])
    kept = Upload.objects.get()
    assert (kept.last_frame_of, page.context["form"].kept) == (made, {"start": kept})
    made.take_down(alice, "x")
    values = {"kind": "image", "team": made.team.slug, "prompt": "On it goes", "duration": "5", "cfg_scale": "0.5"}

    answer = client.post("/generations/new/", values | {"start_upload": kept.pk})

    assert answer.status_code == 422
    assert "may not be used here any more" in answer.content.decode()
    assert Generation.objects.get() == made
