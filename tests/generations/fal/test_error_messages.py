"""What people read when something fails at fal."""

import pytest

from generations.fal.error_messages import ErrorMessage, ResponsibleParty, explain
from generations.fal.errors import (
    AccountLocked,
    BadAnswer,
    Cancelled,
    FailureDetails,
    FalError,
    FieldProblem,
    KeyRefused,
    ModelRefused,
    NotFound,
    RateLimited,
    RequestFailed,
    StillRunning,
    Unavailable,
    Unreachable,
)

# fal's docs: Errors, and Request errors
MODEL_TYPES = [
    *("internal_server_error", "generation_timeout", "downstream_service_error", "downstream_service_unavailable"),
    *("content_policy_violation", "no_media_generated", "image_too_small", "image_too_large", "image_load_error"),
    *("file_download_error", "face_detection_error", "file_too_large", "unsupported_image_format", "one_of"),
    *("greater_than_equal", "less_than_equal", "greater_than", "less_than", "multiple_of", "sequence_too_short"),
    *("sequence_too_long", "feature_not_supported", "missing", "string_too_long", "image_ratio_out_of_range"),
]
REQUEST_TYPES = [
    *("request_timeout", "startup_timeout", "runner_scheduling_failure", "runner_connection_timeout"),
    *("runner_disconnected", "runner_connection_refused", "runner_connection_error", "runner_incomplete_response"),
    *("runner_server_error", "client_disconnected", "bad_request", "internal_error"),
]


def refused(type_: str, field: str = "image_url", message: str = "fal's words.", **ctx: object) -> ErrorMessage:
    problem = FieldProblem(field, type_, message, ctx)
    return explain(ModelRefused(message, FailureDetails(status=422, type=type_, problems=(problem,))))


@pytest.mark.parametrize(
    ("advice", "message"),
    [
        (
            refused("content_policy_violation", "prompt", categories=["violence", "sexual"]),
            "Kling rejected the prompt under its content policy (violence, sexual). Change it and try again.",
        ),
        (
            refused("content_policy_violation", ""),
            "Kling rejected the prompt or the picture under its content policy. Change them and try again.",
        ),
        (
            refused("image_too_small", min_width=512, min_height=512),
            "The picture is too small: it needs at least 512 × 512 px. Use a larger one.",
        ),
        (
            refused("image_too_small", "tail_image_url"),
            "The end picture is too small: it needs at least 300 × 300 px. Use a larger one.",
        ),
        (refused("image_too_large", ""), "The picture is too large. Make it smaller and try again."),
        (
            refused("image_too_large", max_width=4000, max_height=3000),
            "The picture is too large: it may have at most 4000 × 3000 px. Make it smaller and try again.",
        ),
        (
            refused("file_too_large", max_size=5 * 1024 * 1024),
            "The picture is larger than 5 MB. Make it smaller and try again.",
        ),
        (refused("file_too_large"), "The picture is larger than 10 MB. Make it smaller and try again."),
        (
            refused("sequence_too_long", "negative_prompt", max_length=100),
            "The negative prompt is too long: use at most 100 characters.",
        ),
        (
            refused("less_than_equal", "cfg_scale", "Input should be less than or equal to 1", le=1),
            "The CFG scale is out of range: Input should be less than or equal to 1. Change the value.",
        ),
        (
            refused("brand_new", "prompt", "Too {odd}."),
            "Kling refused this: Too {odd}. Change the input and try again.",
        ),
    ],
)
def test_refusals_name_the_input_the_limit_and_the_way_out(advice: ErrorMessage, message: str) -> None:
    assert advice.message == message
    assert advice.responsible_party is ResponsibleParty.USER


@pytest.mark.parametrize("type_", [*MODEL_TYPES, *REQUEST_TYPES])
@pytest.mark.parametrize("ctx", [{}, {"max_size": "large", "min_width": None, "max_width": True, "categories": [1]}])
def test_every_documented_type_has_words_even_without_its_numbers(type_: str, ctx: dict[str, object]) -> None:
    advice = refused(type_, "image_url", "fal's words.", **ctx)
    assert advice.reason == type_
    assert advice.message.endswith(".")
    assert not any(hole in advice.message for hole in ("{", "  ", "None", "True"))


