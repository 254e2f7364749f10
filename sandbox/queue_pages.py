"""fal's queue: submit, status, stream, result, cancel; and the synchronous run."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from generations.fal.arguments import Endpoint
from sandbox.job import Job, Outcome, Status, new_id
from sandbox.responses import ClosedConnection, GatewayPage, GatewayTimeout, detail, json_response
from sandbox.state import SandboxState, find_own_job, sandbox_state

LOCKED: Final = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
EARLY_SECONDS: Final = 30  # the longest that a submit waits for its own early webhook
STREAM_STEP_SECONDS: Final = 0.1
PING_STEPS: Final = 100

NOT_FOUND: Final = {"status": "NOT_FOUND"}


# What a gateway answers instead of queueing; nothing is charged for it.
_REFUSALS: Final[dict[str, Callable[[], Response]]] = {
    "submit_cut_before": ClosedConnection,
    "submit_401": lambda: detail(401, "invalid key credentials"),
    "submit_402": lambda: detail(402, "Payment Required"),
    "submit_403_locked": lambda: detail(403, LOCKED),
    "submit_429_long": lambda: detail(429, "Slow down", {"Retry-After": "9999999"}),
    "submit_429": lambda: json_response(
        {"detail": "Concurrent requests limit reached", "type": "concurrent_requests_limit"},
        429,
        {"X-Fal-needs-retry": "1"},
    ),
    "submit_500": lambda: detail(500, "Internal Server Error"),
    "submit_503": lambda: detail(503, "Service Unavailable"),
    "submit_502_gateway": lambda: GatewayPage(502, "Bad Gateway"),
}

# What it answers although the request is queued, and will be charged.
_FALSE_ERRORS: Final[dict[str, Callable[[Job], Response]]] = {
    "submit_cut_after": lambda _: ClosedConnection(),
    "submit_500_after": lambda job: detail(500, "Internal Server Error", {"x-fal-request-id": job.id}),
    "submit_503_after": lambda job: detail(503, "Service Unavailable", {"x-fal-request-id": job.id}),
    "submit_500_other_after": lambda _: detail(500, "Internal Server Error"),
    "submit_500_bare_after": lambda _: detail(500, "Internal Server Error", {"x-fal-request-id": ""}),
    "submit_503_bare_after": lambda _: detail(503, "Service Unavailable", {"x-fal-request-id": ""}),
    "submit_broken_after": lambda job: Response(f'{{"request_id": "{job.id}", "stat', media_type="application/json"),
}


def _refusal(state: SandboxState, job: Job) -> Response | None:
    for kind, refuse in _REFUSALS.items():
        if state.faults.strikes(kind, job):
            return refuse()
    return None


async def _arguments(request: Request) -> Any:
    """The body as JSON; what is no JSON is queued all the same and fails in the runner."""
    try:
        return json.loads(await request.body(), parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        return None


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _start_timeout(request: Request) -> float | None:
    """fal's docs: the newer header wins when both are sent."""
    headers = request.headers
    text = headers.get("x-fal-request-start-timeout") or headers.get("x-fal-request-timeout")
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _job(request: Request, arguments: Any, *, hurried: bool) -> Job:
    return Job(
        id=new_id(),
        endpoint=request.path_params["endpoint"],
        arguments=arguments,
        origin=str(request.base_url).rstrip("/"),
        webhook=request.query_params.get("fal_webhook"),
        start_timeout=_start_timeout(request),
        hurried=hurried,
        account=request.scope["account"],
    )


async def submit(request: Request) -> Response:
    """Queue a request. Like fal it has no idempotency: the same body twice is two videos."""
    state = sandbox_state(request)
    state.store.count("submits")
    if request.path_params["endpoint"] not in list(Endpoint):
        return detail(404, f"Path /{request.path_params['endpoint']} not found")
    arguments = await _arguments(request)
    job = _job(request, arguments, hurried=False)
    if refusal := _refusal(state, job) or _queue_full(request, state):
        return refusal
    job.hurried = bool(job.webhook) and state.faults.strikes_once("webhook_early", job)
    state.runner.accept(job)
    if job.hurried:
        await asyncio.wait([asyncio.ensure_future(state.runner.wait_for_webhook(job))], timeout=EARLY_SECONDS)
    if lie := next((lie for kind, lie in _FALSE_ERRORS.items() if state.faults.strikes(kind)), None):
        return lie(job)
    if state.faults.strikes("submit_slow"):
        await asyncio.sleep(state.options.slow_seconds)
    return json_response(_submit_body(state, job), 200, {"x-fal-request-id": job.id})


def _queue_full(request: Request, state: SandboxState) -> Response | None:
    """fal's docs: `fal_max_queue_length` refuses what would wait behind more than that."""
    limit = request.query_params.get("fal_max_queue_length", "")
    if not limit.isdecimal() or state.runner.queue_length() < int(limit):
        return None
    return json_response({"detail": "Queue is full", "type": "queue_full"}, 429)


def _submit_body(state: SandboxState, job: Job) -> dict[str, Any]:
    position = state.runner.position(job)
    body = {"status": "IN_QUEUE", "request_id": job.id, **job.urls}
    return body | {"logs": None, "metrics": {}, "queue_position": position}


