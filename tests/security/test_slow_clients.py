"""Clients that send or read slowly, too much, or nothing: the studio answers everybody else, and lets go of them."""

import os
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

import httpx
import pytest
from django.conf import settings as django_settings
from django.test import Client

from accounts.models import Team, User
from config.server.limits import FORM_BYTES, PICTURE_BYTES, PICTURES_BYTES, SMALL_BYTES
from devserver.s3 import free_ports
from generations import bucket
from generations.fal import webhooks
from generations.models import Generation, Status, Upload, Video
from tests.cast import make_generation, make_video, picture, signed_in
from tests.sandbox_process import Sandbox
from tests.security.web_server import MAX_WAIT, Attack, WebServer, request, rest_of, running_web

pytestmark = pytest.mark.django_db(transaction=True)

TIMEOUT: Final = 4  # seconds; CLIENT_TIMEOUT of the server under attack
MANY: Final = 30  # more than the threads of all its processes
VIDEO_BYTES: Final = 24 * 1024**2  # more than the kernel's buffers take of a reader that stalls
TWO_BYTES: Final = b"ab"
HALF_SENT: Final = {
    "nothing": b"",
    "two bytes of a head": b"GE",
    "a head without its end": request("GET", "/")[:-2],
    "an idle connection": request("GET", "/healthz"),
    "two bytes of a body": request("POST", "/accounts/login/", "Content-Length: 1000") + TWO_BYTES,
    "two bytes of a chunked body": request("POST", "/accounts/login/", "Transfer-Encoding: chunked") + b"2\r\nab\r\n",
    "two bytes of a webhook": request("POST", f"/webhooks/fal/{uuid.UUID(int=1)}/", "Content-Length: 900") + TWO_BYTES,
    "two bytes for an address that takes none": request("GET", "/", "Content-Length: 9") + TWO_BYTES,
}
DRIPS: Final = {
    "a head": (request("GET", "/")[:-2], b"X: y\r\n"),
    "a body": (request("POST", "/accounts/login/", "Content-Length: 60000"), b"a"),
    "a chunked body": (request("POST", "/accounts/login/", "Transfer-Encoding: chunked"), b"1\r\na\r\n"),
}


