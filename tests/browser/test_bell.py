"""The bell: its number follows what happens, its menu lists it, and reading it is said once."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Team, User
from generations.flows.remove_member import remove_member
from generations.models import Status
from generations.notifications import create_notifications
from generations.notifications.bell import unread
from tests.cast import make_generation

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_bell_counts_lists_and_is_read(bobs_page: Page, film: Team, alice: User, bob: User) -> None:
    page = bobs_page
    page.goto("/notifications/")
    bell = page.locator("#bell")
    expect(page.get_by_text("Nothing new.")).to_be_visible()
    expect(bell.locator(".bell__badge")).to_be_hidden()

    rows = [make_generation(bob, film, Status.DONE, prompt=f"Fox {number}") for number in range(10)]
    create_notifications()
    page.evaluate("dispatchEvent(new Event('online'))")  # the poll, now
    expect(bell.locator(".bell__badge")).to_have_text("9+")
    expect(bell.locator("summary")).to_have_attribute("aria-label", "Notifications, unread: 9+")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    bell.locator("summary").click()
    expect(bell.get_by_text("10 finished orders")).to_be_visible()
    box = bell.locator(".bell__list").bounding_box()
    width = page.evaluate("innerWidth")
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    bell.get_by_role("link", name=re.compile("Your video is ready")).first.click()
    page.wait_for_url(re.compile(r"/generations/[-0-9a-f]{36}/"))
    assert page.url.split("/")[-2] in {str(row.pk) for row in rows}
    expect(bell.locator(".bell__badge")).to_have_text("9")

    remove_member(film, bob, alice)
    create_notifications()
    bell.locator("summary").click()
    expect(bell.get_by_text("You were removed from Film")).to_be_visible()
    expect(bell.get_by_text("Fox")).to_have_count(0)  # of what he may not see any more
    bell.get_by_role("button", name="Mark all read").click()
    expect(bell.locator(".bell__badge")).to_be_hidden()
    expect(bell.get_by_text("Unread:")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(bell.locator(".bell__list")).to_be_hidden()
    assert unread(bob).total == 0
