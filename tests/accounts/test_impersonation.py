"""Staff act as a person: with a reason, for a short time, noted and told."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Impersonation, Team, User
from generations.models import Generation, Status
from tests.cast import make_generation, signed_in
from tests.history import rewriting_history

Mails = list[EmailMessage]
REASON = "Ticket 17: her video does not play"


@pytest.fixture
def mona(mona: User) -> User:
    mona.user_permissions.add(Permission.objects.get(codename="add_impersonation"))
    return mona


@pytest.fixture
def secret(film: Team, bob: User) -> Generation:
    return make_generation(bob, film, Status.DONE, is_private=True, prompt="Nobody else reads this")


def impersonation(mona: User, bob: User, reason: str = REASON) -> Client:
    client = signed_in(mona)
    client.post(f"/admin/accounts/user/{bob.pk}/impersonate/", {"reason": reason})
    return client


def test_private_work_is_seen_only_in_a_impersonation(mona: User, bob: User, secret: Generation) -> None:
    assert signed_in(mona).get(secret.get_absolute_url()).status_code == 404
    client = impersonation(mona, bob)

    page = client.get(secret.get_absolute_url()).content.decode()
    assert "Nobody else reads this" in page
    assert "You act as Bob" in page
    assert client.post("/impersonation/stop").headers["Location"] == f"/admin/accounts/user/{bob.pk}/change/"
    assert client.get(secret.get_absolute_url()).status_code == 404


def test_person_is_told_at_once_and_reads_what_was_done(
    mona: User, bob: User, secret: Generation, mailoutbox: Mails
) -> None:
    client = impersonation(mona, bob)
    client.get(secret.get_absolute_url())
    client.post(f"/generations/{secret.pk}/favourite", {"favourite": "on"})
    client.get("/teams/join/a-secret-token/")
    client.get("/events?since=0")

    (mail,) = mailoutbox
    html = str(mail.alternatives[0][0])  # type: ignore[attr-defined]
    assert mail.to == ["bob@example.com"]
    for part in (str(mail.body), html):
        assert REASON in part
        assert "Mona" in part
        assert "/accounts/impersonations/" in part
    page = signed_in(bob).get("/accounts/impersonations/").content.decode()
    assert REASON in page
    assert f"GET /generations/{secret.pk}/" in page
    assert f"POST /generations/{secret.pk}/favourite</code> (refused)" in " ".join(page.split())
    assert "GET /teams/join/…/" in page
    assert "a-secret-token" not in page
    assert "GET /events" not in page


@pytest.mark.parametrize("reason", ["", "because", " " * 20])
def test_no_impersonation_without_a_reason(mona: User, bob: User, secret: Generation, reason: str) -> None:
    client = signed_in(mona)
    answer = client.post(f"/admin/accounts/user/{bob.pk}/impersonate/", {"reason": reason})

    assert answer.status_code == 422
    assert client.get(secret.get_absolute_url()).status_code == 404
    assert not Impersonation.objects.exists()


def test_without_the_permission_nobody_acts_as_another(mona: User, bob: User, alice: User) -> None:
    mona.user_permissions.remove(Permission.objects.get(codename="add_impersonation"))
    for client in (signed_in(mona), signed_in(alice)):
        assert client.post(f"/admin/accounts/user/{bob.pk}/impersonate/", {"reason": REASON}).status_code in {302, 403}
    assert not Impersonation.objects.exists()


def test_account_itself_stays_closed(mona: User, bob: User) -> None:
    client = impersonation(mona, bob)

    for address in ("/accounts/password/change/", "/accounts/email/", "/accounts/delete/", "/accounts/2fa/"):
        assert client.get(address).status_code == 403
        assert client.post(address, {}).status_code == 403
    assert client.get("/admin/").status_code == 200  # as staff, as before


@pytest.mark.parametrize(
    "change", ["time", "permission", "no staff", "suspended", "closed", "person", "person of the staff", "signed out"]
)
def test_impersonation_ends(mona: User, bob: User, secret: Generation, change: str) -> None:
    client = impersonation(mona, bob)
    assert client.get(secret.get_absolute_url()).status_code == 200
    match change:
        case "time":
            with rewriting_history():
                Impersonation.objects.update(until=timezone.now() - timedelta(seconds=1))
        case "permission":
            mona.user_permissions.clear()
        case "no staff":
            User.objects.filter(pk=mona.pk).update(is_staff=False)
        case "suspended":
            User.objects.filter(pk=mona.pk).update(suspended_until=timezone.now() + timedelta(days=1))
        case "closed":
            User.objects.filter(pk=mona.pk).update(is_active=False)
        case "person":
            User.objects.filter(pk=bob.pk).update(is_active=False)
        case "person of the staff":
            User.objects.filter(pk=bob.pk).update(is_staff=True)
        case _:
            client.logout()
    assert client.get(secret.get_absolute_url()).status_code in {302, 403, 404}
    assert client.get("/events?since=0").status_code in {204, 302, 403}


@pytest.mark.parametrize("rank", ["is_superuser", "is_staff"])
def test_nobody_acts_as_a_superuser_or_one_of_the_staff_or_oneself(mona: User, bob: User, rank: str) -> None:
    User.objects.filter(pk=bob.pk).update(**{rank: True})
    for person in (bob, mona):
        answer = signed_in(mona).post(f"/admin/accounts/user/{person.pk}/impersonate/", {"reason": REASON})
        assert answer.status_code == 422


def test_database_refuses_an_impersonation_without_a_reason(mona: User, bob: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Impersonation.objects.create(staff=mona, person=bob, reason="", until=timezone.now())


def test_admin_shows_impersonations_and_changes_none(mona: User, bob: User) -> None:
    impersonation(mona, bob)
    pk = Impersonation.objects.get().pk
    client = signed_in(User.objects.create_superuser("root@example.com", "x"))

    assert REASON in client.get(f"/admin/accounts/impersonation/{pk}/change/").content.decode()
    assert client.post(f"/admin/accounts/impersonation/{pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/accounts/impersonation/add/").status_code == 403
    assert (
        f"/admin/accounts/user/{bob.pk}/impersonate/"
        in client.get(f"/admin/accounts/user/{bob.pk}/change/").content.decode()
    )
