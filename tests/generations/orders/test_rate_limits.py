"""How often a person orders within a minute is counted under a lock: of many at once none slips under."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import Team, User
from generations.exceptions import TooManyOrdersError
from generations.fal.arguments import Endpoint, parse
from generations.models import Generation
from generations.orders.place import Order, place_batch

MOST = 3


def order_of(user: User, team: Team) -> Order:
    arguments = parse(Endpoint.TEXT_TO_VIDEO, {"prompt": "A fox", "duration": 5, "aspect_ratio": "1:1"})
    return Order(
        user=user,
        team=team,
        idempotency_key=uuid.uuid4(),
        endpoint=Endpoint.TEXT_TO_VIDEO,
        arguments=arguments,
        pictures={},
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("teams", ["one", "two"])
def test_many_at_once_are_as_many_as_may_be(
    film: Team, bob: User, settings: Settings, monkeypatch: pytest.MonkeyPatch, teams: str
) -> None:
    """The look before the lock is taken away: the lock alone must hold, whichever teams pay."""
    settings.SUBMITS_PER_MINUTE = MOST
    monkeypatch.setattr("generations.orders.place.refuse_too_many", lambda *_: None)
    paying = [film, bob.personal_team if teams == "two" else film]

    def attempt(number: int) -> bool:
        try:
            place_batch([order_of(bob, paying[number % 2])] * 2)  # one press
        except TooManyOrdersError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(20) as threads:
        assert sum(threads.map(attempt, range(20))) == MOST
    assert Generation.objects.count() == 2 * MOST


@pytest.mark.django_db(transaction=True)
def test_people_do_not_count_for_each_other(film: Team, alice: User, bob: User, settings: Settings) -> None:
    settings.SUBMITS_PER_MINUTE = 1
    for person in (alice, bob):
        place_batch([order_of(person, film)])
    with pytest.raises(TooManyOrdersError):
        place_batch([order_of(bob, bob.personal_team)])
