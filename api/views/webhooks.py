"""A team's webhooks, for those who manage it: endpoints, their secrets, and the log of what was sent."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Count, Max, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import TeamAccess, team_access
from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.roles import Action
from api.models import WebhookEndpoint, WebhookFormat
from api.models.webhook import WebhookDeliveryQuerySet
from api.webhook_forms import ReplayForm, WebhookForm
from api.webhooks import health
from api.webhooks.collect import send_test

PAGE_SIZE: Final = 50
_DAY: Final = timedelta(days=1)


@require_safe
@login_required
def webhooks(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """All of the team's endpoints, with how they do."""
    access = _access(request, slug)
    told = Q(deliveries__made_at__gt=timezone.now() - _DAY)
    rows = WebhookEndpoint.objects.filter(team=access.team).annotate(
        last_delivered_at=Max("deliveries__delivered_at"),
        day_count=Count("deliveries", filter=told),
        day_failed=Count("deliveries", filter=told & Q(deliveries__failed_at__isnull=False)),
    )
    endpoints = list(rows.order_by("made_at", "pk"))
    context = {
        "team": access.team,
        "endpoints": [one for one in endpoints if one.format != WebhookFormat.FAL],
        "of_fal": [one for one in endpoints if one.format == WebhookFormat.FAL],
    }
    return render(request, "api/webhooks.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    access = _access(request, slug)
    is_sent = request.method == "POST"
    form = WebhookForm(request.POST if is_sent else None, team=access.team)
    if is_sent and form.is_valid():
        form.instance.team, form.instance.made_by = access.team, request.user
        endpoint = form.save()
        _show_secret(request, endpoint, _("Webhook created."))
        return redirect("webhook", slug, endpoint.pk)
    context = {"team": access.team, "form": form}
    return render(request, "api/webhook_form.html", context, status=422 if is_sent else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: AuthenticatedHttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    access = _access(request, slug)
    endpoint = get_object_or_404(WebhookEndpoint.objects.own(), pk=pk, team=access.team)
    is_sent = request.method == "POST"
    form = WebhookForm(request.POST if is_sent else None, instance=endpoint, team=access.team)
    if is_sent and form.is_valid():
        form.instance.save(update_fields=form.Meta.fields)
        messages.success(request, _("Saved."))
        return redirect("webhook", slug, pk)
    context = {"team": access.team, "form": form, "endpoint": endpoint}
    return render(request, "api/webhook_form.html", context, status=422 if is_sent else 200)


@require_safe
@login_required
def webhook(request: AuthenticatedHttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """One endpoint and its log, a page at a time: `before` is the cursor of a delivery, `failed` shows those alone."""
    access = _access(request, slug)
    return _page(request, access, _endpoint(access, pk))


def _page(
    request: AuthenticatedHttpRequest, access: TeamAccess, endpoint: WebhookEndpoint, replay: ReplayForm | None = None
) -> HttpResponse:
    rows: WebhookDeliveryQuerySet = endpoint.deliveries.all()
    is_failed = "failed" in request.GET
    if is_failed:
        rows = rows.filter(failed_at__isnull=False)
    if before := request.GET.get("before"):
        rows = rows.filter(_before(before))
    shown = list(rows.annotate(answered=Max("attempts__number")).order_by("-made_at", "-pk")[: PAGE_SIZE + 1])
    context = {
        "team": access.team,
        "endpoint": endpoint,
        "is_of_fal": endpoint.format == WebhookFormat.FAL,
        "events": [label for value, label in WebhookForm.base_fields["events"].choices if value in endpoint.events],  # type: ignore[attr-defined]
        "deliveries": shown[:PAGE_SIZE],
        "older": shown[PAGE_SIZE - 1].cursor if len(shown) > PAGE_SIZE else "",
        "is_failed": is_failed,
        "before": before,
        "replay": replay or ReplayForm(initial={"since": timezone.now() - _DAY, "until": timezone.now()}),
        "days": health.DISABLE_AFTER.days,
        "is_rotating": len(endpoint.secrets(timezone.now())) > 1,
    }
    return render(request, "api/webhook.html", context, status=422 if replay else 200)


@require_POST
@login_required
def act(request: AuthenticatedHttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """`verb` is `test`, `rotate`, `enable`, `disable`, `replay` or `delete`."""
    access = _access(request, slug)
    endpoint = _endpoint(access, pk)
    match request.POST.get("verb"):
        case "replay":
            return _replay_range(request, access, endpoint)
        case "test" if endpoint.format != WebhookFormat.FAL:
            _send_test(request, endpoint)
        case "rotate" if endpoint.format == WebhookFormat.STANDARD:
            endpoint.rotate()
            _show_secret(request, endpoint, _("New secret. The previous one works for 24 more hours."))
        case "enable" if endpoint.format != WebhookFormat.FAL:
            endpoint.enable()
            messages.success(request, _("Switched on. What happens from now on is sent."))
        case "disable" if endpoint.format != WebhookFormat.FAL:
            endpoint.disable(_("Switched off by hand."), is_told=True)
            messages.success(request, _("Switched off. Nothing is sent."))
        case "delete" if endpoint.format != WebhookFormat.FAL:
            endpoint.delete()
            messages.success(request, _("Webhook deleted."))
            return redirect("webhooks", slug)
        case _:
            raise BadRequest("No such verb.")
    return redirect("webhook", slug, pk)


def _send_test(request: AuthenticatedHttpRequest, endpoint: WebhookEndpoint) -> None:
    if endpoint.disabled_at:
        messages.error(request, _("This webhook is off. Switch it on first."))
        return
    send_test(endpoint)
    messages.success(request, _("Test queued. Its answer appears below in a few seconds; reload to see it."))


def _replay_range(request: AuthenticatedHttpRequest, access: TeamAccess, endpoint: WebhookEndpoint) -> HttpResponse:
    form = ReplayForm(request.POST)
    if not form.is_valid():
        return _page(request, access, endpoint, form)
    rows = endpoint.deliveries.filter(made_at__gte=form.cleaned_data["since"], made_at__lt=form.cleaned_data["until"])
    if form.cleaned_data["failed_only"]:
        rows = rows.filter(failed_at__isnull=False)
    _replay(request, endpoint, rows)
    return redirect("webhook", access.team.slug, endpoint.pk)


def _replay(request: AuthenticatedHttpRequest, endpoint: WebhookEndpoint, rows: WebhookDeliveryQuerySet) -> None:
    if endpoint.disabled_at:
        messages.error(request, _("This webhook is off. Switch it on first."))
        return
    count = rows.replay()
    messages.success(
        request, _("1 delivery is sent again.") if count == 1 else _("%d deliveries are sent again.") % count
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delivery(request: AuthenticatedHttpRequest, slug: str, pk: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    """What was sent and each answer; a POST sends it again."""
    access = _access(request, slug)
    endpoint = _endpoint(access, pk)
    row = get_object_or_404(endpoint.deliveries.all(), pk=message)
    if request.method == "POST":
        _replay(request, endpoint, endpoint.deliveries.filter(pk=row.pk))
        return redirect("webhook-delivery", slug, pk, message)
    body = json.dumps(json.loads(row.body), indent=2, ensure_ascii=False) if row.body else ""
    context = {
        "team": access.team,
        "endpoint": endpoint,
        "delivery": row,
        "body": body,
        "attempts": row.attempts.order_by("-number")[:PAGE_SIZE],
        "retention": health.BODY_RETENTION.days,
    }
    return render(request, "api/webhook_delivery.html", context)


def _access(request: AuthenticatedHttpRequest, slug: str) -> TeamAccess:
    access = team_access(request, slug)
    access.require(Action.MANAGE)
    return access


def _endpoint(access: TeamAccess, pk: uuid.UUID) -> WebhookEndpoint:
    return get_object_or_404(WebhookEndpoint, pk=pk, team=access.team)


def _show_secret(request: AuthenticatedHttpRequest, endpoint: WebhookEndpoint, label: str) -> None:
    """Only now: a page that shows it at any time shows it to whoever passes."""
    if endpoint.format != WebhookFormat.STANDARD:
        messages.success(request, label)
        return
    context: dict[str, Any] = {"label": label, "secret": endpoint.secret}
    messages.success(request, render_to_string("api/_secret.html", context))


def _before(cursor: str) -> Q:
    """Older than this one. Raises Http404 for what is no cursor."""
    moment, _underscore, pk = cursor.partition("_")
    try:
        at, key = parse_datetime(moment), uuid.UUID(pk)
    except ValueError:
        raise Http404 from None
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise Http404
    return Q(made_at__lte=at) & ~Q(made_at=at, pk__gte=key)
