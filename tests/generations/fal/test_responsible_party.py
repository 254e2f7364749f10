"""Who is to blame for a failed result, by status, type, X-Fal-Retryable and the body's shape: the person only where
something in what they gave can be changed.
"""

from itertools import product
from typing import Any, Final

import httpx
import pytest

from generations.fal.error_classification import Kind, classify_response
from generations.fal.error_messages import ErrorMessage, ResponsibleParty, explain
from generations.fal.errors import FalError

USER, PROVIDER, US = ResponsibleParty.USER, ResponsibleParty.PROVIDER, ResponsibleParty.US
RETRYABLE: Final[dict[str, dict[str, str]]] = {
    "says nothing": {},
    "not again": {"X-Fal-Retryable": "false"},
    "again": {"X-Fal-Retryable": "true"},
    "not again, by the other name": {"X-Fal-Needs-Retry": "0"},
}
ASKS_FOR_A_CHANGE: Final = ("Change the input", "Change it", "Change them", "Change the value", "Use a")


def problem(type_: str, *path: str) -> dict[str, Any]:
    return {"detail": [{"type": type_, "loc": ["body", *path], "msg": "Something"}]}


TEXTS: Final[dict[str, dict[str, Any]]] = {
    "a text": {"detail": "Something"},
    "an error": {"error": "Something"},
    "a message": {"message": "Something"},
    "texts": {"detail": ["Something"]},
    "an object without a type": {"detail": {"msg": "Something"}},
    "nothing": {},
}


def result(status: int, body: dict[str, Any], headers: dict[str, str]) -> tuple[FalError, ErrorMessage]:
    error = classify_response(httpx.Response(status, json=body, headers=headers), Kind.RESULT)
    return error, explain(error)


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520, 599])
@pytest.mark.parametrize("body", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("retryable", ["not again", "again", "not again, by the other name"])
def test_an_error_of_the_server_is_never_the_persons(status: int, body: dict[str, Any], retryable: str) -> None:
    error, advice = result(status, body, RETRYABLE[retryable])

    assert advice.responsible_party is PROVIDER
    assert not any(words in advice.message for words in (*ASKS_FOR_A_CHANGE, "refused"))
    assert ("the same would fail again" in advice.message) == retryable.startswith("not")
    assert error.charged is False


@pytest.mark.parametrize(
    ("body", "retryable"),
    list(product([problem("brand_new", "prompt"), problem("internal_server_error"), problem("brand_new")], RETRYABLE)),
)
def test_nor_is_one_of_a_type(body: dict[str, Any], retryable: str) -> None:
    error, advice = result(500, body, RETRYABLE[retryable])

    assert advice.responsible_party is PROVIDER
    assert not any(words in advice.message for words in ASKS_FOR_A_CHANGE)
    assert ("the same would fail again" in advice.message) == retryable.startswith("not")
    assert error.charged is False


@pytest.mark.parametrize("retryable", RETRYABLE)
@pytest.mark.parametrize(
    ("status", "body", "responsible_party", "words"),
    [
        *((status, TEXTS["a text"], USER, "Kling refused this: Something. Change the input") for status in (400, 422)),
        (422, problem("content_policy_violation", "prompt"), USER, "content policy. Change it"),
        (500, problem("content_policy_violation", "prompt"), USER, "content policy. Change it"),
        (422, problem("no_media_generated"), USER, "Describe it in another way"),
        (422, problem("brand_new", "prompt"), USER, "Kling refused this"),
        (422, problem("one_of", "duration"), USER, "The duration has a value that Kling doesn't offer"),
        (422, problem("sequence_too_long", "prompt", "0"), USER, "The prompt is too long"),
        (422, problem("missing", "prompt"), USER, "The prompt is missing"),
        (422, problem("missing"), USER, "is missing"),
        # what nobody has typed is the studio's
        (422, problem("missing", "tail_url"), US, "Tell an admin"),
        (422, problem("one_of", "seed"), US, "Tell an admin"),
        (422, problem("less_than_equal", "frames"), US, "Tell an admin"),
        (422, problem("file_download_error", "image_url"), US, "tell an admin"),
        (400, {"detail": "Something", "error_type": "bad_request"}, US, "Tell an admin"),
        # fal's infrastructure
        (503, {"detail": "Something", "error_type": "runner_disconnected"}, PROVIDER, ""),
        (504, {"detail": "Something", "error_type": "startup_timeout"}, PROVIDER, ""),
        (400, {"detail": "Something", "error_type": "brand_new_trouble"}, PROVIDER, ""),
        (401, TEXTS["a text"], US, "FAL_KEY"),
        (403, TEXTS["a text"], US, "FAL_KEY"),
        (429, TEXTS["a text"], PROVIDER, "slow down"),
        (404, TEXTS["a text"], PROVIDER, "doesn't know this request"),
    ],
)
def test_what_can_be_changed_is_the_persons_and_the_rest_is_not(
    status: int, body: dict[str, Any], responsible_party: ResponsibleParty, words: str, retryable: str
) -> None:
    _, advice = result(status, body, RETRYABLE[retryable])

    assert advice.responsible_party is responsible_party
    assert words in advice.message


@pytest.mark.parametrize("status", [405, 409, 418, 451])
def test_a_verdict_on_how_it_was_asked_is_the_studios(status: int) -> None:
    _, advice = result(status, TEXTS["a text"], RETRYABLE["not again"])

    assert (advice.responsible_party, advice.message) == (
        US,
        "fal didn't accept how the studio asked: Something. Tell an admin.",
    )
