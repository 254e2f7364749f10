"""A matrix of orders from one prompt: its fields, its price and its cards."""

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import Team
from generations.models import Generation, Preset
from tests.browser.conftest import desk_alone
from tests.browser.test_composer import price

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PROMPT = "{product} in {season: winter|summer}"


@desk_alone
@pytest.mark.parametrize("size", [(390, 844), (1440, 900)])
def test_a_matrix_from_its_fields_to_its_cards(bobs_page: Page, film: Team, size: tuple[int, int]) -> None:
    page = bobs_page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    Team.objects.filter(pk=film.pk).update(monthly_limit_cents=200)
    page.goto("/generations/new/?team=film")
    expect(page.locator("#variables")).to_be_hidden()
    page.locator("#id_prompt").press_sequentially(PROMPT)
    product, winter = page.get_by_role("textbox", name="product"), page.get_by_role("checkbox", name="winter")
    expect(winter).to_be_checked()
    expect(page.get_by_role("group", name="season").get_by_role("checkbox")).to_have_count(2)
    price(page, "$0.70")
    button = page.locator("#generate")
    page.get_by_role("button", name="Generate 2 videos · $0.70").click()
    summary = page.locator("#summary")
    expect(summary).to_contain_text("product: Give it at least one value.")
    summary.get_by_role("link", name="product").click()
    expect(product).to_be_focused()
    page.keyboard.type("Lamp\nChair | Sofa\n")
    expect(button).to_have_text("Generate 6 videos · $2.10")
    why = "This costs $2.10; $2.00 is left of this month's $2.00 (the team’s limit)."
    expect(button).to_have_accessible_description(why)
    expect(button).to_be_disabled()
    winter.press("Space")
    expect(button).to_have_text("Generate 3 videos · $1.05")

    page.locator("#id_prompt").fill(f"{PROMPT}, {{time: noon|night}}")
    expect(page.get_by_role("checkbox", name="night")).to_be_checked()
    expect(button).to_have_text("Generate 6 videos · $2.10")
    expect(product).to_have_value("Lamp\nChair | Sofa\n")
    expect(winter).not_to_be_checked()
    page.locator("#id_prompt").fill(PROMPT)
    expect(page.get_by_role("checkbox", name="night")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Generate 3 videos · $1.05").click()

    expect(page.get_by_role("heading", name="3 videos queued")).to_be_focused()
    cards = ["Lamp in summer", "Chair in summer", "Sofa in summer"]
    expect(page.locator(".made .card__prompt")).to_have_text(cards)
    expect(page.locator("#id_prompt")).to_have_value(PROMPT)
    expect(product).to_have_value("Lamp\nChair\nSofa")
    assert Generation.objects.count() == 3


@desk_alone
def test_a_press_before_the_fields_are_there_orders_nothing(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/")
    page.locator("#id_prompt").fill("In {season: winter|summer}")
    page.locator("#id_prompt").press("Control+Enter")

    expect(page.locator("#generate")).to_have_text("Generate 2 videos · $0.70")
    expect(page.locator("#generate")).to_be_enabled()
    assert not Generation.objects.exists()
    page.locator("#id_prompt").press("Control+Enter")
    expect(page.get_by_role("heading", name="2 videos queued")).to_be_visible()


@desk_alone
def test_what_cannot_be_loaded_is_asked_for_by_the_next_page(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/")
    page.route("**/generations/new/variables", lambda route: route.fulfill(status=502))
    page.locator("#id_prompt").fill("In {season: winter|summer}")
    page.locator("#generate").click()

    expect(page.locator("#summary")).to_contain_text("Each choice makes a video of its own.")
    expect(page.locator("#generate")).to_have_text("Generate 2 videos · $0.70")
    assert not Generation.objects.exists()


def test_each_line_of_a_batch_has_its_own_variables(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/")
    page.locator("#id_prompt").fill("{a}\nplain\n{a} {b}")
    page.get_by_label("a", exact=True).fill("1|2|3")
    page.get_by_label("b", exact=True).fill("x|y")
    page.get_by_label("Batch: one prompt per line").check()

    expect(page.locator("#generate")).to_have_text("Generate 10 videos · $3.50")


def test_without_scripts_the_answer_has_the_fields(bobs_page: Page, chromium: Browser) -> None:
    state = bobs_page.context.storage_state()
    bobs_page.goto("/")
    context = chromium.new_context(base_url=bobs_page.url, storage_state=state, java_script_enabled=False)
    page = context.new_page()
    page.goto("/generations/new/")
    page.locator("#id_prompt").fill(PROMPT)
    page.get_by_role("button", name="Generate").click()
    page.get_by_role("textbox", name="product").fill("Lamp")
    page.get_by_role("checkbox", name="winter").uncheck()
    page.get_by_role("button", name="Generate").click()

    expect(page.get_by_role("heading", name="Queued")).to_be_visible()
    assert Generation.objects.get().prompt == "Lamp in summer"
    context.close()


@desk_alone
@pytest.mark.parametrize("size", [(390, 844), (1440, 900)])
def test_a_preset_of_the_team_is_saved_changed_and_brought_back(
    bobs_page: Page, film: Team, size: tuple[int, int]
) -> None:
    page = bobs_page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto("/generations/new/?team=film")
    page.locator("#id_prompt").fill("A {product}")
    page.get_by_role("textbox", name="product").fill("Lamp\nChair")
    page.get_by_text("Save as a preset").click()
    page.get_by_label("Name of the preset").fill("Catalogue")
    page.get_by_label("Who may use it").select_option("Everyone in Film")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("Saved as “Catalogue”.")

    page.get_by_role("link", name="Catalogue").click()
    expect(page.get_by_role("textbox", name="product")).to_have_value("Lamp\nChair")
    page.locator("#id_prompt").fill("A big {product}")
    page.get_by_text("Save as a preset").click()
    expect(page.get_by_label("Name of the preset")).to_have_value("Catalogue")
    expect(page.get_by_label("Who may use it")).to_have_value("film")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("Saved as “Catalogue”.")
    page.get_by_role("button", name="Generate 2 videos · $0.70").click()
    expect(page.get_by_role("heading", name="2 videos queued")).to_be_visible()

    page.get_by_role("link", name="All presets").click()
    page.get_by_role("link", name="Catalogue", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("made by Bob · version 2 · used for 1 order")
    page.get_by_text("Version 1, “Catalogue”").click()
    page.get_by_role("button", name="Bring back version 1").click()
    expect(page.locator("dl.values").first).to_contain_text("A {product}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert Preset.objects.get().values["prompt"] == "A {product}"