@pytest.fixture(scope="module")
def web(django_db_setup: None, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    log = tmp_path_factory.mktemp("web") / "log"
    with running_web(log, CLIENT_TIMEOUT=str(TIMEOUT)) as server:
        yield server


@pytest.fixture
def attack(web: WebServer) -> Iterator[Attack]:
    attack = Attack(web.port)
    yield attack
    attack.close()


@pytest.fixture
def film_video(film: Team, bob: User) -> Video:
    """A large one; nobody plays it."""
    return make_video(make_generation(bob, film, Status.DONE), data=b"\0" * VIDEO_BYTES)


def cookie(browser: Client) -> str:
    return f"Cookie: {django_settings.SESSION_COOKIE_NAME}={browser.cookies[django_settings.SESSION_COOKIE_NAME].value}"


def everything_answers(web: WebServer, person: User) -> None:
    """Pages, live updates, static files and a picture's way in."""
    with web.browser(signed_in(person)) as browser:
        for address in ("/healthz", "/", "/events?since=1", "/generations/new/"):
            assert browser.get(address).status_code in {200, 204}, address
        sent = browser.post(
            "/uploads/",
            files={"picture": ("fox.jpg", picture())},
            headers={"X-CSRFToken": browser.cookies["csrftoken"]},
        )
        assert sent.status_code == 201, sent.text


# --- clients that send slowly


@pytest.mark.parametrize("kind", HALF_SENT)
def test_half_sent_requests_stop_nobody_and_are_ended(web: WebServer, attack: Attack, bob: User, kind: str) -> None:
    attack.open(HALF_SENT[kind], MANY)

    everything_answers(web, bob)
    for each in attack.sockets:
        answer = rest_of(each)  # ends, or the test does by its own timeout
        assert kind == "an idle connection" or answer[9:12] in {b"", b"408"}


def test_all_of_them_at_once(web: WebServer, attack: Attack, bob: User) -> None:
    for data in HALF_SENT.values():
        attack.open(data, MANY)

    everything_answers(web, bob)


@pytest.mark.parametrize("kind", DRIPS)
def test_who_sends_a_byte_at_a_time_is_ended(web: WebServer, attack: Attack, bob: User, kind: str) -> None:
    head, drop = DRIPS[kind]
    opened = attack.open(head, MANY)
    ended = threading.Event()

    def drip() -> None:
        while not ended.wait(0.3):
            for each in opened:
                with suppress(OSError):
                    each.send(drop)

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        everything_answers(web, bob)
        for each in opened:
            assert rest_of(each)[9:12] in {b"", b"408"}
    finally:
        ended.set()
        thread.join()


# --- clients that read slowly


def test_stalled_readers_of_a_video_stop_nobody_and_are_ended(
    web: WebServer, attack: Attack, film_video: Video, alice: User, bob: User
) -> None:
    head = request("GET", f"/generations/{film_video.pk}/video", cookie(signed_in(alice)))
    attack.open(head, MANY, receive_buffer=4096)

    everything_answers(web, bob)
    with web.browser(signed_in(bob)) as browser:
        assert len(browser.get(f"/generations/{film_video.pk}/download").content) == VIDEO_BYTES
    some_are_told_to_wait(attack)
    wait_until(lambda: not still_connected(web))


def test_stalled_readers_of_a_zip(web: WebServer, attack: Attack, film_video: Video, alice: User, bob: User) -> None:
    with web.browser(signed_in(alice)) as browser:
        browser.get("/")
        token = browser.cookies["csrftoken"]
    body = f"csrfmiddlewaretoken={token}&ids={film_video.pk}".encode()
    head = request(
        "POST",
        "/generations/archive",
        f"{cookie(signed_in(alice))}; csrftoken={token}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    )
    attack.open(head + body, MANY, receive_buffer=4096)

    everything_answers(web, bob)
    some_are_told_to_wait(attack)
    wait_until(lambda: not still_connected(web))


def test_stalled_readers_of_pages_are_ended(web: WebServer, attack: Attack, bob: User) -> None:
    attack.open(request("GET", "/healthz") * 5000, receive_buffer=4096)

    everything_answers(web, bob)
    wait_until(lambda: not still_connected(web))


def test_a_slow_reader_who_goes_on_gets_all_of_it(web: WebServer, attack: Attack, film_video: Video, bob: User) -> None:
    head = request("GET", f"/generations/{film_video.pk}/video", cookie(signed_in(bob)), "Connection: close")
    (reader,) = attack.open(head, receive_buffer=65536)
    begun, size = time.monotonic(), 0

    while piece := reader.recv(1024**2):
        size += len(piece)
        if time.monotonic() - begun < 3 * TIMEOUT:
            time.sleep(0.2)

    assert size > VIDEO_BYTES
    assert time.monotonic() - begun > 2 * TIMEOUT


def test_who_was_cut_off_goes_on_by_range(web: WebServer, film_video: Video, bob: User) -> None:
    with web.browser(signed_in(bob)) as browser:
        rest = browser.get(f"/generations/{film_video.pk}/video", headers={"Range": f"bytes={VIDEO_BYTES - 1000}-"})

    assert (rest.status_code, len(rest.content)) == (206, 1000)


def some_are_told_to_wait(attack: Attack) -> None:
    """One person's transfers are capped: the first few run, the others hear when to try again."""
    begun = {each: each.recv(1000) for each in attack.sockets}
    told = [answer + rest_of(each) for each, answer in begun.items() if answer.startswith(b"HTTP/1.1 429 ")]
    assert {answer[9:12] for answer in begun.values()} == {b"200", b"429"}
    assert all(b"retry-after: 10" in answer and b"transfers of yours" in answer for answer in told)


def still_connected(web: WebServer) -> bool:
    """Whether the server holds a connection for which its bytes wait."""
    port = f":{web.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(port) and not row[4].startswith("00000000") for row in rows)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MAX_WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


# --- too much


def chunked(size: int) -> Iterator[bytes]:
    """A body whose length is not said."""
    for start in range(0, size, 65536):
        yield b"x" * min(65536, size - start)


TOO_MUCH: Final = {
    "a form": ("/accounts/login/", FORM_BYTES),
    "an address that is none": ("/nowhere/", FORM_BYTES),
    "the admin": ("/admin/", FORM_BYTES),
    "a picture": ("/uploads/", PICTURE_BYTES),
    "a person's picture": ("/accounts/picture/", PICTURE_BYTES),
    "the composer": ("/generations/new/", PICTURES_BYTES),
}


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_a_body_over_the_limit_is_refused_by_its_head(web: WebServer, attack: Attack, bob: User, kind: str) -> None:
    address, limit = TOO_MUCH[kind]
    (sender,) = attack.open(request("POST", address, cookie(signed_in(bob)), f"Content-Length: {limit + 1}"))

    answer = rest_of(sender)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"takes at most" in answer


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_a_body_over_the_limit_is_refused_without_length(web: WebServer, bob: User, kind: str) -> None:
    address, limit = TOO_MUCH[kind]
    with web.browser(signed_in(bob)) as browser:
        answer = browser.post(address, content=chunked(limit + 1))

    assert answer.status_code == 413
    assert "takes at most" in answer.text


@pytest.mark.parametrize("size_is_said", [True, False])
@pytest.mark.parametrize("kind", TOO_MUCH)
def test_strangers_send_little(web: WebServer, kind: str, size_is_said: bool) -> None:
    address, _ = TOO_MUCH[kind]
    body = b"x" * (SMALL_BYTES + 1)
    with web.browser() as browser:
        answer = browser.post(address, content=body if size_is_said else chunked(len(body)))

    assert answer.status_code == 401
    assert "Sign in" in answer.text


@pytest.mark.parametrize("size_is_said", [True, False])
def test_a_webhook_may_be_larger_and_not_too_large(web: WebServer, size_is_said: bool) -> None:
    address = f"/webhooks/fal/{uuid.UUID(int=1)}/"
    with web.browser() as browser:
        sizes = {webhooks.MAX_BODY: 404, webhooks.MAX_BODY + 1: 413}  # 404: there is no PUBLIC_URL
        for size, status in sizes.items():
            body = b"x" * size if size_is_said else chunked(size)
            assert browser.post(address, content=body).status_code == status


def test_refusals_speak_as_they_are_asked(web: WebServer, bob: User) -> None:
    with web.browser(signed_in(bob)) as browser:
        page = browser.post("/uploads/", content=chunked(PICTURE_BYTES + 1), headers={"Accept": "text/html,*/*"})
        script = browser.post("/uploads/", content=chunked(PICTURE_BYTES + 1), headers={"Accept": "application/json"})

    assert "<h1>That is too large</h1>" in page.text
    assert "10 MB" in script.json()["errors"][0]


def test_a_session_that_has_ended_sends_little(web: WebServer, bob: User) -> None:
    person = signed_in(bob)
    with web.browser(person) as browser:
        person.logout()
        assert browser.post("/uploads/", content=chunked(SMALL_BYTES + 1)).status_code == 401


def test_a_huge_head_is_refused(web: WebServer, attack: Attack) -> None:
    (sender,) = attack.open(request("GET", "/")[:-2])
    with suppress(ConnectionError):
        sender.sendall(f"X-Large: {'a' * 2_000_000}\r\n\r\n".encode())

    assert rest_of(sender)[9:12] in {b"431", b""}


def test_requests_one_after_the_other_on_a_connection(web: WebServer, attack: Attack) -> None:
    (sender,) = attack.open(request("GET", "/healthz") * 20 + request("GET", "/healthz", "Connection: close"))

    assert rest_of(sender).count(b"HTTP/1.1 200 OK") == 21


# --- bodies whose length is not said


def test_a_form_without_length_works(web: WebServer, film: Team, bob: User) -> None:
    row = make_generation(bob, film)
    with web.browser(signed_in(bob)) as browser:
        browser.get("/")
        body = f"csrfmiddlewaretoken={browser.cookies['csrftoken']}".encode()
        answer = browser.post(
            f"/generations/{row.pk}/favourite",
            content=iter([body[:20], body[20:]]),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )

    assert answer.status_code in {200, 302}
    assert Generation.objects.get(pk=row.pk).favourites.filter(user=bob).exists()


def test_a_picture_without_length_works(web: WebServer, bob: User) -> None:
    data = picture(size=(900, 700), color="navy")
    body = httpx.Request("POST", web.url, files={"picture": ("fox.jpg", data)})
    with web.browser(signed_in(bob)) as browser:
        browser.get("/")
        headers = {"Content-Type": body.headers["Content-Type"], "X-CSRFToken": browser.cookies["csrftoken"]}
        answer = browser.post("/uploads/", content=iter([body.read()]), headers=headers)

    assert answer.status_code == 201
    assert bucket.get(Upload.objects.get().key) == data


# --- with a proxy in front

NGINX: Final = """
pid {directory}/pid; error_log {directory}/error.log; daemon off; master_process off;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  client_max_body_size 30m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{web_port}; proxy_http_version 1.1;
      proxy_request_buffering {buffering}; proxy_buffering {buffering};
      proxy_set_header Host $http_host; proxy_set_header Connection "";
    }}
  }}
}}
"""


@pytest.fixture(params=["on", "off"], ids=["buffering", "streaming"])
def nginx(request: pytest.FixtureRequest, web: WebServer, tmp_path: Path) -> Iterator[WebServer]:
    """nginx in front, as it comes, and as one that hands each byte on."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        absent("No nginx: apt install nginx-light")
    front = WebServer(free_ports(1))
    text = NGINX.format(directory=tmp_path, port=front.port, web_port=web.port, buffering=request.param)
    (tmp_path / "nginx.conf").write_text(text)
    process = subprocess.Popen([program, "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "error.log")])
    try:
        wait_until(lambda: listens(front.port))
        yield front
    finally:
        process.terminate()
        process.wait(MAX_WAIT)


def absent(message: str) -> NoReturn:
    """An error where CI is set, and a loud skip on a developer's machine."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False


def test_the_same_behind_nginx(nginx: WebServer, film_video: Video, alice: User, bob: User) -> None:
    attack = Attack(nginx.port)
    try:
        for data in HALF_SENT.values():
            attack.open(data, MANY)
        head = request("GET", f"/generations/{film_video.pk}/video", cookie(signed_in(alice)))
        attack.open(head, MANY, receive_buffer=4096)

        everything_answers(nginx, bob)
        with nginx.browser(signed_in(bob)) as browser:
            assert len(browser.get(f"/generations/{film_video.pk}/video").content) == VIDEO_BYTES
            assert browser.post("/uploads/", content=chunked(PICTURE_BYTES + 1)).status_code == 413
    finally:
        attack.close()
