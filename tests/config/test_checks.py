"""System checks: what the environment makes impossible."""

import os
from typing import Any

import pytest
from django.core.checks import ERROR, WARNING, CheckMessage, run_checks
from pytest_django import Settings

from devserver.s3 import S3Address
from generations import bucket
from tests.generations.mirror.conftest import bucket_at

GOOD = {
    "DEBUG": False,
    "FAL_IS_SANDBOX": False,
    "PUBLIC_URL": "https://studio.example.com",
    "AWS_STORAGE_BUCKET_NAME": "videos",
    "AWS_S3_ENDPOINT_URL": "https://s3.example.com",
    "FAL_INPUT_DELIVERY": "upload",
}
UNNAMED_KEYS: dict[str, Any] = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_SESSION_TOKEN": None}
LASTING = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"}
TEMPORARY = LASTING | {"AWS_SESSION_TOKEN": "of a role"}


def ours(settings: Settings, machine: dict[str, str] | None = None, **changes: Any) -> dict[str, CheckMessage]:
    """`machine` is what botocore finds by itself where the settings name no keys."""
    for name, value in (GOOD | changes).items():
        setattr(settings, name, value)
    os.environ.update(machine or {})  # `_machine` takes it back
    return {str(found.id): found for found in run_checks() if str(found.id).startswith("studio.")}


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own keys, and nothing that a test gives it stays."""
    for name in TEMPORARY:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(
    ("changes", "id_", "level"),
    [
        ({"FAL_IS_SANDBOX": True}, "studio.W001", WARNING),
        ({"AWS_STORAGE_BUCKET_NAME": ""}, "studio.E002", ERROR),
        ({"FAL_INPUT_DELIVERY": "presigned", "AWS_S3_ENDPOINT_URL": "http://s3.example.com"}, "studio.E003", ERROR),
        ({"FAL_INPUT_DELIVERY": "presigned", "AWS_SESSION_TOKEN": "of a role"}, "studio.W005", WARNING),
        ({"FAL_INPUT_DELIVERY": "presigned", **UNNAMED_KEYS, "machine": TEMPORARY}, "studio.W005", WARNING),
    ],
)
def test_what_cannot_work_is_said_with_a_hint(
    settings: Settings, changes: dict[str, Any], id_: str, level: int
) -> None:
    found = ours(settings, **changes)

    assert set(found) == {id_}
    assert found[id_].level == level
    assert found[id_].hint


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"DEBUG": True, "FAL_IS_SANDBOX": True, "PUBLIC_URL": ""},
        {"DEBUG": True, "FAL_IS_SANDBOX": True, "PUBLIC_URL": "http://127.0.0.1:8000"},
        {"DEBUG": True, "FAL_IS_SANDBOX": True, "PUBLIC_URL": "http://localhost:8000"},
        {"FAL_INPUT_DELIVERY": "presigned"},
        {"FAL_INPUT_DELIVERY": "presigned", "AWS_S3_ENDPOINT_URL": None},
        {"FAL_INPUT_DELIVERY": "presigned", **UNNAMED_KEYS, "machine": LASTING},
        {"AWS_SESSION_TOKEN": "of a role"},
    ],
)
def test_what_can_work_is_not_complained_about(settings: Settings, changes: dict[str, Any]) -> None:
    assert ours(settings, **changes) == {}


@pytest.mark.parametrize(("key", "ids"), [(None, []), ("wrong", ["studio.E006"])])
def test_deploy_check_tries_the_very_way_of_copies(
    settings: Settings, s3: S3Address, monkeypatch: pytest.MonkeyPatch, key: str | None, ids: list[str]
) -> None:
    """A key that may not write still sees that the bucket is there."""
    if key:
        monkeypatch.setattr(bucket, "client", lambda: bucket_at(s3, aws_secret_access_key=key).client)
    found = [message for message in run_checks(include_deployment_checks=True) if str(message.id) == "studio.E006"]

    assert [message.id for message in found] == ids
    assert all("AWS_SECRET_ACCESS_KEY doesn't belong to the key" in message.msg for message in found)
