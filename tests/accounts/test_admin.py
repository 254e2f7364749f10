import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Team, User
from accounts.roles import Role

PASSWORD = "a-long-passphrase"


def add_user(client: Client, **changes: str) -> None:
    values = {"email": "nina@example.com", "name": "Nina", "usable_password": "true"}
    values |= {"password1": PASSWORD, "password2": PASSWORD}
    answer = client.post(reverse("admin:accounts_user_add"), values | changes)
    assert answer.status_code == 302, answer.context["errors"]


@pytest.mark.parametrize("name", ["Nina", "", "N" * 150])
def test_added_user_owns_a_personal_team(admin_client: Client, name: str) -> None:
    add_user(admin_client, name=name)

    nina = User.objects.get(email="nina@example.com")
    assert Membership.objects.get(user=nina).team == nina.personal_team
    assert Membership.objects.get(user=nina).role == Role.OWNER
    assert nina.check_password(PASSWORD)


def test_address_that_differs_by_case_only_is_refused_by_the_form(admin_client: Client, mallory: User) -> None:
    values = {"email": "MALLORY@example.com", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    answer = admin_client.post(reverse("admin:accounts_user_add"), values)

    assert answer.status_code == 200
    assert answer.context["errors"]


def test_changed_user_gets_no_second_team(admin_client: Client, mallory: User) -> None:
    values = {"email": mallory.email, "name": "Mal", "is_active": "on"}
    answer = admin_client.post(reverse("admin:accounts_user_change", args=[mallory.pk]), values)

    assert answer.status_code == 302
    mallory.refresh_from_db()
    assert mallory.name == "Mal"
    assert list(Team.objects.of(mallory)) == [mallory.personal_team]


def test_member_is_added_on_the_teams_page(admin_client: Client, film: Team, alice: User, mallory: User) -> None:
    membership = Membership.objects.get(team=film, user=alice)
    values = {
        "name": film.name,
        "slug": film.slug,
        "memberships-TOTAL_FORMS": "2",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(membership.pk),
        "memberships-0-team": str(film.pk),
        "memberships-0-user": str(alice.pk),
        "memberships-0-role": Role.OWNER.value,
        "memberships-1-team": str(film.pk),
        "memberships-1-user": str(mallory.pk),
        "memberships-1-role": Role.VIEWER.value,
    }
    answer = admin_client.post(reverse("admin:accounts_team_change", args=[film.pk]), values)

    assert answer.status_code == 302
    assert Membership.objects.get(team=film, user=mallory).role == Role.VIEWER
