"""Each public address of a share link in each state that a link can be in: the page and every byte die together."""

import html
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.flows.delete_team import delete_team
from generations.flows.remove_member import remove_member
from generations.models import Generation
from generations.moderation import quarantine
from sharing.access import COOKIE
from sharing.models import ShareLink, SharingPolicy, TeamSharing
from sharing.views import media
from tests.security.addresses import addresses
from tests.sharing.cast import Shared, make_logo

POSTS: Final = {"share-open"}
# of each address: when it works, when it has ended, when it has to be opened first
ANSWERS: Final = {
    "share": (200, 410, 403),
    "share-open": (302, 410, 422),
    "share-logo": (200, 410, 403),
    "share-archive": (200, 410, 403),
    "share-video": (200, 410, 403),
    "share-embed": (200, 410, 403),
    "share-file": (200, 410, 403),
    "share-output": (200, 410, 403),
    "share-poster": (200, 410, 403),
    "share-preview": (200, 410, 403),
    "share-download": (200, 410, 403),
    "share-metadata": (200, 410, 403),
    "share-report": (200, 410, 403),
    "share-comments": (200, 410, 403),
    "share-comment": (200, 410, 403),
    "share-verdict": (200, 410, 403),
    "share-oembed": (200, 404, 401),
}
OF_A_FILM: Final = {"share-film-file", "share-film-poster", "share-film-download"}  # their states are in test_films.py
OF_A_VIDEO: Final = {name for name in ANSWERS if name not in {"share", "share-open", "share-logo", "share-archive"}}
WORKS, ENDED, CLOSED = range(3)

Change = Callable[[Shared], object]


def _rows(**columns: object) -> Change:
    """Both videos, for a link without any left has ended."""
    return lambda shared: Generation.objects.filter(pk__in=[shared.first.pk, shared.second.pk]).update(**columns)


def _sharer(**columns: object) -> Change:
    return lambda shared: User.objects.filter(pk=shared.link.made_by_id).update(**columns)


def _policy(policy: SharingPolicy) -> Change:
    return lambda shared: TeamSharing.objects.filter(team=shared.link.team).update(policy=policy)


def _role(role: Role) -> Change:
    return lambda shared: Membership.objects.filter(team=shared.link.team, user=shared.link.made_by).update(role=role)


def _password(shared: Shared) -> None:
    shared.link.set_password("a fox in the snow")
    shared.link.save()


def _alice() -> User:
    return User.objects.get(name="Alice")


NOW: Final = timezone.now()
STATES: Final[dict[str, tuple[Change, int]]] = {
    "valid": (lambda shared: None, WORKS),
    "expired": (lambda shared: shared.change(expires_at=NOW), ENDED),
    "revoked": (lambda shared: ShareLink.objects.revoke(_alice()), ENDED),
    "awaiting approval": (lambda shared: shared.change(approved_at=None), ENDED),
    "password missing": (_password, CLOSED),
    "views used up": (lambda shared: shared.change(max_views=1, views=1), ENDED),
    "taken down": (_rows(taken_down_at=NOW), ENDED),
    "in the trash": (_rows(trashed_at=NOW), ENDED),
    "deleted": (_rows(deleted_at=NOW), ENDED),
    "private again": (_rows(is_private=True), ENDED),
    "awaiting review": (_rows(awaits_review=True), ENDED),
    "sharer removed": (lambda shared: remove_member(shared.link.team, shared.link.made_by, _alice()), ENDED),
    "sharer suspended": (_sharer(suspended_until=NOW + timedelta(days=3)), ENDED),
    "sharer deactivated": (_sharer(is_active=False), ENDED),
    "sharer a viewer": (_role(Role.VIEWER), ENDED),
    "sharer an admin": (_role(Role.ADMIN), WORKS),
    "second factor missing": (
        lambda shared: Team.objects.filter(pk=shared.link.team_id).update(needs_second_factor=True),
        ENDED,
    ),
    "team closed": (lambda shared: delete_team(shared.link.team, _alice(), _alice()), ENDED),
    "forbidden by the team": (_policy(SharingPolicy.FORBIDDEN), ENDED),
    "approval asked of later ones": (_policy(SharingPolicy.APPROVAL), WORKS),
}


