"""The row of a generation's page with all that belongs to it alone, in one query."""

import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.http import Http404
from django.utils.dateparse import parse_datetime

from accounts.http import AuthenticatedHttpRequest
from accounts.models import User
from accounts.rights import UserQuery, rights_of
from generations.access import visible_with_favourite
from generations.models import Collection, Generation, InputPicture, Tag, TeamPause
from generations.models.search import IsAnyOf

_MAX_NAMES: Final = 100  # names that are offered
_CHAIN: Final = ("parent", "parent__parent", "parent__parent__parent", "parent__parent__parent__parent")


@dataclass(frozen=True, slots=True)
class DetailRow:
    generation: Generation
    pictures: list[InputPicture]
    tags: list[Tag]
    collection_names: list[str]  # of the user's teams, to choose from
    ancestors: list[uuid.UUID]  # the nearest first
    pause: TeamPause | None  # of its team's queue


def detail_row(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> DetailRow:
    """The generation, or 404 for users who may not know that it exists."""
    found: list[Any] = _DETAIL.rows(request.user, pk)  # Generations with the columns that are annotated below
    if not found:
        raise Http404
    row = found[0]
    return DetailRow(
        row,
        [InputPicture(**values) for values in row.picture_values],
        [Tag(**values) for values in row.tag_values],
        row.collection_names,
        [pk for pk in (getattr(row, f"ancestor_{number}") for number in range(len(_CHAIN))) if pk],
        _pause(row.pause_values),
    )


def _detail(user: User, pk: uuid.UUID) -> QuerySet[Generation]:
    own = {"generation": OuterRef("pk")}
    pictures = InputPicture.objects.filter(**own).order_by("slot")
    tags = Tag.objects.filter(generations=OuterRef("pk")).order_by("name")
    teams = IsAnyOf("team", rights_of(user).view_ids)
    names = Collection.objects.filter(teams, archived_at=None).order_by("name").values("name").distinct()[:_MAX_NAMES]
    pause = TeamPause.objects.active().filter(team=OuterRef("team"))
    return visible_with_favourite(user, pk).annotate(
        picture_values=ArraySubquery(pictures.values(values=JSONObject(slot="slot", width="width", height="height"))),
        tag_values=ArraySubquery(tags.values(values=JSONObject(id="pk", name="name"))),
        collection_names=ArraySubquery(names),
        pause_values=Subquery(
            pause.values(values=JSONObject(note="note", at="began_at", name="began_by__name", email="began_by__email"))[
                :1
            ]
        ),
        **{f"ancestor_{number}": F(name) for number, name in enumerate(_CHAIN)},
    )


_DETAIL: Final = UserQuery(_detail, uuid.UUID(int=21))


def _pause(values: dict[str, Any] | None) -> TeamPause | None:
    if values is None:
        return None
    person = User(name=values["name"], email=values["email"])
    began_at = parse_datetime(values["at"])
    assert began_at
    return TeamPause(note=values["note"], began_at=began_at, began_by=person)
