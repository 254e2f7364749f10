"""The sandbox's own pages, which fal does not have: its records, its faults, its health. They need no key."""

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import KINDS
from sandbox.prompt_faults import PROMPT_FAULTS
from sandbox.responses import detail, json_response
from sandbox.state import sandbox_state
from sandbox.webhooks import jwks


async def list_requests(request: Request) -> Response:
    """Every request ever accepted, the counters, and the faults that really happened by kind."""
    return json_response(sandbox_state(request).store.as_json())


async def faults(request: Request) -> Response:
    """GET what is on and what there is; PUT a text like SANDBOX_FAULTS to replace it (empty: none)."""
    running = sandbox_state(request).faults
    if request.method == "PUT":
        try:
            running.replace((await request.body()).decode())
        except ValueError as error:
            return detail(400, str(error))
    words = {name: word.meaning for name, word in PROMPT_FAULTS.items()}
    return json_response({"running": running.text, "kinds": KINDS, "words": words})


async def healthz(request: Request) -> Response:
    return json_response({"status": "ok"})


async def keys(request: Request) -> Response:
    """The JWKS that webhooks are checked with."""
    state = sandbox_state(request)
    if state.faults.strikes("keys_hang"):
        await asyncio.sleep(10 * state.options.slow_seconds)
    if state.faults.strikes("keys_503"):
        return detail(503, "Service Unavailable")
    if state.faults.strikes("keys_broken"):
        return Response("<html>Welcome</html>", media_type="text/html")
    return json_response(jwks(sandbox_state(request).webhook_sender.key), headers={"Cache-Control": "max-age=86400"})


ROUTES: Final = [
    Route("/sandbox/books", list_requests, methods=["GET"]),
    Route("/sandbox/faults", faults, methods=["GET", "PUT"]),
    Route("/healthz", healthz, methods=["GET"]),
    Route("/.well-known/jwks.json", keys, methods=["GET"]),
]
