"""fal's queue protocol without a socket: each function builds a request and says how to read its response.

The clients in `client` only send. Reading any response gives a value of `responses` or raises a FalError.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

import httpx

from generations.fal import json_fields
from generations.fal.arguments import Arguments, Endpoint, to_json
from generations.fal.error_classification import Kind, classify_response, request_id_of
from generations.fal.errors import BadAnswer, FailureDetails, KeyRefused, Sent, Unavailable
from generations.fal.responses import (
    Cancellation,
    Completed,
    FalConfig,
    InProgress,
    InQueue,
    ListedRequest,
    LogLine,
    Progress,
    RequestPage,
    RequestUrls,
    Submitted,
    UploadTarget,
    UsagePage,
    UsageShare,
    VideoFile,
)

T = TypeVar("T")

PAGE_SIZE: Final = 100  # the most that fal gives at once
MAX_URL_LENGTH: Final = 500  # characters of a status, result or cancel address


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One HTTP request and how to read its answer. `once`: it may cost money, so never send it twice.

    `operation` is a word for what is asked.
    """

    operation: str
    method: str
    url: str
    headers: Mapping[str, str]
    read: Callable[[httpx.Response], T]
    content: bytes | None = None
    once: bool = False


def submit(
    config: FalConfig,
    endpoint: Endpoint,
    arguments: Arguments,
    webhook_url: str | None,
    start_timeout: timedelta | None = None,
) -> Call[Submitted]:
    """fal's docs: Queue, submit. The webhook goes into the query; inside the input it would be ignored silently.

    fal ends a request that no runner has begun within `start_timeout` (fal's docs: X-Fal-Request-Start-Timeout).
    """
    query = f"?{urlencode({'fal_webhook': webhook_url})}" if webhook_url else ""
    content = json.dumps(to_json(arguments)).encode()
    url = f"{config.queue_url.rstrip('/')}/{endpoint}{query}"
    headers = _json_headers(config)
    if start_timeout:
        headers["X-Fal-Request-Start-Timeout"] = f"{start_timeout.total_seconds():.0f}"
    return Call("submit", "POST", url, headers, partial(_parse_submitted, config), content, once=True)


def status(config: FalConfig, request: RequestUrls, *, logs: bool) -> Call[Progress]:
    """fal's docs: Queue, status. 202 while it waits or runs, 200 when it has ended; the body says the same."""
    address = httpx.URL(_trusted_url(config, request, "status_url")).copy_merge_params({"logs": "1" if logs else "0"})
    return Call("status", "GET", str(address), _headers(config), _progress)


def result(config: FalConfig, request: RequestUrls) -> Call[VideoFile]:
    """fal's docs: Queue, result. The model's own answer, replayed with its status, headers and body."""
    return Call("result", "GET", _trusted_url(config, request, "response_url"), _headers(config), _video_file)


def cancel(config: FalConfig, request: RequestUrls) -> Call[Cancellation]:
    """fal's docs: Queue, cancel."""
    return Call("cancel", "PUT", _trusted_url(config, request, "cancel_url"), _headers(config), _cancellation)


def initiate_upload(config: FalConfig, *, content_type: str, file_name: str) -> Call[UploadTarget]:
    """The first half of an upload, as fal's JavaScript client does it: ask where to put the bytes."""
    url = f"{config.rest_url.rstrip('/')}/storage/upload/initiate?storage_type=fal-cdn-v3"
    content = json.dumps({"content_type": content_type, "file_name": file_name}).encode()
    return Call("upload", "POST", url, _json_headers(config), partial(_upload_target, config), content)


def put_upload(target: UploadTarget, data: bytes, *, content_type: str) -> Call[str]:
    """The second half: the bytes, without our key (the address carries its own signature). Gives the file's URL."""
    read = partial(_parse_uploaded, target)
    return Call("upload", "PUT", target.upload_url, {"Content-Type": content_type}, read, data)


def list_requests(
    config: FalConfig, endpoint: Endpoint, start: datetime, end: datetime, *, payloads: bool, cursor: str | None
) -> Call[RequestPage]:
    """fal's docs: Platform APIs, List requests by endpoint. `end` is exclusive; at most 100 rows a page."""
    query = {"endpoint_id": str(endpoint), "start": _utc(start), "end": _utc(end), "limit": str(PAGE_SIZE)}
    query |= {"expand": "payloads"} if payloads else {}
    query |= {"cursor": cursor} if cursor else {}
    url = f"{config.api_url.rstrip('/')}/models/requests/by-endpoint?{urlencode(query)}"
    return Call("requests", "GET", url, _headers(config), partial(_request_page, endpoint))


