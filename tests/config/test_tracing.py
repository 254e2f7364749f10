"""Traces: to a collector over real HTTP, from a process of its own, since instrumentation can't be taken back."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from devserver import addresses
from devserver.postgres import Postgres
from tests.environment import without_ours
from tests.sandbox_process import Sandbox
from tests.scripted_server import Reply, ScriptedServer, scripted_server

SECRET = "5up3r-s3cr3t"
SETUP = "import sys, django; django.setup()\n"
WORK = f"""
import httpx
from django.conf import settings
from django.db import connection
from django.test import Client
from config import spans

with connection.cursor() as cursor:
    cursor.execute("SELECT 'of no request'")
browser = Client(raise_request_exception=False)
for path in ("/healthz", "/readyz", "/metrics"):
    print(browser.get(path, HTTP_HOST="10.1.2.3:8000", HTTP_AUTHORIZATION="Bearer of-this-test").status_code)
browser.get("/teams/join/{SECRET}/", HTTP_HOST="127.0.0.1")
browser.get("/generations/3f2504e0-4f89-11d3-9a0c-0305e82c3301/video?mac={SECRET}", HTTP_HOST="127.0.0.1")
with spans.step("generation mirroring", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text", ["{SECRET}"])
    try:
        httpx.get("http://127.0.0.1:1/key?X-Amz-Signature={SECRET}")
    except httpx.HTTPError:
        pass
"""
# redis-py imports the SDK's metrics by itself, where the SDK is installed
PARTS = ("config.tracing", "google.protobuf", *(f"opentelemetry.{part}" for part in ("exporter", "instrumentation")))
IMPORTED = f"print([name for name in sys.modules if name.startswith({PARTS})])"


@pytest.fixture
def collector() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        server.will(Reply(body=b"", headers={"Content-Type": "application/x-protobuf"}))
        yield server


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SETUP + code],
        cwd=addresses.ROOT,
        env={**without_ours(), "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def spans_at(collector: ScriptedServer) -> list[Any]:
    requests = [ExportTraceServiceRequest.FromString(asked.body) for asked in collector.asked]
    return [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def test_nothing_of_it_is_imported_without_an_endpoint() -> None:
    assert run(IMPORTED).strip() == "[]"


def test_endpoint_that_is_no_address_is_named_at_start() -> None:
    with pytest.raises(AssertionError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        run("", OTEL_EXPORTER_OTLP_ENDPOINT="collector:4318")


def test_requests_and_steps_are_traced_with_what_they_ask(
    postgres: Postgres, sandbox: Sandbox, collector: ScriptedServer
) -> None:
    told = run(
        WORK,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        METRICS_TOKEN="of-this-test",
        VAR_DIR=str(addresses.var()),
        PORT=str(addresses.port()),
    )

    assert told.split() == ["400", "503", "200"], "who asks a container by its address is answered as without traces"
    assert {asked.path for asked in collector.asked} == {"/v1/traces"}
    assert all(SECRET.encode() not in asked.body for asked in collector.asked)
    found = spans_at(collector)
    by_id = {span.span_id: span for span in found}
    roots = {span.name: span for span in found if not span.parent_span_id}
    assert set(roots) == {"GET teams/join/<str:token>/", "GET generations/<uuid:pk>/video", "generation mirroring"}
    children = [(by_id[span.parent_span_id].name, span.name.split()[0]) for span in found if span.parent_span_id]
    assert ("GET teams/join/<str:token>/", "SELECT") in children
    assert {("generation mirroring", "SELECT"), ("generation mirroring", "GET")} <= set(children)
    step = {item.key: item.value.string_value for item in roots["generation mirroring"].attributes}
    page = {item.key: item.value.string_value for item in roots["GET generations/<uuid:pk>/video"].attributes}
    assert step["studio.generation_id"] == page["studio.generation_id"] == "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
    assert len(page["studio.request_id"]) == 32
