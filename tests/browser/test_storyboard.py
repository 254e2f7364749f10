"""A storyboard from its first shot to the film, on a phone and on a wide screen."""

import re

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from generations.models import Collection, Film, Generation, Shot, Status
from tests.cast import columns_of, make_video
from tests.generations.films.cast import make_clip
from tests.generations.mirror.film import clips

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


MOVED = "**/storyboard/change"


def drag(page: Page, handle: Locator, onto: Locator) -> None:
    handle.scroll_into_view_if_needed()
    start, end = handle.bounding_box(), onto.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 10, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=8)
    page.mouse.up()


def prompts() -> list[str]:
    return list(Shot.objects.values_list("prompt", flat=True))


def finish(row: Generation, data: bytes) -> None:
    """As the worker would: a page that looks at it now finds the video."""
    make_video(row, data)
    columns = columns_of(Status.DONE) | {"status": Status.DONE, "changed_at": timezone.now()}
    Generation.objects.filter(pk=row.pk).update(**columns)


def test_from_the_first_shot_to_the_film(bobs_page: Page, film: Team, bob: User, studio: LiveServer) -> None:
    page = bobs_page
    project = Collection.objects.create(team=film, name="Spring")
    page.goto(f"{studio.url}/projects/{project.pk}/")
    page.get_by_role("link", name="Storyboard").click()
    page.get_by_label("New shots").fill("Fox\nHare\nOwl")
    page.get_by_role("button", name="Add shots").click()
    shown = page.locator(".shot__prompt")
    expect(shown).to_have_text(["Fox", "Hare", "Owl"])
    expect(page.get_by_label("New shots")).to_have_value("")

    up = page.get_by_role("button", name="Move shot 3 up")
    up.focus()
    with page.expect_response(MOVED):
        page.keyboard.press("Enter")
    expect(shown).to_have_text(["Fox", "Owl", "Hare"])
    expect(page.get_by_text("Shot moved to place 2 of 3.")).to_be_attached()
    expect(page.get_by_role("button", name="Move shot 2 up")).to_be_focused()  # it goes along
    with page.expect_response(MOVED):
        page.keyboard.press("Enter")
    expect(shown).to_have_text(["Owl", "Fox", "Hare"])
    expect(page.get_by_role("button", name="Move shot 1 down")).to_be_focused()  # it can go no further
    handles = page.locator("[data-handle]")
    with page.expect_response(MOVED):
        drag(page, handles.nth(1), page.locator(".shot").nth(0))
    expect(shown).to_have_text(["Fox", "Owl", "Hare"])
    assert prompts() == ["Fox", "Owl", "Hare"]
    page.reload()
    expect(shown).to_have_text(["Fox", "Owl", "Hare"])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.get_by_role("link", name="Edit shot 2").click()
    page.get_by_label("Note (optional)").fill("From below")
    page.get_by_role("button", name="Save shot").click()
    expect(page.get_by_text("From below")).to_be_visible()

    page.get_by_role("link", name="Generate 3 missing shots").click()
    expect(page.get_by_text("3 videos: $1.05")).to_be_visible()
    assert not Generation.objects.exists()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Generate 3 videos · $1.05").dblclick()
    expect(page).to_have_url(re.compile("storyboard/$"))
    expect(page.locator(".takes .chip")).to_have_count(3)
    assert Generation.objects.count() == 3
    for seed, row in enumerate(Generation.objects.order_by("batch_index"), 1):
        finish(row, clips.clip(seed))
    expect(page.locator(".takes__current img")).to_have_count(3, timeout=60_000)  # the page asks by itself

    fox = Shot.objects.get(prompt="Fox")
    first = fox.takes.get()
    second = make_clip(bob, film, clips.clip(7), shot=fox, collection=project, prompt="Fox")
    page.reload()
    takes = page.locator(f"#takes-{fox.pk}")
    expect(takes.get_by_role("button", name="Take 2")).to_have_attribute("aria-pressed", "true")
    takes.get_by_role("button", name="Take 1").click()
    expect(takes.get_by_role("button", name="Take 1")).to_have_attribute("aria-pressed", "true")
    fox.refresh_from_db()
    assert (fox.chosen, second.shot) == (first, fox)

    page.get_by_role("link", name="Play all").click()
    expect(page.locator("a[data-clip]")).to_have_count(3)
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator("[data-current]")).to_have_text("Video 3 of 3")
    page.go_back()
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_label("Name")).to_have_value("Spring")
    page.get_by_role("button", name="Join 3 videos").click()
    expect(page.get_by_role("heading", name="Waiting to be joined")).to_be_visible()
    made = Film.objects.get()
    assert [part.generation.shot for part in made.parts.all()] == list(Shot.objects.all())
    assert (made.project, made.parts.all()[0].generation) == (project, first)
    assert Client().get(f"/projects/{project.pk}/storyboard/").status_code == 302
