"""Orders by a key at the same time: neither its limit nor its Idempotency-Key lets one too many through."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from django.db import connections
from django.test import Client

from accounts.models import Team, User
from api.models import ApiRequest, Key
from generations.fal.arguments import Endpoint
from generations.models import Generation
from tests.api.conftest import client_with, make_key
from tests.moderators import moderator

ADDRESS: Final = f"/fal/queue/{Endpoint.TEXT_TO_VIDEO}"
CALLERS: Final = 6


def at_the_same_time(call: Callable[[int], Any]) -> list[Any]:
    """What each of the callers got."""
    start = threading.Barrier(CALLERS)

    def run(number: int) -> Any:
        try:
            start.wait()
            return call(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CALLERS) as callers:
        return list(callers.map(run, range(CALLERS)))


def order(token: str, prompt: str, **headers: str) -> Any:
    body = json.dumps({"prompt": prompt})
    return client_with(token, **headers).post(ADDRESS, body, content_type="application/json")


@pytest.mark.django_db(transaction=True)
def test_limit_of_a_key_holds_when_many_ask_at_once(bob: User, film: Team) -> None:
    key, token = make_key(bob, film, monthly_limit_cents=2 * 35 + 34)
    answers = at_the_same_time(lambda number: order(token, f"Fox {number}"))
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [403] * (CALLERS - 2)
    assert Generation.objects.count() == ApiRequest.objects.filter(key=key).count() == 2
    refused = next(answer for answer in answers if answer.status_code == 403)
    assert refused.json()["detail"].startswith("User is locked. Reason: User budget is exceeded.")


@pytest.mark.django_db(transaction=True)
def test_request_that_is_sent_many_times_at_once_is_one_video(bob: User, film: Team) -> None:
    """As by a client whose proxy gave up on it: each answer names the same request."""
    _, token = make_key(bob, film)
    answers = at_the_same_time(lambda _: order(token, "A fox", **{"Idempotency-Key": "order-17"}))
    assert [answer.status_code for answer in answers] == [200] * CALLERS
    assert len({answer.json()["request_id"] for answer in answers}) == 1
    assert Generation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_last_money_of_the_team_is_spent_once_and_the_repeat_still_answered(bob: User, film: Team) -> None:
    Team.objects.get_queryset().filter(pk=film.pk).update(monthly_limit_cents=35)
    _, token = make_key(bob, film)
    answers = at_the_same_time(lambda _: order(token, "A fox", **{"Idempotency-Key": "order-17"}))
    assert {answer.status_code for answer in answers} == {200}
    assert Generation.objects.count() == 1


@pytest.mark.django_db
def test_moderators_see_keys_and_revoke_them(bob: User, film: Team, moderators: Any) -> None:
    key, token = make_key(bob, film)
    browser = Client()
    browser.force_login(moderator("mo"))
    text = browser.get("/admin/api/key/").content.decode()
    assert key.prefix in text
    page = browser.get(f"/admin/api/key/{key.pk}/change/").content.decode()
    assert key.digest not in page
    values = {"action": "revoke", "_selected_action": [key.pk]}
    assert browser.post("/admin/api/key/", values).status_code == 302
    assert not Key.objects.alive().exists()
    assert order(token, "A fox").status_code == 401
