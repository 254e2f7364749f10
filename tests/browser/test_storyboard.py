"""A storyboard from its first shot to the film, on a phone and on a wide screen."""

import re

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from generations.models import Collection, Film, Generation, LibraryPicture, Shot, Status, Upload
from tests.browser.conftest import desk_alone
from tests.browser.test_library import open_picker
from tests.browser.test_pictures import LIME, RED, bring, color_of, expect_kept, file
from tests.cast import columns_of, make_library_picture, make_upload, make_video, picture
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


def open_shot(page: Page, team: Team, **columns: object) -> Shot:
    project = Collection.objects.create(team=team, name="Spring")
    [shot] = Shot.objects.append(project, [Shot(prompt="Fox", **columns)])
    page.goto(shot.get_absolute_url())
    return shot


def pictures_of(shot: Shot) -> list[str | None]:
    """The SHA-256 of its start and its end picture."""
    shot.refresh_from_db()
    return [each.sha256 if each else None for each in (shot.start, shot.tail)]


def save(page: Page) -> None:
    page.get_by_role("button", name="Save shot").click()
    expect(page.get_by_text("Saved.")).to_be_visible()


def test_shot_takes_pictures_of_the_library_by_keys(bobs_page: Page, film: Team, bob: User) -> None:
    fox = make_library_picture(bob, film, picture(color="red"), name="Red fox")
    night = make_library_picture(bob, film, picture(color="navy"), name="Night")
    page = bobs_page
    shot = open_shot(page, film)
    dialog = page.get_by_role("dialog", name="Picture library")
    for slot, name in (("start", "Red fox"), ("tail", "Night")):
        page.locator(f"[data-picture={slot}]").get_by_role("button", name="Choose from library").focus()
        page.keyboard.press("Enter")
        expect(dialog.get_by_label("Search names and tags")).to_be_focused()
        page.keyboard.type(name.lower())
        expect(dialog.locator("[data-picker-picture]")).to_have_count(1)
        while page.evaluate("document.activeElement.textContent") != name:
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        expect_kept(page, slot)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.reload()  # nothing is saved yet, and nothing is lost
    expect_kept(page, "start")
    save(page)
    assert pictures_of(shot) == [fox.sha256, night.sha256]

    page.goto(shot.get_absolute_url())
    page.locator("[data-picture=start]").get_by_role("button", name="Swap").click()
    page.locator("[data-picture=start]").get_by_role("button", name="Remove").click()
    expect(page.locator("#id_start_upload")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    save(page)
    assert pictures_of(shot) == [night.sha256, fox.sha256]


@desk_alone
def test_library_picture_is_dragged_onto_a_shot(bobs_page: Page, film: Team, bob: User) -> None:
    kept = make_library_picture(bob, film, name="Red fox")
    page = bobs_page
    shot = open_shot(page, film)
    open_picker(page, "start")
    page.locator("[data-picker-picture] img").drag_to(page.locator("[data-picture=tail] .drop"))
    expect_kept(page, "tail")
    page.keyboard.press("Escape")
    save(page)
    assert pictures_of(shot) == [None, kept.sha256]


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_files_come_down_on_a_shot(bobs_page: Page, film: Team, event: str) -> None:
    page = bobs_page
    shot = open_shot(page, film)
    assert bring(page, event, "h1", "red", "lime") is False
    assert (color_of(page, "start"), color_of(page, "tail")) == (RED, LIME)
    assert bring(page, event, "body", "blue") is False
    expect(page.locator(".toast")).to_contain_text("Both pictures are chosen.")
    kept = [expect_kept(page, slot).sha256 for slot in ("start", "tail")]
    save(page)
    assert pictures_of(shot) == kept


def test_what_is_wrong_with_the_picture_of_a_shot_is_said_at_once(bobs_page: Page, film: Team) -> None:
    page = bobs_page
    open_shot(page, film)
    page.locator("#id_start_file").set_input_files(file("small.jpg", picture(size=(200, 900))))
    expect(page.locator("[data-picture=start] [data-drop-error]")).to_contain_text("at least 300 px")
    assert not Upload.objects.exists()


def test_colleagues_picture_of_a_shot_is_kept_in_the_library(bobs_page: Page, film: Team, alice: User) -> None:
    hers = make_upload(alice)
    page = bobs_page
    open_shot(page, film, start=hers, changed_by=alice)
    page.locator("[data-picture=start]").get_by_role("button", name="Keep in library").click()
    expect(page.locator("#toasts")).to_contain_text("Kept in the picture library of Film.")
    assert LibraryPicture.objects.get().sha256 == hers.sha256


def test_what_is_typed_into_a_shot_comes_back(bobs_page: Page, film: Team) -> None:
    page = bobs_page
    open_shot(page, film)
    page.get_by_label("Note (optional)").fill("From below")
    page.reload()
    expect(page.get_by_label("Note (optional)")).to_have_value("From below")
    expect(page.get_by_text("What you typed is back.")).to_be_visible()
