"""What each request of the protocol is answered: all of it at once, but for the wait, which `wait` has."""

from dataclasses import dataclass
from typing import Final

from mcp_types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    CallToolRequestParams,
    CallToolResult,
    DiscoverResult,
    EmptyResult,
    InitializeResult,
    ListToolsResult,
    Result,
    ServerCapabilities,
    ToolsCapability,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel

from api.credentials import Credentials
from api.mcp.calls import Call, ToolError, failed, tool_errors
from api.mcp.messages import SERVER, Message, MessageError
from api.mcp.tools import TOOLS, Tool

INSTRUCTIONS: Final = (
    "Kling Studio makes videos of 5 or 10 seconds from text or an image. Videos cost money, which a team pays: tell "
    "the person the price (cost_and_budget, or the first call of generate_video) and order only what they agree to. "
    "generate_video answers at once with an id; wait_for_video waits for the end. Videos stay in the team's gallery."
)
_CAPABILITIES: Final = ServerCapabilities(tools=ToolsCapability(list_changed=False))
_TTL_MS: Final = 300_000  # an upgrade may bring other tools


def answer(message: Message) -> Result:
    """Of whatever is no call of a tool. Raises MessageError for a method that is not here."""
    match message.method:
        case "initialize":
            version = message.negotiated_version()
            own = {"capabilities": _CAPABILITIES, "server_info": SERVER, "instructions": INSTRUCTIONS}
            return InitializeResult(protocol_version=version, **own)
        case "server/discover":
            versions = list(MODERN_PROTOCOL_VERSIONS)
            own = {"capabilities": _CAPABILITIES, "instructions": INSTRUCTIONS}
            return DiscoverResult(supported_versions=versions, ttl_ms=_TTL_MS, cache_scope="public", **own)
        case "tools/list":
            tools = [tool.declaration for tool in TOOLS.values()]
            return ListToolsResult(tools=tools, ttl_ms=_TTL_MS, cache_scope="public")
        case "ping":
            return EmptyResult()
    raise MessageError(METHOD_NOT_FOUND, f"There is no method {message.method} here.")


@dataclass(frozen=True, slots=True)
class Invocation:
    """A tool with its arguments, whose caller is asked for when it runs: a key may end while something waits."""

    message: Message
    tool: Tool
    arguments: BaseModel
    params: CallToolRequestParams
    credentials: Credentials
    idempotency_key: str

    def run(self) -> Result:
        """In a thread. What keeps the tool from doing it is its answer, too."""
        try:
            with tool_errors():
                return self.tool.run(self._call(), self.arguments)
        except ToolError as error:
            return failed(error)

    def _call(self) -> Call:
        return Call(
            self.credentials.authenticate(*self.tool.scopes),
            can_ask=self.message.can_ask,
            answers=self.params.input_responses,
            state=self.params.request_state or "",
            idempotency_key=self.idempotency_key,
        )


def invocation(message: Message, credentials: Credentials, idempotency_key: str) -> Invocation | CallToolResult:
    """The answer at once where the arguments are no good. Raises MessageError for a tool that is not there."""
    params = message.tool_call()
    tool = TOOLS.get(params.name)
    if tool is None:
        raise MessageError(INVALID_PARAMS, f"There is no tool {params.name[:100]}. There are: {', '.join(TOOLS)}.")
    try:
        with tool_errors():
            arguments = tool.arguments.model_validate(params.arguments or {})
    except ToolError as error:
        return failed(error)
    return Invocation(message, tool, arguments, params, credentials, idempotency_key)
