"""The theme that a person chooses holds on each page, whatever the device prefers."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))


@pytest.mark.parametrize("device", ["light", "dark"])
def test_theme_is_switched(bobs_page: Page, bob: User, device: str) -> None:
    page = bobs_page
    page.emulate_media(color_scheme=device)  # type: ignore[arg-type]  # a literal of both
    page.goto("/accounts/settings/")
    as_device = background(page)
    seen = {}
    for theme in ("Light", "Dark"):
        page.get_by_label(theme).check()
        page.get_by_role("button", name="Save").click()
        expect(page.locator("html")).to_have_attribute("data-theme", theme.lower())
        seen[theme.lower()] = background(page)
    assert seen["light"] != seen["dark"]
    assert as_device == seen[device]
    page.goto("/")
    assert background(page) == seen["dark"]
