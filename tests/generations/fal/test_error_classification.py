"""Every failure that fal documents, and those on the way to it, told apart by class, money and words."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from generations.fal import client
from generations.fal.arguments import Endpoint, TextToVideo
from generations.fal.client import AsyncFalClient, FalClient
from generations.fal.error_classification import MAX_RETRY_AFTER
from generations.fal.errors import (
    AccountLocked,
    BadAnswer,
    Cancelled,
    FalError,
    FieldProblem,
    KeyRefused,
    ModelRefused,
    NotFound,
    RateLimited,
    RequestFailed,
    Sent,
    StillRunning,
    Unavailable,
    Unreachable,
    Verdict,
)
from generations.fal.responses import RequestUrls
from tests.generations.fal.conftest import BRIEF, AnyClient, blocking, config_of
from tests.scripted_server import Reply, ScriptedServer

CAT = TextToVideo(prompt="A cat")
TEXT = Endpoint.TEXT_TO_VIDEO
GATEWAY_504 = b"<html><head><title>504 Gateway Time-out</title></head><body>nginx</body></html>"
LOCKED = {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."}


def model_error(type_: str, field: str = "prompt", **ctx: Any) -> dict[str, Any]:
    entry = {
        "loc": ["body", field],
        "msg": f"About {type_}",
        "type": type_,
        "url": f"https://docs.fal.ai/errors/#{type_}",
    }
    return {"detail": [{**entry, "ctx": ctx, "input": "…"} if ctx else entry]}


@dataclass
class Case:
    reply: Reply
    error: type[FalError]
    type: str | None = None
    charged: bool | None = None
    words: str = ""


def check(error: FalError, case: Case) -> None:
    assert type(error) is case.error
    assert (error.status, error.type, error.charged) == (case.reply.status, case.type, case.charged)
    assert case.words in error.message
    assert error.permanent == issubclass(case.error, Verdict | KeyRefused | AccountLocked)


INFRASTRUCTURE = {
    "request_timeout": 504,
    "startup_timeout": 504,
    "runner_scheduling_failure": 503,
    "runner_connection_timeout": 503,
    "runner_disconnected": 503,
    "runner_connection_refused": 503,
    "runner_connection_error": 503,
    "runner_incomplete_response": 502,
    "runner_server_error": 500,
    "client_disconnected": 499,
    "bad_request": 400,
    "internal_error": 500,
}
MODEL_5XX = {"internal_server_error": 500, "generation_timeout": 504, "downstream_service_unavailable": 500}
MODEL_422 = [
    *("content_policy_violation", "no_media_generated", "image_too_small", "image_load_error", "file_download_error"),
    *("face_detection_error", "file_too_large", "unsupported_image_format", "one_of", "missing", "a_new_one"),
]

OURS = [  # about us, never about the job
    Case(Reply(401, {"detail": "invalid key credentials"}), KeyRefused, words="invalid key credentials"),
    Case(Reply(401, b"<html>"), KeyRefused, words="HTTP 401 Unauthorized"),
    Case(Reply(403, {"detail": "Key lacks the scope"}), KeyRefused, words="scope"),
    Case(Reply(403, LOCKED), AccountLocked, words="Exhausted balance"),
    Case(Reply(402, {"detail": "Payment Required"}), AccountLocked, words="Payment Required"),
    Case(Reply(402, b"<html>"), AccountLocked, words="HTTP 402"),
    Case(Reply(403, b"<html>Blocked by the firewall</html>"), Unavailable, words="HTTP 403"),
    Case(Reply(429, {"detail": "Slow down"}), RateLimited, words="Slow down"),
    Case(Reply(429, b""), RateLimited, words="HTTP 429"),
]
ON_THE_WAY = [
    Case(Reply(504, GATEWAY_504), Unavailable, words="HTTP 504"),
    Case(Reply(502, b""), Unavailable),
    Case(Reply(503, b"upstream connect error"), Unavailable),
    Case(Reply(500, {"detail": "Internal Server Error"}), Unavailable, words="Internal Server Error"),
    Case(Reply(500, b"[" * 100_000), Unavailable),
    Case(Reply(503, b'{"detail": "cut o'), Unavailable),
    Case(Reply(408, {"detail": "Request Timeout"}), Unavailable),
    Case(Reply(418, [1, 2]), Unavailable),
    Case(Reply(302, headers={"Location": "https://elsewhere.example/"}), Unavailable),
    Case(Reply(405, {"detail": "Method Not Allowed"}), BadAnswer, words="Method Not Allowed"),
    Case(Reply(404, b"<html>nginx</html>"), Unavailable),
]
VERDICTS = [
    *(Case(Reply(422, model_error(type_)), ModelRefused, type_, None, f"prompt: About {type_}") for type_ in MODEL_422),
    *(Case(Reply(status, model_error(type_)), ModelRefused, type_, False) for type_, status in MODEL_5XX.items()),
    *(
        Case(Reply(s, model_error("downstream_service_error")), ModelRefused, "downstream_service_error", False)
        for s in (400, 500)
    ),
    *(
        Case(Reply(status, {"detail": "Lost", "error_type": type_}), RequestFailed, type_, False, "Lost")
        for type_, status in INFRASTRUCTURE.items()
    ),
    Case(
        Reply(504, b"upstream timed out", {"X-Fal-Error-Type": "request_timeout"}),
        *(RequestFailed, "request_timeout", False),
    ),
    Case(Reply(499, {"detail": "Cancelled", "error_type": "client_cancelled"}), Cancelled, "client_cancelled", False),
    Case(Reply(499, {"detail": "Request was cancelled"}), Cancelled, None, False),
    Case(Reply(422, model_error("x"), {"X-Fal-Billable-Units": "0"}), ModelRefused, "x", False),
    Case(Reply(422, model_error("x"), {"X-Fal-Billable-Units": "5"}), ModelRefused, "x", None),
    Case(Reply(422, {"detail": "Not migrated yet"}), ModelRefused, None, None, "Not migrated yet"),
    Case(Reply(400, {"detail": "Bad picture"}), ModelRefused, None, False, "Bad picture"),
    Case(Reply(422, {"detail": "Bad", "type": "image_load_error"}), ModelRefused, "image_load_error", None),
    Case(Reply(422, {"detail": {"msg": "Bad", "type": "image_load_error"}}), ModelRefused, "image_load_error", None),
    Case(Reply(422, {"detail": [{"msg": "No type"}]}), ModelRefused, None, None, "No type"),
    Case(Reply(422, {"detail": ["just", "text"]}), ModelRefused, None, None, "just; text"),
    Case(Reply(500, {"detail": "Model broke"}, {"X-Fal-Retryable": "true"}), ModelRefused, None, False, "Model broke"),
]


class TestResult:
    @pytest.mark.parametrize("case", VERDICTS, ids=lambda case: f"{case.reply.status}-{case.type}")
    def test_verdicts(self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, case: Case) -> None:
        server.will(case.reply)
        with pytest.raises(Verdict) as caught:
            fal.result(job)
        check(caught.value, case)

    @pytest.mark.parametrize("case", OURS + ON_THE_WAY, ids=lambda case: f"{case.reply.status}-{case.error.__name__}")
    def test_what_says_nothing_about_the_job(
        self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, case: Case
    ) -> None:
        server.will(case.reply)
        with pytest.raises(FalError) as caught:
            fal.result(job)
        check(caught.value, case)

    @pytest.mark.parametrize("words", ["Request is still in progress", "Request is IN QUEUE"])
    def test_too_early(self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, words: str) -> None:
        server.will(Reply(400, {"detail": words}))
        with pytest.raises(StillRunning) as caught:
            fal.result(job)
        assert not caught.value.permanent

    @pytest.mark.parametrize("body", [{"status": "NOT_FOUND"}, {"detail": "Path /x not found"}, {}])
    @pytest.mark.parametrize("status", [404, 410])
    def test_gone(self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, body: object, status: int) -> None:
        server.will(Reply(status, body, {"X-Fal-Retryable": "false"}))
        with pytest.raises(NotFound):
            fal.result(job)

    def test_every_problem_of_the_model(self, fal: AnyClient, server: ScriptedServer, job: RequestUrls) -> None:
        detail = [
            {"loc": ["body", "image_url"], "msg": "Too small", "type": "image_too_small", "ctx": {"min_width": 300}},
            {"loc": ["body"], "msg": "Flagged", "type": "content_policy_violation", "categories": ["violence"]},
            {"loc": ["body", "a", 0, "b"], "type": "missing", "ctx": "strange"},
            "junk",
            None,
        ]
        server.will(Reply(422, {"detail": detail}, {"X-Fal-Retryable": "false"}))
        with pytest.raises(ModelRefused) as caught:
            fal.result(job)
        assert caught.value.problems == (
            FieldProblem("image_url", "image_too_small", "Too small", {"min_width": 300}),
            FieldProblem("", "content_policy_violation", "Flagged", {"categories": ["violence"]}),
            FieldProblem("a.0.b", "missing", "missing", {}),
        )
        assert str(caught.value) == "image_url: Too small; Flagged; a.0.b: missing"
        assert caught.value.retryable is False

    @pytest.mark.parametrize(
        ("headers", "retryable"),
        [
            ({}, None),
            ({"X-Fal-Retryable": "true"}, True),
            ({"X-Fal-Needs-Retry": "1"}, True),
            ({"X-Fal-Retryable": "0"}, False),
        ],
    )
    def test_whether_fal_would_try_again(
        self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, headers: dict[str, str], retryable: bool | None
    ) -> None:
        server.will(Reply(500, model_error("internal_server_error"), headers))
        with pytest.raises(ModelRefused) as caught:
            fal.result(job)
        assert caught.value.retryable is retryable

    def test_words_that_a_database_cannot_store(self, fal: AnyClient, server: ScriptedServer, job: RequestUrls) -> None:
        server.will(Reply(422, {"detail": "a\0b\ud800c" + "x" * 5000}))
        with pytest.raises(ModelRefused) as caught:
            fal.result(job)
        assert caught.value.message.startswith("abcx")
        assert len(caught.value.message) <= 4000


class TestStatus:
    @pytest.mark.parametrize("case", VERDICTS, ids=lambda case: f"{case.reply.status}-{case.type}")
    def test_an_error_of_the_status_call_is_never_the_jobs_verdict(
        self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, case: Case
    ) -> None:
        server.will(case.reply)
        with pytest.raises((Unavailable, BadAnswer)) as caught:
            fal.status(job)
        assert (caught.value.permanent, caught.value.charged) == (False, None)


REFUSED = [
    (Reply(401, {"detail": "invalid key credentials"}), KeyRefused),
    (Reply(403, LOCKED), AccountLocked),
    (Reply(402, {"detail": "Payment Required"}), AccountLocked),
    (Reply(402, b""), AccountLocked),
    (Reply(403, b"<html>"), Unavailable),
    (Reply(405, {"detail": "Method Not Allowed"}), BadAnswer),
    (Reply(404, {"detail": "Path /x not found"}), NotFound),
    (Reply(429, {"detail": "Queue is full"}), RateLimited),
    (Reply(422, model_error("missing")), ModelRefused),
    (Reply(400, {"detail": "bad header", "error_type": "bad_request"}), ModelRefused),
    (Reply(413, {"detail": "Too large"}), BadAnswer),
]
# as fal's own Python client judges: its gateway's page, and no sign that fal has seen it
BEFORE_FAL = [Reply(status, GATEWAY_504) for status in (502, 503, 504)]
OF_FAL = {"x-fal-request-id": "019e8887-1f00-7000-8000-00000000abcd"}
PERHAPS_QUEUED = [
    (Reply(500, GATEWAY_504), Unavailable),
    *((Reply(status, GATEWAY_504, OF_FAL), Unavailable) for status in (500, 502, 503, 504)),
    *((Reply(status, b"<html>Bad Gateway</html>"), Unavailable) for status in (500, 502, 503, 504, 507, 520, 599)),
    *((Reply(status, {"detail": "?"}), Unavailable) for status in (500, 502, 503, 504, 520)),
    (Reply(503, {"detail": "No runner", "error_type": "runner_scheduling_failure"}), Unavailable),
    (Reply(500, model_error("internal_server_error")), Unavailable),
    (Reply(504, {"detail": "Timeout"}, {"X-Fal-Request-Timeout-Type": "user"}), Unavailable),
    (Reply(504, GATEWAY_504, {"X-Fal-Request-Timeout-Type": "user"}), Unavailable),
    *((Reply(status, {"detail": "?"}), Unavailable) for status in (408, 409, 425, 499)),
    *((Reply(status, {"detail": "?"}), BadAnswer) for status in (406, 418, 451)),
    *((Reply(status, headers={"Location": "/x"}), Unavailable) for status in (301, 302, 303, 307, 308)),
]
BROKEN = [
    Reply(raw=b""),
    Reply(raw=b"HTTP/1.1 200"),
    Reply(raw=b"SSH-2.0-OpenSSH\r\n"),
    Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
    Reply(body={"request_id": "a"}, cut=5),
    Reply(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
    Reply(pause=3),
]


class TestSubmit:
    @pytest.mark.parametrize(("reply", "error"), REFUSED)
    def test_a_documented_refusal_was_not_queued_and_costs_nothing(
        self, fal: AnyClient, server: ScriptedServer, reply: Reply, error: type[FalError]
    ) -> None:
        server.will(reply)
        with pytest.raises(error) as caught:
            fal.submit(TEXT, CAT)
        assert (caught.value.sent, caught.value.charged) == (Sent.REFUSED, False)
        assert len(server.asked) == 1

    @pytest.mark.parametrize("reply", BEFORE_FAL)
    def test_a_gateways_own_page_came_before_fal(self, fal: AnyClient, server: ScriptedServer, reply: Reply) -> None:
        server.will(reply)
        with pytest.raises(Unavailable) as caught:
            fal.submit(TEXT, CAT)
        assert (caught.value.sent, caught.value.charged) == (Sent.NO, False)
        assert len(server.asked) == 1

    @pytest.mark.parametrize(
        ("headers", "request_id"),
        [
            (OF_FAL, OF_FAL["x-fal-request-id"]),
            ({}, None),
            ({"x-fal-request-id": ""}, None),
            ({"x-fal-request-id": "../../x"}, None),
            ({"x-fal-request-id": "x" * 101}, None),
        ],
    )
    def test_the_id_that_an_error_bears_is_passed_on(
        self, fal: AnyClient, server: ScriptedServer, headers: dict[str, str], request_id: str | None
    ) -> None:
        server.will(Reply(503, {"detail": "?"}, headers))
        with pytest.raises(Unavailable) as caught:
            fal.submit(TEXT, CAT)
        assert caught.value.request_id == request_id

    @pytest.mark.parametrize(("reply", "error"), PERHAPS_QUEUED)
    def test_the_rest_may_have_been_queued_and_is_never_sent_again(
        self, fal: AnyClient, server: ScriptedServer, reply: Reply, error: type[FalError]
    ) -> None:
        server.will(reply)
        with pytest.raises(error) as caught:
            fal.submit(TEXT, CAT)
        assert (caught.value.sent, caught.value.charged) == (Sent.UNKNOWN, None)
        assert len(server.asked) == 1

    @pytest.mark.parametrize("reply", BROKEN)
    def test_a_broken_answer_may_have_been_queued_and_is_never_sent_again(
        self, fal: AnyClient, server: ScriptedServer, reply: Reply
    ) -> None:
        server.will(reply)
        with pytest.raises(Unreachable) as caught:
            fal.submit(TEXT, CAT)
        assert (caught.value.sent, caught.value.charged, caught.value.status) == (Sent.UNKNOWN, None, None)
        assert len(server.asked) == 1

    def test_an_answer_that_drips_for_too_long_is_a_lost_one(
        self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client, "DEADLINE", 0.5)
        server.will(Reply(body=b" " * 1000, drip=0.1))
        with blocking(AsyncFalClient(config_of(server.url))) as fal, pytest.raises(Unreachable) as caught:
            fal.submit(TEXT, CAT)
        assert caught.value.sent is Sent.UNKNOWN

    @pytest.mark.parametrize(
        "queue_url",
        [
            "http://127.0.0.1:1",  # refused
            "http://nobody.invalid",  # no such host
            "http://127.0.0.1:99999",
            "http://[",
            "https://xn--a",
            "ftp://127.0.0.1",
            "",
        ],
    )
    def test_what_never_left_us_cost_nothing(self, queue_url: str) -> None:
        with FalClient(config_of(queue_url), timeout=BRIEF) as fal, pytest.raises(Unreachable) as caught:
            fal.submit(TEXT, CAT)
        assert (caught.value.sent, caught.value.charged, caught.value.permanent) == (Sent.NO, False, False)

    def test_a_certificate_that_is_none_sends_nothing(self, server: ScriptedServer) -> None:
        config = config_of(server.url.replace("http:", "https:"))
        with FalClient(config, timeout=BRIEF) as fal, pytest.raises(Unreachable) as caught:
            fal.submit(TEXT, CAT)
        assert caught.value.sent is Sent.NO


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            *(("7", 7.0), ("0", 0.0), ("0.5", 0.5), ("soon", None), ("-3", None), ("", None), ("nan", None)),
            *((value, MAX_RETRY_AFTER) for value in ("601", "9999999", "1e300", "inf", "9" * 400)),
            *(("-inf", None), ("Thu, 99 Foo 2026 00:00:00 GMT", None), ("Fri, 31 Dec 99999 00:00:00 GMT", None)),
        ],
    )
    def test_seconds(
        self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, value: str, seconds: float | None
    ) -> None:
        server.will(Reply(429, {}, {"Retry-After": value}))
        with pytest.raises(RateLimited) as caught:
            fal.status(job)
        assert caught.value.retry_after == seconds

    @pytest.mark.parametrize(("ahead", "least", "most"), [(60, 50, 60), (-60, 0, 0), (9_999_999, 600, 600)])
    def test_a_date(
        self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, ahead: int, least: float, most: float
    ) -> None:
        moment = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
        server.will(Reply(503, b"", {"Retry-After": moment}))
        with pytest.raises(Unavailable) as caught:
            fal.status(job)
        assert caught.value.retry_after is not None
        assert least <= caught.value.retry_after <= most
