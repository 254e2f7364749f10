"""fal's way of uploading a file before a request: ask where to put it, put it there, name its address.

The address of the file leads nowhere by itself: `api.fal.pictures` knows it, so that nothing is fetched over HTTP.
"""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Membership
from accounts.roles import Action
from api.authentication import Caller
from api.fal import responses
from api.fal.pictures import file_url
from api.fal.responses import RefusedError
from api.fal.submit import refusals
from api.models import PendingUpload, Scope
from api.views.access import answered, with_key
from config.server.limits import PICTURE_BYTES, body_limit
from generations.models.picture import UPLOAD_RETENTION
from generations.orders.place import save_upload
from generations.orders.rate_limits import refuse_too_many_pictures
from generations.pictures import read

PUT_PERIOD: Final = timedelta(hours=1)
_FIELD: Final = "file"
_signer: Final = signing.TimestampSigner(salt="api.upload")


@require_POST
@with_key(Scope.GENERATE)
def initiate(request: HttpRequest, caller: Caller) -> HttpResponse:
    """`{upload_url, file_url}`. What is said of the file's type and name is not needed: the file itself tells."""
    own = PendingUpload.objects.filter(key=caller.key)
    own.filter(created_at__lt=timezone.now() - UPLOAD_RETENTION).delete()
    pending = PendingUpload.objects.create(key=caller.key)
    path = reverse("fal-upload", args=[_signer.sign(str(pending.pk))])
    return JsonResponse({"upload_url": f"{settings.SITE_URL}{path}", "file_url": file_url(pending)})


def may_put(request: HttpRequest) -> bool:
    """Whether the address was given out here; the person of the key is left behind as `request.user`."""
    try:
        pending = _find(request.path.rpartition("/")[2])
    except RefusedError:
        return False
    request.user = pending.key.user
    return True


@body_limit(PICTURE_BYTES, may_put)
@csrf_exempt
@require_http_methods(["PUT"])
def put(request: HttpRequest, token: str) -> HttpResponse:
    """The bytes of a picture, without a key: the address is the right to put them there, for an hour."""
    return answered(lambda: _put(request, token))


def _put(request: HttpRequest, token: str) -> HttpResponse:
    pending = _find(token)
    user = pending.key.user
    with refusals({}):
        refuse_too_many_pictures(user)
        upload = save_upload(user, read(_FIELD, request.body))
    PendingUpload.objects.filter(pk=pending.pk).update(upload=upload)
    return JsonResponse({})


def _find(token: str) -> PendingUpload:
    """Raises RefusedError for an address of nobody's, or of somebody who may not generate any more."""
    try:
        pk = _signer.unsign(token, max_age=PUT_PERIOD)
    except signing.BadSignature:
        raise RefusedError(responses.sentence(403, _("This address was not given out here, or has expired."))) from None
    pending = PendingUpload.objects.select_related("key__user", "key__team").filter(pk=pk).first()
    key = pending.key if pending else None
    if pending is None or key is None or not key.is_alive or not _may_generate(pending):
        raise RefusedError(responses.sentence(403, _("The key of this address may not send files any more.")))
    return pending


def _may_generate(pending: PendingUpload) -> bool:
    return Membership.objects.may(pending.key.user, Action.GENERATE, pending.key.team)
