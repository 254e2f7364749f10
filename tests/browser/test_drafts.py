"""Each way to lose what was typed into the composer, and that it is not lost."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from generations.models import Draft, Generation
from generations.views import composer
from tests.browser.conftest import desk_alone
from tests.cast import make_generation, picture, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), desk_alone]

PAGE = "/generations/new/"
PASSWORD = "a-long-passphrase"
WORDS = "A fox in the snow,\nthat looks up"


def sign_in(context: BrowserContext, user: User, studio: LiveServer) -> None:
    """As in another tab: a new session, and a new token for forms."""
    context.clear_cookies()
    session = signed_in(user).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": studio.url}])


@pytest.fixture
def expected() -> re.Pattern[str]:
    return re.compile(r"status of (401|403|409|413|429|50[0234]) |net::ERR_INTERNET_DISCONNECTED")


@pytest.fixture
def other(chromium: Browser, studio: LiveServer, bob: User) -> Iterator[Page]:
    """The same person on another device."""
    context = chromium.new_context(base_url=studio.url, locale="en-US")
    sign_in(context, bob, studio)
    yield context.new_page()
    context.close()


def write(page: Page, words: str = WORDS) -> None:
    """Everything that can be typed and chosen, with a picture."""
    page.goto(PAGE)
    page.locator("#kind-image").check()
    page.locator("#id_start_file").set_input_files(
        {"name": "fox.jpg", "mimeType": "image/jpeg", "buffer": picture(size=(640, 360))}
    )
    expect(page.locator("[data-picture=start] .upload img")).to_be_visible()
    page.locator("#id_prompt").fill(words)
    page.locator("#id_negative_prompt").fill("rain")
    page.get_by_label("10 seconds").check()
    page.locator("#id_team").select_option("film")
    page.get_by_label("Batch: one prompt per line").check()


def expect_written(page: Page, words: str = WORDS) -> None:
    expect(page.locator("#id_prompt")).to_have_value(words)
    expect(page.locator("#id_negative_prompt")).to_have_value("rain")
    expect(page.get_by_label("10 seconds")).to_be_checked()
    expect(page.locator("#id_team")).to_have_value("film")
    expect(page.get_by_label("Batch: one prompt per line")).to_be_checked()
    expect(page.locator("#kind-image")).to_be_checked()
    expect(page.locator("[data-picture=start] .upload img")).to_be_visible()


def saved(page: Page) -> None:
    expect(page.locator("[data-draft-status]")).to_have_text("Draft saved.")


def press(page: Page) -> None:
    page.get_by_role("button", name="Generate").click()


def test_it_is_back_on_another_device_and_gone_when_it_is_ordered(bobs_page: Page, other: Page) -> None:
    write(bobs_page)
    saved(bobs_page)
    other.goto(PAGE)
    expect(other.get_by_text("Your draft is back")).to_be_visible()
    expect_written(other)
    press(other)
    expect(other.get_by_role("heading", name="2 videos queued")).to_be_visible()

    assert not Draft.objects.exists()
    other.goto(PAGE)
    expect(other.locator("#id_prompt")).to_have_value("")


def test_reload(bobs_page: Page) -> None:
    write(bobs_page)
    saved(bobs_page)
    bobs_page.reload()
    expect_written(bobs_page)


@pytest.mark.parametrize("way", ["close", "link", "back"])
def test_page_is_left_before_anything_was_saved(bobs_page: Page, way: str) -> None:
    """The last letters are sent while the page goes."""
    page = bobs_page
    page.goto("/")
    write(page)
    saved(page)
    page.locator("#id_prompt").fill("Typed at the last moment")
    if way == "close":
        page.close(run_before_unload=False)
        page = bobs_page.context.new_page()
    elif way == "link":
        page.get_by_role("link", name="Gallery").first.click()
        page.wait_for_url(re.compile(r"/$"))
    else:
        page.go_back()
    wait_for(lambda: Draft.objects.filter(values__prompt="Typed at the last moment").exists())
    page.goto(PAGE)
    expect(page.locator("#id_prompt")).to_have_value("Typed at the last moment")


def test_session_is_gone_at_the_press(bobs_page: Page, bob: User, studio: LiveServer) -> None:
    page = bobs_page
    bob.set_password(PASSWORD)
    bob.save()
    EmailAddress.objects.create(user=bob, email=bob.email, verified=True, primary=True)
    sign_in(page.context, bob, studio)
    write(page)
    Session.objects.all().delete()
    press(page)
    page.wait_for_url(re.compile(r"/accounts/login/"))
    expect(page.get_by_text("What you typed is kept: sign in to go on.")).to_be_visible()
    page.locator("[name=login]").fill(bob.email)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()

    page.wait_for_url(re.compile(r"/generations/new/\?draft="))
    expect_written(page)
    assert not Generation.objects.exists()
    press(page)
    expect(page.get_by_role("heading", name="2 videos queued")).to_be_visible()


def test_session_is_gone_while_somebody_types(bobs_page: Page) -> None:
    bobs_page.goto(PAGE)
    Session.objects.all().delete()
    bobs_page.locator("#id_prompt").fill(WORDS)

    expect(bobs_page.locator("[data-draft-status]")).to_contain_text("You are signed out. What you typed stays")


def test_signed_in_again_in_another_tab(bobs_page: Page, bob: User, studio: LiveServer) -> None:
    """The token in the form is none any more; the page gets the new one by itself."""
    page = bobs_page
    write(page)
    sign_in(page.context, bob, studio)
    press(page)
    expect(page.get_by_role("heading", name="2 videos queued")).to_be_visible()


def test_another_person_has_signed_in_in_another_tab(bobs_page: Page, alice: User, studio: LiveServer) -> None:
    page = bobs_page
    write(page)
    saved(page)
    sign_in(page.context, alice, studio)
    page.locator("#id_prompt").fill("His secret")
    press(page)
    expect(page.locator("[data-draft-status]")).to_contain_text("Another account is signed in here now.")
    expect(page.locator("#id_prompt")).to_have_value("His secret")
    assert not Generation.objects.exists()

    page.goto(PAGE)
    expect(page.locator("#id_prompt")).to_have_value("")
    expect(page.locator(".drafts")).to_have_count(0)


def test_network_is_down_at_the_press_and_back_again(bobs_page: Page) -> None:
    page = bobs_page
    write(page)
    page.context.set_offline(True)
    press(page)
    expect(page.locator("[data-draft-status]")).to_contain_text("The studio cannot be reached, so nothing was sent.")
    expect_written(page)
    assert not Generation.objects.exists()

    page.context.set_offline(False)
    press(page)
    expect(page.get_by_role("heading", name="2 videos queued")).to_be_visible()
    assert not Draft.objects.exists()


@pytest.mark.parametrize("status", [413, 429, 502, 503, 504])
def test_gateway_answers_with_trouble(bobs_page: Page, status: int) -> None:
    page = bobs_page
    write(page)
    saved(page)
    page.route(re.compile(r"/drafts/$"), answer_with(status))
    press(page)
    expect(page.locator("[data-draft-status]")).to_contain_text("othing was sent")
    expect_written(page)
    expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    assert not Generation.objects.exists()


@pytest.mark.parametrize("status", [413, 429, 500, 503])
def test_order_itself_is_answered_with_trouble(bobs_page: Page, status: int) -> None:
    """The page is an error's then; the composer has it all."""
    page = bobs_page
    write(page)
    page.route(re.compile(r"/generations/new/"), answer_with(status, only="POST"))
    press(page)
    expect(page.get_by_text("Trouble")).to_be_visible()
    page.goto(PAGE)
    expect_written(page)


