"""The gallery in Chromium: it scrolls on, searches, plays a preview under the pointer, and nothing jumps."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Team, User
from generations import bucket
from generations.models import Event, Generation, Status
from generations.views.gallery import PAGE_SIZE
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

    deep.locator(".card__prompt").click()
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


def test_search_by_key_finds_and_clears(bobs_page: Page, film: Team, bob: User) -> None:
    with_video(bob, film, prompt="A fox in the snow")
    with_video(bob, film, prompt="A boat")
    page = bobs_page
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("foxes")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("link", name="Clear the filters").click()
    expect(page.locator(".card")).to_have_count(2)


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
