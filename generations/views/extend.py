"""Go on with a video: from its last frame, or from it to the first frame of another."""

import uuid
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import User
from accounts.rights import rights_of
from accounts.roles import Action
from generations.access import visible_generation
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError
from generations.fal.arguments import InvalidArguments
from generations.mirror import MirrorError
from generations.models import Generation, Upload
from generations.orders.frames import keep_first_frame, keep_last_frame
from generations.pictures import DecoderBusyError
from generations.views.keyset import page_of

PAGE_SIZE: Final = 24


@require_POST
@login_required
def extend(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """On to a composer that begins with the video's last frame and has its team, project and parameters."""
    return _compose(request, visible_generation(request, pk))


@require_safe
@login_required
def choose_second(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The finished videos to which one from this may lead: of its project, or with `?all` of every one."""
    first = visible_generation(request, pk)
    if not rights_of(request.user).teams_where_may(Action.GENERATE):
        raise PermissionDenied
    rows = Generation.objects.visible_to(request.user).filter(video__isnull=False).exclude(pk=pk)
    project = first.collection if "all" not in request.GET else None
    if project:
        rows = rows.filter(collection=project)
    before = request.GET.get("before", "")
    page, older = page_of(rows.select_related("video"), "created_at", before, PAGE_SIZE)
    context = {"first": first, "rows": page, "project": project, "older": older, "is_first_page": not before}
    return render(request, "generations/between.html", context)


@require_POST
@login_required
def between(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The same, and it ends with the first frame of the second of two `ids`."""
    ids = _ids(request)
    if len(ids) != 2:
        messages.info(request, _("Select two finished videos: the new one leads from the first to the second."))
        return redirect("gallery")
    return _compose(request, *(visible_generation(request, pk) for pk in ids))


def _ids(request: AuthenticatedHttpRequest) -> list[uuid.UUID]:
    """Those that are ids, each once, in the `order` of the selection; without a script in that of the gallery, back."""
    found: dict[uuid.UUID, None] = {}
    order = request.POST.get("order", "")
    for text in order.split(",") if order else reversed(request.POST.getlist("ids")):
        try:
            found[uuid.UUID(text)] = None
        except ValueError:
            continue
    return list(found)


def _compose(request: AuthenticatedHttpRequest, first: Generation, second: Generation | None = None) -> HttpResponse:
    if not rights_of(request.user).teams_where_may(Action.GENERATE):
        raise PermissionDenied
    query: dict[str, object] = {"from": first.pk, "kind": "image"}
    ends: list[tuple[str, Generation, Callable[[User, Generation], Upload]]] = [("start", first, keep_last_frame)]
    if second:
        ends.append(("tail", second, keep_first_frame))
    try:
        _require_videos([row for _slot, row, _keep in ends])
        for slot, row, keep in ends:
            query[slot] = _keep_frame(request.user, row, keep).pk
    except _NoFrameError as error:
        messages.error(request, _named(error, first, second))
        return redirect(error.row)
    return redirect(f"{reverse('new-generation')}?{urlencode(query)}")


class _NoFrameError(Exception):
    """str() says why there is none of this video, for a person."""

    def __init__(self, row: Generation, why: str) -> None:
        super().__init__(why)
        self.row = row


def _require_videos(rows: list[Generation]) -> None:
    for row in rows:
        if not hasattr(row, "video"):
            raise _NoFrameError(row, _("This has no video yet: it can be continued once it is done."))


def _keep_frame(user: User, row: Generation, keep: Callable[[User, Generation], Upload]) -> Upload:
    try:
        return keep(user, row)
    except InvalidArguments as error:
        raise _NoFrameError(row, error.problems[0].message) from error
    except (MirrorError, BucketDownError, DecoderBusyError, OrderRefusedError) as error:
        raise _NoFrameError(row, str(error)) from error


def _named(error: _NoFrameError, first: Generation, second: Generation | None) -> str:
    """Of two videos, with the words which one it is about."""
    if second is None:
        return str(error)
    words = _("The second video, “%(prompt)s”: %(why)s")
    if error.row == first:
        words = _("The first video, “%(prompt)s”: %(why)s")
    return words % {"prompt": Truncator(error.row.prompt).chars(60), "why": error}
