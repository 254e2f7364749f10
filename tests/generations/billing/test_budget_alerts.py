"""Alerts of a budget: at 50, 80 and 100 %, each once a month, to those who can do something about it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.billing.budget import budget_of, refuse_over_budget
from generations.billing.budget_alerts import send_budget_alerts
from generations.billing.usage import Month
from generations.exceptions import OverBudgetError
from generations.models import BudgetWarning, Generation, Status
from tests.cast import make_generation, signed_in

Mails = list[EmailMessage]


def limit(film: Team, cents: int) -> None:
    Team.objects.filter(pk=film.pk).update(monthly_limit_cents=cents)


def spend(user: User, team: Team, cents: int, **columns: Any) -> Generation:
    return make_generation(user, team, Status.DONE, cost_cents=cents, **columns)


def told(mails: Mails) -> list[tuple[str, str]]:
    """To whom, and of how much."""
    found = [(mail.to[0].partition("@")[0], mail.subject.partition(" %")[0]) for mail in mails]
    mails.clear()
    return found


def test_each_threshold_once_and_the_highest_alone(film: Team, alice: User, bob: User, mailoutbox: Mails) -> None:
    limit(film, 1000)
    seen = []
    for cents in (499, 1, 100, 250, 10, 200):
        spend(bob, film, cents)
        send_budget_alerts()
        send_budget_alerts()
        seen.append(told(mailoutbox))

    assert seen == [[], [("alice", "50")], [], [("alice", "80")], [], [("alice", "100")]]


def test_what_jumps_over_a_threshold_is_told_once(film: Team, alice: User, bob: User, mailoutbox: Mails) -> None:
    limit(film, 1000)
    spend(bob, film, 900)
    send_budget_alerts()

    assert told(mailoutbox) == [("alice", "80")]
    assert BudgetWarning.objects.count() == 2


def test_refund_and_new_spending_do_not_warn_again(film: Team, alice: User, bob: User, mailoutbox: Mails) -> None:
    limit(film, 1000)
    row = spend(bob, film, 600)
    send_budget_alerts()
    Generation.objects.filter(pk=row.pk).update(cost_cents=0)
    send_budget_alerts()
    spend(bob, film, 600)
    send_budget_alerts()

    assert told(mailoutbox) == [("alice", "50")]


def test_every_month_begins_anew(film: Team, alice: User, bob: User, mailoutbox: Mails) -> None:
    limit(film, 1000)
    spend(bob, film, 600)
    send_budget_alerts()
    BudgetWarning.objects.update(month=Month.now().plus(-1).first)
    mailoutbox.clear()
    send_budget_alerts()

    assert told(mailoutbox) == [("alice", "50")]


def test_what_was_spent_last_month_does_not_count(film: Team, alice: User, bob: User, mailoutbox: Mails) -> None:
    limit(film, 1000)
    spend(bob, film, 900, created_at=Month.now().begin - timedelta(seconds=1))
    assert send_budget_alerts() == 0


def test_owners_and_admins_hear_of_the_teams_and_a_member_of_theirs(
    film: Team, alice: User, bob: User, victor: User, mailoutbox: Mails
) -> None:
    Membership.objects.filter(team=film, user=victor).update(role=Role.ADMIN)
    limit(film, 1000)
    Membership.objects.filter(team=film, user=bob).update(monthly_limit_cents=500)
    spend(bob, film, 500)
    send_budget_alerts()

    assert sorted(told(mailoutbox)) == [("alice", "50"), ("bob", "100"), ("victor", "50")]


def test_mail_says_what_is_left_and_where_to_look(film: Team, alice: User, bob: User, mailoutbox: Mails) -> None:
    limit(film, 1000)
    spend(bob, film, 1000)
    send_budget_alerts()
    (mail,) = mailoutbox

    assert mail.subject == "100 % of the budget of Film is used"
    html = str(mail.alternatives[0][0])  # type: ignore[attr-defined]
    for part in (str(mail.body), html):
        assert "$0.00 is left of this month" in part
        assert "/teams/film/usage" in part
        assert "orders are refused" in part


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_send_one_mail(film: Team, alice: User, bob: User, mailoutbox: Mails) -> None:
    limit(film, 1000)
    spend(bob, film, 600)

    def warn(_: int) -> int:
        try:
            return send_budget_alerts()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(warn, range(4))) == 1


# --- one's own limit --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by_team", "own", "holds"), [(500, 300, 300), (300, 500, 300), (None, 300, 300), (500, None, 500)]
)
def test_lowest_limit_holds(film: Team, bob: User, by_team: int | None, own: int | None, holds: int) -> None:
    Membership.objects.filter(team=film, user=bob).update(monthly_limit_cents=by_team, own_limit_cents=own)
    budget = budget_of(bob, film)

    assert budget
    assert budget.limit == holds
    refuse_over_budget(bob, film, holds)
    with pytest.raises(OverBudgetError):
        refuse_over_budget(bob, film, holds + 1)


def test_own_limit_is_set_on_the_page_and_binds_nobody_else(film: Team, alice: User, bob: User) -> None:
    client = signed_in(bob)
    assert client.post("/teams/film/own-limit", {"limit": "x"}).status_code == 422
    client.post("/teams/film/own-limit", {"limit": "2.50"})

    assert Membership.objects.get(team=film, user=bob).own_limit_cents == 250
    assert budget_of(alice, film) is None
    assert 'value="2.50"' in client.get("/teams/film/").content.decode()
