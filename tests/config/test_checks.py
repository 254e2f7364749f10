"""System checks: what the environment makes impossible."""

from typing import Any

import pytest
from django.core.checks import ERROR, WARNING, CheckMessage, run_checks
from pytest_django import Settings

GOOD = {
    "DEBUG": False,
    "FAL_IS_SANDBOX": False,
    "PUBLIC_URL": "https://studio.example.com",
    "AWS_STORAGE_BUCKET_NAME": "videos",
    "AWS_S3_ENDPOINT_URL": "https://s3.example.com",
    "FAL_INPUT_DELIVERY": "upload",
}


def ours(settings: Settings, **changes: Any) -> dict[str, CheckMessage]:
    for name, value in (GOOD | changes).items():
        setattr(settings, name, value)
    return {str(found.id): found for found in run_checks() if str(found.id).startswith("studio.")}


@pytest.mark.parametrize(
    ("changes", "id_", "level"),
    [
        ({"FAL_IS_SANDBOX": True}, "studio.W001", WARNING),
        ({"AWS_STORAGE_BUCKET_NAME": ""}, "studio.E002", ERROR),
        ({"FAL_INPUT_DELIVERY": "presigned", "AWS_S3_ENDPOINT_URL": "http://s3.example.com"}, "studio.E003", ERROR),
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
    ],
)
def test_what_can_work_is_not_complained_about(settings: Settings, changes: dict[str, Any]) -> None:
    assert ours(settings, **changes) == {}
