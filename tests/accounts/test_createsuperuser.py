import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User


@pytest.fixture
def _password_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a-long-passphrase")


@pytest.mark.usefixtures("db", "_password_in_the_environment")
def test_superuser_is_known_by_address_and_enters_the_admin() -> None:
    call_command("createsuperuser", email="Root@Example.com", interactive=False, verbosity=0)

    root = User.objects.get(email="root@example.com")
    assert root.is_superuser
    assert root.is_staff
    assert root.personal_team.slug == "root"
    client = Client()
    answer = client.post(
        "/accounts/login/?next=/admin/", {"login": "ROOT@example.com", "password": "a-long-passphrase"}
    )
    assert answer.headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


@pytest.mark.usefixtures("_password_in_the_environment")
def test_superuser_needs_a_free_address(mallory: User) -> None:
    with pytest.raises(CommandError, match="already taken"):
        call_command("createsuperuser", email=mallory.email, interactive=False, verbosity=0)
