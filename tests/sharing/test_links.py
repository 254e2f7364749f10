"""Links are made, changed and ended: by whom, of what, and with which limits."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import Team, User
from generations.models import Collection, Generation, Status, StorageDeletion
from sharing.models import PasswordAttempt, ShareLink, SharingPolicy, TeamSharing
from sharing.models.attempts import ATTEMPTS, ATTEMPTS_WITHIN
from sharing.models.share_link import MAX_VIDEOS
from tests.cast import make_generation, picture, signed_in
from tests.sharing.cast import Shared, make_shared_video

FORM = {"name": "Teaser", "days": "7"}


@pytest.fixture
def row(film: Team, bob: User) -> Generation:
    return make_shared_video(bob, film)


def make(browser: Client, rows: list[Generation], **values: Any) -> Any:
    return browser.post("/share-links/new/", FORM | {"ids": [str(row.pk) for row in rows]} | values)


def token_on(browser: Client, answer: Any) -> str:
    """From the page that shows the address once."""
    page = browser.get(answer.headers["Location"]).content.decode()
    return page.partition("/share/")[2].partition("/")[0]


def test_an_address_is_shown_once_and_opens_the_videos(row: Generation, bob: User) -> None:
    browser = signed_in(bob)
    answer = make(browser, [row])
    token = token_on(browser, answer)

    assert Client().get(f"/share/{token}/").status_code == 200
    assert token.encode() not in browser.get(answer.headers["Location"]).content
    assert token not in str(ShareLink.objects.values().get())
    assert len(token) >= 32  # 24 random bytes
    assert any("Shared by link “Teaser”" in event.message for event in row.events.all())


def test_a_selection_without_a_title_shows_the_form_with_its_videos(row: Generation, bob: User) -> None:
    other = make_shared_video(bob, row.team)
    answer = signed_in(bob).post("/share-links/new/", {"ids": [str(row.pk), str(other.pk)], "next": "/"})

    assert answer.status_code == 200
    assert b"Share 2 videos" in answer.content
    assert not ShareLink.objects.exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "\u200b\u200b"}, "Nothing of this title can be seen"),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"days": "0"}, "greater than or equal to 1"),
        ({"days": "91"}, "90 days at most"),
        ({"days": "9" * 40}, "less than or equal to 365"),
        ({"days": "soon"}, "whole number"),
        ({"password": "short"}, "at least 6 characters"),
        ({"password": "x" * 129}, "at most 128 characters"),
        ({"max_views": "0"}, "greater than or equal to 1"),
        ({"max_views": "-1"}, "greater than or equal to 1"),
    ],
)
def test_bad_input_says_why_and_keeps_what_was_typed(
    row: Generation, bob: User, values: dict[str, str], words: str
) -> None:
    answer = make(signed_in(bob), [row], **values)

    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page
    assert all(value[:100] in page for value in (FORM | values).values() if value.isprintable())
    assert not ShareLink.objects.exists()


@pytest.mark.parametrize(
    ("columns", "status"),
    [({"is_private": True}, 422), ({"awaits_review": True}, 422), ({"trashed_at": timezone.now()}, 404)],
)
def test_what_the_team_does_not_see_is_not_shared(
    row: Generation, bob: User, columns: dict[str, Any], status: int
) -> None:
    Generation.objects.filter(pk=row.pk).update(**columns)

    assert make(signed_in(bob), [row]).status_code == status
    assert not ShareLink.objects.exists()


def test_videos_of_two_teams_or_not_finished_are_refused_in_words(row: Generation, bob: User) -> None:
    own = make_shared_video(bob, Team.objects.get(personal_of=bob))
    answer = make(signed_in(bob), [row, own])
    assert "Share videos of one team at a time." in answer.content.decode()
    running = make_generation(bob, row.team, Status.RENDERING)
    assert make(signed_in(bob), [running]).status_code == 404
    many = [f"00000000-0000-0000-0000-{n:012}" for n in range(MAX_VIDEOS + 1)]
    assert signed_in(bob).post("/share-links/new/", {"ids": many}).status_code == 400


@pytest.mark.parametrize(("follows", "count"), [("yes", 2), ("no", 1)])
def test_a_collection_is_followed_or_frozen(row: Generation, bob: User, follows: str, count: int) -> None:
    Collection.objects.assign([row], "Spring")
    collection = Collection.objects.get()
    browser = signed_in(bob)
    answer = browser.post("/share-links/new/", FORM | {"collection": collection.pk, "follows": follows})
    token = token_on(browser, answer)
    later = make_shared_video(bob, row.team)
    Collection.objects.assign([later], "Spring")

    page = Client().get(f"/share/{token}/").content.decode()

    assert sum(f"/{one.pk}/" in page for one in (row, later)) == count
    assert Client().get(f"/share/{token}/{later.pk}/video").status_code == (200 if count == 2 else 404)
    collection.delete()
    assert Client().get(f"/share/{token}/").status_code == (410 if count == 2 else 200)


def test_a_policy_asks_an_admin_or_forbids(
    row: Generation,
    bob: User,
    alice: User,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    TeamSharing.objects.create(team=row.team, policy=SharingPolicy.APPROVAL)
    browser = signed_in(bob)
    with django_capture_on_commit_callbacks(execute=True):
        token = token_on(browser, make(browser, [row]))
    link = ShareLink.objects.get()
    assert Client().get(f"/share/{token}/").status_code == 410
    assert [mail.to for mail in mailoutbox] == [[alice.email]]
    assert browser.post(f"/share-links/{link.pk}/act", {"verb": "approve"}).status_code == 403

    assert signed_in(alice).post(f"/share-links/{link.pk}/act", {"verb": "approve"}).status_code == 302
    assert Client().get(f"/share/{token}/").status_code == 200

    TeamSharing.objects.update(policy=SharingPolicy.FORBIDDEN)
    answer = make(browser, [row])
    assert "does not allow share links" in answer.content.decode()


def test_a_link_is_edited_renewed_and_revoked(shared: Shared, bob: User) -> None:
    browser, path = signed_in(bob), f"/share-links/{shared.link.pk}/"
    before = shared.link.expires_at
    assert browser.post(path, {"name": "Cut 2", "days": "", "max_views": "", "password": ""}).status_code == 302
    link = ShareLink.objects.get()
    assert (link.name, link.expires_at, link.allows_download) == ("Cut 2", before, False)

    browser.post(path, {"name": "Cut 2", "days": "30", "password": "a fox in the snow"})
    link.refresh_from_db()
    assert link.expires_at > before + timedelta(days=20)
    assert shared.client.get(shared.path("share")).status_code == 403
    shared.client.post(shared.path("share-open"), {"password": "a fox in the snow"})
    assert shared.client.get(shared.path("share")).status_code == 200
    browser.post(path, {"name": "Cut 2", "password": "a wolf in the snow"})
    assert shared.client.get(shared.path("share")).status_code == 403, "another password is asked for again"
    browser.post(path, {"name": "Cut 2", "password": "", "removes_password": "on"})
    assert shared.client.get(shared.path("share")).status_code == 200

    token = token_on(browser, browser.post(f"{path}act", {"verb": "renew"}))
    assert shared.client.get(shared.path("share")).status_code == 404
    assert Client().get(f"/share/{token}/").status_code == 200
    browser.post(f"{path}act", {"verb": "revoke"})
    assert Client().get(f"/share/{token}/").status_code == 410
    assert browser.post(f"{path}act", {"verb": "renew"}).status_code == 400


def test_an_admin_ends_all_of_a_person_or_of_the_team(shared: Shared, alice: User) -> None:
    row = make_shared_video(alice, shared.link.team)
    token = token_on(browser := signed_in(alice), make(browser, [row]))

    browser.post("/teams/film/sharing/revoke", {"person": str(shared.link.made_by_id)})
    assert shared.client.get(shared.path("share")).status_code == 410
    assert Client().get(f"/share/{token}/").status_code == 200

    browser.post("/teams/film/sharing/revoke")
    assert Client().get(f"/share/{token}/").status_code == 410


def test_wrong_passwords_are_limited_and_forgiven(shared: Shared) -> None:
    shared.link.set_password("a fox in the snow")
    shared.link.save()
    path = shared.path("share-open")
    for _ in range(ATTEMPTS):
        assert b"That is not the password." in shared.client.post(path, {"password": "a wolf"}).content

    answer = shared.client.post(path, {"password": "a fox in the snow"})
    assert b"Too many wrong passwords" in answer.content
    PasswordAttempt.objects.update(at=timezone.now() - ATTEMPTS_WITHIN)
    assert shared.client.post(path, {"password": "a fox in the snow"}).status_code == 302
    assert not PasswordAttempt.objects.exists()


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"policy": "forbidden", "max_days": "30"}, 302),
        ({"policy": "nonsense", "max_days": "30"}, 422),
        ({"policy": "allowed", "max_days": "0"}, 422),
        ({"policy": "allowed", "max_days": "366"}, 422),
        ({}, 422),
    ],
)
def test_settings_of_a_team(film: Team, alice: User, values: dict[str, str], status: int) -> None:
    assert signed_in(alice).post("/teams/film/sharing", values).status_code == status
    assert TeamSharing.objects.filter(team=film).exists() == (status == 302)


def test_views_are_counted_by_browser(shared: Shared) -> None:
    for _ in range(3):
        shared.client.get(shared.path("share"))
        shared.client.head(shared.path("share"))
    Client().get(shared.path("share"))

    assert ShareLink.objects.get().views == 2


def test_a_logo_is_set_shown_to_guests_and_removed(shared: Shared, alice: User) -> None:
    browser, path = signed_in(alice), "/teams/film/sharing"
    bad = browser.post(path, {"logo": "save", "picture": SimpleUploadedFile("x.png", b"no picture")})
    assert bad.status_code == 422
    assert not TeamSharing.objects.exists()

    assert (
        browser.post(path, {"logo": "save", "picture": SimpleUploadedFile("x.png", picture("PNG"))}).status_code == 302
    )
    key = TeamSharing.objects.get().logo_key
    assert shared.path("share-logo") in shared.client.get(shared.path("share")).content.decode()
    with Image.open(BytesIO(shared.client.get(shared.path("share-logo")).getvalue())) as logo:
        assert logo.size[0] == logo.size[1]

    browser.post(path, {"remove": "yes"})
    assert TeamSharing.objects.get().logo_key == ""
    assert StorageDeletion.objects.filter(key=key).exists()
