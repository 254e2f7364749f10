"""Go on with a video: from its last frame, or from it to the first frame of another."""

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.rights import rights_of
from accounts.roles import Action
from generations.access import visible_generation
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError
from generations.fal.arguments import InvalidArguments
from generations.mirror import MirrorError
from generations.models import Generation
from generations.orders.frames import keep_first_frame, keep_last_frame
from generations.pictures import DecoderBusyError


@require_POST
@login_required
def extend(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """On to a composer that begins with the video's last frame and has its team, project and parameters."""
    return _compose(request, visible_generation(request, pk))


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
    unfinished = next((row for row in (first, second) if row and not hasattr(row, "video")), None)
    if unfinished:
        return _refuse(request, unfinished, _("This has no video yet: it can be continued once it is done."))
    query: dict[str, object] = {"from": first.pk, "kind": "image"}
    try:
        query["start"] = keep_last_frame(request.user, first).pk
        if second:
            query["tail"] = keep_first_frame(request.user, second).pk
    except InvalidArguments as error:
        return _refuse(request, first, error.problems[0].message)
    except (MirrorError, BucketDownError, DecoderBusyError, OrderRefusedError) as error:
        return _refuse(request, first, str(error))
    return redirect(f"{reverse('new-generation')}?{urlencode(query)}")


def _refuse(request: AuthenticatedHttpRequest, row: Generation, message: str) -> HttpResponse:
    messages.error(request, message)
    return redirect(row)
