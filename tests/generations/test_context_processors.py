"""While nothing is sent to fal, every page says so, why, and that nothing is lost."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Team, User
from generations.models import SubmitPause
from tests.cast import make_generation, signed_in

WHY = "The studio's fal balance is exhausted."
PAGES = ["gallery", "new-generation", "account-notices", "account_email"]


@pytest.fixture
def _pause(db: None) -> None:
    SubmitPause.objects.begin_or_extend("balance_exhausted", WHY)


def text(answer: object) -> str:
    page: bytes = getattr(answer, "content", b"")
    return page.decode().replace("&#x27;", "'")


@pytest.mark.usefixtures("_pause")
@pytest.mark.parametrize("name", PAGES)
def test_every_page_says_why_nothing_is_sent(bob: User, name: str) -> None:
    page = text(signed_in(bob).get(reverse(name)))

    assert "Nothing is being sent to fal at the moment." in page
    assert WHY in page
    assert "Your requests wait and are sent by themselves." in page
    assert "For staff" not in page


@pytest.mark.usefixtures("_pause")
@pytest.mark.parametrize(("reason", "link"), [("balance_exhausted", "billing"), ("key_refused", "keys")])
def test_staff_see_fals_reason_and_what_to_do(mona: User, reason: str, link: str) -> None:
    SubmitPause.objects.update(reason=reason)
    page = text(signed_in(mona).get("/"))

    assert f"<code>{reason}</code>" in page
    assert f'href="https://fal.ai/dashboard/{link}"' in page


@pytest.mark.usefixtures("_pause")
def test_strangers_are_told_nothing(db: None) -> None:
    for name in ("gallery", "account_login"):
        assert "Nothing is being sent" not in text(Client().get(reverse(name)))


def test_it_is_gone_when_fal_takes_requests_again(bob: User) -> None:
    SubmitPause.objects.begin_or_extend("balance_exhausted", WHY)
    SubmitPause.objects.end()

    assert "Nothing is being sent" not in text(signed_in(bob).get("/"))


@pytest.mark.usefixtures("_pause")
@pytest.mark.parametrize(("part", "queries"), [("generation", 1), ("generation-panel", 0), ("generation-card", 0)])
def test_it_costs_one_query_a_page_and_none_a_part(film: Team, bob: User, part: str, queries: int) -> None:
    row, client = make_generation(bob, film), signed_in(bob)
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse(part, args=[row.pk]))

    assert sum(SubmitPause._meta.db_table in query["sql"] for query in captured) == queries
