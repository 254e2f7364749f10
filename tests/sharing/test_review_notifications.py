"""Who is told of a comment and of a verdict: by the bell at once, by one mail a quarter of an hour."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from accounts.models import Membership, User
from generations import tasks
from generations.models import Generation, Notification, ReviewStatus
from generations.notifications import send_notifications
from generations.notifications.bell import lines, unread
from sharing.models import Comment, Guest, Mention, ReviewMail, Verdict
from sharing.notifications import MAIL_AFTER, MAX_ATTEMPTS
from tests.sharing.cast import Shared, make_shared_video


@pytest.fixture
def row(shared: Shared) -> Generation:
    return shared.first


@pytest.fixture(autouse=True)
def _nothing_else_is_news(shared: Shared) -> None:
    Generation.objects.update(notified_at=timezone.now())
    Comment.objects.all().delete()
    Verdict.objects.all().delete()


def say(row: Generation, by: User | Guest, text: str = "Slower, please", **columns: object) -> Comment:
    who = {"user": by} if isinstance(by, User) else {"guest": by, "link": by.link}
    return Comment.objects.create(generation=row, text=text, **who, **columns)


def told() -> set[str]:
    """Whose bell has something of a review."""
    return set(Notification.objects.filter(kind="review").values_list("user__name", flat=True))


def a_quarter_later() -> None:
    ReviewMail.objects.update(at=timezone.now() - MAIL_AFTER)
    send_notifications()


def test_maker_reviewers_and_the_named_are_told_but_not_who_wrote_it(
    row: Generation, alice: User, bob: User, victor: User, mallory: User
) -> None:
    say(row, alice)
    send_notifications()
    assert told() == {"Bob"}

    Mention.objects.bulk_create(Mention(comment=say(row, bob), user=one) for one in (victor, mallory))
    send_notifications()

    assert told() == {"Alice", "Bob", "Victor"}, "mallory does not see the video"


def test_a_guest_reaches_the_maker(shared: Shared, bob: User) -> None:
    guest = Guest.objects.create(link=shared.link, name="Carla of Acme")
    say(shared.first, guest)
    Verdict.objects.create(generation=shared.first, guest=guest, kind=ReviewStatus.APPROVED)
    send_notifications()

    (line,) = lines(bob, 10)
    assert (line.text, line.detail) == ("2 new comments and verdicts", shared.first.prompt)
    assert line.address == f"/generations/{shared.first.pk}/review/"
    assert unread(bob).parts == ["1 reviewed video"]


def test_one_line_a_video_until_it_is_read(row: Generation, alice: User, bob: User) -> None:
    for _ in range(3):
        say(row, alice)
        send_notifications()
    assert [one.count for one in Notification.objects.filter(user=bob)] == [3]
    Notification.objects.update(read_at=timezone.now())

    say(row, alice)
    send_notifications()
    send_notifications()

    assert sorted(one.count for one in Notification.objects.filter(user=bob)) == [1, 3]


def test_one_mail_for_a_quarter_of_an_hour(
    shared: Shared, alice: User, bob: User, mailoutbox: list[EmailMessage]
) -> None:
    for row in (shared.first, shared.second):
        say(row, alice, f"About {row.prompt}", start_ms=1500)
    Verdict.objects.create(generation=shared.first, user=alice, kind=ReviewStatus.CHANGES_WANTED, note="Too dark")
    send_notifications()
    assert not mailoutbox

    a_quarter_later()
    send_notifications()

    (mail,) = mailoutbox
    assert mail.to == [bob.email]
    assert mail.subject == "3 new comments and verdicts"
    for words in ("About The secret prompt 1", "About The secret prompt 2", "Too dark", "1.5 s", "Alice"):
        assert words in mail.body


@pytest.mark.parametrize(
    "change",
    [
        "deleted",
        "hidden",
        "carried over",
        "old",
        "private again",
        "removed",
        "switched off",
        "deactivated",
        "in the trash",
    ],
)
def test_what_is_no_news_any_more_is_not_mailed(
    row: Generation, alice: User, bob: User, mailoutbox: list[EmailMessage], change: str
) -> None:
    now = timezone.now()
    Generation.objects.filter(pk=row.pk).update(user=alice, assigned_to=None)
    say(row, bob)
    send_notifications()
    ReviewMail.objects.all().delete()
    comment = say(row, alice, created_at=now - timedelta(days=2) if change == "old" else now)
    rows, mine = Comment.objects.filter(pk=comment.pk), Generation.objects.filter(pk=row.pk)
    changes: dict[str, Callable[[], object]] = {
        "deleted": lambda: rows.update(deleted_at=now),
        "hidden": lambda: rows.update(hidden_at=now),
        "carried over": lambda: rows.update(carried_from=Comment.objects.exclude(pk=comment.pk).get()),
        "old": lambda: None,
        "private again": lambda: mine.update(is_private=True),
        "removed": lambda: Membership.objects.filter(user=bob).exclude(team__personal_of=bob).delete(),
        "switched off": lambda: User.objects.filter(pk=bob.pk).update(
            notification_settings={"review": {"email": False, "bell": False}}
        ),
        "deactivated": lambda: User.objects.filter(pk=bob.pk).update(is_active=False),
        "in the trash": lambda: mine.update(trashed_at=now),
    }
    changes[change]()

    send_notifications()
    a_quarter_later()

    assert not mailoutbox
    assert not Notification.objects.filter(user=bob, kind="review").exists()


def test_a_mail_that_is_refused_comes_later_and_not_for_ever(
    row: Generation, alice: User, bob: User, mailoutbox: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def refuse(address: str, *_mail: object) -> bool:
        tries.append(address)
        return False

    monkeypatch.setattr("sharing.notifications.send_email", refuse)
    say(row, alice)
    send_notifications()

    for _ in range(MAX_ATTEMPTS + 3):
        a_quarter_later()

    assert len(tries) == MAX_ATTEMPTS
    assert not ReviewMail.objects.exists()


def test_a_video_of_somebody_else_is_told_to_whom_it_was_passed_on(shared: Shared, alice: User, bob: User) -> None:
    other = make_shared_video(bob, shared.link.team)
    Generation.objects.filter(pk=other.pk).update(assigned_to=alice)
    say(Generation.objects.get(pk=other.pk), bob)
    send_notifications()

    assert told() == {"Alice"}


def test_a_video_that_is_deleted_takes_along_what_was_said(
    shared: Shared, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "close_old_connections", lambda: None)  # the test's own
    for row in (shared.first, shared.second):
        say(row, alice)
        Verdict.objects.create(generation=row, user=alice, kind=ReviewStatus.APPROVED)
    send_notifications()
    assert shared.first.delete_permanently(shared.link.made_by)

    tasks.sweep()

    for model in (Comment, Verdict):
        assert {one.generation_id for one in model.objects.all()} == {shared.second.pk}
    assert set(ReviewMail.objects.values_list("comment__generation", flat=True)) == {None, shared.second.pk}
