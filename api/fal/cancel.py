"""Cancel a request, as far as that still can be done."""

from typing import Final

from django.http import JsonResponse

from api.authentication import Caller
from api.fal.requests import find_request
from api.fal.responses import Answer
from generations import tasks
from generations.orders.cancel import request_cancel

_TOO_LATE: Final = Answer(400, {"status": "ALREADY_COMPLETED"})


def cancel(caller: Caller, pk: str) -> JsonResponse:
    """202 for one that may still end without a video, 400 for one that has ended. Raises RefusedError."""
    row = find_request(caller, pk)
    is_taken = bool(row.cancel_requested_at) or request_cancel(row, caller.user)
    tasks.wake()
    is_accepted = is_taken or row.is_open
    answer = Answer(202, {"status": "CANCELLATION_REQUESTED"}) if is_accepted else _TOO_LATE
    return answer.response(str(row.pk))
