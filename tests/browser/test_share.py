"""A video is shared with somebody who has no account: by a link with a password, to a browser without cookies."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from accounts.models import Team, User
from generations.models import Status
from sharing.views import media
from tests.browser.conftest import RENDERED
from tests.cast import make_generation, make_video
from tests.generations.mirror.videos import mp4

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_AT = "() => { const video = document.querySelector('video'); return !video.seeking && video.currentTime }"


@pytest.fixture
def expected() -> re.Pattern[str]:
    return re.compile(r"status of (403|422) |Failed to load resource")


def make_link(page: Page, title: str) -> str:
    """From the video's page, as its person does it; the address."""
    page.get_by_role("link", name="Share", exact=True).click()
    page.get_by_label("Title").fill(title)
    page.get_by_label("Password (optional)").fill("fox")
    page.get_by_role("button", name="Create link").click()
    expect(page.get_by_text("at least 6 characters")).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value(title)
    page.get_by_label("Password (optional)").fill("a fox in the snow")
    page.get_by_role("button", name="Create link").click()
    return page.locator("#invitation-link").input_value()


def test_by_password_to_a_browser_without_cookies_and_on_after_a_pause(
    bobs_page: Page, chromium: Browser, film: Team, bob: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_DELIVERY = "redirect"
    monkeypatch.setattr(media, "ADDRESS_SECONDS", 2)
    row = make_generation(bob, film, Status.DONE)
    make_video(row, mp4(seconds=8))
    bobs_page.goto(row.get_absolute_url())
    address = make_link(bobs_page, "Teaser")

    size = bobs_page.viewport_size
    guest = chromium.new_page(viewport=size)
    try:
        guest.goto(address)
        expect(guest.get_by_role("heading", name="This link needs a password")).to_be_visible()
        guest.get_by_label("Password").fill("a wolf in the snow")
        guest.get_by_role("button", name="Open").click()
        expect(guest.get_by_text("That is not the password.")).to_be_visible()
        guest.get_by_label("Password").fill("a fox in the snow")
        guest.get_by_role("button", name="Open").click()
        expect(guest.get_by_role("heading", name="Teaser")).to_be_visible()
        expect(guest.get_by_text("AI-generated with Kling")).to_be_visible()
        guest.wait_for_function("() => document.querySelector('video').readyState >= 2", timeout=RENDERED)
        _go_on_after_a_pause(guest)
        assert {one["name"] for one in guest.context.cookies()} == {"share"}
        bobs_page.get_by_role("button", name="Revoke").click()
        guest.reload()
        expect(guest.get_by_role("heading", name="This link has ended")).to_be_visible()
    finally:
        guest.context.close()


def _go_on_after_a_pause(page: Page) -> None:
    """The address has expired meanwhile, and what the browser had of the video is gone."""
    page.evaluate("() => { document.querySelector('video').currentTime = 6 }")
    page.wait_for_function(_AT)
    page.wait_for_timeout(2500)  # the address lives for two seconds
    page.evaluate("() => { const video = document.querySelector('video'); video.muted = true; video.play() }")
    page.wait_for_function("() => document.querySelector('video').currentTime > 6.2", timeout=RENDERED)
    expect(page.locator("[data-broken]")).to_be_hidden()
