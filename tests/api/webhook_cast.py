"""A receiver of webhooks, an endpoint of the team Film that leads to it, and a clock that a test moves."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.models import Team, User
from api.models import SUBSCRIBABLE, WebhookDelivery, WebhookEndpoint
from api.webhooks.collect import send_test
from tests.scripted_server import Asked, Reply, ScriptedServer, scripted_server

ALL_EVENTS = [value for value, _label in SUBSCRIBABLE]


class Clock:
    """`timezone.now()` of every module; it stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = timezone.now()

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **span: float) -> None:
        self.moment += timedelta(**span)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock)
    return clock


@pytest.fixture
def receiver() -> Iterator[ScriptedServer]:
    """On loopback, which the tests' settings trust as the sandbox's files are trusted. It takes all it gets."""
    with scripted_server() as server:
        server.will(Reply(204))
        yield server


def make_endpoint(team: Team, url: str, **columns: Any) -> WebhookEndpoint:
    since = timezone.now() - timedelta(minutes=1)
    return WebhookEndpoint.objects.create(
        team=team, url=url, **{"events": ALL_EVENTS, "active_since": since, **columns}
    )


@pytest.fixture
def endpoint(film: Team, alice: User, receiver: ScriptedServer) -> WebhookEndpoint:
    return make_endpoint(film, f"{receiver.url}/hook")


def queued(endpoint: WebhookEndpoint) -> WebhookDelivery:
    return send_test(endpoint)


def verified(asked: Asked, secret: str) -> Any:
    """The content, once the reference library of Standard Webhooks says that the signature holds. Raises else."""
    return Webhook(secret).verify(asked.body, asked.headers)
