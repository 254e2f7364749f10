"""Pictures in the composer: sent at once, cropped or scaled when they do not fit, and taken from a video."""

import os
import re
from base64 import b64encode
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, Route, expect

from accounts.models import Team, User
from generations import bucket
from generations.fal.arguments import MAX_PICTURE_BYTES
from generations.models import Generation, Status, Upload
from tests.browser.conftest import desk_alone
from tests.cast import make_generation, make_video, picture
from tests.generations.mirror.videos import mp4

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_SEEK = """async (video, at) => {
    const arrived = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
    video.currentTime = at;
    await arrived;
}"""


def file(name: str, buffer: bytes, media_type: str = "image/jpeg") -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": buffer}


def noise(side: int) -> bytes:
    """A PNG that nothing compresses."""
    buffer = BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


def expect_kept(page: Page, slot: str) -> Upload:
    """The picture has arrived, is shown from there, and the form carries its id instead of its bytes."""
    kept = page.locator(f"#id_{slot}_upload")
    expect(kept).to_be_checked()
    upload = Upload.objects.get(pk=kept.input_value())
    shown = page.locator(f"[data-picture={slot}] .upload img").element_handle()
    page.wait_for_function(f"image => image.naturalWidth === {upload.width}", arg=shown)
    assert page.locator(f"#id_{slot}_file").evaluate("input => input.files.length") == 0
    return upload


def test_sent_at_once_with_progress_and_found_again(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/?kind=image")
    page.locator("#id_start_link").fill("https://example.com/an-older-choice.jpg")
    with page.expect_request("**/uploads/") as sent:
        page.locator("#id_start_file").set_input_files(file("fox.jpg", picture(size=(640, 360))))
    assert sent.value.method == "POST"
    upload = expect_kept(page, "start")
    assert (upload.width, upload.height) == (640, 360)
    expect(page.locator("#id_start_link")).to_have_value("")
    expect(page.locator("[data-picture=start] [data-drop-progress]")).to_be_hidden()

    page.reload()
    assert expect_kept(page, "start") == upload
    page.locator("#id_prompt").fill("The fox looks up")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".made .card__prompt")).to_have_text("The fox looks up")
    assert Generation.objects.get().pictures.get().sha256 == upload.sha256


