"""Videos, posters and pictures: streamed through the studio, or by a presigned address of the bucket."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Team, User
from generations import bucket
from generations.models import Generation, Slot, Status, Video
from generations.storage.repair import add_preview
from generations.views import media
from tests.cast import make_generation, make_input_picture, make_upload, make_video, picture, signed_in
from tests.generations.mirror.videos import mp4

DATA = mp4(seconds=0.25)
SIZE = len(DATA)


@pytest.fixture
def video(film: Team, bob: User) -> Video:
    return make_video(make_generation(bob, film, Status.DONE), DATA)


@pytest.fixture
def browser(video: Video, bob: User) -> Client:
    return signed_in(bob)


def address(video: Video, name: str = "generation-video") -> str:
    return reverse(name, args=[video.pk])


def body(answer: Any) -> bytes:
    return bytes(answer.getvalue() if answer.streaming else answer.content)


def test_whole_video_comes_with_its_type_and_length(browser: Client, video: Video) -> None:
    answer = browser.get(address(video))

    assert answer.status_code == 200
    assert body(answer) == DATA
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Length"] == str(SIZE)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Disposition"] == 'inline; filename="video.mp4"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in answer.headers["Cache-Control"]
    assert "Content-Range" not in answer.headers


@pytest.mark.parametrize(
    ("media_type", "ending"), [("video/mp4", ".mp4"), ("video/webm", ".webm"), ("video/quicktime", ".mov")]
)
@pytest.mark.parametrize("delivery", ["proxy", "redirect"])
def test_name_ends_by_what_the_file_is(
    browser: Client, video: Video, settings: Settings, delivery: str, media_type: str, ending: str
) -> None:
    settings.MEDIA_DELIVERY = delivery
    Video.objects.update(content_type=media_type)

    def disposition(answer: Any) -> str:
        query = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
        return str(query.get("response-content-disposition", [answer.headers.get("Content-Disposition", "")])[0])

    saved, shown = (
        disposition(browser.get(address(video, name))) for name in ("generation-download", "generation-video")
    )
    assert saved == f'attachment; filename="a-fox-in-the-snow-{str(video.pk)[:8]}{ending}"'
    assert shown == f'inline; filename="video{ending}"'


@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=0-9"}])
def test_head_has_the_headers_of_the_whole_and_no_body(browser: Client, video: Video, asked: dict[str, str]) -> None:
    """A range is for GET alone (RFC 9110 §14.2)."""
    answer = browser.head(address(video), headers=asked)

    assert (answer.status_code, body(answer)) == (200, b"")
    assert answer.headers["Content-Length"] == str(SIZE)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == f'"{video.sha256}"'


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-199", 100, 199),
        ("bytes=100-", 100, SIZE - 1),
        ("bytes=0-", 0, SIZE - 1),
        ("bytes=-100", SIZE - 100, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        (f"bytes=100-{SIZE * 2}", 100, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 0, SIZE - 1),
        ("Bytes=5-6", 5, 6),
    ],
    ids=range(10),  # the size, which differs from process to process, is no part of a test's name
)
def test_range_is_cut_out(browser: Client, video: Video, asked: str, first: int, last: int) -> None:
    answer = browser.get(address(video), headers={"Range": asked})

    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert body(answer) == DATA[first : last + 1]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 9}", "bytes=-0"], ids=range(3))
def test_range_beyond_the_end_is_refused_with_the_length(browser: Client, video: Video, asked: str) -> None:
    answer = browser.get(address(video), headers={"Range": asked})

    assert (answer.status_code, body(answer)) == (416, b"")
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked",
    ["bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=9-5", "bytes=0-1,5-6", "seconds=0-1", "bytes=0-" + "9" * 5000],
)
def test_range_that_is_malformed_or_multiple_gives_the_whole(browser: Client, video: Video, asked: str) -> None:
    answer = browser.get(address(video), headers={"Range": asked})

    assert answer.status_code == 200
    assert body(answer) == DATA


@pytest.mark.parametrize(("condition", "status"), [("same", 206), ("other", 200), ("weak", 200)])
def test_range_of_another_file_gives_the_whole(browser: Client, video: Video, condition: str, status: int) -> None:
    etag = {"same": f'"{video.sha256}"', "other": '"other"', "weak": f'W/"{video.sha256}"'}[condition]
    answer = browser.get(address(video), headers={"Range": "bytes=5-6", "If-Range": etag})

    assert answer.status_code == status
    assert len(body(answer)) == (2 if status == 206 else SIZE)


@pytest.mark.parametrize("known", ['"{}"', 'W/"{}"', '"other", "{}"', "*"])
def test_known_file_is_not_sent_again(browser: Client, video: Video, known: str) -> None:
    answer = browser.get(address(video), headers={"If-None-Match": known.format(video.sha256)})

    assert (answer.status_code, body(answer)) == (304, b"")
    assert answer.headers["ETag"] == f'"{video.sha256}"'


def test_other_file_is_sent_again(browser: Client, video: Video) -> None:
    assert browser.get(address(video), headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A fox in the snow", "a-fox-in-the-snow"),
        ("🦊🦊🦊", "video"),
        ("ثعلب في الثلج", "video"),
        ("../../etc/passwd", "etcpasswd"),
        ('a";\r\nSet-Cookie: fox=1', "a-set-cookie-fox1"),
        ("x" * 2500, "x" * 60),
        ("\u202egnp.exe", "gnpexe"),
    ],
)
def test_download_is_saved_under_a_safe_name_of_the_prompt(
    browser: Client, video: Video, prompt: str, name: str
) -> None:
    Generation.objects.filter(pk=video.pk).update(prompt=prompt)
    answer = browser.get(address(video, "generation-download"))

    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}-{str(video.pk)[:8]}.mp4"'
    assert body(answer) == DATA


def test_poster_is_a_picture_with_a_tag_of_its_own(browser: Client, video: Video) -> None:
    answer = browser.get(address(video, "generation-poster"))

    assert answer.headers["Content-Type"] == "image/webp"
    assert body(answer) == bucket.get(video.poster_key)
    assert answer.headers["ETag"] != f'"{video.sha256}"'


def test_preview_is_a_clip_with_a_tag_of_its_own(browser: Client, video: Video) -> None:
    add_preview(video.generation)
    answer = browser.get(address(video, "generation-preview"))

    assert answer.headers["Content-Type"] == "video/mp4"
    assert body(answer) == bucket.get(video.generation.preview_key) != DATA
    assert answer.headers["ETag"] != f'"{video.sha256}"'


def test_video_without_a_preview_has_none_to_give(browser: Client, video: Video) -> None:
    assert browser.get(address(video, "generation-preview")).status_code == 404


@pytest.mark.parametrize(("who", "status"), [("alice", 200), ("victor", 200), ("mallory", 404)])
def test_preview_is_for_the_team(video: Video, request: pytest.FixtureRequest, who: str, status: int) -> None:
    add_preview(video.generation)
    person = request.getfixturevalue(who)

    assert signed_in(person).get(address(video, "generation-preview")).status_code == status


def test_input_pictures_are_told_apart(browser: Client, video: Video) -> None:
    start = make_input_picture(video.generation, Slot.START)
    answer = browser.get(reverse("generation-picture", args=[video.pk, "start"]))

    assert answer.headers["Content-Type"] == "image/jpeg"
    assert body(answer) == bucket.get(start.key)
    assert browser.get(reverse("generation-picture", args=[video.pk, "tail"])).status_code == 404
    assert browser.get(reverse("generation-picture", args=[video.pk, "poster"])).status_code == 404


def test_waiting_picture_is_shown_to_who_gave_it_alone(bob: User, alice: User) -> None:
    data = picture("PNG")
    page = reverse("upload", args=[make_upload(bob, data).pk])

    assert body(signed_in(bob).get(page)) == data
    assert signed_in(alice).get(page).status_code == 404


@pytest.mark.parametrize("name", ["generation-video", "generation-poster", "generation-preview", "generation-download"])
def test_generation_without_a_video_has_none_to_give(film: Team, bob: User, name: str) -> None:
    row = make_generation(bob, film, Status.RENDERING)

    assert signed_in(bob).get(reverse(name, args=[row.pk])).status_code == 404


@pytest.mark.parametrize("method", ["get", "head"])
def test_object_that_is_gone_from_the_bucket_is_not_found(browser: Client, video: Video, method: str) -> None:
    bucket.client().delete_object(Bucket=bucket.name(), Key=video.key)

    assert getattr(browser, method)(address(video)).status_code == 404


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The bodies that were opened at the bucket."""
    bodies: list[Any] = []
    open_range = bucket.open_range

    def spy(key: str, first: int, last: int) -> Any:
        answer = open_range(key, first, last)
        bodies.append(answer["Body"])
        return answer

    monkeypatch.setattr(bucket, "open_range", spy)
    return bodies


