"""What the environment makes of the settings, and what is said when it is not complete."""

import os
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.environment import without_ours

PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "known-to-nobody-0123456789-abcdefghijklmnopqrstuvwxyz",
    "SITE_URL": "https://studio.example.com",
    "TRUSTED_PROXIES": "1",
    "ALLOWED_HOSTS": "studio.example.com, www.example.com",
    "EMAIL_URL": "smtp://mail.example.com:25",
}
HERE = [".localhost", "127.0.0.1", "[::1]"]
REQUIRED = ["ALLOWED_HOSTS", "EMAIL_URL", "SECRET_KEY", "SITE_URL", "TRUSTED_PROXIES"]
ADDRESS = "must be an address such as https://example.com"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in set(os.environ) - set(without_ours()):
        monkeypatch.delenv(name)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    # it is loaded already, as the tests' own settings; runpy would warn of it
    monkeypatch.delitem(sys.modules, "config.settings")


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    """The settings as a new process would read them."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_module("config.settings")


def problems(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    with pytest.raises(ImproperlyConfigured) as failure:
        read(monkeypatch, **environment)
    first, *lines = str(failure.value).splitlines()
    assert first == "The environment is not complete:"
    return sorted(line.strip() for line in lines)


def test_nothing_set_is_development_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    values = read(monkeypatch)

    assert values["DEBUG"] is True
    assert values["FAL_IS_SANDBOX"] is True
    assert values["SITE_URL"] == "http://localhost:8000"
    assert values["FAL_QUEUE_URL"] == "http://127.0.0.1:8001"
    assert values["AWS_S3_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert values["MEDIA_DELIVERY"] == "proxy"
    assert values["EMAIL_BACKEND"] == "config.dev_mail.EmailBackend"
    assert values["ACCOUNT_EMAIL_VERIFICATION"] == "optional"
    assert values["SESSION_COOKIE_SECURE"] is False
    assert values["ALLOWED_HOSTS"] == ["localhost", ".localhost", "127.0.0.1", "[::1]"]
    assert values["PUBLIC_URL"] == ""
    assert values["HOST"] == "127.0.0.1"


def test_production_needs_these_names_and_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems(monkeypatch, DEBUG="false")

    assert [line.partition(":")[0] for line in found] == REQUIRED


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", ["", "  "])
def test_blank_is_as_good_as_missing(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    found = problems(monkeypatch, **PRODUCTION | {name: value})

    assert [line.partition(":")[0] for line in found] == [name]


def test_production_with_all_names_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = read(monkeypatch, **PRODUCTION, FAL_KEY="id:secret")

    assert values["DEBUG"] is False
    assert set(values["ALLOWED_HOSTS"]) == {"studio.example.com", "www.example.com", *HERE}
    assert values["PUBLIC_URL"] == values["SITE_URL"] == "https://studio.example.com"
    assert values["CSRF_TRUSTED_ORIGINS"] == ["https://studio.example.com"]
    assert values["SESSION_COOKIE_SECURE"] is values["CSRF_COOKIE_SECURE"] is True
    assert values["ACCOUNT_EMAIL_VERIFICATION"] == "mandatory"
    assert values["EMAIL_HOST"] == "mail.example.com"


@pytest.mark.parametrize(
    ("environment", "public_url"),
    [
        ({}, "https://studio.example.com"),
        ({"PUBLIC_URL": ""}, "https://studio.example.com"),
        ({"PUBLIC_URL": "https://hooks.example.com/"}, "https://hooks.example.com"),
        ({"FAL_WEBHOOKS": "off"}, ""),
        ({"FAL_WEBHOOKS": "off", "PUBLIC_URL": "https://hooks.example.com"}, ""),
        ({"SITE_URL": "http://10.0.0.5", "INSECURE_HTTP": "true"}, ""),  # which fal can't reach
        (
            {"SITE_URL": "http://10.0.0.5", "INSECURE_HTTP": "on", "PUBLIC_URL": "https://a.example"},
            "https://a.example",
        ),
    ],
)
def test_fal_calls_at_the_sites_address_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], public_url: str
) -> None:
    assert read(monkeypatch, **PRODUCTION | environment)["PUBLIC_URL"] == public_url


@pytest.mark.parametrize(
    ("environment", "has_https", "believes_proxy"),
    [
        ({}, True, True),
        ({"TRUSTED_PROXIES": "0"}, True, False),
        ({"SITE_URL": "http://studio.lan", "INSECURE_HTTP": "true"}, False, False),
        ({"SITE_URL": "http://studio.lan", "INSECURE_HTTP": "1", "PUBLIC_URL": "https://a.example"}, False, False),
        ({"PUBLIC_URL": "https://hooks.example.com"}, True, True),
        ({"FAL_WEBHOOKS": "off"}, True, True),
    ],
)
def test_protection_goes_by_the_sites_address(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], has_https: bool, believes_proxy: bool
) -> None:
    values = read(monkeypatch, **PRODUCTION | environment)

    assert values["SESSION_COOKIE_SECURE"] is values["CSRF_COOKIE_SECURE"] is has_https
    assert bool(values["SECURE_HSTS_SECONDS"]) is has_https
    assert values["CSRF_TRUSTED_ORIGINS"] == [values["SITE_URL"]]
    assert bool(values["SECURE_PROXY_SSL_HEADER"]) is believes_proxy
    assert not values.get("USE_X_FORWARDED_HOST")


def test_key_of_fal_leads_to_fal_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    values = read(monkeypatch, FAL_KEY="id:secret")

    assert values["FAL_IS_SANDBOX"] is False
    assert values["FAL_QUEUE_URL"] == "https://queue.fal.run"
    assert values["FAL_REST_URL"] == "https://rest.fal.ai"
    assert values["FAL_API_URL"] == "https://api.fal.ai/v1"
    assert values["MIRROR_TRUSTED_ORIGINS"] == frozenset()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://studio.example.com/studio", "must have no path"),
        ("studio.example.com", ADDRESS),
        ("ftp://studio.example.com", ADDRESS),
        ("https://", ADDRESS),
        ("https://studio.example.com:99999", ADDRESS),
        ("https://[studio", ADDRESS),
        ("https://*.example.com", ADDRESS),
        ("https://studio .example.com", ADDRESS),
        ("https://studio.example.com?team=film", "must have no path"),
        ("https://studio.example.com#top", "must have no path"),
        ("https://eve:secret@studio.example.com", "must have no user name and no password"),
    ],
)
@pytest.mark.parametrize("name", ["SITE_URL", "PUBLIC_URL"])
def test_address_of_the_studio_is_an_origin(monkeypatch: pytest.MonkeyPatch, name: str, url: str, words: str) -> None:
    assert problems(monkeypatch, **PRODUCTION | {name: url}) == [f"{name}: {words}"]


@pytest.mark.parametrize("url", ["https://studio.example.com", "http://127.0.0.1:8000", "http://localhost:8000/"])
def test_public_url_may_be_plain_on_this_machine(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert read(monkeypatch, **PRODUCTION, PUBLIC_URL=url)["PUBLIC_URL"] == url.rstrip("/")


def test_public_url_is_not_plain_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems(monkeypatch, **PRODUCTION, PUBLIC_URL="http://studio.example.com")

    assert found == ["PUBLIC_URL: must start with https://"]


@pytest.mark.parametrize(
    ("written", "origin", "host"),
    [
        ("https://Studio.Example.com/", "https://studio.example.com", "studio.example.com"),
        ("HTTPS://studio.example.com:443", "https://studio.example.com", "studio.example.com"),
        ("https://studio.example.com:8443", "https://studio.example.com:8443", "studio.example.com"),
        ("https://stüdio.example.com", "https://xn--stdio-lva.example.com", "xn--stdio-lva.example.com"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443", "[2001:db8::1]"),
    ],
)
def test_site_url_is_compared_as_browsers_write_it(
    monkeypatch: pytest.MonkeyPatch, written: str, origin: str, host: str
) -> None:
    values = read(monkeypatch, **PRODUCTION | {"SITE_URL": written})

    assert values["SITE_URL"] == origin
    assert values["CSRF_TRUSTED_ORIGINS"] == [origin]
    assert host in values["ALLOWED_HOSTS"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "perhaps"),
        ("MEDIA_DELIVERY", "pigeon"),
        ("FAL_INPUT_DELIVERY", "pigeon"),
        ("MIRROR_MAX_BYTES", "0"),
        ("MIRROR_MAX_BYTES", "plenty"),
        ("FAL_QUEUE_URL", "queue.fal.run"),
        ("FAL_REST_URL", "ftp://rest.fal.ai"),
        ("FAL_API_URL", "nonsense"),
        ("FAL_JWKS_URL", "nonsense"),
        ("DATABASE_URL", "nonsense"),
        ("EMAIL_URL", "nonsense"),
        ("AWS_S3_ENDPOINT_URL", "nonsense"),
        ("OIDC_SERVER_URL", "nonsense"),
        ("OIDC_GROUPS", "leads=film:king"),
        ("REVIEW", "never"),
        ("EVIDENCE_DAYS", "0"),
        ("SUBMITS_PER_MINUTE", "-1"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "one"),
        ("INSECURE_HTTP", "perhaps"),
        ("FAL_WEBHOOKS", "perhaps"),
    ],
)
def test_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    found = problems(monkeypatch, AWS_STORAGE_BUCKET_NAME="videos", **{name: value})

    assert [line.partition(":")[0] for line in found] == [name]


def test_openid_provider_is_set_up_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch)["SOCIALACCOUNT_PROVIDERS"]["openid_connect"]["APPS"] == []
    names = {"OIDC_CLIENT_ID": "studio", "OIDC_CLIENT_SECRET": "s", "OIDC_NAME": "Acme"}
    values = read(monkeypatch, OIDC_SERVER_URL="https://sign-in.example.com/realms/acme", **names)

    (app,) = values["SOCIALACCOUNT_PROVIDERS"]["openid_connect"]["APPS"]
    assert (app["client_id"], app["secret"], app["name"]) == ("studio", "s", "Acme")
    # Chrome asks the policy of what a form is redirected to as well
    assert "https://sign-in.example.com" in values["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]["form-action"]


def test_endpoint_without_a_bucket_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems(monkeypatch, AWS_S3_ENDPOINT_URL="https://s3.example.com")

    assert [line.partition(":")[0] for line in found] == ["AWS_STORAGE_BUCKET_NAME"]


def test_bucket_of_ones_own_hands_out_its_own_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = {"AWS_STORAGE_BUCKET_NAME": "videos", "AWS_S3_ENDPOINT_URL": "https://s3.example.com:9000/"}
    values = read(monkeypatch, **bucket)

    assert values["MEDIA_DELIVERY"] == "redirect"


def test_staff_need_a_second_factor_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch)["STAFF_SECOND_FACTOR"] == "optional"
    assert read(monkeypatch, **PRODUCTION)["STAFF_SECOND_FACTOR"] == "required"
    assert read(monkeypatch, STAFF_SECOND_FACTOR="optional")["STAFF_SECOND_FACTOR"] == "optional"
    assert any("STAFF_SECOND_FACTOR" in line for line in problems(monkeypatch, STAFF_SECOND_FACTOR="never"))


@pytest.mark.parametrize(
    ("query", "pgoptions", "timeout", "last"),
    [
        ("", "", 60_000, "jit=off -c parallel_setup_cost=25000"),
        ("?tcp_user_timeout=5000&sslmode=require", "", 5000, "parallel_setup_cost=25000"),
        ("", "-c lock_timeout=10s", 60_000, "-c lock_timeout=10s"),
        (
            "?options=-c%20tcp_user_timeout%3D9",
            "-c lock_timeout=10s",
            60_000,
            "-c lock_timeout=10s -c tcp_user_timeout=9",
        ),
    ],
)
def test_what_a_connection_asks_for_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, query: str, pgoptions: str, timeout: object, last: str
) -> None:
    """PostgreSQL takes the last of several values for one name."""
    monkeypatch.setenv("PGOPTIONS", pgoptions)
    options = read(monkeypatch, DATABASE_URL=f"postgres://studio:x@db/studio{query}")["DATABASES"]["default"]["OPTIONS"]

    assert options["tcp_user_timeout"] == timeout
    assert options["options"].startswith("-c tcp_keepalives_idle=30 ")
    assert options["options"].endswith(last)
    assert options.get("sslmode") == ("require" if "sslmode" in query else None)
