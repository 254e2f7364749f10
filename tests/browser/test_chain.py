"""A video is extended, another leads on to a third, and all of them play as one film."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Team, User
from generations import bucket
from generations.models import Generation, Relation, Status, Video
from tests.browser.conftest import RENDERED, Worker, desk_alone
from tests.cast import make_generation, make_video
from tests.generations.mirror.videos import mp4

pytestmark = [desk_alone, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def replace_clip(row: Generation) -> None:
    """The sandbox's own is too small for Kling to go on from."""
    data = mp4(seconds=0.6, size=(640, 360))
    bucket.put(row.video.key, data, "video/mp4")
    Video.objects.filter(generation=row).update(size=len(data), duration=0.6)


@pytest.mark.parametrize("size", [(390, 844), (1440, 900)])
def test_from_extension_to_film(bobs_page: Page, film: Team, bob: User, worker: Worker, size: tuple[int, int]) -> None:
    page = bobs_page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    first, last = (make_generation(bob, film, Status.DONE, prompt=words) for words in ("A fox wakes", "A fox sleeps"))
    for row in (first, last):
        make_video(row, mp4(seconds=0.6, size=(640, 360)))
    worker.start()

    page.goto(first.get_absolute_url())
    page.get_by_role("button", name="Extend").click()
    expect(page.locator("[data-picture=start] .upload img")).to_be_visible()
    page.locator("#id_prompt").fill("The fox runs")
    page.locator("#generate").click()
    expect(page.locator(".made .card--done")).to_have_count(1, timeout=RENDERED)
    second = Generation.objects.get(parent=first)
    assert second.relation == Relation.EXTEND
    replace_clip(second)

    page.goto("/")
    for row in (second, last):  # in this order, which is not the gallery's
        page.locator(f"#card-{row.pk} .card__select input").check(force=True)
    page.get_by_role("button", name="In between").click()
    expect(page.locator(".composer__pictures .upload img")).to_have_count(2)
    page.locator("#generate").click()
    expect(page.locator(".made .card--done")).to_have_count(1, timeout=RENDERED)
    assert Generation.objects.get(leads_to=last).parent == second

    page.goto(last.get_absolute_url())
    expect(page.get_by_role("heading", name="Film of 4 videos")).to_be_visible()
    film_of_all = page.get_by_role("region", name="Film of 4 videos")
    clips = film_of_all.locator("[data-clip]")
    expect(clips).to_have_text(["A fox wakes", "The fox runs", "The fox runs", "A fox sleeps"])
    film_of_all.get_by_role("button", name="Play").click()
    expect(clips.nth(3)).to_have_attribute("aria-current", "true", timeout=RENDERED)
    expect(film_of_all.get_by_role("button", name="Play")).to_be_visible(timeout=RENDERED)  # it has ended
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