def test_reasons_are_fals_types_cut_to_fit() -> None:
    assert refused("image_too_small").reason == "image_too_small"
    assert refused("x" * 100).reason == "x" * 60


def test_a_picture_that_fal_cannot_fetch_is_ours_to_fix() -> None:
    assert refused("file_download_error").responsible_party is ResponsibleParty.US


@pytest.mark.parametrize(
    ("error", "reason", "responsible_party"),
    [
        (
            ModelRefused("Boom", FailureDetails(500, "internal_server_error")),
            "internal_server_error",
            ResponsibleParty.PROVIDER,
        ),
        (
            ModelRefused("Boom", FailureDetails(504, "generation_timeout")),
            "generation_timeout",
            ResponsibleParty.PROVIDER,
        ),
        (
            ModelRefused("Boom", FailureDetails(400, "downstream_service_error")),
            "downstream_service_error",
            ResponsibleParty.PROVIDER,
        ),
        (ModelRefused("Boom", FailureDetails(500, "brand_new")), "brand_new", ResponsibleParty.PROVIDER),
        (ModelRefused("Bad picture", FailureDetails(422)), "refused", ResponsibleParty.USER),
        (
            RequestFailed("Lost", FailureDetails(503, "runner_disconnected")),
            "runner_disconnected",
            ResponsibleParty.PROVIDER,
        ),
        (RequestFailed("Bad", FailureDetails(400, "bad_request")), "bad_request", ResponsibleParty.US),
        (Cancelled("Cancelled", FailureDetails(499, "client_cancelled")), "cancelled_at_fal", ResponsibleParty.US),
        (AccountLocked("Payment Required", FailureDetails(402)), "balance_exhausted", ResponsibleParty.US),
        (KeyRefused("invalid key credentials", FailureDetails(401)), "key_refused", ResponsibleParty.US),
        (RateLimited("Slow down", FailureDetails(429)), "rate_limited", ResponsibleParty.PROVIDER),
        (Unreachable("ConnectError"), "unreachable", ResponsibleParty.PROVIDER),
        (Unavailable("HTTP 504", FailureDetails(504, "whatever")), "unavailable", ResponsibleParty.PROVIDER),
        (NotFound("NOT_FOUND", FailureDetails(404)), "not_found", ResponsibleParty.PROVIDER),
        (StillRunning("Request is still in progress", FailureDetails(400)), "still_running", ResponsibleParty.PROVIDER),
        (BadAnswer("No video"), "bad_answer", ResponsibleParty.US),
        (FalError("Something new"), "fal_error", ResponsibleParty.US),
    ],
)
def test_each_failure_has_a_reason_and_somebody_who_can_fix_it(
    error: FalError, reason: str, responsible_party: ResponsibleParty
) -> None:
    advice = explain(error)
    assert (advice.reason, advice.responsible_party) == (reason, responsible_party)
    assert advice.message.endswith(".")


@pytest.mark.parametrize(
    ("words", "reason", "says"),
    [
        (
            "Exhausted balance. Top up your balance at fal.ai/dashboard/billing.",
            "balance_exhausted",
            "balance is exhausted",
        ),
        ("User budget is exceeded. Adjust it at fal.ai/dashboard.", "budget_exceeded", "budget at fal is used up"),
        ("Please add a payment method.", "payment_method_missing", "no payment method"),
        ("Admin lock.", "account_locked", "User is locked. Reason: Admin lock"),
        ("This account has been archived.", "account_locked", "archived"),
    ],
)
def test_a_locked_account_says_why_and_whom_to_tell(words: str, reason: str, says: str) -> None:
    advice = explain(AccountLocked(f"User is locked. Reason: {words}", FailureDetails(403)))
    assert (advice.reason, advice.responsible_party) == (reason, ResponsibleParty.US)
    assert says in advice.message
    assert "Tell an admin" in advice.message


def test_while_fal_is_down_people_know_that_we_keep_trying() -> None:
    assert explain(Unreachable("ConnectError")).message == "fal does not answer; we keep trying."
