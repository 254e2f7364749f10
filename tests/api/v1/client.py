"""A program that asks at /api/v1/ with a key."""

import json
from typing import Any

from django.test import Client

from tests.api.conftest import client_with

ROOT = "/api/v1"


class Program:
    """Its answers are Django's; `get` and the like take paths below /api/v1."""

    def __init__(self, token: str, **headers: str) -> None:
        self.client: Client = client_with(token, **headers)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        kind = "application/json" if body is not None else "application/octet-stream"
        return self.client.generic(method, f"{ROOT}{path}", data, kind, headers=headers or None)

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.ask("PATCH", path, body, **headers)

    def put(self, path: str, body: Any) -> Any:
        return self.ask("PUT", path, body)

    def delete(self, path: str, **headers: str) -> Any:
        return self.ask("DELETE", path, **headers)
