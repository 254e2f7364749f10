"""Compare our billing records with fal's, day by day, when an admin key is set."""

import logging
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.db.models import F, Min, Q
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from generations.fal.arguments import Endpoint
from generations.fal.client import FalClient
from generations.fal.errors import FalError
from generations.fal_account import fal_config
from generations.models import TERMINAL, Generation, Status, UsageDay

logger = logging.getLogger(__name__)

LOOK_BACK: Final = 7  # days: figures of either side can come late

DailyUsage = dict[date, dict[str, Any]]  # columns of UsageDay


def reconcile() -> int:
    """Compare the last days that are over; how many of them differ. Does nothing without FAL_ADMIN_KEY."""
    if not settings.FAL_ADMIN_KEY:
        return 0
    today = timezone.now().astimezone(UTC).date()
    days = [today - timedelta(days=back) for back in range(LOOK_BACK, 0, -1)]
    ours = _our_usage(days)
    try:
        theirs = _fal_usage(days)
    except FalError as error:
        logger.warning("fal's usage can't be read: %s", error)
        _save_day(days[-1], {**ours[days[-1]], "problem": str(error)})
        return 0
    for day in days:
        _save_day(day, {**ours[day], **theirs[day], "problem": ""})
    return UsageDay.objects.filter(day__in=days).exclude(fal_cents=F("our_cents")).count()


def _our_usage(days: list[date]) -> DailyUsage:
    """Charged requests, by the day on which fal was done with them."""
    made = Min("events__at", filter=Q(events__status=Status.MIRRORING))
    begin = datetime.combine(days[0], time(), UTC)
    rows = Generation.objects.filter(request_id__isnull=False, cost_cents__gt=0).order_by()
    # however long they waited before they were sent: for an approval, in a paused queue, for fal's balance
    over = rows.filter(Q(status__in=TERMINAL, finished_at__gte=begin) | Q(status=Status.MIRRORING))
    ended = over.annotate(day=TruncDate(Coalesce(made, "finished_at"), tzinfo=UTC))
    usage_by_day: DailyUsage = {day: {"our_videos": 0, "our_cents": 0, "our_units": Decimal()} for day in days}
    for day, cents, units in ended.values_list("day", "cost_cents", "billable_units"):
        if usage := usage_by_day.get(day):
            usage["our_videos"] += 1
            usage["our_cents"] += cents
            usage["our_units"] += units or 0
    return usage_by_day


def _fal_usage(days: list[date]) -> DailyUsage:
    """What fal charged for our endpoints. Raises FalError."""
    begin, end = (datetime.combine(day, time(), UTC) for day in (days[0], days[-1] + timedelta(days=1)))
    usage_by_day: DailyUsage = {day: {"fal_units": Decimal(), "fal_cents": Decimal()} for day in days}
    with FalClient(replace(fal_config(), key=settings.FAL_ADMIN_KEY)) as client:
        for share in client.usage(list(Endpoint), start=begin, end=end):
            if usage := usage_by_day.get(share.day):
                usage["fal_units"] += share.quantity
                usage["fal_cents"] += share.cost * 100
    for usage in usage_by_day.values():
        usage["fal_cents"] = round(usage["fal_cents"])
    return usage_by_day


def _save_day(day: date, columns: dict[str, Any]) -> None:
    UsageDay.objects.update_or_create(day=day, defaults=columns)
