"""One time zone for each person, for pages, filters, mails and CSV; months of budgets stay the studio's."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.anonymize import anonymize_user
from accounts.emails import send_email
from accounts.models import Impersonation, Team, User
from accounts.time_zones import choices, zone
from generations.models import Generation, Status
from tests.cast import make_generation, signed_in

BAD = [
    *("", "Nowhere/City", "America", "Europe/", "../etc/passwd", "/etc/passwd", "Europe/Berlin\0", "x" * 5000, "é"),
    *("Europe/Berlin;x", "US/Pacific-New", "localtime/x", "<script>"),
]


def at(film: Team, user: User, *moments: str) -> None:
    """A row at each of these moments, which is its prompt."""
    for moment in moments:
        row = make_generation(user, film, Status.CANCELED, prompt=moment)
        Generation.objects.filter(pk=row.pk).update(created_at=datetime.fromisoformat(moment).replace(tzinfo=UTC))


def found(client: Client, **query: str) -> set[str]:
    return {row.prompt for row in client.get("/", query).context["generations"]}


def in_zone(user: User, name: str) -> Client:
    User.objects.filter(pk=user.pk).update(time_zone=name)
    return signed_in(user)


@pytest.mark.parametrize(
    ("name", "day", "first", "last"),
    [
        ("UTC", "2026-11-27", "2026-11-27T00:00", "2026-11-27T23:59:59"),
        ("Europe/Berlin", "2026-11-27", "2026-11-26T23:00", "2026-11-27T22:59:59"),
        ("Asia/Kathmandu", "2026-11-27", "2026-11-26T18:15", "2026-11-27T18:14:59"),
        ("Pacific/Kiritimati", "2026-11-27", "2026-11-26T10:00", "2026-11-27T09:59:59"),
        ("Pacific/Pago_Pago", "2026-11-27", "2026-11-27T11:00", "2026-11-28T10:59:59"),
        # 23 and 25 hours
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", "2026-03-29T21:59:59"),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", "2026-10-25T22:59:59"),
        # the change is of half an hour
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00", "2026-04-05T13:29:59"),
        # the day begins at one o'clock
        ("America/Havana", "2026-03-08", "2026-03-08T05:00", "2026-03-09T03:59:59"),
        # midnight comes twice
        ("America/Havana", "2026-11-01", "2026-11-01T04:00", "2026-11-02T04:59:59"),
        # the day before was left out
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", "2011-12-31T09:59:59"),
    ],
)
def test_a_day_is_the_persons(film: Team, bob: User, name: str, day: str, first: str, last: str) -> None:
    moments = [datetime.fromisoformat(first), datetime.fromisoformat(last)]
    before = (moments[0] - timedelta(seconds=1)).isoformat()
    after = (moments[1] + timedelta(seconds=1)).isoformat()
    inside = {each.isoformat() for each in moments}
    at(film, bob, before, *inside, after)

    assert found(in_zone(bob, name), since=day, until=day) == inside


def test_day_that_was_left_out_is_empty(film: Team, bob: User) -> None:
    at(film, bob, "2011-12-30T09:59:59", "2011-12-30T10:00:00")

    assert found(in_zone(bob, "Pacific/Apia"), since="2011-12-30", until="2011-12-30") == set()


@pytest.mark.parametrize("name", ["UTC", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("day", ["0001-01-01", "0001-01-02", "1000-06-01", "9999-12-30", "9999-12-31"])
def test_far_days_are_days(film: Team, bob: User, name: str, day: str) -> None:
    at(film, bob, "2026-11-27T12:00:00")
    client = in_zone(bob, name)
    is_past = day < "2026"

    assert found(client, since=day) == ({"2026-11-27T12:00:00"} if is_past else set())
    assert found(client, until=day) == (set() if is_past else {"2026-11-27T12:00:00"})


@pytest.mark.parametrize("day", ["10000-01-01", "2026-02-30", "tomorrow", "0000-01-01", "-1"])
def test_what_is_no_day_narrows_nothing(film: Team, bob: User, day: str) -> None:
    at(film, bob, "2026-11-27T12:00:00")

    assert found(signed_in(bob), since=day, until=day) == {"2026-11-27T12:00:00"}


def test_page_shows_the_day_by_which_it_filters(film: Team, bob: User) -> None:
    at(film, bob, "2026-11-27T23:30:00")
    client = in_zone(bob, "Asia/Kathmandu")
    page = client.get(Generation.objects.get().get_absolute_url()).content.decode()

    assert "28 Nov 2026, 05:15 +0545" in page
    assert 'data-zone="Asia/Kathmandu"' in page
    assert found(client, since="2026-11-28") == {"2026-11-27T23:30:00"}


class TestWhichZone:
    @staticmethod
    def shown(client: Client, row: Generation) -> str:
        page = client.get(row.get_absolute_url()).content.decode()
        return page.partition("data-local>")[2].partition("</time>")[0]

    @pytest.fixture
    def row(self, film: Team, bob: User) -> Generation:
        at(film, bob, "2026-11-27T12:00:00")
        return Generation.objects.get()

    def test_the_studios_where_nothing_is_known(self, row: Generation, bob: User) -> None:
        assert self.shown(signed_in(bob), row) == "27 Nov 2026, 12:00 UTC"

    def test_the_browsers_which_is_remembered(self, row: Generation, bob: User) -> None:
        client = signed_in(bob)
        client.cookies["time_zone"] = "Europe/Berlin"

        assert self.shown(client, row) == "27 Nov 2026, 13:00 CET"
        assert self.shown(signed_in(bob), row) == "27 Nov 2026, 13:00 CET"
        assert "From the browser (Europe/Berlin)" in client.get("/accounts/settings/").content.decode()

    def test_the_persons_own_before_the_browsers(self, row: Generation, bob: User) -> None:
        client = in_zone(bob, "Asia/Tokyo")
        client.cookies["time_zone"] = "Europe/Berlin"

        assert self.shown(client, row) == "27 Nov 2026, 21:00 JST"

    @pytest.mark.parametrize("name", BAD)
    def test_nonsense_in_a_cookie_is_none(self, row: Generation, bob: User, name: str) -> None:
        client = signed_in(bob)
        client.cookies["time_zone"] = name

        assert self.shown(client, row) == "27 Nov 2026, 12:00 UTC"
        bob.refresh_from_db()
        assert bob.browser_zone == ""

    def test_zone_that_is_none_any_more_falls_back(self, row: Generation, bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(time_zone="Gone/Zone", browser_zone="Europe/Berlin")

        assert self.shown(signed_in(bob), row) == "27 Nov 2026, 13:00 CET"

    def test_one_persons_zone_is_not_the_next_ones(self, row: Generation, bob: User, alice: User) -> None:
        self.shown(in_zone(bob, "Asia/Tokyo"), row)

        assert self.shown(signed_in(alice), row) == "27 Nov 2026, 12:00 UTC"


class TestSettings:
    @pytest.mark.parametrize("name", ["Asia/Kathmandu", "UTC", ""])
    def test_zone_is_set(self, bob: User, name: str) -> None:
        signed_in(bob).post("/accounts/settings/", {"name": "Bob", "theme": "auto", "time_zone": name})

        bob.refresh_from_db()
        assert bob.time_zone == name

    @pytest.mark.parametrize("name", [name for name in BAD if name])
    def test_nonsense_is_refused_by_its_field(self, bob: User, name: str) -> None:
        data = {"name": "New", "theme": "auto", "time_zone": name}
        answer = signed_in(bob).post("/accounts/settings/", data)

        assert answer.status_code == 422
        assert "time_zone" in answer.context["form"].errors
        bob.refresh_from_db()
        assert (bob.name, bob.time_zone) == ("Bob", "")

    def test_all_that_is_offered_is_a_zone(self) -> None:
        assert all(zone(name) for name, _ in choices())
        assert {"UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"} <= {name for name, _ in choices()}


def test_mail_is_in_the_zone_of_whoever_gets_it(
    bob: User, mona: User, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    User.objects.filter(pk=bob.pk).update(time_zone="Asia/Tokyo")
    began = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    impersonation = Impersonation(staff=mona, person=bob, reason="Help", began_at=began, until=began)
    context = {"impersonation": impersonation}

    assert send_email(bob.email, "account/mail/impersonation", context)
    assert send_email("nobody@example.com", "account/mail/impersonation", context)

    assert "28 Nov 2026, 08:30 JST" in str(mailoutbox[0].body)
    assert "27 Nov 2026, 23:30 UTC" in str(mailoutbox[1].body)


def test_csv_is_in_the_readers_zone_and_months_are_the_studios(
    film: Team, alice: User, bob: User, settings: Settings
) -> None:
    settings.TIME_ZONE = "America/New_York"
    at(film, bob, "2026-12-01T04:59:59", "2026-12-01T05:00:00")
    client = in_zone(alice, "Asia/Kathmandu")
    address = reverse("team-usage-csv", args=["film"])
    text = client.get(address, {"month": "2026-11"}).getvalue().decode()

    (row,) = csv.DictReader(StringIO(text.removeprefix("\ufeff")))
    assert (row["ordered_at"], row["time_zone"]) == ("2026-12-01T10:44:59+05:45", "Asia/Kathmandu")
    page = client.get(reverse("team-usage", args=["film"])).content.decode()
    assert "Months and days are in the America/New_York time zone." in page


def test_zone_goes_with_the_account(bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(time_zone="Asia/Tokyo", browser_zone="Asia/Tokyo")
    anonymize_user(bob)

    bob.refresh_from_db()
    assert (bob.time_zone, bob.browser_zone) == ("", "")
