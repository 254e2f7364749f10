"""Private work stays with its owner when they leave a team, in whichever way, until they decide or time is up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F
from django.utils import timezone

from accounts import membership
from accounts.models import FormerMembership, Membership, Team, User
from accounts.roles import Role
from generations.flows.delete_account import delete_account
from generations.flows.delete_team import delete_team
from generations.flows.private_work import notify_former_members, trash_undecided
from generations.flows.remove_member import remove_member
from generations.models import Generation, Status
from generations.storage.cleanup import empty_trash
from tests.cast import make_generation, make_input_picture, make_video, signed_in

Mails = list[EmailMessage]


def _removed(film: Team, bob: User, alice: User) -> None:
    signed_in(alice).post(f"/teams/film/members/{bob.pk}/remove", {"assigned_to": ""})


def _removed_with_assigned_to(film: Team, bob: User, alice: User) -> None:
    """The owner names themselves."""
    signed_in(alice).post(f"/teams/film/members/{bob.pk}/remove", {"assigned_to": str(alice.pk)})


def _left(film: Team, bob: User, alice: User) -> None:
    signed_in(bob).post("/teams/film/leave", {"assigned_to": ""})


def _closed_with_heir(film: Team, bob: User, alice: User) -> None:
    assert not delete_team(film, alice, alice), "a member hears of it first"
    remove_member(film, bob, alice)
    signed_in(alice).post("/teams/film/delete", {"heir": str(alice.pk), "name": "Film"})


def _closed_with_nobody(film: Team, bob: User, alice: User) -> None:
    remove_member(film, bob, alice)
    signed_in(alice).post("/teams/film/delete", {"heir": "nobody", "name": "Film"})


def _group_ended(film: Team, bob: User, alice: User) -> None:
    Membership.objects.filter(user=bob, team=film).update(by_group=True)
    membership.apply_group_role(film, bob, None)


def _owner_gone(film: Team, bob: User, alice: User) -> None:
    """Bob was removed before, and the team ends with its last owner's account."""
    remove_member(film, bob, alice)
    Membership.objects.filter(team=film).exclude(user=alice).delete()
    assert delete_account(alice)


ENDINGS: Final[dict[str, Callable[[Team, User, User], None]]] = {
    "removed": _removed,
    "removed, the owner as assigned_to": _removed_with_assigned_to,
    "left": _left,
    "team deleted, an heir": _closed_with_heir,
    "team deleted, nobody": _closed_with_nobody,
    "group ended": _group_ended,
    "owner's account deleted": _owner_gone,
}


@pytest.fixture(params=ENDINGS)
def ended(request: pytest.FixtureRequest, film: Team, bob: User, alice: User, victor: User, row: Generation) -> str:
    Membership.objects.filter(user=victor, team=film).update(role=Role.ADMIN)
    ENDINGS[request.param](film, bob, alice)
    return str(request.param)


@pytest.fixture
def row(film: Team, bob: User) -> Generation:
    row = make_generation(bob, film, Status.DONE, is_private=True, prompt="A secret fox")
    make_video(row)
    make_input_picture(row)
    return row


BYTES: Final = ("", "panel", "card", "video", "poster", "download", "input/start")


def test_owner_sees_it_and_nobody_else(
    film: Team, alice: User, bob: User, victor: User, row: Generation, ended: str
) -> None:
    row.refresh_from_db()
    assert row.is_private
    assert row.deleted_at is None
    owner = signed_in(bob)
    for name in BYTES:
        address = f"/generations/{row.pk}/{name}"
        assert owner.get(address).status_code in {200, 302}, name
        for other in (alice, victor):
            assert signed_in(other).get(address).status_code in {404, 302 if not _is_there(other) else 404}, name
    for address in ("/", "/?q=secret", "/former-teams/"):
        assert "A secret fox" in owner.get(address).content.decode(), address
        for other in (alice, victor):
            assert "A secret fox" not in signed_in(other).get(address).content.decode()
    assert "former-teams" in owner.get("/").content.decode()
    for other in (alice, victor):
        assert not Generation.objects.visible_to(other).filter(pk=row.pk).exists()


def _is_there(user: User) -> bool:
    user.refresh_from_db()
    return user.is_active


