"""Reading any response gives a value or a FalError, never another exception."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from generations.fal import json_fields, protocol
from generations.fal.arguments import Endpoint, TextToVideo
from generations.fal.error_classification import Kind, classify_response
from generations.fal.error_messages import explain
from generations.fal.errors import FalError, Sent, Verdict
from generations.fal.responses import FalConfig, RequestUrls, Submitted, UploadTarget

CONFIG = FalConfig("id:secret", "https://queue.fal.run", "https://rest.fal.ai", "https://api.fal.ai/v1")
JOB = RequestUrls.for_id(CONFIG, "0-a")
DAY = datetime(2026, 2, 17, tzinfo=UTC)
TEXT = Endpoint.TEXT_TO_VIDEO
CALLS: list[protocol.Call[Any]] = [
    protocol.submit(CONFIG, TEXT, TextToVideo(prompt="A cat"), None),
    protocol.status(CONFIG, JOB, logs=True),
    protocol.result(CONFIG, JOB),
    protocol.cancel(CONFIG, JOB),
    protocol.initiate_upload(CONFIG, content_type="image/png", file_name="cat.png"),
    protocol.put_upload(UploadTarget("https://a/b", "https://c/d"), b"cat", content_type="image/png"),
    protocol.list_requests(CONFIG, TEXT, DAY, DAY, payloads=True, cursor=None),
]

KEYS = st.sampled_from(
    [
        *("status", "request_id", "status_url", "response_url", "cancel_url", "queue_position", "logs", "metrics"),
        *("inference_time", "error", "error_type", "detail", "loc", "msg", "type", "ctx", "categories", "message"),
        *("timestamp", "level", "video", "url", "file_size", "content_type", "upload_url", "file_url", "items"),
        *("next_cursor", "has_more", "sent_at", "status_code", "json_input", "max_size", "min_width"),
    ]
)
WORDS = st.sampled_from(
    [
        *(
            "IN_QUEUE",
            "IN_PROGRESS",
            "COMPLETED",
            "OK",
            "NOT_FOUND",
            "ALREADY_COMPLETED",
            "client_cancelled",
            "https://",
        ),
        *(
            "https://queue.fal.run/x",
            "http://[",
            "2026-02-17T10:30:01Z",
            "0001-01-01T00:00:00+23:59",
            "image_too_large",
        ),
        *("image_too_small", "file_too_large", "content_policy_violation", "one_of", "still in progress", "locked"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | WORDS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS | st.text(), inner), max_leaves=20)
BODIES = st.binary() | (st.dictionaries(KEYS, VALUES) | VALUES).map(lambda value: json.dumps(value).encode())
STATUSES = st.sampled_from(
    [200, 202, 204, 301, 400, 401, 402, 403, 404, 408, 410, 422, 429, 499, 500, 502, 503, 504, 599]
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            *("x-fal-request-id", "x-fal-error-type", "x-fal-retryable", "x-fal-needs-retry", "retry-after"),
            *("x-fal-billable-units", "content-type", "x-fal-request-timeout-type"),
        ]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40) | WORDS,
)
CALL = st.sampled_from(CALLS)


def outcome(call: protocol.Call[Any], response: httpx.Response) -> object:
    try:
        return call.read(response)
    except FalError as error:
        return error


@given(CALL, STATUSES, HEADERS, BODIES)
def test_any_answer_gives_a_value_or_a_fal_error(
    call: protocol.Call[Any], status: int, headers: dict[str, str], content: bytes
) -> None:
    found = outcome(call, httpx.Response(status, headers=headers, content=content))
    if isinstance(found, FalError):
        assert found.message.strip()
        assert "\0" not in found.message
        assert found.charged is not True
        advice = explain(found)
        assert "{" not in advice.message or "{" in found.message
        assert 0 < len(advice.reason) <= 60


@given(STATUSES, HEADERS, BODIES)
def test_only_an_answer_at_the_door_proves_a_submit_refused(
    status: int, headers: dict[str, str], content: bytes
) -> None:
    found = outcome(CALLS[0], httpx.Response(status, headers=headers, content=content))
    if isinstance(found, FalError) and found.sent is not Sent.UNKNOWN:
        assert found.sent is Sent.REFUSED or (b"nginx" in content and "x-fal-request-id" not in headers)
        assert status in {400, 401, 402, 403, 404, 410, 422, 429} or found.sent is Sent.NO
    if isinstance(found, Submitted):
        assert found.status_url.startswith("https://queue.fal.run/")


@given(STATUSES, HEADERS, BODIES)
def test_a_status_is_never_a_verdict(status: int, headers: dict[str, str], content: bytes) -> None:
    assert not isinstance(outcome(CALLS[1], httpx.Response(status, headers=headers, content=content)), Verdict)


@given(st.sampled_from(Kind), STATUSES, HEADERS)
def test_an_error_page_is_never_a_verdict(kind: Kind, status: int, headers: dict[str, str]) -> None:
    headers.pop("x-fal-error-type", None)
    response = httpx.Response(status, headers=headers, content=b"<html>504 Gateway Time-out</html>")
    assert not isinstance(classify_response(response, kind), Verdict)


@given(VALUES)
def test_readers_of_bodies_never_raise(value: object) -> None:
    for read in (
        json_fields.text,
        json_fields.integer,
        json_fields.number,
        json_fields.timestamp,
        json_fields.web_address,
        json_fields.mapping,
        json_fields.sequence,
    ):
        read(value)


@given(st.text())
def test_amounts_never_raise(value: str) -> None:
    json_fields.amount(value)


def test_a_submit_and_nothing_else_is_sent_once() -> None:
    assert [call.once for call in CALLS] == [True] + [False] * 6


def test_the_key_goes_everywhere_but_into_the_bucket() -> None:
    assert [call.headers.get("Authorization") for call in CALLS] == [
        "Key id:secret" if call.url != "https://a/b" else None for call in CALLS
    ]
