"""Acting as somebody is for looking: of all addresses, those alone take a POST that end it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.test import Client
from psycopg.pq import TransactionStatus

from accounts.models import Impersonation, Team, User
from config.api_paths import is_for_programs
from generations.models import Generation, Status
from tests.cast import make_generation, make_video, signed_in
from tests.security.addresses import every_address

REASON = "Ticket 17: his video does not play"
ENDS = {"/impersonation/stop", "/accounts/logout/", "/admin/logout/"}
OPEN_TO_MACHINES = ("/webhooks/fal/",)  # answered to whom signs, not to whom has a session


@pytest.fixture
def row(film: Team, bob: User) -> Generation:
    row = make_generation(bob, film, Status.DONE)
    make_video(row)
    return row


@pytest.fixture
def acting(mona: User, bob: User) -> Client:
    mona.user_permissions.set(Permission.objects.all())
    client = signed_in(mona)
    assert client.post(f"/admin/accounts/user/{bob.pk}/impersonate/", {"reason": REASON}).headers["Location"] == "/"
    return client


def addresses(row: Generation) -> list[str]:
    """With bob's own row in the place of one that there is not."""
    nobodys = "00000000-0000-0000-0000-000000000007"
    return [address.replace(nobodys, str(row.pk)) for address in every_address()]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_but_the_end_takes_a_change(acting: Client, row: Generation, method: str) -> None:
    acting.raise_request_exception = False
    for address in addresses(row):
        if address in ENDS or address.startswith(OPEN_TO_MACHINES) or is_for_programs(address):
            continue
        answer = getattr(acting, method)(address)
        assert answer.status_code in {403, 404} or (address, answer.status_code) == ("/events", 405), address
        if answer.status_code == 403:
            assert "that is for looking: nothing is changed" in answer.content.decode(), address
    assert Impersonation.objects.open().count() == 1


@pytest.mark.parametrize(
    "address", ["/generations/{row}/download", "/teams/film/usage.csv", "/teams/approve/x/", "/teams/join/x/"]
)
def test_no_copies_and_no_mailed_links(acting: Client, row: Generation, address: str) -> None:
    for method in ("get", "head"):
        answer = getattr(acting, method)(address.format(row=row.pk))
        assert answer.status_code == 403
    assert "for Bob alone" in acting.get(address.format(row=row.pk)).content.decode()


def contents() -> dict[str, list[Any]]:
    """Every row of every table but those that note the impersonation itself."""
    tables = [name for name in connection.introspection.table_names() if not name.startswith("accounts_imperson")]
    with connection.cursor() as cursor:
        found = {}
        for name in sorted(set(tables) - {"cache", "django_session"}):
            cursor.execute(f'SELECT t::text FROM "{name}" t ORDER BY 1')
            found[name] = cursor.fetchall()
    return found


def test_looking_everywhere_changes_nothing(acting: Client, row: Generation) -> None:
    acting.raise_request_exception = False
    acting.get("/healthz")  # notes that the session was used
    acting.get("/fal/.well-known/jwks.json")  # makes the key that it shows, once
    before = contents()
    for address in addresses(row):
        if address in ENDS or address.startswith("/admin/django_rq/"):
            continue
        before_it = transaction.savepoint()
        acting.get(address)
        if connection.connection.info.transaction_status == TransactionStatus.INERROR:
            transaction.savepoint_rollback(before_it)
    assert contents() == before


def test_scripts_are_told_in_words(acting: Client, row: Generation) -> None:
    address = f"/generations/{row.pk}/favourite"
    assert "nothing is changed" in acting.post(address, headers={"HX-Request": "true"}).content.decode()
    by_fetch = acting.post("/uploads/", headers={"Accept": "*/*"})
    assert "nothing is changed" in by_fetch.json()["errors"][0]


def test_page_says_so(acting: Client) -> None:
    assert "viewing only" in acting.get("/").content.decode()


@pytest.mark.parametrize("address", sorted(ENDS))
def test_these_end_it(acting: Client, row: Generation, address: str) -> None:
    acting.post(address)
    assert not Impersonation.objects.open().exists()
    assert "viewing only" not in acting.get("/").content.decode()
    assert acting.get(row.get_absolute_url()).status_code in {302, 404}


def test_impersonations_are_not_nested(acting: Client, alice: User) -> None:
    answer = acting.post(f"/admin/accounts/user/{alice.pk}/impersonate/", {"reason": REASON})
    assert answer.status_code == 403
    assert Impersonation.objects.count() == 1


ENDINGS: dict[str, Callable[[User, User], Any]] = {
    "no staff": lambda mona, _: User.objects.filter(pk=mona.pk).update(is_staff=False),
    "no permission": lambda mona, _: mona.user_permissions.clear(),
    "person of the staff": lambda _, bob: User.objects.filter(pk=bob.pk).update(is_staff=True),
    "person a superuser": lambda _, bob: User.objects.filter(pk=bob.pk).update(is_superuser=True),
}


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("address", ["/", "/events?since=0"])
def test_it_ends_with_the_right_for_good(acting: Client, mona: User, bob: User, name: str, address: str) -> None:
    ENDINGS[name](mona, bob)
    acting.get(address)
    assert not Impersonation.objects.open().exists()
    assert "viewing only" not in acting.get("/").content.decode()
