"""What receivers of webhooks read without any sign-in: our public keys, and posters for a chat."""

from io import BytesIO
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from PIL import Image

from api.webhooks import fal_form
from api.webhooks import poster as posters
from generations import bucket

_QUALITY: Final = 85


@require_safe
@cache_control(public=True, max_age=3600)
def jwks(request: HttpRequest) -> HttpResponse:
    return JsonResponse(fal_form.jwks())


@require_safe
@cache_control(private=True, no_cache=True)
def poster(request: HttpRequest, token: str) -> HttpResponse:
    """As JPEG: Slack and Teams take no WebP."""
    video = posters.find(token)
    if video is None:
        raise Http404("No such picture.")
    try:
        content = _jpeg(bucket.get(video.poster_key))
    except (BotoCoreError, ClientError):
        raise Http404("The picture is not there.") from None
    return HttpResponse(content, content_type="image/jpeg")


def _jpeg(webp: bytes) -> bytes:
    buffer = BytesIO()
    with Image.open(BytesIO(webp), formats=["WEBP"]) as picture:
        picture.convert("RGB").save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
