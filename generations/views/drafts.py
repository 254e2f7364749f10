"""Drafts of the composer: saved while users type, and whenever a press of its button can't be answered with a video.

A page of the composer carries the signed name of its user. With it a press is kept for that user, and for nobody else,
also when their session has ended or somebody else has signed in meanwhile.
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.files.uploadedfile import UploadedFile
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import User
from config.prepared_query import SAMPLE_KEY, PreparedQuery
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError
from generations.fal.arguments import InvalidArguments
from generations.forms import initial_values, read_file
from generations.models import Draft, DraftVersion, Generation, Slot, Upload
from generations.orders.place import save_upload
from generations.pictures import DecoderBusyError
from generations.prompt_fields import variable_values

MAX_CHARACTERS: Final = 250_000  # 50 lines of the longest prompts, and something
_FIELDS: Final = (
    *("kind", "quality", "prompt", "negative_prompt", "cfg_scale", "duration", "aspect_ratio", "lines", "variations"),
    *("team", "project", "seen_by", "start_link", "tail_link", "parent", "preset"),
)
_TYPED: Final = ("prompt", "start_link", "tail_link", "lines")  # empty in a fresh form
_CHOSEN: Final = ("quality", "negative_prompt", "cfg_scale", "duration", "aspect_ratio", "variations")
_OWNER_MAX_AGE: Final = timedelta(days=60)
_signer = TimestampSigner(salt="generations.draft")


def sign_owner(user: User) -> str:
    return _signer.sign(str(user.pk))


def owner_of(data: QueryDict) -> User | None:
    """For whom the page was made that sends this, as long as they may sign in."""
    try:
        pk = _signer.unsign(data.get("draft_owner", ""), max_age=_OWNER_MAX_AGE)
    except BadSignature:
        return None
    person = User.objects.filter(pk=pk, is_active=True).first()
    return None if person is None or person.is_suspended else person


def drafts_of(owner: User) -> list[Draft]:
    """The newest first."""
    return _DRAFTS.rows(owner.pk)


_DRAFTS: Final = PreparedQuery(lambda user: Draft.objects.filter(user=user).select_related("start", "tail"), SAMPLE_KEY)


def save_draft(owner: User, data: QueryDict, uploads: Mapping[Slot, Upload]) -> Draft | None:
    """The draft of what the form holds; None, and none is kept, when that is nothing or has been ordered."""
    key, values = _uuid(data.get("draft")), typed_values(data)
    if key is None or _is_too_long(values) or _is_ordered(owner, data):
        return None
    if not (uploads or _has_content(owner, values)):
        finish(owner, data)
        return None
    return Draft.objects.save_draft(owner, key, values, uploads, loaded=_loaded_version(data))


def finish(owner: User, data: QueryDict) -> None:
    """What the page had typed is ordered or gone; what another page has made of the same draft stays."""
    own = Draft.objects.get_queryset().filter(user=owner)
    if key := _uuid(data.get("draft")):
        own.filter(key=key).delete()
    if loaded := _loaded_version(data):
        own.at(loaded).delete()


def save_unsent(request: HttpRequest) -> HttpResponse | None:
    """For a press of the button that makes no video now: the way back to what was typed; None when it can't be kept."""
    owner = owner_of(request.POST)
    if owner is None or (draft := save_draft(owner, request.POST, _all_uploads(owner, request))) is None:
        return None
    back = f"{reverse('new-generation')}?draft={draft.key}"
    if request.user == owner:
        message = _("You signed in again meanwhile, so nothing was sent yet. Look at it and press again.")
        messages.warning(request, message)
        return redirect(back)
    if request.user.is_authenticated:
        message = _("That page was another account’s. Nothing was sent; what was typed there waits for that person.")
        messages.error(request, message)
        return redirect("gallery")
    messages.info(request, _("You were signed out, so nothing was sent yet. What you typed is kept: sign in to go on."))
    return redirect_to_login(back)


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep the composer's form: 200, or 204 when it holds nothing to keep.

    401: nobody is signed in here any more; 409: somebody else is; 413: it is too long.
    """
    if not isinstance(request.user, User):
        return HttpResponse(status=401)
    if owner_of(request.POST) != request.user:
        return HttpResponse(status=409)
    if _is_too_long(typed_values(request.POST)):
        return HttpResponse(status=413)
    return HttpResponse(status=200 if keep(request.user, request.POST) else 204)


def keep(owner: User, data: QueryDict) -> Draft | None:
    """`save_draft` with the pictures that the form names."""
    return save_draft(owner, data, _named_uploads(owner, data))


@require_safe
def session(request: HttpRequest) -> JsonResponse:
    """Who is signed in here now, and the token that their forms need: both may be others than when a page was made."""
    return JsonResponse({"user": request.user.pk, "token": get_token(request)})


@require_POST
@login_required
def discard(request: AuthenticatedHttpRequest, key: uuid.UUID) -> HttpResponse:
    if Draft.objects.filter(user=request.user, key=key).delete()[0]:
        messages.success(request, _("The draft is discarded."))
    return redirect(f"{reverse('new-generation')}?fresh=1")


def typed_values(data: QueryDict) -> dict[str, str]:
    """What stands in the form's fields, as it can be its `initial` later."""
    typed = {name: str(data[name]).replace("\r\n", "\n") for name in _FIELDS if name in data}
    return typed | variable_values(data)


def _is_too_long(values: Mapping[str, str]) -> bool:
    return sum(map(len, values.values())) > MAX_CHARACTERS


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None


def _loaded_version(data: QueryDict) -> DraftVersion | None:
    key, version = _uuid(data.get("draft_of")), data.get("draft_version", "")
    return DraftVersion(key, int(version)) if key and version.isdecimal() and len(version) < 9 else None


def _is_ordered(owner: User, data: QueryDict) -> bool:
    """A page's last save may come behind its press of the button."""
    idempotency_key = _uuid(data.get("idempotency_key"))
    return (
        idempotency_key is not None and Generation.objects.filter(user=owner, idempotency_key=idempotency_key).exists()
    )


def _has_content(owner: User, values: Mapping[str, str]) -> bool:
    first: dict[str, Any] = initial_values(owner)
    is_typed = any(values.get(name, "").strip() for name in _TYPED)
    return is_typed or any(name in values and values[name] != str(first[name]) for name in _CHOSEN)


def _named_uploads(owner: User, data: QueryDict) -> dict[Slot, Upload]:
    named = {Slot(slot): _uuid(data.get(f"{slot}_upload")) for slot in Slot}
    found = {slot: Upload.objects.touch(owner, pk=pk) for slot, pk in named.items() if pk}
    return {slot: upload for slot, upload in found.items() if upload}


def _all_uploads(owner: User, request: HttpRequest) -> dict[Slot, Upload]:
    """Those named, and the files that the form carried itself, as far as they are any good."""
    uploads = _named_uploads(owner, request.POST)
    for slot in map(Slot, Slot):
        file = request.FILES.get(f"{slot}_file")
        if isinstance(file, UploadedFile) and (upload := _save_file(owner, f"{slot}_file", file)):
            uploads[slot] = upload
    return uploads


def _save_file(owner: User, field: str, file: "UploadedFile[Any]") -> Upload | None:
    try:
        return save_upload(owner, read_file(field, file))
    except (InvalidArguments, OrderRefusedError, BucketDownError, DecoderBusyError):
        return None
