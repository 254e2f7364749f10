"""A caller's requests: generations that keys of the team have asked for, by the id that fal would call request_id."""

import uuid
from collections.abc import Collection
from typing import Final

from django.conf import settings
from django.db.models import QuerySet, TextField
from django.db.models.expressions import RawSQL

from accounts.models import User
from accounts.rights import UserQuery
from api.authentication import Caller
from api.fal.responses import RefusedError, not_found
from config import logging
from generations.fal.arguments import Endpoint
from generations.models import Generation

RowVersion = str  # PostgreSQL's id of the transaction that has written the row

_ROW_VERSION: Final = RawSQL(f'"{Generation._meta.db_table}"."xmin"::text', [], output_field=TextField())  # noqa: S611

APP: Final = next(iter(Endpoint)).app  # what we say; a request is found at the app of any endpoint


def find_request(caller: Caller, pk: str) -> Generation:
    """Raises RefusedError for what the caller may not know of."""
    try:
        found = _REQUEST.rows(caller.user, uuid.UUID(pk))
    except ValueError:
        found = []
    if not found:
        raise RefusedError(not_found())
    logging.name_generation(found[0].pk)
    return found[0]


def find_requests(caller: Caller, pks: Collection[uuid.UUID]) -> dict[uuid.UUID, Generation]:
    """Those of them that the caller may know of, from one query."""
    rows = Generation.objects.visible_to(caller.user).filter(pk__in=pks, api_request__isnull=False)
    return {row.pk: row for row in rows}


def request_versions(caller: Caller, pks: Collection[uuid.UUID]) -> dict[uuid.UUID, RowVersion]:
    """Of those that the caller may know of: another one after each change of the row, whatever was changed."""
    rows = Generation.objects.visible_to(caller.user).filter(pk__in=pks, api_request__isnull=False)
    return dict(rows.annotate(version=_ROW_VERSION).values_list("pk", "version"))


def _request(user: User, pk: uuid.UUID) -> QuerySet[Generation]:
    rows = Generation.objects.visible_to(user).select_related("api_request__key__user")
    return rows.filter(pk=pk, api_request__isnull=False)


_REQUEST: Final = UserQuery(_request, uuid.UUID(int=41))


def is_app(path: str) -> bool:
    """Whether requests are found there: at the app, as fal's clients ask, or at the endpoint's whole id."""
    return any(path in {endpoint, endpoint.app} for endpoint in Endpoint)


def require_app(path: str) -> None:
    """Raises RefusedError where no request is found."""
    if not is_app(path):
        raise RefusedError(not_found())


def request_urls(pk: uuid.UUID) -> dict[str, str]:
    """The addresses of a request, as every answer names them."""
    own = f"{settings.SITE_URL}/fal/queue/{APP}/requests/{pk}"
    return {"response_url": own, "status_url": f"{own}/status", "cancel_url": f"{own}/cancel"}