def delete_payloads(config: FalConfig, request_id: str) -> Call[None]:
    """fal's docs: Platform APIs, Delete payloads: a request's input and output, and the file it made."""
    RequestUrls.for_id(config, request_id)  # no other text becomes a part of the path
    url = f"{config.api_url.rstrip('/')}/models/requests/{request_id}/payloads"
    return Call("payloads", "DELETE", url, _headers(config), _check_deleted)


def usage(
    config: FalConfig, endpoints: Sequence[Endpoint], start: datetime, end: datetime, *, cursor: str | None
) -> Call[UsagePage]:
    """fal's docs: Platform APIs, Usage. By day in UTC, `end` is exclusive; takes a key with the ADMIN scope."""
    query = [("endpoint_id", str(endpoint)) for endpoint in endpoints]
    query += [("start", _utc(start)), ("end", _utc(end)), ("timeframe", "day"), ("timezone", "UTC")]
    query += [("expand", "time_series"), *([("cursor", cursor)] if cursor else [])]
    url = f"{config.api_url.rstrip('/')}/models/usage?{urlencode(query)}"
    return Call("usage", "GET", url, _headers(config), _usage_page)


def _headers(config: FalConfig) -> dict[str, str]:
    key = config.key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise KeyRefused(
            "FAL_KEY is empty or holds characters that no key has.", FailureDetails(sent=Sent.NO, charged=False)
        )
    return {"Authorization": f"Key {key}", "Accept": "application/json"}


def _json_headers(config: FalConfig) -> dict[str, str]:
    return {**_headers(config), "Content-Type": "application/json"}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _trusted_url(config: FalConfig, request: RequestUrls, name: str) -> str:
    """The request's address `name`, rebuilt from its id unless it is on our queue: our key goes nowhere else."""
    address = str(getattr(request, name))
    if _same_origin(address, config.queue_url):
        return address
    return str(getattr(RequestUrls.for_id(config, request.request_id), name))


def _same_origin(address: str, ours: str) -> bool:
    try:
        one, other = httpx.URL(address), httpx.URL(ours)
    except httpx.InvalidURL:
        return False
    return (one.scheme, one.raw_host, one.port) == (other.scheme, other.raw_host, other.port) and not one.userinfo


def _answer(response: httpx.Response, kind: Kind) -> Mapping[str, Any]:
    """The JSON object of a success; raises what the answer is otherwise."""
    if not response.is_success:
        raise classify_response(response, kind)
    content = json_fields.json_object(response)
    if content is None:
        media_type = response.headers.get("content-type", "nothing")
        raise Unavailable(f"HTTP {response.status_code} with {media_type} in place of JSON", _failure_details(response))
    return content


def _failure_details(response: httpx.Response) -> FailureDetails:
    return FailureDetails(status=response.status_code, request_id=request_id_of(response))


def _parse_submitted(config: FalConfig, response: httpx.Response) -> Submitted:
    """A paid job must not be lost to a strange body: the id alone is enough."""
    content = _answer(response, Kind.SUBMIT)
    try:
        rebuilt = RequestUrls.for_id(config, json_fields.text(content.get("request_id")) or "")
    except ValueError:
        raise BadAnswer("fal took the request but gave no usable request_id.", _failure_details(response)) from None
    return Submitted(
        request_id=rebuilt.request_id,
        status_url=_trusted_or_rebuilt(config, content.get("status_url"), rebuilt.status_url),
        response_url=_trusted_or_rebuilt(config, content.get("response_url"), rebuilt.response_url),
        cancel_url=_trusted_or_rebuilt(config, content.get("cancel_url"), rebuilt.cancel_url),
        queue_position=_position(content),
    )


def _trusted_or_rebuilt(config: FalConfig, given: object, rebuilt: str) -> str:
    address = json_fields.web_address(given)
    return (
        address if address and len(address) <= MAX_URL_LENGTH and _same_origin(address, config.queue_url) else rebuilt
    )


def _position(content: Mapping[str, Any]) -> int | None:
    return json_fields.integer(content.get("queue_position"), below=2**31)


def _progress(response: httpx.Response) -> Progress:
    content = _answer(response, Kind.STATUS)
    logs = tuple(filter(None, map(_log_line, json_fields.sequence(content.get("logs")))))
    match content.get("status"):
        case "IN_QUEUE":
            return InQueue(_position(content), logs)
        case "IN_PROGRESS":
            return InProgress(logs)
        case "COMPLETED":
            return _parse_completed(content, logs)
        case other:
            raise BadAnswer(f"fal gave an unknown status: {str(other)[:80]!r}", _failure_details(response))


def _parse_completed(content: Mapping[str, Any], logs: tuple[LogLine, ...]) -> Completed:
    metrics = json_fields.mapping(content.get("metrics")) or {}
    error, error_type = json_fields.text(content.get("error")), json_fields.text(content.get("error_type"))
    return Completed(logs, json_fields.number(metrics.get("inference_time")), error, error_type)


