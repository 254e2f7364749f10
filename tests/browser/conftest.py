"""The system's Chromium against the whole studio: live server, bucket, sandbox, and a worker that a test starts."""

import os
import re
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection, connections
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from generations import pipeline
from tests.cast import signed_in
from tests.sandbox_process import Sandbox

TIMEOUT: Final = 20_000  # ms; limits against hanging, not measures
RENDERED: Final = 90_000
# the headless shell first: the same browser without its own windows, in a third of the time
_NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SWITCHES: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--autoplay-policy=no-user-gesture-required",
)
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "390": {"viewport": {"width": 390, "height": 844}, "has_touch": True},
    "1440": {"viewport": {"width": 1440, "height": 900}},
}
_EXPECTED: Final = re.compile(r"status of (404|409|410|422|502) ")  # Chromium reports how a navigation was answered


def chromium_program() -> str:
    """The browser's program. Its absence is an error where CI is set, and a loud skip on a developer's machine."""
    named = os.environ.get("CHROMIUM") or os.environ.get("PLAYWRIGHT_CHROMIUM_EXECUTABLE_PATH")
    found = named or next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found and Path(found).exists():
        return found
    message = f"No browser: none of {', '.join(_NAMES)} is on the PATH; set CHROMIUM to the program"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Ends with this package: Playwright's event loop runs in our thread and would be in the way of other tests."""
    program = chromium_program()
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # for the same reason: that loop is not Django's
    expect.set_options(timeout=TIMEOUT)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=list(_SWITCHES))
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@dataclass
class Worker:
    """Drives the pipeline in a thread from `start` until the test ends."""

    ends: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def start(self) -> None:
        self.thread = threading.Thread(target=self._run, name="worker")
        self.thread.start()

    def _run(self) -> None:
        try:
            while not self.ends.wait(0.1):
                pipeline.drive()
        finally:
            connections.close_all()

    def stop(self) -> None:
        self.ends.set()
        if self.thread:
            self.thread.join(RENDERED / 1000)


@pytest.fixture
def studio(live_server: LiveServer, settings: Settings) -> Iterator[LiveServer]:
    cache.clear()  # of how often somebody has tried to sign up
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.SITE_URL = live_server.url  # mails lead there
    yield live_server
    _wait_for_last_requests()


_OTHERS_AT_WORK: Final = """
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'
"""


def _wait_for_last_requests() -> None:
    """The browser is gone, but what it asked for last may still be answered, and would be in the way of the flush."""
    end = time.monotonic() + TIMEOUT / 1000
    calm = 0
    with connection.cursor() as cursor:
        while calm < 3 and time.monotonic() < end:
            cursor.execute(f"SELECT count(*) {_OTHERS_AT_WORK}")
            calm = calm + 1 if cursor.fetchone() == (0,) else 0
            time.sleep(0.02)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """A browser that waits in vain says nothing of the studio: what its threads and its database do at that moment."""
    report = yield
    if call.when == "call" and report.failed and "studio" in getattr(item, "fixturenames", ()):
        report.sections.append(("what the studio does", _activity()))
    return report


_IDLE: Final = {"_activity", "readinto", "select", "_do_waitpid"}  # what a thread with nothing to do is in


def _activity() -> str:
    frames = sys._current_frames()
    threads = [
        f"{thread.name}\n{''.join(traceback.format_stack(frames[thread.ident])[-8:])}"
        for thread in threading.enumerate()
        if thread.ident in frames and frames[thread.ident].f_code.co_name not in _IDLE
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT wait_event, now() - query_start, left(query, 300) {_OTHERS_AT_WORK}")
        queries = [str(row) for row in cursor.fetchall()]
    return "\n".join([*threads, *queries])


@pytest.fixture
def worker(studio: LiveServer, sandbox: Sandbox) -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.stop()


@pytest.fixture(params=[LOOKS["390"], LOOKS["1440"]], ids=["390", "1440"])
def look(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the browser is like: every flow has to work on a phone's screen and on a wide one."""
    found: dict[str, Any] = request.param
    return found


desk_alone = pytest.mark.parametrize("look", [LOOKS["1440"]], indirect=True, ids=["1440"])


@pytest.fixture
def expected() -> re.Pattern[str]:
    """Complaints of the browser that belong to the test."""
    return _EXPECTED


@pytest.fixture
def page(chromium: Browser, studio: LiveServer, look: dict[str, Any], expected: re.Pattern[str]) -> Iterator[Page]:
    """A fresh browser profile at the studio. Whatever it complains of fails the test: scripts, and the CSP."""
    context = chromium.new_context(base_url=studio.url, locale="en-US", **look)
    context.set_default_timeout(TIMEOUT)
    page = context.new_page()
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not expected.search(message.text):
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    yield page
    context.close()
    assert complaints == []


def show_again(page: Page, studio: LiveServer, user: User) -> None:
    """The person has just shown who they are, as before a change to what opens the account."""
    user.set_password("a fox in the snow")
    user.save(update_fields=["password"])
    session = signed_in(user).cookies[django_settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": session, "url": studio.url}])
    page.goto("/accounts/reauthenticate/?next=/")
    page.get_by_label("Password").fill("a fox in the snow")
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/")


@pytest.fixture
def bobs_page(page: Page, film: Team, bob: User, studio: LiveServer) -> Page:
    """The browser of somebody who is signed in."""
    session = signed_in(bob).cookies[django_settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": session, "url": studio.url}])
    return page
