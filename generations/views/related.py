"""Related generations: what one was made from, and what was made with it or from it, where the user may see that."""

import uuid
from typing import Final

from django.db.models import QuerySet

from accounts.models import User
from generations.models import Generation, Relation
from generations.views.compare import MAX_COMPARED

_CHILDREN: Final = 12  # shown
_BATCH: Final = 50  # shown
_CHAIN: Final = ("parent", "parent__parent", "parent__parent__parent", "parent__parent__parent__parent")


def related_generations(person: User, generation: Generation) -> dict[str, object]:
    """For the page: three queries or fewer, however long the chain is."""
    seen = Generation.objects.visible_to(person).select_related("video")
    ancestors, siblings = _ancestors(seen, generation), _siblings(seen, generation)
    children = list(seen.filter(parent=generation)[:_CHILDREN])
    return {
        "parent": next((row for row in ancestors if row.pk == generation.parent_id), None),
        "is_retry": generation.relation == Relation.RETRY,
        "ancestors": ancestors,
        "siblings": siblings,
        "children": children,
        "compare": _comparable([generation, *siblings, *reversed(ancestors), *children]),
    }


def _ancestors(seen: QuerySet[Generation], generation: Generation) -> list[Generation]:
    """The last few generations before it, the oldest first; a hidden one leaves a gap."""
    if generation.parent_id is None:
        return []
    chain = Generation.objects.filter(pk=generation.pk).values_list(*_CHAIN).get()
    found = seen.in_bulk([pk for pk in chain if pk])
    return [found[pk] for pk in reversed(chain) if pk in found]


def _siblings(seen: QuerySet[Generation], generation: Generation) -> list[Generation]:
    if generation.batch is None:
        return []
    batch = seen.filter(batch=generation.batch).exclude(pk=generation.pk)
    return list(batch.order_by("batch_index", "pk")[:_BATCH])


def _comparable(rows: list[Generation]) -> list[uuid.UUID]:
    """The ids to lay side by side, its own first; none unless it and one more have a video."""
    ids = [row.pk for row in rows if hasattr(row, "video")][:MAX_COMPARED]
    return ids if len(ids) > 1 and ids[0] == rows[0].pk else []
