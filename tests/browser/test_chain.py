"""A video is extended, another leads on to a third, and all of them play as one film."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Team, User
from generations.models import Generation, Relation, Status
from tests.browser.conftest import RENDERED, Worker, desk_alone
from tests.cast import make_generation, make_video
from tests.generations.mirror.videos import mp4

pytestmark = [desk_alone, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


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
    parts = page.locator(".sequence__part")
    expect(parts.locator("a")).to_have_text(["A fox wakes", "The fox runs", "The fox runs", "A fox sleeps"])
    page.get_by_role("button", name="Play all").click()
    expect(page.locator("[data-clock]")).to_contain_text("4 / 4", timeout=RENDERED)
    expect(parts.nth(3)).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("button", name="Play all")).to_be_visible(timeout=RENDERED)  # it has ended
    expect(page.locator("[data-failed]")).to_be_hidden()

    position = page.get_by_label("Position in the film")
    position.focus()
    position.press("Home")
    expect(page.locator("[data-clock]")).to_have_text(re.compile(r"^0:00 / .* 1 / 4$"))
    page.screenshot(path=f"/tmp/chain-{size[0]}.png", full_page=True)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(500)
    page.screenshot(path=f"/tmp/chain-{size[0]}-dark.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
