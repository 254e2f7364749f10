"""The API as ninja knows it: its parts, and what becomes of an error."""

from typing import Any, Final

from django.http import Http404
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from api.v1 import (
    batches,
    budget,
    events,
    films,
    generations,
    labels,
    library,
    presets,
    problems,
    reviews,
    shares,
    shot_orders,
    shots,
    teams,
)
from api.v1.http import JsonParser
from config.version import VERSION

api: Final = NinjaAPI(
    title="Kling Studio",
    version=VERSION,
    urls_namespace="v1",
    docs_url=None,
    openapi_url=None,
    parser=JsonParser(),
)
_KINDS: Final[tuple[Any, ...]] = (Exception, Http404, HttpError, ValidationError)
for _kind in _KINDS:  # ninja has answers of its own to the last three
    api.add_exception_handler(_kind, problems.answer)
api.add_router("/generations", generations.router)
api.add_router("/generations", reviews.of_generation)
api.add_router("/films", films.router)
api.add_router("/comments", reviews.router)
api.add_router("/batches", batches.router)
api.add_router("/teams", teams.router)
api.add_router("/", budget.router)
api.add_router("/tags", labels.tags)
api.add_router("/collections", labels.collections)
api.add_router("/collections", shots.of_collection)
api.add_router("/collections", shot_orders.router)
api.add_router("/shots", shots.router)
api.add_router("/library", library.router)
api.add_router("/shares", shares.router)
api.add_router("/presets", presets.router)
api.add_router("/events", events.router)
