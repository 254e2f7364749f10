"""The studio's own queue in the browser: a video's place while it waits, and a team's queue that is paused."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from tests.browser.conftest import RENDERED, Worker
from tests.browser.test_teams import be, fits
from tests.cast import make_generation

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_paused_resumed_and_made(
    page: Page, studio: LiveServer, worker: Worker, alice: User, bob: User, film: Team
) -> None:
    rows = [make_generation(bob, film, prompt=words, batch_index=at) for at, words in enumerate(("One", "Two"))]
    be(page, studio, bob)
    page.goto("/")
    ahead = page.locator(".card", has_text="Two").locator("[data-ahead]")
    expect(ahead).to_have_text("1 request ahead here")

    be(page, studio, alice)
    page.goto("/teams/film/")
    page.get_by_role("link", name="Queue").click()
    expect(page.get_by_role("row", name="Bob 2 0")).to_be_visible()
    assert fits(page)
    page.get_by_label("Reason (shown to the team)").fill("Until the budget is there")
    page.get_by_role("button", name="Pause the queue").click()
    expect(page.get_by_text("Until the budget is there")).to_be_visible()
    worker.start()

    be(page, studio, bob)
    page.goto(rows[1].get_absolute_url())
    expect(page.get_by_text("Alice paused the team’s queue")).to_be_visible()
    expect(page.locator("[data-ahead]")).to_have_text("The team’s queue is paused")
    assert fits(page)
    be(page, studio, alice)
    page.goto("/teams/film/queue")
    page.get_by_role("button", name="Resume the queue").click()
    expect(page.get_by_role("button", name="Pause the queue")).to_be_visible()
    page.goto("/?team=film")
    expect(page.locator(".chip--done")).to_have_count(2, timeout=RENDERED)
