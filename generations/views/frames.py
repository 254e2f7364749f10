"""A frame of a video becomes the start picture of the next, so that clips make a chain."""

import uuid
from typing import Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.models import Team
from accounts.roles import Action
from generations import bucket
from generations.bucket import BucketDownError
from generations.fal.arguments import InvalidArguments
from generations.mirror import Bucket, MirrorError, StoredFile, still
from generations.models import Slot, Upload, Video
from generations.pictures import DecoderBusyError, read
from generations.pipeline import OrderRefusedError, keep_picture
from generations.views.people import PersonRequest, for_people, visible_generation

_LONGEST: Final = 24 * 3600.0  # s; no video is that long


@require_POST
@never_cache
@for_people
def use_frame(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """Keep the frame `at` seconds as the person's own picture, and go to a composer that begins, or ends, with it.

    Whoever may see the video and may make one in any team may do so.
    """
    generation = visible_generation(request, pk)
    if not Team.objects.where_may(request.user, Action.GENERATE).exists():
        raise PermissionDenied
    video = get_object_or_404(Video, generation=generation)
    at = _seconds(request.POST.get("at", ""))
    if at is None:
        return _refused(request, generation.get_absolute_url(), _("Say in seconds which frame you mean."))
    try:
        upload = _kept(request, video, at)
    except InvalidArguments as error:
        return _refused(request, generation.get_absolute_url(), error.problems[0].message)
    except (MirrorError, BucketDownError, DecoderBusyError, OrderRefusedError) as error:
        return _refused(request, generation.get_absolute_url(), str(error))
    slot = Slot.TAIL if request.POST.get("slot") == Slot.TAIL else Slot.START
    return redirect(f"{reverse('new-generation')}?kind=image&{slot}={upload.pk}")


def _seconds(text: str) -> float | None:
    try:
        at = float(text)
    except ValueError:
        return None
    return at if 0 <= at <= _LONGEST else None


def _kept(request: PersonRequest, video: Video, at: float) -> Upload:
    """Decoded here and not in the browser, whose canvas gives nothing away of what another origin has sent."""
    with StoredFile(Bucket(bucket.client(), bucket.name()), video.key, video.size) as stored:
        data = still(stored, at)
    return keep_picture(request.user, read("start_file", data))


def _refused(request: PersonRequest, address: str, words: str) -> HttpResponse:
    messages.error(request, words)
    return redirect(address)
