"""Selecting in the gallery: by click, shift and keys; the bar's verbs; hearts; and all of it without scripts."""

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from generations.models import Collection, Favourite, Generation, Status, Tag
from tests.browser.conftest import desk_alone
from tests.cast import make_generation, make_video, signed_in
from tests.generations.mirror.videos import mp4

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
    page.evaluate("() => { window.isSame = true; }")
    boxes = page.locator(".card__select input")
    bar = page.get_by_role("group", name="Selection")
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
    page.get_by_label("Tag name").fill("Winter")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 video tagged “Winter”.")).to_be_visible()
    assert [tag.name for tag in rows[1].tags.all()] == ["Winter"]
    expect(bar.locator("summary", has_text="Tag")).to_be_focused()
    expect(boxes.nth(1)).to_be_checked()

    bar.get_by_role("button", name="Delete").click()
    expect(page.locator("#toasts").get_by_text("Moved to trash.")).to_be_visible()
    expect(page.locator(".card__prompt")).to_have_text(["Fox 3", "Fox 1", "Fox 0"])
    expect(page.locator(".card__prompt").nth(1)).to_be_focused()
    page.locator(".toast", has_text="Moved to trash.").get_by_role("button", name="Undo").click()
    expect(page.locator(".card__prompt")).to_have_text(["Fox 3", "Fox 2", "Fox 1", "Fox 0"])
    assert Generation.objects.filter(trashed_at=None).count() == 4
    assert page.evaluate("window.isSame") is True


def test_deep_in_the_gallery_nothing_jumps(bobs_page: Page, film: Team, bob: User) -> None:
    for _ in range(40):
        make_generation(bob, film, Status.CANCELED)
    page = bobs_page
    page.goto("/")
    card = page.locator(".card").nth(30)
    card.scroll_into_view_if_needed()
    card.locator(".card__select input").check()
    before = page.evaluate("[scrollY, document.querySelectorAll('.card')[24].getBoundingClientRect().top]")
    page.get_by_role("group", name="Selection").get_by_role("button", name="Favourite").click()
    expect(card.locator(".card__heart")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("group", name="Selection").get_by_role("button", name="Delete").click()
    expect(page.locator(".card")).to_have_count(39)
    after = page.evaluate("[scrollY, document.querySelectorAll('.card')[24].getBoundingClientRect().top]")
    assert after == pytest.approx(before, abs=2)


def test_all_that_a_search_finds_is_selected(bobs_page: Page, film: Team, bob: User) -> None:
    for number in range(60):
        make_generation(bob, film, Status.CANCELED, prompt="A boat" if number % 10 else "A fox")
    page = bobs_page
    bar = page.get_by_role("group", name="Selection")
    page.goto("/?q=boat")
    expect(page.locator(".card")).to_have_count(48)
    page.locator(".card__select input").first.check()
    bar.get_by_role("button", name="Select all 54").click()
    expect(bar.get_by_text("54 selected")).to_be_visible()
    bar.locator("summary", has_text="Move").click()
    page.get_by_label("Project (blank = none)").fill("Boats")
    page.keyboard.press("Enter")
    expect(page.get_by_text("54 videos moved to “Boats”.")).to_be_visible()
    assert Generation.objects.filter(collection__name="Boats").count() == 54
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()


def test_selected_videos_are_compared_on_one_screen(bobs_page: Page, film: Team, bob: User) -> None:
    made = [make_generation(bob, film, Status.DONE, prompt=f"Fox {number} {'x' * 300}") for number in range(5)]
    for row in made:
        make_video(row, mp4(seconds=0.5))
    page = bobs_page
    compare = page.get_by_role("button", name="Compare")
    for number in (2, 3, 4):
        page.goto("/")
        page.locator(".card__select input").first.check()
        expect(compare).to_be_disabled()
        for at in range(1, number):
            page.locator(".card__select input").nth(at).check()
        compare.click()
        expect(page.get_by_role("heading", name=f"Compare {number} videos")).to_be_visible()
        for video in page.locator("video").all():
            expect(video).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("button", name="Play")).to_be_in_viewport(ratio=1)
    page.goto("/")
    page.keyboard.press("a")
    expect(page.get_by_text("5 selected")).to_be_visible()
    expect(compare).to_be_disabled()


