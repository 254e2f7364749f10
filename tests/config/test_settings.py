"""What the environment makes of the settings, and what is said when it is not complete."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tests.environment import without_ours

PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "known to nobody",
    "ALLOWED_HOSTS": "studio.example.com, www.example.com",
    "EMAIL_URL": "smtp://mail.example.com:25",
}
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
    assert values["SITE_URL"] == "http://127.0.0.1:8000"
    assert values["FAL_QUEUE_URL"] == "http://127.0.0.1:8001"
    assert values["AWS_S3_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert values["MEDIA_DELIVERY"] == "proxy"
    assert values["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend"
    assert values["ACCOUNT_EMAIL_VERIFICATION"] == "optional"
    assert values["SESSION_COOKIE_SECURE"] is False
    assert values["ALLOWED_HOSTS"] == ["*"]


def test_production_needs_these_names_and_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems(monkeypatch, DEBUG="false")

    assert [line.partition(":")[0] for line in found] == ["ALLOWED_HOSTS", "EMAIL_URL", "SECRET_KEY"]


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS", "EMAIL_URL"])
@pytest.mark.parametrize("value", ["", "  "])
def test_blank_is_as_good_as_missing(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    found = problems(monkeypatch, **PRODUCTION | {name: value})

    assert [line.partition(":")[0] for line in found] == [name]


def test_production_with_all_names_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = read(monkeypatch, **PRODUCTION, PUBLIC_URL="https://studio.example.com/", FAL_KEY="id:secret")

    assert values["DEBUG"] is False
    assert values["ALLOWED_HOSTS"] == ["studio.example.com", "www.example.com"]
    assert values["PUBLIC_URL"] == values["SITE_URL"] == "https://studio.example.com"
    assert values["CSRF_TRUSTED_ORIGINS"] == ["https://studio.example.com"]
    assert values["SESSION_COOKIE_SECURE"] is values["CSRF_COOKIE_SECURE"] is True
    assert values["ACCOUNT_EMAIL_VERIFICATION"] == "mandatory"
    assert values["EMAIL_HOST"] == "mail.example.com"


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
        ("http://studio.example.com", "must start with https://"),
        ("https://studio.example.com/studio", "must have no path"),
        ("studio.example.com", ADDRESS),
        ("ftp://studio.example.com", ADDRESS),
        ("https://", ADDRESS),
        ("https://studio.example.com:99999", ADDRESS),
        ("https://[studio", ADDRESS),
    ],
)
def test_public_url_is_an_https_origin(monkeypatch: pytest.MonkeyPatch, url: str, words: str) -> None:
    assert problems(monkeypatch, PUBLIC_URL=url) == [f"PUBLIC_URL: {words}"]


@pytest.mark.parametrize("url", ["https://studio.example.com", "http://127.0.0.1:8000", "http://localhost:8000/"])
def test_public_url_may_be_plain_on_this_machine_only(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert read(monkeypatch, PUBLIC_URL=url)["PUBLIC_URL"] == url.rstrip("/")


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

    directives = values["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    assert values["MEDIA_DELIVERY"] == "redirect"
    assert "https://s3.example.com:9000" in directives["media-src"]
    assert "https://s3.example.com:9000" in directives["img-src"]
    assert "https://s3.example.com:9000" not in directives["script-src"]


def test_process_that_cannot_start_names_all_that_is_missing() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env=without_ours() | {"DEBUG": "false"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "The environment is not complete:" in done.stderr
    assert all(name in done.stderr for name in ("SECRET_KEY", "ALLOWED_HOSTS", "EMAIL_URL"))
