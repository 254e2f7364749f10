"""What a shared video says of itself to people, machines and chat programs: its cards, its sizes and the AI label."""

import json
import re
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.conf import settings
from django.utils.http import urlencode

from accounts.models import User
from sharing.models import TeamSharing
from tests.cast import signed_in
from tests.sharing.cast import Shared

LABEL = "AI-generated with Kling"


def cards(shared: Shared) -> dict[str, str]:
    """OpenGraph's and Twitter's, by their names."""
    page = shared.client.get(shared.path("share-video")).content.decode()
    return dict(re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]+)" content="([^"]*)"', page))


def test_cards_have_poster_player_and_size(shared: Shared) -> None:
    found = cards(shared)
    url = {name: settings.SITE_URL + shared.path(f"share-{name}") for name in ("video", "poster", "file", "embed")}

    assert (found["og:type"], found["og:url"], found["og:title"]) == ("video.other", url["video"], "Teaser for Acme 1")
    assert found["og:image"] == found["twitter:image"] == url["poster"]
    assert (found["og:video"], found["og:video:type"]) == (url["file"], "video/mp4")
    assert (found["twitter:card"], found["twitter:player"]) == ("player", url["embed"])
    assert (found["og:video:width"], found["og:video:height"]) == ("320", "180")


@pytest.mark.parametrize("kind", ["password", "view limit"])
def test_cards_and_oembed_are_withheld_from_who_has_not_opened_the_link(shared: Shared, kind: str) -> None:
    if kind == "password":
        shared.link.set_password("a fox in the snow")
        shared.link.save()
    else:
        shared.change(max_views=3)
    oembed = f"/share/oembed?{urlencode({'url': settings.SITE_URL + shared.path('share-video')})}"

    assert cards(shared) == {}
    assert shared.client.get(oembed).status_code == 401
    shared.client.post(shared.path("share-open"), {"password": "a fox in the snow"})
    assert shared.client.get(shared.path("share-video")).status_code == 200
    assert cards(shared) == {}  # the browser knows it now; a chat program never does


@pytest.mark.parametrize("is_on", [True, False])
def test_ai_label_stands_everywhere_or_nowhere(shared: Shared, is_on: bool) -> None:
    if not is_on:  # it is on by default
        TeamSharing.objects.create(team=shared.link.team, labels_ai=False)
    pages = [shared.client.get(shared.path(name)).content.decode() for name in ("share", "share-video", "share-embed")]
    metadata = shared.client.get(shared.path("share-metadata")).json()
    with ZipFile(BytesIO(shared.client.get(shared.path("share-archive")).getvalue())) as archive:
        (manifest,) = (json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json"))

    assert [LABEL in page for page in pages] == [is_on] * 3
    assert LABEL in cards(shared).values() if is_on else LABEL not in cards(shared).values()
    for one in (metadata, *manifest["videos"]):
        assert (one.get("label"), one.get("ai_generated")) == ((LABEL, True) if is_on else (None, None))


@pytest.mark.parametrize(
    ("limits", "size"), [({}, (320, 180)), ({"maxwidth": 160}, (160, 90)), ({"maxheight": 9}, (16, 9))]
)
def test_oembed_gives_a_player_within_the_limits(shared: Shared, limits: dict[str, int], size: tuple[int, int]) -> None:
    url = settings.SITE_URL + shared.path("share-video")
    answer = shared.client.get(
        f"/share/oembed?{urlencode({'url': url} | {name: str(px) for name, px in limits.items()})}"
    ).json()

    assert (answer["type"], answer["width"], answer["height"]) == ("video", *size)
    assert f'<iframe src="{settings.SITE_URL}{shared.path("share-embed")}"' in answer["html"]
    assert answer["thumbnail_url"] == settings.SITE_URL + shared.path("share-poster")


def test_activity_of_a_video_names_who_shared_it_by_which_link(shared: Shared, alice: User) -> None:
    page = signed_in(alice).get(shared.first.get_absolute_url()).content.decode()
    assert "Shared by link “Teaser for Acme”." in page
    assert "Bob" in page
    (event,) = shared.first.events.filter(message__startswith="Shared by link")
    assert event.by == shared.link.made_by
