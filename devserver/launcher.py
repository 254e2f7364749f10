"""`make run`: start the whole studio on this machine, from the Procfile, and watch it.

What the environment names is used and not started: with a DATABASE_URL no PostgreSQL starts, and so on.
The Procfile's order gives three stages: servers, then migrations, then the studio itself.
"""

import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TextIO

from honcho.environ import parse_procfile

from devserver import addresses, s3
from devserver.server import try_lock, wait_until
from devserver.supervision import ChildEndedError, ProcessManager, StopRequestedError

SERVICE_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "postgres": ("DATABASE_URL",),
    "valkey": ("REDIS_URL",),
    "s3": ("AWS_STORAGE_BUCKET_NAME", "AWS_S3_ENDPOINT_URL"),
    "sandbox": ("FAL_KEY", "FAL_QUEUE_URL"),
}
SERVERS, STUDIO = 0, 1  # stages: the studio ends before the servers that it writes to
LEFTOVER_SECONDS = 12
REPORT_SECONDS = 20


class StartError(Exception):
    """The studio can't be started; the message is one line that says why and what to do."""


def select_processes(processes: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The Procfile's processes without those that the environment already has."""
    given = {name for name, names in SERVICE_VARIABLES.items() if any(environment.get(each) for each in names)}
    return {name: command for name, command in processes.items() if name not in given}


def ports(names: Mapping[str, str]) -> list[int]:
    """Every port that these processes listen on."""
    first_of_s3 = addresses.s3_port()
    needed = {
        "web": [addresses.port()],
        "sandbox": [addresses.sandbox_port()],
        "s3": list(range(first_of_s3, first_of_s3 + s3.PORTS)),
    }
    return [port for name in names for port in needed.get(name, [])]


def read_port(environment: Mapping[str, str]) -> int:
    """PORT, or its default; not what a killed launcher left in var/port."""
    named = environment.get("PORT") or str(addresses.DEFAULT_PORT)
    if not named.isdecimal() or not 1024 <= int(named) <= 65000:
        message = f"PORT is {named!r}, and has to be a number from 1024 to 65000, such as PORT=9000 make run"
        raise StartError(message)
    return int(named)


def environment() -> dict[str, str]:
    """What the Procfile's commands find: this Python first, and the addresses of this copy of the project."""
    programs = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "VAR_DIR": str(addresses.var()),
        "PORT": str(addresses.port()),
        "SANDBOX_PORT": str(addresses.sandbox_port()),
        "S3_PORT": str(addresses.s3_port()),
    }


def main() -> int:
    """Run until told to stop; the exit code says why we ended."""
    try:
        os.environ["PORT"] = str(read_port(os.environ))
        refuse_unsafe()
        with launcher_lock(addresses.var()) as keep_open:
            processes = select_processes(
                parse_procfile((addresses.ROOT / "Procfile").read_text()).processes, os.environ
            )
            refuse_taken_ports(ports(processes))
            return run(processes, keep_open)
    except StartError as refusal:
        print(refusal, file=sys.stderr)
        return 1


def run(processes: Mapping[str, str], keep_open: TextIO) -> int:
    """Bring everything up, say so, and watch it."""
    width = max(map(len, [*processes, "migrate"]))
    known = environment() | metrics_directory()
    with port_file(), ProcessManager(addresses.ROOT, known, keep_open.fileno(), width) as crew:
        try:
            bring_up(crew, processes, keep_open)
            crew.watch(lambda: False)
        except ChildEndedError as ended:
            crew.say(f"{ended} Stopping everything.")
            return 1
        except StopRequestedError as told:
            crew.say("Stopping.")
            return 128 + told.number
    raise AssertionError("the crew is watched until something ends")


def metrics_directory() -> dict[str, str]:
    """Where all of them count together, for /metrics; empty again, unless the environment names another."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR", "").strip():
        return {}
    directory = addresses.var() / "metrics"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return {"PROMETHEUS_MULTIPROC_DIR": str(directory)}


def bring_up(crew: ProcessManager, processes: Mapping[str, str], keep_open: TextIO) -> None:
    """The servers, the migrations, the studio, the demo's people; at the end its address."""
    for name in [name for name in processes if name in SERVICE_VARIABLES]:
        crew.start(name, processes[name], SERVERS)
    write_pids(crew, keep_open)
    prepare(crew)
    for name in [name for name in processes if name not in SERVICE_VARIABLES]:
        crew.start(name, processes[name], STUDIO, restarts=True)
    crew.on_restart = lambda: write_pids(crew, keep_open)
    write_pids(crew, keep_open)
    if is_debug():
        crew.run_command("demo", "exec python manage.py demo --skip-checks")
    wait_until_ready(crew)
    print(*greeting(), sep="\n", flush=True)


