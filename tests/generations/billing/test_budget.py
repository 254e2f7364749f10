"""Limits of a month: nothing is made that would pass the tighter one, however many ask at once."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Team, User
from generations.billing.budget import budget_of
from generations.exceptions import OverBudgetError
from generations.fal.arguments import Endpoint, parse
from generations.models import Generation, Status, TeamPause
from generations.orders.place import Order, place_batch
from tests.cast import make_generation, signed_in
from tests.generations.views.test_composer import PAGE, text_order


def limit(team: Team, cents: int | None) -> None:
    Team.objects.filter(pk=team.pk).update(monthly_limit_cents=cents)
    team.refresh_from_db()


def limit_member(user: User, team: Team, cents: int) -> None:
    Membership.objects.filter(team=team, user=user).update(monthly_limit_cents=cents)


def left(user: User, team: Team) -> int | None:
    found = budget_of(user, team)
    return found.left if found else None


def order_of(user: User, team: Team, seconds: int = 5) -> Order:
    values = {"prompt": "A fox", "duration": seconds, "aspect_ratio": "1:1"}
    return Order(user, team, uuid.uuid4(), Endpoint.TEXT_TO_VIDEO, parse(Endpoint.TEXT_TO_VIDEO, values), {})


def test_order_that_would_pass_the_limit_is_refused_with_the_numbers(film: Team, bob: User) -> None:
    limit(film, 1000)
    make_generation(bob, film, cost_cents=895)
    answer = signed_in(bob).post(PAGE, text_order(film, duration="5", variations="8"))

    assert answer.status_code == 422
    words = "This costs $2.80; $1.05 is left of this month's $10.00 (the team’s limit)."
    assert answer.context["form"].non_field_errors() == [words]
    assert Generation.objects.count() == 1


def test_last_cent_may_be_spent(film: Team, bob: User) -> None:
    limit(film, 105)
    place_batch([order_of(bob, film)] * 3)

    assert left(bob, film) == 0
    with pytest.raises(OverBudgetError):
        place_batch([order_of(bob, film)])


def test_tighter_limit_counts(film: Team, alice: User, bob: User) -> None:
    limit(film, 200)
    limit_member(bob, film, 100)
    make_generation(alice, film, cost_cents=35)
    assert left(bob, film) == 100
    make_generation(alice, film, cost_cents=105)

    assert (left(bob, film), left(alice, film)) == (60, 60)
    make_generation(bob, film, cost_cents=50)
    assert left(bob, film) == 10
    limit(film, None)
    assert (left(bob, film), left(alice, film)) == (50, None)


@pytest.mark.parametrize(
    ("limits", "left_of"),
    [
        ((100, None, None), "$1.00 is left of this month's $1.00 (the team’s limit)"),
        ((None, 80, None), "$0.80 is left of this month's $0.80 (your limit in the team)"),
        ((None, None, 60), "$0.60 is left of this month's $0.60 (your own cap)"),
        ((100, 80, 60), "$0.60 is left of this month's $0.60 (your own cap)"),
        ((100, 80, 90), "$0.80 is left of this month's $0.80 (your limit in the team)"),
        ((50, 80, 60), "$0.50 is left of this month's $0.50 (the team’s limit)"),
    ],
)
def test_whose_limit_it_is_is_said(film: Team, bob: User, limits: tuple[int | None, ...], left_of: str) -> None:
    """By the page, and by the server when it is pressed all the same."""
    of_team, of_member, own = limits
    limit(film, of_team)
    Membership.objects.filter(team=film, user=bob).update(monthly_limit_cents=of_member, own_limit_cents=own)
    client = signed_in(bob)

    assert f"Film: {left_of}." in " ".join(unescape(client.get(PAGE).content.decode()).split())
    answer = client.post(PAGE, text_order(film, duration="10", variations="4"))
    assert answer.context["form"].non_field_errors() == [f"This costs $2.80; {left_of}."]
    assert not Generation.objects.exists()


def test_paused_queue_takes_nothing_new(film: Team, alice: User, bob: User) -> None:
    """The page says why, and so does the server, by each way to ask for a video."""
    row, client = make_generation(bob, film, Status.FAILED, cost_cents=0), signed_in(bob)
    TeamPause.objects.create(team=film, began_by=alice, note="Until Monday.")
    why = "Alice paused the queue of Film. No new videos until it is resumed. Until Monday."

    assert why in client.get(PAGE).content.decode()
    answer = client.post(PAGE, text_order(film, prompt="A badger"))
    assert (answer.status_code, answer.context["form"].non_field_errors()) == (422, [why])
    assert answer.context["form"]["prompt"].value() == "A badger"
    retry = {"idempotency_key": str(uuid.uuid4())}
    assert why in client.post(reverse("generation-retry", args=[row.pk]), retry, follow=True).content.decode()
    with pytest.raises(CommandError, match="paused the queue of Film"):
        call_command("generate", "--user", bob.email, "--team=film", "A fox", stdout=StringIO(), stderr=StringIO())
    assert Generation.objects.count() == 1

    TeamPause.objects.update(ended_at=timezone.now(), ended_by=alice)
    assert why not in client.get(PAGE).content.decode()
    assert client.post(PAGE, text_order(film)).status_code == 302


def test_order_known_already_is_found_while_the_queue_is_paused(film: Team, alice: User, bob: User) -> None:
    client, order = signed_in(bob), text_order(film)
    first = client.post(PAGE, order)
    TeamPause.objects.create(team=film, began_by=alice)

    assert client.post(PAGE, order).headers["Location"] == first.headers["Location"]


def test_other_teams_and_what_was_not_charged_do_not_count(film: Team, bob: User) -> None:
    limit(film, 100)
    make_generation(bob, bob.personal_team, cost_cents=70)
    make_generation(bob, film, Status.FAILED, cost_cents=0)

    assert left(bob, film) == 100


def test_deleted_and_trashed_ones_count(film: Team, bob: User) -> None:
    limit(film, 100)
    make_generation(bob, film, Status.DONE, cost_cents=35, deleted_at=timezone.now())
    make_generation(bob, film, Status.DONE, cost_cents=35, trashed_at=timezone.now())

    assert left(bob, film) == 30


def test_month_begins_where_the_studio_is(film: Team, bob: User, settings: Any, monkeypatch: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    now = datetime(2026, 11, 15, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    limit(film, 100)
    begin = datetime(2026, 11, 1, 4, tzinfo=UTC)  # midnight in New York, still in summer time
    make_generation(bob, film, cost_cents=10, created_at=begin - timedelta(seconds=1))
    make_generation(bob, film, cost_cents=25, created_at=begin)

    assert left(bob, film) == 75


def test_no_limit_is_none(film: Team, bob: User) -> None:
    place_batch([order_of(bob, film, 10)] * 8)

    assert budget_of(bob, film) is None


def test_limit_of_nothing_refuses_all(film: Team, bob: User) -> None:
    limit_member(bob, film, 0)

    with pytest.raises(OverBudgetError):
        place_batch([order_of(bob, film)])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("of", ["team", "member"])
def test_fifty_at_once_against_money_for_seven_admit_seven(
    film: Team, bob: User, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    """The look before the lock is taken away: the lock alone must hold."""
    monkeypatch.setattr("generations.orders.place.refuse_over_budget", lambda *_: None)
    if of == "team":
        limit(film, 7 * 35 + 34)
    else:
        limit_member(bob, film, 7 * 35 + 34)

    with ThreadPoolExecutor(50) as threads:
        admitted = list(threads.map(_try_to(lambda: place_batch([order_of(bob, film)])), range(50)))

    assert (sum(admitted), Generation.objects.count()) == (7, 7)


def _try_to(place: Callable[[], object]) -> Callable[[int], bool]:
    def attempt(_: int) -> bool:
        try:
            place()
        except OverBudgetError:
            return False
        else:
            return True
        finally:
            connection.close()

    return attempt


def test_retry_obeys(film: Team, bob: User) -> None:
    limit(film, 30)
    row = make_generation(bob, film, Status.FAILED, cost_cents=0)
    address = reverse("generation-retry", args=[row.pk])
    page = signed_in(bob).post(address, {"idempotency_key": str(uuid.uuid4())}, follow=True).content.decode()

    assert "This costs $0.35; $0.30 is left of this month&#x27;s $0.30 (the team’s limit)." in page
    assert Generation.objects.count() == 1


def test_command_obeys(film: Team, bob: User) -> None:
    limit(film, 30)

    with pytest.raises(CommandError, match=r"This costs \$0\.35; \$0\.30 is left"):
        call_command("generate", "--user", bob.email, "--team=film", "A fox", stdout=StringIO(), stderr=StringIO())
    assert not Generation.objects.exists()


def test_composer_says_what_is_left(film: Team, bob: User) -> None:
    client = signed_in(bob)
    assert "is left of" not in client.get(PAGE).content.decode()
    limit(film, 1000)
    make_generation(bob, film, cost_cents=895)

    page = " ".join(client.get(PAGE).content.decode().split())
    assert "Film: $1.05 is left of this month&#x27;s $10.00 (the team’s limit)." in page


def test_limits_are_edited_in_the_admin(film: Team, bob: User, admin_client: Any) -> None:
    membership = Membership.objects.get(team=film, user=bob)
    prefix = "memberships"
    values = {"name": "Film", "slug": "film", "monthly_limit_cents": "1000"}
    values |= {f"{prefix}-{name}": number for name, number in {"TOTAL_FORMS": "1", "INITIAL_FORMS": "1"}.items()}
    values |= {f"{prefix}-0-{name}": str(value) for name, value in {"id": membership.pk, "team": film.pk}.items()}
    values |= {f"{prefix}-0-user": str(bob.pk), f"{prefix}-0-role": "member", f"{prefix}-0-monthly_limit_cents": "70"}
    answer = admin_client.post(reverse("admin:accounts_team_change", args=[film.pk]), values)

    assert answer.status_code == 302, answer.context["errors"]
    film.refresh_from_db()
    membership.refresh_from_db()
    assert (film.monthly_limit_cents, membership.monthly_limit_cents) == (1000, 70)