def test_progress_shows_while_it_is_on_its_way(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/?kind=image")
    bar = page.locator("[data-picture=start] [data-drop-progress]")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/uploads/", hold)
    with page.expect_request("**/uploads/"):
        page.locator("#id_start_file").set_input_files(file("fox.jpg", picture()))
    expect(bar).to_be_visible()
    assert not Upload.objects.exists()

    page.wait_for_timeout(100)  # the route is told after the request
    waiting[0].continue_()
    expect_kept(page, "start")
    expect(bar).to_be_hidden()


def test_words_of_the_server_stand_at_the_field(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/?kind=image")
    page.locator("#id_tail_file").set_input_files(file("notes.jpg", b"this is a text"))

    expect(page.locator("[data-picture=tail] [data-drop-error]")).to_contain_text("This file isn't a picture.")
    assert page.locator("#id_tail_file").evaluate("input => input.files.length") == 1
    expect(page.locator("#id_tail_upload")).to_have_count(0)


@pytest.mark.parametrize(("size", "fits"), [((1200, 300), (750, 300)), ((300, 1200), (300, 750))])
def test_wrong_shape_is_cropped_on_request(bobs_page: Page, size: tuple[int, int], fits: tuple[int, int]) -> None:
    page = bobs_page
    page.goto("/generations/new/?kind=image")
    page.locator("#id_start_file").set_input_files(file("fox.png", picture("PNG", size), "image/png"))
    expect(page.locator("[data-picture=start] [data-drop-error]")).to_contain_text("between 0.4 and 2.5")
    assert not Upload.objects.exists()
    page.get_by_role("button", name="Crop it to fit").click()

    upload = expect_kept(page, "start")
    assert (upload.width, upload.height) == fits
    assert upload.media_type == "image/jpeg"
    expect(page.get_by_role("button", name="Crop it to fit")).to_be_hidden()


def test_too_many_bytes_are_scaled_down_on_request(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/?kind=image")
    page.locator("#id_start_file").set_input_files(file("noise.png", noise(1900), "image/png"))
    expect(page.locator("[data-picture=start] [data-drop-error]")).to_contain_text("10.3 MB")
    page.get_by_role("button", name="Scale it down").click()

    upload = expect_kept(page, "start")
    assert upload.size <= MAX_PICTURE_BYTES


def test_too_small_is_said_and_nothing_offered(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/?kind=image")
    page.locator("#id_start_file").set_input_files(file("small.jpg", picture(size=(200, 900))))

    expect(page.locator("[data-picture=start] [data-drop-error]")).to_contain_text("at least 300 px")
    expect(page.locator("[data-picture=start] [data-drop-mend]")).to_be_hidden()
    assert not Upload.objects.exists()


_BRING = """([target, event, files, text]) => {
    const data = new DataTransfer();
    for (const [name, type, bytes] of files) {
        data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type }));
    }
    if (text) data.setData("text/plain", text);
    const init = { bubbles: true, cancelable: true, composed: true, dataTransfer: data, clipboardData: data };
    const made = event === "paste" ? new ClipboardEvent(event, init) : new DragEvent(event, init);
    return document.querySelector(target).dispatchEvent(made);
}"""


def bring(page: Page, event: str, target: str, *colors: str, text: str = "") -> bool:
    """Drop or paste pictures of these colours there; whether the browser goes on by itself."""
    files = [[f"{color}.png", "image/png", b64encode(picture("PNG", (400, 300), color)).decode()] for color in colors]
    goes_on: bool = page.evaluate(_BRING, [target, event, files, text])
    return goes_on


def color_of(page: Page, slot: str) -> tuple[int, ...]:
    page.wait_for_function(f"() => document.querySelector('#id_{slot}_file').files.length === 0")  # the newest has come
    shown = Image.open(BytesIO(bucket.get(expect_kept(page, slot).key)))
    found: tuple[int, ...] = shown.convert("RGB").getpixel((9, 9))  # type: ignore[assignment]
    return found


RED, BLUE, LIME = (255, 0, 0), (0, 0, 255), (0, 255, 0)


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_first_picture_starts_and_second_ends_wherever_they_come_down(bobs_page: Page, event: str) -> None:
    page = bobs_page
    page.goto("/generations/new/?fresh=1")
    expect(page.locator("#kind-text")).to_be_checked()
    assert bring(page, event, "h1", "red") is False
    expect(page.locator("#kind-image")).to_be_checked()
    assert color_of(page, "start") == RED
    bring(page, event, "#id_prompt", "blue")
    assert color_of(page, "tail") == BLUE

    bring(page, event, "body", "lime")  # there is no third place
    expect(page.locator(".toast")).to_contain_text("Both pictures are chosen.")
    assert (color_of(page, "start"), color_of(page, "tail")) == (RED, BLUE)

    page.locator("[data-picture=start]").get_by_role("button", name="Swap").click()
    assert (color_of(page, "start"), color_of(page, "tail")) == (BLUE, RED)
    page.locator("[data-picture=tail]").get_by_role("button", name="Remove").click()
    expect(page.locator("#id_tail_upload")).to_have_count(0)
    expect(page.locator("#id_tail_file")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    assert color_of(page, "tail") == RED
    page.locator("[data-picture=start]").get_by_role("button", name="Remove").click()
    bring(page, event, "body", "lime")
    assert color_of(page, "start") == LIME
    assert "start=" in page.url

    page.reload()
    assert (color_of(page, "start"), color_of(page, "tail")) == (LIME, RED)


@desk_alone
def test_the_page_shows_where_a_file_may_be_dropped(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/?fresh=1")
    zone = page.locator("[data-dropzone]")
    bring(page, "dragenter", "body", "red")
    expect(zone).to_be_visible()
    expect(zone.locator("[data-zone=start]")).to_have_class(re.compile("--over"))
    bring(page, "dragover", "[data-zone=tail]", "red")
    expect(zone.locator("[data-zone=tail]")).to_have_class(re.compile("--over"))
    bring(page, "drop", "[data-zone=tail]", "red")
    expect(zone).to_be_hidden()
    assert color_of(page, "tail") == RED
    expect(page.locator("#id_start_upload")).to_have_count(0)

    bring(page, "drop", "body", "blue", "lime")  # two into one place
    assert (color_of(page, "start"), color_of(page, "tail")) == (BLUE, RED)
    bring(page, "drop", "[data-zone=tail]", "lime")  # aimed at: replaced
    assert color_of(page, "tail") == LIME
    with page.expect_file_chooser() as chooser:
        page.locator("[data-picture=start]").get_by_role("button", name="Replace").click()
    chooser.value.set_files(file("red.png", picture("PNG", (400, 300), "red"), "image/png"))
    assert color_of(page, "start") == RED


@desk_alone
def test_text_stays_text(bobs_page: Page) -> None:
    """Also when a picture of it comes along, as spreadsheets do; and a dragged text goes where it is dropped."""
    page = bobs_page
    page.goto("/generations/new/?fresh=1")
    assert bring(page, "paste", "#id_prompt", "red", text="A1\tB1") is True
    assert bring(page, "paste", "#id_prompt", text="A fox") is True
    assert bring(page, "drop", "#id_prompt", text="A fox") is True
    assert bring(page, "dragover", "#id_prompt", text="A fox") is True
    expect(page.locator("[data-dropzone]")).to_be_hidden()
    expect(page.locator("#kind-text")).to_be_checked()
    assert not Upload.objects.exists()
    assert bring(page, "drop", "body", "red", text="https://example.com/red.png") is False
    assert color_of(page, "start") == RED


def test_frame_of_a_video_begins_the_next(bobs_page: Page, film: Team, bob: User) -> None:
    page = bobs_page
    generation = make_generation(bob, film, Status.DONE)
    make_video(generation, mp4(seconds=1.0, size=(640, 360), black_until=0.5))
    page.goto(generation.get_absolute_url())
    expect(page.get_by_label("Seconds")).to_be_hidden()
    page.locator("video").evaluate(_SEEK, 0.8)
    page.get_by_role("button", name="Use as start frame").click()

    expect(page.locator("#kind-image")).to_be_checked()
    upload = expect_kept(page, "start")
    shown = Image.open(BytesIO(bucket.get(upload.key)))
    assert shown.size == (640, 360)
    assert max(shown.convert("L").resize((8, 8)).tobytes()) > 100
    page.locator("#id_prompt").fill("And then")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".made .card__prompt")).to_have_text("And then")
    assert Generation.objects.exclude(pk=generation.pk).get().pictures.get().sha256 == upload.sha256
