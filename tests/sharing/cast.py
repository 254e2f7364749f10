"""What is shared in these tests: two videos of bob's in the team Film, by one link of his."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from generations import bucket
from generations.models import Generation, Status
from sharing import review
from sharing.access import Visit
from sharing.links import LinkOptions, share_videos
from sharing.models import Comment, Guest, ShareLink, TeamSharing
from sharing.review import Reviewer
from tests.cast import make_generation, make_video, picture

OPTIONS = LinkOptions(name="Teaser for Acme", days=7, allows_download=True, allows_comments=True)


@dataclass
class Shared:
    """A link, its token, its videos, and a browser without any cookie."""

    link: ShareLink
    token: str
    first: Generation
    second: Generation
    comments: dict[UUID, Comment]  # by the video, of the guest whose browser it is
    client: Client = field(default_factory=Client)

    def path(self, name: str, **arguments: Any) -> str:
        """Of an address of the link; of the first video where it is one of a video's."""
        known = {"token": self.token, "pk": self.first.pk} | arguments
        known["comment"] = arguments.get("comment") or self.comments[arguments.get("pk", self.first.pk)].pk
        of_link = name in {"share", "share-open", "share-logo", "share-archive"} or name.startswith("share-film-")
        wanted: tuple[str, ...] = ("token",) if of_link else ("token", "pk")
        wanted += ("comment",) if name == "share-comment" else ()
        return reverse(name, kwargs={key: known[key] for key in wanted})

    def change(self, **columns: Any) -> None:
        ShareLink.objects.filter(pk=self.link.pk).update(**columns)


def make_shared_video(bob: User, film: Team, **columns: Any) -> Generation:
    row = make_generation(bob, film, Status.DONE, **columns)
    video = make_video(row)
    video.preview_key = row.preview_key
    video.save(update_fields=["preview_key"])
    bucket.put(video.preview_key, b"preview", "video/mp4")
    return row


@pytest.fixture
def shared(film: Team, bob: User) -> Shared:
    first, second = (make_shared_video(bob, film, prompt=f"The secret prompt {number}") for number in (1, 2))
    link, token = share_videos(bob, [first, second], OPTIONS)
    guest = Guest.objects.create(link=link, name="Gwen")
    by = Reviewer(guest=guest, link=link)
    said = {"text": "A guest says this"}
    comments = {row.pk: review.add_comment(row, by, said, None) for row in (first, second)}
    found = Shared(link, token, first, second, comments)
    known_as(found, guest, found.client)
    return found


def known_as(shared: Shared, guest: Guest, client: Client) -> Client:
    """The browser has given this name on the link's page."""
    answer = HttpResponse()
    Visit(str(guest.link_id), guest=str(guest.pk)).keep(answer, shared.token, is_secure=False)
    client.cookies.update(answer.cookies)
    return client


def make_logo(team: Team) -> None:
    key = f"logos/{team.pk}/{'0' * 64}.webp"
    bucket.put(key, picture("WEBP"), "image/webp")
    TeamSharing.objects.update_or_create(team=team, defaults={"logo_key": key})


HOUR = timedelta(hours=1)
