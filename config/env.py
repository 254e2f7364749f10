"""Typed readers of environment variables. At start, all that are missing or wrong are named at once."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError, ValidationError, validate

from config.origins import OriginError, parse_origin


def origin(url: str) -> str:
    """`https://host:port` of an address; raises ValidationError when it is no http(s) address."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a host in brackets that is no IPv6 address, or of the port
        is_address = False
    if not is_address:
        raise ValidationError("must be an address such as https://example.com")
    return f"{parts.scheme}://{parts.netloc}"


def groups_or_blank(text: str) -> None:
    """`group=team:role` as often as one likes, with commas between."""
    for part in filter(None, (part.strip() for part in text.split(","))):
        if not re.fullmatch(r".+=[-\w]+:(owner|admin|member|viewer)", part):
            raise ValidationError("must be like film-leads=film:admin, film=film:member: group, team's slug, role")


def address(url: str) -> None:
    """Validates an http(s) address."""
    origin(url)


def address_or_blank(url: str) -> None:
    """Validates an http(s) address that may be left out."""
    if url:
        origin(url)


_APPLICATION: Final = "kling-studio"  # what pg_stat_activity shows, and a restore looks for
# A host that is cut off tells nobody. Within about a minute we let go of a PostgreSQL that is gone, and it lets go of a
# session of ours, with the locks that it held: by default that takes a quarter of an hour, or two.
_KEEPALIVE: Final = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # ms
}
_SERVER_KEEPALIVE: Final = " ".join(f"-c tcp_{name.removeprefix('tcp_')}={value}" for name, value in _KEEPALIVE.items())
# Our queries are short: to compile one, or to start workers for it (some ten milliseconds), takes longer than they do.
_SHORT_QUERIES: Final = "-c jit=off -c parallel_setup_cost=25000"

Reader = TypeVar("Reader")


def _with_fallback(reader: Reader, fallback: object) -> Reader:
    """The reader of an `Env`, with the default or else `fallback` for what it has written down as a problem."""

    def read(self: Env, name: str, default: Any = ..., **options: Any) -> Any:
        value = cast("Any", reader)(self, name, default, **options)
        if value is not None:
            return value
        return default if isinstance(default, type(fallback)) else fallback

    return cast("Reader", read)


class _LenientEnv(Env):
    """Gives a stand-in for what is missing or wrong, so that the reading goes on and finds every problem."""

    str = _with_fallback(Env.str, "")
    bool = _with_fallback(Env.bool, False)
    int = _with_fallback(Env.int, 0)
    float = _with_fallback(Env.float, 0.0)
    list = _with_fallback(Env.list, [])
    dj_db_url = _with_fallback(Env.dj_db_url, {})
    dj_email_url = _with_fallback(Env.dj_email_url, {})


class Environment(_LenientEnv):
    """environs' reader that gathers every problem; `finish` raises them as one ImproperlyConfigured."""

    def __init__(self) -> None:
        super().__init__(eager=False)

    def required(self, name: str, *, optional: bool, default: str, hint: str) -> str:
        """A text that may have a default only in development."""
        text = str(self.str(name, default if optional else ""))
        if not text.strip():
            self.add_error(name, f"is not set. {hint}")
        return text

    def origin(self, name: str, default: str, *, required: str = "") -> str:
        """An http(s) origin as browsers write it. Where it is `required`, that says what it is for."""
        if not (text := str(self.str(name, "")).strip()):
            if required:
                self.add_error(name, f"is not set. {required}")
            return default
        try:
            return parse_origin(text)
        except OriginError as error:
            self.add_error(name, str(error))
            return default

    def proxies(self, name: str, *, optional: bool) -> int:
        """How many stand in front; in production that is not guessed."""
        if not optional and not str(self.str(name, "")).strip():
            self.add_error(name, "is not set. Say how many proxies of yours stand before the studio, 0 for none.")
            return 0
        return int(self.int(name, 0, validate=validate.Range(min=0)))

    def hosts(self, name: str, *, optional: bool) -> list[str]:
        """Names between commas, which may be missing only in development."""
        named = [host for host in self.list(name, [], subcast=str.strip) if host]
        if not optional and not named:
            self.add_error(name, "is not set. Name the hosts by which the studio is asked for, with commas between.")
        return named

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Django's database of a URL. What stands in the URL's own query, or in PGOPTIONS, goes before ours."""
        found = dict(self.dj_db_url(name, default))
        given = {"application_name": _APPLICATION, **_KEEPALIVE, **found.get("OPTIONS", {})}
        given["options"] = " ".join(
            filter(None, [_SERVER_KEEPALIVE, _SHORT_QUERIES, os.environ.get("PGOPTIONS"), given.get("options")])
        )
        return {**found, "OPTIONS": given}

    def keys(self, name: str) -> list[str]:
        """Former keys between commas; none when the name is not set."""
        return [key for key in self.list(name, [], subcast=str.strip) if key]

    def port(self, name: str) -> int | None:
        """None when the name is blank or not set."""
        if not str(self.str(name, "")).strip():
            return None
        return int(self.int(name, 0, validate=validate.Range(min=1, max=65535)))

    def writable_directory(self, name: str) -> None:
        """Made where it is missing; none when the name is not set."""
        if not (text := str(self.str(name, "")).strip()):
            return
        try:
            Path(text).mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=text).close()
        except OSError as error:
            self.add_error(name, f"must be a directory that this process can write to: {error}")

    def add_error(self, name: str, problem: str) -> None:
        """Write down what is wrong with a value; `finish` says the first of it."""
        if not self._errors.get(name):
            self._errors[name].append(problem)

    def mail(self, name: str, *, optional: bool, directory: Path) -> dict[str, Any]:
        """Django's EMAIL_* settings; in development mails are kept in the directory, and read by `config.dev_mail`."""
        example = "such as smtp+tls://user:password@mail.example.com:587"
        if not str(self.str(name, "")).strip():
            if optional:
                return {"EMAIL_BACKEND": "config.dev_mail.EmailBackend", "EMAIL_FILE_PATH": directory}
            self.add_error(name, f"is not set. It is the mail server's address, {example}")
            return {}
        values: dict[str, Any] = self.dj_email_url(name)
        if values and "EMAIL_BACKEND" not in values:
            self.add_error(name, f"must be an address {example}")
        return values

    def add_conflict(self, name: str, problem: str) -> None:
        """What each name alone doesn't show."""
        self._errors[name].append(problem)

    def finish(self) -> None:
        try:
            self.seal()
        except EnvValidationError as error:
            lines = [
                f"  {name}: {' '.join(problems)}"
                for name, problems in cast("dict[str, list[str]]", error.error_messages).items()
            ]
            raise ImproperlyConfigured("\n".join(["The environment is not complete:", *lines])) from None
