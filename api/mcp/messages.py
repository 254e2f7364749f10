"""JSON-RPC messages of MCP over HTTP, of both kinds of clients: those that shake hands first (up to 2025-11-25), and
those whose every request says who they are (2026-07-28). No session is kept for either."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    PROTOCOL_VERSION_META_KEY,
    SERVER_INFO_META_KEY,
    UNSUPPORTED_PROTOCOL_VERSION,
    CallToolRequestParams,
    ClientCapabilities,
    Implementation,
    InitializeRequestParams,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
    Result,
    methods,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION, MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from config.version import VERSION

SERVER: Final = Implementation(name="kling-studio", title="Kling Studio", version=VERSION)
_VERSION: Final = "MCP-Protocol-Version"
_UNNAMED_VERSION: Final = "2025-03-26"  # what a client without the header speaks, by the specification
_STATUSES: Final = {METHOD_NOT_FOUND: 404}  # every other error of a request without a handshake is 400


class MessageError(Exception):
    """Answered as an error of the protocol, not of a tool."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


@dataclass(frozen=True, slots=True)
class Message:
    """A request. `capabilities` are known where each request names them."""

    id: RequestId
    method: str
    params: Mapping[str, Any]
    version: str
    capabilities: ClientCapabilities

    @property
    def is_modern(self) -> bool:
        return self.version in MODERN_PROTOCOL_VERSIONS

    @property
    def can_ask(self) -> bool:
        """Whether the client shows its person a question that an answer brings, and asks again with the reply."""
        asks = self.capabilities.elicitation
        return self.is_modern and asks is not None and (asks.form is not None or asks.url is None)

    @property
    def progress_token(self) -> str | int | None:
        token = (self.params.get("_meta") or {}).get("progressToken")
        return token if isinstance(token, str | int) else None

    def tool_call(self) -> CallToolRequestParams:
        return CallToolRequestParams.model_validate(self.params, by_name=False)

    def negotiated_version(self) -> str:
        """Of an `initialize`: what the client wants, or else the newest that begins with one."""
        wanted = InitializeRequestParams.model_validate(self.params, by_name=False).protocol_version
        return wanted if wanted in HANDSHAKE_PROTOCOL_VERSIONS else LATEST_HANDSHAKE_VERSION

    def reply(self, result: Result) -> dict[str, Any]:
        """As the client's version has it."""
        own = result.model_dump(mode="json", by_alias=True, exclude_none=True)
        body = methods.serialize_server_result(self.method, self.version, own)
        if self.is_modern:
            own_meta = SERVER.model_dump(mode="json", by_alias=True, exclude_none=True)
            body["_meta"] = {**body.get("_meta", {}), SERVER_INFO_META_KEY: own_meta}
        return JSONRPCResponse(jsonrpc="2.0", id=self.id, result=body).model_dump(mode="json")

    def refusal(self, error: MessageError) -> HttpResponse:
        return refusal(error, self.id, _STATUSES.get(error.code, 400) if self.is_modern else 200)


def refusal(error: MessageError, id_: RequestId | None = None, status: int = 400) -> HttpResponse:
    own = {"code": error.code, "message": error.message} | ({"data": error.data} if error.data is not None else {})
    return JsonResponse({"jsonrpc": "2.0", "id": id_, "error": own}, status=status)


def read_message(request: HttpRequest) -> Message | None:
    """None for a notification, which changes nothing here. Raises MessageError."""
    body = _read_body(request)
    if "id" not in body:
        _validate(JSONRPCNotification, body)
        return None
    asked = _validate(JSONRPCRequest, body)
    assert isinstance(asked, JSONRPCRequest)
    params = asked.params or {}
    version = request.headers.get(_VERSION, "")
    if version in HANDSHAKE_PROTOCOL_VERSIONS or not (version or _names_version(params)):
        return Message(asked.id, asked.method, params, version or _UNNAMED_VERSION, ClientCapabilities())
    return _modern(request, asked, version)


def check(message: Message) -> None:
    """That its version has the method, with these parameters. Raises MessageError."""
    try:
        methods.validate_client_request(message.method, message.version, message.params)
    except KeyError:
        raise MessageError(METHOD_NOT_FOUND, f"There is no method {message.method[:100]}.") from None
    except ValidationError as error:
        raise MessageError(INVALID_PARAMS, _first_of(error)) from error


def _read_body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise MessageError(PARSE_ERROR, "The body is no JSON.") from error
    if not isinstance(body, dict):
        raise MessageError(INVALID_REQUEST, "Send one request or one notification at a time.")
    return body


def _validate(kind: type[JSONRPCRequest | JSONRPCNotification], body: dict[str, Any]) -> Any:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise MessageError(INVALID_REQUEST, _first_of(error)) from error


def _first_of(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])


def _names_version(params: Mapping[str, Any]) -> bool:
    meta = params.get("_meta")
    return isinstance(meta, dict) and PROTOCOL_VERSION_META_KEY in meta


def _modern(request: HttpRequest, asked: JSONRPCRequest, version: str) -> Message:
    """What stands between us and the client may go by the headers: they have to say what the body says."""
    params = asked.params or {}
    meta = params.get("_meta")
    if not isinstance(meta, dict) or not {PROTOCOL_VERSION_META_KEY, CLIENT_CAPABILITIES_META_KEY} <= meta.keys():
        needed = f"{PROTOCOL_VERSION_META_KEY} and {CLIENT_CAPABILITIES_META_KEY}"
        raise MessageError(INVALID_PARAMS, f"params._meta has to say {needed}.")
    wanted = {_VERSION: meta[PROTOCOL_VERSION_META_KEY], "Mcp-Method": asked.method}
    if asked.method == "tools/call":
        wanted["Mcp-Name"] = params.get("name")
    for name, value in wanted.items():
        if request.headers.get(name, "") != value:
            raise MessageError(HEADER_MISMATCH, f"The header {name} does not say what the body says.")
    if version not in MODERN_PROTOCOL_VERSIONS:
        known = {"supported": list(MODERN_PROTOCOL_VERSIONS), "requested": version}
        raise MessageError(UNSUPPORTED_PROTOCOL_VERSION, "This version is not spoken here.", known)
    try:
        capabilities = ClientCapabilities.model_validate(meta[CLIENT_CAPABILITIES_META_KEY], by_name=False)
    except ValidationError as error:
        raise MessageError(INVALID_PARAMS, _first_of(error)) from error
    return Message(asked.id, asked.method, params, version, capabilities)
