"""Help with a prompt: fields become sentences, a model's rewriting is shown as a change, and nothing typed is lost."""

import asyncio

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from generations.views import prompt_help
from tests.browser.conftest import desk_alone
from tests.scripted_server import Reply, scripted_server

pytestmark = [desk_alone, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("size", [(390, 844), (1440, 900)])
def test_fields_and_a_model_write_the_prompt(
    bobs_page: Page, settings: Settings, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(
        prompt_help, "LaterResponse", lambda find: asyncio.run(find())
    )  # the test's server has no gateway
    page = bobs_page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    with scripted_server() as model:
        settings.LLM_URL, settings.LLM_MODEL = model.url, "small"
        page.goto("/generations/new/")
        page.get_by_text("Help me write the prompt").click()
        prompt, change = page.locator("#id_prompt"), page.get_by_role("group", name="Suggested prompt")
        page.get_by_role("button", name="Write it into the prompt").click()
        expect(page.get_by_text("Fill in a field first.")).to_be_visible()

        page.get_by_label("Subject").fill("a red fox in deep snow")
        page.get_by_label("Camera", exact=True).select_option(label="Pushes in slowly")
        page.get_by_label("Light", exact=True).fill("Golden hour!")
        page.get_by_label("Light", exact=True).press("Enter")
        expect(prompt).to_have_value(
            "A red fox in deep snow. The camera slowly pushes in. Golden hour!"
        )  # it was empty

        page.get_by_label("Motion").fill("it looks up")
        page.get_by_role("button", name="Write it into the prompt").click()
        expect(change).to_be_focused()
        expect(change.locator("ins")).to_have_text(["It", " ", "looks", " ", "up.", " "])
        expect(change.locator("del")).to_have_count(0)
        change.get_by_role("button", name="Keep mine").click()
        expect(prompt).to_have_value("A red fox in deep snow. The camera slowly pushes in. Golden hour!")

        model.will(Reply(429, {}), Reply(body={"choices": [{"message": {"content": "A red wolf in deep snow."}}]}))
        page.get_by_role("button", name="Polish").click()
        expect(page.get_by_text("Try again in a minute.")).to_be_visible()
        page.get_by_role("button", name="Polish").click()
        expect(change.locator("ins")).to_have_text(["wolf"])
        expect(prompt).to_have_value("A red fox in deep snow. The camera slowly pushes in. Golden hour!")
        change.get_by_role("button", name="Use it").click()
        expect(prompt).to_have_value("A red wolf in deep snow.")
        page.get_by_role("button", name="Undo").click()
        expect(prompt).to_have_value("A red fox in deep snow. The camera slowly pushes in. Golden hour!")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
