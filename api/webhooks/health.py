"""Look after endpoints: tell their team when one fails or is off, and forget what is old or deleted."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from accounts.anonymize import teams_without_other_members
from accounts.emails import send_email
from accounts.models import Membership, User
from accounts.roles import Action
from api.models import (
    FalWebhook,
    WebhookAttempt,
    WebhookCursor,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WebhookFormat,
)
from generations.models import TERMINAL, Generation
from sharing.models import Comment, Verdict

WARN_AFTER: Final = timedelta(days=1)  # of failures
DISABLE_AFTER: Final = timedelta(days=5)
BODY_RETENTION: Final = timedelta(days=30)
ROW_RETENTION: Final = timedelta(days=90)
_BATCH_SIZE: Final = 10_000


def has_failed_for_long(endpoint: WebhookEndpoint, now: datetime) -> bool:
    """Of one that has just failed once more."""
    since = endpoint.failing_since
    return endpoint.format != WebhookFormat.FAL and since is not None and since <= now - DISABLE_AFTER


def send_mails() -> int:
    """To those who manage the team: of endpoints that have failed for a day, and of those that were switched off.

    Claimed before it is sent, so that no two workers send one; given back when no mail server takes it.
    """
    return _send_all("warned_at", _failing(), "api/mail/webhook_failing") + _send_all(
        "disabled_notified_at", _switched_off(), "api/mail/webhook_off"
    )


def _failing() -> Q:
    """A failure is a day older than another: one that fails once and is not asked again is not failing for long."""
    is_long = Q(last_failed_at__gte=F("failing_since") + WARN_AFTER)
    return is_long & Q(warned_at=None, disabled_at=None, team__closed_at=None)


def _switched_off() -> Q:
    return Q(disabled_at__isnull=False, disabled_notified_at=None, team__closed_at=None)


def _send_all(column: str, which: Q, name: str) -> int:
    mails = 0
    while endpoint := _claim(column, which):
        sent = _mail(endpoint, name)
        if not sent:
            WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**{column: None})
            break
        mails += sent
    return mails


@transaction.atomic
def _claim(column: str, which: Q) -> WebhookEndpoint | None:
    found = WebhookEndpoint.objects.own().filter(which).select_related("team").order_by("pk")
    first = found.select_for_update(skip_locked=True, of=("self",)).first()
    if first:
        WebhookEndpoint.objects.filter(pk=first.pk).update(**{column: timezone.now()})
    return first


def _mail(endpoint: WebhookEndpoint, name: str) -> int:
    url = f"{settings.SITE_URL}{reverse('webhook', args=[endpoint.team.slug, endpoint.pk])}"
    context = {"endpoint": endpoint, "team": endpoint.team, "url": url, "days": DISABLE_AFTER.days}
    people = Membership.objects.users_who_may(Action.MANAGE, endpoint.team)
    return sum(send_email(person.email, name, {**context, "person": person}) for person in people)


def delete_old() -> None:
    """Bodies after BODY_RETENTION, and those about videos that were deleted; rows after ROW_RETENTION."""
    now = timezone.now()
    old = WebhookDelivery.objects.filter(made_at__lt=now - ROW_RETENTION).order_by("made_at")
    WebhookDelivery.objects.filter(pk__in=old.values("pk")[:_BATCH_SIZE]).delete()
    FalWebhook.objects.filter(queued_at__lt=now - ROW_RETENTION).delete()
    _erase(Q(made_at__lt=now - BODY_RETENTION), _BATCH_SIZE)
    _erase(Q(generation__deleted_at__isnull=False), _BATCH_SIZE)
    WebhookEndpoint.objects.filter(team__closed_at__isnull=False).delete()
    unused = WebhookEndpoint.objects.filter(format=WebhookFormat.FAL, deliveries=None, fal_webhooks=None)
    unused.filter(made_at__lt=now - ROW_RETENTION).delete()


@transaction.atomic
def _erase(which: Q, limit: int | None = None) -> None:
    """Nothing of the message is left, nor is it sent any more."""
    found = WebhookDelivery.objects.filter(which).exclude(body="").order_by("made_at")
    keys = list(found.values_list("pk", flat=True)[:limit])
    rows = WebhookDelivery.objects.filter(pk__in=keys)
    rows.filter(due_at__isnull=False).update(due_at=None, failed_at=timezone.now())
    rows.update(body="", url="")
    WebhookAttempt.objects.filter(delivery__in=keys).update(
        response="", error="", request_headers={}, response_headers={}
    )


def erase_person(user: User) -> None:
    """Whose account is deleted: endpoints that are theirs alone, and each message that may name them."""
    WebhookEndpoint.objects.filter(team__in=teams_without_other_members(user)).delete()
    requests = Generation.objects.filter(Q(user=user) | Q(assigned_to=user)).order_by()
    receivers = WebhookEndpoint.objects.filter(
        format=WebhookFormat.FAL, fal_webhooks__generation__in=requests.values("pk")
    )
    named = list(receivers.values_list("pk", flat=True))
    FalWebhook.objects.filter(generation__in=requests.values("pk")).delete()
    WebhookEndpoint.objects.filter(pk__in=named, fal_webhooks=None).delete()
    commented = Comment.objects.filter(user=user).order_by().values("generation")
    judged = Verdict.objects.filter(user=user).order_by().values("generation")
    teams = Membership.objects.filter(user=user).order_by().values("team")
    _erase(
        Q(generation__in=requests.values("pk"))
        | Q(event=WebhookEvent.COMMENT, generation__in=commented)
        | Q(event=WebhookEvent.VERDICT, generation__in=judged)
        | Q(event=WebhookEvent.BUDGET, endpoint__team__in=teams)
    )


def forget_pending(until: datetime) -> None:
    """Of a restored database: what happened before may have been told, and nothing of it is told again."""
    now = timezone.now()
    WebhookDelivery.objects.filter(due_at__isnull=False).update(due_at=None, failed_at=now)
    ended = FalWebhook.objects.filter(queued_at=None, generation__status__in=sorted(TERMINAL))
    ended.update(queued_at=now)
    WebhookEndpoint.objects.update(lease=None, lease_until=None, not_before=None)
    WebhookCursor.objects.update(seen_until=max(now, until))
    WebhookEndpoint.objects.filter(active_since__lt=now).update(active_since=now)
