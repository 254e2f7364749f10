"""What the admin's first page says when machines alone can't go on."""

from datetime import timedelta
from typing import Any, Final

from django import template
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from generations import bucket_trial, tasks
from generations.models import Generation, UsageDay
from generations.moderation import overview
from generations.pipeline import settling

register = template.Library()

_NEWS: Final = timedelta(days=8)  # of days beside fal's books


@register.simple_tag(takes_context=True)
def alarms(context: dict[str, Any]) -> dict[str, int | str]:
    """How many of each kind, and what is wrong with the bucket.

    Empty when all is well, and for staff who may not see generations.
    """
    user = context["user"]
    if not isinstance(user, User) or not user.has_perm("generations.view_generation"):
        return {}
    found: dict[str, int | str] = {
        "bucket_problem": bucket_trial.known_problem(),
        "needs_a_person": Generation.objects.filter(settling.NEEDS_A_PERSON).count(),
        "not_copied": settling.not_copied_for_long().count(),
        "drifting": UsageDay.objects.filter(day__gte=timezone.now() - _NEWS).exclude(fal_cents=F("our_cents")).count(),
    }
    return found if any(found.values()) else {}


@register.simple_tag(takes_context=True)
def studio_overview(context: dict[str, Any]) -> dict[str, Any]:
    """The parts of the first page that this member of the staff may see; empty for who may see none."""
    user = context["user"]
    parts: dict[str, Any] = {}
    if not isinstance(user, User):
        return {}
    if user.has_perm("generations.view_case"):
        parts |= {"waiting": overview.waiting(), "decided": overview.decided_today()}
    if user.has_perm("generations.view_generation"):
        parts |= {"hours": overview.by_hour(), "failures": overview.failures(), "spend": overview.spend()}
        parts |= {"health": overview.health(), "workers": tasks.workers()}
    return parts
