"""The Content-Security-Policy names the very host that the bucket's presigned addresses lead to."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from django.test import Client
from pytest_django import Settings
from storages.backends.s3 import S3Storage

from accounts.models import Team, User
from generations import bucket
from generations.models import Status
from tests.cast import make_generation, make_video, signed_in


@pytest.fixture
def use_bucket(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Any]:
    """Makes the studio's bucket another one; nothing is asked of it."""

    def use(name: str, region: str, *, keys: bool = True, **more: Any) -> None:
        endpoint = more.pop("endpoint_url", None)
        storage = S3Storage(
            bucket_name=name,
            region_name=region,
            endpoint_url=endpoint,
            access_key="key" if keys else None,
            secret_key="secret" if keys else None,
            client_config=Config(
                signature_version="s3v4", s3={"addressing_style": "path" if endpoint else "auto"}, **more
            ),
        )
        monkeypatch.setattr(bucket, "default_storage", storage)
        forget()

    settings.MEDIA_DELIVERY = "redirect"
    yield use
    forget()


def forget() -> None:
    bucket._client.cache_clear()


def sources(page: Any, directive: str) -> list[str]:
    parts = [part.split() for part in page.headers["Content-Security-Policy"].split(";")]
    return next(found for name, *found in parts if name == directive)


@pytest.mark.parametrize(
    ("name", "region", "more", "host"),
    [
        ("videos", "us-east-1", {}, "videos.s3.amazonaws.com"),
        ("videos", "eu-central-1", {}, None),
        ("videos", "cn-north-1", {}, "videos.s3.cn-north-1.amazonaws.com.cn"),
        ("videos", "cn-northwest-1", {}, "videos.s3.cn-northwest-1.amazonaws.com.cn"),
        ("videos", "us-gov-west-1", {}, "videos.s3.us-gov-west-1.amazonaws.com"),
        ("my.own.videos", "eu-central-1", {}, "s3.eu-central-1.amazonaws.com"),
        ("my.own.videos", "cn-north-1", {}, "s3.cn-north-1.amazonaws.com.cn"),
        ("videos", "eu-central-1", {"use_dualstack_endpoint": True}, "videos.s3.dualstack.eu-central-1.amazonaws.com"),
        ("videos", "us-east-2", {"use_fips_endpoint": True}, None),
        ("videos", "auto", {"endpoint_url": "https://s3.example.com:9000/"}, "s3.example.com:9000"),
        ("videos", "auto", {"endpoint_url": "http://10.0.0.7:9000"}, "10.0.0.7:9000"),
    ],
)
@pytest.mark.django_db
def test_page_lets_in_what_its_video_is_redirected_to(
    use_bucket: Any, film: Team, bob: User, name: str, region: str, more: dict[str, Any], host: str | None
) -> None:
    made = make_video(make_generation(bob, film, Status.DONE)).generation
    use_bucket(name, region, **more)
    client = signed_in(bob)

    page = client.get(made.get_absolute_url())
    led_to = urlsplit(client.get(f"{made.get_absolute_url()}video").headers["Location"])

    origin = f"{led_to.scheme}://{led_to.netloc}"
    assert origin in sources(page, "media-src")
    assert origin in sources(page, "img-src")
    assert sources(page, "connect-src") == ["'self'"]
    assert origin not in sources(page, "script-src")
    assert host in {None, led_to.netloc}
    assert not any("*" in source for source in sources(page, "media-src"))


@pytest.mark.django_db
def test_page_is_shown_while_the_bucket_has_no_keys(use_bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    use_bucket("videos", "us-east-1", keys=False)

    page = Client().get("/accounts/login/")

    assert page.status_code == 200
    assert sources(page, "media-src") == ["'self'", "blob:"]


@pytest.mark.django_db
def test_bucket_behind_the_studio_is_not_named(use_bucket: Any, settings: Settings) -> None:
    use_bucket("videos", "us-east-1")
    settings.MEDIA_DELIVERY = "proxy"

    assert sources(Client().get("/accounts/login/"), "media-src") == ["'self'", "blob:"]


@pytest.mark.django_db
def test_each_bucket_has_its_own_origin(use_bucket: Any) -> None:
    """What a process found of one bucket is not said of the next."""
    for region, host in [
        ("cn-north-1", "videos.s3.cn-north-1.amazonaws.com.cn"),
        ("us-east-1", "videos.s3.amazonaws.com"),
    ]:
        use_bucket("videos", region)

        assert f"https://{host}" in sources(Client().get("/accounts/login/"), "media-src")
