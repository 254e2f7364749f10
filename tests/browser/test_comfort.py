"""What the composer does beyond a plain form: keyboard, tabs that keep what was typed, one press one video."""

import pytest
from playwright.sync_api import Browser, Page, expect

from generations.models import Generation

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_made_by_keyboard_alone(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/")
    expect(page.locator("#id_prompt")).to_be_focused()
    page.keyboard.type("A fox in the snow")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('button[data-busy]')"):
            break
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Queued")).to_be_visible()
    assert Generation.objects.get().prompt == "A fox in the snow"


def test_tabs_follow_the_arrow_keys_and_keep_what_was_typed(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/")
    page.locator("#id_prompt").fill("A fox")
    page.locator("#kind-text").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#kind-image")).to_be_checked()
    expect(page.get_by_text("Choose a picture").first).to_be_visible()
    expect(page.locator("#id_aspect_ratio")).to_be_hidden()
    page.locator("#id_start_link").fill("https://example.com/fox.jpg")
    page.locator("#kind-image").focus()
    page.keyboard.press("ArrowLeft")

    expect(page.locator("#id_aspect_ratio")).to_be_visible()
    expect(page.locator("#id_start_link")).to_be_hidden()
    expect(page.locator("#id_start_link")).to_have_value("https://example.com/fox.jpg")
    expect(page.locator("#id_prompt")).to_have_value("A fox")


def test_pressed_twice_is_one_video_and_changed_after_going_back_a_second(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/")
    page.locator("#id_prompt").fill("A fox")
    page.get_by_role("button", name="Generate").dblclick()
    expect(page.get_by_role("heading", name="Queued")).to_be_visible()
    assert Generation.objects.count() == 1

    page.go_back()
    page.locator("#id_prompt").fill("A badger")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".made .card__prompt")).to_have_text("A badger")
    assert Generation.objects.count() == 2


def test_works_without_scripts(bobs_page: Page, chromium: Browser) -> None:
    state = bobs_page.context.storage_state()
    bobs_page.goto("/")
    base = bobs_page.url
    context = chromium.new_context(base_url=base, storage_state=state, java_script_enabled=False)
    page = context.new_page()
    page.goto("/generations/new/")
    page.locator("#kind-image").check()
    expect(page.get_by_text("Choose a picture").first).to_be_visible()
    page.locator("#kind-text").check()
    page.locator("#id_prompt").fill("A fox")
    page.get_by_role("button", name="Generate").click()

    expect(page.get_by_role("heading", name="Queued")).to_be_visible()
    context.close()
