"""A start that would let strangers in prints all that is wrong and ends with exit code 1, whichever process it is."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from config.safety import DEVELOPMENT_KEY, StartSettings, problems
from devserver import addresses
from devserver.s3 import free_ports
from tests.environment import without_ours

KEY: Final = "known-to-nobody-0123456789-abcdefghijklmnopqrstuvwxyz"
SITE: Final = "https://studio.example.com"
DEVELOPMENT: Final = StartSettings(
    debug=True,
    host="127.0.0.1",
    secret_key=DEVELOPMENT_KEY,
    site_url="http://localhost:8000",
    public_url="",
    allowed_hosts=[],
    insecure_http=False,
)
PRODUCTION: Final = StartSettings(
    debug=False,
    host="0.0.0.0",
    secret_key=KEY,
    site_url=SITE,
    public_url=SITE,
    allowed_hosts=["studio.example.com"],
    insecure_http=False,
)


@pytest.mark.parametrize(
    ("fallbacks", "is_refused"),
    [([], False), ([KEY], False), ([KEY, KEY[::-1]], False)]
    + [(keys, True) for keys in ([DEVELOPMENT_KEY], [KEY, "short"], ["x" * 60], [KEY, DEVELOPMENT_KEY])],
)
def test_former_key_that_can_be_guessed_is_no_better_than_one_of_today(fallbacks: list[str], is_refused: bool) -> None:
    expected = ["SECRET_KEY_FALLBACKS"] if is_refused else []

    assert named(start(PRODUCTION, secret_key_fallbacks=fallbacks)) == expected
    assert named(start(DEVELOPMENT, secret_key_fallbacks=fallbacks)) == []


def start(base: StartSettings, **changes: object) -> StartSettings:
    return StartSettings(**{name: getattr(base, name) for name in base.__slots__} | changes)


def named(found: StartSettings) -> list[str]:
    return [name for name, _ in problems(found)]


@pytest.mark.parametrize(
    "host",
    [
        *("0.0.0.0", "::", "[::]", "0", "192.168.1.5", "10.0.0.1", "8.8.8.8", "2001:db8::1", "::ffff:10.0.0.1"),
        *("studio.example.com", "studio", "localhost.example.com", "127.0.0.1.example.com", "127.1", "notlocalhost"),
    ],
)
def test_debug_is_for_this_machine_alone(host: str) -> None:
    address = f"[{host.strip('[]')}]" if ":" in host else host

    assert named(start(DEVELOPMENT, host=host)) == ["HOST"]
    assert named(start(DEVELOPMENT, site_url=f"http://{address}:8000")) == ["SITE_URL"]
    assert named(start(DEVELOPMENT, site_url=f"https://{address}")) == ["SITE_URL"]
    assert named(start(DEVELOPMENT, public_url=f"https://{address}")) == ["PUBLIC_URL"]
    assert named(start(DEVELOPMENT, allowed_hosts=["localhost", host])) == ["ALLOWED_HOSTS"]


def test_debug_does_not_answer_to_any_host() -> None:
    assert named(start(DEVELOPMENT, allowed_hosts=["*"])) == ["ALLOWED_HOSTS"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "LOCALHOST", "::1", "[::1]", "a.localhost"])
def test_debug_on_this_machine_is_fine(host: str) -> None:
    address = f"[{host.strip('[]')}]" if ":" in host else host
    own = start(DEVELOPMENT, host=host, site_url=f"http://{address}:8000", public_url=f"http://{address}:8000")

    assert named(own) == []
    assert named(start(own, allowed_hosts=[host, ".localhost"], secret_key="short")) == []


@pytest.mark.parametrize(
    "key",
    [
        DEVELOPMENT_KEY,
        f" {DEVELOPMENT_KEY} ",
        "x" * 49,
        "short",
        "x" * 80,
        "abcd" * 20,
        "ab" + " " * 60,
        "django-insecure-" + KEY,
    ],
)
def test_key_that_can_be_guessed_is_refused(key: str) -> None:
    assert named(start(PRODUCTION, secret_key=key)) == ["SECRET_KEY"]


@pytest.mark.parametrize(
    ("url", "insecure_http", "is_refused"),
    [
        ("http://studio.example.com", False, True),
        ("http://10.0.0.5:8000", False, True),
        ("http://localhost:8000", False, True),
        ("http://8.8.8.8", True, True),
        ("http://[2600::1]", True, True),
        ("http://10.0.0.5:8000", True, False),
        ("http://192.168.1.5", True, False),
        ("http://[fd00::1]", True, False),
        ("http://studio.lan", True, False),
        ("http://localhost:8000", True, False),
        ("https://studio.example.com", True, False),
        ("https://localhost:8443", False, False),
    ],
)
def test_plain_http_is_for_a_private_network_that_says_so(url: str, insecure_http: bool, is_refused: bool) -> None:
    found = named(start(PRODUCTION, site_url=url, insecure_http=insecure_http))

    assert found == (["SITE_URL"] if is_refused else [])


@pytest.mark.parametrize(
    "host",
    ["*", "*.example.com", "https://studio.example.com", "studio.example.com:8000", "a/b", "a b", ".", ".com", "a,b"],
)
def test_host_that_accepts_any_or_none_is_refused(host: str) -> None:
    assert named(start(PRODUCTION, allowed_hosts=["studio.example.com", host])) == ["ALLOWED_HOSTS"]


@pytest.mark.parametrize("host", ["studio.example.com", ".example.com", "studio", "10.0.0.5", "[::1]", "localhost"])
def test_host_that_is_one_is_taken(host: str) -> None:
    assert named(start(PRODUCTION, allowed_hosts=[host])) == []


# --- each process


COMPLETE: Final = {
    "DEBUG": "false",
    "SECRET_KEY": KEY,
    "SITE_URL": SITE,
    "ALLOWED_HOSTS": "studio.example.com",
    "EMAIL_URL": "smtp://mail.example.com:25",
    "TRUSTED_PROXIES": "0",
}
UNSAFE: Final[dict[str, tuple[dict[str, str], list[str]]]] = {
    "nothing but DEBUG": (
        {"DEBUG": "false"},
        ["SECRET_KEY", "SITE_URL", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "EMAIL_URL"],
    ),
    "open to the network": ({"HOST": "0.0.0.0"}, ["HOST"]),
    "public and known": ({"PUBLIC_URL": SITE, "FAL_KEY": "id:secret"}, ["PUBLIC_URL"]),
    "two at once": (
        COMPLETE | {"SECRET_KEY": DEVELOPMENT_KEY, "SITE_URL": "http://a.example"},
        ["SECRET_KEY", "SITE_URL"],
    ),
    "proxies not said": (COMPLETE | {"TRUSTED_PROXIES": ""}, ["TRUSTED_PROXIES"]),
}
COMMANDS: Final = {
    "make run": ["-m", "devserver.launcher"],
    "web": [
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--log-level",
        "error",
        "--port",
        "{port}",
        "config.wsgi:application",
    ],
    "web of make run": ["-m", "config.web"],
    "worker": ["manage.py", "rqworker", "default"],
    "cron": ["manage.py", "rqcron", "generations.cron", "--skip-checks"],
    "migrate": ["manage.py", "migrate"],
    "help": ["manage.py", "help"],
    "wait": ["-m", "config.wait", "redis"],
}


def run(command: list[str], var: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=addresses.ROOT,
        env=without_ours() | {"VAR_DIR": str(var)} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def assert_refused(done: subprocess.CompletedProcess[str], names: list[str]) -> None:
    output = done.stdout + done.stderr
    assert done.returncode == 1, output
    assert "Traceback" not in output
    first = "The environment is not complete:"
    lines = output[output.index(first) :].splitlines()[1 : len(names) + 1]
    assert sorted(line.partition(":")[0].strip() for line in lines) == sorted(names), output


@pytest.mark.parametrize("way", UNSAFE)
def test_launcher_refuses_before_it_starts_anything(tmp_path: Path, way: str) -> None:
    environment, names = UNSAFE[way]
    done = run(COMMANDS["make run"], tmp_path / "var", **environment)

    assert_refused(done, names)
    assert "admin@example.com" not in done.stdout + done.stderr
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("process", COMMANDS)
def test_every_process_refuses(tmp_path: Path, process: str) -> None:
    environment, names = UNSAFE["two at once"]
    command = [part.format(port=free_ports(1)) for part in COMMANDS[process]]

    assert_refused(run(command, tmp_path / "var", **environment), names)


def test_static_files_are_collected_without_any_secret(tmp_path: Path) -> None:
    """As when an image is built: with nothing set, and by the names that production asks for."""
    done = run(["-c", COLLECT, str(tmp_path / "collected")], tmp_path / "var")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "collected" / "staticfiles.json").exists()


COLLECT: Final = """
import sys
from django.core.management import call_command
from config.start import load_settings
load_settings()
from django.conf import settings
settings.STATIC_ROOT = sys.argv[1]
import django
django.setup()
call_command("collectstatic", interactive=False, verbosity=0)
"""