def _log_line(entry: object) -> LogLine | None:
    values = json_fields.mapping(entry) or {}
    message = json_fields.text(values.get("message"))
    if message is None:
        return None
    return LogLine(message, json_fields.timestamp(values.get("timestamp")), json_fields.text(values.get("level")))


def _video_file(response: httpx.Response) -> VideoFile:
    video = json_fields.mapping(_answer(response, Kind.RESULT).get("video")) or {}
    url = json_fields.web_address(video.get("url"))
    if url is None:
        raise BadAnswer("fal's result holds no video.", _failure_details(response))
    return VideoFile(
        url=url,
        content_type=json_fields.text(video.get("content_type")),
        file_name=json_fields.text(video.get("file_name")),
        file_size=json_fields.integer(video.get("file_size")),
        billable_units=json_fields.amount(response.headers.get("x-fal-billable-units")),
    )


def _cancellation(response: httpx.Response) -> Cancellation:
    """Any success means that fal took the request (so do fal's clients); a refusal is told by its body."""
    said = json_fields.text((json_fields.json_object(response) or {}).get("status"))
    if response.is_success:
        return Cancellation.REMOVED if said == Cancellation.REMOVED else Cancellation.REQUESTED
    if response.status_code in {400, 404} and said in {Cancellation.ALREADY_COMPLETED, Cancellation.NOT_FOUND}:
        return Cancellation(said)
    raise classify_response(response, Kind.CANCEL)


def _upload_target(config: FalConfig, response: httpx.Response) -> UploadTarget:
    content = _answer(response, Kind.OTHER)
    upload_url, file_url = (json_fields.web_address(content.get(name)) for name in ("upload_url", "file_url"))
    if upload_url is None or file_url is None:
        raise BadAnswer("fal gave no address to upload to.", _failure_details(response))
    if not upload_url.startswith("https://") and not _same_origin(upload_url, config.rest_url):
        raise BadAnswer("fal gave an address to upload to that isn't encrypted.", _failure_details(response))
    return UploadTarget(upload_url, file_url)


def _parse_uploaded(target: UploadTarget, response: httpx.Response) -> str:
    if not response.is_success:
        raise classify_response(response, Kind.PUT)
    return target.file_url


def _request_page(endpoint: Endpoint, response: httpx.Response) -> RequestPage:
    content = _answer(response, Kind.OTHER)
    items = content.get("items")
    if not isinstance(items, list):
        raise BadAnswer("fal's listing holds no items.", _failure_details(response))
    cursor = json_fields.text(content.get("next_cursor")) if content.get("has_more") is not False else None
    return RequestPage(tuple(filter(None, (_parse_listed(endpoint, item) for item in items))), cursor)


def _parse_listed(endpoint: Endpoint, item: object) -> ListedRequest | None:
    values = json_fields.mapping(item) or {}
    request_id = json_fields.text(values.get("request_id"))
    if request_id is None:
        return None
    return ListedRequest(
        request_id=request_id,
        endpoint=json_fields.text(values.get("endpoint_id")) or endpoint,
        sent_at=json_fields.timestamp(values.get("sent_at")),
        started_at=json_fields.timestamp(values.get("started_at")),
        ended_at=json_fields.timestamp(values.get("ended_at")),
        status_code=json_fields.integer(values.get("status_code")),
        json_input=json_fields.mapping(values.get("json_input")),
        json_output=json_fields.mapping(values.get("json_output")),
    )


def _usage_page(response: httpx.Response) -> UsagePage:
    content = _answer(response, Kind.OTHER)
    buckets = content.get("time_series")
    if not isinstance(buckets, list):
        raise BadAnswer("fal's usage holds no time_series.", _failure_details(response))
    cursor = json_fields.text(content.get("next_cursor")) if content.get("has_more") is not False else None
    return UsagePage(tuple(share for bucket in buckets for share in _shares(bucket, response)), cursor)


def _shares(bucket: object, response: httpx.Response) -> Iterator[UsageShare]:
    """A day that can't be read is no day without a charge."""
    values = json_fields.mapping(bucket) or {}
    day = json_fields.timestamp(values.get("bucket"))
    for entry in json_fields.sequence(values.get("results")):
        share = json_fields.mapping(entry) or {}
        quantity, cost = (json_fields.amount(str(share.get(name, ""))) for name in ("quantity", "cost"))
        if day is None or quantity is None or cost is None:
            raise BadAnswer("fal's usage holds a day that can't be read.", _failure_details(response))
        yield UsageShare(day.astimezone(UTC).date(), json_fields.text(share.get("endpoint_id")) or "", quantity, cost)


def _check_deleted(response: httpx.Response) -> None:
    """A request that fal knows no more has no copy there either."""
    if not response.is_success and response.status_code != 404:
        raise classify_response(response, Kind.OTHER)
