"""Prompt faults: `[sandbox: NAME]` in a prompt makes that request fail in the named way, every time.

The table is the documentation; `python -m sandbox --faults` prints it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sandbox.job import Outcome

ERROR_PAGE: Final = "https://docs.fal.ai/errors/#"


@dataclass(frozen=True, slots=True)
class ModelError:
    """The model refuses or fails; fal replays its answer. `field` is the input that it blames."""

    code: int
    message: str
    field: str | None = None
    ctx: dict[str, Any] | None = None
    retryable: bool = False

    @property
    def meaning(self) -> str:
        return f"result answers {self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class RunnerError:
    """fal's own machinery fails: `detail` is a sentence, the type is beside it and in X-Fal-Error-Type."""

    code: int
    message: str

    @property
    def meaning(self) -> str:
        return f"fal's machinery fails with {self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class PlainError:
    """An error of a model that fal has not moved to typed errors: `detail` is a sentence and nothing else."""

    code: int
    message: str

    @property
    def meaning(self) -> str:
        return f"result answers {self.code} with a bare sentence: {self.message}"


@dataclass(frozen=True, slots=True)
class Quirk:
    """Something odd on the way; `fault` is the kind of sandbox.faults that it brings about for certain."""

    meaning: str
    fault: str


PromptFault = ModelError | RunnerError | PlainError | Quirk

PROMPT_FAULTS: Final[dict[str, PromptFault]] = {
    "internal_server_error": ModelError(500, "Internal server error", retryable=True),
    "generation_timeout": ModelError(504, "The generation took too long", retryable=True),
    "downstream_service_error": ModelError(400, "The partner's service refused the request"),
    "downstream_service_unavailable": ModelError(500, "The partner's service is unavailable", retryable=True),
    "content_policy_violation": ModelError(
        422, "The content could not be processed because it was flagged by a content checker.", "prompt"
    ),
    "no_media_generated": ModelError(422, "No media was generated. Try another prompt.", "prompt"),
    "image_too_small": ModelError(422, "The image is too small", "image_url", {"min_height": 300, "min_width": 300}),
    "image_too_large": ModelError(422, "The image is too large", "image_url", {"max_height": 8192, "max_width": 8192}),
    "image_load_error": ModelError(422, "Failed to load the image", "image_url"),
    "file_download_error": ModelError(422, "Failed to download the file", "image_url"),
    "face_detection_error": ModelError(422, "Could not detect a face in the image", "image_url"),
    "file_too_large": ModelError(422, "The file is too large", "image_url", {"max_size": 10485760}),
    "unsupported_image_format": ModelError(
        422, "Unsupported image format", "image_url", {"supported_formats": [".jpg", ".jpeg", ".png"]}
    ),
    "one_of": ModelError(422, "Input should be '5' or '10'", "duration", {"expected": ["5", "10"]}),
    "greater_than_equal": ModelError(422, "Input should be greater than or equal to 0", "cfg_scale", {"ge": 0}),
    "less_than_equal": ModelError(422, "Input should be less than or equal to 1", "cfg_scale", {"le": 1}),
    "greater_than": ModelError(422, "Input should be greater than 0", "cfg_scale", {"gt": 0}),
    "less_than": ModelError(422, "Input should be less than 1", "cfg_scale", {"lt": 1}),
    "multiple_of": ModelError(422, "Input should be a multiple of 5", "duration", {"multiple_of": 5}),
    "sequence_too_short": ModelError(422, "The prompt is too short", "prompt", {"min_length": 1}),
    "sequence_too_long": ModelError(422, "The prompt is too long", "prompt", {"max_length": 2500}),
    "feature_not_supported": ModelError(422, "This feature is not supported", "tail_image_url"),
    "missing": ModelError(422, "Field required", "image_url"),
    "plain_detail": PlainError(422, "Sensitive content was detected in the prompt"),
    "request_timeout": RunnerError(504, "Request timed out"),
    "startup_timeout": RunnerError(504, "Runner startup timed out"),
    "runner_scheduling_failure": RunnerError(503, "Failed to schedule a runner"),
    "runner_connection_timeout": RunnerError(503, "Connection to the runner timed out"),
    "runner_disconnected": RunnerError(503, "Runner disconnected"),
    "runner_connection_refused": RunnerError(503, "Runner refused the connection"),
    "runner_connection_error": RunnerError(503, "Could not connect to the runner"),
    "runner_incomplete_response": RunnerError(502, "Runner sent an incomplete response"),
    "runner_server_error": RunnerError(500, "Runner server error"),
    "client_disconnected": RunnerError(499, "Client disconnected"),
    "client_cancelled": RunnerError(499, "Request was cancelled"),
    "bad_request": RunnerError(400, "Bad request"),
    "internal_error": RunnerError(500, "Internal error"),
    "locked": Quirk("submit answers 403: the account is locked, its balance exhausted", "submit_403_locked"),
    "slow": Quirk("renders ten times slower", "slow"),
    "ignores_cancel": Quirk(
        "a cancel while IN_PROGRESS is accepted (202), the video is made all the same", "ignores_cancel"
    ),
    "null_urls": Quirk("the COMPLETED status has null addresses", "status_null_urls"),
    "back_to_queue": Quirk("goes from IN_PROGRESS back to IN_QUEUE once", "back_to_queue"),
    "expired": Quirk("the video's file answers 404", "file_expired"),
    "truncated": Quirk("the video's file is cut halfway, once; Range resumes it", "file_truncated"),
    "html": Quirk("the video's file is an HTML page, once", "file_html"),
}

_PATTERN: Final = re.compile(r"\[sandbox:\s*([a-z0-9_]+)\s*\]", re.IGNORECASE)


def strip_faults(prompt: str) -> str:
    """The prompt as the video shows it."""
    return " ".join(_PATTERN.sub(" ", prompt).split()) or prompt


def _find_faults(prompt: str) -> Iterator[tuple[str, PromptFault]]:
    for name in _PATTERN.findall(prompt):
        if word := PROMPT_FAULTS.get(name.lower()):
            yield name.lower(), word


def quirks(prompt: str) -> set[str]:
    """The kinds of faults that the prompt asks for."""
    return {word.fault for _, word in _find_faults(prompt) if isinstance(word, Quirk)}


def wanted_failure(prompt: str, arguments: Any) -> Outcome | None:
    """How the prompt wants its request to end, if not well."""
    for name, word in _find_faults(prompt):
        match word:
            case ModelError():
                return model_error(name, word, arguments)
            case RunnerError():
                return runner_error(name, word.code, word.message)
            case PlainError():
                return Outcome(word.code, {"detail": word.message})
            case Quirk():
                continue
    return None


def model_error(name: str, error: ModelError, arguments: Any) -> Outcome:
    """fal's docs: `loc`, `msg`, `type` and `url` always, `ctx` and `input` where there is something to say."""
    detail: dict[str, Any] = {
        "loc": ["body", error.field] if error.field else ["body"],
        "msg": error.message,
        "type": name,
        "url": f"{ERROR_PAGE}{name}",
    }
    if error.ctx is not None:
        detail["ctx"] = error.ctx
    if error.field and isinstance(arguments, dict):
        detail["input"] = arguments.get(error.field)
    return Outcome(error.code, {"detail": [detail]}, {"X-Fal-Retryable": str(error.retryable).lower()})


def runner_error(name: str, code: int, message: str) -> Outcome:
    """fal's docs: `{"detail": sentence, "error_type": name}`, and the name in X-Fal-Error-Type."""
    body = {"detail": message, "error_type": name}
    return Outcome(code, body, {"X-Fal-Error-Type": name}, error=message, error_type=name)
