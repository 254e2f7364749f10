"""Retry a generation that ended without a video."""

import uuid

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.http import AuthenticatedHttpRequest, login_required, redirect_back
from accounts.roles import Action
from generations import tasks
from generations.access import allowed_generation
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError
from generations.models import RETRYABLE
from generations.orders.place import place_retry


@require_POST
@login_required
def retry(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One form, one video: the key drawn with the form makes a double click harmless."""
    generation = allowed_generation(request, pk, Action.GENERATE)
    if generation.status not in RETRYABLE:
        messages.warning(request, _("Nothing to retry: it did not fail."))
        return redirect_back(request, generation.get_absolute_url())
    try:
        idempotency_key = uuid.UUID(request.POST.get("idempotency_key", ""))
    except ValueError:
        raise SuspiciousOperation("A retry without a form key") from None
    try:
        again = place_retry(generation, request.user, idempotency_key)
    except (BucketDownError, OrderRefusedError) as error:
        messages.error(request, str(error))
        return redirect_back(request, generation.get_absolute_url())
    tasks.wake()
    return redirect_back(request, again.get_absolute_url())
