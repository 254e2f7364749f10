"""Why a request ended without a video, as fal would say it."""

from dataclasses import dataclass
from typing import Final

from api.fal import responses
from api.fal.responses import Answer
from generations.fal.error_messages import ResponsibleParty
from generations.models import Generation, Status

CANCELED: Final = "Request was cancelled"
_VIOLATION: Final = "content_policy_violation"
_REJECTED: Final = "The request was rejected."
# fal's docs: Request errors
_INFRASTRUCTURE: Final = {
    "request_timeout": 504,
    "startup_timeout": 504,
    "runner_scheduling_failure": 503,
    "runner_connection_timeout": 503,
    "runner_disconnected": 503,
    "runner_connection_refused": 503,
    "runner_connection_error": 503,
    "runner_incomplete_response": 502,
    "runner_server_error": 500,
    "internal_error": 500,
}
# fal's docs: Errors; every other type of the model's is 422
_MODEL: Final = {
    "internal_server_error": 500,
    "generation_timeout": 504,
    "downstream_service_error": 400,
    "downstream_service_unavailable": 500,
}
_INPUT_TYPES: Final = frozenset(
    {_VIOLATION, "no_media_generated", "image_too_small", "image_too_large", "image_load_error", "file_download_error"}
    | {"image_ratio_out_of_range", "face_detection_error", "file_too_large", "unsupported_image_format", "one_of"}
    | {"greater_than_equal", "less_than_equal", "greater_than", "less_than", "multiple_of", "missing"}
    | {"sequence_too_short", "sequence_too_long", "string_too_long", "feature_not_supported"}
)


@dataclass(frozen=True, slots=True)
class Failure:
    """`type` is fal's name for it."""

    type: str
    words: str
    answer: Answer


def failure_of(row: Generation) -> Failure:
    """Of a row that has ended without a video."""
    if row.status == Status.CANCELED:
        return Failure("client_cancelled", CANCELED, responses.infrastructure_error(499, "client_cancelled", CANCELED))
    words = row.message or _REJECTED
    if row.status == Status.REJECTED and row.reason != "rejected":
        return Failure("approval_refused", words, responses.locked(f"Its approval was refused. {words}"))
    type_ = _VIOLATION if row.status == Status.REJECTED else row.reason
    if type_ in _INFRASTRUCTURE:
        return Failure(type_, words, responses.infrastructure_error(_INFRASTRUCTURE[type_], type_, words))
    return _model_failure(row, type_, words)


def _model_failure(row: Generation, type_: str, words: str) -> Failure:
    """What fal has no word for is the input's fault where the person can do something about it, or else the model's."""
    if type_ not in _INPUT_TYPES and type_ not in _MODEL:
        is_persons = row.responsible_party == ResponsibleParty.USER
        type_ = "feature_not_supported" if is_persons else "downstream_service_error"
    status = _MODEL.get(type_, 422)
    details = [responses.detail(_field_of(row, type_), type_, words)]
    return Failure(type_, words, responses.model_error(status, details, is_retryable=type_ in _MODEL))


def _field_of(row: Generation, type_: str) -> str:
    if type_ in _MODEL:
        return ""
    is_pictures = type_.startswith(("image_", "file_", "face_", "unsupported_image"))
    return "image_url" if is_pictures else "prompt"
