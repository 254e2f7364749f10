"""Whatever stands in a parameter, a header or a body, the answer is never a 500."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import quote_from_bytes

import pytest
from django.contrib import admin
from django.db import transaction
from django.http import QueryDict
from django.test import Client

from accounts.models import Team, User
from generations.admin.masking import MaskedAdmin
from generations.models import Generation, Status
from tests.cast import make_generation, make_video, signed_in
from tests.generations.imports.cast import make_import
from tests.sandbox_process import Sandbox
from tests.security.addresses import VALUES, Address, addresses

# as bytes, since some of it is no UTF-8; tried in each parameter by itself
EVIL: Final[dict[str, bytes]] = {
    "last day": b"9999-12-31",
    "last month": b"9999-12",
    "more digits than Python reads": b"9" * 5000,
    "huge float": b"1e308",
    "half an address": b"//[",
}
# tried in all parameters together
ODD: Final[dict[str, bytes]] = {
    "NUL": b"a\0b",
    "lone surrogate": b"\xed\xa0\x80",
    "no UTF-8": b"\xff\xfe",
    "first day": b"0001-01-01",
    "no month": b"0000-00",
    "last moment": b"9999-12-31T23:59:59.999999+00:00_00000000-0000-0000-0000-000000000000",
    "first moment": b"0001-01-01T00:00:00+14:00_00000000-0000-0000-0000-000000000000",
    "more than the database counts": b"9" * 40,
    "beyond floats": b"1e999",
    "not a number": b"nan",
    "superscript": "²".encode(),
    "full-width digits": "１２".encode(),
    "nil uuid": b"00000000-0000-0000-0000-000000000000",
    "line breaks": b"a\r\nb: c",
    "deep JSON": b"[" * 100_000,
    "odd JSON": b'{"id": 1, "rawId": [], "response": null, "type": {}}',
}
HEADERS: Final = (
    *("Range", "If-None-Match", "If-Range", "If-Modified-Since", "HX-Current-URL", "HX-Request", "Referer"),
    *("Accept", "Accept-Language", "Accept-Encoding", "Authorization", "X-Forwarded-For", "X-Forwarded-Proto"),
    *("User-Agent", "Origin", "X-Fal-Webhook-Timestamp", "X-Fal-Webhook-Signature", "X-Fal-Webhook-Request-Id"),
)
FORM: Final = "application/x-www-form-urlencoded"
NOT_IMPLEMENTED: Final = 501  # what oEmbed says of a format
METHODS: Final = ("POST", "GET")
OURS: Final = ("accounts", "generations")
_PLAIN_NAME: Final = re.compile(r"[a-z_-]+(\d+[a-z_-]+)?", re.ASCII | re.IGNORECASE)
WAITS: Final = {"readyz"}  # for other servers


class Request(NamedTuple):
    said: str
    method: str
    path: str
    body: str = ""
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


@pytest.fixture
def row(film: Team, alice: User) -> Generation:
    """A video of alice, who owns the team and may do everything in the admin."""
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    row = make_generation(alice, film, Status.DONE)
    make_video(row)
    make_import(alice, film, "A fox,,,,,,snow,,", ",,7,,https://example.com/a.png,,,,", id=row.pk)
    return row


@pytest.fixture
def client(row: Generation, sandbox: Sandbox) -> Client:
    return signed_in(User.objects.get(pk=row.user_id))


def failures(client: Client, requests: Iterator[Request]) -> list[str]:
    """Which requests were answered with a 500; nothing of what they did stays."""
    client.raise_request_exception = False
    found, refused = [], set()
    for asked in requests:
        if (asked.method, asked.path.partition("?")[0]) in refused:
            continue
        with transaction.atomic():
            answer = client.generic(asked.method, asked.path, asked.body.encode(), FORM, headers=asked.headers or None)
            b"".join(answer) if answer.streaming else answer.content
            transaction.set_rollback(True)
        if answer.status_code == 405:
            refused.add((asked.method, asked.path.partition("?")[0]))
        if answer.status_code >= 500 and answer.status_code != NOT_IMPLEMENTED:
            error = getattr(answer, "exc_info", None)
            found.append(f"{asked.method} {asked.path[:100]}: {asked.said}: {error!r:.200}")
    return found


def bare(value: bytes) -> str:
    return quote_from_bytes(value, safe="")


@pytest.fixture
def names_read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The parameters that were looked for, as they are being looked for, also those that were not there.

    Without names made of a value that was sent.
    """
    read: set[str] = set()

    def record(method: str) -> None:
        original = getattr(QueryDict, method)

        def look_up(query: QueryDict, name: str, *rest: Any) -> Any:
            if _PLAIN_NAME.fullmatch(name):
                read.add(name)
            return original(query, name, *rest)

        monkeypatch.setattr(QueryDict, method, look_up)

    for method in ("__getitem__", "__contains__", "getlist"):
        record(method)
    return read


