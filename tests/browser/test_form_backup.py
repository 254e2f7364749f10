"""Each way to lose what was typed into a report or an appeal, and that it is not lost."""

import re
from dataclasses import dataclass

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from generations.models import Appeal, Cause, DecisionKind, Report, Status
from generations.moderation.cases import open_case
from generations.moderation.decisions import decide
from tests.browser.conftest import desk_alone
from tests.cast import make_generation, make_video, signed_in
from tests.moderators import moderator

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), desk_alone]

PASSWORD = "a-long-passphrase"
WORDS = "It shows a fox that I know,\nand he minds."
BACK = "What you typed is back. It has not been sent yet."


@dataclass
class Form:
    """Of Bob's: where it is, what is typed into, and the button."""

    page: str
    field: str
    button: str
    model: type[Report | Appeal]

    def write(self, page: Page) -> None:
        page.goto(self.page)
        if self.model is Report:
            page.get_by_label("Something else").check()
        page.locator(self.field).fill(WORDS)

    def press(self, page: Page) -> None:
        page.get_by_role("button", name=self.button).click()

    def expect_back(self, page: Page) -> None:
        expect(page.locator(self.field)).to_have_value(WORDS)
        expect(page.get_by_text(BACK)).to_be_visible()
        if self.model is Report:
            expect(page.get_by_label("Something else")).to_be_checked()

    def text(self) -> str:
        found = self.model.objects.get()
        return (found.note if isinstance(found, Report) else found.text).replace("\r\n", "\n")


@pytest.fixture(params=["report", "appeal"])
def form(request: pytest.FixtureRequest, moderators: Group, film: Team, alice: User, bob: User) -> Form:
    if request.param == "report":
        row = make_generation(alice, film, Status.DONE)
        make_video(row)
        return Form(reverse("generation-report", args=[row.pk]), "#id_note", "Send the report", Report)
    row = make_generation(bob, film, Status.DONE)
    make_video(row)
    decide(open_case(row, Cause.FLAG), DecisionKind.TAKE_DOWN, moderator("mo"), "A flag")
    return Form(row.get_absolute_url(), "#text", "Send the answer", Appeal)


@pytest.fixture
def expected() -> re.Pattern[str]:
    return re.compile(r"status of (403|404|410) ")


def be(page: Page, user: User, studio: LiveServer) -> None:
    """As in another tab: a new session, and a new token for forms."""
    page.context.clear_cookies()
    session = signed_in(user).cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": studio.url}])


def sign_in_here(page: Page, user: User) -> None:
    user.set_password(PASSWORD)
    user.save()
    EmailAddress.objects.get_or_create(user=user, email=user.email, primary=True, verified=True)
    page.get_by_label("Email", exact=True).fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.mark.parametrize("has_cookies", [True, False])
def test_session_is_gone(bobs_page: Page, bob: User, form: Form, has_cookies: bool) -> None:
    """Without its cookies the browser has no token either."""
    page = bobs_page
    form.write(page)
    Session.objects.all().delete()
    if not has_cookies:
        page.context.clear_cookies()
    form.press(page)
    expect(page.get_by_text("You were signed out, so nothing was sent yet.")).to_be_visible()
    sign_in_here(page, bob)
    form.expect_back(page)
    form.press(page)
    expect(page.locator("[data-accepted]")).to_be_visible()

    assert form.text() == WORDS
    page.goto(form.page)
    assert page.evaluate("Object.keys(sessionStorage).filter((name) => name.startsWith('typed:'))") == []


def test_another_account_signed_in_meanwhile(
    bobs_page: Page, bob: User, victor: User, studio: LiveServer, form: Form
) -> None:
    page = bobs_page
    form.write(page)
    be(page, victor, studio)
    form.press(page)
    expect(page.get_by_text("That page was another account’s.")).to_be_visible()
    expect(page.get_by_text("and he minds")).to_have_count(0)
    page.goto(form.page)
    expect(page.get_by_text("and he minds")).to_have_count(0)
    assert page.evaluate("[...document.querySelectorAll('textarea')].every((each) => !each.value)")
    assert not form.model.objects.exists()

    be(page, bob, studio)
    page.goto(form.page)
    form.expect_back(page)


def test_signed_in_again_in_another_tab(bobs_page: Page, bob: User, studio: LiveServer, form: Form) -> None:
    page = bobs_page
    form.write(page)
    be(page, bob, studio)
    form.press(page)
    expect(page.get_by_role("heading", name="Not submitted yet")).to_be_visible()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("[data-accepted]")).to_be_visible()

    assert form.text() == WORDS


def test_page_is_left_and_found_again(bobs_page: Page, form: Form) -> None:
    form.write(bobs_page)
    bobs_page.goto("/")
    bobs_page.goto(form.page)
    form.expect_back(bobs_page)
