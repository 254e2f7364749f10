"""Prompts are rewritten by a server that speaks OpenAI's chat completions; whatever it answers, people get words."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.models import Team, User
from generations.views import prompt_help
from tests.cast import signed_in
from tests.sandbox_process import free_port
from tests.scripted_server import Reply, ScriptedServer, scripted_server

pytestmark = pytest.mark.django_db

ADDRESS = "/generations/prompts/rewrite"


@pytest.fixture
def model(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """Django's client has no gateway: what that would wait for is done at once."""
    cache.clear()  # of how often somebody has asked
    monkeypatch.setattr(prompt_help, "LaterResponse", lambda find: asyncio.run(find()))
    with scripted_server() as server:
        settings.LLM_URL, settings.LLM_KEY, settings.LLM_MODEL = f"{server.url}/v1", "sk-secret", "small"
        yield server


def answer(text: str | None, **more: Any) -> Reply:
    return Reply(
        body={"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"} | more]}
    )


def ask(client: Client, prompt: str = "a fox", rewriting: str = "polish") -> tuple[int, dict[str, str]]:
    response = client.post(ADDRESS, {"prompt": prompt, "rewriting": rewriting})
    return response.status_code, json.loads(response.content)


@pytest.mark.parametrize(("rewriting", "words"), [("polish", "Say clearly"), ("translate", "into English")])
def test_prompt_goes_out_with_what_is_asked_and_comes_back(
    model: ScriptedServer, bob: User, rewriting: str, words: str
) -> None:
    model.will(answer("  A red fox looks up.\n"))
    assert ask(signed_in(bob), "Ein Fuchs", rewriting) == (200, {"prompt": "A red fox looks up."})
    (asked,) = model.asked
    assert (asked.method, asked.path) == ("POST", "/v1/chat/completions")
    assert asked.headers["authorization"] == "Bearer sk-secret"
    system, prompt = asked.json["messages"]
    assert (asked.json["model"], prompt) == ("small", {"role": "user", "content": "Ein Fuchs"})
    assert words in system["content"]


def test_server_without_keys_is_sent_none(model: ScriptedServer, bob: User, settings: Settings) -> None:
    settings.LLM_KEY = ""
    model.will(answer("A fox."))
    assert ask(signed_in(bob))[0] == 200
    assert "authorization" not in model.asked[0].headers


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(401, {"error": {"message": "bad key sk-secret"}}), "refuses the studio’s key. Tell an admin."),
        (Reply(403, b""), "refuses the studio’s key. Tell an admin."),
        (Reply(404, {"error": "no model"}), "no such model or address. Tell an admin."),
        (Reply(429, {}), "Try again in a minute."),
        (Reply(500, b"<html>"), "answered with an error (500)"),
        (Reply(302, b"", {"Location": "https://elsewhere.example/"}), "answered with an error (302)"),
        (Reply(200, b"<html>"), "answered something that is no prompt"),
        (Reply(200, []), "answered something that is no prompt"),
        (Reply(200, {"choices": []}), "answered something that is no prompt"),
        (Reply(200, {"choices": [{"message": None}]}), "answered something that is no prompt"),
        (answer(None), "answered with no text"),
        (answer("  "), "answered with no text"),
        (answer("x" * 2501), "longer than a prompt may be"),
        (answer("A fox that", finish_reason="length"), "longer than a prompt may be"),
        (Reply(body={"choices": []}, cut=3), "did not answer"),
    ],
)
def test_each_trouble_has_words_and_no_secret(model: ScriptedServer, bob: User, reply: Reply, words: str) -> None:
    model.will(reply)
    status, body = ask(signed_in(bob))
    assert (status, set(body)) == (502, {"error"})
    assert words in body["error"]
    assert "secret" not in body["error"]


def test_nobody_there(model: ScriptedServer, bob: User, settings: Settings) -> None:
    settings.LLM_URL = f"http://127.0.0.1:{free_port()}"
    assert ask(signed_in(bob)) == (502, {"error": "127.0.0.1 did not answer. Try again in a moment."})


def test_answer_that_drips_ends(model: ScriptedServer, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generations.language_model.DEADLINE", 0.3)
    model.will(Reply(body={"choices": []}, drip=0.2))
    assert ask(signed_in(bob)) == (504, {"error": "127.0.0.1 took too long to answer. Try again in a moment."})


@pytest.mark.parametrize(
    ("prompt", "rewriting", "words"),
    [
        ("", "polish", "Write a prompt first."),
        (" \n", "polish", "Write a prompt first."),
        ("x" * 2501, "polish", "A prompt has at most 2500 characters; this one has 2501."),
        ("a fox", "sing", "not one of the available choices"),
    ],
)
def test_what_is_no_prompt_goes_nowhere(
    model: ScriptedServer, bob: User, prompt: str, rewriting: str, words: str
) -> None:
    status, body = ask(signed_in(bob), prompt, rewriting)
    assert status == 422
    assert words in body["error"]
    assert not model.asked


def test_twenty_a_minute(model: ScriptedServer, bob: User) -> None:
    model.will(answer("A fox."))
    client = signed_in(bob)
    assert {ask(client)[0] for _ in range(20)} == {200}
    assert ask(client)[0] == 429
    assert len(model.asked) == 20


def test_prompts_are_in_no_log(model: ScriptedServer, bob: User, caplog: pytest.LogCaptureFixture) -> None:
    model.will(Reply(500, {"error": "the prompt was: a secret film"}))
    ask(signed_in(bob), "a secret film")
    assert "answered 500" in caplog.text
    assert "secret" not in caplog.text


def test_only_where_it_is_set_up(bob: User, settings: Settings) -> None:
    client = signed_in(bob)
    assert client.post(ADDRESS, {"prompt": "a fox", "rewriting": "polish"}).status_code == 403
    page = client.get("/generations/new/").content.decode()
    assert "Help me write the prompt" in page
    assert "data-rewriting" not in page


def test_the_page_says_where_prompts_go(model: ScriptedServer, film: Team, bob: User) -> None:
    page = signed_in(bob).get("/generations/new/").content.decode()
    assert "send the prompt to 127.0.0.1, and only when you press them" in " ".join(page.split())
