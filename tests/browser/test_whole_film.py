"""A film from one video to its guests: extended, led in between, put in order, its takes chosen, joined and shared."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import Team, User
from generations.models import Collection, Film, FilmStatus, Generation, Shot, Status
from sharing.models import ShareLink
from tests.browser.conftest import RENDERED, Worker
from tests.browser.test_chain import replace_clip
from tests.cast import make_generation, make_video
from tests.generations.films.cast import join_due
from tests.generations.mirror.videos import mp4

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def order(page: Page, prompt: str) -> Generation:
    """What the composer, as it stands, makes of the prompt."""
    page.locator("#id_prompt").fill(prompt)
    page.locator("#generate").click()
    expect(page.locator(".made .card--done")).to_have_count(1, timeout=RENDERED)
    row = Generation.objects.latest("created_at")
    replace_clip(row)
    return row


def test_from_one_video_to_a_shared_film(
    bobs_page: Page, chromium: Browser, film: Team, bob: User, worker: Worker
) -> None:
    page = bobs_page
    project = Collection.objects.create(team=film, name="Spring")
    first, last = (
        make_generation(bob, film, Status.DONE, prompt=words, collection=project) for words in ("Wakes", "Sleeps")
    )
    for row in (first, last):
        make_video(row, mp4(seconds=0.6, size=(640, 360)))
    worker.start()

    page.goto(first.get_absolute_url())
    page.get_by_role("button", name="Extend").click()
    runs = order(page, "Runs")
    page.goto(runs.get_absolute_url())
    page.get_by_role("link", name="In between").click()
    page.get_by_role("button", name="Sleeps").click()
    expect(page.locator(".composer__pictures .upload img")).to_have_count(2)
    tires = order(page, "Tires")
    assert (runs.parent, runs.collection, tires.parent, tires.leads_to) == (first, project, runs, last)

    for row in (last, first, runs, tires):  # not in their order
        page.goto(row.get_absolute_url())
        page.get_by_role("button", name="Add to storyboard").click()
        expect(page).to_have_url(re.compile("/storyboard/"))
    shown = page.locator(".shot__prompt")
    expect(shown).to_have_text(["Sleeps", "Wakes", "Runs", "Tires"])
    for number in (1, 2, 3):
        page.get_by_role("button", name=f"Move shot {number} down").click()
        expect(page.get_by_text(f"Shot moved to place {number + 1} of 4.")).to_be_attached()
    expect(shown).to_have_text(["Wakes", "Runs", "Tires", "Sleeps"])

    page.get_by_role("checkbox", name="Select shot 2").check()
    page.get_by_role("button", name="Generate selected").click()
    page.get_by_role("button", name="Generate one video").click()
    shot = Shot.objects.get(prompt="Runs")
    takes = page.locator(f"#takes-{shot.pk}")
    expect(takes.get_by_role("button", name="Take 2")).to_have_attribute("aria-pressed", "true", timeout=RENDERED)
    takes.get_by_role("button", name="Take 1").click()
    expect(takes.get_by_role("button", name="Take 1")).to_have_attribute("aria-pressed", "true")

    page.get_by_role("button", name="Join").click()
    page.get_by_role("button", name="Join 4 videos").click()
    expect(page).to_have_url(re.compile("/films/[0-9a-f-]+/$"))
    join_due()
    expect(page.locator("video")).to_be_visible(timeout=RENDERED)  # the page asks by itself
    made = Film.objects.get()
    assert (made.status, made.project) == (FilmStatus.DONE, project)
    assert [part.generation for part in made.parts.all()] == [first, runs, tires, last]

    page.get_by_role("link", name="Share", exact=True).click()
    page.get_by_label("Title").fill("For the client")
    page.get_by_role("button", name="Create link").click()
    expect(page).to_have_url(re.compile("share-links/"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    address = page.locator("[data-copy], input[readonly]").first
    guest = chromium.new_context(viewport=page.viewport_size).new_page()
    guest.goto(address.get_attribute("data-copy") or address.input_value())
    guest.wait_for_function("() => document.querySelector('video')?.duration > 2")
    assert ShareLink.objects.get().film == made
    guest.context.close()
