"""From signing up to a video that plays, as a person does it."""

import re
from pathlib import Path

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from generations.models import Generation, Slot, Status
from tests.browser.conftest import RENDERED, Worker
from tests.cast import picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_LISTEN = """() => {
    window.stayed = true;
    window.said = [];
    const look = () => {
        const says = document.querySelector("[data-says]").dataset.says;
        if (window.said.at(-1) !== says) window.said.push(says);
    };
    look();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true });
}"""

_PLAY = """async (video) => {
    video.muted = true;
    await video.play();
    await new Promise((done) => video.addEventListener("timeupdate", () => video.currentTime > 1 && done()));
    return video.currentTime;
}"""

_SEEK = """async (video) => {
    video.pause();
    const arrived = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
    video.currentTime = 3;
    await arrived;
    return [video.currentTime, video.readyState];
}"""


def sign_up(page: Page, email: str) -> None:
    page.goto("/")
    page.get_by_role("link", name="Create account").first.click()
    page.get_by_label("Email", exact=True).fill(email)
    page.get_by_label("Password", exact=True).fill("a long walk home")
    page.get_by_label("Password (again)").fill("a long walk home")
    page.locator("main").get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Confirm your email address")).to_be_visible()
    link = re.search(r"http\S+/accounts/confirm-email/\S+", str(mail.outbox[-1].body))
    assert link
    page.goto(link[0])
    page.get_by_role("button", name="Yes, confirm it").click()
    page.get_by_label("Email", exact=True).fill(email)
    page.get_by_label("Password", exact=True).fill("a long walk home")
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Your first video is a sentence away")).to_be_visible()


def watch_it_being_made(page: Page, worker: Worker) -> list[str]:
    """What the open page says until the video is there, without being loaded again."""
    page.locator(".made .card__prompt").click()
    expect(page.get_by_role("heading", name="Waiting to be sent to fal")).to_be_visible()
    page.evaluate(_LISTEN)
    worker.start()
    expect(page.locator("video")).to_be_visible(timeout=RENDERED)
    assert page.evaluate("window.stayed") is True
    said: list[str] = page.evaluate("window.said")
    return said


@pytest.mark.usefixtures("rendering_sandbox")
def test_somebody_signs_up_and_makes_a_video_from_text(page: Page, worker: Worker, tmp_path: Path) -> None:
    sign_up(page, "nora@example.com")
    page.get_by_role("link", name="Start from text").click()
    page.get_by_label("Prompt", exact=True).fill("A paper boat drifts down a rain-soaked gutter 🌧")
    expect(page.locator(".order__price")).to_have_text(re.compile(r"^\s*\$0\.35\s*$"), use_inner_text=True)
    page.get_by_label("10 seconds").check()
    expect(page.locator(".order__price")).to_have_text(re.compile(r"^\s*\$0\.70\s*$"), use_inner_text=True)
    page.get_by_label("5 seconds").check()
    page.get_by_role("button", name="Generate").click()

    said = watch_it_being_made(page, worker)
    assert said[0] == "Waiting to be sent to fal"
    assert said[-1] == "Done"
    assert len(said) > 2

    video = page.locator("video")
    assert video.evaluate(_PLAY) > 1
    position, ready_state = video.evaluate(_SEEK)
    assert position == pytest.approx(3, abs=0.1)
    assert ready_state >= 2

    row = Generation.objects.select_related("video").get()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    file = tmp_path / "video.mp4"
    download.value.save_as(file)
    assert file.stat().st_size == row.video.size
    assert download.value.suggested_filename.startswith("a-paper-boat")

    page.get_by_role("link", name="Gallery").first.click()
    poster = page.locator(f'[data-generation="{row.pk}"] .card__poster')
    expect(poster).to_be_visible()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=poster.element_handle())


def test_a_video_from_a_picture_appears_in_the_open_gallery(bobs_page: Page, worker: Worker) -> None:
    page = bobs_page
    page.goto("/generations/new/")
    page.get_by_role("radio", name="Image").check()
    page.locator("#id_start_file").set_input_files(
        {"name": "fox.jpg", "mimeType": "image/jpeg", "buffer": picture(size=(640, 360))}
    )
    expect(page.locator("[data-picture=start] .upload img")).to_be_visible()
    page.get_by_label("Prompt", exact=True).fill("The fox looks up")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_role("heading", name="Queued")).to_be_visible()

    page.get_by_role("link", name="Gallery").first.click()
    card = page.locator("[data-generation]")
    expect(card).to_contain_text("Waiting to be sent to fal")
    page.evaluate("window.stayed = true")
    worker.start()
    expect(card).to_contain_text("Done", timeout=RENDERED)
    assert page.evaluate("window.stayed") is True

    card.get_by_role("link").click()
    assert page.locator("video").evaluate(_PLAY) > 1
    row = Generation.objects.select_related("video").get()
    assert (row.status, row.video.width > row.video.height) == (Status.DONE, True)
    assert row.pictures.get().slot == Slot.START


def test_a_refusal_says_why_and_what_it_cost(bobs_page: Page, worker: Worker) -> None:
    page = bobs_page
    page.goto("/generations/new/")
    page.get_by_label("Prompt", exact=True).fill("Something that fal refuses [sandbox: content_policy_violation]")
    page.get_by_role("button", name="Generate").click()
    page.locator(".made .card__prompt").click()
    worker.start()

    expect(page.locator(".failure")).to_contain_text("under its content policy", timeout=RENDERED)
    expect(page.locator(".failure")).to_contain_text("Not charged.")
    page.get_by_role("link", name="Edit and retry").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value(
        "Something that fal refuses [sandbox: content_policy_violation]"
    )