def prepare(crew: ProcessManager) -> None:
    """Once the database answers, give it its tables; in production, collect the static files as well."""
    crew.run_command(
        "migrate", "python -m config.wait postgres && exec python manage.py migrate --verbosity 0 --skip-checks"
    )
    if not is_debug():
        crew.run_command("static", "exec python manage.py collectstatic --noinput --verbosity 0")


def wait_until_ready(crew: ProcessManager) -> None:
    """Until /readyz says 200, asked ever more seldom; what it says instead is shown when it goes on for long."""
    said_after, pause = time.monotonic() + REPORT_SECONDS, 0.3
    while problem := readiness_problem():
        if time.monotonic() > said_after:
            crew.say(f"Still not ready. {problem}")
            said_after += REPORT_SECONDS
        crew.pause(pause)
        pause = min(pause * 1.3, 5)


def readiness_problem() -> str:
    """What /readyz finds missing; empty when nothing is."""
    connection = http.client.HTTPConnection(s3.HOST, addresses.port(), timeout=10)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        text = " ".join(answer.read(1000).decode(errors="replace").split())
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return "" if answer.status == 200 else text or f"/readyz answers {answer.status}"


def greeting() -> list[str]:
    """The last lines of a start."""
    people = "Sign in as demo@example.com (password demo) or admin@example.com (password admin)."
    mails = f"Mails are not sent but kept: {address()}dev/mail/"
    ours = [people] if is_debug() else []
    ours += [mails] if is_debug() and not os.environ.get("EMAIL_URL") else []
    return ["", f"Kling Studio is ready: {address()}", *ours]


def address() -> str:
    """Where people find the studio; passkeys need a name, which 127.0.0.1 is not."""
    site = os.environ.get("SITE_URL") or f"http://localhost:{addresses.port()}"
    return f"{site.rstrip('/')}/"


def is_debug() -> bool:
    """What the settings will make of DEBUG."""
    return os.environ.get("DEBUG", "true").lower() in {"1", "true", "t", "yes", "y", "on"}


def refuse_unsafe() -> None:
    """Nothing is started, and no directory made, where the settings would refuse the environment."""
    done = subprocess.run(
        [sys.executable, "-m", "config.start"],
        cwd=addresses.ROOT,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StartError(done.stderr.rstrip())


def refuse_taken_ports(needed: list[int]) -> None:
    """Better one line now than a server that fails in the middle."""
    for port in needed:
        if not s3.is_free(port):
            other = addresses.port() + 1000
            message = f"Port {port} is taken. Stop what uses it, or choose another: PORT={other} make run"
            raise StartError(message)


@contextlib.contextmanager
def launcher_lock(var: Path) -> Iterator[TextIO]:
    """Hold this copy's lock, and end what a killed launcher has left; gives the file that every child keeps open."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "launcher.lock").open("a") as ours, (var / "children").open("a+") as keep_open:
        if not try_lock(ours.fileno()):
            raise StartError("Kling Studio already runs from this folder. Stop it first: Ctrl-C where it runs.")
        if not try_lock(keep_open.fileno()):
            end_leftovers(keep_open)
        yield keep_open


def end_leftovers(keep_open: TextIO) -> None:
    """Its lock is held: children of a killed launcher still run, and their numbers are in it."""
    keep_open.seek(0)
    numbers = [int(line) for line in keep_open.read().split()]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in numbers:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, number)
        if wait_until(lambda: try_lock(keep_open.fileno()), LEFTOVER_SECONDS):
            return
    raise StartError(f"Processes of an earlier run do not end: {', '.join(map(str, numbers))}. End them first.")


def write_pids(crew: ProcessManager, keep_open: TextIO) -> None:
    """Write the children's numbers down for the next launcher, should we be killed."""
    keep_open.truncate(0)
    keep_open.write("\n".join(map(str, crew.pids)))
    keep_open.flush()


@contextlib.contextmanager
def port_file() -> Iterator[None]:
    """While we run, `manage.py` in another shell finds our port in var/port."""
    file = addresses.var() / "port"
    file.write_text(str(addresses.port()))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