def test_studio_makes_a_mistake_at_the_press(bobs_page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    page = bobs_page
    write(page)

    def broken(_orders: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(composer, "place_batch", broken)
        press(page)
        expect(page.get_by_text("Something went wrong").first).to_be_visible()
    page.goto(PAGE)
    expect_written(page)


def test_two_tabs_with_different_texts(bobs_page: Page) -> None:
    first = bobs_page
    write(first, "In the first tab")
    saved(first)
    second = first.context.new_page()
    second.goto(PAGE)
    expect(second.locator("#id_prompt")).to_have_value("In the first tab")
    first.locator("#id_prompt").fill("In the first tab, and more")
    saved(first)
    expect(first.locator("[data-draft-status]")).to_have_text("Draft saved.")
    wait_for(lambda: Draft.objects.filter(values__prompt="In the first tab, and more").exists())
    second.locator("#id_prompt").fill("In the second tab")
    saved(second)

    second.goto(PAGE)
    expect(second.locator("#id_prompt")).to_have_value("In the second tab")
    second.get_by_text("1 other draft").click()
    second.get_by_role("link", name="In the first tab, and more").click()
    expect_written(second, "In the first tab, and more")
    first.reload()
    expect_written(first, "In the first tab, and more")


def test_link_that_fills_the_form_leaves_the_draft(bobs_page: Page, film: Team, bob: User) -> None:
    page = bobs_page
    row = make_generation(bob, film, prompt="Another video")
    write(page)
    page.goto(f"{PAGE}?from={row.pk}")  # before it was saved by itself
    expect(page.locator("#id_prompt")).to_have_value("Another video")
    wait_for(lambda: Draft.objects.filter(values__prompt=WORDS).exists())
    page.reload()
    page.get_by_role("link", name="A fox in the snow").click()
    expect_written(page)


def test_discarded_by_a_press_alone(bobs_page: Page) -> None:
    page = bobs_page
    write(page)
    saved(page)
    page.reload()
    page.locator("#id_prompt").fill("Changed before")
    page.get_by_role("button", name="Discard draft").click()
    expect(page.get_by_text("The draft is discarded.").first).to_be_visible()
    expect(page.locator("#id_prompt")).to_have_value("")
    assert not Draft.objects.exists()


def test_start_another_beside_it(bobs_page: Page) -> None:
    page = bobs_page
    write(page)
    saved(page)
    page.reload()
    page.get_by_role("link", name="Start another").click()
    expect(page.locator("#id_prompt")).to_have_value("")
    page.locator("#id_prompt").fill("Something else")
    saved(page)
    assert {draft.values["prompt"] for draft in Draft.objects.all()} == {WORDS, "Something else"}


@pytest.mark.usefixtures("look")
def test_without_scripts_the_session_is_gone_at_the_press(
    chromium: Browser, studio: LiveServer, film: Team, bob: User
) -> None:
    context = chromium.new_context(base_url=studio.url, java_script_enabled=False, locale="en-US")
    sign_in(context, bob, studio)
    page = context.new_page()
    page.goto(PAGE)
    page.locator("#id_prompt").fill(WORDS)
    Session.objects.all().delete()
    press(page)
    page.wait_for_url(re.compile(r"/accounts/login/"))
    sign_in(context, bob, studio)
    page.goto(PAGE)
    expect(page.locator("#id_prompt")).to_have_value(WORDS)
    press(page)
    expect(page.get_by_role("heading", name="Queued")).to_be_visible()
    context.close()


def test_report_is_sent_again_after_another_sign_in(
    bobs_page: Page, film: Team, alice: User, bob: User, studio: LiveServer
) -> None:
    page = bobs_page
    row = make_generation(alice, film)
    page.goto(f"/generations/{row.pk}/report")
    page.get_by_role("radio").first.check()
    page.locator("#id_note").fill("A long reason, which nobody wants to write a second time. " * 3)
    sign_in(page.context, bob, studio)
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_text("A long reason, which nobody")).to_be_visible()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Thank you. A moderator looks at it").first).to_be_visible()


def answer_with(status: int, only: str = "") -> Callable[[Route], None]:
    def answer(route: Route) -> None:
        if only and route.request.method != only:
            return route.continue_()
        return route.fulfill(status=status, body="<p>Trouble</p>", content_type="text/html")

    return answer


def wait_for(is_so: Callable[[], bool]) -> None:
    for _ in range(200):
        if is_so():
            return
        time.sleep(0.1)
    raise AssertionError
