"""The gallery in Chromium: it scrolls on, searches, plays a preview under the pointer, and nothing jumps."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Team, User
from generations import bucket
from generations.models import Generation, Status
from generations.views.gallery import PAGE_SIZE
from tests.cast import make_generation, make_video
from tests.mirror.videos import mp4

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_SHIFTS = """() => {
    window.shifts = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
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
    page.locator(".pager").scroll_into_view_if_needed()
    expect(page.locator(".card")).to_have_count(PAGE_SIZE + 3)
    expect(page.locator(".pager")).to_have_count(0)
    assert page.evaluate("window.shifts") < 0.02


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
