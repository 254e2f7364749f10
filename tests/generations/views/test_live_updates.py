"""/events: what has moved since a tab last asked."""

from datetime import datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Team, User
from generations.models import Generation, Status
from tests.cast import make_generation, signed_in


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def since(moment: datetime) -> str:
    return f"/events?since={milliseconds(moment)}"


@pytest.fixture
def asked() -> datetime:
    """When the tab asked last: a minute ago, far beyond the look back for late commits."""
    return timezone.now() - timedelta(minutes=1)


def old(user: User, team: Team) -> Generation:
    return make_generation(user, team, changed_at=timezone.now() - timedelta(minutes=10))


def test_nothing_moved_is_an_empty_answer(film: Team, bob: User, asked: datetime) -> None:
    old(bob, film)
    answer = signed_in(bob).get(since(asked))

    assert (answer.status_code, answer.content) == (204, b"")
    assert "no-store" in answer.headers["Cache-Control"]


def test_moved_rows_are_named_with_their_version(film: Team, alice: User, bob: User, asked: datetime) -> None:
    old(bob, film)
    first, second = old(bob, film), old(alice, film)
    for row in (first, second):
        assert row.move(Status.SUBMITTING)
    answer = signed_in(bob).get(since(asked))

    told = answer.json()
    assert told["moved"] == [[str(row.pk), milliseconds(row.changed_at)] for row in (second, first)]
    assert milliseconds(second.changed_at) <= told["now"] <= milliseconds(timezone.now())


def test_row_whose_commit_came_late_is_still_told(film: Team, bob: User) -> None:
    row = make_generation(bob, film, changed_at=timezone.now() - timedelta(seconds=2))

    assert signed_in(bob).get(since(timezone.now())).json()["moved"] == [[str(row.pk), milliseconds(row.changed_at)]]


def test_tab_hears_only_of_what_its_person_may_see(
    film: Team, alice: User, bob: User, victor: User, mallory: User, mona: User, asked: datetime
) -> None:
    shared, own = make_generation(bob, film), make_generation(bob, bob.personal_team)

    def told(user: User) -> set[str]:
        answer = signed_in(user).get(since(asked))
        return {pk for pk, _ in answer.json()["moved"]} if answer.status_code == 200 else set()

    assert told(bob) == {str(shared.pk), str(own.pk)}
    assert told(alice) == told(victor) == {str(shared.pk)}
    assert told(mallory) == told(mona) == set()


def test_same_answer_is_not_sent_again(film: Team, bob: User, asked: datetime) -> None:
    client, row = signed_in(bob), make_generation(bob, film)
    etag = client.get(since(asked)).headers["ETag"]
    again = client.get(since(asked), headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)

    Generation.objects.filter(pk=row.pk).update(changed_at=timezone.now() + timedelta(milliseconds=5))

    assert client.get(since(asked), headers={"If-None-Match": etag}).status_code == 200


def test_tab_that_slept_hears_of_the_last_hour(film: Team, bob: User) -> None:
    now = timezone.now()
    make_generation(bob, film, changed_at=now - timedelta(minutes=70))
    recent = make_generation(bob, film, changed_at=now - timedelta(minutes=50))

    assert [pk for pk, _ in signed_in(bob).get("/events?since=0").json()["moved"]] == [str(recent.pk)]


@pytest.mark.parametrize("nonsense", ["", "abc", "1e9", "9" * 30, "9" * 5000, "-1" + "0" * 30, "nan"])
def test_moment_that_is_none_means_now(film: Team, bob: User, nonsense: str) -> None:
    old(bob, film)

    assert signed_in(bob).get("/events", {"since": nonsense}).status_code == 204


def test_answer_costs_one_query_besides_knowing_the_person(
    film: Team, bob: User, asked: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        make_generation(bob, film)
    client: Client = signed_in(bob)
    with django_assert_num_queries(4):  # the session, the person, the rows, what is unread
        client.get(since(asked))


@pytest.fixture
def tab(film: Team, bob: User, asked: datetime) -> Client:
    """Bob's tab, which has asked before: it is known from then on, and asked for with one query."""
    client = signed_in(bob)
    assert client.get(since(asked)).status_code == 204
    return client


def test_known_tab_hears_what_moves(tab: Client, film: Team, bob: User, alice: User, asked: datetime) -> None:
    shared, _ = make_generation(alice, film), make_generation(alice, alice.personal_team)

    assert tab.get(since(asked)).json()["moved"] == [[str(shared.pk), milliseconds(shared.changed_at)]]


def test_known_tab_costs_django_no_query(
    tab: Client, asked: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):  # the one there is goes past Django, which prepares none
        assert tab.get(since(asked)).status_code == 204


def test_known_tab_of_somebody_who_left_the_team_hears_no_more(
    tab: Client, film: Team, bob: User, alice: User, asked: datetime
) -> None:
    make_generation(alice, film)
    bob.memberships.filter(team=film).delete()

    assert tab.get(since(asked)).status_code == 204


def test_known_tab_that_is_signed_out_is_sent_to_sign_in(tab: Client, asked: datetime) -> None:
    cookies = tab.cookies.output(header="", sep=";")
    tab.logout()
    answer = Client(headers={"Cookie": cookies}).get(since(asked))

    assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/accounts/login/")


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another"}])
def test_known_tab_of_somebody_who_may_not_be_in_is_sent_to_sign_in(
    tab: Client, bob: User, asked: datetime, change: dict[str, object]
) -> None:
    User.objects.filter(pk=bob.pk).update(**change)

    assert tab.get(since(asked)).status_code == 302


def test_known_tab_whose_session_ran_out_is_sent_to_sign_in(tab: Client, asked: datetime) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert tab.get(since(asked)).status_code == 302
