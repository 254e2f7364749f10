"""The composer's flow: many at once, what is left of the money, presets, and going on after the press."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import Team, User
from generations.fal.arguments import Quality
from generations.models import Generation, Preset, TeamPause
from tests.browser.conftest import RENDERED, Worker, desk_alone
from tests.cast import make_generation, picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def price(page: Page, words: str) -> None:
    expect(page.locator(".order__price")).to_have_text(re.compile(rf"^\s*{re.escape(words)}\s*$"), use_inner_text=True)


@desk_alone
@pytest.mark.parametrize("size", [(390, 844), (1440, 900)])
def test_a_batch_from_its_price_to_its_cards(
    bobs_page: Page, film: Team, bob: User, worker: Worker, size: tuple[int, int]
) -> None:
    page = bobs_page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    Team.objects.filter(pk=film.pk).update(monthly_limit_cents=100)
    page.goto("/generations/new/")
    page.locator("#id_team").select_option("film")
    left = "Film: $1.00 is left of this month's $1.00 (the team’s limit)."
    expect(page.locator(".order__left:visible")).to_have_text(left)
    page.locator("#id_prompt").fill("A fox\n\nAn owl\nA badger")
    page.locator("#id_variations").select_option("2")
    price(page, "$0.70")
    page.get_by_label("Batch: one prompt per line").check()
    expect(page.locator("#id_variations")).to_be_hidden()
    price(page, "$1.05")
    button, why = page.locator("#generate"), "This costs $1.05; $1.00 is left of this month's $1.00 (the team’s limit)."
    expect(button).to_have_text("Generate 3 videos · $1.05")
    expect(button).to_be_in_viewport()
    expect(button).to_be_disabled()
    expect(button).to_have_accessible_description(why)
    expect(page.locator(".order__left")).to_have_class(re.compile("order__left--passed"))
    page.locator("#id_prompt").press("Control+Enter")
    page.locator("#composer").evaluate("form => form.submit()")  # all the same
    expect(page.locator("#summary")).to_contain_text(why)
    expect(page.locator("#id_prompt")).to_have_value("A fox\n\nAn owl\nA badger")
    assert not Generation.objects.exists()

    page.locator("#id_prompt").fill("A fox\nAn owl")
    expect(page.locator(".order__left")).not_to_have_class(re.compile("order__left--passed"))
    page.get_by_role("button", name="Generate 2 videos · $0.70").click()
    expect(page.get_by_role("heading", name="2 videos queued")).to_be_focused()
    expect(page.locator(".made .card__prompt")).to_have_text(["A fox", "An owl"])
    expect(page.locator("#id_prompt")).to_have_value("A fox\nAn owl")
    why = "This costs $0.70; $0.30 is left of this month's $1.00 (the team’s limit)."
    expect(page.locator("#order-why")).to_have_text(why)
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


@desk_alone
def test_a_paused_queue_says_why_and_other_teams_go_on(bobs_page: Page, film: Team, alice: User) -> None:
    page = bobs_page
    TeamPause.objects.create(team=film, began_by=alice, note="Until Monday.")
    page.goto("/generations/new/?team=film")
    page.locator("#id_prompt").fill("A fox")
    why = "Alice paused the queue of Film. No new videos until it is resumed. Until Monday."
    expect(page.locator("#generate")).to_be_disabled()
    expect(page.locator("#generate")).to_have_accessible_description(why)
    page.locator("#composer").evaluate("form => form.submit()")
    expect(page.locator("#summary")).to_contain_text(why)

    page.locator("#id_team").select_option("bob")
    expect(page.locator("#order-why")).to_be_empty()
    page.get_by_role("button", name="Generate 1 video · $0.35").click()
    expect(page.get_by_role("heading", name="Queued")).to_be_visible()


def test_earlier_prompts_are_searched_and_fill_the_field_alone(bobs_page: Page, film: Team, bob: User) -> None:
    page = bobs_page
    for prompt in ("Two foxes\n<b>at night</b>", "An owl", "A badger digs"):
        make_generation(bob, film, prompt=prompt)
    page.goto("/generations/new/")
    page.get_by_label("10 seconds").check()
    page.get_by_text("Earlier prompts").click()
    expect(page.locator(".recent__one")).to_have_text(["A badger digs", "An owl", "Two foxes\n<b>at night</b>"])
    search = page.get_by_label("Search prompts")
    search.fill("nothing like it")
    expect(page.locator(".recent")).to_contain_text("No results for “nothing like it”")
    search.fill("fox")
    search.press("Enter")  # sends no order
    expect(page.locator(".recent__one")).to_have_count(1)
    page.locator(".recent__one").click()

    expect(page.locator("#id_prompt")).to_have_value("Two foxes\n<b>at night</b>")
    expect(page.locator("#id_prompt")).to_be_focused()
    expect(page.locator("#prompt-count")).to_contain_text("25 / 2,500")
    expect(page.locator("#duration-10")).to_be_checked()
    page.locator("#id_prompt").fill("Typed")
    page.get_by_text("Earlier prompts").click()
    page.locator(".recent__one").first.click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#id_prompt")).to_have_value("Typed")
    assert Generation.objects.count() == 3


def test_without_scripts_a_batch_and_a_preset_work_as_well(bobs_page: Page, chromium: Browser) -> None:
    state = bobs_page.context.storage_state()
    bobs_page.goto("/")
    context = chromium.new_context(base_url=bobs_page.url, storage_state=state, java_script_enabled=False)
    page = context.new_page()
    page.goto("/generations/new/")
    price(page, "$0.35 per video")
    page.locator("#id_prompt").fill("A fox")
    page.locator("#id_variations").select_option("3")
    page.get_by_text("Save as a preset").click()
    page.get_by_label("Name of the preset").fill("Foxes")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Foxes", exact=True)).to_be_visible()
    expect(page.locator("#id_prompt")).to_have_value("A fox")
    page.get_by_role("button", name="Generate").click()

    expect(page.get_by_role("heading", name="3 videos queued")).to_be_visible()
    price(page, "$0.35 per video")  # whatever number is chosen next
    expect(page.locator("#generate")).to_have_text("Generate", use_inner_text=True)
    page.get_by_text("Earlier prompts").click()
    page.get_by_label("Search prompts").fill("fox")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="A fox").click()
    expect(page.locator("#id_prompt")).to_have_value("A fox")
    assert Generation.objects.count() == 3
    context.close()


@desk_alone
@pytest.mark.parametrize("size", [(390, 844), (1440, 900)])
def test_a_draft_from_a_picture_costs_less_and_takes_no_end_picture(
    bobs_page: Page, film: Team, size: tuple[int, int]
) -> None:
    page = bobs_page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto("/generations/new/")
    expect(page.locator("#id_quality")).to_be_hidden()  # from text there is one only
    page.locator("#kind-image").check(force=True)
    page.locator("#id_prompt").fill("The fox looks up")
    price(page, "$0.35")
    page.locator("#quality-draft").check(force=True)
    price(page, "$0.21")
    page.locator("#duration-10").check(force=True)
    price(page, "$0.42")
    for slot in ("start", "tail"):
        page.locator(f"#id_{slot}_file").set_input_files(
            {"name": f"{slot}.jpg", "mimeType": "image/jpeg", "buffer": picture(size=(640, 360))}
        )
    page.locator("#id_team").select_option("film")
    page.locator("#generate").click()
    expect(page.locator("#summary")).to_contain_text(
        "A draft takes no end picture. Remove it, or choose another quality."
    )
    expect(page.locator("#quality-draft")).to_be_checked()
    assert not Generation.objects.exists()
    page.locator("[data-picture=tail]").get_by_role("button", name="Remove").click()
    page.locator("#generate").click()
    expect(page.get_by_role("heading", name="Queued")).to_be_focused()
    made = Generation.objects.get()
    assert (made.fal_endpoint.quality, made.cost_cents) == (Quality.DRAFT, 42)