def ask(shared: Shared, name: str, **arguments: object) -> int:
    if name == "share-oembed":
        page = shared.path("share-video", **arguments)
        return shared.client.get(f"/share/oembed?url={quote(settings.SITE_URL + page)}").status_code
    path = shared.path(name, **arguments)
    return (shared.client.post(path) if name in POSTS else shared.client.get(path)).status_code


def test_every_public_address_has_a_row() -> None:
    public = {one.name for one in addresses() if one.route.startswith("share/")}
    assert public == ANSWERS.keys() | OF_A_FILM


@pytest.mark.parametrize("delivery", ["proxy", "redirect"])
@pytest.mark.parametrize("state", STATES)
def test_address_answers_by_the_state_of_the_link(
    shared: Shared, alice: User, settings: Settings, state: str, delivery: str
) -> None:
    settings.MEDIA_DELIVERY = delivery
    make_logo(shared.link.team)
    change, column = STATES[state]

    change(shared)

    found = {name: ask(shared, name) for name in ANSWERS}
    expected = {name: answers[column] for name, answers in ANSWERS.items()}
    if delivery == "redirect" and column == WORKS:  # to an address of the bucket
        expected |= dict.fromkeys(("share-file", "share-poster", "share-preview", "share-download", "share-logo"), 302)
    assert found == expected


@pytest.mark.parametrize("name", sorted(ANSWERS.keys() | OF_A_FILM))
@pytest.mark.parametrize("token", ["x", "0" * 32, "%2e%2e", "\N{SNOWMAN}", "' or 1=1 --"])
def test_a_wrong_token_leads_nowhere(shared: Shared, name: str, token: str) -> None:
    assert ask(shared, name, token=token) == 404


def test_a_guest_with_a_wrong_address_is_not_sent_to_a_gallery(shared: Shared) -> None:
    for path in ("/share/wrong/", f"/share/{shared.token}/{uuid.uuid4()}/"):
        answer = shared.client.get(path)
        assert b"Check the address" in answer.content
        assert b'href="/"' not in answer.content
        assert answer.headers["X-Robots-Tag"].startswith("noindex")


@pytest.mark.parametrize("name", sorted(OF_A_VIDEO))
def test_a_video_of_others_is_not_reached_by_a_link(shared: Shared, film: Team, alice: User, name: str) -> None:
    other = Generation.objects.get(pk=shared.second.pk)
    shared.link.videos.filter(generation=other).delete()

    assert ask(shared, name, pk=other.pk) == 404


@pytest.mark.parametrize("name", sorted(OF_A_VIDEO))
def test_one_video_goes_without_the_others(shared: Shared, name: str) -> None:
    Generation.objects.filter(pk=shared.first.pk).update(is_private=True)

    assert ask(shared, name, pk=shared.first.pk) == (404 if name == "share-oembed" else 410)
    assert ask(shared, name, pk=shared.second.pk) == 200
    assert ask(shared, "share") == 200


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", ["share-comments", "share-comment", "share-verdict"])
def test_comments_are_taken_only_where_the_link_allows_them(shared: Shared, name: str, method: str) -> None:
    shared.change(allows_comments=False)

    answer = getattr(shared.client, method)(shared.path(name), {"text": "Hello", "kind": "approved", "verb": "delete"})

    assert (answer.status_code, answer.content) == (403, b"This link does not allow comments.\n")
    page = shared.client.get(shared.path("share-video")).content.decode()
    assert not any(words in page for words in ("Comment", "Verdict", "Approve", "A guest says this", "review.js"))


@pytest.mark.parametrize(("name", "status"), [("share-download", 403), ("share-archive", 403), ("share-file", 200)])
def test_downloads_are_given_only_where_the_link_allows_them(shared: Shared, name: str, status: int) -> None:
    shared.change(allows_download=False)

    assert ask(shared, name) == status


def test_a_limited_link_counts_a_press_and_not_a_look(shared: Shared) -> None:
    shared.change(max_views=1)
    assert {ask(shared, name) for name in ANSWERS if name not in {"share-open", "share-oembed"}} == {403}
    assert b"It can be opened once more" in shared.client.get(shared.path("share")).content

    assert ask(shared, "share-open") == 302

    assert {ask(shared, name) for name in ANSWERS if name not in {"share-open", "share-logo"}} == {200}
    assert Client().get(shared.path("share")).status_code == 410


