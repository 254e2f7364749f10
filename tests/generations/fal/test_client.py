"""What each call sends and how fal's documented answers are read, by both clients, over real HTTP."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from generations.fal.arguments import Endpoint, ImageToVideo, TextToVideo
from generations.fal.errors import BadAnswer, KeyRefused, NotFound, Sent, Unavailable
from generations.fal.responses import (
    Cancellation,
    Completed,
    FalConfig,
    InProgress,
    InQueue,
    ListedRequest,
    LogLine,
    Progress,
    RequestUrls,
    VideoFile,
)
from tests.generations.fal.conftest import REQUEST_ID, AnyClient, config_of
from tests.scripted_server import Reply, ScriptedServer, scripted_server

CAT = TextToVideo(prompt="A cat")
TEXT = Endpoint.TEXT_TO_VIDEO
APP = f"/fal-ai/kling-video/requests/{REQUEST_ID}"
VIDEO = {"url": "https://v3b.fal.media/files/b/1/x_output.mp4", "content_type": "video/mp4", "file_name": "output.mp4"}


def queued(server: ScriptedServer, **changes: Any) -> Reply:
    base = f"{server.url}{APP}"
    return Reply(
        body={
            "status": "IN_QUEUE",
            "request_id": REQUEST_ID,
            "logs": None,
            "metrics": {},
            "queue_position": 3,
            "response_url": base,
            "status_url": f"{base}/status",
            "cancel_url": f"{base}/cancel",
            **changes,
        }
    )


class TestSubmit:
    def test_one_post_with_the_key_and_the_arguments(
        self, fal: AnyClient, server: ScriptedServer, job: RequestUrls
    ) -> None:
        server.will(queued(server))
        submitted = fal.submit(TEXT, CAT)
        (asked,) = server.asked
        assert (asked.method, asked.path) == ("POST", f"/{TEXT}")
        assert asked.headers["authorization"] == "Key id:secret"
        assert asked.headers["content-type"] == "application/json"
        assert asked.json["prompt"] == "A cat"
        assert (submitted.urls, submitted.queue_position) == (job, 3)

    def test_pictures_go_to_the_other_endpoint(self, fal: AnyClient, server: ScriptedServer) -> None:
        server.will(queued(server))
        fal.submit(Endpoint.IMAGE_TO_VIDEO, ImageToVideo(prompt="A cat", image_url="https://a/b.jpg"))
        assert server.asked[0].path == f"/{Endpoint.IMAGE_TO_VIDEO}"
        assert server.asked[0].json["image_url"] == "https://a/b.jpg"

    def test_the_webhook_goes_into_the_query_and_comes_out_whole(self, fal: AnyClient, server: ScriptedServer) -> None:
        server.will(queued(server))
        webhook = "https://studio.example/webhooks/fal/1/?mac=a+b/c&x=1#é"
        fal.submit(TEXT, CAT, webhook_url=webhook)
        assert parse_qs(urlsplit(server.asked[0].path).query) == {"fal_webhook": [webhook]}
        assert "webhook" not in server.asked[0].body.decode()

    def test_addresses_on_a_strange_origin_are_not_taken(
        self, fal: AnyClient, server: ScriptedServer, job: RequestUrls
    ) -> None:
        strange = {"status_url": "https://evil.example/status", "response_url": "", "cancel_url": None}
        server.will(queued(server, **strange))
        assert fal.submit(TEXT, CAT).urls == job

    @pytest.mark.parametrize("position", [None, "3", -1, True, 2**40])
    def test_a_strange_queue_position_is_none(self, fal: AnyClient, server: ScriptedServer, position: object) -> None:
        server.will(queued(server, queue_position=position))
        assert fal.submit(TEXT, CAT).queue_position is None

    def test_the_id_alone_saves_the_job(self, fal: AnyClient, server: ScriptedServer, job: RequestUrls) -> None:
        server.will(Reply(body={"request_id": REQUEST_ID}))
        assert fal.submit(TEXT, CAT).urls == job

    @pytest.mark.parametrize("body", [b"", b"<html>", b'{"request_', {}, []])
    def test_an_id_in_the_header_alone_may_be_of_the_call_and_is_passed_on_to_be_asked_for(
        self, fal: AnyClient, server: ScriptedServer, body: object
    ) -> None:
        server.will(Reply(body=body, headers={"x-fal-request-id": REQUEST_ID}))
        with pytest.raises((BadAnswer, Unavailable)) as caught:
            fal.submit(TEXT, CAT)
        assert (caught.value.sent, caught.value.request_id, caught.value.status) == (Sent.UNKNOWN, REQUEST_ID, 200)

    @pytest.mark.parametrize("body", [{"request_id": REQUEST_ID, "queue_position": "x", "logs": 3, "status": None}])
    @pytest.mark.parametrize("status", [200, 201, 202])
    def test_a_success_with_an_id_is_one_however_odd_the_rest(
        self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, body: object, status: int
    ) -> None:
        server.will(Reply(status, body, {"x-fal-request-id": "of-the-call"}))
        assert fal.submit(TEXT, CAT).urls == job

    @pytest.mark.parametrize(
        "body", [{}, {"request_id": None}, {"request_id": "../../admin"}, {"request_id": "x" * 101}]
    )
    def test_a_success_without_a_usable_id_may_have_been_queued(
        self, fal: AnyClient, server: ScriptedServer, body: object
    ) -> None:
        server.will(Reply(body=body))
        with pytest.raises(BadAnswer) as caught:
            fal.submit(TEXT, CAT)
        assert (caught.value.sent, caught.value.charged) == (Sent.UNKNOWN, None)

    @pytest.mark.parametrize("body", [b"<html>Welcome to the hotel's Wi-Fi</html>", b"", [], b"\xff\xfe"])
    def test_a_success_that_cannot_be_read_may_have_been_queued(
        self, fal: AnyClient, server: ScriptedServer, body: object
    ) -> None:
        server.will(Reply(body=body))
        with pytest.raises(Unavailable) as caught:
            fal.submit(TEXT, CAT)
        assert (caught.value.sent, caught.value.charged) == (Sent.UNKNOWN, None)

    def test_each_submit_has_a_connection_of_its_own(self, fal: AnyClient, server: ScriptedServer) -> None:
        """A pooled connection that fal has just closed would leave the outcome unknown."""
        server.will(Reply(body={"status": "IN_PROGRESS"}), queued(server), queued(server))
        fal.status(RequestUrls.for_id(config_of(server.url), REQUEST_ID))
        fal.submit(TEXT, CAT)
        fal.submit(TEXT, CAT)
        assert len(server.asked) == 3

    @pytest.mark.parametrize("key", ["", "  ", "schlüssel", "two words\nand a line"])
    def test_a_key_that_cannot_be_one_is_not_sent(self, server: ScriptedServer, key: str) -> None:
        from generations.fal.client import FalClient  # noqa: PLC0415

        with FalClient(config_of(server.url, key)) as fal, pytest.raises(KeyRefused) as caught:
            fal.submit(TEXT, CAT)
        assert (caught.value.sent, caught.value.charged, server.asked) == (Sent.NO, False, [])


STATUSES: list[tuple[dict[str, Any], Progress]] = [
    ({"status": "IN_QUEUE", "queue_position": 0}, InQueue(0)),
    ({"status": "IN_QUEUE"}, InQueue(None)),
    ({"status": "IN_PROGRESS", "logs": None}, InProgress()),
    (
        {"status": "IN_PROGRESS", "logs": [{"message": "50%", "timestamp": "2026-02-17T10:30:01.5Z", "level": "INFO"}]},
        InProgress((LogLine("50%", datetime(2026, 2, 17, 10, 30, 1, 500_000, UTC), "INFO"),)),
    ),
    (
        {"status": "IN_PROGRESS", "logs": [{"message": "x", "timestamp": "soon", "labels": {}}, "y", {"message": ""}]},
        InProgress((LogLine("x", None, None),)),
    ),
    (
        {"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 83.1}, "response_url": None},
        Completed(inference_time=83.1),
    ),
    (
        {"status": "COMPLETED", "metrics": {}, "error": "Runner lost", "error_type": "runner_disconnected"},
        Completed(error="Runner lost", error_type="runner_disconnected"),
    ),
]


class TestStatus:
    @pytest.mark.parametrize(("body", "expected"), STATUSES)
    @pytest.mark.parametrize("http_status", [200, 202])
    def test_documented_answers(
        self,
        fal: AnyClient,
        server: ScriptedServer,
        job: RequestUrls,
        body: object,
        expected: Progress,
        http_status: int,
    ) -> None:
        server.will(Reply(http_status, body))
        assert fal.status(job) == expected

    @pytest.mark.parametrize(("logs", "query"), [(True, "logs=1"), (False, "logs=0")])
    def test_it_asks_for_the_logs(
        self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, logs: bool, query: str
    ) -> None:
        server.will(Reply(202, {"status": "IN_PROGRESS"}))
        fal.status(job, logs=logs)
        assert (server.asked[0].method, server.asked[0].path) == ("GET", f"{APP}/status?{query}")
        assert server.asked[0].headers["authorization"] == "Key id:secret"

    def test_it_follows_the_addresses_that_fal_gave(self, fal: AnyClient, server: ScriptedServer) -> None:
        server.will(Reply(202, {"status": "IN_PROGRESS"}))
        own = RequestUrls("x", f"{server.url}/elsewhere?part=1", "", "")
        fal.status(own)
        assert server.asked[0].path == "/elsewhere?part=1&logs=1"

    @pytest.mark.parametrize("body", [{"status": "FAILED"}, {"status": None}, {}])
    def test_other_statuses_are_no_answer(
        self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, body: object
    ) -> None:
        server.will(Reply(200, body))
        with pytest.raises(BadAnswer):
            fal.status(job)

    def test_fal_does_not_know_it(self, fal: AnyClient, server: ScriptedServer, job: RequestUrls) -> None:
        server.will(Reply(404, {"status": "NOT_FOUND"}))
        with pytest.raises(NotFound, match="NOT_FOUND"):
            fal.status(job)


class TestTheKeyStaysHome:
    @pytest.mark.parametrize(
        "strange",
        [
            "https://evil.example/",
            "http://127.0.0.1:1/",
            "http://key@{host}/",
            "https://{host}/",
            "//{host}/",
            "not an address",
            "http://[",
            "https://a:b/",
            "",
        ],
    )
    def test_an_address_elsewhere_is_rebuilt_from_the_id(
        self, fal: AnyClient, server: ScriptedServer, strange: str
    ) -> None:
        server.pages[f"{APP}/status?logs=1"] = Reply(202, {"status": "IN_PROGRESS"})
        server.pages[APP] = Reply(body={"video": VIDEO})
        server.pages[f"{APP}/cancel"] = Reply(202, {"status": "CANCELLATION_REQUESTED"})
        address = strange.format(host=server.url.removeprefix("http://"))
        urls = RequestUrls(REQUEST_ID, address, address, address)
        assert fal.status(urls) == InProgress()
        assert fal.result(urls).url == VIDEO["url"]
        assert fal.cancel(urls) is Cancellation.REQUESTED

    def test_redirects_are_not_followed(self, fal: AnyClient, server: ScriptedServer, job: RequestUrls) -> None:
        with scripted_server() as elsewhere:
            elsewhere.will(Reply(body={"status": "IN_PROGRESS"}))
            server.will(Reply(307, headers={"Location": elsewhere.url}))
            with pytest.raises(Unavailable):
                fal.status(job)
            assert elsewhere.asked == []

    @pytest.mark.parametrize("request_id", ["", "../x", "a/b", "a?b", "é", "x" * 101, "a\n"])
    def test_an_id_that_is_none_makes_no_address(self, config: FalConfig, request_id: str) -> None:
        with pytest.raises(ValueError, match="request id"):
            RequestUrls.for_id(config, request_id)

    def test_addresses_of_the_live_queue(self) -> None:
        config = FalConfig("k", "https://queue.fal.run/", "", "")
        assert RequestUrls.for_id(config, "0-a") == RequestUrls(
            "0-a",
            "https://queue.fal.run/fal-ai/kling-video/requests/0-a/status",
            "https://queue.fal.run/fal-ai/kling-video/requests/0-a",
            "https://queue.fal.run/fal-ai/kling-video/requests/0-a/cancel",
        )

    def test_the_key_is_in_no_repr(self) -> None:
        assert "secret" not in repr(config_of("https://queue.fal.run"))


class TestResult:
    def test_the_whole_file(self, fal: AnyClient, server: ScriptedServer, job: RequestUrls) -> None:
        body = {"video": VIDEO | {"file_size": 6652072}}
        server.will(Reply(body=body, headers={"X-Fal-Billable-Units": "5.0"}))
        assert fal.result(job) == VideoFile(VIDEO["url"], "video/mp4", "output.mp4", 6652072, Decimal("5.0"))
        assert (server.asked[0].method, server.asked[0].path) == ("GET", APP)

    @pytest.mark.parametrize("units", [None, "", "many", "NaN", "-1", "Infinity", "1e99"])
    def test_an_address_is_enough(
        self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, units: str | None
    ) -> None:
        headers = {} if units is None else {"X-Fal-Billable-Units": units}
        server.will(Reply(body={"video": {"url": VIDEO["url"], "file_size": "large"}}, headers=headers))
        assert fal.result(job) == VideoFile(VIDEO["url"])

    @pytest.mark.parametrize(
        "url", [None, "", 7, "ftp://a/b", "https://", "https://a:b/", "x.mp4", f"https://a/{'x' * 2000}"]
    )
    def test_no_usable_address(self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, url: object) -> None:
        server.will(Reply(body={"video": {"url": url}}))
        with pytest.raises(BadAnswer) as caught:
            fal.result(job)
        assert not caught.value.permanent

    @pytest.mark.parametrize("body", [{}, {"video": None}, {"video": []}, {"images": []}])
    def test_no_video(self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, body: object) -> None:
        server.will(Reply(body=body))
        with pytest.raises(BadAnswer):
            fal.result(job)


class TestCancel:
    @pytest.mark.parametrize(
        ("status", "body", "expected"),
        [
            (202, {"status": "CANCELLATION_REQUESTED"}, Cancellation.REQUESTED),
            (200, {"status": "OK"}, Cancellation.REMOVED),
            (202, {"status": "OK"}, Cancellation.REMOVED),
            (200, b"", Cancellation.REQUESTED),
            (400, {"status": "ALREADY_COMPLETED"}, Cancellation.ALREADY_COMPLETED),
            (404, {"status": "NOT_FOUND"}, Cancellation.NOT_FOUND),
        ],
    )
    def test_documented_answers(
        self,
        fal: AnyClient,
        server: ScriptedServer,
        job: RequestUrls,
        status: int,
        body: object,
        expected: Cancellation,
    ) -> None:
        server.will(Reply(status, body))
        assert fal.cancel(job) is expected
        assert (server.asked[0].method, server.asked[0].path) == ("PUT", f"{APP}/cancel")

    @pytest.mark.parametrize("reply", [Reply(503, b"<html>"), Reply(404, b"nginx"), Reply(400, {"status": []})])
    def test_the_rest_is_an_error(self, fal: AnyClient, server: ScriptedServer, job: RequestUrls, reply: Reply) -> None:
        server.will(reply)
        with pytest.raises((Unavailable, BadAnswer)):
            fal.cancel(job)


class TestUpload:
    @pytest.mark.parametrize("from_file", [False, True])
    def test_initiate_then_put_without_the_key(
        self, fal: AnyClient, server: ScriptedServer, tmp_path: Path, from_file: bool
    ) -> None:
        initiate = "/storage/upload/initiate?storage_type=fal-cdn-v3"
        target = {"upload_url": f"{server.url}/put?signature=1", "file_url": "https://v3.fal.media/files/cat.jpg"}
        server.pages = {initiate: Reply(body=target), "/put?signature=1": Reply(body=b"")}
        (tmp_path / "cat.jpg").write_bytes(b"cat")
        data = tmp_path / "cat.jpg" if from_file else b"cat"
        assert fal.upload(data, content_type="image/jpeg", file_name="cat.jpg") == target["file_url"]
        first, second = server.asked
        assert (first.method, first.path, first.json) == (
            *("POST", initiate),
            {"content_type": "image/jpeg", "file_name": "cat.jpg"},
        )
        assert first.headers["authorization"] == "Key id:secret"
        assert (second.method, second.body, second.headers["content-type"]) == ("PUT", b"cat", "image/jpeg")
        assert "authorization" not in second.headers

    @pytest.mark.parametrize("upload_url", [None, "", "http://elsewhere.example/put", "ftp://a/b"])
    def test_no_usable_target(self, fal: AnyClient, server: ScriptedServer, upload_url: object) -> None:
        server.will(Reply(body={"upload_url": upload_url, "file_url": "https://v3.fal.media/files/cat.jpg"}))
        with pytest.raises(BadAnswer):
            fal.upload(b"cat", content_type="image/jpeg", file_name="cat.jpg")
        assert len(server.asked) == 1

    @pytest.mark.parametrize("status", [401, 403, 404, 500])
    def test_a_refusing_bucket_is_not_a_refused_key(self, fal: AnyClient, server: ScriptedServer, status: int) -> None:
        target = {"upload_url": f"{server.url}/put", "file_url": "https://v3.fal.media/files/cat.jpg"}
        server.will(Reply(body=target), Reply(status, {"detail": "no"}))
        with pytest.raises(Unavailable):
            fal.upload(b"cat", content_type="image/jpeg", file_name="cat.jpg")


class TestListing:
    START = datetime(2026, 2, 17, 10, tzinfo=timezone(timedelta(hours=2)))
    END = datetime(2026, 2, 17, 11, tzinfo=UTC)

    def listed(self, fal: AnyClient, **options: bool) -> list[ListedRequest]:
        return list(fal.requests(TEXT, start=self.START, end=self.END, **options))

    def test_all_pages(self, fal: AnyClient, server: ScriptedServer) -> None:
        item = {
            "request_id": "a",
            "endpoint_id": TEXT,
            "sent_at": "2026-02-17T08:00:01Z",
            "status_code": 200,
            "started_at": "2026-02-17T08:00:05Z",
            "ended_at": "2026-02-17T08:02:00",
            "duration": 115.0,
            "json_input": {"prompt": "A cat"},
            "json_output": {"video": VIDEO},
        }
        server.will(
            Reply(body={"items": [item, "junk", {}], "next_cursor": "Mg==", "has_more": True}),
            Reply(body={"items": [{"request_id": "b"}], "next_cursor": None, "has_more": False}),
        )
        first, second = self.listed(fal)
        assert first == ListedRequest(
            request_id="a",
            endpoint=TEXT,
            sent_at=datetime(2026, 2, 17, 8, 0, 1, tzinfo=UTC),
            started_at=datetime(2026, 2, 17, 8, 0, 5, tzinfo=UTC),
            ended_at=datetime(2026, 2, 17, 8, 2, tzinfo=UTC),
            status_code=200,
            json_input={"prompt": "A cat"},
            json_output={"video": VIDEO},
        )
        assert second == ListedRequest("b", TEXT, None, None, None, None, None, None)
        queries = [parse_qs(urlsplit(asked.path).query) for asked in server.asked]
        assert urlsplit(server.asked[0].path).path == "/v1/models/requests/by-endpoint"
        wanted = {
            "endpoint_id": [TEXT],
            "start": ["2026-02-17T08:00:00Z"],
            "end": ["2026-02-17T11:00:00Z"],
            "limit": ["100"],
            "expand": ["payloads"],
        }
        assert queries == [wanted, wanted | {"cursor": ["Mg=="]}]

    def test_without_payloads(self, fal: AnyClient, server: ScriptedServer) -> None:
        server.will(Reply(body={"items": []}))
        assert self.listed(fal, with_payloads=False) == []
        assert "expand" not in server.asked[0].path

    def test_a_cursor_that_goes_in_circles_ends(self, fal: AnyClient, server: ScriptedServer) -> None:
        server.will(
            Reply(body={"items": [{"request_id": "a"}], "next_cursor": "1"}),
            Reply(body={"items": [{"request_id": "b"}], "next_cursor": "2"}),
            Reply(body={"items": [{"request_id": "c"}], "next_cursor": "1"}),
        )
        assert [item.request_id for item in self.listed(fal)] == ["a", "b", "c"]

    @pytest.mark.parametrize("body", [{}, {"items": None}, {"items": {}}])
    def test_no_items_is_no_answer(self, fal: AnyClient, server: ScriptedServer, body: object) -> None:
        server.will(Reply(body=body))
        with pytest.raises(BadAnswer):
            self.listed(fal)

    def test_errors_of_the_platform_have_their_own_shape(self, fal: AnyClient, server: ScriptedServer) -> None:
        server.will(Reply(403, {"error": {"type": "permission_error", "message": "Needs an Admin key"}}))
        with pytest.raises(KeyRefused, match="Needs an Admin key") as caught:
            self.listed(fal)
        assert caught.value.type == "permission_error"
