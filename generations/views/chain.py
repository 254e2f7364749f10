"""The film that a video is a part of: what it continues, and what continues it, in order."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.urls import reverse

from generations.models import Generation, Relation
from generations.models.film import MAX_PARTS

_CONTINUES: Final = [
    Relation.EXTEND.value,
    Relation.BETWEEN.value,
    Relation.RETRY.value,
]  # a retry stands in for its parent
_MAX_LOOKED_AT: Final = MAX_PARTS  # so that all of it can be joined
# UNION leaves out what is there already, so that it ends whatever leads to what
_CONNECTED: Final = """
generations_generation.id IN (
    WITH RECURSIVE chain (id) AS (
        SELECT %s::uuid
        UNION
        SELECT near.id
        FROM chain
        JOIN generations_generation AS this ON this.id = chain.id
        CROSS JOIN LATERAL (
            SELECT child.id FROM generations_generation AS child
            WHERE child.parent_id = this.id AND child.relation = ANY(%s)
            UNION ALL
            SELECT other.id FROM generations_generation AS other WHERE other.leads_to_id = this.id
            UNION ALL
            SELECT this.parent_id WHERE this.relation = ANY(%s)
            UNION ALL
            SELECT this.leads_to_id
        ) AS near
        WHERE near.id IS NOT NULL
    )
    SELECT id FROM chain LIMIT %s
)
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A clip of `generations/_sequence.html`."""

    generation: Generation
    versions: list[Generation]  # others that continue the same video, the oldest first

    @property
    def url(self) -> str:
        return reverse("generation-video", args=[self.generation.pk])

    @property
    def poster(self) -> str:
        return reverse("generation-poster", args=[self.generation.pk])

    @property
    def width(self) -> int:
        return self.generation.video.width

    @property
    def height(self) -> int:
        return self.generation.video.height

    @property
    def label(self) -> str:
        return self.generation.prompt

    @property
    def page(self) -> str:
        return self.generation.get_absolute_url()

    @property
    def seconds(self) -> float:
        return self.generation.video.duration

    @property
    def codec(self) -> str:
        return self.generation.video.codec


@dataclass(frozen=True, slots=True)
class Chain:
    parts: list[Part]
    is_cut: bool  # there is more than was looked at

    @property
    def ids(self) -> str:
        return ",".join(str(part.generation.pk) for part in self.parts)


def connected(rows: QuerySet[Generation], pk: uuid.UUID) -> QuerySet[Generation]:
    """Of the rows those of the same film, in no order: the nearest, and one more than is looked at."""
    values = [pk, _CONTINUES, _CONTINUES, _MAX_LOOKED_AT + 1]
    return rows.filter(RawSQL(_CONNECTED, values, BooleanField())).order_by()  # noqa: S611 - its text is ours


def chain_of(generation: Generation, rows: list[Generation]) -> Chain | None:
    """The way through its film on which a video lies, of what has a video; None where that is it alone.

    `rows` are those of the film that the user may see. Where several continue the same one, the newest finished one
    goes on.
    """
    known = {row.pk: row for row in rows}
    if len(known) < 2 or generation.pk not in known:
        return None
    after: defaultdict[uuid.UUID, list[Generation]] = defaultdict(list)
    before: defaultdict[uuid.UUID, list[Generation]] = defaultdict(list)
    for first, second in _links(known):
        after[first.pk].append(second)
        before[second.pk].append(first)
    this = known[generation.pk]
    head = [*_walk(this, lambda row: _newest(before[row.pk]))]
    way = [*reversed(head), this, *_walk(this, lambda row: _newest(after[row.pk]), {row.pk for row in head})]
    parts = [Part(row, _versions(row, way, before, after)) for row in way if hasattr(row, "video")]
    is_cut = len(known) > _MAX_LOOKED_AT
    return Chain(_cut(parts, this) if is_cut else parts, is_cut) if len(parts) > 1 else None


def _cut(parts: list[Part], this: Generation) -> list[Part]:
    """Without the one too many, at the end that is not this video."""
    return parts[-_MAX_LOOKED_AT:] if parts[-1].generation == this else parts[:_MAX_LOOKED_AT]


def _links(known: dict[uuid.UUID, Generation]) -> Iterator[tuple[Generation, Generation]]:
    """What comes first, and what continues it. What was retried leads on by its retry alone."""
    retried = {row.parent_id for row in known.values() if row.relation == Relation.RETRY}
    for row in known.values():
        if row.relation in _CONTINUES and row.parent_id in known:
            yield known[row.parent_id], row
        if row.leads_to_id in known and row.pk not in retried:
            yield row, known[row.leads_to_id]


def _walk(
    row: Generation, follow: Callable[[Generation], Generation | None], seen: Iterable[uuid.UUID] = ()
) -> Iterator[Generation]:
    """From one to the next, each once."""
    passed = {*seen, row.pk}
    while (found := follow(row)) and found.pk not in passed:
        passed.add(found.pk)
        yield found
        row = found


def _newest(rows: list[Generation]) -> Generation | None:
    return max(rows, key=lambda row: (hasattr(row, "video"), row.created_at), default=None)


def _versions(
    row: Generation,
    way: list[Generation],
    before: dict[uuid.UUID, list[Generation]],
    after: dict[uuid.UUID, list[Generation]],
) -> list[Generation]:
    on_the_way = {each.pk for each in way}
    others = {other.pk: other for first in before[row.pk] for other in after[first.pk] if other.pk not in on_the_way}
    return sorted((other for other in others.values() if hasattr(other, "video")), key=lambda other: other.created_at)
