"""The composer's flow: many at once, what is left of the money, presets, and going on after the press."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import Team, User
from generations.models import Generation, Preset
from tests.browser.conftest import RENDERED, Worker
from tests.cast import make_generation, picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def price(page: Page, words: str) -> None:
    expect(page.locator(".order__price")).to_have_text(re.compile(rf"^\s*{re.escape(words)}\s*$"), use_inner_text=True)


@pytest.mark.parametrize("size", [(390, 844), (1440, 900)])
def test_a_batch_from_its_price_to_its_cards(
    bobs_page: Page, film: Team, bob: User, worker: Worker, size: tuple[int, int]
) -> None:
    page = bobs_page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    Team.objects.filter(pk=film.pk).update(monthly_limit_cents=100)
    page.goto("/generations/new/")
    page.locator("#id_team").select_option("film")
    page.locator("#id_prompt").fill("A fox\n\nAn owl\nA badger")
    page.locator("#id_variations").select_option("2")
    price(page, "$0.70")
    page.get_by_label("One line a prompt").check()
    expect(page.locator("#id_variations")).to_be_hidden()
    price(page, "$1.05")
    expect(page.locator("#order-count")).to_have_text("for 3 videos together")
    expect(page.locator(".order__left")).to_have_class(re.compile("order__left--passed"))
    page.get_by_role("button", name="Make the video").click()
    expect(page.locator("#summary")).to_contain_text("This costs $1.05; $1.00 is left of this month's $1.00.")
    assert not Generation.objects.exists()

    page.locator("#id_prompt").fill("A fox\nAn owl")
    expect(page.locator(".order__left")).not_to_have_class(re.compile("order__left--passed"))
    page.get_by_role("button", name="Make the video").click()
    expect(page.get_by_role("heading", name="2 videos are on their way")).to_be_focused()
    expect(page.locator(".made .card__prompt")).to_have_text(["A fox", "An owl"])
    expect(page.locator("#id_prompt")).to_have_value("A fox\nAn owl")
    expect(page.locator(".order__left:visible")).to_have_text("Film: $0.30 is left of this month's $1.00.")
    page.evaluate("window.stayed = true")
    page.locator("#id_prompt").fill("The next one")
    worker.start()
    expect(page.locator(".made .card--done")).to_have_count(2, timeout=RENDERED)
    assert page.evaluate("window.stayed") is True
    expect(page.locator("#id_prompt")).to_have_value("The next one")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_preset_is_saved_in_place_loaded_and_deleted(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/?kind=image")
    page.locator("#id_start_file").set_input_files(
        {"name": "fox.jpg", "mimeType": "image/jpeg", "buffer": picture(size=(640, 360))}
    )
    page.locator("#id_prompt").fill("The fox looks up")
    page.get_by_label("10 seconds").check()
    page.get_by_text("Save as a preset").click()
    page.get_by_label("Name of the preset").fill("Looking up")
    page.get_by_label("Name of the preset").press("Enter")
    expect(page.locator(".toast")).to_contain_text("Saved as “Looking up”.")
    expect(page.locator("[data-picture=start] .upload img")).to_be_visible()
    assert (Generation.objects.count(), Preset.objects.count()) == (0, 1)

    page.goto("/generations/new/")
    page.get_by_role("link", name="Looking up").click()
    expect(page.locator("#id_prompt")).to_have_value("The fox looks up")
    expect(page.locator("#kind-image")).to_be_checked()
    expect(page.locator("#duration-10")).to_be_checked()
    page.get_by_role("button", name="Delete the preset Looking up").click()
    expect(page.get_by_role("link", name="Looking up")).to_have_count(0)
    assert not Preset.objects.exists()


def test_an_earlier_prompt_fills_the_field_and_leaves_the_rest(bobs_page: Page, film: Team, bob: User) -> None:
    page = bobs_page
    make_generation(bob, film, prompt="Two foxes\n<b>at night</b>")
    page.goto("/generations/new/")
    page.get_by_label("10 seconds").check()
    page.get_by_text("Earlier prompts").click()
    page.locator(".recent__one").click()

    expect(page.locator("#id_prompt")).to_have_value("Two foxes\n<b>at night</b>")
    expect(page.locator("#prompt-count")).to_contain_text("25 / 2,500")
    expect(page.locator("#duration-10")).to_be_checked()


def test_without_scripts_a_batch_and_a_preset_work_as_well(bobs_page: Page, chromium: Browser) -> None:
    state = bobs_page.context.storage_state()
    bobs_page.goto("/")
    context = chromium.new_context(base_url=bobs_page.url, storage_state=state, java_script_enabled=False)
    page = context.new_page()
    page.goto("/generations/new/")
    page.locator("#id_prompt").fill("A fox")
    page.locator("#id_variations").select_option("3")
    page.get_by_text("Save as a preset").click()
    page.get_by_label("Name of the preset").fill("Foxes")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Foxes", exact=True)).to_be_visible()
    expect(page.locator("#id_prompt")).to_have_value("A fox")
    page.get_by_role("button", name="Make the video").click()

    expect(page.get_by_role("heading", name="3 videos are on their way")).to_be_visible()
    price(page, "$1.05")
    assert Generation.objects.count() == 3
    context.close()
