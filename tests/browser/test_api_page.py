"""The page on which the API is tried: from the studio's own files, under its Content-Security-Policy, with a key."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from tests.api.conftest import make_key
from tests.browser.conftest import desk_alone

pytestmark = [desk_alone, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_operation_is_tried_with_a_key(
    page: Page, live_server: LiveServer, settings: Settings, bob: User, film: Team
) -> None:
    """Nothing stands on the console, to which the fixture `page` sees; nothing is asked of another host."""
    settings.SITE_URL = live_server.url
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url.partition("://")[2].partition("/")[0]))
    page.goto(f"{live_server.url}/api/v1/docs")
    page.get_by_role("button", name="Authorize").click()
    page.locator("#auth-bearer-value").fill(make_key(bob, film)[1])
    page.locator(".auth-btn-wrapper").get_by_role("button", name="Apply credentials").click()
    page.locator(".auth-btn-wrapper").get_by_role("button", name="Close").click()
    operation = page.locator("[id$=-getBudget]")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table .response > .response-col_status")).to_contain_text("200")
    assert asked - {""} == {live_server.url.partition("://")[2]}
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html.dark-mode")).to_be_visible()
