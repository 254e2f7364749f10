"""Videos are selected in the gallery, joined in their order, watched and shared, on a phone and on a wide screen."""

import re

import pytest
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from generations.models import Film, FilmStatus
from sharing.models import ShareLink
from tests.generations.films.cast import join_due, make_clip
from tests.generations.mirror.film import clips

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_from_the_gallery_to_a_shared_film(bobs_page: Page, film: Team, bob: User, studio: LiveServer) -> None:
    page = bobs_page
    rows = [make_clip(bob, film, clips.clip(seed), prompt=f"Fox {seed}") for seed in (1, 2)]
    rows.append(make_clip(bob, film, clips.clip(3, size=(90, 160)), prompt="Fox 3"))
    page.goto("/")
    boxes = page.locator(".card__select input")
    boxes.nth(2).click(force=True)  # the older one first
    boxes.nth(1).click(force=True)
    page.get_by_role("group", name="Selection").get_by_role("button", name="Join").click()
    prompts = page.locator(".film__prompt")
    expect(prompts).to_have_text(["Fox 1", "Fox 2"])
    page.get_by_role("button", name="Move video 2 up").click()
    expect(prompts).to_have_text(["Fox 2", "Fox 1"])
    expect(page.get_by_text("no quality is lost")).to_be_visible()
    page.get_by_label("Name").fill("Spring spot")
    page.get_by_role("button", name="Move video 2 up").click()
    expect(prompts).to_have_text(["Fox 1", "Fox 2"])
    expect(page.get_by_label("Name")).to_have_value("Spring spot")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Name").press("Enter")

    expect(page.get_by_text("Waiting to be joined")).to_be_visible()
    Film.objects.update(status=FilmStatus.QUEUED)
    join_due()
    player = page.locator("video")
    expect(player).to_be_visible(timeout=60_000)  # the page asks by itself
    page.wait_for_function("() => document.querySelector('video').duration > 1.9")
    assert page.evaluate("document.querySelector('video').duration") == pytest.approx(2, abs=0.05)
    made = Film.objects.get()
    assert [part.generation for part in made.parts.all()] == rows[:2]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.get_by_role("link", name="Share", exact=True).click()
    page.get_by_label("Title").fill("For the client")
    page.get_by_role("button", name="Create link").click()
    expect(page).to_have_url(re.compile("share-links/"))
    address = page.get_by_role("main").locator("input[readonly], [data-copy]").first
    expect(address).to_be_visible()
    assert ShareLink.objects.get().film == made
    page.goto(f"/films/new/?ids={rows[0].pk},{rows[2].pk}")
    expect(page.get_by_text("will be encoded at 160 × 90")).to_be_visible()
    assert Client().get(made.get_absolute_url()).status_code == 302
