"""The project's templates, into which what is the same on every page is written when they are read.

These are the icons, the addresses of static files and of pages without arguments, and, where there is one language,
constant texts. A page has some two hundred of them, which were half of the work for it.
"""

import re
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.template import Origin
from django.template.loaders import filesystem
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import escape

_ICON: Final = re.compile(r'{% include "(icons/\w+\.html)" %}')
_STRING: Final = r"""(?:"(?P<double>[^"{}]*)"|'(?P<single>[^'{}]*)')"""


def _tag(name: str) -> re.Pattern[str]:
    """The tag with a constant as its only argument."""
    return re.compile(rf"{{% +{name} +{_STRING} +%}}")


_CONSTANTS: Final[tuple[tuple[re.Pattern[str], Callable[[str], str]], ...]] = (
    (_tag("static"), lambda path: escape(static(path))),
    (_tag("url"), lambda name: escape(reverse(name))),
)
_TRANSLATE: Final = _tag("translate")


class Loader(filesystem.Loader):
    def get_contents(self, origin: Origin) -> str:
        """Of a file that is there; what Django raises for others."""
        text = _ICON.sub(lambda found: self._icon(found[1]), super().get_contents(origin))
        for pattern, write in _CONSTANTS:
            text = _replace(pattern, write, text)
        return text if settings.USE_I18N else _replace(_TRANSLATE, str, text)

    def _icon(self, name: str) -> str:
        origin = next(iter(self.get_template_sources(name)))
        return super().get_contents(origin)


def _replace(pattern: re.Pattern[str], write: Callable[[str], str], text: str) -> str:
    return pattern.sub(lambda found: write(found["double"] or found["single"] or ""), text)
