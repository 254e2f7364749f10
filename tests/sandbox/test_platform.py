"""The platform API: finding requests again, prices, deleting payloads."""

import time
from datetime import UTC, datetime

import httpx
import pytest

from generations.fal.arguments import Endpoint
from tests.sandbox.fal import IMAGE, TEXT, Fal
from tests.sandbox_process import KEY

PATH = "/models/requests/by-endpoint"


@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_a_lost_request_is_found_by_its_payload(fal: Fal, prefix: str) -> None:
    request = fal.submit(f"lost {prefix}")
    result = fal.result(request).json()
    items = fal.get(prefix + PATH, params={"endpoint_id": TEXT, "expand": "payloads"}).json()["items"]
    item = next(item for item in items if item["json_input"]["prompt"] == f"lost {prefix}")
    assert item["request_id"] == request["request_id"]
    assert item["json_output"] == result
    assert (item["endpoint_id"], item["status_code"]) == (TEXT, 200)
    assert item["sent_at"] <= item["started_at"] <= item["ended_at"]


def test_filters(fal: Fal) -> None:
    before = datetime.now(UTC).isoformat()
    time.sleep(0.002)
    words = {"success": "", "user_error": "[sandbox: no_media_generated]", "error": "[sandbox: internal_error]"}
    ids = {}
    for status, word in words.items():
        ids[status] = fal.submit(f"a filter {word}")
        fal.wait(ids[status])
    for status, request in ids.items():
        page = fal.get(PATH, params={"endpoint_id": TEXT, "status": status, "start": before}).json()
        assert [item["request_id"] for item in page["items"]] == [request["request_id"]]
        assert "json_input" not in page["items"][0]
    assert fal.get(PATH, params={"endpoint_id": IMAGE, "start": before}).json()["items"] == []
    assert ids["success"]["request_id"] not in str(fal.get(PATH, params={"endpoint_id": TEXT, "end": before}).json())


def test_pages(fal: Fal) -> None:
    start = datetime.now(UTC).isoformat()
    time.sleep(0.002)
    for number in range(5):
        fal.wait(fal.submit(f"page {number}"))
    query = {"endpoint_id": TEXT, "start": start, "limit": "2"}
    seen, page = [], fal.get(PATH, params=query).json()
    while True:
        seen += [item["request_id"] for item in page["items"]]
        if not page["has_more"]:
            break
        page = fal.get(PATH, params=query | {"cursor": page["next_cursor"]}).json()
    assert (len(seen), len(set(seen)), page["next_cursor"]) == (5, 5, None)


NONSENSE = [{"limit": "101"}, {"start": "soon"}, {"cursor": "!"}]
BAD: list[dict[str, str]] = [{}, *({"endpoint_id": TEXT} | nonsense for nonsense in NONSENSE)]


@pytest.mark.parametrize("query", BAD)
def test_bad_questions(fal: Fal, query: dict[str, str]) -> None:
    answer = fal.get(PATH, params=query)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "validation_error")


def test_prices(fal: Fal) -> None:
    prices = fal.get(
        "/v1/models/pricing", params={"endpoint_id": f"{TEXT},{IMAGE},{Endpoint.DRAFT_IMAGE_TO_VIDEO}"}
    ).json()["prices"]
    assert [(price["endpoint_id"], price["unit_price"], price["unit"]) for price in prices] == [
        (TEXT, 0.07, "second"),
        (IMAGE, 0.07, "second"),
        (Endpoint.DRAFT_IMAGE_TO_VIDEO, 0.042, "second"),
    ]


def test_deleting_payloads_deletes_the_video(fal: Fal) -> None:
    request = fal.submit("soon gone")
    url = fal.result(request).json()["video"]["url"]
    answer = fal.delete(f"/v1/models/requests/{request['request_id']}/payloads")
    assert answer.json() == {"cdn_delete_results": [{"link": url, "exception": None}]}
    assert httpx.get(url).status_code == 404
    assert fal.get(request["response_url"]).status_code == 404


def test_meta(fal: Fal) -> None:
    assert fal.get("/v1/meta").json()["webhook_ip_ranges"]


def test_usage_is_for_an_admins_key_and_counts_what_was_charged(fal: Fal) -> None:
    day = datetime.now(UTC).date().isoformat()
    assert fal.get("/models/usage").status_code == 403
    key = {"Authorization": f"Key admin:{KEY}"}
    query = {"endpoint_id": TEXT, "start": f"{day}T00:00:00Z"}

    def seconds() -> float:
        series = fal.get("/models/usage", params=query, headers=key).json()["time_series"]
        return float(sum(share["quantity"] for bucket in series for share in bucket["results"]))

    before = seconds()
    fal.wait(fal.submit("charged"))
    fal.wait(fal.submit("not charged [sandbox: no_media_generated]"))
    assert seconds() == before + 5
