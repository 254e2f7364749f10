"""The picture library: add two, tag, search, choose one in the composer, drag another, and order."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Team, User
from generations.models import Generation, LibraryPicture, Slot, Status, Upload
from tests.browser.conftest import desk_alone
from tests.browser.test_pictures import expect_kept, file
from tests.cast import make_generation, make_library_picture, make_upload, make_video, picture
from tests.generations.mirror.videos import mp4

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def open_picker(page: Page, slot: str) -> None:
    page.locator(f"[data-picture={slot}]").get_by_role("button", name="Choose from library").click()
    expect(page.get_by_role("dialog", name="Picture library")).to_be_visible()


def test_from_the_files_to_the_order(bobs_page: Page, film: Team) -> None:
    page = bobs_page
    page.goto("/library/?team=film")
    expect(page.get_by_text("No pictures yet.")).to_be_visible()
    page.get_by_label("Team", exact=True).select_option("film")
    notes = file("notes.txt", b"this is a text", "text/plain")
    files = [file("Red fox.jpg", picture(size=(640, 360))), notes, file("Night.jpg", picture(color="navy"))]
    page.get_by_label("Add pictures").set_input_files(files)
    for name in ("Red fox", "Night"):
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    sending = page.locator("[data-library-sending] li")
    expect(sending).to_have_count(1)
    expect(sending).to_contain_text("notes.txt")
    expect(sending.get_by_role("alert")).to_contain_text("This file isn't a picture.")
    assert {kept.team for kept in LibraryPicture.objects.all()} == {film}

    fox = page.locator(".library__one", has_text="Red fox")
    fox.get_by_text("Edit").click()
    fox.get_by_label("Tags, separated by commas").fill("Snow, Forest")
    fox.get_by_role("button", name="Save").click()
    expect(fox.get_by_role("link", name="Snow")).to_be_visible()
    page.get_by_label("Search names and tags").fill("forest")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".library__one")).to_have_count(1)
    expect(fox).to_be_visible()

    page.goto("/generations/new/?kind=image&team=film")
    open_picker(page, "start")
    dialog = page.get_by_role("dialog", name="Picture library")
    expect(dialog.get_by_label("Search names and tags")).to_be_focused()
    expect(dialog.locator("[data-picker-picture]")).to_have_count(2)
    page.keyboard.type("snow")
    expect(dialog.locator("[data-picker-picture]")).to_have_count(1)
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.textContent") != "Red fox":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    start = expect_kept(page, "start")
    assert start.sha256 == LibraryPicture.objects.get(name="Red fox").sha256
    expect(page.locator("[data-picture=start]").get_by_role("button", name="Choose from library")).to_be_focused()

    open_picker(page, "tail")
    expect(dialog.locator("[data-picker-picture]")).to_have_count(1)
    page.keyboard.type("night")  # in the place of the search before
    dialog.get_by_role("button", name="Night").click()
    tail = expect_kept(page, "tail")
    page.locator("#id_prompt").fill("Night falls on the fox")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".made .card__prompt")).to_have_text("Night falls on the fox")
    made = Generation.objects.get()
    assert {one.slot: one.sha256 for one in made.pictures.all()} == {Slot.START: start.sha256, Slot.TAIL: tail.sha256}


def test_escape_closes_the_library_and_changes_nothing(bobs_page: Page, film: Team, bob: User) -> None:
    make_library_picture(bob, film)
    page = bobs_page
    page.goto("/generations/new/?kind=image")
    open_picker(page, "tail")
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog", name="Picture library")).to_be_hidden()
    expect(page.locator("[data-picture=tail]").get_by_role("button", name="Choose from library")).to_be_focused()
    assert not Upload.objects.exists()


def test_deleted_and_back_by_one_press(bobs_page: Page, film: Team, bob: User) -> None:
    make_library_picture(bob, film, name="Red fox").set_tags(["Snow"])
    page = bobs_page
    page.goto("/library/")
    fox = page.locator(".library__one", has_text="Red fox")
    for place in ("the message", "the trash"):
        fox.get_by_text("Edit").click()
        fox.get_by_role("link", name="Delete").click()
        page.get_by_role("button", name="Delete").click()
        said = page.locator(".toast", has_text="Moved to trash.")
        expect(said).to_be_visible()
        expect(page.get_by_text("No pictures yet.")).to_be_visible()
        if place == "the message":
            said.get_by_role("button", name="Undo").click()
        else:
            page.goto("/trash/")
            page.get_by_role("button", name=re.compile("Restore.*Red fox")).click()
            expect(page.get_by_text("Trash is empty.")).to_be_visible()
            page.goto("/library/")
        expect(fox.get_by_role("link", name="Snow")).to_be_visible()


@desk_alone
def test_dragged_onto_the_field(bobs_page: Page, film: Team, bob: User) -> None:
    kept = make_library_picture(bob, film, name="Red fox")
    page = bobs_page
    page.goto("/generations/new/?kind=image")
    open_picker(page, "start")  # it is dragged to the other one all the same
    page.locator("[data-picker-picture] img").drag_to(page.locator("[data-picture=tail] .drop"))

    assert expect_kept(page, "tail").sha256 == kept.sha256
    expect(page.locator("#id_start_upload")).to_have_count(0)
    expect(page.get_by_role("dialog", name="Picture library")).to_be_visible()  # for the next one
    assert Upload.objects.count() == 1


@desk_alone
def test_dropped_files_are_added(bobs_page: Page, film: Team) -> None:
    page = bobs_page
    page.goto("/library/")
    page.evaluate(
        """async () => {
            const canvas = Object.assign(document.createElement("canvas"), { width: 400, height: 300 });
            canvas.getContext("2d").fillRect(0, 0, 9, 9);
            const blob = await new Promise((done) => canvas.toBlob(done));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([blob], "Dropped.png", { type: "image/png" }));
            for (const type of ["dragover", "drop"]) {
                document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
            }
        }"""
    )

    expect(page.get_by_role("heading", name="Dropped")).to_be_visible()
    assert LibraryPicture.objects.get().name == "Dropped"


def test_a_picture_of_the_composer_is_kept(bobs_page: Page, film: Team, bob: User) -> None:
    page = bobs_page
    upload = make_upload(bob)
    page.goto(f"/generations/new/?kind=image&start={upload.pk}&team=film")
    page.locator("[data-picture=start]").get_by_role("button", name="Keep in library").click()

    expect(page.locator("#toasts")).to_contain_text("Kept in the picture library of Film.")
    assert LibraryPicture.objects.get().sha256 == upload.sha256


def test_a_frame_of_a_video_is_kept(bobs_page: Page, film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.DONE)
    make_video(row, mp4(seconds=1.0, size=(640, 360)))
    page = bobs_page
    page.goto(row.get_absolute_url())
    page.get_by_role("button", name="Keep in library").click()

    expect(page.get_by_text("Kept in the picture library of Film.")).to_be_visible()
    assert LibraryPicture.objects.get().frame_of == row
