"""The gallery in Chromium: it scrolls on, searches, plays a preview under the pointer, and nothing jumps."""

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from accounts.models import Team, User
from generations import bucket
from generations.models import Event, Generation, Status, Tag
from generations.views.gallery import PAGE_SIZE
from tests.browser.conftest import LOOKS, RENDERED, desk_alone
from tests.cast import make_generation, make_video
from tests.generations.mirror.videos import mp4

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_SHIFTS = """() => {
    window.shifts = 0;
    window.moved = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) {
            window.shifts += entry.value;
            window.moved.push(...entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 200)));
        }
    }).observe({ type: "layout-shift", buffered: true });
}"""


def with_video(bob: User, film: Team, minutes: int = 0, **columns: str) -> Generation:
    row = make_generation(bob, film, Status.DONE, created_at=timezone.now() - timedelta(minutes=minutes), **columns)
    make_video(row)
    return row


def test_scrolls_on_to_the_end_without_a_jump(bobs_page: Page, film: Team, bob: User) -> None:
    for minutes in range(PAGE_SIZE + 3):
        with_video(bob, film, minutes)
    page = bobs_page
    page.add_init_script(f"({_SHIFTS})()")
    page.goto("/")
    expect(page.locator(".card")).to_have_count(PAGE_SIZE)
    for _ in range(100):  # as with a finger or a wheel
        page.mouse.wheel(0, 300)
        page.wait_for_timeout(30)
        expect(page.locator(".htmx-request")).to_have_count(0)  # a busy machine answers later than somebody scrolls
        if page.locator(".card").count() > PAGE_SIZE:
            break
    expect(page.locator(".card")).to_have_count(PAGE_SIZE + 3)
    expect(page.locator(".pager")).to_have_count(0)
    assert page.evaluate("window.shifts") < 0.02, page.evaluate("window.moved")


def test_back_leads_to_the_card_however_deep_and_whatever_has_come(bobs_page: Page, film: Team, bob: User) -> None:
    many_rows(bob, film, 10_000)
    page = bobs_page
    page.goto("/")
    for pages in range(1, 5):
        page.wait_for_function(f"() => document.querySelectorAll('.card').length >= {pages * PAGE_SIZE}")
        page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
    deep = page.locator(".card").nth(4 * PAGE_SIZE + 3)
    deep.scroll_into_view_if_needed()
    page.wait_for_function("() => location.search.includes('from=')")
    name = deep.get_attribute("id")
    many_rows(bob, film, 30, newer=True)

    deep.locator(".card__prompt").click(timeout=RENDERED)
    expect(page).to_have_url(re.compile("/generations/"))
    page.go_back()
    expect(page.locator(f"#{name}")).to_be_in_viewport()
    page.get_by_role("link", name="Newer").click()
    expect(page.locator(".card")).not_to_have_count(PAGE_SIZE)
    page.reload()
    expect(page.locator(".card").first).to_be_visible()


def many_rows(bob: User, film: Team, count: int, *, newer: bool = False) -> None:
    """Ended rows without videos, a minute apart."""
    one = make_generation(bob, film, Status.CANCELED)
    names = [field.attname for field in Generation._meta.concrete_fields]
    values = {name: getattr(one, name) for name in names if name not in {"id", "idempotency_key", "created_at"}}
    begin = timezone.now() + timedelta(days=1 if newer else 0)
    rows = [Generation(**values, created_at=begin - timedelta(minutes=number)) for number in range(1, count)]
    Generation.objects.bulk_create(rows, batch_size=1000)
    Event.objects.bulk_create([Event(generation=row, status=row.status) for row in rows], batch_size=1000)


def test_search_answers_each_word_and_keeps_the_page(bobs_page: Page, film: Team, bob: User) -> None:
    for minutes, prompt in enumerate(["A fox in the snow", "A fox by night", "A boat"]):
        make_generation(bob, film, Status.CANCELED, prompt=prompt, created_at=minutes_ago(minutes))
    Tag.objects.add_to(Generation.objects.filter(prompt__contains="night"), "hero")
    page, cards, chips = bobs_page, bobs_page.locator(".card"), bobs_page.locator(".chips__one")
    page.goto("/")
    page.evaluate("() => { window.isSame = true; }")
    expect(page.get_by_label("Status")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("foxes")
    expect(cards).to_have_count(2)
    expect(page).to_have_url(re.compile(r"/\?q=foxes$"))
    expect(page.get_by_role("searchbox")).to_be_focused()
    expect(page.locator(".gallery [data-announce]")).to_have_text("2 videos")

    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Tag", exact=True).select_option("hero")
    expect(cards).to_have_count(1)
    expect(chips).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.get_by_label("Status")).to_be_hidden()
    page.get_by_role("link", name="Remove filter: Search: foxes").click()
    expect(page.get_by_role("searchbox")).to_have_value("")
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("foxes")
    expect(chips).to_have_count(2)
    page.go_back()
    expect(cards).to_have_count(2)
    page.go_forward()
    expect(cards).to_have_count(1)

    page.get_by_role("searchbox").fill("submarine <b>")
    expect(page.get_by_role("heading", name="No results for “submarine <b>”")).to_be_visible()
    page.locator(".empty").get_by_role("link", name="Clear filters").click()
    expect(cards).to_have_count(3)
    expect(page.get_by_label("Tag", exact=True)).to_have_value("")
    assert page.evaluate("window.isSame") is True


