"""Bad input: a message by its field, and nothing lost of what the person typed."""

import pytest
from playwright.sync_api import FilePayload, Page, expect

from generations.models import Generation
from tests.cast import picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def fill(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.locator(f"#id_{name}").fill(value)


def send(page: Page) -> None:
    page.get_by_role("button", name="Generate").click()
    expect(page.locator("#summary")).to_be_focused()


def expect_error(page: Page, field: str, words: str) -> None:
    """The message stands by the field, belongs to it for a screen reader, and is reached from the summary."""
    control = page.locator(f"#id_{field}")
    expect(page.locator(f"#id_{field}_error")).to_contain_text(words)
    expect(control).to_have_attribute("aria-invalid", "true")
    assert f"id_{field}_error" in (control.get_attribute("aria-describedby") or "").split()
    expect(page.locator(f'#summary a[href="#id_{field}"]')).to_be_visible()


def file(name: str, buffer: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": buffer}


def test_empty_prompt(bobs_page: Page) -> None:
    bobs_page.goto("/generations/new/")
    fill(bobs_page, negative_prompt="rain", cfg_scale="0.7")
    bobs_page.get_by_label("10 seconds").check()
    bobs_page.get_by_label("9:16").check()
    send(bobs_page)

    expect_error(bobs_page, "prompt", "Write what the video should show.")
    expect(bobs_page.locator("#id_negative_prompt")).to_have_value("rain")
    expect(bobs_page.locator("#id_cfg_scale")).to_have_value("0.7")
    expect(bobs_page.locator("#duration-10")).to_be_checked()
    expect(bobs_page.locator("input[name=aspect_ratio][value='9:16']")).to_be_checked()
    assert not Generation.objects.exists()


def test_too_long_and_out_of_range(bobs_page: Page) -> None:
    long = "a 🌧 " + "b" * 2497
    bobs_page.goto("/generations/new/")
    fill(bobs_page, prompt=long, cfg_scale="1.1")
    expect(bobs_page.locator("#prompt-count")).to_contain_text("2,501 / 2,500 · 1 character over")
    send(bobs_page)

    expect_error(bobs_page, "prompt", "2,501 characters")
    expect_error(bobs_page, "cfg_scale", "from 0 to 1")
    expect(bobs_page.locator("#id_prompt")).to_have_value(long)
    expect(bobs_page.locator("#id_cfg_scale")).to_have_value("1.1")


def test_pictures_that_kling_does_not_take(bobs_page: Page) -> None:
    bobs_page.goto("/generations/new/?kind=image")
    fill(bobs_page, prompt="Two\nfoxes")
    bobs_page.locator("#id_start_file").set_input_files(file("small.jpg", picture(size=(200, 200))))
    expect(bobs_page.locator("[data-picture=start] [data-drop-error]")).to_contain_text("200 × 200 px")
    bobs_page.locator("#id_tail_file").set_input_files(file("wide.jpg", picture(size=(900, 300))))
    expect(bobs_page.locator("[data-picture=tail] [data-drop-error]")).to_contain_text("between 0.4 and 2.5")
    send(bobs_page)

    expect_error(bobs_page, "start_file", "each side must be at least 300 px")
    expect_error(bobs_page, "tail_file", "width divided by height must be between 0.4 and 2.5")
    expect(bobs_page.locator("#kind-image")).to_be_checked()
    expect(bobs_page.locator("#id_prompt")).to_have_value("Two\nfoxes")


def test_good_picture_is_kept_beside_a_file_that_is_none(bobs_page: Page) -> None:
    bobs_page.goto("/generations/new/?kind=image")
    fill(bobs_page, prompt="Two foxes")
    bobs_page.locator("#id_start_file").set_input_files(file("notes.jpg", b"this is a text"))
    bobs_page.locator("#id_tail_file").set_input_files(file("fox.jpg", picture()))
    send(bobs_page)

    expect_error(bobs_page, "start_file", "This file isn't a picture.")
    kept = bobs_page.locator("#id_tail_upload")
    expect(kept).to_be_checked()
    shown = bobs_page.locator("[data-picture=tail] .upload img").element_handle()
    bobs_page.wait_for_function("image => image.naturalWidth === 400", arg=shown)

    bobs_page.locator("#id_start_file").set_input_files(file("start.jpg", picture(color="navy")))
    bobs_page.get_by_role("button", name="Generate").click()
    expect(bobs_page.get_by_role("heading", name="Queued")).to_be_visible()
    assert Generation.objects.get().pictures.count() == 2
