"""Users who are removed, demoted, suspended, deactivated or deleted lose everything in the same moment: their sessions
and what acts in their name. The rows of the table are the ways to lose rights; the tests are its columns.
"""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.core.mail import EmailMessage
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from accounts import invitations, membership
from accounts.models import Invitation, Membership, Team, User
from accounts.roles import Role
from generations.fal.arguments import Endpoint, parse
from generations.flows.delete_account import delete_account
from generations.flows.delete_team import delete_team
from generations.flows.remove_member import remove_member
from generations.models import Case, Cause, DecisionKind, Generation, Hold, Status
from generations.moderation import bulk
from generations.moderation.cases import open_case
from generations.moderation.decisions import suspend
from generations.notifications import send_notifications
from generations.orders.place import Order, place_order
from generations.views import drafts
from tests.cast import make_generation, signed_in

Mails = list[EmailMessage]
Ending = Callable[[Team, User, User, User], object]  # team, who loses, its owner, a moderator


def _remove(film: Team, ada: User, alice: User, mo: User) -> None:
    remove_member(film, ada, alice)


def _leave_team(film: Team, ada: User, alice: User, mo: User) -> None:
    remove_member(film, ada, ada)


def _demote(film: Team, ada: User, alice: User, mo: User) -> None:
    membership.change_role(film, ada, Role.MEMBER, alice)


def _demote_in_admin(film: Team, ada: User, alice: User, mo: User) -> None:
    Membership.objects.filter(team=film, user=ada).update(role=Role.VIEWER)


def _remove_in_admin(film: Team, ada: User, alice: User, mo: User) -> None:
    Membership.objects.filter(team=film, user=ada).delete()


def _suspend(film: Team, ada: User, alice: User, mo: User) -> None:
    suspend(ada, mo, "Spam", timezone.now() + timedelta(days=1))


def _deactivate(film: Team, ada: User, alice: User, mo: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False)


def _close_team(film: Team, ada: User, alice: User, mo: User) -> None:
    Generation.objects.filter(status=Status.HELD).update(
        status=Status.CANCELED, due_at=None, finished_at=timezone.now()
    )
    assert delete_team(film, alice, alice)


def _delete_account(film: Team, ada: User, alice: User, mo: User) -> None:
    assert delete_account(ada)


def _ask_for_second_factor(film: Team, ada: User, alice: User, mo: User) -> None:
    """Which ada has not set up."""
    Team.objects.filter(pk=film.pk).update(needs_second_factor=True)


ENDINGS: Final[dict[str, Ending]] = {
    "remove": _remove,
    "leave": _leave_team,
    "remove in the admin": _remove_in_admin,
    "demote": _demote,
    "demote in the admin": _demote_in_admin,
    "suspend": _suspend,
    "deactivate": _deactivate,
    "close the team": _close_team,
    "delete the account": _delete_account,
    "second factor": _ask_for_second_factor,
}
SHUT_OUT: Final = {"suspend", "deactivate", "delete the account"}
STAYS_IN: Final = {"demote", "demote in the admin"}  # the team, as less


@pytest.fixture
def ada(film: Team) -> User:
    """An admin of the team."""
    user = User.objects.create_user("ada@example.com", name="Ada")
    Membership.objects.create(team=film, user=user, role=Role.ADMIN)
    return user


@pytest.fixture
def mo(db: None) -> User:
    mo = User.objects.create_user("mo@example.com", is_staff=True)
    mo.user_permissions.set(Permission.objects.filter(codename="moderate"))
    return mo


@pytest.fixture(params=ENDINGS)
def ending(request: pytest.FixtureRequest, film: Team, ada: User, alice: User, mo: User) -> Callable[[], str]:
    """Carries it out, and says how it is called."""

    def end() -> str:
        ENDINGS[request.param](film, ada, alice, mo)
        return str(request.param)

    return end


def test_session_sees_the_team_no_more(film: Team, ada: User, alice: User, ending: Callable[[], str]) -> None:
    row = make_generation(alice, film, Status.DONE)
    client = signed_in(ada)
    assert client.get(row.get_absolute_url()).status_code == 200
    name = ending()

    expected = 403 if name == "suspend" else 302 if name in SHUT_OUT else 200 if name in STAYS_IN else 404
    assert client.get(row.get_absolute_url()).status_code == expected
    assert client.get("/teams/film/").status_code == (403 if name == "second factor" else expected)
    assert client.post("/teams/film/budget", {"limit": "1"}).status_code in {302, 403, 404}
    film.refresh_from_db()
    assert film.monthly_limit_cents is None


