"""The addresses under /api/v1/."""

from typing import Final

from django.urls import URLPattern, path

from api.v1.app import api
from api.v1.http import view_of
from api.v1.openapi import document_view
from api.v1.page import try_it
from api.views.access import BODY_BYTES
from config.server.limits import FORM_BYTES

_WITH_PICTURES: Final = frozenset(
    {"v1-generations", "v1-batches", "v1-batch-quote", "v1-collection-shots", "v1-shot", "v1-library"}
)


def _patterns() -> list[URLPattern]:
    """ninja has one for each operation; here, each address has one."""
    found, _app, _namespace = api.urls
    by_route = {
        str(one.pattern): one for one in reversed(found) if isinstance(one, URLPattern) and one.name != "api-root"
    }
    return [_pattern(route, one) for route, one in reversed(by_route.items())]


def _pattern(route: str, one: URLPattern) -> URLPattern:
    max_bytes = BODY_BYTES if one.name in _WITH_PICTURES else FORM_BYTES
    return path(route.replace("<uuidstr:", "<uuid:"), view_of(one.callback, max_bytes), name=one.name)


urlpatterns = [
    path("openapi.json", document_view, name="v1-openapi"),
    path("docs", try_it, name="v1-docs"),
    *_patterns(),
]
