"""The name of a browser and its system, as people know them, from the User-Agent header."""

import re
from typing import Final

from django.utils.translation import gettext as _
from ua_parser import parse

_SYSTEMS: Final = {"Mac OS X": "macOS", "Chrome OS": "ChromeOS"}
_VARIANTS: Final = re.compile(r"(?<=\w) (?:Mobile|iOS|WebView)\b|\b(?:Mobile (?=\w)|Headless(?=\w))")


def browser_name(user_agent: str) -> str:
    """Such as “Firefox on Windows”: the system says already that it is a phone's browser."""
    found = parse(user_agent)
    browser = _VARIANTS.sub("", found.user_agent.family) if found.user_agent else ""
    system = _SYSTEMS.get(found.os.family, found.os.family) if found.os else ""
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or (_("A browser on %s") % system if system else _("An unknown browser"))