def test_live_updates_say_nothing(film: Team, ada: User, alice: User, ending: Callable[[], str]) -> None:
    """Also to a tab that is known, whose query is made once."""
    client = signed_in(ada)
    row = make_generation(alice, film, Status.DONE)
    for _ in range(2):
        assert str(row.pk) in client.get("/events?since=0").content.decode()
    name = ending()
    make_generation(alice, film, Status.DONE)

    answer = client.get("/events?since=0")
    assert (str(row.pk) in answer.content.decode()) is (name in STAYS_IN)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER, Role.ADMIN])
@pytest.mark.parametrize("email", ["", "mallory@example.com"])
def test_own_invitations_lead_nowhere(
    film: Team, ada: User, alice: User, mallory: User, ending: Callable[[], str], role: Role, email: str
) -> None:
    _, token = invitations.invite(film, ada, role, email=email, uses=1 if email else 5)
    address, client = f"/teams/join/{token}/", signed_in(mallory)
    assert client.get(address).status_code == 200
    ending()

    assert Client().get(address).status_code == 410
    assert client.get(address).status_code == client.post(address).status_code == 410
    assert not film.members.filter(pk=mallory.pk).exists()
    assert not Invitation.objects.open().exists()


def test_pages_show_no_dead_invitation_as_open(film: Team, ada: User, alice: User, ending: Callable[[], str]) -> None:
    invitations.invite(film, ada, Role.MEMBER, email="eve@example.org")
    name = ending()
    page = signed_in(alice).get("/teams/film/")
    assert page.status_code == (404 if name == "close the team" else 403 if name == "second factor" else 200)
    assert "eve@example.org" not in page.content.decode()


def test_mail_to_ones_own_address_is_dead_on_the_page_of_teams(
    film: Team, ada: User, mallory: User, ending: Callable[[], str]
) -> None:
    mallory.emailaddress_set.create(email=mallory.email, verified=True, primary=True)  # type: ignore[attr-defined]
    invitation, _ = invitations.invite(film, ada, Role.MEMBER, email=mallory.email)
    ending()
    client = signed_in(mallory)
    assert f"/teams/invitations/{invitation.pk}" not in client.get("/teams/").content.decode()
    assert client.post(f"/teams/invitations/{invitation.pk}").status_code == 410
    assert not film.members.filter(pk=mallory.pk).exists()