def test_it_gives_the_owner_nothing_else_of_the_team(film: Team, alice: User, bob: User, row: Generation) -> None:
    shown = make_generation(bob, film, Status.DONE, prompt="A shown fox")
    others = make_generation(alice, film, Status.DONE, prompt="Another fox")
    remove_member(film, bob, alice)
    client = signed_in(bob)

    for other in (shown, others):
        assert client.get(other.get_absolute_url()).status_code == 404
    assert set(Generation.objects.visible_to(bob)) == {row}
    for address in ("", "usage", "queue", "usage.csv", "approvals"):
        assert client.get(f"/teams/film/{address}").status_code == 404
    for verb in ("retry", "tags", "collection"):
        assert client.post(f"/generations/{row.pk}/{verb}").status_code == 403


def test_live_updates_tell_the_owner_alone(film: Team, alice: User, bob: User, row: Generation) -> None:
    remove_member(film, bob, alice)
    for _ in range(2):
        assert str(row.pk) in signed_in(bob).get("/events?since=0").content.decode()
        assert signed_in(alice).get("/events?since=0").status_code == 204


def test_former_owner_shows_it_and_then_it_is_the_teams(film: Team, alice: User, bob: User, row: Generation) -> None:
    remove_member(film, bob, alice)
    client = signed_in(bob)
    client.post(f"/generations/{row.pk}/privacy", {"seen_by": "team"})
    assert signed_in(alice).get(row.get_absolute_url()).status_code == 200
    assert client.get(row.get_absolute_url()).status_code == 404
    assert client.post(f"/generations/{row.pk}/privacy", {"seen_by": "me"}).status_code == 404


@pytest.mark.parametrize(("verb", "for_alice", "in_trash"), [("show", True, False), ("delete", False, True)])
def test_all_of_a_team_at_once(
    film: Team, alice: User, bob: User, row: Generation, verb: str, for_alice: bool, in_trash: bool
) -> None:
    remove_member(film, bob, alice)
    client = signed_in(bob)
    assert client.post(f"/former-teams/{film.pk}", {"verb": "sell"}).status_code == 400
    assert client.post(f"/former-teams/{film.pk}", {"verb": verb}).status_code == 302

    assert Generation.objects.visible_to(alice).filter(pk=row.pk).exists() is for_alice
    assert Generation.objects.in_trash_of(bob).filter(pk=row.pk).exists() is in_trash
    assert not Generation.objects.visible_to(bob).exists()


@pytest.mark.parametrize("who", ["alice", "bob", "mallory"])
def test_whoever_has_not_left_decides_nothing(
    film: Team, alice: User, bob: User, mallory: User, row: Generation, who: str
) -> None:
    person = {"alice": alice, "bob": bob, "mallory": mallory}[who]
    assert signed_in(person).post(f"/former-teams/{film.pk}", {"verb": "show"}).status_code == 404
    row.refresh_from_db()
    assert row.is_private


def test_owner_hands_all_over_themselves(film: Team, alice: User, bob: User, victor: User, row: Generation) -> None:
    signed_in(bob).post("/teams/film/leave", {"assigned_to": str(victor.pk)})
    assert Generation.objects.visible_to(victor).get() == row
    assert not Generation.objects.visible_to(bob).exists()
    remove_member(film, victor, alice)
    assert Generation.objects.visible_to(victor).get() == row, "who has it now keeps it"
    assert not Generation.objects.visible_to(alice).exists()


def test_who_passed_on_before_takes_nothing_back_by_leaving_again(
    film: Team, alice: User, bob: User, victor: User
) -> None:
    row = make_generation(bob, film, Status.DONE, assigned_to=victor)
    remove_member(film, bob, alice)
    row.refresh_from_db()
    assert row.assigned_to == victor


def test_who_comes_back_sees_the_team_again(film: Team, alice: User, bob: User, row: Generation) -> None:
    others = make_generation(alice, film, Status.DONE)
    remove_member(film, bob, alice)
    Membership.objects.create(team=film, user=bob, role=Role.MEMBER)
    assert set(Generation.objects.visible_to(bob)) == {row, others}


# --- the time to decide -----------------------------------------------------------------------------------------------


