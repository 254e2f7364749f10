"""Use a frame of a video as the start picture of the next, so that clips make a chain."""

import uuid
from typing import Final
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Team, User
from accounts.rights import rights_of
from accounts.roles import Action
from generations.access import visible_generation
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError
from generations.fal.arguments import InvalidArguments
from generations.mirror import MirrorError
from generations.models import Generation, Slot, Video
from generations.orders.frames import add_frame_to_library, keep_frame
from generations.pictures import DecoderBusyError
from generations.views.library import kept_message

_MAX_SECONDS: Final = 24 * 3600.0  # s; no video is that long


@require_POST
@login_required
def use_frame(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Keep the frame `at` seconds as the person's own picture, and go to a composer that begins, or ends, with it.

    With `slot=library` it is put into the picture library instead: see `_library_team`.

    Users who may see the video and may make one in any team may do so.
    """
    generation = visible_generation(request, pk)
    if not rights_of(request.user).teams_where_may(Action.GENERATE):
        raise PermissionDenied
    video = get_object_or_404(Video, generation=generation)
    at = _seconds(request.POST.get("at", ""))
    if at is None:
        return _refuse(request, generation.get_absolute_url(), _("Enter the frame’s time in seconds."))
    try:
        if request.POST.get("slot") == "library":
            return _keep_in_library(request, generation, at)
        upload = keep_frame(request.user, video, at)
    except InvalidArguments as error:
        return _refuse(request, generation.get_absolute_url(), error.problems[0].message)
    except (MirrorError, BucketDownError, DecoderBusyError, OrderRefusedError) as error:
        return _refuse(request, generation.get_absolute_url(), str(error))
    slot = Slot.TAIL if request.POST.get("slot") == Slot.TAIL else Slot.START
    query = {"kind": "image", "parent": generation.pk, slot: upload.pk}
    return redirect(f"{reverse('new-generation')}?{urlencode(query)}")


def _keep_in_library(request: AuthenticatedHttpRequest, generation: Generation, at: float) -> HttpResponse:
    team = _library_team(request.user, generation)
    add_frame_to_library(request.user, team, generation, at)
    messages.success(request, kept_message(team))
    return redirect(generation)


def _library_team(user: User, generation: Generation) -> Team:
    """The video's team, where it sees the video and the user may add pictures; else the user's own."""
    is_closed = generation.is_private or generation.awaits_review
    may_add = rights_of(user).may(Action.GENERATE, generation.team_id)
    return generation.team if may_add and not is_closed else user.personal_team


def _seconds(text: str) -> float | None:
    try:
        at = float(text)
    except ValueError:
        return None
    return at if 0 <= at <= _MAX_SECONDS else None


def _refuse(request: AuthenticatedHttpRequest, address: str, message: str) -> HttpResponse:
    messages.error(request, message)
    return redirect(address)
