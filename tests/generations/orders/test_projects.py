"""Projects: who may order in one, what it may spend, and books that keep the project of the order."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.billing.budget import budget_of_project
from generations.billing.budget_alerts import send_budget_alerts
from generations.exceptions import OverBudgetError, ProjectRefusedError
from generations.fal.arguments import Endpoint, parse
from generations.flows.delete_account import delete_account
from generations.flows.remove_member import remove_member
from generations.models import Collection, Generation, ProjectMember, ProjectMove, Status
from generations.orders.place import Order, place_batch, place_retry
from tests.cast import make_generation, signed_in


@pytest.fixture
def spring(film: Team) -> Collection:
    return Collection.objects.create(team=film, name="Spring", client="Acme", monthly_limit_cents=100)


@pytest.fixture
def autumn(film: Team) -> Collection:
    return Collection.objects.create(team=film, name="Autumn", monthly_limit_cents=100)


def order_in(project: Collection | None, user: User, team: Team, seconds: int = 5) -> Order:
    values = {"prompt": "A fox", "duration": seconds, "aspect_ratio": "1:1"}
    endpoint = Endpoint.TEXT_TO_VIDEO
    return Order(user, team, uuid.uuid4(), endpoint, parse(endpoint, values), {}, project=project)


def left(project: Collection) -> int:
    found = budget_of_project(project)
    assert found
    return found.left


def moves() -> list[tuple[Any, ...]]:
    return list(ProjectMove.objects.values_list("generation", "origin__name", "target__name", "by"))


def test_order_lies_in_its_project_and_is_billed_to_it(film: Team, bob: User, spring: Collection) -> None:
    (row,) = place_batch([order_in(spring, bob, film)])
    row.refresh_from_db()

    assert (row.collection, row.billed_project) == (spring, spring)
    assert left(spring) == 65
    with pytest.raises(OverBudgetError, match=r"\$0\.65 is left of this month's \$1\.00 \(the project’s limit\)"):
        place_batch([order_in(spring, bob, film, 10)])
    assert Generation.objects.count() == 1


def test_other_projects_and_orders_without_one_do_not_count(
    film: Team, bob: User, spring: Collection, autumn: Collection
) -> None:
    place_batch([order_in(autumn, bob, film, 10)])
    place_batch([order_in(None, bob, film, 10)])

    assert (left(spring), left(autumn)) == (100, 30)


def test_batch_of_two_projects_asks_each_for_its_part(
    film: Team, bob: User, spring: Collection, autumn: Collection
) -> None:
    place_batch([order_in(spring, bob, film, 10), order_in(autumn, bob, film, 10)])
    assert (left(spring), left(autumn)) == (30, 30)

    with pytest.raises(OverBudgetError):
        place_batch([order_in(None, bob, film), order_in(autumn, bob, film)])
    assert Generation.objects.count() == 2


def test_refund_is_spent_again(film: Team, bob: User, spring: Collection) -> None:
    (row,) = place_batch([order_in(spring, bob, film, 10)])
    row.cancel(bob)

    assert left(spring) == 100


def test_month_begins_where_the_studio_is(bob: User, spring: Collection, settings: Any, monkeypatch: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 15, tzinfo=UTC))
    begin = datetime(2026, 11, 1, 4, tzinfo=UTC)
    for at, cents in ((begin - timedelta(seconds=1), 10), (begin, 25)):
        make_generation(bob, spring.team, cost_cents=cents, created_at=at, billed_project=spring)

    assert left(spring) == 75


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_against_money_for_seven_admit_seven(film: Team, bob: User, spring: Collection) -> None:
    Collection.objects.update(monthly_limit_cents=7 * 35 + 34)

    with ThreadPoolExecutor(50) as threads:
        admitted = list(threads.map(_try_to(lambda: place_batch([order_in(spring, bob, film)])), range(50)))

    assert (sum(admitted), Generation.objects.filter(billed_project=spring).count()) == (7, 7)


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


def _archive(project: Collection) -> None:
    Collection.objects.filter(pk=project.pk).update(archived_at=timezone.now())


def _delete(project: Collection) -> None:
    Collection.objects.filter(pk=project.pk).delete()


def _give_to_nobody_here(project: Collection) -> None:
    ProjectMember.objects.create(project=project, user=User.objects.get(name="Mallory"))


def _pass_to_another_team(project: Collection) -> None:
    Collection.objects.filter(pk=project.pk).update(team=User.objects.get(name="Bob").personal_team)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_archive, "The project Spring is archived."),
        (_delete, "The project has been deleted meanwhile."),
        (_give_to_nobody_here, "You are not a member of the project Spring."),
        (_pass_to_another_team, "The project Spring is of another team."),
    ],
)
def test_project_is_asked_for_at_the_moment_of_the_order(
    film: Team, bob: User, mallory: User, spring: Collection, change: Callable[[Collection], None], why: str
) -> None:
    order = order_in(spring, bob, film)
    change(spring)

    with pytest.raises(ProjectRefusedError, match=why):
        place_batch([order])
    assert not Generation.objects.exists()


def test_members_are_they_who_may_order(film: Team, alice: User, bob: User, victor: User, spring: Collection) -> None:
    """An owner always may, since owners set the budget; a viewer may not, member of the project or not."""
    everyone = (alice, bob, victor)
    assert [spring in Collection.objects.usable_by(user) for user in everyone] == [True, True, False]
    ProjectMember.objects.create(project=spring, user=victor)
    assert [spring in Collection.objects.usable_by(user) for user in everyone] == [True, False, False]
    ProjectMember.objects.create(project=spring, user=bob)
    assert [spring in Collection.objects.usable_by(user) for user in everyone] == [True, True, False]
    Membership.objects.filter(user=bob).delete()
    assert [spring in Collection.objects.usable_by(user) for user in everyone] == [True, False, False]


def test_move_keeps_the_books_and_is_written_down(
    film: Team, bob: User, spring: Collection, autumn: Collection
) -> None:
    (row,) = place_batch([order_in(spring, bob, film, 10)])
    for target in (autumn, autumn, None):
        Collection.objects.move([row], target, bob)
    row.refresh_from_db()

    assert (row.collection, row.billed_project) == (None, spring)
    assert (left(spring), left(autumn)) == (30, 100)
    assert moves() == [(row.pk, "Spring", "Autumn", bob.pk), (row.pk, "Autumn", None, bob.pk)]


def test_move_into_a_project_asks_for_the_same_rights(film: Team, bob: User, spring: Collection) -> None:
    row = make_generation(bob, film, Status.DONE)
    _archive(spring)

    with pytest.raises(ProjectRefusedError, match="archived"):
        Collection.objects.assign([row], "spring", bob)
    row.refresh_from_db()
    assert (row.collection, moves()) == (None, [])


def test_retry_is_billed_to_where_it_lies_now(film: Team, bob: User, spring: Collection, autumn: Collection) -> None:
    row = make_generation(bob, film, Status.FAILED, cost_cents=0, collection=autumn, billed_project=spring)
    again = place_retry(row, bob, uuid.uuid4())

    assert (again.collection, again.billed_project) == (autumn, autumn)
    _archive(autumn)
    address = reverse("generation-retry", args=[row.pk])
    page = signed_in(bob).post(address, {"idempotency_key": str(uuid.uuid4())}, follow=True).content.decode()
    assert "The project Autumn is archived." in page


def test_project_that_was_billed_can_not_be_deleted(
    film: Team, bob: User, spring: Collection, autumn: Collection
) -> None:
    (row,) = place_batch([order_in(spring, bob, film)])
    Collection.objects.move([row], autumn, bob)

    assert "billing records" in Collection.objects.delete_unused(spring)
    assert Collection.objects.delete_unused(autumn) == ""
    row.refresh_from_db()
    assert (row.collection, row.billed_project) == (None, spring)


def test_deleted_account_takes_the_words_of_its_projects_along(bob: User) -> None:
    own = Collection.objects.create(team=bob.personal_team, name="Zebedee", client="Acme")
    unused = Collection.objects.create(team=bob.personal_team, name="Florence")
    make_generation(bob, bob.personal_team, Status.DONE, billed_project=own, collection=own)
    assert delete_account(bob)

    own.refresh_from_db()
    assert (own.name, own.client) == (f"Project {own.pk}", "")
    assert not Collection.objects.filter(pk=unused.pk).exists()


@pytest.mark.parametrize("leave", [remove_member, lambda _film, bob, _alice: delete_account(bob)])
@pytest.mark.parametrize("stays", [False, True])
def test_project_stays_closed_when_its_members_go(
    film: Team, alice: User, bob: User, victor: User, spring: Collection, leave: Callable[..., object], stays: bool
) -> None:
    """Else those whom nobody chose could spend its budget from then on."""
    carol = User.objects.create_user("carol@example.com")
    Membership.objects.create(team=film, user=carol, role=Role.MEMBER)
    Membership.objects.filter(team=film, user=victor).update(role=Role.MEMBER)
    spring.members.set([bob, victor] if stays else [bob])
    leave(film, bob, alice)
    may = [user for user in (alice, carol, victor) if Collection.objects.usable_by(user).filter(pk=spring.pk).exists()]
    assert may == ([alice, victor] if stays else [alice])


@pytest.mark.parametrize("others", [False, True])
def test_who_comes_back_has_no_old_access(
    film: Team, alice: User, bob: User, victor: User, spring: Collection, others: bool
) -> None:
    spring.members.set([bob, victor] if others else [bob])
    elsewhere = Collection.objects.create(team=bob.personal_team, name="Own")
    elsewhere.members.set([bob])
    remove_member(film, bob, alice)
    Membership.objects.create(team=film, user=bob, role=Role.MEMBER)
    assert not Collection.objects.usable_by(bob).filter(pk=spring.pk).exists()
    assert set(spring.members.all()) == ({victor} if others else set())
    assert Collection.objects.usable_by(bob).filter(pk=elsewhere.pk).exists()


@pytest.mark.parametrize("place", [0, 1])
def test_deleted_account_with_a_project_called_as_another_will_be(bob: User, place: int) -> None:
    team = bob.personal_team
    own = [Collection.objects.create(team=team, name=name) for name in ("Zebedee", "Florence")]
    Collection.objects.rename(own[place].pk, f"project {own[1 - place].pk}")
    for each in own:
        make_generation(bob, team, Status.DONE, billed_project=each)
    assert delete_account(bob)

    names = Collection.objects.filter(team=team).order_by("pk").values_list("name", flat=True)
    assert list(names) == [f"Project {each.pk}" for each in own]


def test_budget_manager_is_told_of_each_threshold_once(
    film: Team, alice: User, bob: User, spring: Collection, mailoutbox: list[EmailMessage]
) -> None:
    make_generation(bob, film, Status.DONE, cost_cents=85, billed_project=spring)
    for _ in range(2):
        send_budget_alerts()

    told = [(mail.to, mail.subject) for mail in mailoutbox]
    assert told == [([alice.email], "80 % of the budget of the project Spring is used")]
