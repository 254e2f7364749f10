"""What the admin's first page says when machines alone can't go on."""

from typing import Any

from django import template

from accounts.models import User
from generations.models import Generation
from generations.pipeline import settling

register = template.Library()


@register.simple_tag(takes_context=True)
def alarms(context: dict[str, Any]) -> dict[str, int]:
    """How many of each kind; empty when all is well, and for staff who may not see generations."""
    user = context["user"]
    if not isinstance(user, User) or not user.has_perm("generations.view_generation"):
        return {}
    found = {
        "needs_a_person": Generation.objects.filter(settling.NEEDS_A_PERSON).count(),
        "not_copied": settling.not_copied_for_long().count(),
    }
    return found if any(found.values()) else {}
