"""The usage page and its CSV: every figure is a sum over rows, for those who may see it."""

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.billing.usage import Month, usage
from generations.fal.arguments import Endpoint
from generations.models import OPEN, TERMINAL, Generation, Status
from tests.cast import make_generation, signed_in

NOVEMBER = Month(2026, 11)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def rows(film: Team, alice: User, bob: User) -> list[Generation]:
    """A month of two people with every state in it, and what must not count."""
    made = [
        make_generation(person, film, status, created_at=NOON.replace(day=day), cost_cents=cents, duration=seconds)
        for day, (person, status, cents, seconds) in enumerate(
            [
                (alice, Status.DONE, 35, 5),
                (alice, Status.DONE, 70, 10),
                (bob, Status.FAILED, 0, 5),
                (bob, Status.CANCELED, 0, 10),
                (bob, Status.RENDERING, 35, 5),
                (bob, Status.QUEUED, 70, 10),
                (bob, Status.FAILED, 35, 5),
            ],
            start=1,
        )
    ]
    made[0].delete_permanently(alice)
    make_generation(alice, film, Status.DONE, created_at=NOON.replace(month=10))
    make_generation(alice, alice.personal_team, Status.DONE, created_at=NOON)
    return made


def spent(rows: list[Generation]) -> int:
    return sum(row.cost_cents for row in rows if row.status in TERMINAL)


def test_every_figure_is_the_sum_of_its_rows(film: Team, alice: User, bob: User, rows: list[Generation]) -> None:
    film.monthly_limit_cents = 1000
    found = usage(film, NOVEMBER)

    assert (found.total.spent, found.total.reserved) == (
        spent(rows),
        sum(r.cost_cents for r in rows if r.status in OPEN),
    )
    assert (found.total.count, found.total.free) == (7, 2)
    assert found.left == 1000 - sum(row.cost_cents for row in rows)
    assert {share.key: share.spent for share in found.members} == {
        alice: spent(rows[:2]),
        bob: spent(rows[2:]),
    }
    for parts in (found.days, found.members, found.kinds):
        assert sum(share.cents for share in parts) == found.total.cents
        assert sum(share.count for share in parts) == found.total.count
    assert len(found.days) == 30
    assert {share.key for share in found.kinds} == {(Endpoint.TEXT_TO_VIDEO, 5), (Endpoint.TEXT_TO_VIDEO, 10)}


def test_of_one_member_alone(film: Team, bob: User, rows: list[Generation]) -> None:
    Membership.objects.filter(team=film, user=bob).update(monthly_limit_cents=50)
    found = usage(film, NOVEMBER, bob)

    assert [share.key for share in found.members] == [bob]
    assert (found.total.cents, found.left) == (sum(row.cost_cents for row in rows[2:]), 0)


@pytest.mark.parametrize(
    ("moment", "month", "day"),
    [
        (datetime(2026, 3, 31, 21, 59, 59, tzinfo=UTC), Month(2026, 3), 31),  # summer time: two hours behind Berlin
        (datetime(2026, 3, 31, 22, 0, 0, tzinfo=UTC), Month(2026, 4), 1),
        (datetime(2026, 10, 31, 22, 59, 59, tzinfo=UTC), Month(2026, 10), 31),  # winter time: one hour
        (datetime(2026, 10, 31, 23, 0, 0, tzinfo=UTC), Month(2026, 11), 1),
        (datetime(2025, 12, 31, 23, 0, 0, tzinfo=UTC), Month(2026, 1), 1),
    ],
)
def test_months_and_days_end_where_the_studio_is(
    film: Team, alice: User, settings: Settings, moment: datetime, month: Month, day: int
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    make_generation(alice, film, created_at=moment)

    assert [share.key.day for share in usage(film, month).days if share.count] == [day]
    for other in (month.plus(-1), month.plus(1)):
        assert usage(film, other).total.count == 0


def test_owner_sees_everybody_and_a_member_only_themselves(
    film: Team, alice: User, bob: User, rows: list[Generation]
) -> None:
    address = "/teams/film/usage?month=2026-11"
    of_alice, of_bob = (signed_in(person).get(address).content.decode() for person in (alice, bob))

    assert ("Share of Alice" in of_alice, "Share of Bob" in of_alice) == (True, True)
    assert ("Share of Alice" in of_bob, "Share of Bob" in of_bob) == (False, True)
    assert "Your own usage" in of_bob
    assert "$1.40" in of_alice  # spent


def test_chart_is_drawn_and_read_out(film: Team, alice: User, rows: list[Generation]) -> None:
    page = signed_in(alice).get("/teams/film/usage?month=2026-11").content.decode()
    bars = re.findall(r'class="chart__spent" x="\d+" y="([\d.]+)" width="18"\s+height="([\d.]+)"', page)

    assert [float(height) for _, height in bars] == [60, 120, 0, 0, 60]
    assert all(float(y) + float(height) <= 120 for y, height in bars)
    described = re.search(r"<desc[^>]*>(.*?)</desc>", page, re.S)
    assert described
    assert "1 Nov: $0.35. 2 Nov: $0.70." in " ".join(described[1].split())


@pytest.mark.parametrize("month", ["nonsense", "2026-13", "2026-11-01", "0000-01"])
def test_month_that_is_none(film: Team, alice: User, month: str) -> None:
    assert signed_in(alice).get(f"/teams/film/usage?month={month}").status_code == 404


def test_queries_do_not_grow_with_people_and_days(
    film: Team, alice: User, bob: User, rows: list[Generation], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(3):
        usage(film, NOVEMBER)


# --- CSV --------------------------------------------------------------------------------------------------------------


def sheet(person: User, month: str = "2026-11") -> list[dict[str, str]]:
    answer = signed_in(person).get(f"/teams/film/usage.csv?month={month}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # it streams
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_each_request_once_and_adds_up(film: Team, alice: User, bob: User, rows: list[Generation]) -> None:
    found = sheet(alice)

    assert [line["generation"] for line in found] == [str(row.pk) for row in rows]
    assert sum(round(float(line["cost_usd"]) * 100) for line in found) == usage(film, NOVEMBER).total.cents
    assert {line["member"] for line in sheet(bob)} == {"Bob"}


@pytest.mark.parametrize("prompt", ['=HYPERLINK("http://evil")', "+1", "-1", "@sum", "\tx", 'a, "quoted"\nline'])
def test_csv_computes_nothing_and_breaks_at_nothing(film: Team, alice: User, prompt: str) -> None:
    make_generation(alice, film, prompt=prompt, created_at=NOON)
    (line,) = sheet(alice)

    assert line["prompt"].removeprefix("'") == prompt
    assert not line["prompt"].startswith(("=", "+", "-", "@", "\t"))


def test_viewer_sees_their_own_nothing(film: Team, alice: User, victor: User, rows: list[Generation]) -> None:
    assert Membership.objects.get(user=victor, team=film).role == Role.VIEWER
    assert sheet(victor) == []
    assert "No requests in this month." in (signed_in(victor).get("/teams/film/usage?month=2026-11").content.decode())
