"""Keys of the cast, and clients that bring one."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Team, User
from api.models import Key, Scope
from tests.api.webhook_cast import clock, endpoint, receiver  # noqa: F401 - fixtures
from tests.cast import picture

MakeKey = Callable[..., tuple[Key, str]]


def make_key(user: User, team: Team, **values: Any) -> tuple[Key, str]:
    """A key with every scope unless `values` say otherwise, and its token."""
    key = Key(user=user, team=team, **{"name": "A script", "scopes": Scope.values, **values})
    return key, key.save_with_token()


def client_with(token: str, **headers: str) -> Client:
    return Client(headers={"Authorization": f"Key {token}", **headers})


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the gateway would wait for is done at once: Django's client has no gateway."""
    monkeypatch.setattr("api.views.fal.later", lambda work: work())


@pytest.fixture
def host_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """a.example has a public address."""
    found, known = socket.getaddrinfo, (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **o: [known] if host == "a.example" else found(host, *a, **o)
    )


@pytest.fixture
def bobs_key(bob: User, film: Team) -> tuple[Key, str]:
    return make_key(bob, film)


@pytest.fixture
def bobs(bobs_key: tuple[Key, str]) -> Client:
    """A program of bob's in Film."""
    return client_with(bobs_key[1])


@pytest.fixture
def png() -> bytes:
    return picture("PNG", (640, 360))
