"""Another try of what ended without a video."""

import uuid
from typing import Final

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.roles import Action
from generations import tasks
from generations.bucket import BucketDownError
from generations.models import Status
from generations.pipeline import OrderRefusedError, place_retry
from generations.views.people import PersonRequest, allowed_generation, for_people, onward

RETRIED: Final = frozenset({Status.FAILED, Status.CANCELED, Status.REJECTED})


@require_POST
@never_cache
@for_people
def retry(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One form, one video: the key drawn with the form makes a double click harmless."""
    generation = allowed_generation(request, pk, Action.GENERATE)
    if generation.status not in RETRIED:
        messages.warning(request, _("There is nothing to try again: it did not fail."))
        return onward(request, generation.get_absolute_url())
    try:
        form_key = uuid.UUID(request.POST.get("form_key", ""))
    except ValueError:
        raise SuspiciousOperation("A retry without a form key") from None
    try:
        again = place_retry(generation, request.user, form_key)
    except (BucketDownError, OrderRefusedError) as error:
        messages.error(request, str(error))
        return onward(request, generation.get_absolute_url())
    tasks.wake()
    return onward(request, again.get_absolute_url())
