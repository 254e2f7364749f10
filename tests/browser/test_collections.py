"""A ZIP of many videos, the trash, and the account: its picture, its defaults, its deletion."""

import json
import uuid
import zipfile
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Page, expect

from accounts.models import Team, User
from generations.models import Favourite, Generation, Status
from generations.views import archive
from tests.cast import make_generation, make_video, picture
from tests.generations.mirror.videos import mp4

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def made(film: Team, bob: User, **columns: object) -> Generation:
    row = make_generation(bob, film, Status.DONE, **columns)
    make_video(row, mp4(seconds=0.5))
    return row


def select(page: Page, count: int) -> None:
    page.goto("/")
    for number in range(count):
        page.locator(".card__select input").nth(number).check()


def test_selected_videos_come_as_one_zip_with_a_manifest(bobs_page: Page, film: Team, bob: User) -> None:
    rows = [made(film, bob, prompt=words) for words in ("A fox", "Ein Fuchs läuft")]
    select(bobs_page, 2)
    with bobs_page.expect_download() as download:
        bobs_page.get_by_role("button", name="Download").click()

    assert download.value.suggested_filename == "videos.zip"
    with zipfile.ZipFile(Path(download.value.path())) as zipped:
        assert zipped.testzip() is None
        manifest = json.loads(zipped.read("manifest.json"))
        assert len(zipped.namelist()) == 3
    assert {one["prompt"] for one in manifest["videos"]} == {row.prompt for row in rows}


def test_large_zip_comes_in_parts(bobs_page: Page, film: Team, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [made(film, bob, prompt=words) for words in ("A fox", "A boat")]
    monkeypatch.setattr(archive, "PART_BYTES", rows[0].video.size)
    select(bobs_page, 2)
    bobs_page.get_by_role("button", name="Download").click()
    for number in (1, 2):
        with bobs_page.expect_download() as download:
            bobs_page.get_by_role("button", name=f"Part {number} of 2").click()
        assert len(zipfile.ZipFile(Path(download.value.path())).namelist()) == 2


def test_trash_restores_and_deletes_for_good(bobs_page: Page, film: Team, bob: User) -> None:
    page, rows = bobs_page, [made(film, bob, prompt=words) for words in ("A fox", "A boat")]
    select(page, 2)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Your first video")).to_be_visible()

    page.goto("/trash/")
    expect(page.locator(".trash > li")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") is True
    page.locator(".trash > li", has_text="A fox").get_by_role("button", name="Restore").click()
    expect(page.locator(".trash > li")).to_have_count(1)
    page.locator(".trash summary").click()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_text("Trash is empty.")).to_be_visible()

    page.goto("/")
    expect(page.locator(".card__prompt")).to_have_text(["A fox"])
    rows[1].refresh_from_db()
    assert rows[1].deleted_at is not None


def test_filters_lead_from_video_to_video(bobs_page: Page, film: Team, bob: User) -> None:
    page = bobs_page
    old, _, new = (made(film, bob, prompt=words) for words in ("Old", "Between", "New"))
    for row in (old, new):
        Favourite.objects.create(user=bob, generation=row)
    page.goto("/?favourite=on")
    page.get_by_role("link", name="New", exact=True).click()
    page.wait_for_url(f"**{new.get_absolute_url()}?favourite=on")
    page.keyboard.press("j")
    page.wait_for_url(f"**{old.get_absolute_url()}?favourite=on")
    page.get_by_role("link", name="Gallery").last.click()
    expect(page.locator(".card")).to_have_count(2)

    page.locator(".card__select input").first.check()
    page.get_by_role("button", name="Remove favourite").click()
    expect(page.locator(".card")).to_have_count(1)


def test_picture_of_a_person_is_shown_and_removed(bobs_page: Page, bob: User) -> None:
    page = bobs_page
    page.goto("/accounts/picture/")
    page.get_by_label("Upload a picture").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    )
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".field--bad .errors")).to_be_visible()
    page.get_by_label("Upload a picture").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": picture("PNG")}
    )
    page.get_by_role("button", name="Save").click()
    page.wait_for_function("() => document.querySelector('header .avatar').naturalWidth > 0")

    page.goto("/accounts/picture/")
    page.get_by_role("button", name="Remove picture").click()
    expect(page.locator("header .avatar")).to_have_count(0)


def test_defaults_fill_the_next_form(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/settings/defaults/")
    page.get_by_label("10 seconds").check()
    page.get_by_label("9:16").check()
    page.get_by_label("Negative prompt").fill("no text")
    page.get_by_role("button", name="Save").click()

    page.goto("/generations/new/")
    expect(page.locator("input[name=duration][value='10']")).to_be_checked()
    expect(page.locator("input[name=aspect_ratio][value='9:16']")).to_be_checked()
    expect(page.locator("#id_negative_prompt")).to_have_value("no text")


def test_account_is_deleted_after_it_is_said_what_goes(bobs_page: Page, film: Team, bob: User) -> None:
    page, shared = bobs_page, made(film, bob)
    alone = make_generation(bob, bob.personal_team, Status.DONE)
    make_video(alone)
    bob.set_password("a fox in the snow")
    bob.save()
    EmailAddress.objects.create(user=bob, email=bob.email, primary=True, verified=True)
    page.goto("/accounts/login/")
    page.get_by_label("Email", exact=True).fill(bob.email)
    page.get_by_label("Password").fill("a fox in the snow")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("link", name="New video")).to_be_visible()
    page.goto("/accounts/settings/")
    page.get_by_role("link", name="Delete account").click()
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator(".field--bad .errors")).to_be_visible()
    page.get_by_label("Password").fill("a fox in the snow")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("1 video that only you can see is deleted.")).to_be_visible()
    expect(page.get_by_text("1 video in shared teams stays there")).to_be_visible()

    assert User.objects.get(pk=bob.pk).is_active
    page.get_by_role("button", name="Delete account").click()
    expect(page.get_by_role("link", name="Create account").first).to_be_visible()
    shared.refresh_from_db()
    assert (shared.deleted_at, User.objects.get(pk=bob.pk).is_active) == (None, False)


LONG = {
    "no spaces": "W" * 2500,
    "right to left": "قطة تمشي على الجدار عند الغروب " * 70,
    "emoji": "🏁🦊❄️" * 300,
}


@pytest.mark.parametrize("prompt", LONG.values(), ids=LONG)
def test_long_texts_fit_everywhere(bobs_page: Page, film: Team, bob: User, prompt: str) -> None:
    page, batch = bobs_page, uuid.uuid4()
    rows = [made(film, bob, prompt=prompt[:2500], negative_prompt=prompt[:2500], batch=batch) for _ in range(2)]
    make_generation(bob, film, Status.FAILED, prompt=prompt[:2500])
    make_generation(bob, film, Status.CANCELED, prompt=prompt[:2500]).move_to_trash(bob)
    ids = ",".join(str(row.pk) for row in rows)
    for address in (
        "/",
        "/trash/",
        rows[0].get_absolute_url(),
        f"/generations/compare/?ids={ids}",
        f"/generations/new/?from={rows[0].pk}",
        f"/generations/new/?made={batch}",
        f"/generations/{rows[0].pk}/delete/",
    ):
        page.goto(address)
        page.wait_for_load_state()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") is True, address
