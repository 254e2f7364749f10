"""What receivers of webhooks read without any sign-in: our public keys, and posters for a chat."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from api.webhooks import fal_form
from api.webhooks import poster as posters
from generations.views.media import Deliverable, deliver

_POSTER_SECONDS = 300  # that a presigned address lives


@require_safe
@cache_control(public=True, max_age=3600)
def jwks(request: HttpRequest) -> HttpResponse:
    return JsonResponse(fal_form.jwks())


@require_safe
def poster(request: HttpRequest, token: str) -> HttpResponseBase:
    video = posters.find(token)
    if video is None:
        raise Http404("No such picture.")
    thing = Deliverable(video.poster_key, "image/webp", f"{video.sha256}-poster")
    return deliver(request, thing, seconds=_POSTER_SECONDS, cache="private, no-cache")
