"""Faults that strike by chance: what the client sees, and what the records say of it."""

import time

import httpx
import pytest

from sandbox import faults
from tests.sandbox.fal import TEXT, Fal
from tests.sandbox_process import Sandbox


def _accepted(sandbox: Sandbox) -> int:
    count: int = sandbox.records()["counters"]["accepted"]
    return count


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        *(("submit_401", 401), ("submit_402", 402), ("submit_403_locked", 403)),
        *(("submit_429", 429), ("submit_429_long", 429), ("submit_500", 500), ("submit_503", 503)),
    ],
)
def test_submit_is_refused_and_nothing_queued(fal: Fal, sandbox: Sandbox, kind: str, code: int) -> None:
    before = _accepted(sandbox)
    sandbox.set_faults(f"{kind}=1")
    answer = fal.post(f"/{TEXT}", json={"prompt": "x"})
    assert answer.status_code == code
    assert "detail" in answer.json()
    assert answer.headers["x-fal-request-id"]
    assert _accepted(sandbox) == before


def test_a_gateways_page_in_place_of_a_submit(fal: Fal, sandbox: Sandbox) -> None:
    before = _accepted(sandbox)
    sandbox.set_faults("submit_502_gateway=1")
    answer = fal.post(f"/{TEXT}", json={"prompt": "x"})
    assert (answer.status_code, "nginx" in answer.text) == (502, True)
    assert "x-fal-request-id" not in answer.headers
    assert _accepted(sandbox) == before


@pytest.mark.parametrize(
    ("kind", "code", "has_id"),
    [
        *(("submit_500_after", 500, True), ("submit_503_after", 503, True)),
        *(("submit_500_bare_after", 500, False), ("submit_503_bare_after", 503, False)),
    ],
)
def test_submit_says_no_and_queues_it(fal: Fal, sandbox: Sandbox, kind: str, code: int, has_id: bool) -> None:
    sandbox.set_faults(f"{kind}=1")
    answer = fal.post(f"/{TEXT}", json={"prompt": kind})
    assert answer.status_code == code
    (request,) = [one for one in sandbox.records()["requests"] if one["prompt"] == kind]
    assert answer.headers.get("x-fal-request-id") == (request["id"] if has_id else None)


def test_submit_says_yes_in_half_a_word(fal: Fal, sandbox: Sandbox) -> None:
    before = _accepted(sandbox)
    sandbox.set_faults("submit_broken_after=1")
    answer = fal.post(f"/{TEXT}", json={"prompt": "x"})
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()
    assert _accepted(sandbox) == before + 1


def test_somebody_cancels_it_at_fal(fal: Fal, sandbox: Sandbox) -> None:
    sandbox.set_faults("cancelled_at_fal=1")
    request = fal.submit()
    fal.wait(request)
    assert fal.get(request["response_url"]).status_code == 499


@pytest.mark.parametrize(("kind", "code"), [("keys_503", 503), ("keys_broken", 200)])
def test_the_keys_cannot_be_had(fal: Fal, sandbox: Sandbox, kind: str, code: int) -> None:
    sandbox.set_faults(f"{kind}=1")
    answer = httpx.get(f"{sandbox.url}/.well-known/jwks.json")
    assert answer.status_code == code
    assert '"keys"' not in answer.text


@pytest.mark.parametrize(("kind", "queued"), [("submit_cut_before", 0), ("submit_cut_after", 1)])
def test_submit_is_cut(fal: Fal, sandbox: Sandbox, kind: str, queued: int) -> None:
    before = _accepted(sandbox)
    sandbox.set_faults(f"{kind}=1")
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected without sending a response"):
        fal.submit("cut")
    assert _accepted(sandbox) - before == queued
    assert sandbox.records()["faults"][kind] >= 1


@pytest.mark.parametrize("kind", ["submit_slow", "status_slow"])
def test_slow_answers(fal: Fal, sandbox: Sandbox, kind: str) -> None:
    sandbox.set_faults(f"{kind}=1")
    begin = time.monotonic()
    fal.get(fal.submit()["status_url"]).raise_for_status()
    assert time.monotonic() - begin >= 0.3


@pytest.mark.parametrize(("kind", "code"), [("status_500", 500), ("status_404", 404)])
def test_status_fails(fal: Fal, sandbox: Sandbox, kind: str, code: int) -> None:
    request = fal.submit()
    sandbox.set_faults(f"{kind}=1")
    assert fal.get(request["status_url"]).status_code == code
    sandbox.set_faults("")
    assert fal.result(request).status_code == 200


