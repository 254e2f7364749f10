"""Pages on which people make, change and revoke keys."""

import re
from datetime import timedelta
from time import time
from typing import Any, Final

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Team, User
from api.models import ApiRequest, Key
from generations.models import Status
from tests.api.conftest import client_with, make_key
from tests.cast import make_generation, signed_in

pytestmark = pytest.mark.django_db

NEW: Final = "/accounts/keys/new/"
VALUES: Final[dict[str, Any]] = {
    "name": "Nightly script",
    "team": "film",
    "scopes": ["read", "generate"],
    "expires": "30",
    "monthly_limit": "12.50",
    "allowed_networks": "127.0.0.1\n10.0.0.0/8",
    "result_days": "14",
}


def just_signed_in(user: User) -> Client:
    """Who they are was shown a moment ago: else making a key asks for that first."""
    user.set_password("a fox in the snow")
    user.save(update_fields=["password"])
    client = signed_in(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "x", "at": time(), "reauthenticated": True}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def test_key_is_shown_once_and_works(bob: User, film: Team) -> None:
    browser = just_signed_in(bob)
    page = browser.post(NEW, VALUES, follow=True)
    token = re.search(r"ks_[a-z0-9]{8}_[0-9A-Za-z]{36}", page.content.decode())
    key = Key.objects.get()
    assert token
    assert token[0].startswith(key.prefix)
    assert (key.user, key.team, key.name, key.scopes) == (bob, film, "Nightly script", ["read", "generate"])
    assert (key.monthly_limit_cents, key.allowed_networks) == (1250, ["127.0.0.1", "10.0.0.0/8"])
    assert key.result_days == 14
    assert key.expires_at is not None
    assert timedelta(days=29) < key.expires_at - timezone.now() <= timedelta(days=30)
    answer = client_with(token[0]).get("/fal/queue/fal-ai/kling-video/requests/x/status")
    assert answer.status_code == 404
    for path in ("/accounts/keys/", f"/accounts/keys/{key.pk}/"):
        text = browser.get(path).content.decode()
        assert key.prefix in text
        assert token[0] not in text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "required"),
        ("name", "\u200b", "can be seen"),
        ("name", "x" * 101, "at most 100"),
        ("team", "nowhere", "no such team"),
        ("team", "other", "no such team"),
        ("scopes", [], "at least one"),
        ("scopes", ["own"], "not one of the available"),
        ("expires", "7", "not one of the available"),
        ("monthly_limit", "-1", "greater than or equal to 0"),
        ("monthly_limit", "much", "number"),
        ("allowed_networks", "127.0.0.1\nhere", "“here” is no address"),
        ("allowed_networks", "10.0.0.0/99", "no address"),
        ("allowed_networks", " ".join(f"10.0.0.{number}" for number in range(21)), "at most 20"),
        ("result_days", "0", "greater than or equal to 1"),
        ("result_days", "366", "less than or equal to 365"),
        ("result_days", "", "required"),
    ],
)
def test_what_is_wrong_stands_by_its_field(field: str, value: Any, words: str, bob: User) -> None:
    Team.objects.create(name="Other", slug="other")
    page = just_signed_in(bob).post(NEW, VALUES | {field: value})
    form = page.context["form"]
    assert page.status_code == 422
    assert list(form.errors) == [field]
    assert words in " ".join(form.errors[field])
    assert field == "name" or 'value="Nightly script"' in page.content.decode()
    assert not Key.objects.exists()


def test_key_is_renamed_and_its_limits_changed(bob: User, film: Team) -> None:
    key, _ = make_key(bob, film, monthly_limit_cents=500, allowed_networks=["127.0.0.1"])
    browser, path = signed_in(bob), f"/accounts/keys/{key.pk}/"
    text = browser.get(path).content.decode()
    assert 'value="5.00"' in text
    assert "127.0.0.1</textarea>" in text
    changed = {"name": "Other", "scopes": ["read"], "monthly_limit": "", "allowed_networks": "", "result_days": "3"}
    assert browser.post(path, changed).status_code == 302
    key.refresh_from_db()
    assert (key.name, key.scopes, key.monthly_limit_cents, key.allowed_networks) == ("Other", ["read"], None, [])
    assert key.result_days == 3


def test_revoked_key_is_refused_and_stays_listed(bob: User, film: Team) -> None:
    key, token = make_key(bob, film)
    browser = signed_in(bob)
    assert browser.post(f"/accounts/keys/{key.pk}/revoke").headers["Location"] == f"/accounts/keys/{key.pk}/"
    assert client_with(token).get("/fal/queue/fal-ai/kling-video/requests/x").status_code == 401
    assert "Revoked" in browser.get("/accounts/keys/").content.decode()
    key.refresh_from_db()
    assert key.revoked_by == bob
    changed = {"name": "Other", "scopes": ["read"], "result_days": "3"}
    assert browser.post(f"/accounts/keys/{key.pk}/", changed).status_code == 422


def test_managers_see_and_revoke_all_of_the_team(alice: User, bob: User, victor: User, film: Team) -> None:
    bobs, victors = make_key(bob, film, name="Bobs")[0], make_key(victor, film, name="Victors")[0]
    own_team = make_key(bob, bob.personal_team, name="Elsewhere")[0]
    browser = signed_in(alice)
    text = browser.get("/teams/film/keys/").content.decode()
    assert "Bobs" in text
    assert "Victors" in text
    assert "Elsewhere" not in text
    path = f"/accounts/keys/{victors.pk}/revoke"
    assert browser.post(path, {"next": "/teams/film/keys/"}).headers["Location"] == "/teams/film/keys/"
    assert browser.post("/teams/film/keys/", {"person": bob.pk}).status_code == 302
    alive = set(Key.objects.alive())
    assert alive == {own_team}
    assert bobs not in alive
    assert browser.post(f"/accounts/keys/{own_team.pk}/revoke").status_code == 404


@pytest.mark.parametrize(("person", "left"), [("", 0), ("x", 2), ("0", 2), ("99999999999999999999", 2)])
def test_revoking_all_takes_all_or_the_person_who_is_named(
    person: str, left: int, alice: User, bob: User, film: Team
) -> None:
    make_key(bob, film), make_key(alice, film)
    signed_in(alice).post("/teams/film/keys/", {"person": person})
    assert Key.objects.alive().count() == left


def test_list_says_what_a_key_has_cost_this_month(bob: User, film: Team) -> None:
    key, _ = make_key(bob, film)
    for _number in range(2):
        ApiRequest.objects.create(generation=make_generation(bob, film, Status.DONE), key=key)
    old = make_generation(bob, film, Status.DONE, created_at=timezone.now() - timedelta(days=40))
    ApiRequest.objects.create(generation=old, key=key)
    assert "$0.70 this month" in signed_in(bob).get("/accounts/keys/").content.decode()


def test_pages_are_for_sessions_alone(bob: User, film: Team) -> None:
    _key, token = make_key(bob, film)
    assert client_with(token).get("/accounts/keys/").status_code == 302
    assert Client().get("/accounts/keys/").status_code == 302
