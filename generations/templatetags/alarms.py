"""Alarms on the admin's first page: what machines alone cannot get past."""

from datetime import timedelta
from typing import Any, Final

from django import template
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from generations import bucket_check, tasks
from generations.fal.arguments import Endpoint
from generations.models import Generation, UsageDay
from generations.models.price import endpoint_name
from generations.moderation import dashboard
from generations.pipeline import manual_resolution

register = template.Library()

_RECENT: Final = timedelta(days=8)  # of days that differ from fal's records


@register.simple_tag(takes_context=True)
def alarms(context: dict[str, Any]) -> dict[str, Any]:
    """How many of each kind, what is wrong with the bucket, and which endpoints fal will end.

    Empty when all is well, and for staff who may not see generations.
    """
    user = context["user"]
    if not isinstance(user, User) or not user.has_perm("generations.view_generation"):
        return {}
    found: dict[str, Any] = {
        "bucket_problem": bucket_check.known_problem(),
        "needs_a_person": Generation.objects.filter(manual_resolution.NEEDS_ATTENTION).count(),
        "not_copied": manual_resolution.overdue_copies().count(),
        "differing_days": UsageDay.objects.exclude(fal_cents=F("our_cents"))
        .filter(day__gte=timezone.now() - _RECENT)
        .count(),
        "ending": [(endpoint_name(one), one.terms) for one in Endpoint.ending(timezone.localdate())],
    }
    return found if any(found.values()) else {}


@register.simple_tag(takes_context=True)
def studio_overview(context: dict[str, Any]) -> dict[str, Any]:
    """The parts of the first page that these staff may see; empty when they may see none."""
    user = context["user"]
    parts: dict[str, Any] = {}
    if not isinstance(user, User):
        return {}
    if user.has_perm("generations.view_case"):
        parts |= {
            "waiting": dashboard.open_cases(),
            "decided": dashboard.decisions_today(),
            "figures": dashboard.figures(),
        }
    if user.has_perm("generations.view_generation"):
        parts |= {"hours": dashboard.orders_by_hour(), "failures": dashboard.failures(), "spend": dashboard.spend()}
        parts |= {"health": dashboard.health(), "workers": tasks.workers()}
    return parts
