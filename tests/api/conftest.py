"""Keys of the cast, and clients that bring one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Team, User
from api.models import Key, Scope
from tests.api.webhook_cast import clock, endpoint, receiver  # noqa: F401 - fixtures

MakeKey = Callable[..., tuple[Key, str]]


def make_key(user: User, team: Team, **values: Any) -> tuple[Key, str]:
    """A key with every scope unless `values` say otherwise, and its token."""
    key = Key(user=user, team=team, **{"name": "A script", "scopes": Scope.values, **values})
    return key, key.save_with_token()


def client_with(token: str, **headers: str) -> Client:
    return Client(headers={"Authorization": f"Key {token}", **headers})


@pytest.fixture
def bobs_key(bob: User, film: Team) -> tuple[Key, str]:
    return make_key(bob, film)


@pytest.fixture
def bobs(bobs_key: tuple[Key, str]) -> Client:
    """A program of bob's in Film."""
    return client_with(bobs_key[1])
