"""Tools about videos that are there: get, list, cancel, share. And how a video is told to a model."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.db.models import Q, QuerySet
from mcp_types import CallToolResult

from accounts.models import User
from accounts.rights import UserQuery
from accounts.roles import Action
from api.fal.status import QueueStatus, queue_status
from api.mcp.calls import NOT_FOUND, Call, ToolError, answer
from api.mcp.schemas import ListArguments, ShareArguments, Shared, Video, VideoId, Videos
from api.results import NoAddressError, result_url
from config import logging
from generations import tasks
from generations.access import may
from generations.filters import GalleryFilters
from generations.models import Collection, Generation, Status, Tag
from generations.models.generation_queryset import GenerationQuerySet
from generations.orders.cancel import request_cancel
from generations.pipeline import queue_positions
from sharing.links import LinkOptions, link_url, share_videos


def get(call: Call, arguments: VideoId) -> CallToolResult:
    video = describe(find(call, arguments.id), with_file=True)
    return answer(video, in_words(video))


def cancel(call: Call, arguments: VideoId) -> CallToolResult:
    row = find(call, arguments.id)
    if not may(call.caller.user, Action.GENERATE, row):
        raise ToolError("The role of this key’s person in the team does not allow this.")
    is_taken = request_cancel(row, call.caller.user) or bool(row.cancel_requested_at)
    tasks.wake()
    if not is_taken and row.status != Status.CANCELED:
        raise ToolError(f"It is too late: the video is {row.status}. Nothing was changed.")
    video = describe(find(call, arguments.id))
    return answer(video, in_words(video))


def share(call: Call, arguments: ShareArguments) -> CallToolResult:
    rows = [find(call, pk) for pk in dict.fromkeys(arguments.ids)]
    options = LinkOptions(
        arguments.name,
        arguments.days,
        allows_download=arguments.allows_download,
        allows_comments=arguments.allows_comments,
    )
    link, token = share_videos(call.caller.user, rows, options)
    shared = Shared(url=link_url(token), expires_at=link.expires_at, works_now=link.approved_at is not None)
    words = f"{shared.url}\nWhoever has this link sees {len(rows)} of the videos until {link.expires_at:%d %B %Y}."
    if not shared.works_now:
        words += f"\nIt does not work yet: an admin of {link.team} has to approve it."
    return answer(shared, words)


def list_(call: Call, arguments: ListArguments) -> CallToolResult:
    filters = GalleryFilters(call.caller.user, _as_form(call, arguments))
    if filters.errors:
        raise ToolError("\n".join(f"{name}: {' '.join(map(str, words))}" for name, words in filters.errors.items()))
    rows = filters.rows().select_related("user", "video", "team")
    if arguments.after:
        rows = _behind(rows, find(call, arguments.after), is_oldest_first=filters.is_oldest_first)
    found = list(rows[: arguments.limit + 1])
    shown = found[: arguments.limit]
    places = queue_positions(shown)
    videos = Videos(
        videos=[describe(row, places) for row in shown],
        after=shown[-1].pk if len(found) > len(shown) else None,
    )
    lines = [in_words(video) for video in videos.videos] or ["Nothing was found."]
    more = [f"There are more: call again with after={videos.after}."] if videos.after else []
    return answer(videos, "\n\n".join(lines + more))


def _as_form(call: Call, arguments: ListArguments) -> dict[str, str]:
    """As the gallery's address has it, where people, tags and collections have numbers."""
    team = call.caller.team
    found: dict[str, Any] = {
        "team": team.slug,
        "q": arguments.query,
        "member": _person(call, arguments.member),
        "status": arguments.status,
        "review": arguments.review,
        "kind": arguments.made_from,
        "ratio": arguments.aspect_ratio,
        "duration": arguments.duration,
        "since": arguments.since,
        "until": arguments.until,
        "tag": _named("tag", Tag.objects.filter(team=team), arguments.tag),
        "collection": _named("collection", Collection.objects.filter(team=team), arguments.collection),
        "favourite": "on" if arguments.favourites_only else "",
        "order": "oldest" if arguments.order == "oldest" else "",
    }
    return {name: str(value) for name, value in found.items() if value}


