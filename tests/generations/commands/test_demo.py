"""`manage.py demo`: people to sign in as, and the first two videos."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from generations.fal.arguments import Endpoint
from generations.models import Generation
from tests.history import rewriting_history


@pytest.fixture(autouse=True)
def _development(settings: Settings) -> None:
    settings.DEBUG = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def demo() -> None:
    call_command("demo", stdout=StringIO(), stderr=StringIO())


def test_known_passwords_are_refused_in_production(db: None, settings: Settings) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG"):
        demo()

    assert not User.objects.exists()


def test_people_sign_in_and_the_admin_enters_the_admin(db: None) -> None:
    demo()

    for name, admin_status in (("demo", 302), ("admin", 200)):
        client = Client()
        client.post(reverse("account_login"), {"login": f"{name}@example.com", "password": name})
        assert "_auth_user_id" in client.session
        assert client.get("/admin/").status_code == admin_status


def test_sandbox_gets_the_two_examples(db: None) -> None:
    demo()

    rows = {row.endpoint: row for row in Generation.objects.all()}
    assert set(rows) == {Endpoint.TEXT_TO_VIDEO, Endpoint.IMAGE_TO_VIDEO}
    assert {row.user.email for row in rows.values()} == {"demo@example.com"}
    assert rows[Endpoint.TEXT_TO_VIDEO].prompt.startswith("A noble lord walks among his people")
    assert rows[Endpoint.IMAGE_TO_VIDEO].pictures.count() == 1


def test_second_run_changes_nothing(db: None) -> None:
    demo()
    User.objects.filter(email="demo@example.com").update(name="Renamed")
    before = set(Generation.objects.values_list("pk", flat=True))
    demo()

    assert set(Generation.objects.values_list("pk", flat=True)) == before
    assert User.objects.get(email="demo@example.com").name == "Renamed"
    assert User.objects.count() == 2


def test_start_that_was_cut_short_is_made_up_for_without_a_second_order(db: None) -> None:
    demo()
    first = Generation.objects.earliest("created_at")
    with rewriting_history():
        Generation.objects.exclude(pk=first.pk).delete()
    demo()

    assert Generation.objects.count() == 2
    assert first in Generation.objects.all()


def test_real_key_orders_nothing(db: None, settings: Settings) -> None:
    settings.FAL_IS_SANDBOX = False
    demo()

    assert User.objects.count() == 2
    assert not Generation.objects.exists()
