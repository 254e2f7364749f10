"""Each fault word does what the table says, in the body shapes of fal's docs."""

import subprocess
import sys

import pytest

from sandbox.prompt_faults import PROMPT_FAULTS, ModelError, PlainError, Quirk, RunnerError, strip_faults
from tests.sandbox.fal import Fal
from tests.sandbox_process import PROJECT


def _named(kind: type) -> list[str]:
    return [name for name, word in PROMPT_FAULTS.items() if isinstance(word, kind)]


@pytest.mark.parametrize("name", _named(ModelError))
def test_a_model_error(fal: Fal, name: str) -> None:
    word = PROMPT_FAULTS[name]
    assert isinstance(word, ModelError)
    request = fal.submit(f"a fox [sandbox: {name}]", duration="5")
    result = fal.result(request)
    detail = result.json()["detail"][0]
    assert result.status_code == word.code
    assert detail["loc"] == (["body", word.field] if word.field else ["body"])
    assert (detail["type"], detail["msg"]) == (name, word.message)
    assert detail["url"] == f"https://docs.fal.ai/errors/#{name}"
    assert detail.get("ctx") == word.ctx
    assert result.headers["x-fal-retryable"] == str(word.retryable).lower()
    assert result.headers["x-fal-billable-units"] == "0"
    assert "error" not in fal.get(request["status_url"]).json()


@pytest.mark.parametrize("name", _named(RunnerError))
def test_a_runner_error(fal: Fal, name: str) -> None:
    word = PROMPT_FAULTS[name]
    assert isinstance(word, RunnerError)
    request = fal.submit(f"a fox [sandbox: {name}]")
    result = fal.result(request)
    assert result.status_code == word.code
    assert result.json() == {"detail": word.message, "error_type": name}
    assert result.headers["x-fal-error-type"] == name
    status = fal.get(request["status_url"]).json()
    assert (status["error"], status["error_type"]) == (word.message, name)


@pytest.mark.parametrize("name", _named(PlainError))
def test_a_plain_error(fal: Fal, name: str) -> None:
    result = fal.result(fal.submit(f"a fox [sandbox: {name}]"))
    assert isinstance(result.json()["detail"], str)


def test_every_quirk_is_tested() -> None:
    tested = {"locked", "slow", "ignores_cancel", "null_urls", "back_to_queue", "expired", "truncated", "html"}
    assert set(_named(Quirk)) == tested


def test_locked(fal: Fal) -> None:
    answer = fal.post("/fal-ai/kling-video/v2.5-turbo/pro/text-to-video", json={"prompt": "x [sandbox: locked]"})
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("User is locked. Reason: Exhausted balance.")


def test_null_urls(fal: Fal) -> None:
    request = fal.submit("a fox [sandbox: null_urls]")
    body = fal.wait(request)
    assert [body[name] for name in ("response_url", "status_url", "cancel_url")] == [None, None, None]
    assert fal.get(request["response_url"]).status_code == 200


def test_back_to_queue(fal: Fal) -> None:
    request = fal.submit("a fox [sandbox: back_to_queue]")
    messages = [log["message"] for log in fal.wait(request)["logs"]]
    assert messages.count("Reading the prompt") == 2
    assert fal.get(request["response_url"]).status_code == 200


def test_expired(fal: Fal) -> None:
    url = fal.video("a fox [sandbox: expired]")
    assert [fal.get(url).status_code for _ in range(2)] == [404, 404]


def test_html(fal: Fal) -> None:
    url = fal.video("a fox [sandbox: html]")
    assert [fal.get(url).headers["content-type"].split(";")[0] for _ in range(2)] == ["text/html", "video/mp4"]


def test_words_are_not_shown() -> None:
    assert strip_faults("a fox [sandbox: slow] at  dawn [Sandbox:html]") == "a fox at dawn"
    assert strip_faults("[sandbox: slow]") == "[sandbox: slow]"


def test_the_listing_names_them_all() -> None:
    command = [sys.executable, "-m", "sandbox", "--faults"]
    listing = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert all(name in listing for name in PROMPT_FAULTS)
    assert "submit_cut_after" in listing
