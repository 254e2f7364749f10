"""The bell: who is told of what, for how long it may be seen, what the number says, and what it costs."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import invitations, membership
from accounts.models import Invitation, MembershipChange, Team, User
from accounts.notification_kinds import Channel, Kind
from accounts.roles import Role
from generations import holds
from generations.flows.delete_team import delete_team
from generations.flows.remove_member import remove_member
from generations.models import Case, Cause, DecisionKind, Generation, Hold, Notification, Report, Status
from generations.moderation.cases import open_case
from generations.moderation.decisions import decide
from generations.notifications import create_notifications, delete_old, send_notifications
from generations.notifications.bell import MOST_COUNTED, lines, mark_read, unread
from tests.cast import make_generation, signed_in

pytestmark = pytest.mark.django_db


def told(user: User) -> list[str]:
    """The lines, the newest first."""
    create_notifications()
    found = [line.text for line in lines(user, 20)]
    assert unread(user).total == len(found)
    return found


def ask_for_approval(user: User, team: Team, count: int = 2) -> list[Generation]:
    batch = uuid.uuid4()
    rows = [make_generation(user, team, Status.HELD, batch=batch, batch_index=index) for index in range(count)]
    Hold.objects.bulk_create(Hold(generation=row, kind=Hold.Kind.APPROVAL, reason="x") for row in rows)
    return rows


def verify(user: User) -> None:
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)


def report(row: Generation, by: User) -> Report:
    open_case(row, Cause.REPORT)
    return Report.objects.create(generation=row, reporter=by, reason="hate")


# --- who is told of what


def test_order_is_told_once_when_it_has_ended(film: Team, alice: User, bob: User) -> None:
    batch = uuid.uuid4()
    for index, status in enumerate((Status.DONE, Status.DONE, Status.FAILED)):
        make_generation(bob, film, status, batch=batch, batch_index=index)

    assert told(bob) == told(bob) == ["2 videos are ready, 1 failed"]
    assert told(alice) == []
    (line,) = lines(bob, 5)
    assert (line.detail, line.address) == (
        "A fox in the snow",
        Generation.objects.get(batch=batch, batch_index=0).get_absolute_url(),
    )


def test_approval_is_told_to_who_may_give_it_for_as_long_as_it_waits(
    film: Team, alice: User, bob: User, victor: User
) -> None:
    rows = ask_for_approval(bob, film)

    assert told(alice) == ["Bob asks for 2 videos in Film"]
    assert told(bob) == told(victor) == []
    assert lines(alice, 5)[0].address == "/teams/film/approvals"
    for hold in Hold.objects.filter(generation__in=rows):
        holds.release(hold, alice)
    assert told(alice) == []


def test_approval_is_not_shown_to_who_may_not_give_it_any_more(
    film: Team, alice: User, bob: User, victor: User
) -> None:
    membership.change_role(film, victor, Role.ADMIN, alice)
    ask_for_approval(bob, film)
    assert "Bob asks for 2 videos in Film" in told(victor)
    membership.change_role(film, victor, Role.MEMBER, alice)

    assert told(victor)[0] == "You are now Member in Film"
    assert not any("asks" in text for text in told(victor))


def test_private_request_is_asked_for_without_its_prompt(film: Team, alice: User, bob: User) -> None:
    row = make_generation(bob, film, Status.HELD, is_private=True)
    Hold.objects.create(generation=row, kind=Hold.Kind.APPROVAL, reason="x")

    assert told(alice) == ["Bob asks for a video in Film"]
    assert lines(alice, 5)[0].detail == "(private)"


def test_invitation_is_told_to_who_has_shown_the_address_to_be_theirs(film: Team, alice: User, mallory: User) -> None:
    invitation, _ = invitations.invite(film, alice, Role.VIEWER, email=mallory.email)
    assert told(mallory) == []
    verify(mallory)

    assert told(mallory) == ["Alice invites you to Film as Viewer"]
    invitations.accept_invitation(invitation, mallory)
    assert told(mallory) == []


@pytest.mark.parametrize("end", ["revoked", "expired", "sender removed"])
def test_invitation_that_leads_nowhere_is_gone(film: Team, alice: User, bob: User, mallory: User, end: str) -> None:
    verify(mallory)
    membership.change_role(film, bob, Role.ADMIN, alice)
    invitation, _ = invitations.invite(film, bob, Role.VIEWER, email=mallory.email)
    assert len(told(mallory)) == 1
    match end:
        case "revoked":
            invitation.delete()
        case "expired":
            Invitation.objects.update(expires_at=timezone.now())
        case _:
            remove_member(film, bob, alice)

    assert told(mallory) == []


def test_removal_is_told_by_the_name_that_the_team_had(film: Team, alice: User, bob: User) -> None:
    remove_member(film, bob, alice)
    create_notifications()
    Team.objects.filter(pk=film.pk).update(name="Secret new name")

    assert told(bob) == ["You were removed from Film"]
    send_notifications()
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["bob@example.com"], "You were removed from Film")
    assert "Alice did this." in str(message.body)
    assert "Secret" not in str(message.message())


def test_who_leaves_by_themselves_is_told_nothing(film: Team, alice: User, bob: User) -> None:
    remove_member(film, bob, bob)

    assert told(bob) == []
    assert not MembershipChange.objects.exists()


def test_change_of_role_is_told_and_mailed(film: Team, alice: User, bob: User) -> None:
    membership.change_role(film, bob, Role.MEMBER, alice)  # which he is
    membership.change_role(film, bob, Role.ADMIN, alice)

    assert told(bob) == ["You are now Admin in Film"]
    send_notifications()
    assert [(message.to, message.subject) for message in mail.outbox] == [
        (["bob@example.com"], "You are now Admin in Film")
    ]


def test_group_of_the_provider_that_changes_a_role_is_told_too(film: Team, alice: User, mallory: User) -> None:
    membership.apply_group_role(film, mallory, Role.MEMBER)
    membership.apply_group_role(film, mallory, Role.ADMIN)
    membership.apply_group_role(film, mallory, None)

    assert told(mallory) == ["You were removed from Film"]  # of a role that is gone nothing is said
    send_notifications()
    assert "groups" in str(mail.outbox[-1].body)


def test_deleted_team_is_told_to_all_but_who_deleted_it(film: Team, alice: User, bob: User, victor: User) -> None:
    assert delete_team(film, alice, bob)

    assert told(bob) == told(victor) == ["The team Film was deleted"]
    assert told(alice) == []
    send_notifications()
    assert {message.to[0] for message in mail.outbox} == {"bob@example.com", "victor@example.com"}


def test_taken_down_video_is_told_to_its_owner_with_the_reason_and_to_who_manages_the_team_without(
    case: Case, film: Team, alice: User, bob: User, victor: User, mo: User
) -> None:
    decide(case, DecisionKind.TAKE_DOWN, mo, "It shows a secret")

    assert told(bob) == ["A video of yours was removed"]
    assert told(alice) == ["A video in Film was taken down"]
    assert told(victor) == told(mo) == []
    assert [line.detail for line in (*lines(bob, 5), *lines(alice, 5))] == ["It shows a secret", ""]
    send_notifications()
    texts = {message.to[0]: str(message.message()) for message in mail.outbox}
    assert set(texts) == {"bob@example.com", "alice@example.com"}
    assert "It shows a secret" in texts["bob@example.com"]
    assert "secret" not in texts["alice@example.com"]
    assert "A fox" not in texts["alice@example.com"]


def test_many_taken_down_together_make_one_line_for_who_manages_the_team(
    film: Team, alice: User, bob: User, mo: User
) -> None:
    for _ in range(3):
        decide(open_case(make_generation(bob, film, Status.DONE), Cause.REPORT), DecisionKind.TAKE_DOWN, mo, "x")

    assert told(alice) == ["3 videos in Film were taken down"]
    assert len(told(bob)) == 3


def test_private_video_that_is_taken_down_is_told_to_its_owner_alone(
    film: Team, alice: User, bob: User, mo: User
) -> None:
    row = make_generation(bob, film, Status.DONE, is_private=True)
    decide(open_case(row, Cause.FLAG), DecisionKind.TAKE_DOWN, mo, "x")

    assert told(bob) == ["A video of yours was removed"]
    assert told(alice) == []


def test_report_is_told_to_moderators_and_managers_but_neither_to_its_maker_nor_to_who_reported(
    film: Team, alice: User, bob: User, victor: User, mo: User
) -> None:
    row = make_generation(bob, film, Status.DONE)
    report(row, victor)
    mine = make_generation(alice, film, Status.DONE)
    report(mine, victor)
    Generation.objects.update(notified_at=timezone.now())

    assert [text.partition(":")[0] for text in told(mo)] == ["A video in Film was reported"] * 2
    assert len(told(alice)) == 1
    assert told(bob) == told(victor) == []
    assert {line.address for line in lines(alice, 5)} == {row.get_absolute_url()}
    assert f"/admin/generations/case/?q={row.pk}" in {line.address for line in lines(mo, 5)}
    decide(Case.objects.get(generation=row), DecisionKind.APPROVE, mo)
    assert told(alice) == []
    assert len(told(mo)) == 1


def test_moderator_who_is_one_no_more_reads_of_no_report(film: Team, bob: User, victor: User, mo: User) -> None:
    report(make_generation(bob, film, Status.DONE), victor)
    assert len(told(mo)) == 1
    mo.groups.clear()

    assert told(mo) == []


@pytest.mark.parametrize("then", ["trash", "taken down", "left"])
def test_order_is_shown_no_longer_than_its_video(film: Team, alice: User, bob: User, mo: User, then: str) -> None:
    row = make_generation(bob, film, Status.DONE)
    assert told(bob) == ["Your video is ready"]
    match then:
        case "trash":
            row.move_to_trash(bob)
        case "taken down":
            row.take_down(mo, "x")
        case _:
            remove_member(film, bob, bob)

    assert told(bob) == []
    assert "A fox" not in signed_in(bob).get("/notifications/").content.decode()


# --- switches


@pytest.mark.parametrize("channel", [Channel.BELL, Channel.EMAIL])
def test_kind_is_switched_off_in_one_channel_alone(film: Team, alice: User, bob: User, channel: Channel) -> None:
    User.objects.filter(pk=bob.pk).update(notification_settings={Kind.MEMBERSHIP: {channel: False}})
    remove_member(film, bob, alice)
    mails = send_notifications()

    assert (len(told(bob)), mails) == ((0, 1) if channel == Channel.BELL else (1, 0))


# --- reading


def test_number_goes_to_nine_and_more_and_looking_is_not_reading(film: Team, bob: User) -> None:
    for _ in range(12):
        make_generation(bob, film, Status.DONE)
    create_notifications()
    client = signed_in(bob)
    for address in ("/notifications/", "/notifications/menu", "/"):
        page = client.get(address).content.decode()

    assert ">9+</b>" in page
    assert "12 finished orders" in client.get("/notifications/menu").content.decode()
    assert client.post("/notifications/read").headers["Location"] == "/notifications/"
    assert unread(bob).total == 0
    assert "Nothing new" not in client.get("/notifications/").content.decode()


def test_one_is_read_and_nobody_elses(film: Team, alice: User, bob: User) -> None:
    for _ in range(2):
        make_generation(bob, film, Status.DONE)
    make_generation(alice, film, Status.DONE)
    create_notifications()
    client = signed_in(bob)
    for one in (Notification.objects.filter(user=bob)[0], Notification.objects.get(user=alice)):
        assert (
            client.post("/notifications/read", {"id": str(one.pk)}, HTTP_ACCEPT="application/json").status_code == 204
        )

    assert [unread(bob).total, unread(alice).total] == [1, 1]


def test_what_came_after_the_page_stays_unread(film: Team, bob: User) -> None:
    make_generation(bob, film, Status.DONE)
    create_notifications()
    until = timezone.now()
    make_generation(bob, film, Status.DONE)
    create_notifications()
    mark_read(bob, until)

    assert unread(bob).total == 1


@pytest.mark.parametrize("data", [{"id": "x"}, {"until": "x"}, {"until": "9" * 30}])
def test_nonsense_is_refused(bob: User, data: dict[str, str]) -> None:
    assert signed_in(bob).post("/notifications/read", data).status_code == 400


def test_empty_bell_says_so(bob: User) -> None:
    page = signed_in(bob).get("/notifications/").content.decode()

    assert "Nothing new." in page
    assert "Mark all read" not in page


def test_staff_who_act_as_somebody_see_the_lines_and_mark_nothing(film: Team, bob: User) -> None:
    make_generation(bob, film, Status.DONE)
    create_notifications()
    staff = signed_in(User.objects.create_superuser("root@example.com", "x"))
    staff.post(f"/admin/accounts/user/{bob.pk}/impersonate/", {"reason": "Ticket 17: his bell does not ring"})

    assert "Your video is ready" in staff.get("/notifications/").content.decode()
    assert "Your video is ready" in staff.get("/notifications/menu").content.decode()
    assert staff.post("/notifications/read").status_code == 403
    assert unread(bob).total == 1


# --- the poll, and what it costs


def test_poll_tells_the_number_when_it_moves_and_asks_no_more_than_once_otherwise(film: Team, bob: User) -> None:
    client, since = signed_in(bob), int(timezone.now().timestamp() * 1000) + 4000
    address = f"/events?since={since}"
    assert client.get(address).status_code == 204
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 204
    assert len(queries) <= 1
    make_generation(bob, film, Status.DONE, changed_at=timezone.now() - timedelta(hours=2))
    create_notifications()
    before = int(timezone.now().timestamp() * 1000)

    assert client.get(f"/events?since={before}").json()["unread"] == 1
    client.post("/notifications/read")
    assert client.get(f"/events?since={before}").json()["unread"] == 0


def test_bell_costs_one_query_and_another_where_something_is_unread(
    film: Team, alice: User, bob: User, victor: User, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        make_generation(bob, film, Status.DONE)
    create_notifications()
    Notification.objects.bulk_create(
        Notification(user=alice, kind=Kind.MEMBERSHIP, change=None, created_at=timezone.now()) for _ in range(70)
    )
    for person, queries, number in ((victor, 1, 0), (bob, 2, 3), (alice, 2, MOST_COUNTED)):
        with django_assert_num_queries(queries):
            assert unread(person).total == number


def test_old_ones_are_deleted(film: Team, bob: User) -> None:
    make_generation(bob, film, Status.DONE)
    create_notifications()
    Notification.objects.update(created_at=timezone.now() - timedelta(days=91))

    assert delete_old() == 1
    assert not Notification.objects.exists()
