"""Uploads both ways, and public files as a CDN serves them."""

import httpx

from tests.sandbox.fal import Fal
from tests.sandbox_process import Sandbox


def _token(fal: Fal) -> dict[str, str]:
    body = fal.post("/storage/auth/token", params={"storage_type": "fal-cdn-v3"}, json={}).json()
    return {"Authorization": f"{body['token_type']} {body['token']}"}


def test_the_python_way(fal: Fal, sandbox: Sandbox) -> None:
    headers = _token(fal) | {"X-Fal-File-Name": "../../my picture.png", "Content-Type": "image/png"}
    url = httpx.post(f"{sandbox.url}/files/upload", content=b"bytes", headers=headers).json()["access_url"]
    answer = httpx.get(url)
    assert (answer.content, answer.headers["content-type"]) == (b"bytes", "image/png")
    assert url.endswith("/my_picture.png")


def test_the_javascript_way(fal: Fal) -> None:
    body = {"content_type": "image/jpeg", "file_name": "a.jpg"}
    initiated = fal.post("/storage/upload/initiate", params={"storage_type": "fal-cdn-v3"}, json=body).json()
    assert httpx.get(initiated["file_url"]).status_code == 404
    assert httpx.put(initiated["upload_url"], content=b"jpeg").status_code == 200
    assert httpx.get(initiated["file_url"]).content == b"jpeg"


def test_the_javascript_way_in_parts(fal: Fal) -> None:
    initiated = fal.post("/storage/upload/initiate-multipart", json={"file_name": "big.jpg"}).json()
    path, _, query = initiated["upload_url"].partition("?")
    parts = [httpx.put(f"{path}/{n}?{query}", content=text).json() for n, text in ((2, b"two"), (1, b"one"))]
    assert {part["partNumber"] for part in parts} == {1, 2}
    httpx.post(f"{path}/complete?{query}", json={"parts": parts}).raise_for_status()
    assert httpx.get(initiated["file_url"]).content == b"onetwo"


def test_uploads_need_their_token(fal: Fal, sandbox: Sandbox) -> None:
    initiated = fal.post("/storage/upload/initiate", json={"file_name": "a.jpg"}).json()
    assert httpx.put(initiated["file_url"], content=b"x").status_code == 401
    assert httpx.post(f"{sandbox.url}/files/upload", content=b"x").status_code == 401
    assert httpx.post(f"{sandbox.url}/storage/auth/token", json={}).status_code == 401


def test_a_video_has_range_etag_and_head(fal: Fal) -> None:
    url = fal.video()
    whole = httpx.get(url)
    part = httpx.get(url, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    assert part.headers["etag"] == whole.headers["etag"]
    assert whole.headers["content-type"] == "video/mp4"
    head = httpx.head(url)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(whole.content)), b"")
    assert httpx.get(url, headers={"Range": "bytes=999999999-"}).status_code == 416


def test_nothing_outside_the_folder_is_served(sandbox: Sandbox) -> None:
    for path in ("/files/b/..%2f..%2f/books.sqlite3", "/files/../books.sqlite3", "/files/b/../../webhook_key.pem"):
        assert httpx.get(f"{sandbox.url}{path}").status_code in {401, 404, 405}
