"""Typed readers of the environment. What is missing or wrong is named, all at once, when the studio starts."""

from typing import Any, Final, cast
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError, ValidationError

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def origin(url: str) -> str:
    """`https://host:port` of an address; raises ValidationError when it is no http(s) address."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValidationError("must be an address such as https://example.com")
    return f"{parts.scheme}://{parts.netloc}"


def address(url: str) -> None:
    """Validates an http(s) address."""
    origin(url)


def public_origin(url: str) -> None:
    """Validates PUBLIC_URL: an https origin, plain http only for this machine."""
    if url and urlsplit(origin(url)).scheme != "https" and urlsplit(url).hostname not in LOOPBACK:
        raise ValidationError("must start with https://")
    if url and urlsplit(url).path.strip("/"):
        raise ValidationError("must have no path")


class Environment(Env):
    """environs' reader that gathers every problem; `finish` raises them as one ImproperlyConfigured."""

    def __init__(self) -> None:
        super().__init__(eager=False)

    def needed(self, name: str, *, unless: bool, default: str) -> str:
        """A text that may have a default only in development."""
        return str(self.str(name, default) if unless else self.str(name, validate=_not_empty))

    def finish(self) -> None:
        try:
            self.seal()
        except EnvValidationError as error:
            lines = [
                f"  {name}: {' '.join(problems)}"
                for name, problems in cast("dict[str, list[str]]", error.error_messages).items()
            ]
            raise ImproperlyConfigured("\n".join(["The environment is not complete:", *lines])) from None


def _not_empty(value: Any) -> None:
    if not str(value).strip():
        raise ValidationError("must not be empty")
