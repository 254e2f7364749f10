"""A picture that a chat loads without signing in: by a signed address, and only of what the team may share now."""

import uuid
from typing import Final

from django.conf import settings
from django.core import signing
from django.urls import reverse

from api.models import WebhookEndpoint, WebhookFormat
from api.webhooks.occurrence import is_open_to_team
from generations.models import Generation, Status, Video
from sharing.models import SharingPolicy, TeamSharing

MAX_AGE: Final = 30 * 24 * 3600  # s
_SALT: Final = "api.webhooks.poster"
_CHATS: Final = {WebhookFormat.SLACK, WebhookFormat.DISCORD, WebhookFormat.TEAMS}


def url(endpoint: WebhookEndpoint, row: Generation) -> str:
    """Nothing where there is no poster, or where the team doesn't share without asking."""
    if endpoint.format not in _CHATS or not _is_shareable(endpoint, row):
        return ""
    token = signing.dumps([str(endpoint.pk), str(row.pk)], salt=_SALT)
    return f"{settings.SITE_URL}{reverse('webhook-poster', args=[token])}"


def find(token: str) -> Video | None:
    """The video whose poster this address shows, as long as its endpoint is on and the team shares the video."""
    try:
        endpoint_id, generation_id = signing.loads(token, salt=_SALT, max_age=MAX_AGE)
        endpoint = WebhookEndpoint.objects.active().select_related("team__sharing").get(pk=uuid.UUID(endpoint_id))
        row = Generation.objects.select_related("video").get(pk=uuid.UUID(generation_id), team=endpoint.team_id)
    except (signing.BadSignature, WebhookEndpoint.DoesNotExist, Generation.DoesNotExist):
        return None
    return row.video if _is_shareable(endpoint, row) else None


def _is_shareable(endpoint: WebhookEndpoint, row: Generation) -> bool:
    policy = TeamSharing.objects.of(endpoint.team).policy
    return policy == SharingPolicy.ALLOWED and row.status == Status.DONE and is_open_to_team(row)