def test_mail_tells_and_thirty_days_later_it_is_in_the_trash(
    film: Team, alice: User, bob: User, row: Generation, mailoutbox: Mails
) -> None:
    remove_member(film, bob, alice)
    for _ in range(2):
        sweep()
    (notice,) = mailoutbox
    assert notice.to == [bob.email]
    assert "/former-teams/" in str(notice.body)
    assert "A secret fox" not in str(notice.body)

    _pass(days=29)
    sweep()
    assert Generation.objects.visible_to(bob).exists()
    _pass(days=2)
    sweep()
    assert not Generation.objects.visible_to(bob).exists()
    assert "A secret fox" in signed_in(bob).get("/trash/").content.decode()
    assert "A secret fox" not in signed_in(alice).get("/trash/").content.decode()
    row.refresh_from_db()
    assert (row.deleted_at, row.is_private) == (None, True)
    assert row.events.order_by("-id")[0].by is None

    Generation.objects.update(trashed_at=timezone.now() - timedelta(days=31))
    sweep()
    row.refresh_from_db()
    assert row.deleted_at
    assert len(mailoutbox) == 1


def test_time_begins_with_a_mail_that_was_sent(
    film: Team, alice: User, bob: User, row: Generation, settings: Any, mailoutbox: Mails
) -> None:
    remove_member(film, bob, alice)
    settings.EMAIL_BACKEND = "tests.security.test_private_work.BrokenBackend"
    assert notify_former_members() == 0
    FormerMembership.objects.update(left_at=timezone.now() - timedelta(days=90))
    assert trash_undecided() == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert notify_former_members() == 1
    assert trash_undecided() == 0


class BrokenBackend(BaseEmailBackend):
    def send_messages(self, _messages: Any) -> int:
        raise OSError("no server")


def test_nothing_is_said_where_nothing_is_private(film: Team, alice: User, bob: User, mailoutbox: Mails) -> None:
    make_generation(bob, film, Status.DONE)
    remove_member(film, bob, alice)
    assert (notify_former_members(), mailoutbox) == (0, [])
    assert "former-teams" not in signed_in(bob).get("/").content.decode()


def test_who_came_back_loses_nothing(film: Team, alice: User, bob: User, row: Generation) -> None:
    remove_member(film, bob, alice)
    notify_former_members()
    Membership.objects.create(team=film, user=bob, role=Role.MEMBER)
    _pass(days=60)
    assert trash_undecided() == 0


def test_leaving_again_gives_the_whole_time_again(film: Team, alice: User, bob: User, row: Generation) -> None:
    remove_member(film, bob, alice)
    notify_former_members()
    _pass(days=60)
    Membership.objects.create(team=film, user=bob, role=Role.MEMBER)
    remove_member(film, bob, alice)
    assert trash_undecided() == 0
    assert notify_former_members() == 1


def test_what_still_renders_stays_and_is_decided_on_later(film: Team, alice: User, bob: User) -> None:
    row = make_generation(bob, film, Status.RENDERING, is_private=True)
    remove_member(film, bob, alice)
    notify_former_members()
    _pass(days=60)
    assert trash_undecided() == 0
    assert signed_in(bob).get(row.get_absolute_url()).status_code == 200


def test_team_is_deleted_in_spite_of_what_former_members_kept_private(
    film: Team, alice: User, bob: User, row: Generation
) -> None:
    page = signed_in(alice).get("/teams/film/delete").content.decode()
    assert "A secret fox" not in page
    remove_member(film, bob, alice)
    assert delete_team(film, alice, alice)
    row.refresh_from_db()
    assert (row.assigned_to, row.deleted_at) == (None, None)
    assert notify_former_members() == 1


def test_account_of_who_has_left_takes_it_along(film: Team, alice: User, bob: User, row: Generation) -> None:
    remove_member(film, bob, alice)
    assert delete_account(bob)
    row.refresh_from_db()
    assert row.deleted_at
    assert not FormerMembership.objects.exists()


def sweep() -> None:
    """What the hourly task does."""
    notify_former_members()
    trash_undecided()
    empty_trash()


def _pass(days: int) -> None:
    FormerMembership.objects.update(notified_at=F("notified_at") - timedelta(days=days))
