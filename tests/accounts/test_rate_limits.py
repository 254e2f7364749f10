"""Trying too often means waiting: at signing in, signing up, resetting a password, and ordering videos."""

import uuid

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from generations.models import Generation
from tests.cast import picture, signed_in

pytestmark = pytest.mark.django_db


def test_processes_share_the_cache() -> None:
    """What one process counts another one must see: it is not in memory."""
    assert str(django_settings.CACHES["default"]["BACKEND"]).endswith("DatabaseCache")
    cache.set("x", 1)
    for number in range(1000):  # flooding does not make it forget
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
        "idempotency_key": str(uuid.uuid4()),
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


@pytest.fixture
def two_pictures_a_minute(settings: Settings) -> None:
    settings.UPLOADS_PER_MINUTE = 2
    settings.ACCOUNT_RATE_LIMITS = {"upload_picture": "2/m/user,20/h/user"}


def file(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("fox.jpg", data)


@pytest.mark.parametrize("data", [picture(), b"", b"no picture"], ids=["good", "empty", "none"])
def test_pictures_are_counted_also_those_that_are_no_good(
    two_pictures_a_minute: None, bob: User, alice: User, data: bytes
) -> None:
    client = signed_in(bob)
    answers = [client.post("/uploads/", {"picture": file(data)}) for _ in range(3)]

    assert [answer.status_code for answer in answers[:2]] != [429, 429]
    assert (answers[2].status_code, answers[2]["Retry-After"]) == (429, "60")
    assert "2 pictures a minute" in answers[2].json()["errors"][0]
    assert signed_in(alice).post("/uploads/", {"picture": file(picture())}).status_code == 201


def test_every_way_in_counts_and_the_form_says_so_by_its_field(two_pictures_a_minute: None, bob: User) -> None:
    client = signed_in(bob)
    client.post("/uploads/", {"picture": file(picture())})
    assert client.post("/accounts/picture/", {"picture": file(picture())}).status_code == 302
    typed = {
        "kind": "image",
        "team": bob.personal_team.slug,
        "prompt": "Typed with care",
        "start_file": file(picture()),
    }
    form = client.post("/generations/new/", typed)
    own = client.post("/accounts/picture/", {"picture": file(picture())})

    assert form.status_code == own.status_code == 422
    assert "2 pictures a minute" in form.context["form"].errors["start_file"][0]
    assert "2 pictures a minute" in own.context["form"].errors["picture"][0]
    assert "Typed with care" in form.content.decode()
