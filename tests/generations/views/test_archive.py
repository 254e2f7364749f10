"""The ZIP of many: what zipfile reads from it, in parts when it is large, and who may have it."""

import hashlib
import json
from io import BytesIO
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import pytest
from django.urls import reverse

from accounts.models import Team, User
from generations.models import Generation, Status, Video
from tests.cast import make_generation, make_video, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def videos(film: Team, bob: User) -> list[Generation]:
    rows = [make_generation(bob, film, Status.DONE, prompt=prompt) for prompt in ("A fox", "A badger 🦡", "../..")]
    for row in rows:
        make_video(row)
    return rows


def ask(user: User, rows: list[Generation], part: str = "") -> Any:
    address = reverse("generations-archive") + (f"?part={part}" if part else "")
    return signed_in(user).post(address, {"ids": [str(row.pk) for row in rows]})


def read(answer: Any) -> tuple[ZipFile, dict[str, Any]]:
    data = b"".join(answer.streaming_content)
    assert len(data) == int(answer["Content-Length"])
    archive = ZipFile(BytesIO(data))
    assert archive.testzip() is None
    return archive, json.loads(archive.read("manifest.json"))


def test_all_are_there_as_the_manifest_says(videos: list[Generation], film: Team, bob: User) -> None:
    without = make_generation(bob, film, Status.FAILED)
    answer = ask(bob, [*videos, without])
    archive, manifest = read(answer)

    assert answer["Content-Type"] == "application/zip"
    assert 'filename="videos.zip"' in answer["Content-Disposition"]
    assert {info.compress_type for info in archive.infolist()} == {ZIP_STORED}
    assert [entry["prompt"] for entry in manifest["videos"]] == [row.prompt for row in videos]
    assert set(archive.namelist()) == {"manifest.json", *(entry["file"] for entry in manifest["videos"])}
    for entry, row in zip(manifest["videos"], videos, strict=True):
        assert hashlib.sha256(archive.read(entry["file"])).hexdigest() == entry["sha256"] == row.video.sha256
        assert "/" not in entry["file"]
        assert (entry["cost_usd"], entry["parameters"]["duration"]) == ("0.35", 5)


def test_names_end_by_what_the_files_are(videos: list[Generation], bob: User) -> None:
    types = ["video/mp4", "video/webm", "video/quicktime"]
    for row, media_type in zip(videos, types, strict=True):
        Video.objects.filter(pk=row.pk).update(content_type=media_type)
    archive, manifest = read(ask(bob, videos))

    files = [entry["file"] for entry in manifest["videos"]]
    assert [name.rpartition(".")[2] for name in files] == ["mp4", "webm", "mov"]
    assert set(archive.namelist()) == {"manifest.json", *files}


def test_large_one_comes_in_parts_each_by_itself(
    videos: list[Generation], bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generations.views.archive.PART_BYTES", 2 * videos[0].video.size)
    page = ask(bob, videos).content.decode()
    assert "Part 1 of 2" in page
    assert all(str(row.pk) in page for row in videos)

    for _ in range(2):  # again, too
        first, second = (read(ask(bob, videos, part))[1] for part in ("1", "2"))
        assert [entry["id"] for entry in first["videos"]] == [str(row.pk) for row in videos[:2]]
        assert [entry["id"] for entry in second["videos"]] == [str(videos[2].pk)]
        assert (second["part"], second["parts"]) == (2, 2)
    assert [ask(bob, videos, part).status_code for part in ("0", "3", "x")] == [404, 404, 400]


def test_only_what_the_person_may_see_is_in_it(
    videos: list[Generation], victor: User, mallory: User, bob: User
) -> None:
    assert ask(mallory, videos).status_code == 404
    own = make_generation(mallory, mallory.personal_team, Status.DONE)
    make_video(own)
    assert [entry["id"] for entry in read(ask(mallory, [*videos, own]))[1]["videos"]] == [str(own.pk)]

    videos[0].move_to_trash(bob)
    assert len(read(ask(victor, videos))[1]["videos"]) == 2


def test_no_object_is_asked_for_before_its_turn(
    videos: list[Generation], bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def noted(key: str) -> Any:
        opened.append(key)
        yield from (b"0" * videos[0].video.size,)

    monkeypatch.setattr("generations.views.archive._read", noted)
    chunks = ask(bob, videos).streaming_content
    assert opened == []
    while len(opened) < 2:
        next(chunks)
    assert opened == [row.video.key for row in videos[:2]]
