"""Files that are sent before a request, and fal's proxy address."""

import json
import uuid
from datetime import timedelta
from typing import Any, Final

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Membership, Team, User
from api.models import Key, PendingUpload
from generations.fal.arguments import Endpoint
from generations.models import Generation, Status
from tests.api.conftest import client_with, make_key
from tests.api.test_fal_routes import APP, IMAGE, TEXT, of_key, submit
from tests.cast import picture

pytestmark = pytest.mark.django_db

INITIATE: Final = "/fal/rest/storage/upload/initiate?storage_type=fal-cdn-v3"


def initiate(client: Client) -> dict[str, str]:
    answer = client.post(INITIATE, {"content_type": "image/png", "file_name": "x.png"}, "application/json")
    assert answer.status_code == 200
    found: dict[str, str] = answer.json()
    return found


def put(url: str, data: bytes, settings: Settings) -> Any:
    return Client().put(url.removeprefix(settings.SITE_URL), data, "image/png")


def test_file_is_put_without_a_key_and_used_without_a_fetch(bobs: Client, settings: Settings, s3: Any) -> None:
    urls = initiate(bobs)
    assert put(urls["upload_url"], picture("PNG"), settings).status_code == 200
    answer = submit(bobs, {"prompt": "A fox", "image_url": urls["file_url"]}, IMAGE)
    row = Generation.objects.get(pk=answer.json()["request_id"])
    assert row.pictures.get().media_type == "image/png"


@pytest.mark.parametrize("data", [b"", b"no picture", picture("PNG", (100, 100))], ids=["empty", "text", "small"])
def test_file_that_is_no_good_is_refused_where_it_is_put(
    data: bytes, bobs: Client, settings: Settings, s3: Any
) -> None:
    answer = put(initiate(bobs)["upload_url"], data, settings)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "file"]


def test_file_that_never_came_and_one_of_another(
    bobs: Client, alice: User, film: Team, settings: Settings, s3: Any
) -> None:
    others = initiate(client_with(make_key(alice, film)[1]))
    put(others["upload_url"], picture(), settings)
    for url in (initiate(bobs)["file_url"], others["file_url"], others["file_url"][:-1] + "x"):
        answer = submit(bobs, {"prompt": "A fox", "image_url": url}, IMAGE)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["type"] == "file_download_error"


def expire(url: str, key: Key) -> str:
    PendingUpload.objects.all().delete()
    return url


def revoke(url: str, key: Key) -> str:
    Key.objects.update(revoked_at=timezone.now())
    return url


def remove(url: str, key: Key) -> str:
    Membership.objects.filter(user=key.user, team=key.team).delete()
    return url


@pytest.mark.parametrize("spoil", [expire, revoke, remove, lambda url, _: url[:-1] + ("x" if url[-1] != "x" else "y")])
def test_addresses_that_take_nothing(spoil: Any, bobs: Client, bobs_key: tuple[Key, str], settings: Settings) -> None:
    url = spoil(initiate(bobs)["upload_url"], bobs_key[0])
    answer = put(url, picture(), settings)
    assert (answer.status_code, list(answer.json())) == (403, ["detail"])
    assert answer.headers["x-fal-request-id"]


def test_address_ends_after_an_hour(bobs: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    url = initiate(bobs)["upload_url"]
    monkeypatch.setattr("api.views.uploads.PUT_PERIOD", timedelta(seconds=-1))
    assert put(url, picture(), settings).status_code == 403


@pytest.mark.parametrize(
    "name", ["-" * 36, "f" * 36, "", "x", f"{uuid.UUID(int=7)}", f"{uuid.UUID(int=7)}/../x", "%00"]
)
def test_address_of_no_file_of_ours(name: str, bobs: Client, settings: Settings) -> None:
    address = f"{settings.SITE_URL}/fal/rest/storage/files/{name}"
    answer = submit(bobs, {"prompt": "x", "image_url": address}, IMAGE)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "file_download_error"


def test_what_never_came_is_forgotten(bobs: Client) -> None:
    initiate(bobs)
    PendingUpload.objects.update(created_at=timezone.now() - timedelta(days=3))
    initiate(bobs)
    assert PendingUpload.objects.count() == 1


def test_uploading_takes_a_key_that_generates(bob: User, film: Team) -> None:
    reads = client_with(make_key(bob, film, scopes=["read"])[1])
    assert reads.post(INITIATE).status_code == 403
    assert Client().post(INITIATE).status_code == 401


# --- the proxy


def through(client: Client, method: str, target: str, body: str = "") -> Any:
    headers = {"x-fal-target-url": target} if target else {}
    return client.generic(method, "/fal/proxy", body, "application/json", headers=headers)


def test_proxy_leads_to_each_of_fals_hosts(bobs: Client) -> None:
    body = json.dumps({"prompt": "A fox"})
    pk = through(bobs, "POST", f"https://queue.fal.run/{TEXT}?fal_webhook=", body).json()["request_id"]
    base = f"https://queue.fal.run/fal-ai/kling-video/requests/{pk}"
    assert through(bobs, "GET", f"{base}/status?logs=1").json()["logs"] == []
    assert through(bobs, "GET", f"{base}/status?logs=0").json()["logs"] is None
    assert through(bobs, "GET", base).status_code == 400
    assert through(bobs, "PUT", f"{base}/cancel").status_code == 202
    uploads = through(bobs, "POST", "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3", "{}")
    assert set(uploads.json()) == {"upload_url", "file_url"}


@pytest.mark.parametrize(
    "target",
    [
        *("", "x", "http://queue.fal.run/x", "https://evil.example/fal", "https://queue.fal.run.evil.example/"),
        *("https://queue.fal.run:8443/x", "https://queue.fal.run@evil.example/", "https://[", "file:///etc/passwd"),
    ],
)
def test_proxy_leads_nowhere_else(target: str, bobs: Client) -> None:
    assert through(bobs, "GET", target).status_code == 400


@pytest.mark.parametrize(
    ("target", "status"), [("https://queue.fal.run/../../accounts/settings/", 404), ("https://rest.fal.ai/x", 404)]
)
def test_proxy_to_what_is_not_there(target: str, status: int, bobs: Client) -> None:
    answer = through(bobs, "GET", target)
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)


def test_proxy_asks_for_the_key_as_each_address_does(bobs_key: tuple[Key, str]) -> None:
    target = f"https://queue.fal.run{APP.removeprefix('/fal/queue')}/{of_key(bobs_key[0], Status.QUEUED).pk}/status"
    assert through(Client(), "GET", target).status_code == 401
    assert through(client_with(bobs_key[1]), "POST", target).status_code == 405


def test_every_endpoint_through_the_proxy(bobs: Client) -> None:
    for endpoint in Endpoint:
        assert through(bobs, "POST", f"https://queue.fal.run/{endpoint}", "{}").status_code == 422
