"""Staff with every permission become nobody else by the admin: neither a superuser, nor a person in their back."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts.models import User
from tests.cast import signed_in

SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def mona(mona: User) -> User:
    mona.user_permissions.set(Permission.objects.all())
    return mona


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root@example.com", "a fox in the snow")


def change(client: Client, user: User, **fields: Any) -> int:
    values = {"email": user.email, "name": user.name, "is_active": "on", "is_staff": "on", **fields}
    return client.post(f"/admin/accounts/user/{user.pk}/change/", values).status_code


def rights(user: User) -> tuple[Any, ...]:
    user = User.objects.get(pk=user.pk)
    return user.email, user.is_staff, user.is_superuser, user.password, user.groups.count()


@pytest.mark.parametrize(
    "fields", [{"is_superuser": "on"}, {"groups": ["1"]}, {"email": "mona2@example.com"}, {"user_permissions": ["1"]}]
)
def test_nobody_raises_themselves_or_another(mona: User, bob: User, fields: dict[str, Any]) -> None:
    before = rights(mona), rights(bob)
    for person in (mona, bob):
        change(signed_in(mona), person, **fields)
    assert (rights(mona), rights(bob)) == before


def test_other_staff_are_changed_by_superusers_alone(mona: User, root: User, bob: User) -> None:
    colleague = User.objects.create_user("colleague@example.com", is_staff=True)
    for person in (root, colleague):
        assert change(signed_in(mona), person, name="Other") == 403
    assert change(signed_in(mona), bob, name="Other") == 302
    assert change(signed_in(root), colleague, name="Other") == 302


def test_passwords_are_set_by_superusers_alone(mona: User, root: User, bob: User) -> None:
    new = {"password1": "a badger at dusk", "password2": "a badger at dusk", "usable_password": "true"}
    for person in (root, bob, mona):
        before = rights(person)
        assert signed_in(mona).post(f"/admin/accounts/user/{person.pk}/password/", new).status_code == 403
        assert rights(person) == before
    assert signed_in(root).post(f"/admin/accounts/user/{bob.pk}/password/", new).status_code == 302


def test_what_opens_an_account_is_for_superusers_and_shows_no_secret(mona: User, root: User, bob: User) -> None:
    rows = [
        Authenticator.objects.create(user=bob, type="totp", data={"secret": SECRET}),
        SocialAccount.objects.create(user=bob, provider="oidc", uid="17", extra_data={"userinfo": SECRET}),
        UserSession.objects.create(user=bob, session_key=SECRET, ip="10.0.0.1", user_agent="x", data={"a": SECRET}),
    ]
    for row in rows:
        meta = row._meta
        place = f"/admin/{meta.app_label}/{meta.model_name}/"
        for address in (place, f"{place}{row.pk}/change/", f"{place}?q=bob"):
            assert signed_in(mona).get(address).status_code == 403, address
            page = signed_in(root).get(address)
            assert page.status_code == 200, address
            assert SECRET not in page.content.decode()
        assert signed_in(root).post(f"{place}add/", {}).status_code == 403


def test_nobody_gives_another_an_address_or_a_group_rights(mona: User, bob: User) -> None:
    group = Group.objects.create(name="Editors")
    email = EmailAddress.objects.create(user=bob, email=bob.email)
    client = signed_in(mona)
    new = {"user": str(bob.pk), "email": "mona2@example.com", "verified": "on"}
    assert client.post("/admin/account/emailaddress/add/", new).status_code == 403
    assert client.post(f"/admin/account/emailaddress/{email.pk}/change/", new).status_code == 403
    assert client.post("/admin/auth/group/add/", {"name": "New"}).status_code == 403
    assert client.post(f"/admin/auth/group/{group.pk}/change/", {"name": "Editors"}).status_code == 403
    verify = {"action": "make_verified", "_selected_action": [str(email.pk)]}
    client.post("/admin/account/emailaddress/", verify)
    email.refresh_from_db()
    assert not email.verified
