"""The ASGI application: all pages under one origin, behind the key."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import control_pages, file_pages, platform_pages, queue_pages
from sandbox.job import FIRST_ACCOUNT, OTHER_ACCOUNT, new_id
from sandbox.options import Options
from sandbox.responses import detail
from sandbox.state import SandboxState

OPEN = ("/sandbox/", "/files/", "/healthz", "/.well-known/")  # no key: public files, uploads by token, our own pages
PLATFORM = ("/v1/", "/models/", "/meta")


class KeyMiddleware:
    """Asks for the key, takes paths with a trailing slash too, and numbers every answer as fal does."""

    def __init__(self, app: ASGIApp, options: Options) -> None:
        self._app, self._admin = app, f"Key admin:{options.key}".encode()
        self._accounts = {
            **{f"Key {key}".encode(): FIRST_ACCOUNT for key in (options.key, *options.more_keys)},
            **{f"Key {key}".encode(): OTHER_ACCOUNT for key in options.other_keys},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        path = scope["path"].rstrip("/") or "/"
        account = self._account(scope, path)
        app = self._app if account is not None else _unknown_key(path)
        return await app(dict(scope) | {"path": path, "account": account}, receive, _add_request_id(send))

    def _account(self, scope: Scope, path: str) -> str | None:
        """Whose request it is; None for a wrong key."""
        if path.startswith(OPEN):
            return FIRST_ACCOUNT
        given = dict(scope["headers"]).get(b"authorization", b"")
        if path.startswith(PLATFORM) and hmac.compare_digest(given, self._admin):
            return FIRST_ACCOUNT
        return next((account for key, account in self._accounts.items() if hmac.compare_digest(given, key)), None)


def _unknown_key(path: str) -> Response:
    if path.startswith(PLATFORM):
        return platform_pages.error(401, "authorization_error", "Authentication is required to access this endpoint.")
    return detail(401, "invalid key credentials")


def _add_request_id(send: Send) -> Send:
    """Every answer carries x-fal-request-id, except one that leaves it empty: a gateway's own page."""

    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if not headers.setdefault("x-fal-request-id", new_id()):
                del headers["x-fal-request-id"]
        await send(message)

    return send_with_id


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = f"Path {request.url.path} not found" if error.status_code == 404 else error.detail
    return detail(error.status_code, sentence, error.headers)


def build(options: Options) -> ASGIApp:
    """The application. Its state opens with the server and closes with it."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.sandbox = SandboxState.open(options)
        yield
        await app.state.sandbox.close()

    pages = control_pages.ROUTES + file_pages.ROUTES + platform_pages.ROUTES + queue_pages.ROUTES
    app = Starlette(routes=pages, lifespan=lifespan, exception_handlers={HTTPException: _http_error})
    app.router.redirect_slashes = False
    return KeyMiddleware(app, options)
