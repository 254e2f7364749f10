"""What a key opens: each address for programs by whose key it is, against `key_access.txt`; and no page at all."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Team, User
from accounts.roles import Role
from api.models import Key
from config.api_paths import is_for_programs
from tests.api.conftest import client_with, make_key
from tests.cast import signed_in
from tests.sandbox_process import Sandbox
from tests.security.access_cast import Things, person
from tests.security.addresses import addresses
from tests.security.test_access import TABLE as SESSIONS
from tests.security.test_access import answer_to, read_table, things

__all__ = ["things"]

TABLE: Final = dict(read_table(Path(__file__).with_name("key_access.txt")))
PROGRAMS: Final = [one for one in addresses() if is_for_programs(f"/{one.route}")]
PAGES: Final = [one for one in addresses() if not is_for_programs(f"/{one.route}")]
_METHODS: Final = ("GET", "POST")


def _member(team: Team, role: Role = Role.MEMBER, name: str = "kim", **values: Any) -> str:
    return make_key(person(name, team, role), team, **values)[1]


def _removed(team: Team) -> str:
    token = _member(team)
    User.objects.get(name="Kim").memberships.filter(team=team).delete()
    return token


def _suspended(team: Team) -> str:
    token = _member(team)
    User.objects.filter(name="Kim").update(suspended_until=timezone.now() + timedelta(days=1))
    return token


def _changed(**values: Any) -> Callable[[Team], str]:
    def make(team: Team) -> str:
        token = _member(team)
        Key.objects.filter(user__name="Kim").update(**values)
        return token

    return make


KEYS: Final[dict[str, Callable[[Team], str]]] = {
    "viewer": lambda film: _member(film, Role.VIEWER),
    "member": _member,
    "reads": lambda film: _member(film, scopes=["read"]),
    "generates": lambda film: _member(film, scopes=["generate"]),
    "manages": lambda film: _member(film, scopes=["manage"]),
    "elsewhere": lambda _: _member(Team.objects.create(name="Other", slug="other")),
    "removed": _removed,
    "suspended": _suspended,
    "revoked": _changed(revoked_at=timezone.now()),
    "expired": _changed(expires_at=timezone.now() - timedelta(seconds=1)),
}


def test_every_address_for_programs_has_a_row_and_an_answer_for_each_key() -> None:
    asked = {(address.name, method) for address in PROGRAMS for method in _METHODS}
    assert {pair for pair in TABLE if pair[1] in _METHODS} == asked
    assert {len(answers) for answers in TABLE.values()} == {len(KEYS)}


@pytest.mark.parametrize("whose", KEYS)
def test_address_answers_a_key_as_the_table_says(things: Things, sandbox: Sandbox, whose: str) -> None:
    client = client_with(KEYS[whose](things.film))
    column, routes = list(KEYS).index(whose), {address.name: address for address in PROGRAMS}

    answers = {pair: answer_to(client, pair[1], things.path(routes[pair[0]])) for pair in TABLE}

    assert answers == {pair: row[column] for pair, row in TABLE.items()}


def test_a_key_opens_no_page(things: Things, sandbox: Sandbox) -> None:
    """To pages it is nobody: they go by the session alone."""
    client = client_with(_member(things.film, Role.OWNER))
    asked = [(address, method) for address in PAGES for method in _METHODS]

    answers = {(one.name, method): answer_to(client, method, things.path(one)) for one, method in asked}

    assert answers == {pair: SESSIONS[pair][0] for pair in answers}


def test_no_cookie_is_read(things: Things) -> None:
    of_bob, of_nobody = signed_in(things.bob), Client()
    for address in PROGRAMS:
        path = things.path(address)
        with CaptureQueriesContext(connection) as queries:
            answer = of_bob.get(path)
        assert (path, answer.status_code) == (path, of_nobody.get(path).status_code)
        assert not [query for query in queries if "django_session" in query["sql"]]
        assert not answer.cookies
