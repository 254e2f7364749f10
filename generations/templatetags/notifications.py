"""The bell in the header."""

from typing import Any

from django import template

from accounts.models import User
from generations.notifications.bell import Unread, unread

register = template.Library()


@register.simple_tag(takes_context=True)
def unread_notifications(context: dict[str, Any]) -> Unread | None:
    """One query. None for strangers, and for whom nothing but the way in is open."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if not isinstance(user, User) or user.is_suspended or getattr(request, "must_set_up_second_factor", False):
        return None
    return unread(user)
