"""Who tries too often waits: at signing in, signing up, resetting a password, and ordering videos."""

import uuid

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from generations.models import Generation
from tests.cast import signed_in

pytestmark = pytest.mark.django_db


def test_processes_share_the_cache() -> None:
    """What one process counts another one must see: it is not in memory."""
    assert str(django_settings.CACHES["default"]["BACKEND"]).endswith("DatabaseCache")
    cache.set("x", 1)
    for number in range(1000):  # whoever floods it does not make it forget
        cache.set(f"flood-{number}", 1)
    assert cache.get("x") == 1


def test_signing_in_with_a_wrong_password(bob: User) -> None:
    bob.set_password("a fox in the snow")
    bob.save()
    EmailAddress.objects.create(user=bob, email=bob.email, primary=True, verified=True)
    client = Client()
    wrong = {"login": bob.email, "password": "wrong"}
    answers = [client.post("/accounts/login/", wrong) for _ in range(6)]

    assert "too many" in answers[-1].content.decode().lower()
    right = client.post("/accounts/login/", {"login": bob.email, "password": "a fox in the snow"})
    assert right.status_code == 200, "the right password, guessed at last, must not help"
    assert bob.email in right.content.decode()


def test_resetting_passwords(bob: User) -> None:
    client = Client()
    answers = [client.post("/accounts/password/reset/", {"email": bob.email}) for _ in range(8)]

    assert answers[0].status_code == 302
    assert answers[-1].status_code == 429
    assert "Wait five minutes" in answers[-1].content.decode()


def test_signing_up() -> None:
    client = Client()
    new = {"password1": "x", "password2": "y"}
    answers = [client.post("/accounts/signup/", {"email": f"{n}@example.com", **new}) for n in range(22)]

    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429


def order(client: Client, user: User, count: int = 1) -> tuple[int, str]:
    data = {
        "form_key": str(uuid.uuid4()),
        "kind": "text",
        "team": user.personal_team.slug,
        "prompt": "A fox that was typed with care",
        "duration": "5",
        "aspect_ratio": "16:9",
        "cfg_scale": "0.5",
        "variations": str(count),
    }
    answer = client.post("/generations/new/", data)
    return answer.status_code, answer.content.decode()


def test_ordering_counts_presses_and_loses_nothing_typed(bob: User, alice: User, settings: Settings) -> None:
    settings.SUBMITS_PER_MINUTE = 2
    client = signed_in(bob)
    assert order(client, bob, 4)[0] == 302  # four videos are one press
    assert order(client, bob)[0] == 302
    status, page = order(client, bob)

    assert status == 422
    assert "2 requests within a minute" in page
    assert "A fox that was typed with care" in page
    assert Generation.objects.count() == 5
    assert order(signed_in(alice), alice)[0] == 302