def everywhere(address: Address, path: str, names_read: set[str]) -> Iterator[Request]:
    """Each value in all parameters at once and, since one bad parameter hides another, the worst in each by itself.

    By itself in each that a method looked for meanwhile, until no other is.
    """
    looked_for: set[tuple[str, str]] = set()

    def noted(requests: Iterable[Request]) -> Iterator[Request]:
        for asked in requests:
            names_read.clear()
            yield asked
            looked_for.update((asked.method, name) for name in names_read)

    known = sorted(address.parameters() | {"next"})
    yield from noted(Request("nothing", method, path) for method in METHODS)
    yield from noted(
        with_value(method, path, said, value, known) for said, value in (EVIL | ODD).items() for method in METHODS
    )
    tried: set[tuple[str, str]] = set()
    while address.view.__module__.startswith(OURS) and (untried := looked_for - tried):
        tried |= untried
        yield from noted(
            with_value(method, path, said, value, [name])
            for method, name in sorted(untried)
            for said, value in EVIL.items()
        )


def with_value(method: str, path: str, said: str, value: bytes, names: list[str]) -> Request:
    """In the body, or in the address as far as a server would take one of that length."""
    words, form = f"{said} in {', '.join(names)}", "&".join(f"{name}={bare(value)}" for name in names)
    return Request(words, method, path, form) if method == "POST" else Request(words, method, f"{path}?{form[:60_000]}")


ADDRESSES: Final = {one.route: one for one in addresses() if one.name not in WAITS}
# what takes keys alone is tried by tests/api/v1/test_shared.py
PAGES: Final = [route for route in ADDRESSES if not route.startswith(("admin/", "api/v1/"))]
SIGNING_IN: Final = [
    route
    for route in PAGES
    if ADDRESSES[route].view.__module__.startswith("allauth")
    and not re.search("2fa/[trw]|email|change|sessions", route)
]
OF_STAFF: Final = [
    route for route, one in ADDRESSES.items() if route.startswith("admin/") and one.view.__module__.startswith(OURS)
]


def path_of(route: str, row: Generation) -> str:
    own = {"pk": row.pk, "id": row.user_id, "object_id": row.pk}
    return ADDRESSES[route].path(VALUES | own)


@pytest.mark.parametrize("route", [route for route in (*PAGES, *OF_STAFF) if route not in SIGNING_IN])
def test_parameters(client: Client, row: Generation, names_read: set[str], route: str) -> None:
    assert failures(client, everywhere(ADDRESSES[route], path_of(route, row), names_read)) == []


@pytest.mark.parametrize("route", SIGNING_IN)
def test_parameters_of_a_stranger(row: Generation, names_read: set[str], route: str) -> None:
    """Who is signed in never gets as far as the pages on which one signs in."""
    assert failures(Client(), everywhere(ADDRESSES[route], path_of(route, row), names_read)) == []


ODD_IN_HEADERS: Final = (
    *("more digits than Python reads", "half an address", "lone surrogate", "last day", "huge float"),
    *("superscript", "odd JSON"),
)
READ_HEADERS: Final = ("", "events", "generations/new/", "webhooks/fal/<uuid:pk>/", "accounts/login/")
READ_HEADERS_TOO: Final = tuple(f"generations/<uuid:pk>/{one}" for one in ("video", "poster", "download", "card"))


@pytest.mark.parametrize("route", READ_HEADERS + READ_HEADERS_TOO)
def test_headers(client: Client, row: Generation, route: str) -> None:
    values = [(EVIL | ODD)[name].decode("latin-1") for name in ODD_IN_HEADERS]
    requests = (
        Request(f"{value[:20]!r} in {name}", "GET", path_of(route, row), headers={name: value})
        for name in HEADERS
        for value in values
    )
    assert failures(client, requests) == []


def admin_lists() -> Iterator[tuple[str, admin.ModelAdmin[Any]]]:
    for model, page in admin.site._registry.items():
        if model._meta.app_label != "django_rq":
            yield f"/admin/{model._meta.app_label}/{model._meta.model_name}/", page


def admin_requests() -> Iterator[Request]:
    """Search, page and order; and filters by every column, since any may stand in the address.

    Columns are judged by Django's code for their kind, in an admin that masks or in one that does not: the first of
    each kind stands for all. Filters that an admin names are tried in each.
    """
    seen: set[tuple[type, bool]] = set()
    for path, page in admin_lists():
        masks = isinstance(page, MaskedAdmin)
        columns = {
            type(field): field.name for field in page.model._meta.concrete_fields if (type(field), masks) not in seen
        }
        seen |= {(kind, masks) for kind in columns}
        filters = {*columns.values(), *(name for name in page.list_filter if isinstance(name, str))}
        for said, value in EVIL.items():
            for name in ("q", "p", "o", *filters, *(f"{name}__gte" for name in filters)):
                yield Request(f"{said} in {name}", "GET", f"{path}?{name}={bare(value)}")
        for said in ("NUL", "lone surrogate", "no UTF-8"):
            yield Request(f"{said} in q", "GET", f"{path}?q={bare(ODD[said])}")


def test_lists_of_the_admin(client: Client) -> None:
    assert failures(client, admin_requests()) == []


def test_an_object_of_the_admin(client: Client) -> None:
    requests = (
        Request(said, "GET", f"{path}{bare(value)}/{page}/")
        for path, _ in admin_lists()
        for page in ("change", "history", "delete")
        for said, value in (EVIL | ODD).items()
        if len(value) < 10_000
    )
    assert failures(client, requests) == []
