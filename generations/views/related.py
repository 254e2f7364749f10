"""What is around a generation, as far as the user may see it: what it was made from, made with and made into, and its
neighbours in the gallery.
"""

import uuid
from collections import defaultdict
from datetime import datetime
from typing import Any, Final

from django.db.models import CharField, QuerySet, Value

from accounts.models import User
from accounts.rights import UserQuery
from config.prepared_query import SAMPLE_MOMENT
from generations.models import Generation
from generations.models.search import IsAnyOf
from generations.views.chain import chain_of, connected
from generations.views.compare import MAX_COMPARED

_CHILDREN: Final = 12  # shown
_BATCH: Final = 50  # shown
# what a related item shows, and by what they are in order
_COLUMNS: Final = (
    *("prompt", "status", "queue_position", "relation", "parent", "leads_to", "created_at", "batch_index"),
    *("video__width", "video__height", "video__duration", "video__codec"),
)


def around(user: User, generation: Generation, ancestors: list[uuid.UUID]) -> dict[str, Any]:
    """For the page: one query, however much there is. `ancestors` are ids, the nearest first."""
    found: defaultdict[str, list[Generation]] = defaultdict(list)
    for row in _AROUND.rows(user, generation.pk, ancestors, generation.batch, generation.created_at):
        found[row.place].append(row)  # type: ignore[attr-defined]  # annotated below
    above = sorted(found["ancestor"], key=lambda row: ancestors.index(row.pk), reverse=True)
    siblings = sorted(found["sibling"], key=lambda row: (row.batch_index, row.pk))
    children = sorted(found["child"], key=lambda row: (row.created_at, row.pk), reverse=True)
    return {
        "parent": next((row for row in above if row.pk == generation.parent_id), None),
        "ancestors": above,
        "siblings": siblings,
        "children": children,
        "chain": chain_of(generation, found["film"]),
        "compare": _comparable([generation, *siblings, *reversed(above), *children]),
        **{side: row.pk for side in ("newer", "older") for row in found[side]},
    }


def neighbours(rows: QuerySet[Generation], pk: uuid.UUID, at: datetime) -> list[QuerySet[Generation]]:
    """Of the rows the one before and the one behind a row, marked so: bounded ranges, one row each."""
    newer = rows.filter(created_at__gte=at).exclude(created_at=at, pk__lte=pk).order_by("created_at", "id")
    older = rows.filter(created_at__lte=at).exclude(created_at=at, pk__gte=pk).order_by("-created_at", "-id")
    return [_marked(newer, "newer")[:1], _marked(older, "older")[:1]]


def _around(
    user: User, pk: uuid.UUID, ancestors: list[uuid.UUID], batch: uuid.UUID, at: datetime
) -> QuerySet[Generation]:
    seen = Generation.objects.visible_to(user)
    parts = [
        _marked(seen.filter(parent=pk), "child")[:_CHILDREN],
        _marked(seen.filter(batch=batch).exclude(pk=pk).order_by("batch_index", "pk"), "sibling")[:_BATCH],
        _marked(seen.filter(IsAnyOf("pk", ancestors)).order_by(), "ancestor"),
        _marked(connected(seen, pk), "film"),
        *neighbours(seen.filter(user=user), pk, at),
    ]
    shown = [part.select_related("video").only(*_COLUMNS) for part in parts]
    return shown[0].union(*shown[1:], all=True)


def _marked(rows: QuerySet[Generation], place: str) -> QuerySet[Generation]:
    return rows.annotate(place=Value(place, CharField()))


_AROUND: Final = UserQuery(_around, uuid.UUID(int=11), [uuid.UUID(int=12)], uuid.UUID(int=13), SAMPLE_MOMENT)


def _comparable(rows: list[Generation]) -> list[uuid.UUID]:
    """The ids to lay side by side, its own first; none unless it and one more have a video."""
    ids = [row.pk for row in rows if hasattr(row, "video")][:MAX_COMPARED]
    return ids if len(ids) > 1 and ids[0] == rows[0].pk else []
