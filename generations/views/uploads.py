"""Upload a picture before the composer's form, so that its progress shows and the form need not carry it."""

from typing import Final

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.rights import rights_of
from accounts.roles import Action
from config.server.limits import PICTURE_BYTES, body_limit
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError, TooManyPicturesError
from generations.fal.arguments import InvalidArguments
from generations.forms import read_file
from generations.models import Upload
from generations.orders.place import save_upload
from generations.orders.rate_limits import refuse_too_many_pictures
from generations.pictures import DecoderBusyError

REFUSALS: Final = (InvalidArguments, OrderRefusedError, BucketDownError, DecoderBusyError)  # of a picture


@body_limit(PICTURE_BYTES)
@require_POST
@login_required
def new_upload(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The file `picture` → `{id, width, height, url, changes}`; what is wrong with it → `{errors: [sentence, …]}`."""
    if not rights_of(request.user).teams_where_may(Action.GENERATE):
        raise PermissionDenied
    file = request.FILES.get("picture")
    if file is None:
        return refusal([_("Choose a picture.")], 422)
    try:
        return upload_response(_save_picture(request, file))
    except REFUSALS as error:
        return refusal(*refusal_of(error))


def _save_picture(request: AuthenticatedHttpRequest, file: "UploadedFile[bytes]") -> Upload:
    refuse_too_many_pictures(request.user)
    return save_upload(request.user, read_file("picture", file))


def upload_response(upload: Upload) -> HttpResponse:
    address = reverse("upload", args=[upload.pk])
    values = {"id": str(upload.pk), "width": upload.width, "height": upload.height, "url": address}
    values["changes"] = upload.changes_text
    return JsonResponse(values, status=201)


def refusal_of(error: Exception) -> tuple[list[str], int]:
    """The sentences and the status for one of REFUSALS."""
    match error:
        case InvalidArguments():
            return [problem.message for problem in error.problems], 422
        case TooManyPicturesError():
            return [str(error)], 429
        case OrderRefusedError():
            return [str(error)], 422
        case _:
            return [str(error)], 503


def refusal(errors: list[str], status: int) -> HttpResponse:
    headers = {"Retry-After": "60"} if status == 429 else None
    return JsonResponse({"errors": errors}, status=status, headers=headers)
