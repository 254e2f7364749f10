"""OpenTelemetry: traces of requests and of the pipeline's steps, with their queries and calls, to a collector.

Imported only where OTEL_EXPORTER_OTLP_ENDPOINT is set. The SDK reads the other OTEL_* names itself.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanKind, Status

from config import spans
from config.logging import GENERATION_ID, REQUEST_ID
from config.redaction import redact

_SERVICE: Final = "kling-studio"  # unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES name another
_BEFORE: Final = "config.monitoring.AnyHostMiddleware"  # the instrumentation asks for the request's host
_UNTRACED: Final = "/healthz,/readyz,/metrics"  # unless OTEL_PYTHON_DJANGO_EXCLUDED_URLS names others


class RedactingExporter(OTLPSpanExporter):
    """Addresses are attributes, in errors and in events too, and may carry tokens and signatures."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return super().export([_redact_span(span) for span in spans])


class RootSampler(Sampler):
    """A query or a call that belongs to no request and no step is no trace: the sweeps ask something each second."""

    def __init__(self, inner: Sampler) -> None:
        self._inner = inner

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        *others: Any,
        **named: Any,
    ) -> SamplingResult:
        parent = trace.get_current_span(parent_context).get_span_context()
        if kind is SpanKind.CLIENT and not parent.is_valid:
            return SamplingResult(Decision.DROP)
        return self._inner.should_sample(parent_context, trace_id, name, kind, *others, **named)

    def get_description(self) -> str:
        return f"Root{{{self._inner.get_description()}}}"


def start() -> None:
    """Once a process, before Django reads its middleware."""
    provider = TracerProvider(resource=Resource({SERVICE_NAME: _SERVICE}).merge(OTELResourceDetector().detect()))
    provider.sampler = RootSampler(provider.sampler)
    provider.add_span_processor(BatchSpanProcessor(RedactingExporter()))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(
        response_hook=_name_ids,
        excluded_urls=os.environ.get("OTEL_PYTHON_DJANGO_EXCLUDED_URLS") or _UNTRACED,
        middleware_position=settings.MIDDLEWARE.index(_BEFORE) + 1,
    )
    PsycopgInstrumentor().instrument()
    HTTPXClientInstrumentor().instrument()
    spans.use(_open_step)


def _open_step(name: str, generation_id: str) -> AbstractContextManager[object]:
    """A trace of its own, whatever is under way: one pass takes thousands of steps."""
    return trace.get_tracer(__name__).start_as_current_span(
        name, context=Context(), attributes={"studio.generation_id": generation_id}
    )


def _name_ids(span: trace.Span, request: HttpRequest, response: HttpResponse) -> None:
    for key in (REQUEST_ID, GENERATION_ID):
        if key in request.META:
            span.set_attribute(key, request.META[key])


def _redact_span(span: ReadableSpan) -> ReadableSpan:
    status = span.status
    return ReadableSpan(
        redact(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_redact_all(span.attributes),
        events=[Event(event.name, _redact_all(event.attributes), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(status.status_code, redact(status.description) if status.description else None),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _redact_all(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: _redact_value(value) for name, value in (attributes or {}).items()}


def _redact_value(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    return [_redact_value(each) for each in value] if isinstance(value, list | tuple) else value
