"""What stands between the sockets and Django, without a socket."""

import asyncio
from io import BytesIO
from typing import Any

import pytest

from config.server.environ import client_address, environ_of
from config.server.exceptions import HttpError
from config.server.limits import FORM, PICTURE_BYTES, PICTURES_BYTES, rule_for
from config.server.slots import Slots
from generations.fal import webhooks


def scope(path: bytes = b"/", headers: list[tuple[bytes, bytes]] | None = None) -> dict[str, Any]:
    return {
        "method": "GET",
        "scheme": "http",
        "http_version": "1.1",
        "path": "/",
        "raw_path": path,
        "query_string": b"q=%C3%A4",
        "headers": headers or [],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
    }


@pytest.mark.parametrize(
    ("headers", "name", "value"),
    [
        ([(b"x-forwarded-proto", b"https")], "HTTP_X_FORWARDED_PROTO", "https"),
        ([(b"x_forwarded_proto", b"https")], "HTTP_X_FORWARDED_PROTO", None),  # no proxy would have removed it
        (
            [(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"2.2.2.2")],
            "HTTP_X_FORWARDED_FOR",
            "1.1.1.1,2.2.2.2",
        ),
        ([(b"cookie", b"a=1"), (b"cookie", b"b=2")], "HTTP_COOKIE", "a=1; b=2"),
        ([(b"content-type", b"text/plain")], "CONTENT_TYPE", "text/plain"),
        ([(b"content-length", b"999")], "CONTENT_LENGTH", "3"),
        ([(b"transfer-encoding", b"chunked")], "HTTP_TRANSFER_ENCODING", None),
        ([(b"remote_user", b"1")], "REMOTE_USER", None),
    ],
)
def test_headers_as_wsgi_wants_them(headers: list[tuple[bytes, bytes]], name: str, value: str | None) -> None:
    assert environ_of(scope(headers=headers), BytesIO(b"abc"), 3).get(name) == value


@pytest.mark.parametrize(
    ("path", "is_seen_as"), [(b"/a%20b", "/a b"), (b"/%C3%A4", "/\xc3\xa4"), (b"/%ff", "/\xff"), (b"/a%2Fb", "/a/b")]
)
def test_paths_as_wsgi_wants_them(path: bytes, is_seen_as: str) -> None:
    assert environ_of(scope(path), BytesIO(), 0)["PATH_INFO"] == is_seen_as


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "", "127.0.0.1"),
        (0, "9.9.9.9", "127.0.0.1"),
        (1, "9.9.9.9, 1.1.1.1", "1.1.1.1"),  # the first one is what a stranger says
        (2, "9.9.9.9, 1.1.1.1, 10.0.0.1", "1.1.1.1"),
        (2, "1.1.1.1", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "1.1.1.1,", "127.0.0.1"),
    ],
)
def test_addresses_as_our_proxies_saw_them(proxies: int, forwarded: str, address: str) -> None:
    assert client_address({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}, proxies) == address


@pytest.mark.parametrize(
    ("address", "most"),
    [
        ("/uploads/", PICTURE_BYTES),
        ("/accounts/picture/", PICTURE_BYTES),
        ("/generations/new/", PICTURES_BYTES),
        ("/webhooks/fal/00000000-0000-0000-0000-000000000001/", webhooks.MAX_BODY),
        ("/accounts/login/", FORM.max_bytes),
        ("/nowhere/", FORM.max_bytes),
    ],
)
def test_limits_of_addresses(address: str, most: int) -> None:
    assert rule_for(address).max_bytes == most


async def _hold(slots: Slots, people: list[str]) -> list[int]:
    """The statuses of those who all want a slot at once, and never let go while others wait."""
    everybody_asked = asyncio.Event()
    answered: list[int] = []

    async def want(person: str) -> None:
        try:
            async with slots.acquire(person):
                answered.append(200)
                await everybody_asked.wait()
        except HttpError as refusal:
            answered.append(refusal.status)

    tasks = [asyncio.create_task(want(person)) for person in people]
    while len(answered) < len(people):
        await asyncio.sleep(0.01)
    everybody_asked.set()
    await asyncio.gather(*tasks)
    return sorted(answered)


@pytest.mark.parametrize(
    ("people", "answers"),
    [
        (["ann"] * 2, [200, 200]),
        (["ann"] * 4, [200, 200, 429, 429]),
        (["ann", "ann", "ann", "bo"], [200, 200, 200, 429]),
        (["ann", "ann", "bo", "bo", "cy"], [200, 200, 200, 503, 503]),
    ],
)
def test_slots_of_one_and_of_all(people: list[str], answers: list[int]) -> None:
    assert asyncio.run(_hold(Slots(of_one=2, in_all=3, wait_seconds=0.1), people)) == answers


def test_a_slot_that_is_free_again_is_given() -> None:
    slots = Slots(of_one=1, in_all=1, wait_seconds=60)

    async def take(person: str) -> None:
        async with slots.acquire(person):
            await asyncio.sleep(0)

    async def everybody() -> None:
        await asyncio.gather(*(take(f"person {number % 3}") for number in range(20)))

    asyncio.run(everybody())
