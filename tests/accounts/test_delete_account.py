"""Deleting one's account: what it does is said beforehand, and then done."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.models import Generation, Status, StorageDeletion, Upload
from tests.cast import make_generation, make_upload, make_video, signed_in

PAGE = "/accounts/delete/"
PASSWORD = "a fox in the snow"


@pytest.fixture
def bob(bob: User) -> User:
    bob.set_password(PASSWORD)
    bob.save(update_fields=["password"])
    EmailAddress.objects.create(user=bob, email=bob.email, verified=True, primary=True)
    return bob


def sure_of(user: User) -> Client:
    """A browser in which the person has just shown who they are."""
    browser = signed_in(user)
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return browser


def delete(browser: Client) -> Any:
    return browser.post(PAGE)


def made(user: User, team: Team) -> Generation:
    generation = make_generation(user, team, Status.DONE)
    make_video(generation)
    return generation


def test_what_happens_is_said_beforehand(bob: User, alice: User, film: Team) -> None:
    for team in (bob.personal_team, bob.personal_team, film):
        make_generation(bob, team, Status.DONE)
    make_generation(alice, film, Status.DONE)
    make_generation(bob, film, Status.FAILED)
    text = sure_of(bob).get(PAGE).content.decode()

    assert "<strong>2 videos</strong> that only you can see are deleted" in text
    assert "<strong>1 video</strong> in shared teams stays" in text


def test_own_videos_go_and_those_of_teams_stay_under_another_name(bob: User, alice: User, film: Team) -> None:
    own, shared = made(bob, bob.personal_team), made(bob, film)
    answer = delete(sure_of(bob))

    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("gallery"))
    own.refresh_from_db()
    assert own.deleted_at is not None
    assert own.video_key in set(StorageDeletion.objects.values_list("key", flat=True))
    assert shared.video_key not in set(StorageDeletion.objects.values_list("key", flat=True))
    page = signed_in(alice).get(shared.get_absolute_url())
    assert "Made by Former member" in page.content.decode()


def test_nothing_personal_is_left(bob: User, film: Team) -> None:
    upload = make_upload(bob)
    User.objects.filter(pk=bob.pk).update(avatar_key="avatars/1/fox.webp", is_staff=True)
    delete(sure_of(bob))

    left = User.objects.get(pk=bob.pk)
    assert (left.email, left.name) == (f"former-{bob.pk}@invalid", "Former member")
    assert (left.is_active, left.is_staff, left.has_usable_password(), left.avatar_key) == (False, False, False, "")
    assert not EmailAddress.objects.filter(user=bob).exists()
    assert not Membership.objects.filter(user=bob).exists()
    assert not Upload.objects.exists()
    assert {upload.key, "avatars/1/fox.webp"} <= set(StorageDeletion.objects.values_list("key", flat=True))
    assert left.personal_team.name == "Former member"


def test_every_browser_is_signed_out_and_nobody_can_sign_in(bob: User) -> None:
    here, elsewhere = sure_of(bob), signed_in(bob)
    delete(here)

    for browser in (here, elsewhere):
        assert browser.get(PAGE).headers["Location"].startswith(reverse("account_login"))
    for email in ("bob@example.com", f"former-{bob.pk}@invalid"):
        browser = Client()
        browser.post(reverse("account_login"), {"login": email, "password": PASSWORD})
        assert "_auth_user_id" not in browser.session


def test_address_is_free_for_a_new_account(bob: User) -> None:
    delete(sure_of(bob))

    assert User.objects.create_user("bob@example.com", name="Bob").personal_team.name == "Bob"


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD])
def test_password_is_asked_for_first(bob: User, password: str) -> None:
    browser = signed_in(bob)
    for answer in (browser.get(PAGE), delete(browser)):
        assert answer.headers["Location"] == f"{reverse('account_reauthenticate')}?next=%2Faccounts%2Fdelete%2F"
    browser.post(answer.headers["Location"], {"password": password})

    bob.refresh_from_db()
    assert bob.is_active == (password != PASSWORD)  # what was pressed before goes on


def test_passwords_are_not_tried_for_ever(bob: User) -> None:
    browser = signed_in(bob)
    for _ in range(10):
        browser.post(reverse("account_reauthenticate"), {"password": "wrong"})

    assert browser.post(reverse("account_reauthenticate"), {"password": PASSWORD}).status_code == 429
    delete(browser)
    bob.refresh_from_db()
    assert bob.is_active


def test_running_work_of_ones_own_stands_in_the_way(bob: User) -> None:
    running = make_generation(bob, bob.personal_team, Status.RENDERING)
    browser = sure_of(bob)
    answer = delete(browser)

    assert answer.status_code == 409
    assert reverse("generation-cancel", args=[running.pk]) in answer.content.decode()
    bob.refresh_from_db()
    assert bob.is_active
    canceled = browser.post(reverse("generation-cancel", args=[running.pk]), {"next": PAGE})
    assert canceled.headers["Location"] == PAGE


@pytest.mark.usefixtures("alice")
def test_running_work_in_a_team_does_not(bob: User, film: Team) -> None:
    make_generation(bob, film, Status.RENDERING)

    assert delete(sure_of(bob)).status_code == 302


def test_last_owner_of_a_team_with_others_stays(bob: User, alice: User, film: Team) -> None:
    Membership.objects.filter(team=film, user=bob).update(role=Role.OWNER)
    Membership.objects.filter(team=film, user=alice).update(role=Role.MEMBER)
    answer = delete(sure_of(bob))

    assert answer.status_code == 409
    assert ">Film</a>" in answer.content.decode()
    Membership.objects.filter(team=film, user=alice).update(role=Role.OWNER)
    assert delete(sure_of(bob)).status_code == 302


def test_team_of_nobody_else_is_emptied_like_the_personal_one(bob: User) -> None:
    alone = Team.objects.create(name="Alone", slug="alone")
    Membership.objects.create(team=alone, user=bob, role=Role.OWNER)
    video = made(bob, alone)
    delete(sure_of(bob))

    video.refresh_from_db()
    assert video.deleted_at is not None


def test_team_that_one_does_not_own_is_left_as_it_is(bob: User, film: Team) -> None:
    video = made(bob, film)
    delete(sure_of(bob))

    video.refresh_from_db()
    assert video.deleted_at is None


@pytest.mark.django_db
def test_strangers_sign_in_first() -> None:
    for answer in (Client().get(PAGE), Client().post(PAGE)):
        assert answer.headers["Location"].startswith(reverse("account_login"))


def test_settings_lead_there(bob: User) -> None:
    assert f'href="{PAGE}"' in signed_in(bob).get(reverse("account-settings")).content.decode()
