"""Build a WSGI environ (PEP 3333) from an ASGI request."""

import sys
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import unquote_to_bytes

Scope = Mapping[str, Any]


def environ_of(scope: Scope, body: IO[bytes], length: int) -> dict[str, Any]:
    """`length` is the true one, so that a body without Content-Length is like any other for Django."""
    server, client = scope.get("server") or ("", 0), scope.get("client") or ("", 0)
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path.partition(b"?")[0]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    _add_headers(environ, scope["headers"])
    environ["CONTENT_LENGTH"] = str(length)
    return environ


def header(scope: Scope, wanted: bytes) -> str:
    """The first header of this (lower case) name; empty when there is none."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


def client_address(environ: Mapping[str, Any], proxies: int) -> str:
    """The client's address, when so many of our own proxies have each added the one that they saw."""
    seen = [address.strip() for address in environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    return seen[-proxies] if 0 < proxies <= len(seen) and seen[-proxies] else str(environ["REMOTE_ADDR"])


def _add_headers(environ: dict[str, Any], headers: list[tuple[bytes, bytes]]) -> None:
    """A name with an underscore would pass for one with a hyphen, past a proxy that sets only that: it is left out."""
    for name, value in headers:
        if b"_" in name or name == b"transfer-encoding":
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        text = value.decode("latin-1")
        joint = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{joint}{text}" if key in environ else text