def _named(kind: str, rows: QuerySet[Any], name: str) -> int | None:
    if not name:
        return None
    found = rows.filter(name__iexact=name.strip()).first()
    if found is None:
        known = ", ".join(sorted(rows.values_list("name", flat=True))[:20])
        raise ToolError(f"There is no {kind} of this name." + (f" There are: {known}." if known else ""))
    pk: int = found.pk
    return pk


def _person(call: Call, words: str) -> int | None:
    if not words:
        return None
    people = User.objects.filter(memberships__team=call.caller.team)
    found = list(people.filter(Q(name__icontains=words) | Q(email__icontains=words))[:2])
    if len(found) != 1:
        raise ToolError(f"{'Several people are' if found else 'Nobody is'} called so in this team. Say it otherwise.")
    return found[0].pk


def _behind(rows: GenerationQuerySet, last: Generation, *, is_oldest_first: bool) -> GenerationQuerySet:
    at, pk = last.created_at, last.pk
    if is_oldest_first:
        return rows.filter(created_at__gte=at).exclude(created_at=at, pk__lte=pk)
    return rows.filter(created_at__lte=at).exclude(created_at=at, pk__gte=pk)


def find(call: Call, pk: uuid.UUID) -> Generation:
    """Raises ToolError for what the key's person may not know of."""
    found = _GENERATION.rows(call.caller.user, pk)
    if not found:
        raise ToolError(NOT_FOUND)
    logging.name_generation(pk)
    return found[0]


def _generation(user: User, pk: uuid.UUID) -> QuerySet[Generation]:
    rows = Generation.objects.visible_to(user).select_related("user", "team", "video", "api_request__key__user")
    return rows.filter(pk=pk)


_GENERATION: Final = UserQuery(_generation, uuid.UUID(int=43))


def describe(row: Generation, places: Mapping[uuid.UUID, int] | None = None, *, with_file: bool = False) -> Video:
    """`places` are those in the studio's queue, where they were asked for already. `with_file`: with the address of the
    file, which is a share link of what a key has asked for."""
    message, url = _stands(row, queue_positions([row]) if places is None else places), None
    if with_file and row.status == Status.DONE and getattr(row, "api_request", None):
        try:
            url = result_url(row)
        except NoAddressError as error:
            message = f"{message} {error}"
    return Video(
        id=row.pk,
        status=row.status,
        is_final=is_final(row),
        message=message,
        prompt=row.prompt,
        made_from=row.fal_endpoint.source.value,
        quality=row.fal_endpoint.quality,
        duration=row.duration,
        aspect_ratio=row.aspect_ratio or None,
        cost_cents=row.cost_cents,
        made_by=str(row.user),
        created_at=row.created_at,
        page_url=f"{settings.SITE_URL}{row.get_absolute_url()}",
        video_url=url,
    )


def is_final(row: Generation) -> bool:
    return queue_status(row) is QueueStatus.COMPLETED


def in_words(video: Video) -> str:
    own = f"{video.id}: {video.prompt[:200]}\n{video.message}"
    return f"{own}\n{video.video_url or video.page_url}"


def _stands(row: Generation, places: Mapping[uuid.UUID, int]) -> str:
    words = f"{row.get_status_display()}." + (f" {row.message}" if row.message else "")
    if row.status == Status.QUEUED and (place := places.get(row.pk)) is not None:
        return f"{words} {place} before it."
    if row.status == Status.RENDERING and row.queue_position:
        return f"{words} {row.queue_position} before it."
    if row.status == Status.DONE and row.awaits_review:
        return f"{words} A moderator looks at it before others see it."
    return words
