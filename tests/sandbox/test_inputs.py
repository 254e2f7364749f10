"""Bad input is queued with 200 and fails in the runner with fal's 422."""

import base64
import json
from typing import Any

import pytest

from tests.sandbox.conftest import picture_bytes
from tests.sandbox.fal import IMAGE, TEXT, Fal


def _data_uri(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def _with(data: bytes) -> dict[str, str]:
    return {"prompt": "x", "image_url": _data_uri(data)}


GOOD = _data_uri(picture_bytes())
EVERYTHING = [("prompt", "missing"), ("duration", "one_of"), ("aspect_ratio", "one_of")]


def _problems(fal: Fal, endpoint: str, body: Any) -> list[tuple[str, str]]:
    request = fal.post(f"/{endpoint}", content=json.dumps(body)).raise_for_status().json()
    assert fal.wait(request)["status"] == "COMPLETED"
    result = fal.get(request["response_url"])
    assert result.status_code == 422
    assert result.headers["x-fal-billable-units"] == "0"
    assert all({"loc", "msg", "type", "url", "input"} <= set(problem) for problem in result.json()["detail"])
    return [(problem["loc"][-1], problem["type"]) for problem in result.json()["detail"]]


@pytest.mark.parametrize(
    ("endpoint", "body", "problems"),
    [
        (TEXT, {}, [("prompt", "missing")]),
        (TEXT, {"prompt": " "}, [("prompt", "sequence_too_short")]),
        (TEXT, {"prompt": "x" * 2501}, [("prompt", "sequence_too_long")]),
        (TEXT, {"prompt": "x", "duration": "7"}, [("duration", "one_of")]),
        (TEXT, {"prompt": "x", "cfg_scale": 2}, [("cfg_scale", "less_than_equal")]),
        (TEXT, {"duration": "7", "aspect_ratio": "4:3"}, EVERYTHING),
        (TEXT, ["x"], [("body", "dict_type")]),
        (TEXT, {"prompt": "\ud800"}, [("prompt", "string_unicode")]),
        (IMAGE, {"prompt": "x"}, [("image_url", "missing")]),
        (IMAGE, {"prompt": "x", "image_url": "blob:x"}, [("image_url", "image_load_error")]),
        (IMAGE, {"prompt": "x", "image_url": "data:image/png;base64,!"}, [("image_url", "image_load_error")]),
        (IMAGE, _with(b"no picture"), [("image_url", "image_load_error")]),
        (IMAGE, _with(picture_bytes()[:-40]), [("image_url", "image_load_error")]),
        (IMAGE, {"prompt": "x", "image_url": "http://127.0.0.1:9/x.png"}, [("image_url", "file_download_error")]),
        (IMAGE, _with(picture_bytes(299, 400)), [("image_url", "image_too_small")]),
        (IMAGE, _with(picture_bytes(900, 300)), [("image_url", "image_ratio_out_of_range")]),
        (IMAGE, _with(picture_bytes(kind="WEBP")), [("image_url", "unsupported_image_format")]),
        (
            IMAGE,
            {"prompt": "x", "image_url": GOOD, "tail_image_url": _data_uri(picture_bytes(100, 100))},
            [("tail_image_url", "image_too_small")],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(fal: Fal, endpoint: str, body: Any, problems: list[tuple[str, str]]) -> None:
    assert _problems(fal, endpoint, body) == problems


def test_a_picture_of_more_than_10_mb_is_refused(fal: Fal) -> None:
    initiated = fal.post("/storage/upload/initiate", json={"file_name": "big.png"}).json()
    fal.put(initiated["upload_url"], content=bytes(10 * 1024 * 1024 + 1)).raise_for_status()
    body = {"prompt": "x", "image_url": initiated["file_url"]}
    assert _problems(fal, IMAGE, body) == [("image_url", "file_too_large")]


def test_no_json_at_all(fal: Fal) -> None:
    request = fal.post(f"/{TEXT}", content=b"prompt=x").raise_for_status().json()
    assert fal.result(request).status_code == 422


def test_extras_are_ignored_and_numbers_taken_as_durations(fal: Fal) -> None:
    request = fal.submit("x", IMAGE, image_url=GOOD, duration=10, aspect_ratio="16:9", loop=True)
    assert fal.result(request).headers["x-fal-billable-units"] == "10"
