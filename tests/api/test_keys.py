"""Who a key is, what it allows at each moment, and what of it is kept."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any, Final

import pytest
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.membership import remove
from accounts.models import Membership, Team, User
from accounts.roles import Role
from api.authentication import AuthenticationError, Caller, authenticate
from api.models import ApiRequest, Key, PendingUpload, Scope
from api.models.key import checksum_of, digest_of, new_token
from generations.flows.delete_account import delete_account
from generations.models import Status
from tests.api.conftest import make_key
from tests.cast import make_generation

pytestmark = pytest.mark.django_db

Change = Callable[[Key], object]
NEW: Final = "another-key-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"


def ask(header: str, *scopes: Scope, **meta: Any) -> Caller:
    headers = {"Authorization": header} if header else {}
    return authenticate(RequestFactory(headers=headers).get("/fal/", **meta), *scopes)


def refusal(token: str, *scopes: Scope, **meta: Any) -> tuple[int, str]:
    with pytest.raises(AuthenticationError) as caught:
        ask(f"Key {token}", *scopes, **meta)
    return caught.value.status, caught.value.detail


@pytest.mark.parametrize("scheme", ["Key", "Bearer", "key", "BEARER", "Key "])
def test_both_schemes_name_the_caller(scheme: str, bob: User, film: Team, bobs_key: tuple[Key, str]) -> None:
    caller = ask(f"{scheme} {bobs_key[1]}", Scope.GENERATE)
    assert (caller.key, caller.user, caller.team) == (bobs_key[0], bob, film)


@pytest.mark.parametrize(
    "header",
    [
        *("", "Key", "Key ", "Bearer", "Basic {token}", "Token {token}", "{token}", "Key {token}x", "Key x{token}"),
        *("Key {swapped}", "Key {other_secret}", "Key {unknown}", "Key {prefix}", "Key ключ", "Key " + "_" * 5000),
    ],
)
def test_what_is_no_key(header: str, bobs_key: tuple[Key, str]) -> None:
    """A typo, another secret behind a known prefix, a key of nobody: one answer for all."""
    key, token = bobs_key
    swapped = token[:20] + token[21] + token[20] + token[22:]
    other = new_token()
    body = f"{key.prefix}_{other.rpartition('_')[2][:-6]}"
    values = {"token": token, "swapped": swapped, "unknown": other, "prefix": key.prefix}
    values["other_secret"] = body + checksum_of(body)
    with pytest.raises(AuthenticationError) as caught:
        ask(header.format(**values))
    assert (caught.value.status, caught.value.detail) == (401, "invalid key credentials")


def test_a_typo_is_told_without_a_query(
    bobs_key: tuple[Key, str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    typo = bobs_key[1][:-1] + ("0" if bobs_key[1][-1] != "0" else "1")
    with django_assert_num_queries(0):
        assert refusal(typo)[0] == 401


def test_who_it_is_takes_one_query(
    bobs_key: tuple[Key, str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ask(f"Key {bobs_key[1]}", Scope.READ)
    with django_assert_num_queries(1):
        ask(f"Key {bobs_key[1]}", Scope.READ)


def change(**values: Any) -> Change:
    return lambda key: Key.objects.filter(pk=key.pk).update(**values)


def change_person(**values: Any) -> Change:
    return lambda key: User.objects.filter(pk=key.user_id).update(**values)


def lower(key: Key) -> None:
    Membership.objects.filter(user=key.user, team=key.team).update(role=Role.VIEWER)


def remove_person(key: Key) -> None:
    remove(key.team, key.user, by=key.user)


def require_factor(key: Key) -> None:
    Team.objects.get_queryset().filter(pk=key.team_id).update(needs_second_factor=True)


def close_team(key: Key) -> None:
    Team.objects.get_queryset().filter(pk=key.team_id).update(closed_at=timezone.now())


@pytest.mark.parametrize(
    ("what", "status", "words"),
    [
        (change(revoked_at=timezone.now()), 401, "invalid key credentials"),
        (change(expires_at=timezone.now() - timedelta(seconds=1)), 401, "invalid key credentials"),
        (change_person(suspended_until=timezone.now() + timedelta(days=1)), 403, "suspended"),
        (change_person(is_active=False), 403, "suspended"),
        (remove_person, 403, "may not act in Film"),
        (require_factor, 403, "may not act in Film"),
        (close_team, 403, "may not act in Film"),
        (lower, 403, "role"),
        (change(scopes=["read"]), 403, "lacks the scope generate"),
        (change(scopes=["manage"]), 403, "lacks the scope generate"),
        (change(allowed_networks=["192.0.2.0/24"]), 403, "address"),
    ],
    ids=[
        *("revoked", "expired", "suspended", "inactive", "removed", "second factor", "team closed", "lowered"),
        *("read only", "manage only", "elsewhere"),
    ],
)
def test_rights_end_at_once(what: Change, status: int, words: str, alice: User, bobs_key: tuple[Key, str]) -> None:
    key, token = bobs_key
    ask(f"Key {token}", Scope.GENERATE)
    what(key)
    found = refusal(token, Scope.GENERATE)
    assert found[0] == status
    assert words in found[1]


def test_a_suspension_that_has_run_out_and_an_expiry_to_come_are_none(bobs_key: tuple[Key, str]) -> None:
    key, token = bobs_key
    change_person(suspended_until=timezone.now() - timedelta(minutes=1))(key)
    change(expires_at=timezone.now() + timedelta(minutes=1))(key)
    assert ask(f"Key {token}", Scope.GENERATE).key == key


@pytest.mark.parametrize(
    ("scopes", "asked", "is_enough"),
    [
        (["read"], [Scope.READ], True),
        (["generate"], [Scope.READ], False),
        (["generate"], [Scope.READ, Scope.GENERATE], True),
        (["manage"], [Scope.READ, Scope.GENERATE], False),
        (["read"], [], True),
    ],
)
def test_one_of_the_scopes_is_enough(
    scopes: list[str], asked: list[Scope], is_enough: bool, bob: User, film: Team
) -> None:
    _key, token = make_key(bob, film, scopes=scopes)
    if is_enough:
        assert ask(f"Key {token}", *asked).key.scopes == scopes
    else:
        assert refusal(token, *asked)[0] == 403


def test_a_viewers_key_reads_and_makes_nothing(victor: User, film: Team) -> None:
    _key, token = make_key(victor, film)
    assert ask(f"Key {token}", Scope.READ).user == victor
    assert refusal(token, Scope.GENERATE)[0] == 403


@pytest.mark.parametrize(
    ("networks", "proxies", "remote", "forwarded", "is_in"),
    [
        ([], 0, "203.0.113.5", "", True),
        (["203.0.113.5"], 0, "203.0.113.5", "", True),
        (["203.0.113.0/24"], 0, "203.0.113.5", "", True),
        (["203.0.113.5/24"], 0, "203.0.113.9", "", True),
        (["198.51.100.0/24", "203.0.113.0/24"], 0, "203.0.113.5", "", True),
        (["203.0.113.0/24"], 0, "::ffff:203.0.113.5", "", True),
        (["2001:db8::/32"], 0, "2001:db8::1", "", True),
        (["2001:db8::/32"], 0, "203.0.113.5", "", False),
        (["203.0.113.0/24"], 0, "198.51.100.1", "203.0.113.5", False),
        (["203.0.113.0/24"], 1, "10.0.0.1", "203.0.113.5", True),
        (["203.0.113.0/24"], 1, "10.0.0.1", "203.0.113.5, 198.51.100.1", False),
        (["203.0.113.0/24"], 1, "10.0.0.1", "not an address", False),
    ],
)
def test_where_it_may_come_from(
    networks: list[str],
    proxies: int,
    remote: str,
    forwarded: str,
    is_in: bool,
    bob: User,
    film: Team,
    settings: Settings,
) -> None:
    """By the address that our own proxies have seen; what a client writes into the header itself counts for nothing."""
    settings.TRUSTED_PROXIES = proxies
    _key, token = make_key(bob, film, allowed_networks=networks)
    meta = {"REMOTE_ADDR": remote} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})
    if is_in:
        assert ask(f"Key {token}", **meta).user == bob
    else:
        assert refusal(token, **meta) == (403, "This key may not be used from this address.")


def test_its_use_is_noted_once_a_minute(bobs_key: tuple[Key, str]) -> None:
    key, token = bobs_key
    ask(f"Key {token}")
    key.refresh_from_db()
    first = key.last_used_at
    assert first is not None
    ask(f"Key {token}")
    key.refresh_from_db()
    assert key.last_used_at == first
    change(last_used_at=first - timedelta(minutes=2))(key)
    ask(f"Key {token}")
    key.refresh_from_db()
    assert key.last_used_at is not None
    assert key.last_used_at >= first


def test_nothing_of_the_secret_is_kept(bobs_key: tuple[Key, str]) -> None:
    key, token = bobs_key
    kept = " ".join(str(value) for value in Key.objects.filter(pk=key.pk).values_list()[0])
    assert token.startswith(f"{key.prefix}_")
    assert token.removeprefix(f"{key.prefix}_") not in kept
    assert key.digest != digest_of(token, NEW)


def test_used_key_outlives_the_former_secret_key_and_an_unused_one_ends_with_it(
    bob: User, film: Team, settings: Settings
) -> None:
    (_used, used), (_unused, unused) = make_key(bob, film), make_key(bob, film)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], NEW
    assert ask(f"Key {used}").user == bob
    settings.SECRET_KEY_FALLBACKS = []
    assert ask(f"Key {used}").user == bob
    assert refusal(unused)[0] == 401


def test_without_the_former_secret_key_it_is_none(bobs_key: tuple[Key, str], settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, ["a-third-key"]
    assert refusal(bobs_key[1])[0] == 401


def test_deleted_account_leaves_no_word_of_its_keys(bob: User) -> None:
    key, token = make_key(bob, bob.personal_team, name="Bobs laptop", allowed_networks=["127.0.0.1"])
    ask(f"Key {token}")
    row = make_generation(bob, bob.personal_team, Status.DONE)
    ApiRequest.objects.create(generation=row, key=key, idempotency_key="order of bob")
    PendingUpload.objects.create(key=key)
    assert delete_account(bob)
    key.refresh_from_db()
    assert (key.name, key.allowed_networks, key.last_used_at) == (key.prefix, [], None)
    assert ApiRequest.objects.get().idempotency_key == ""
    assert not PendingUpload.objects.exists()
    assert refusal(token) == (401, "invalid key credentials")


# --- manage.py api_key


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("api_key", *arguments, stdout=output, stderr=StringIO())
    return output.getvalue().splitlines()[-1]


def test_command_prints_a_key_that_works(bob: User, film: Team) -> None:
    token = run("--user", "BOB@example.com", "--team", "film", "--name", "nightly")
    caller = ask(f"Key {token}", Scope.MANAGE)
    assert (caller.user, caller.team, caller.key.name) == (bob, film, "nightly")
    assert set(caller.key.scopes) == set(Scope.values)


def test_command_without_a_team_takes_the_personal_one(bob: User) -> None:
    assert ask(f"Key {run('--user', bob.email, '--name', 'own')}").team == bob.personal_team


def test_command_takes_every_limit(bob: User) -> None:
    more = ["--scope", "read", "--scope", "generate", "--days", "3", "--network", "127.0.0.0/8"]
    token = run("--user", bob.email, "--name", "own", *more, "--monthly-limit", "500", "--result-days", "30")
    key = ask(f"Key {token}").key
    assert (key.scopes, key.monthly_limit_cents, key.result_days) == (["read", "generate"], 500, 30)
    assert key.allowed_networks == ["127.0.0.0/8"]
    assert key.expires_at is not None
    assert timedelta(days=2) < key.expires_at - timezone.now() <= timedelta(days=3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--user", "nobody@example.com", "--name", "x"], "--user"),
        (["--user", "bob@example.com", "--team", "nowhere", "--name", "x"], "--team"),
        (["--user", "mallory@example.com", "--team", "film", "--name", "x"], "--team"),
        (["--user", "bob@example.com", "--name", " "], "blank"),
        (["--user", "bob@example.com", "--name", "x" * 101], "100"),
        (["--user", "bob@example.com", "--name", "x", "--network", "here"], "“here”"),
        (["--user", "bob@example.com", "--name", "x", "--days", "0"], "--days"),
        (["--user", "bob@example.com", "--name", "x", "--result-days", "366"], "--result-days"),
        (["--user", "bob@example.com", "--name", "x", "--monthly-limit", "-1"], "--monthly-limit"),
    ],
)
def test_command_says_what_is_wrong(arguments: list[str], words: str, bob: User, mallory: User) -> None:
    with pytest.raises(CommandError, match=words):
        run(*arguments)
    assert not Key.objects.exists()