@desk_alone
def test_cards_are_dragged_onto_the_rail(bobs_page: Page, rows: list[Generation], film: Team, bob: User) -> None:
    Tag.objects.create(team=film, name="hero")
    Collection.objects.create(team=film, name="Trailer")
    page = bobs_page
    page.goto("/")
    rail = page.get_by_role("navigation", name="Library")
    cards = page.locator(".card")
    cards.nth(0).drag_to(rail.get_by_role("link", name="hero"))
    expect(rail.get_by_role("link", name="hero 1")).to_be_visible()
    for at in (1, 2):
        cards.nth(at).locator(".card__select input").check()
    cards.nth(1).drag_to(rail.get_by_role("link", name="Trailer"))
    expect(rail.get_by_role("link", name="Trailer 2")).to_be_visible()
    cards.nth(3).drag_to(rail.get_by_role("link", name="Favourites"))
    expect(cards.nth(3).locator(".card__heart")).to_have_attribute("aria-pressed", "true")
    cards.nth(3).drag_to(rail.get_by_role("link", name="Trash"))
    expect(cards).to_have_count(3)
    expect(rail.get_by_role("link", name="Trash 1")).to_be_visible()

    assert [[tag.name for tag in row.tags.all()] for row in rows] == [["hero"], [], [], []]
    assert set(Generation.objects.filter(collection__name="Trailer")) == set(rows[1:3])
    assert Favourite.objects.get().generation == rows[3]


def test_arrows_walk_and_space_shows_as_large_as_the_screen(bobs_page: Page, film: Team, bob: User) -> None:
    made = [make_generation(bob, film, Status.DONE, prompt=f"Fox {number}") for number in range(3)]
    for row in made:
        make_video(row, mp4(seconds=0.5))
    make_generation(bob, film, Status.CANCELED, prompt="Fox 3")
    page, dialog = bobs_page, bobs_page.get_by_role("dialog", name="Preview")
    page.goto("/")
    prompts = page.locator(".card__prompt")
    for key, at in (("ArrowRight", 0), ("ArrowRight", 1), ("ArrowLeft", 0), ("ArrowRight", 1)):
        page.keyboard.press(key)
        expect(prompts.nth(at)).to_be_focused()
    page.keyboard.press(" ")
    expect(dialog.get_by_role("link", name="Fox 2")).to_be_visible()
    expect(dialog.locator("video")).to_be_in_viewport(ratio=1)
    page.keyboard.press("f")
    expect(dialog.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("link", name="Fox 1")).to_be_visible()
    expect(dialog.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(dialog.locator("video")).to_have_count(0)
    expect(dialog.get_by_text("Canceled").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(prompts.nth(0)).to_be_focused()
    expect(page.locator(".card__heart").nth(1)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowDown")
    if page.viewport_size == {"width": 390, "height": 844}:
        expect(prompts.nth(2)).to_be_focused()
    prompts.nth(3).focus()
    page.keyboard.press("Delete")
    expect(prompts).to_have_text(["Fox 3", "Fox 2", "Fox 1"])
    page.locator(".toast", has_text="Moved to trash.").get_by_role("button", name="Undo").click()
    expect(prompts).to_have_count(4)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog").filter(has_text="Full-screen preview")
    expect(keys).to_contain_text("Move between videos")


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
    page.get_by_role("button", name="Generate").first.click()
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
    page.get_by_role("group", name="Selection").get_by_role("button", name="Delete").click()
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

    page.get_by_role("group", name="Selection").get_by_role("button", name="Favourite").click()
    expect(page.locator("#toasts").get_by_text("Select at most 500 at once.")).to_be_visible()
    expect(page.locator(".card__select input:checked")).to_have_count(4)
    assert not Favourite.objects.exists()


def test_selection_becomes_shots_in_its_order_and_back(bobs_page: Page, film: Team, bob: User) -> None:
    made = [make_generation(bob, film, Status.DONE, prompt=f"Fox {number}") for number in range(3)]
    for row in made:
        make_video(row, mp4(seconds=1.0))
    project = Collection.objects.create(team=film, name="Spring")
    page = bobs_page
    page.goto("/")
    bar = page.get_by_role("group", name="Selection")
    for number in (1, 2, 0):
        page.locator(".card", has_text=f"Fox {number}").locator(".card__select input").click()
    bar.locator("summary", has_text="Storyboard").click()
    page.get_by_label("Project (blank = each one’s own)").fill("Spring")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Enter")
    toast = page.locator(".toast", has_text="3 shots added to the storyboard of “Spring”.")
    expect(toast).to_be_visible()
    assert list(project.shots.values_list("prompt", flat=True)) == ["Fox 1", "Fox 2", "Fox 0"]
    toast.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone.")).to_be_visible()
    assert not project.shots.exists()
    assert not Generation.objects.exclude(collection=None).exists()