def test_connection_to_the_bucket_ends_when_the_browser_goes_away(
    browser: Client, video: Video, opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "_CHUNK", 100)
    answer: Any = browser.get(address(video))
    assert next(answer.streaming_content) == DATA[:100]
    assert not opened[0]._raw_stream.closed

    answer.close()

    assert opened[0]._raw_stream.closed


@pytest.fixture
def redirecting(settings: Settings) -> None:
    settings.MEDIA_DELIVERY = "redirect"


@pytest.mark.usefixtures("redirecting")
class TestRedirect:
    def test_address_of_the_bucket_gives_the_video_without_sign_in(self, browser: Client, video: Video) -> None:
        answer = browser.get(address(video))
        given = httpx.get(answer.headers["Location"])

        assert answer.status_code == 302
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert (given.status_code, given.content) == (200, DATA)
        assert given.headers["Content-Type"] == "video/mp4"
        assert given.headers["Content-Disposition"] == 'inline; filename="video.mp4"'

    def test_address_lives_for_minutes(self, browser: Client, video: Video) -> None:
        query = parse_qs(urlsplit(browser.get(address(video)).headers["Location"]).query)

        assert query["X-Amz-Expires"] == ["300"]

    def test_address_is_good_for_that_object_alone(self, browser: Client, video: Video) -> None:
        location = browser.get(address(video)).headers["Location"]

        assert httpx.get(location.replace("video.mp4?", "poster.webp?")).status_code == 403

    def test_bucket_cuts_ranges_out(self, browser: Client, video: Video) -> None:
        location = browser.get(address(video)).headers["Location"]
        given = httpx.get(location, headers={"Range": "bytes=5-9"})

        assert (given.status_code, given.content) == (206, DATA[5:10])

    def test_download_is_saved_under_the_name_of_the_prompt(self, browser: Client, video: Video) -> None:
        given = httpx.get(browser.get(address(video, "generation-download")).headers["Location"])

        found = re.fullmatch(r'attachment; filename="(.*)"', given.headers["Content-Disposition"])
        assert found
        assert found[1] == f"a-fox-in-the-snow-{str(video.pk)[:8]}.mp4"

    def test_outsider_gets_no_address(self, video: Video, mallory: User) -> None:
        assert signed_in(mallory).get(address(video)).status_code == 404