def test_status_loses_its_addresses(fal: Fal, sandbox: Sandbox) -> None:
    sandbox.set_faults("status_null_urls=1")
    assert fal.wait(fal.submit())["response_url"] is None


def test_back_to_queue_once(fal: Fal, sandbox: Sandbox) -> None:
    sandbox.set_faults("back_to_queue=1")
    logs = fal.wait(fal.submit())["logs"]
    assert [log["level"] for log in logs].count("WARN") == 1


def test_result_504_is_a_gateways_page_once(fal: Fal, sandbox: Sandbox) -> None:
    request = fal.submit()
    fal.wait(request)
    sandbox.set_faults("result_504=1")
    answer = fal.get(request["response_url"])
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (504, "text/html")
    assert "x-fal-request-id" not in answer.headers
    assert fal.get(request["response_url"]).status_code == 200


def test_result_500_says_nothing_of_the_model(fal: Fal, sandbox: Sandbox) -> None:
    request = fal.submit()
    fal.wait(request)
    sandbox.set_faults("result_500=1")
    answer = fal.get(request["response_url"])
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})
    assert "x-fal-error-type" not in answer.headers


def _read_into(got: bytearray, url: str) -> None:
    with httpx.stream("GET", url) as answer:
        for chunk in answer.iter_raw():
            got += chunk


def test_a_file_cut_halfway_goes_on_with_range(fal: Fal, sandbox: Sandbox) -> None:
    url = fal.video()
    sandbox.set_faults("file_truncated=1")
    got = bytearray()
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        _read_into(got, url)
    size = int(httpx.head(url).headers["content-length"])
    assert len(got) == size // 2
    rest = httpx.get(url, headers={"Range": f"bytes={len(got)}-"})
    assert rest.status_code == 206
    assert bytes(got) + rest.content == httpx.get(url).content


@pytest.mark.parametrize(
    ("kind", "code", "header"),
    [
        ("file_503", 503, ("content-type", "application/json")),
        ("file_html", 200, ("content-type", "text/html; charset=utf-8")),
        ("file_redirect_private", 302, ("location", "http://10.0.0.1/output.mp4")),
        ("file_odd_redirect", 302, ("location", "/files/b/caf\xe9/r\xe9sum\xe9.mp4")),
        ("file_plain_type", 200, ("content-type", "text/plain; charset=utf-8")),
    ],
)
def test_a_file_fails_once(fal: Fal, sandbox: Sandbox, kind: str, code: int, header: tuple[str, str]) -> None:
    url = fal.video()
    sandbox.set_faults(f"{kind}=1")
    answer = httpx.get(url)
    assert (answer.status_code, answer.headers[header[0]]) == (code, header[1])
    again = httpx.get(url)
    assert (again.status_code, again.headers["content-type"]) == (200, "video/mp4")


def test_a_file_drips_once(fal: Fal, sandbox: Sandbox) -> None:
    url = fal.video()
    sandbox.set_faults("file_drip=1")
    with httpx.stream("GET", url) as answer:
        assert len(next(answer.iter_raw())) == 1
    assert httpx.get(url).headers["content-type"] == "video/mp4"


def test_the_same_seed_strikes_the_same_calls(fal: Fal, sandbox: Sandbox) -> None:
    def codes() -> list[int]:
        sandbox.set_faults("status_404=0.5, seed=7")
        return [fal.get(request["status_url"]).status_code for _ in range(20)]

    request = fal.submit()
    fal.wait(request)
    first = codes()
    assert set(first) == {200, 404}
    assert codes() == first


def test_faults_are_shown_and_nonsense_is_refused(sandbox: Sandbox) -> None:
    sandbox.set_faults("submit_503=0.1\nseed=7")
    shown = httpx.get(f"{sandbox.url}/sandbox/faults").json()
    assert shown["running"] == "submit_503=0.1\nseed=7"
    assert set(shown["kinds"]) == set(faults.KINDS)
    for text in ("nonsense=1", "submit_503=2", "submit_503=often"):
        answer = httpx.put(f"{sandbox.url}/sandbox/faults", content=text)
        assert (answer.status_code, text.split("=")[0] in answer.json()["detail"]) == (400, True)