def test_session_that_came_by_the_link_makes_no_account(
    film: Team, ada: User, ending: Callable[[], str], settings: Any
) -> None:
    settings.SIGN_UP = "invite"
    _, token = invitations.invite(film, ada, Role.MEMBER, uses=5)
    client = Client()
    assert client.get(f"/teams/join/{token}/").status_code == 200
    ending()
    client.post("/accounts/signup/", {"email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD})
    assert not User.objects.filter(email="eve@example.org").exists()


def test_owner_who_is_an_admin_now_makes_no_owners(film: Team, alice: User, bob: User, mallory: User) -> None:
    Membership.objects.filter(team=film, user=bob).update(role=Role.OWNER)
    _, as_owner = invitations.invite(film, bob, Role.OWNER)
    _, as_admin = invitations.invite(film, bob, Role.ADMIN)
    Membership.objects.filter(team=film, user=bob).update(role=Role.ADMIN)

    client = signed_in(mallory)
    assert client.post(f"/teams/join/{as_owner}/").status_code == 410
    assert client.post(f"/teams/join/{as_admin}/").status_code == 302


def test_renewed_by_another_it_is_theirs(film: Team, ada: User, alice: User, mallory: User) -> None:
    invitation, _ = invitations.invite(film, ada, Role.MEMBER, email="mallory@example.com")
    token = invitations.renew(invitation, alice)
    remove_member(film, ada, alice)
    assert signed_in(mallory).post(f"/teams/join/{token}/").status_code == 302


# --- approval by mail -------------------------------------------------------------------------------------------------


@pytest.fixture
def link(film: Team, ada: User, bob: User, mailoutbox: Mails) -> str:
    """The address in ada's mail, to say yes or no to bob's request."""
    Team.objects.filter(pk=film.pk).update(approval_above_cents=10)
    film.refresh_from_db()
    arguments = parse(Endpoint.TEXT_TO_VIDEO, {"prompt": "A fox", "duration": 5, "aspect_ratio": "1:1"})
    place_order(
        Order(
            user=bob,
            team=film,
            idempotency_key=uuid.uuid4(),
            endpoint=Endpoint.TEXT_TO_VIDEO,
            arguments=arguments,
            pictures={},
        )
    )
    send_notifications()
    (mail,) = [mail for mail in mailoutbox if mail.to == [ada.email]]
    found = re.search(r"/approvals?/[^\s]+|/[a-z-]+/[^\s]*:[^\s]+", str(mail.body))
    assert found
    assert "/teams/approve/" in str(mail.body)
    return found[0]


def test_approval_link_is_dead(ada: User, link: str, ending: Callable[[], str]) -> None:
    client = Client()
    assert client.get(link).status_code == 200
    gone = 410 if ending() == "close the team" else 403  # a team is closed when nothing waits in it
    assert client.get(link).status_code == gone
    for verb in ("approve", "decline"):
        assert client.post(link, {"verb": verb}).status_code == gone
    assert not Hold.objects.exclude(verdict="").exists()


def test_no_mail_asks_whoever_may_not_decide(
    film: Team, ada: User, bob: User, link: str, mailoutbox: Mails, ending: Callable[[], str]
) -> None:
    Hold.objects.update(notified_at=None)
    ending()
    mailoutbox.clear()
    send_notifications()
    assert not [mail for mail in mailoutbox if ada.email in mail.to and "/teams/approve/" in str(mail.body)]


def test_no_link_decides_on_ones_own_request(film: Team, ada: User, link: str) -> None:
    Generation.objects.update(user=ada)
    assert Client().get(link).status_code == Client().post(link, {"verb": "approve"}).status_code == 403


# --- pages that are still open ----------------------------------------------------------------------------------------


def test_page_of_who_may_not_sign_in_keeps_nothing(
    film: Team, ada: User, alice: User, mo: User, ending: Callable[[], str]
) -> None:
    """Its signed name keeps a press for a person whose session has ended, and only as long as they may come back."""
    form = QueryDict(urlencode({"draft_owner": drafts.sign_owner(ada)}))
    assert drafts.owner_of(form) == ada
    name = ending()
    assert (drafts.owner_of(form) is None) is (name in SHUT_OUT)


# --- coming back ------------------------------------------------------------------------------------------------------


def test_who_was_removed_comes_back_by_a_new_invitation_alone(film: Team, alice: User, bob: User) -> None:
    bob.emailaddress_set.create(email=bob.email, verified=True, primary=True)  # type: ignore[attr-defined]
    Team.objects.filter(pk=film.pk).update(domains=["example.com"])
    _, old = invitations.invite(film, alice, Role.ADMIN, uses=5)
    client = signed_in(bob)
    remove_member(film, bob, alice)

    assert client.post(f"/teams/join/{old}/").status_code == 410
    assert client.post("/teams/film/join").status_code == 404
    assert "/teams/film/join" not in client.get("/teams/").content.decode()
    _, new = invitations.invite(film, alice, Role.MEMBER, uses=5)
    assert client.post(f"/teams/join/{new}/").status_code == 302
    assert film.members.filter(pk=bob.pk).exists()


def test_who_left_by_themselves_comes_back_as_they_like(film: Team, alice: User, bob: User) -> None:
    bob.emailaddress_set.create(email=bob.email, verified=True, primary=True)  # type: ignore[attr-defined]
    Team.objects.filter(pk=film.pk).update(domains=["example.com"])
    remove_member(film, bob, bob)
    assert signed_in(bob).post("/teams/film/join").status_code == 302
    assert film.members.filter(pk=bob.pk).exists()


# --- staff ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["suspend", "deactivate", "no moderator any more"])
def test_decisions_begun_in_ones_name_stop(film: Team, bob: User, mo: User, how: str) -> None:
    case: Case = open_case(make_generation(bob, film, Status.DONE), Cause.REPORT)
    begun = bulk.begin([case], DecisionKind.APPROVE, mo, "")
    if how == "suspend":
        User.objects.filter(pk=mo.pk).update(suspended_until=timezone.now() + timedelta(days=1))
    elif how == "deactivate":
        User.objects.filter(pk=mo.pk).update(is_active=False)
    else:
        mo.user_permissions.clear()
    bulk.resume()
    begun.refresh_from_db()
    assert (begun.decided, begun.skipped) == (0, 1)


PASSWORD: Final = "a long walk home"