@pytest.mark.parametrize("name", ["share-file", "share-poster", "share-preview", "share-download"])
@pytest.mark.parametrize("end", ["taken down", "revoked"])
def test_a_presigned_address_dies_within_a_minute(
    shared: Shared, alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, end: str
) -> None:
    """At once where its object is moved away, else by its own expiry."""
    settings.MEDIA_DELIVERY = "redirect"
    handed_out = shared.client.get(shared.path(name)).headers["Location"]
    assert 0 < int(parse_qs(urlsplit(handed_out).query)["X-Amz-Expires"][0]) <= 60
    assert httpx.get(handed_out).status_code == 200
    if end == "revoked":
        monkeypatch.setattr(media, "ADDRESS_SECONDS", 1)
        handed_out = shared.client.get(shared.path(name)).headers["Location"]

    STATES[end][0](shared)

    if end == "taken down":
        quarantine.move_pending()
    else:
        time.sleep(2.1)
    assert httpx.get(handed_out).status_code in {403, 404}


def test_pages_say_nothing_of_prompts_makers_and_prices(shared: Shared) -> None:
    found = b"".join(
        shared.client.get(shared.path(name)).getvalue()
        if name == "share-archive"
        else shared.client.get(shared.path(name)).content
        for name in ("share", "share-video", "share-embed", "share-metadata", "share-archive")
    )
    assert b"secret prompt" not in found
    assert b"Bob" not in found
    assert b"bob@" not in found


def test_closed_and_ended_pages_say_nothing_of_what_was_behind(shared: Shared) -> None:
    for change in (_password, lambda one: one.change(expires_at=NOW)):
        change(shared)
        page = shared.client.get(shared.path("share"), headers={"accept": "text/html"}).content.decode()
        assert not any(words in page for words in ("Teaser", "Film", str(shared.first.pk), "og:"))


def test_no_cookie_but_the_links_own(shared: Shared) -> None:
    for name in ("share", "share-video", "share-file"):
        answer = shared.client.get(shared.path(name))
        assert answer.headers["X-Robots-Tag"].startswith("noindex")
    (cookie,) = shared.client.cookies.values()
    assert (cookie.key, cookie["path"], cookie["httponly"], cookie["samesite"]) == (
        COOKIE,
        f"/share/{shared.token}/",
        True,
        "Lax",
    )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 302),
        ({"origin": "http://testserver"}, 302),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 302),
    ],
)
def test_other_sites_open_nothing(shared: Shared, headers: dict[str, str], status: int) -> None:
    assert shared.client.post(shared.path("share-open"), headers=headers).status_code == status


@pytest.mark.parametrize("which", ["first", "second"])
def test_each_video_of_several_is_shown_to_other_sites_by_its_own_address(shared: Shared, which: str) -> None:
    """What a page names as its own is what oEmbed gives for it."""
    row = getattr(shared, which)
    page = shared.client.get(shared.path("share-video", pk=row.pk)).content.decode()
    address = html.unescape(page.partition('type="application/json+oembed" href="')[2].partition('"')[0])

    answer = shared.client.get(address.removeprefix(settings.SITE_URL)).json()

    assert str(row.pk) in answer["html"]
    own = settings.SITE_URL + shared.path("share-video", pk=row.pk)
    assert f'property="og:url" content="{own}"' in page


@pytest.mark.parametrize("name", ["share", "share-video"])
def test_the_password_leads_on_to_the_page_that_was_asked_for(shared: Shared, name: str) -> None:
    _password(shared)
    form = shared.client.get(shared.path(name)).content.decode()
    asked = form.partition('name="next" value="')[2].partition('"')[0]
    wrong = shared.client.post(shared.path("share-open"), {"next": asked, "password": "a wolf"}).content.decode()
    assert f'name="next" value="{asked}"' in wrong

    answer = shared.client.post(shared.path("share-open"), {"next": asked, "password": "a fox in the snow"})

    assert answer.headers["Location"] == shared.path(name)
