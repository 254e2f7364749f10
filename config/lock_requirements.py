"""`make lock` and `make upgrade`: write every installed package, with its dependencies and hashes.

The requirements say what we chose and why, each file on top of the one before; the locks say what that comes to on
each system, with each Python from 3.11 on. `lock` moves only what has changed there; `upgrade` first moves their pins.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
REQUIREMENTS: Final = (
    "requirements-production.txt",
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-deploy.txt",
)
_HEADER: Final = "# Written by `make lock`. What is chosen, and why, is in {}.\n"
_PIN: Final = re.compile(r"^(?P<name>[\w.-]+)(?P<extras>\[[^]]*\])?==(?P<version>[^\s;,#]+)", re.MULTILINE)
# one release of each package for every Python and system; nothing of the machine's own registry is written down
_OPTIONS: Final = (
    *("--universal", "--python-version", "3.11", "--fork-strategy", "fewest", "--generate-hashes"),
    *("--no-header", "--no-emit-index-url", "--no-emit-find-links", "--quiet"),
)


def lock_of(chosen: str) -> str:
    """The file's name, such as requirements.lock."""
    return chosen.replace(".txt", ".lock")


def pins(text: str) -> dict[str, str]:
    """Version by name, in the one way to write a name (PEP 503)."""
    return {re.sub(r"[-_.]+", "-", found["name"]).lower(): found["version"] for found in _PIN.finditer(text)}


def write_locks() -> None:
    """Each is held to what the one before says."""
    held: list[str] = []
    for chosen in REQUIREMENTS:
        lock = ROOT / lock_of(chosen)
        _resolve(chosen, lock.name, ROOT, *held)
        lock.write_text(_HEADER.format(chosen) + lock.read_text())
        held = ["--constraint", lock.name]


def upgrade() -> None:
    """Moves the pins of all files to the newest releases that go together; what else a line says still holds."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for chosen in REQUIREMENTS:
            (directory / chosen).write_text(_loosen_pins((ROOT / chosen).read_text()))
        _resolve(REQUIREMENTS[-1], "newest.lock", directory, "--upgrade")
        newest = pins((directory / "newest.lock").read_text())
    for chosen in REQUIREMENTS:
        file = ROOT / chosen
        file.write_text(update_pins(file.read_text(), newest))
    for chosen in REQUIREMENTS:
        (ROOT / lock_of(chosen)).unlink(missing_ok=True)  # so that what others need moves too


def _loosen_pins(text: str) -> str:
    return _PIN.sub(lambda found: f"{found['name']}{found['extras'] or ''}>={found['version']}", text)


def update_pins(text: str, newest: dict[str, str]) -> str:
    """The requirements with their pins moved; the reasons stay, in their column."""
    return "".join(_update_line(line, newest) for line in text.splitlines(keepends=True))


def _update_line(line: str, newest: dict[str, str]) -> str:
    if not (found := _PIN.match(line)):
        return line
    name = next(iter(pins(line)))
    pin = f"{found['name']}{found['extras'] or ''}=={newest.get(name, found['version'])}"
    requirement, hash_, reason = (pin + line[found.end() :]).partition("#")
    column = line.find("#")
    return f"{requirement.rstrip()} ".ljust(column) + hash_ + reason if hash_ else requirement


def _resolve(chosen: str, lock: str, directory: Path, *options: str) -> None:
    subprocess.run(  # noqa: S603  our own tool
        [Path(sys.executable).with_name("uv"), "pip", "compile", *_OPTIONS, *options, chosen, "--output-file", lock],
        cwd=directory,
        check=True,
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["upgrade"]:
        upgrade()
    write_locks()
