"""Messages of MCP as its clients send them, through Django's client."""

from typing import Any, Final

from django.test import Client

MODERN: Final = "2026-07-28"
HANDSHAKE: Final = "2025-06-18"
_META: Final = "io.modelcontextprotocol/"
ASKS: Final[dict[str, Any]] = {"elicitation": {}}


def post(
    client: Client,
    method: str,
    params: dict[str, Any] | None = None,
    *,
    version: str = HANDSHAKE,
    capabilities: dict[str, Any] | None = None,
    **headers: str,
) -> Any:
    """A message of that version. `headers` replace those that the client sends by itself."""
    own: dict[str, str] = {"MCP-Protocol-Version": version}
    asked = dict(params or {})
    if version == MODERN:
        asked["_meta"] = {f"{_META}protocolVersion": version, f"{_META}clientCapabilities": capabilities or {}}
        own |= {"Mcp-Method": method} | ({"Mcp-Name": asked["name"]} if "name" in asked else {})
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": asked}
    return client.post("/mcp", body, content_type="application/json", headers={**own, **headers})


def call(client: Client, tool: str, arguments: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """The result of a tool."""
    extra = options.pop("params", {})
    answer = post(client, "tools/call", {"name": tool, "arguments": arguments or {}, **extra}, **options)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()["result"]
    return found


def words(result: dict[str, Any]) -> str:
    text: str = result["content"][0]["text"]
    return text


def error_of(result: dict[str, Any]) -> str:
    """What a tool says that could not do it."""
    assert result["isError"], result
    return words(result)