async def run(request: Request) -> Response:
    """The synchronous way: no queue, the answer is the model's."""
    state = sandbox_state(request)
    if request.path_params["endpoint"] not in list(Endpoint):
        return detail(404, f"Path /{request.path_params['endpoint']} not found")
    job = _job(request, await _arguments(request), hurried=True)
    state.runner.accept(job)
    await state.runner.wait_for_outcome(job)
    assert job.outcome
    return _replay(job, job.outcome)


def status_body(state: SandboxState, job: Job, *, logs: bool, since: int = 0) -> dict[str, Any]:
    """The status as fal words it: position in the queue, log lines when asked for, metrics at the end."""
    body: dict[str, Any] = {"status": job.status, "request_id": job.id, **job.urls}
    body["logs"] = job.logs[since:] if logs and job.status is not Status.IN_QUEUE else None
    if job.status is Status.IN_QUEUE:
        body["queue_position"] = state.runner.position(job)
    if job.outcome:
        body["metrics"] = {"inference_time": round(job.seconds_in_progress, 3)} if job.started else {}
        if job.outcome.error:
            body |= {"error": job.outcome.error, "error_type": job.outcome.error_type}
    return body


def _wants_logs(request: Request) -> bool:
    return request.query_params.get("logs", "0").lower() in {"1", "true"}


async def status(request: Request) -> Response:
    """fal's docs: 202 until it has COMPLETED, then 200."""
    state = sandbox_state(request)
    state.store.count("status_gets")
    job = find_own_job(request)
    if job is None or state.faults.strikes("status_404"):
        return json_response(NOT_FOUND, 404)
    if state.faults.strikes("status_500"):
        return detail(500, "Internal Server Error")
    if state.faults.strikes("status_slow"):
        await asyncio.sleep(state.options.slow_seconds)
    body = status_body(state, job, logs=_wants_logs(request))
    if job.outcome and state.faults.strikes("status_null_urls", job):
        body |= dict.fromkeys(job.urls)
    return json_response(body, 200 if job.outcome else 202, {"x-fal-request-id": job.id})


async def stream(request: Request) -> Response:
    """Server-sent events: the status whenever it changed, each with the log lines since the one before."""
    job = find_own_job(request)
    if job is None:
        return json_response(NOT_FOUND, 404)
    events = _events(sandbox_state(request), job, logs=_wants_logs(request))
    return StreamingResponse(events, headers={"x-fal-request-id": job.id}, media_type="text/event-stream")


async def _events(state: SandboxState, job: Job, *, logs: bool) -> AsyncIterator[str]:
    shown, last, quiet = 0, None, 0
    while True:
        ended, known = job.outcome is not None, len(job.logs)
        now = (job.status, known, state.runner.position(job))
        if now != last:
            body = status_body(state, job, logs=logs, since=shown)
            last, quiet, shown = now, 0, known if body["logs"] is not None else shown
            yield f"data: {json.dumps(body)}\n\n"
        if ended:
            return
        await asyncio.sleep(STREAM_STEP_SECONDS)
        quiet += 1
        if quiet % PING_STEPS == 0:
            yield ": ping\n\n"


async def result(request: Request) -> Response:
    """The model's answer, replayed as often as it is asked for."""
    state = sandbox_state(request)
    state.store.count("result_gets")
    job = find_own_job(request)
    if job is None or job.payload_deleted:
        return json_response(NOT_FOUND, 404)
    if job.outcome is None:
        return detail(400, "Request is still in progress", {"x-fal-request-id": job.id})
    if state.faults.strikes_once("result_504", job):
        state.store.save(job)
        return GatewayTimeout()
    if state.faults.strikes("result_500"):
        return detail(500, "Internal Server Error")
    return _replay(job, job.outcome)


def _replay(job: Job, outcome: Outcome) -> Response:
    headers = {"x-fal-request-id": job.id, "x-fal-billable-units": f"{outcome.units:g}"}
    return json_response(outcome.body, outcome.code, outcome.headers | headers)


async def cancel(request: Request) -> Response:
    """fal's docs: 202 when asked in time, 400 when it was already over, 404 when there is no such request."""
    job = find_own_job(request)
    if job is None:
        return json_response(NOT_FOUND, 404)
    if job.outcome:
        return json_response({"status": "ALREADY_COMPLETED"}, 400)
    sandbox_state(request).runner.cancel(job)
    return json_response({"status": "CANCELLATION_REQUESTED"}, 202, {"x-fal-request-id": job.id})


async def long_form(request: Request) -> Response:
    """fal answers so when the path of a follow-up call holds the whole endpoint id (seen live)."""
    return detail(405, "Method Not Allowed")


_APPS: Final = sorted({endpoint.app for endpoint in Endpoint})
_METHODS: Final = ["GET", "PUT", "POST", "DELETE"]


def _request_routes(app: str) -> list[Route]:
    own = f"/{app}/requests/{{id}}"
    return [
        Route(f"{own}/status/stream", stream, methods=["GET"]),
        Route(f"{own}/status", status, methods=["GET"]),
        Route(f"{own}/cancel", cancel, methods=["PUT"]),
        Route(f"{own}/response", result, methods=["GET"]),
        Route(own, result, methods=["GET"]),
        Route(f"/{app}/{{path:path}}/requests/{{rest:path}}", long_form, methods=_METHODS),
    ]


ROUTES: Final = [
    *(route for app in _APPS for route in _request_routes(app)),
    Route("/run/{endpoint:path}", run, methods=["POST"]),
    Route("/{endpoint:path}", submit, methods=["POST"]),
]
