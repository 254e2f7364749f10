"""One way in: nobody gets a session but through allauth's sign-in, and staff not by a password alone."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.auth import user_logged_in
from django.contrib.auth.models import Permission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.dispatch import Signal
from django.http import HttpRequest
from django.test import Client

from accounts.models import User
from tests.cast import signed_in
from tests.security.addresses import every_address

PASSWORD = "a fox in the snow"
# under every name by which a form of Django or allauth knows them
TYPED = {
    **dict.fromkeys(("login", "username", "email"), "mona@example.com"),
    **dict.fromkeys(("password", "password1", "password2", "oldpassword", "old_password"), PASSWORD),
}


@pytest.fixture
def mona(mona: User) -> User:
    """Staff with a password and an authenticator app."""
    mona.set_password(PASSWORD)
    mona.save()
    EmailAddress.objects.create(user=mona, email=mona.email, primary=True, verified=True)
    TOTP.activate(mona, generate_totp_secret())
    return mona


def code_of(user: User) -> str:
    secret = Authenticator.objects.get(user=user, type="totp").data["secret"]
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def person_in(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def test_addresses_are_all_there() -> None:
    found = every_address()
    assert len(found) > 250
    for address in (
        "/",
        "/admin/login/",
        "/accounts/login/",
        "/admin/django_rq/dashboard/stats.json",
        "/impersonation/stop",
    ):
        assert address in found


def test_no_address_gives_a_session_for_a_password_alone(mona: User, mallory: User) -> None:
    """Neither to a stranger nor to somebody, also of the staff, who knows another's password."""
    root = User.objects.create_superuser("root@example.com")
    let_in: list[str] = []

    def note(request: HttpRequest, user: User, **_: Any) -> None:
        let_in.append(request.path)

    with receiving(user_logged_in, note):
        for address in every_address():
            for client in (Client(), signed_in(mallory), signed_in(root)):
                let_in.clear()  # of the sign-in by the test itself
                client.raise_request_exception = False
                with transaction.atomic():
                    client.post(address, TYPED)
                    transaction.set_rollback(True)
                assert let_in == []


def test_that_a_session_is_noticed(mona: User, bob: User) -> None:
    """The test above would fail if there was one: here the password is enough, since there is no second factor."""
    bob.set_password(PASSWORD)
    bob.save()
    EmailAddress.objects.create(user=bob, email=bob.email, primary=True, verified=True)
    let_in: list[User] = []
    with receiving(user_logged_in, lambda user, **_: let_in.append(user)):
        Client().post("/accounts/login/", {**TYPED, "login": bob.email})
        Client().post("/accounts/login/", TYPED)
    assert let_in == [bob]


@contextmanager
def receiving(signal: Signal, receiver: Callable[..., Any]) -> Iterator[None]:
    signal.connect(receiver, weak=False)
    yield
    signal.disconnect(receiver)


RQ = [address for address in every_address() if address.startswith("/admin/django_rq/")]


@pytest.mark.parametrize("method", ["get", "post"])
def test_pages_of_the_queues_are_for_superusers(mona: User, mallory: User, method: str) -> None:
    mona.user_permissions.set(Permission.objects.all())
    assert len(RQ) > 20
    for address in RQ:
        for person in (mona, mallory):
            assert getattr(signed_in(person), method)(address).status_code in {403, 404, 405}, address
        assert getattr(Client(), method)(address).headers["Location"].startswith(("/accounts/", "/admin/login/"))
    root = signed_in(User.objects.create_superuser("root@example.com"))
    assert root.get("/admin/django_rq/dashboard/").status_code == 200


@pytest.mark.parametrize("address", ["/admin/", "/admin/accounts/user/", "/admin/accounts/user/?q=a&p=1"])
def test_admin_sends_to_the_one_sign_in_with_second_factor_and_back(mona: User, address: str) -> None:
    client = Client()
    answer = client.get(address, follow=True)
    assert answer.request["PATH_INFO"] == "/accounts/login/"
    asked = f"{answer.request['PATH_INFO']}?{answer.request['QUERY_STRING']}"
    answer = client.post(asked, {"login": mona.email, "password": PASSWORD})
    assert answer.headers["Location"].startswith("/accounts/2fa/authenticate/")
    assert person_in(client) is None
    answer = client.post(answer.headers["Location"], {"code": code_of(mona)})
    assert answer.headers["Location"] == address
    assert person_in(client) == str(mona.pk)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("address", ["https://example.net/", "//example.net", "javascript:alert(1)", "/\\example.net"])
def test_admin_leads_to_no_other_site(mona: User, method: str, address: str) -> None:
    asked = f"/admin/login/?next={quote(address)}"
    assert getattr(Client(), method)(asked).headers["Location"] == "/accounts/login/?next=/admin/"
    assert getattr(signed_in(mona), method)(asked).headers["Location"] == "/admin/"


def test_who_is_no_staff_is_told_so_and_goes_in_no_circle(mallory: User) -> None:
    client = signed_in(mallory)
    for method in ("get", "post"):
        answer = getattr(client, method)("/admin/", follow=True)
        assert answer.status_code == 403
        assert "for staff only" in answer.content.decode()
        assert 'type="password"' not in answer.content.decode()
    assert person_in(client) == str(mallory.pk)


def test_admin_asks_for_no_password_and_changes_none(mona: User) -> None:
    client = signed_in(mona)
    change = {"old_password": PASSWORD, "new_password1": "a badger", "new_password2": "a badger"}
    assert client.post("/admin/password_change/", change).headers["Location"] == "/accounts/password/change/"
    mona.refresh_from_db()
    assert mona.check_password(PASSWORD)


@pytest.mark.parametrize(
    "password",
    [
        *("12345678", "83610274", "27.11.1986", "2026-11-28", "0170 1234567", "+49 170 1234567"),
        *("٨٣٦١٠٢٧٤", "８３６１０２７４", "password", "qwertyuiop", "short1", ""),
        *("kling.fan@example.com", "Ludmilla Wong"),
    ],
)
def test_passwords_that_are_guessed_are_refused(password: str) -> None:
    person = User(email="kling.fan@example.com", name="Ludmilla Wong")
    with pytest.raises(ValidationError):
        validate_password(password, person)


@pytest.mark.parametrize(
    "password", ["a fox in the snow", "xk3-99-12-77", "83610274a", "пятьлисиц", "五匹の狐が雪の中"]
)
def test_other_passwords_are_taken(password: str) -> None:
    validate_password(password, User(email="kling.fan@example.com", name="Ludmilla Wong"))
