"""A link to a film opens the film alone, for as long as its maker may show all that is in it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Team, User
from generations.models import Film, Generation
from sharing.links import LinkOptions, NotShareableError, share_film
from sharing.models import ShareLink
from tests.cast import signed_in
from tests.generations.films.cast import file_of, film_of, join_due, joined, make_clip
from tests.generations.mirror.film import clips

pytestmark = pytest.mark.django_db

OPTIONS = LinkOptions("Spot", days=7, allows_download=True, allows_comments=True)


def statuses(token: str) -> set[int]:
    """Of its page and of each of its bytes."""
    names = ["share", "share-film-file", "share-film-poster", "share-film-download"]
    return {Client().get(reverse(name, args=[token])).status_code for name in names}


@pytest.fixture(autouse=True)
def _proxied(settings: Any) -> None:
    settings.MEDIA_DELIVERY = "proxy"


def test_film_is_shared_from_its_page(bob: User, film: Team) -> None:
    made, client = joined(bob, film), signed_in(bob)
    address = reverse("film-share", args=[made.pk])
    assert address in client.get(made.get_absolute_url()).content.decode()
    assert client.get(address).status_code == 200
    answer = client.post(address, {"name": "Spot", "days": 7, "allows_download": "on"})
    link = ShareLink.objects.get()
    assert answer["Location"] == reverse("share-link", args=[link.pk])
    assert (link.film, link.shows_film) == (made, True)
    assert made.name in client.get(reverse("share-link", args=[link.pk])).content.decode()


def test_guest_sees_and_downloads_the_film_and_no_part(bob: User, film: Team) -> None:
    made = joined(bob, film)
    _, token = share_film(bob, made, OPTIONS)
    page = Client().get(reverse("share", args=[token])).content.decode()
    assert reverse("share-film-file", args=[token]) in page
    assert "A fox" not in page
    download = Client().get(reverse("share-film-download", args=[token]))
    assert b"".join(download) == file_of(made)
    part = made.parts.all()[0].generation_id
    assert Client().get(reverse("share-file", args=[token, part])).status_code == 404


def test_download_only_where_allowed(bob: User, film: Team) -> None:
    _, token = share_film(bob, joined(bob, film), LinkOptions("Spot", days=7))
    assert statuses(token) == {200, 403}


def test_password_stands_before_each_byte(bob: User, film: Team) -> None:
    _, token = share_film(bob, joined(bob, film), LinkOptions("Spot", days=7, password="snow", allows_download=True))
    assert statuses(token) == {403}


@pytest.mark.parametrize("end", ["taken down", "private", "review", "deleted", "left", "revoked"])
def test_link_ends(bob: User, alice: User, film: Team, end: str) -> None:
    made = joined(bob, film)
    link, token = share_film(bob, made, OPTIONS)
    assert statuses(token) == {200}
    part = made.parts.all()[0].generation
    match end:
        case "taken down":
            part.take_down(alice, "why")
        case "private" | "review":
            column = "is_private" if end == "private" else "awaits_review"
            Generation.objects.filter(pk=part.pk).update(**{column: True})
        case "deleted":
            Film.objects.filter(pk=made.pk).delete_with_objects()
        case "left":
            Membership.objects.filter(user=bob, team=film).delete()
        case "revoked":
            ShareLink.objects.filter(pk=link.pk).revoke(bob)
    assert statuses(token) == {410}


def test_private_parts_are_not_shared(bob: User, film: Team) -> None:
    made = film_of(bob, [make_clip(bob, film, clips.clip(1), is_private=True)])
    join_due()
    with pytest.raises(NotShareableError):
        share_film(bob, made, OPTIONS)
    answer = signed_in(bob).post(reverse("film-share", args=[made.pk]), {"name": "Spot", "days": 7})
    assert answer.status_code == 422
    assert not ShareLink.objects.exists()
