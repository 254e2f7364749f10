"""A small OpenID provider over HTTP: it signs in the user, with the claims, that the test gives."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "kling-studio", "a secret between the two"


class Provider:
    """`claims` are of the next user who signs in; `tokens` counts the codes that were exchanged."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.url = ""
        self.tokens = 0
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._asked: dict[str, str] = {}

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        """A status with a JSON body, or 302 with an address."""
        match path:
            case "/.well-known/openid-configuration":
                pages = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
                addresses = {f"{name}_endpoint": f"{self.url}/{page}" for name, page in pages.items()}
                methods = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
                return 200, {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **addresses, **methods}
            case "/authorize":
                self._asked["the code"] = query["redirect_uri"]
                return 302, f"{query['redirect_uri']}?{urlencode({'code': 'the code', 'state': query['state']})}"
            case "/token" if query.get("code") in self._asked and query.get("client_secret") == SECRET:
                self.tokens += 1
                return 200, {"access_token": "access", "token_type": "Bearer", "id_token": self._id_token()}
            case "/userinfo":
                return 200, self.claims
        return 400, {"error": "invalid_request"}

    def _id_token(self) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 60, **self.claims}
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "one"})


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._answer(parts.path, parts.query)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.headers.get("Authorization", "").startswith("Basic "):
            secret = base64.b64decode(self.headers["Authorization"][6:]).decode().partition(":")[2]
            body += f"&{urlencode({'client_secret': secret})}"
        self._answer(urlsplit(self.path).path, body)

    def _answer(self, path: str, query: str) -> None:
        status, said = self.provider.answer(path, {name: values[0] for name, values in parse_qs(query).items()})
        self.send_response(status)
        if status == 302:
            self.send_header("Location", said)
        content = b"" if status == 302 else json.dumps(said).encode()
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def running_provider() -> Iterator[Provider]:
    provider = Provider()
    handler = type("Handler", (_Handler,), {"provider": provider})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield provider
        server.shutdown()
