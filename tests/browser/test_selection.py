"""Selecting in the gallery: by click, shift and keys; the bar's verbs; hearts; and all of it without scripts."""

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from generations.models import Favourite, Generation, Status, Tag
from tests.cast import make_generation, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def rows(film: Team, bob: User) -> list[Generation]:
    """As the gallery shows them: the newest first."""
    made = [make_generation(bob, film, Status.CANCELED, prompt=f"Fox {number}") for number in range(4)]
    return made[::-1]


def test_range_tag_and_delete_with_undo(bobs_page: Page, rows: list[Generation], film: Team) -> None:
    page = bobs_page
    Tag.objects.get_or_create_named(film.pk, "Autumn")
    page.goto("/")
    boxes = page.locator(".card__select input")
    bar = page.get_by_role("group", name="What is selected")
    expect(bar).to_be_hidden()
    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(bar.get_by_text("3 selected")).to_be_visible()
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()

    page.locator(".card__prompt").nth(1).focus()
    page.keyboard.press("x")
    expect(bar.get_by_text("1 selected")).to_be_visible()
    bar.locator("summary", has_text="Tag").click()
    assert page.locator("#tags-known option").evaluate_all("all => all.map((one) => one.value)") == ["Autumn"]
    page.get_by_label("Name of the tag").fill("Winter")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 bears the tag Winter.")).to_be_visible()
    assert [tag.name for tag in rows[1].tags.all()] == ["Winter"]

    page.locator(".card__select input").nth(1).check()
    bar.get_by_role("button", name="Delete").click()
    expect(page.locator("#toasts").get_by_text("Moved to trash.")).to_be_visible()
    expect(page.locator(".notice")).to_be_hidden()
    expect(page.locator(".card")).to_have_count(3)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".card")).to_have_count(4)


def test_heart_answers_without_a_new_page(bobs_page: Page, rows: list[Generation], bob: User) -> None:
    page = bobs_page
    page.goto("/")
    heart = page.get_by_role("button", name="Favourite: Fox 3")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    assert Favourite.objects.get().generation == rows[0]
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "false")
    assert not Favourite.objects.exists()


def test_cards_beside_the_composer_have_no_controls(bobs_page: Page, worker: object) -> None:
    """Their form is the gallery's."""
    page = bobs_page
    page.goto("/generations/new/")
    page.locator("#id_prompt").fill("A fox")
    page.get_by_role("button", name="Make").first.click()
    expect(page.locator(".card").first).to_be_visible()
    expect(page.locator(".card__select").first).to_be_hidden()
    expect(page.locator(".card__heart").first).to_be_hidden()


def test_works_without_scripts(
    chromium: Browser, studio: LiveServer, rows: list[Generation], bob: User, film: Team
) -> None:
    context = chromium.new_context(base_url=studio.url, java_script_enabled=False)
    session = signed_in(bob).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": studio.url}])
    page = context.new_page()
    page.goto("/")
    page.locator(".card__select input").nth(0).check()
    page.get_by_role("group", name="What is selected").get_by_role("button", name="Delete").click()
    expect(page.locator(".card")).to_have_count(3)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".card")).to_have_count(4)
    page.get_by_role("button", name="Favourite: Fox 3").click()
    expect(page.get_by_role("button", name="Favourite: Fox 3")).to_have_attribute("aria-pressed", "true")
    context.close()


def test_too_many_selected_are_told_before_they_are_sent(bobs_page: Page, rows: list[Generation]) -> None:
    page = bobs_page
    page.goto("/")
    page.locator(".selection__count").evaluate("count => (count.dataset.limit = 3)")
    boxes = page.locator(".card__select input")
    boxes.nth(0).click()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(page.get_by_text("4 selected · Select at most 500 at once.")).to_be_visible()

    page.get_by_role("group", name="What is selected").get_by_role("button", name="Favourite").click()
    expect(page.locator("#toasts").get_by_text("Select at most 500 at once.")).to_be_visible()
    expect(page.locator(".card__select input:checked")).to_have_count(4)
    assert not Favourite.objects.exists()
