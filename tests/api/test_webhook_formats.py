"""Messages for chats: in their own formats, with a poster where the team shares, and nothing that pings or links."""

import json
import re
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from accounts.models import Team, User
from api.models import WebhookEndpoint
from api.webhooks import collect
from generations.models import Generation, Status
from sharing.models import TeamSharing
from tests.api.webhook_cast import make_endpoint
from tests.cast import make_generation, make_video

CHATS = ["slack", "discord", "teams"]
NASTY = "<!channel> @everyone <@U1> [click](https://evil.example) & *bold* `code` <script>"


def told(film: Team, row: Generation, format_: str, **columns: Any) -> tuple[WebhookEndpoint, dict[str, Any]]:
    endpoint = make_endpoint(film, "https://example.com/", format=format_, **columns)
    collect.collect()
    body: dict[str, Any] = json.loads(endpoint.deliveries.get(generation=row).body)
    return endpoint, body


def poster_of(format_: str, body: dict[str, Any]) -> Any:
    """Its address, None without one."""
    match format_:
        case "slack":
            return next((block["image_url"] for block in body["blocks"] if block["type"] == "image"), None)
        case "discord":
            return body["embeds"][0].get("image", {}).get("url")
        case _:
            card = body["attachments"][0]["content"]
            return next((one["url"] for one in card["body"] if one["type"] == "Image"), None)


@pytest.fixture
def done(film: Team, alice: User, bob: User) -> Generation:
    row = make_generation(bob, film, Status.DONE, prompt=NASTY)
    make_video(row)
    return row


def test_slack(film: Team, done: Generation) -> None:
    _, body = told(film, done, "slack")
    assert set(body) == {"text", "blocks"}
    head, words, facts, image = body["blocks"]
    assert head["text"]["text"].startswith("*<http://localhost")
    assert f"/generations/{done.pk}/|Video done · Film>*" in head["text"]["text"]
    assert words["text"] == {"type": "plain_text", "text": NASTY, "emoji": False}
    assert [one["text"] for one in facts["fields"]] == ["*By*\nBob", "*Cost*\n$0.35"]
    assert image["alt_text"]
    assert "<!channel>" not in body["text"]


def test_discord(film: Team, done: Generation) -> None:
    _, body = told(film, done, "discord")
    (embed,) = body["embeds"]
    assert body["allowed_mentions"] == {"parse": []}
    assert embed["title"] == "Video done · Film"
    assert embed["url"].endswith(f"/generations/{done.pk}/")
    assert re.search(r"(?<!\\)[@<\[*`]", embed["description"]) is None
    assert {field["name"]: field["value"] for field in embed["fields"]} == {"By": "Bob", "Cost": "$0.35"}


def test_teams(film: Team, done: Generation) -> None:
    _, body = told(film, done, "teams")
    assert body["type"] == "message"
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert [one["type"] for one in card["body"]] == ["TextBlock", "TextBlock", "FactSet", "Image"]
    assert re.search(r"(?<!\\)[\[*`]", card["body"][1]["text"]) is None
    assert card["actions"][0]["url"].endswith(f"/generations/{done.pk}/")


@pytest.mark.parametrize("format_", CHATS)
@pytest.mark.parametrize("status", list(Status))
def test_limits_of_the_chats(film: Team, alice: User, bob: User, format_: str, status: Status) -> None:
    """A name and a prompt as long as they may be; Slack takes 3,000 characters in a section, Discord 6,000 in all."""
    Team.objects.get_queryset().filter(pk=film.pk).update(name="T" * 80)
    message = "M" * 5000 if status == Status.FAILED else ""
    columns = {"message": message, "reason": "x", "responsible_party": "us"} if message else {}
    row = make_generation(bob, film, status, prompt="P" * 2500, **columns)
    endpoint = make_endpoint(film, "https://example.com/", format=format_)
    collect.collect()
    for delivery in endpoint.deliveries.filter(generation=row):
        texts = [len(text) for text in re.findall(r'"((?:[^"\\]|\\.)*)"', delivery.body)]
        assert max(texts) <= 1024
        assert len(delivery.body) < 6000


# --- posters


@pytest.mark.parametrize("format_", CHATS)
def test_poster_opens_without_signing_in(film: Team, done: Generation, format_: str) -> None:
    _, body = told(film, done, format_)
    url = poster_of(format_, body)
    assert url
    answer = Client().get(urlsplit(url).path)
    assert answer.headers["Content-Type"] == "image/jpeg"  # Slack and Teams take no WebP
    with Image.open(BytesIO(answer.content)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (320, 180))


def test_standard_messages_name_pages_only(film: Team, done: Generation) -> None:
    _, body = told(film, done, "standard")
    assert body["data"]["poster_url"].endswith(f"/generations/{done.pk}/poster")
    assert Client().get(urlsplit(body["data"]["poster_url"]).path).status_code == 302  # on to the sign-in


@pytest.mark.parametrize("policy", ["forbidden", "approval"])
@pytest.mark.parametrize("format_", CHATS)
def test_team_that_does_not_share_by_itself(film: Team, done: Generation, format_: str, policy: str) -> None:
    TeamSharing.objects.create(team=film, policy=policy)
    _, body = told(film, done, format_)
    assert poster_of(format_, body) is None


@pytest.mark.parametrize(
    "change",
    [
        "taken down",
        "private",
        "under review",
        "trashed",
        "deleted",
        "sharing ends",
        "off",
        "endpoint deleted",
        "closed",
    ],
)
def test_poster_goes_with_the_right_to_show_it(film: Team, done: Generation, bob: User, change: str) -> None:
    endpoint, body = told(film, done, "slack")
    path, now = urlsplit(poster_of("slack", body) or "").path, timezone.now()
    rows = Generation.objects.filter(pk=done.pk)
    match change:
        case "taken down":
            rows.update(taken_down_at=now)
        case "private":
            rows.update(is_private=True)
        case "under review":
            rows.update(awaits_review=True)
        case "trashed":
            rows.update(trashed_at=now)
        case "deleted":
            done.delete_permanently(bob)
        case "sharing ends":
            TeamSharing.objects.create(team=film, policy="forbidden")
        case "off":
            endpoint.disable("x")
        case "endpoint gone":
            endpoint.delete()
        case _:
            Team.objects.get_queryset().filter(pk=film.pk).update(closed_at=now)
    assert Client().get(path).status_code == 404
    assert Client().get(path.replace(".jpg", "x.jpg")).status_code == 404