@desk_alone
def test_search_works_without_scripts(chromium: Browser, bobs_page: Page, film: Team, bob: User) -> None:
    make_generation(bob, film, Status.CANCELED, prompt="A fox in the snow")
    make_generation(bob, film, Status.CANCELED, prompt="A boat")
    bobs_page.goto("/")
    state = bobs_page.context.storage_state()
    with chromium.new_context(base_url=bobs_page.url, storage_state=state, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_role("searchbox").fill("fox")
        page.get_by_role("button", name="Search").click()
        expect(page.locator(".card")).to_have_count(1)
        page.get_by_text("Filters", exact=True).click()
        page.get_by_label("Status").select_option("done")
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_role("heading", name="No results for “fox”")).to_be_visible()
        page.get_by_role("link", name="Remove filter: Status: Done").click()
        expect(page.locator(".card")).to_have_count(1)


def test_rail_leads_to_places_with_their_numbers(bobs_page: Page, film: Team, bob: User, alice: User) -> None:
    rows = [make_generation(who, film, Status.CANCELED, prompt="A fox") for who in (bob, bob, alice)]
    Tag.objects.add_to(rows[1:], "W" * 60)
    page = bobs_page
    page.goto("/")
    rail, is_phone = page.get_by_role("navigation", name="Library"), width_of(page) == 390
    if is_phone:
        expect(rail).to_be_hidden()
        page.get_by_role("button", name="Library").click()
    expect(rail.get_by_role("link", name="Your videos 2")).to_have_attribute("aria-current", "page")
    expect(rail.get_by_role("link", name="Trash 0")).to_be_visible()
    if is_phone:
        page.keyboard.press("Escape")
        expect(rail).to_be_hidden()
        page.get_by_role("button", name="Library").click()
    rail.get_by_role("link", name=f"{'W' * 60} 2").click()
    expect(page.get_by_role("heading", name="W" * 60)).to_be_visible()
    expect(page.locator(".card")).to_have_count(2)
    for width in width_of(page), 320:
        page.set_viewport_size({"width": width, "height": 800})
        for address in ("/", page.url, rows[1].get_absolute_url(), "/trash/"):
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_month_and_size_of_a_long_gallery(bobs_page: Page, film: Team, bob: User) -> None:
    many_rows(bob, film, 400)
    old = timezone.now() - timedelta(days=100)
    Generation.objects.filter(pk__in=Generation.objects.order_by("created_at")[:3]).update(created_at=old)
    page, grid = bobs_page, bobs_page.locator(".grid")
    page.goto("/")
    page.get_by_text("Month", exact=True).click()
    expect(page.get_by_role("link", name=f"{old:%B}")).to_be_visible()
    page.get_by_role("link", name=f"{old:%B}").click()
    expect(page.locator(".card")).to_have_count(3)
    expect(page).to_have_url(re.compile("from="))
    page.go_back()
    expect(page.locator(".card")).to_have_count(PAGE_SIZE)

    card = page.locator(".card").first
    before = box_width(card)
    page.get_by_label("Thumbnail size").press("End")
    expect(grid).to_have_class("grid grid--5")
    assert box_width(card) > before * 1.3
    page.reload()
    expect(grid).to_have_class("grid grid--5")


_SHAPES = "all => all.map((one) => one.clientHeight / one.clientWidth)"
_PLACES = "() => [...document.querySelectorAll('.card')].map((card) => card.getBoundingClientRect().toJSON())"


@pytest.mark.parametrize("look", [LOOKS["390"]], indirect=True, ids=["390"])
def test_two_columns_on_a_phone_with_tall_videos_tall(bobs_page: Page, film: Team, bob: User) -> None:
    ratios = ["16:9", "9:16", "16:9", "1:1", "16:9", "9:16", "9:16", "16:9"]
    for minutes, ratio in enumerate(ratios):
        make_generation(bob, film, Status.CANCELED, aspect_ratio=ratio, created_at=minutes_ago(minutes))
    bobs_page.goto("/")
    places = bobs_page.evaluate(_PLACES)

    assert len({round(place["left"]) for place in places}) == 2
    assert len({round(place["width"]) for place in places}) == 1
    frames = bobs_page.locator(".card__frame").evaluate_all(
        "all => all.map((one) => one.clientHeight / one.clientWidth)"
    )
    for ratio, found in zip(ratios, frames, strict=True):
        width, height = map(int, ratio.split(":"))
        assert found == pytest.approx(height / width, rel=0.15), ratio
    for one in places:  # nothing lies on anything
        for other in places:
            is_beside = one["right"] <= other["left"] + 1 or other["right"] <= one["left"] + 1
            is_below = one["bottom"] <= other["top"] + 1 or other["bottom"] <= one["top"] + 1
            assert one == other or is_beside or is_below


def width_of(page: Page) -> int:
    assert page.viewport_size
    return page.viewport_size["width"]


def box_width(locator: Locator) -> float:
    box = locator.bounding_box()
    assert box
    return box["width"]


def minutes_ago(minutes: int) -> datetime:
    return timezone.now() - timedelta(minutes=minutes)


def test_a_preview_plays_under_the_pointer_and_goes(bobs_page: Page, film: Team, bob: User) -> None:
    row = with_video(bob, film)
    bucket.put(row.preview_key, mp4(seconds=0.5), "video/mp4")
    row.video.preview_key = row.preview_key
    row.video.save(update_fields=["preview_key"])
    page = bobs_page
    page.goto("/")
    page.locator(".card").hover()
    preview = page.locator(".card__preview")
    expect(preview).to_be_visible()
    page.wait_for_function("() => document.querySelector('.card__preview').currentTime > 0")
    page.mouse.move(0, 0)
    expect(preview).to_have_count(0)

    page.emulate_media(reduced_motion="reduce")
    page.locator(".card").hover()
    page.wait_for_timeout(600)
    expect(preview).to_have_count(0)
