"""Behind a real nginx that gives up early: what fal's clients send again, and what is paid."""

import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from accounts.models import Team, User
from devserver.s3 import S3Address
from generations.models import Generation
from tests.api.conftest import make_key
from tests.api.programs import SECONDS, Studio
from tests.api.test_fal_clients import driving
from tests.browser.tls import Certificate, Proxy, make_certificate, nginx_program, running_nginx
from tests.sandbox_process import Sandbox, free_port
from tests.security.web_server import WebServer, running_web

pytestmark = pytest.mark.django_db(transaction=True)

EARLY: Final = "proxy_read_timeout 2s;"
PYTHON: Final = """
import fal_client, sys
endpoint = "fal-ai/kling-video/v2.5-turbo/pro/text-to-video"
try:
    result = fal_client.run(endpoint, {"prompt": "A fox"}, headers=dict([sys.argv[1:]] if sys.argv[1:] else []))
    print(result["video"]["content_type"])
except fal_client.FalClientHTTPError as error:
    print(error.response.status_code, error.message)
"""
JAVASCRIPT: Final = """
import { fal } from "@fal-ai/client";
try {
  await fal.run("fal-ai/kling-video/v2.5-turbo/pro/text-to-video", { input: { prompt: "A fox" } });
} catch (error) {
  console.log(error.status, error.body.detail);
}
"""


def documented(text: str) -> str:
    """As the documentation has it, but for how long it waits."""
    assert "proxy_read_timeout 1h;" in text
    return text.replace("proxy_read_timeout 1h;", EARLY)


def undocumented(text: str) -> str:
    """As nginx is without it."""
    begin, end = text.index("    location /fal/ {"), text.index("server {\n    listen 80;")
    return text[:begin].replace("location / {", f"location / {{ {EARLY}") + "}\n" + text[end:]


@dataclass(frozen=True)
class Behind:
    studio: Studio
    proxy: Proxy

    @property
    def posts(self) -> list[str]:
        """The status of each that came."""
        return [line.split()[-2] for line in self.proxy.access_log.splitlines() if '"POST /fal/' in line]


@pytest.fixture(scope="module")
def site() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    nginx_program()
    return make_certificate(tmp_path_factory.mktemp("certificate"), "localhost")


@pytest.fixture(scope="module")
def web(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    s3: S3Address,
    sandbox: Sandbox,
    valkey: Any,
    site: tuple[int, int],
) -> Iterator[WebServer]:
    changed = {"SITE_URL": f"https://localhost:{site[0]}", "WEB_CONCURRENCY": "1", "TRUSTED_PROXIES": "1"}
    with running_web(tmp_path_factory.mktemp("web") / "log", **changed) as server:
        yield server


@pytest.fixture
def behind(
    web: WebServer, certificate: Certificate, site: tuple[int, int], tmp_path: Path
) -> Callable[[Callable[[str], str]], Any]:
    @contextmanager
    def run(change: Callable[[str], str]) -> Iterator[Behind]:
        for file in (certificate.certificate, certificate.key):
            (tmp_path / file.name).write_bytes(file.read_bytes())
        with running_nginx(tmp_path, *site, web.port, "localhost", change) as proxy:
            studio = Studio(f"https://localhost:{site[0]}", certificate, tmp_path, threading.Event(), threading.Event())
            yield Behind(studio, proxy)

    return run


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_order_is_sent_again_and_paid_again(behind: Any, bob: User, film: Team) -> None:
    _, key = make_key(bob, film)
    with behind(undocumented) as found, running(found, key) as program:
        until(lambda: Generation.objects.count() >= 2)
        program.kill()
        assert found.posts[0] == "504"


def test_idempotency_key_makes_one_video_of_them(behind: Any, bob: User, film: Team) -> None:
    _, key = make_key(bob, film)
    with behind(undocumented) as found, running(found, key, "Idempotency-Key", "fox-1") as program:
        until(lambda: len(found.posts) >= 2)
        with driving():
            said, _ = program.communicate(timeout=SECONDS)
        assert said == "video/mp4\n"
    assert Generation.objects.get().cost_cents == 35


def test_documented_configuration_lets_no_client_repeat(behind: Any, bob: User, film: Team) -> None:
    _, key = make_key(bob, film)
    told = "504 nginx got no answer of the studio. An order may have been taken: look into the gallery.\n"
    with behind(documented) as found:
        assert found.studio.run_python(PYTHON, key) == told
        assert found.studio.run_node(JAVASCRIPT, key) == told
        assert found.posts == ["504", "504"]
    assert Generation.objects.count() == 2


def test_documented_configuration_lets_clients_repeat_what_is_harmless(
    certificate: Certificate, site: tuple[int, int], tmp_path: Path
) -> None:
    """While the studio is away. Python goes by the word nginx where there is no x-fal-request-id."""
    for file in (certificate.certificate, certificate.key):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    verify = ssl.create_default_context(cafile=certificate.certificate)
    address, key = f"https://localhost:{site[0]}/fal/queue/fal-ai/kling-video", {"Idempotency-Key": "fox-1"}
    with running_nginx(tmp_path, *site, free_port(), "localhost"), httpx.Client(verify=verify) as client:
        harmless = [client.get(f"{address}/requests/1/status"), client.post(address, headers=key)]
        final = client.post(address)
    for answer in (*harmless, final):
        assert answer.status_code == 504
        assert "nginx" in answer.json()["detail"]
    assert final.headers["X-Fal-Request-Timeout-Type"] == "user"
    assert final.headers["x-fal-request-id"]
    assert not [answer for answer in harmless if "x-fal-request-id" in answer.headers]
    assert not [answer for answer in harmless if "X-Fal-Request-Timeout-Type" in answer.headers]


@contextmanager
def running(found: Behind, key: str, *header: str) -> Iterator["subprocess.Popen[str]"]:
    """The Python client, which goes on while nginx answers."""
    environment = found.studio.environment(key)
    command = [sys.executable, "-c", PYTHON, *header]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()
