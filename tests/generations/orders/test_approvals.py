"""Requests above a team's amount wait for one approval, on the page or from the mail, by those who may give it."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.billing.budget import budget_of
from generations.fal.arguments import Endpoint, parse
from generations.models import Generation, Hold, Status
from generations.notifications import send_notifications
from generations.orders.approvals import decide, pending_approvals
from generations.orders.place import Order, place_batch, place_retry
from generations.pipeline import drive
from tests.cast import signed_in
from tests.sandbox_process import Sandbox

Mails = list[EmailMessage]


@pytest.fixture
def film(film: Team) -> Team:
    film.approval_above_cents = 100
    film.save(update_fields=["approval_above_cents"])
    return film


def order(user: User, team: Team, count: int = 3) -> list[Generation]:
    """So many of 35 cents."""
    arguments = parse(Endpoint.TEXT_TO_VIDEO, {"prompt": "A fox in the snow", "duration": 5, "aspect_ratio": "1:1"})
    key = uuid.uuid4()
    return place_batch(
        [
            Order(
                user=user,
                team=team,
                idempotency_key=key,
                endpoint=Endpoint.TEXT_TO_VIDEO,
                arguments=arguments,
                pictures={},
            )
        ]
        * count
    )


def statuses() -> set[str]:
    return set(Generation.objects.values_list("status", flat=True))


def link(mail: EmailMessage) -> str:
    found = re.search(r"http\S+(/teams/approve/\S+/)", str(mail.body))
    assert found
    return found[1]


def test_above_the_amount_nothing_is_sent_and_the_money_is_held(
    sandbox: Sandbox, film: Team, alice: User, bob: User
) -> None:
    Team.objects.filter(pk=film.pk).update(monthly_limit_cents=200)
    film.refresh_from_db()
    before = len(sandbox.records()["requests"])
    order(bob, film)
    drive()

    assert statuses() == {Status.HELD}
    assert len(sandbox.records()["requests"]) == before
    budget = budget_of(bob, film)
    assert budget
    assert budget.left == 95
    page = signed_in(bob).get(Generation.objects.all()[0].get_absolute_url()).content.decode()
    assert "This costs $1.05. Above $1.00 an admin of the team says yes first" in page


@pytest.mark.parametrize(("who", "count", "waits"), [("bob", 2, False), ("bob", 3, True), ("alice", 9, False)])
def test_small_requests_and_those_of_who_may_say_yes_go_at_once(
    film: Team, alice: User, bob: User, who: str, count: int, waits: bool
) -> None:
    order({"bob": bob, "alice": alice}[who], film, count)
    assert statuses() == {Status.HELD if waits else Status.QUEUED}


def test_yes_sends_all_of_one_press(sandbox: Sandbox, film: Team, alice: User, bob: User) -> None:
    rows = order(bob, film)
    page = signed_in(alice).get("/teams/film/approvals").content.decode()
    assert "$1.05" in page
    assert "asks for 3 videos" in page
    signed_in(alice).post("/teams/film/approvals", {"approval": rows[0].batch, "verb": "approve", "note": "Go on"})

    assert statuses() == {Status.QUEUED}
    assert Hold.objects.filter(verdict="released", decided_by=alice, note="Go on").count() == 3
    event = rows[0].events.latest("pk")
    assert (event.status, event.by, event.message) == (Status.QUEUED, alice, "Go on")


def test_no_costs_nothing_and_its_reason_reaches_who_asked(
    film: Team, alice: User, bob: User, mailoutbox: Mails
) -> None:
    rows = order(bob, film)
    signed_in(alice).post(
        "/teams/film/approvals", {"approval": rows[0].batch, "verb": "decline", "note": "Too many foxes"}
    )
    send_notifications()

    assert statuses() == {Status.REJECTED}
    assert sum(Generation.objects.values_list("cost_cents", flat=True)) == 0
    assert "Too many foxes" in signed_in(bob).get(rows[0].get_absolute_url()).content.decode()
    (mail,) = mailoutbox
    assert mail.to == ["bob@example.com"]
    assert "Too many foxes" in str(mail.body)


def test_mail_goes_once_to_who_may_and_decides_once(film: Team, alice: User, bob: User, mailoutbox: Mails) -> None:
    ada = User.objects.create_user("ada@example.com", name="Ada")
    Membership.objects.create(team=film, user=ada, role=Role.ADMIN)
    order(bob, film)
    send_notifications()
    send_notifications()

    assert sorted(mail.to[0] for mail in mailoutbox) == ["ada@example.com", "alice@example.com"]
    mails = {mail.to[0]: mail for mail in mailoutbox}
    html = str(mails["ada@example.com"].alternatives[0][0])  # type: ignore[attr-defined]
    assert link(mails["ada@example.com"]) in html
    assert mails["ada@example.com"].subject == "Bob asks to spend $1.05 in Film"

    nobody = Client()  # not signed in: the link stands for whom it was sent to
    assert "A fox in the snow" in nobody.get(link(mails["ada@example.com"])).content.decode()
    assert statuses() == {Status.HELD}
    answer = nobody.post(link(mails["ada@example.com"]), {"verb": "approve"})
    assert "Approved" in answer.content.decode()
    assert set(Hold.objects.values_list("decided_by", flat=True)) == {ada.pk}
    for mail in mailoutbox:
        assert nobody.get(link(mail)).status_code == 410
        assert nobody.post(link(mail), {"verb": "decline"}).status_code == 410
    assert statuses() == {Status.QUEUED}


def test_link_of_somebody_who_may_no_more_decides_nothing(
    film: Team, alice: User, bob: User, mailoutbox: Mails
) -> None:
    order(bob, film)
    send_notifications()
    Membership.objects.filter(team=film, user=alice).update(role=Role.VIEWER)

    assert Client().post(link(mailoutbox[0]), {"verb": "approve"}).status_code == 403
    assert statuses() == {Status.HELD}


def test_nobody_says_yes_to_their_own(film: Team, alice: User, bob: User) -> None:
    rows = order(bob, film)
    Membership.objects.filter(team=film, user=bob).update(role=Role.ADMIN)
    answer = signed_in(bob).post("/teams/film/approvals", {"approval": rows[0].batch, "verb": "approve"})

    assert answer.status_code == 403
    assert statuses() == {Status.HELD}


def test_admin_of_another_team_says_nothing(film: Team, alice: User, bob: User, mallory: User) -> None:
    rows = order(bob, film)
    slug = mallory.personal_team.slug
    answer = signed_in(mallory).post(f"/teams/{slug}/approvals", {"approval": rows[0].batch, "verb": "approve"})

    assert answer.status_code == 403
    assert statuses() == {Status.HELD}


def test_canceled_request_waits_for_nothing(film: Team, alice: User, bob: User, mailoutbox: Mails) -> None:
    rows = order(bob, film, 3)
    for row in rows:
        assert row.cancel(bob)
    send_notifications()

    assert pending_approvals(film) == []
    assert mailoutbox == []
    assert sum(Generation.objects.values_list("cost_cents", flat=True)) == 0


def test_another_try_of_a_large_one_waits_too(film: Team, alice: User, bob: User) -> None:
    Team.objects.filter(pk=film.pk).update(approval_above_cents=10)
    (row,) = order(bob, film, 1)
    (ask,) = pending_approvals(film)
    decide(ask, alice, "", is_yes=False)
    row.refresh_from_db()
    again = place_retry(row, bob, uuid.uuid4())

    assert again.status == Status.HELD


@pytest.mark.parametrize("data", [{"verb": "approve"}, {"approval": "x", "verb": "approve"}, {"verb": "sing"}])
def test_nonsense_is_a_bad_request(film: Team, alice: User, bob: User, data: dict[str, Any]) -> None:
    row, *_ = order(bob, film)
    answer = signed_in(alice).post("/teams/film/approvals", {"approval": row.batch, **data} if len(data) == 1 else data)
    assert answer.status_code == (400 if data != {"verb": "approve"} else 302)


@pytest.mark.django_db(transaction=True)
def test_yes_and_no_at_once_have_one_winner(film: Team, alice: User, bob: User) -> None:
    order(bob, film, 3)
    (ask,) = pending_approvals(film)

    def say(is_yes: bool) -> bool:
        try:
            return decide(ask, alice, "", is_yes=is_yes)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(say, [True, False]))
    for row in Generation.objects.all():
        (hold,) = Hold.objects.filter(generation=row)
        assert row.status == {"released": Status.QUEUED, "refused": Status.REJECTED}[hold.verdict]
