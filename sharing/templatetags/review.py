"""What people write and when in a video they mean it, as pages show it."""

from typing import Final

from django import template
from django.template.defaultfilters import linebreaksbr
from django.utils.html import urlize
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_REL: Final = "nofollow noopener noreferrer ugc"


@register.filter
def plain_text(text: str) -> SafeString:
    """Escaped, with its line breaks, and its addresses as links that vouch for nothing. No markup."""
    linked = str(urlize(text, nofollow=True, autoescape=True)).replace('rel="nofollow"', f'rel="{_REL}"')
    return linebreaksbr(mark_safe(linked))  # noqa: S308  # urlize has escaped it


@register.filter
def moment(seconds: float) -> str:
    """`0:03.2`: minutes, seconds and tenths."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 // 10:02}.{tenths % 10}"
