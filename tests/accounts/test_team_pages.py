"""Teams: founded, renamed, joined and left; who may do what there, by the table of roles."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import invitations, membership
from accounts.membership import MembershipError
from accounts.models import Invitation, Membership, Team, User
from accounts.roles import ACTION_LABELS, ROLE_ACTIONS, Action, Role
from accounts.team_urls import urlpatterns
from generations.models import Generation, Status
from generations.notifications import send_notifications
from tests.cast import make_generation, signed_in
from tests.html import id_faults

PEOPLE = ("nobody", "mallory", "mona", "victor", "bob", "ada", "alice")


@pytest.fixture
def ada(film: Team) -> User:
    ada = User.objects.create_user("ada@example.com", name="Ada")
    Membership.objects.create(team=film, user=ada, role=Role.ADMIN)
    return ada


@pytest.fixture
def people(alice: User, ada: User, bob: User, victor: User, mallory: User, mona: User) -> dict[str, User | None]:
    return dict(zip(PEOPLE, (None, mallory, mona, victor, bob, ada, alice), strict=True))


# (address under /teams/, what is posted or None for a GET) -> the answers to PEOPLE
MANAGERS = (302, 404, 404, 403, 403, 302, 302)
TABLE: dict[str, tuple[str, dict[str, Any] | None, tuple[int, ...]]] = {
    "teams": ("", None, (302, 200, 200, 200, 200, 200, 200)),
    "teams, founded": ("", {"name": "Another"}, (302,) * 7),
    "team": ("film/", None, (302, 404, 404, 200, 200, 200, 200)),
    "team, renamed": ("film/", {"name": "Movies"}, MANAGERS),
    "team-budget": ("film/budget", {"limit": "5"}, MANAGERS),
    "team-approval-amount": ("film/approval-amount", {"limit": "2"}, MANAGERS),
    "team-own-limit": ("film/own-limit", {"limit": "3"}, (302, 404, 404, 302, 302, 302, 302)),
    "team-join": ("film/join", {}, (302, 404, 404, 404, 404, 404, 404)),
    "team-second-factor": ("film/second-factor", {"needed": "no"}, (302, 404, 404, 403, 403, 403, 302)),
    "team-domains": ("film/domains", {"domains": ""}, MANAGERS),
    "team-member, role": ("film/members/{victor}", {"verb": "role", "role": "member"}, MANAGERS),
    "team-member, owner": (
        "film/members/{bob}",
        {"verb": "role", "role": "owner"},
        (302, 404, 404, 403, 403, 403, 302),
    ),
    "team-member, limit": ("film/members/{victor}", {"verb": "limit", "limit": ""}, MANAGERS),
    "team-invite": ("film/invitations", {"email": "new@example.com", "role": "member"}, MANAGERS),
    "team-invite, owner": (
        "film/invitations",
        {"email": "new@example.com", "role": "owner"},
        (302, 404, 404, 403, 403, 422, 302),
    ),
    "team-link": ("film/links", {"uses": "3", "role": "viewer"}, MANAGERS),
    "team-invitation": ("film/invitations/{invitation}", {"verb": "renew"}, MANAGERS),
    "invitation-link": ("join/{token}/", None, (200,) * 7),
    "invitation-accept": ("invitations/{invitation}", {}, (302, 410, 410, 410, 410, 410, 410)),
}


def test_every_address_has_a_row() -> None:
    assert {pattern.name for pattern in urlpatterns} == {name.partition(",")[0] for name in TABLE}


@pytest.mark.parametrize("name", TABLE)
def test_address_answers_each_person_as_the_table_of_roles_says(
    film: Team, alice: User, people: dict[str, User | None], name: str
) -> None:
    address, data, expected = TABLE[name]
    invitation, token = invitations.invite(film, alice, Role.MEMBER, email="eve@example.com")
    ids = {user.email.partition("@")[0]: user.pk for user in User.objects.all()}
    url = "/teams/" + address.format(**ids, invitation=invitation.pk, token=token)
    answers = []
    for user in people.values():
        with transaction.atomic():
            client = signed_in(user) if user else Client()
            answers.append((client.get(url) if data is None else client.post(url, data)).status_code)
            transaction.set_rollback(True)

    assert answers == list(expected)


@pytest.mark.parametrize("name", TABLE)
def test_removed_and_suspended_members_get_what_outsiders_get_or_less(
    film: Team, alice: User, people: dict[str, User | None], name: str
) -> None:
    address, data, expected = TABLE[name]
    invitation, token = invitations.invite(film, alice, Role.MEMBER, email="eve@example.com")
    ids = {user.email.partition("@")[0]: user.pk for user in User.objects.all()}
    url = "/teams/" + address.format(**ids, invitation=invitation.pk, token=token)
    rhea, sam = (User.objects.create_user(f"{name}@example.com") for name in ("rhea", "sam"))
    for person in (rhea, sam):
        Membership.objects.create(team=film, user=person, role=Role.OWNER)
    membership.remove(film, rhea, alice)
    User.objects.filter(pk=sam.pk).update(suspended_until=timezone.now() + timedelta(days=1))
    answers = [c.get(url) if data is None else c.post(url, data) for c in (signed_in(rhea), signed_in(sam))]

    assert [answer.status_code for answer in answers] == [expected[PEOPLE.index("mallory")], 403]


def test_page_shows_the_table_that_is_checked(film: Team, alice: User) -> None:
    page = signed_in(alice).get("/teams/film/").content.decode()

    assert set(ACTION_LABELS) == set(Action)
    table = re.search(r"<tbody>(.*?)</tbody>", page, re.S)
    assert table
    rows = [re.findall(r">(yes|no)<", row) for row in table[1].split("<tr>")[1:]]
    assert rows == [["yes" if action in ROLE_ACTIONS[role] else "no" for role in Role] for action in ACTION_LABELS]


def test_founder_owns_the_team_and_its_address_stays_when_it_is_renamed(mallory: User) -> None:
    client = signed_in(mallory)
    address = client.post("/teams/", {"name": "  Moving   Pictures "}).headers["Location"]
    assert address == "/teams/moving-pictures/"
    client.post(address, {"name": "Stills"})

    team = Team.objects.get(slug="moving-pictures")
    assert (team.name, team.memberships.get().role) == ("Stills", Role.OWNER)
    assert client.post("/teams/", {"name": " "}).status_code == 422


def test_wrong_name_stands_by_its_field_and_loses_nothing(film: Team, alice: User) -> None:
    answer = signed_in(alice).post("/teams/film/", {"name": "x" * 101})

    assert answer.status_code == 422
    page = answer.content.decode()
    assert "x" * 101 in page
    assert 'id="id_name_error"' in page
    film.refresh_from_db()
    assert film.name == "Film"


def test_last_owner_stays(film: Team, alice: User, ada: User) -> None:
    client = signed_in(alice)
    for address, data in (("leave", {}), (f"members/{alice.pk}", {"verb": "role", "role": "viewer"})):
        page = client.post(f"/teams/film/{address}", data, follow=True).content.decode()
        assert "Make somebody else an owner first." in page
    assert Membership.objects.get(team=film, user=alice).role == Role.OWNER

    client.post(f"/teams/film/members/{ada.pk}", {"verb": "role", "role": "owner"})
    client.post("/teams/film/leave")
    assert list(film.memberships.values_list("user", "role")) == [(ada.pk, Role.OWNER)]


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_leave_at_once_do_not_both_go(film: Team, alice: User, bob: User) -> None:
    Membership.objects.filter(team=film, user=bob).update(role=Role.OWNER)
    together = threading.Barrier(2)

    def leave(user: User) -> bool:
        try:
            together.wait(10)
            membership.remove(film, user, user)
        except MembershipError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(leave, [alice, bob])) == [False, True]
    assert film.memberships.filter(role=Role.OWNER).count() == 1


def test_admin_touches_no_owner(film: Team, alice: User, ada: User) -> None:
    client = signed_in(ada)
    assert client.post(f"/teams/film/members/{alice.pk}", {"verb": "role", "role": "viewer"}).status_code == 403
    assert client.post(f"/teams/film/members/{alice.pk}/remove").status_code == 403


def test_removed_member_sees_nothing_and_their_work_stays_and_is_finished(film: Team, alice: User, bob: User) -> None:
    row = make_generation(bob, film, Status.RENDERING)
    client = signed_in(bob)
    assert client.get(row.get_absolute_url()).status_code == 200

    signed_in(alice).post(f"/teams/film/members/{bob.pk}/remove")
    assert client.get(row.get_absolute_url()).status_code == 404
    assert client.get("/teams/film/").status_code == 404
    assert "Bob" in signed_in(alice).get(row.get_absolute_url()).content.decode()
    row.refresh_from_db()
    assert row.status == Status.RENDERING


def test_who_has_left_is_told_of_no_more_videos(
    film: Team, alice: User, bob: User, mailoutbox: list[EmailMessage]
) -> None:
    make_generation(bob, film, Status.DONE)
    membership.remove(film, bob, alice)
    send_notifications()
    assert [mail.subject for mail in mailoutbox] == ["You were removed from Film"]


def test_personal_team_is_neither_shared_nor_left(mallory: User) -> None:
    client, slug = signed_in(mallory), mallory.personal_team.slug
    assert client.post(f"/teams/{slug}/invitations", {"email": "a@example.com", "role": "member"}).status_code == 403
    client.post(f"/teams/{slug}/leave")
    assert Membership.objects.filter(team=mallory.personal_team, user=mallory).exists()


@pytest.mark.parametrize(("typed", "cents"), [("12.50", 1250), ("0", 0), ("", None)])
def test_limits_are_set_in_dollars(film: Team, alice: User, bob: User, typed: str, cents: int | None) -> None:
    client = signed_in(alice)
    client.post("/teams/film/budget", {"limit": typed})
    client.post(f"/teams/film/members/{bob.pk}", {"verb": "limit", "limit": typed})

    film.refresh_from_db()
    assert film.monthly_limit_cents == Membership.objects.get(team=film, user=bob).monthly_limit_cents == cents


@pytest.mark.parametrize("typed", ["-1", "a lot", "1.234"])
def test_limit_that_is_none_comes_back_with_its_error(film: Team, alice: User, bob: User, typed: str) -> None:
    client = signed_in(alice)
    for answer in (
        client.post("/teams/film/budget", {"limit": typed}),
        client.post(f"/teams/film/members/{bob.pk}", {"verb": "limit", "limit": typed}),
    ):
        assert answer.status_code == 422
        assert f'value="{typed}"' in answer.content.decode()
    film.refresh_from_db()
    assert film.monthly_limit_cents is None


# --- invitations ------------------------------------------------------------------------------------------------------


def link_in(mail: EmailMessage) -> str:
    found = re.search(r"/teams/join/\S+", str(mail.body))
    assert found
    return found[0]


def invited(alice: User, mailoutbox: list[EmailMessage], email: str, role: str = "member") -> str:
    signed_in(alice).post("/teams/film/invitations", {"email": email, "role": role})
    mail = mailoutbox[-1]
    assert mail.to == [email]
    assert link_in(mail) in str(mail.alternatives[0][0])  # type: ignore[attr-defined]
    return link_in(mail)


def test_invitation_by_mail_is_taken_up_once(
    film: Team, alice: User, mallory: User, mailoutbox: list[EmailMessage]
) -> None:
    link = invited(alice, mailoutbox, mallory.email, "viewer")
    client = signed_in(mallory)
    assert "Join Film?" in client.get(link).content.decode()
    assert not film.members.filter(pk=mallory.pk).exists(), "to look is not to join"

    assert client.post(link).headers["Location"] == "/teams/film/"
    assert Membership.objects.get(team=film, user=mallory).role == Role.VIEWER
    other = User.objects.create_user("other@example.com")
    assert signed_in(other).post(link).status_code == 410
    assert not film.members.filter(pk=other.pk).exists()


def test_token_is_not_in_the_database(film: Team, alice: User, mailoutbox: list[EmailMessage]) -> None:
    token = invited(alice, mailoutbox, "eve@example.com").rstrip("/").rpartition("/")[2]

    assert token not in str(list(Invitation.objects.values()))
    assert Invitation.objects.by_token(token).exists()


def test_stranger_is_led_to_an_account_and_back(film: Team, alice: User, mailoutbox: list[EmailMessage]) -> None:
    link = invited(alice, mailoutbox, "eve@example.com")
    page = Client().get(link).content.decode()

    assert f"/accounts/signup/?next={link}" in page
    assert f"/accounts/login/?next={link}" in page
    assert Client().post(link).status_code == 200
    assert film.memberships.count() == 1


def test_invitation_ends_by_time_by_being_taken_back_and_by_a_new_one(
    film: Team, alice: User, mallory: User, mailoutbox: list[EmailMessage]
) -> None:
    client = signed_in(mallory)
    old = invited(alice, mailoutbox, mallory.email)
    new = invited(alice, mailoutbox, mallory.email)
    assert (client.get(old).status_code, client.get(new).status_code) == (410, 200)

    pk = Invitation.objects.get().pk
    signed_in(alice).post(f"/teams/film/invitations/{pk}", {"verb": "renew"})
    assert client.get(new).status_code == 410
    newest = link_in(mailoutbox[-1])
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.post(newest).status_code == 410

    Invitation.objects.update(expires_at=timezone.now() + timedelta(days=1))
    signed_in(alice).post(f"/teams/film/invitations/{pk}", {"verb": "revoke"})
    assert client.post(newest).status_code == 410


def test_link_lets_so_many_in(film: Team, alice: User) -> None:
    page = signed_in(alice).post("/teams/film/links", {"uses": "2", "role": "member"}, follow=True).content.decode()
    found = re.search(r"/teams/join/[\w-]+/", page)
    assert found
    people = [User.objects.create_user(f"guest{number}@example.com") for number in range(3)]
    answers = [signed_in(person).post(found[0]).status_code for person in (people[0], people[0], *people[1:])]

    assert answers == [302, 302, 302, 410], "who is in already uses nothing up"
    assert film.memberships.count() == 3


@pytest.mark.django_db(transaction=True)
def test_link_for_one_lets_in_one_of_many_at_once(film: Team, alice: User) -> None:
    invitation, _ = invitations.invite(film, alice, Role.MEMBER)
    people = [User.objects.create_user(f"guest{number}@example.com") for number in range(8)]

    def join(person: User) -> bool:
        try:
            return invitations.accept_invitation(invitation, person)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(join, people)) == 1
    assert film.memberships.count() == 2


def test_who_has_shown_the_address_finds_the_invitation_without_its_mail(
    film: Team, alice: User, mallory: User, mailoutbox: list[EmailMessage]
) -> None:
    invited(alice, mailoutbox, mallory.email)
    pk, client = Invitation.objects.get().pk, signed_in(mallory)
    assert ">Invitations<" not in client.get("/teams/").content.decode()
    assert client.post(f"/teams/invitations/{pk}").status_code == 410

    EmailAddress.objects.create(user=mallory, email=mallory.email, primary=True, verified=True)
    assert ">Invitations<" in client.get("/teams/").content.decode()
    client.post(f"/teams/invitations/{pk}")
    assert film.members.filter(pk=mallory.pk).exists()


def test_member_is_not_invited_again(film: Team, alice: User, bob: User, mailoutbox: list[EmailMessage]) -> None:
    answer = signed_in(alice).post("/teams/film/invitations", {"email": bob.email.upper(), "role": "viewer"})

    assert answer.status_code == 422
    assert "Is a member already." in answer.content.decode()
    assert mailoutbox == []


def test_mail_that_can_not_be_sent_leaves_the_link_in_hand(
    film: Team, alice: User, mallory: User, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # nobody listens there
    data = {"email": mallory.email, "role": "member"}
    page = signed_in(alice).post("/teams/film/invitations", data, follow=True).content.decode()
    found = re.search(r"/teams/join/[\w-]+/", page)

    assert found
    signed_in(mallory).post(found[0])
    assert film.members.filter(pk=mallory.pk).exists()


def test_rows_of_a_team_are_of_no_other(film: Team, alice: User, mallory: User) -> None:
    """A founder sees their new team's gallery, and nothing of another's."""
    make_generation(alice, film)
    membership.create_team(mallory, "Other")
    assert not Generation.objects.visible_to(mallory).exists()


# --- by domain --------------------------------------------------------------------------------------------------------


def test_address_at_the_domain_lets_in_once_it_is_verified(film: Team, alice: User, mallory: User) -> None:
    for email in ("alice@Example.com", "alice@example.org"):
        EmailAddress.objects.create(user=alice, email=email, verified=True)
    signed_in(alice).post("/teams/film/domains", {"domains": "@Example.com,  example.org example.org"})
    film.refresh_from_db()
    assert film.domains == ["example.com", "example.org"]
    client = signed_in(mallory)
    assert client.post("/teams/film/join").status_code == 404

    EmailAddress.objects.create(user=mallory, email=mallory.email, primary=True, verified=True)
    assert "Open to your email domain" in client.get("/teams/").content.decode()
    client.post("/teams/film/join")
    assert Membership.objects.get(team=film, user=mallory).role == Role.MEMBER
    assert "Open to your email domain" not in client.get("/teams/").content.decode()


@pytest.mark.parametrize("typed", ["gmail.com", "example", "exa mple.com", "a@b.com", "-a.com", "x" * 300 + ".com"])
def test_domain_that_is_none_or_everybodys_is_refused(film: Team, alice: User, typed: str) -> None:
    answer = signed_in(alice).post("/teams/film/domains", {"domains": typed})

    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.content.decode()
    film.refresh_from_db()
    assert film.domains == []


@pytest.mark.parametrize("typed", ["example.com", "mail.example.org", "org", "example.org, example.com", "example.net"])
def test_domain_takes_a_verified_address_there(film: Team, alice: User, bob: User, typed: str) -> None:
    EmailAddress.objects.create(user=alice, email="alice@example.com", verified=False)
    EmailAddress.objects.create(user=alice, email="alice@example.org", verified=True)
    EmailAddress.objects.create(user=bob, email="bob@example.net", verified=True)
    answer = signed_in(alice).post("/teams/film/domains", {"domains": typed})

    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.content.decode()
    film.refresh_from_db()
    assert film.domains == []


def test_domain_of_another_admin_stays_and_can_be_taken_away(film: Team, alice: User) -> None:
    Team.objects.filter(pk=film.pk).update(domains=["example.net"])
    EmailAddress.objects.create(user=alice, email="alice@example.org", verified=True)
    for typed in ("example.net, example.org", "example.org", ""):
        assert signed_in(alice).post("/teams/film/domains", {"domains": typed}).status_code == 302
    assert signed_in(alice).post("/teams/film/domains", {"domains": "example.net"}).status_code == 422


@pytest.mark.parametrize(
    ("address", "typed"),
    [
        ("", {"name": ""}),
        ("budget", {"limit": "-1"}),
        ("approval-amount", {"limit": "-1"}),
        ("own-limit", {"limit": "-1"}),
        ("domains", {"domains": "nonsense"}),
        ("invitations", {"email": "nonsense", "role": "member"}),
        ("links", {"uses": "0", "role": "nonsense"}),
        ("members/{bob}", {"verb": "limit", "limit": "-1"}),
    ],
)
def test_every_id_is_there_once_whatever_is_wrong(
    film: Team, alice: User, bob: User, address: str, typed: dict[str, str]
) -> None:
    answer = signed_in(alice).post(f"/teams/film/{address.format(bob=bob.pk)}", typed)
    assert answer.status_code == 422
    assert id_faults(answer.content.decode()) == []


@pytest.mark.parametrize("has_mail", [True, False])
def test_link_is_shown_once_in_a_field_to_be_copied(
    film: Team, alice: User, mailoutbox: list[EmailMessage], settings: Settings, has_mail: bool
) -> None:
    client = signed_in(alice)
    if has_mail:
        client.post("/teams/film/links", {"uses": "2", "role": "member"})
    else:
        settings.EMAIL_BACKEND = "none.of.these"
        client.post("/teams/film/invitations", {"email": "eve@example.org", "role": "member"})
    page = client.get("/teams/film/").content.decode()

    (link,) = re.findall(r'<input class="input code" id="invitation-link" value="([^"]+)" readonly>', page)
    assert Client().get(link.removeprefix(settings.SITE_URL)).status_code == 200
    assert id_faults(page) == []
    assert 'id="invitation-link"' not in client.get("/teams/film/").content.decode()
