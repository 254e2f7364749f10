"""What came of a request: the model's output, or its error, again and again the same."""

from django.conf import settings
from django.http import JsonResponse
from django.utils.translation import gettext as _

from api.authentication import Caller
from api.fal import responses
from api.fal.outcome import failure_of
from api.fal.requests import find_request
from api.fal.responses import Answer
from api.fal.status import QueueStatus, queue_status
from api.results import NoAddressError, result_url
from generations.models import Generation, Status

IN_PROGRESS = "Request is still in progress"  # clients wait for exactly these words


def result_of(caller: Caller, pk: str) -> JsonResponse:
    """Raises RefusedError for a request that the caller may not know of."""
    row = find_request(caller, pk)
    return result_answer(row).response(str(row.pk))


def result_answer(row: Generation) -> Answer:
    """For whoever asks, also for a webhook: the address of the video is shared by the key's person."""
    if queue_status(row) is not QueueStatus.COMPLETED:
        return responses.sentence(400, IN_PROGRESS)
    if row.status != Status.DONE:
        return failure_of(row).answer
    try:
        return Answer(200, {"video": _file(row)}, {responses.BILLABLE_UNITS: _units(row)})
    except NoAddressError as error:
        page = f"{settings.SITE_URL}{row.get_absolute_url()}"
        words = _("%(why)s It is in the gallery: %(page)s") % {"why": error, "page": page}
        return responses.sentence(410 if error.has_ended else 403, words)


def _file(row: Generation) -> dict[str, str | int]:
    video = row.video
    name = f"output{video.extension}"
    return {
        "url": result_url(row),
        "content_type": video.content_type,
        "file_name": name,
        "file_size": video.size,
    }


def _units(row: Generation) -> str:
    """What fal has billed, or else the seconds of video."""
    return f"{row.billable_units:f}" if row.billable_units is not None else str(row.duration)
