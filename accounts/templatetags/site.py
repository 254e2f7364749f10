"""What this site is called, and what its browsers are."""

from django import template
from django.conf import settings
from django.http import HttpRequest

from accounts import passkeys, user_agents

register = template.Library()
register.filter(user_agents.browser_name)


@register.simple_tag
def site_name() -> str:
    """A tag, because the page of a server error has no context."""
    return str(settings.SITE_NAME)


@register.simple_tag
def passkey_problem(request: HttpRequest) -> str:
    return passkeys.problem(request)
