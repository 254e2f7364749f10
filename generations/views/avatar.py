"""Set, change and remove a user's picture."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import User
from config.server.limits import PICTURE_BYTES, body_limit
from generations import bucket, tasks
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError
from generations.fal.arguments import MAX_PICTURE_BYTES, InvalidArguments
from generations.models import StorageDeletion
from generations.orders.rate_limits import refuse_too_many_pictures
from generations.pictures import DecoderBusyError, square

_SIDE: Final = 256  # pixels


class PictureForm(forms.Form):
    picture = forms.FileField(
        label=gettext_lazy("Picture"),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,image/heic"}),
        allow_empty_file=True,
        help_text=gettext_lazy("JPEG, PNG, WebP or HEIC of at most 10 MB. The square in the middle is shown."),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_picture(self) -> bytes:
        """The square itself."""
        file: UploadedFile[Any] = self.cleaned_data["picture"]
        if (file.size or 0) > MAX_PICTURE_BYTES:
            raise forms.ValidationError(_("The picture may be at most 10 MB."))
        try:
            refuse_too_many_pictures(self.user)
            return square("picture", file.read(), _SIDE)
        except OrderRefusedError as error:
            raise forms.ValidationError(str(error)) from error
        except InvalidArguments as error:
            raise forms.ValidationError([problem.message for problem in error.problems]) from error
        except DecoderBusyError as error:
            raise forms.ValidationError(str(error)) from error


@body_limit(PICTURE_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def change(request: AuthenticatedHttpRequest) -> HttpResponse:
    if "remove" in request.POST:
        return _set_avatar(request, "")
    form = PictureForm(request.user, *((request.POST, request.FILES) if request.method == "POST" else ()))
    if form.is_valid():
        try:
            return _set_avatar(request, bucket.put_webp(f"avatars/{request.user.pk}", form.cleaned_data["picture"]))
        except BucketDownError as error:
            form.add_error("picture", str(error))
    return render(request, "account/picture.html", {"form": form}, status=422 if form.is_bound else 200)


def _set_avatar(request: AuthenticatedHttpRequest, key: str) -> HttpResponse:
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=request.user.pk)
        User.objects.filter(pk=user.pk).update(avatar_key=key)
        if user.avatar_key not in {"", key}:
            StorageDeletion.objects.enqueue([user.avatar_key])
            tasks.wake_cleaner()
    messages.success(request, _("Saved."))
    return redirect("account-settings")
