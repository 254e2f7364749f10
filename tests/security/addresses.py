"""Every address of the studio, from the resolver, with values in the places of its arguments."""

import inspect
import re
import sys
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from django import forms
from django.urls import URLPattern, URLResolver, get_resolver

_ARGUMENT: Final = re.compile(r"<(?:\w+:)?(\w+)>")
# request.GET.get("x"), request.POST["x"], "x" in request.POST
_READ: Final = re.compile(
    r"""(?:GET|POST)(?:\.get(?:list)?\(|\[)\s*["']([\w-]+)["']|["']([\w-]+)["'] (?:not )?in request\."""
)
VALUES: Final[defaultdict[str, Any]] = defaultdict(
    lambda: "x",
    pk=uuid.UUID(int=7),
    key=uuid.UUID(int=8),
    comment=uuid.UUID(int=9),
    slug="film",
    slot="start",
    app_label="accounts",
    url="nowhere/",
    provider_id="oidc",
    app="fal-ai/kling-video",
    endpoint="fal-ai/kling-video/v2.5-turbo/pro/text-to-video",
    **dict.fromkeys(("object_id", "content_type_id", "id", "uidb36"), 1),
    **dict.fromkeys(("queue_index", "scheduler_index", "connection_index"), 0),
)


@dataclass(frozen=True)
class Address:
    """One pattern of the resolver. `route` is the whole of it, with the converters of its arguments."""

    route: str
    name: str
    view: Callable[..., Any]

    def path(self, values: Mapping[str, Any] = VALUES) -> str:
        """With each argument's value in its place; a `pk` that is a number is `id` there."""
        route = self.route.replace("<int:pk>", "<id>")
        return "/" + _ARGUMENT.sub(lambda found: str(values[found[1]]), route)

    def parameters(self) -> set[str]:
        """What the view's module and its neighbours read from a request, and the fields of the forms that it knows."""
        module = inspect.getmodule(inspect.unwrap(self.view))
        if module is None:
            return set()
        read = "".join(map(inspect.getsource, {module, *_neighbours(module)}))
        names = {name for pair in _READ.findall(read) for name in pair if name}
        for known in vars(module).values():
            if isinstance(known, type) and issubclass(known, forms.BaseForm):
                names |= set(getattr(known, "base_fields", {}))
        return names


def _neighbours(module: ModuleType) -> Iterator[ModuleType]:
    """The modules of its package whose functions it has."""
    for known in vars(module).values():
        if inspect.isfunction(known) and known.__module__.rpartition(".")[0] == module.__package__:
            yield sys.modules[known.__module__]


def addresses() -> Iterator[Address]:
    """Each pattern, those of the admin, of allauth and of RQ's pages included."""
    yield from _under(get_resolver(), "")


def every_address() -> list[str]:
    """Each path once, with values that lead to little."""
    return sorted({address.path() for address in addresses()})


def _under(resolver: URLResolver, before: str) -> Iterator[Address]:
    for pattern in resolver.url_patterns:
        route = before + _plain(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _under(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield Address(route, pattern.name or route, pattern.callback)


def _plain(route: str) -> str:
    """A regular expression as a route: its named groups are arguments."""
    route = re.sub(r"\(\?P<(\w+)>[^()]*\)\??", r"<\1>", route)
    return route.replace("/?$", "").strip("^$").replace(r"\Z", "").replace("\\", "")
