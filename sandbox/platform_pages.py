"""fal's platform API: list requests, give prices, delete payloads."""

import base64
import binascii
import time
from datetime import datetime
from typing import Any, Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from generations.fal.arguments import Duration, Endpoint
from sandbox.job import Job, iso, new_id
from sandbox.responses import json_response
from sandbox.state import find_own_job, own_jobs, sandbox_state

DAY_SECONDS: Final = 86400
MAX_LIMIT: Final = 100


def unit_price(endpoint: str) -> float:
    """US dollars a second: fal's docs say $0.35 for 5 s and $0.07 for each second more, and so for each endpoint."""
    return Endpoint(endpoint).terms.cents[Duration.FIVE] / 500


def error(code: int, kind: str, message: str) -> Response:
    """The platform's own error shape, which is not the queue's `detail`."""
    request_id = new_id()
    body = {
        "type": kind,
        "message": message,
        "docs_url": f"https://docs.fal.ai/errors#{kind}",
        "request_id": request_id,
    }
    return json_response({"error": body}, code, {"x-fal-request-id": request_id})


def _list_param(query: QueryParams, name: str) -> list[str]:
    return [value for text in query.getlist(name) for value in text.split(",") if value]


def _time_param(query: QueryParams, name: str, default: float) -> float:
    text = query.get(name)
    return datetime.fromisoformat(text).timestamp() if text else default


def _offset(query: QueryParams) -> int:
    cursor = query.get("cursor")
    return int(base64.urlsafe_b64decode(cursor)) if cursor else 0


def _outcome(job: Job) -> str:
    assert job.outcome
    if job.outcome.code < 400:
        return "success"
    return "user_error" if job.outcome.code < 500 else "error"


def _filter_jobs(jobs: list[Job], query: QueryParams) -> list[Job]:
    """Ended jobs that the filters let through, the last ended first. Raises ValueError."""
    endpoints, ids, wanted = (
        _list_param(query, "endpoint_id"),
        _list_param(query, "request_id"),
        _list_param(query, "status"),
    )
    reach = 90 * DAY_SECONDS if ids else DAY_SECONDS
    start, end = _time_param(query, "start", time.time() - reach), _time_param(query, "end", time.time() + 1)
    chosen = [
        job
        for job in jobs
        if job.ended
        and job.endpoint in endpoints
        and start <= job.ended <= end
        and (not ids or job.id in ids)
        and (not wanted or _outcome(job) in wanted)
    ]
    return sorted(chosen, key=lambda job: job.ended or 0, reverse=True)


def _item(job: Job, *, payloads: bool) -> dict[str, Any]:
    assert job.outcome
    item: dict[str, Any] = {
        "request_id": job.id,
        "endpoint_id": job.endpoint,
        "sent_at": iso(job.submitted),
        "started_at": iso(job.started) if job.started else None,
        "ended_at": iso(job.ended) if job.ended else None,
        "status_code": job.outcome.code,
        "duration": round(job.seconds_in_progress, 3),
    }
    if payloads:
        item["json_input"] = None if job.payload_deleted else job.arguments
        item["json_output"] = None if job.payload_deleted else job.outcome.body
    return item


async def by_endpoint(request: Request) -> Response:
    """Ended requests of some endpoints: the way to find a request whose id was lost.

    fal's docs: the last 24 hours unless `start` says otherwise, 90 days with `request_id`, at most 100 a page.
    Requests still under way are not listed.
    """
    query = request.query_params
    if not 1 <= len(_list_param(query, "endpoint_id")) <= 50:
        return error(400, "validation_error", "endpoint_id is required, at most 50 of them")
    try:
        jobs, offset = _filter_jobs(own_jobs(request), query), _offset(query)
        limit = int(query.get("limit", "50"))
    except (ValueError, binascii.Error) as problem:
        return error(400, "validation_error", str(problem))
    if not 1 <= limit <= MAX_LIMIT:
        return error(400, "validation_error", f"limit must be 1 to {MAX_LIMIT}")
    more = len(jobs) > offset + limit
    cursor = base64.urlsafe_b64encode(str(offset + limit).encode()).decode() if more else None
    payloads = "payloads" in _list_param(query, "expand")
    items = [_item(job, payloads=payloads) for job in jobs[offset : offset + limit]]
    return json_response({"items": items, "next_cursor": cursor, "has_more": more})


async def usage(request: Request) -> Response:
    """What was charged, by day in UTC and endpoint. fal's docs: Platform APIs, Usage; it takes an admin's key.

    Here that is the sandbox's key with `admin:` before it.
    """
    if not request.headers.get("authorization", "").removeprefix("Key ").startswith("admin"):
        return error(403, "authorization_error", "This API needs a key with the ADMIN scope")
    query = request.query_params
    try:
        start, end = _time_param(query, "start", time.time() - DAY_SECONDS), _time_param(query, "end", time.time() + 1)
    except ValueError as problem:
        return error(400, "validation_error", str(problem))
    wanted = _list_param(query, "endpoint_id") or list(Endpoint)
    days: dict[str, dict[str, float]] = {}
    for job in own_jobs(request):
        if job.ended and job.outcome and job.outcome.units and job.endpoint in wanted and start <= job.ended < end:
            units = days.setdefault(iso(job.ended)[:10], {})
            units[job.endpoint] = units.get(job.endpoint, 0) + job.outcome.units
    series = [{"bucket": f"{day}T00:00:00Z", "results": _results(units)} for day, units in sorted(days.items())]
    return json_response({"time_series": series, "next_cursor": None, "has_more": False})


def _results(units: dict[str, float]) -> list[dict[str, Any]]:
    return [
        {
            "endpoint_id": endpoint,
            "unit": "second",
            "quantity": quantity,
            "unit_price": unit_price(endpoint),
            "cost": round(quantity * unit_price(endpoint), 4),
            "currency": "USD",
            "auth_method": "sandbox",
        }
        for endpoint, quantity in units.items()
    ]


async def pricing(request: Request) -> Response:
    asked = _list_param(request.query_params, "endpoint_id") or list(Endpoint)
    prices = [
        {"endpoint_id": endpoint, "unit_price": unit_price(endpoint), "unit": "second", "currency": "USD"}
        for endpoint in asked
        if endpoint in list(Endpoint)
    ]
    return json_response({"prices": prices, "next_cursor": None, "has_more": False})


async def delete_payloads(request: Request) -> Response:
    """Forget a request's input and output, and delete its video; input files stay."""
    state = sandbox_state(request)
    job = find_own_job(request)
    if job is None or job.outcome is None:
        return error(404, "not_found", "No such request")
    links = [job.outcome.body["video"]["url"]] if state.files.delete_output(job) else []
    job.payload_deleted = True
    state.store.save(job)
    return json_response({"cdn_delete_results": [{"link": link, "exception": None} for link in links]})


async def meta(request: Request) -> Response:
    return json_response({"webhook_ip_ranges": ["127.0.0.0/8", "::1/128"]})


ROUTES: Final = [
    Route(f"{prefix}{path}", page, methods=[method])
    for prefix in ("", "/v1")
    for method, path, page in (
        ("GET", "/models/requests/by-endpoint", by_endpoint),
        ("DELETE", "/models/requests/{id}/payloads", delete_payloads),
        ("GET", "/models/pricing", pricing),
        ("GET", "/models/usage", usage),
        ("GET", "/meta", meta),
    )
]
