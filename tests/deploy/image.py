"""Builds the image of deploy/Dockerfile and runs it as the compose file says, with the servers beside it.

Podman does both, since it needs no daemon. Where no registry is to be had, a Debian of the same release with its own
Python of the same version stands for the base image.
"""

import json
import os
import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from devserver import addresses, postgres, valkey
from devserver.s3 import free_ports, running_s3
from devserver.server import wait_until
from tests.browser.tls import Certificate, make_certificate
from tests.deploy.tools import DEPLOY, CheckError, compose_program, example_environment, program, run, step
from tests.sandbox_process import KEY, running_sandbox

PORT: Final = free_ports(16)
POSTGRES, VALKEY, SANDBOX, TLS, PLAIN, S3 = range(PORT + 1, PORT + 7)
NAME: Final = "localhost"
IMAGE: Final = "localhost/kling-studio"
MAIL: Final = "root@example.com"
PASSWORD: Final = "a-long-passphrase-of-the-check"
STOP_SECONDS: Final = 40
NEVER_IN_IMAGE: Final = ("tests", "docs", "sandbox", "bench", "deploy", ".git", ".env", "var", "requirements-dev.lock")


@dataclass(frozen=True)
class Engine:
    """Podman with everything that it keeps under one directory."""

    directory: Path

    def __call__(self, *arguments: str | Path, seconds: float = 900) -> str:
        places = ("--root", self.directory / "storage", "--runroot", self.directory / "run")
        # what a virtual machine without systemd needs
        kind = ("--storage-driver", "overlay", "--runtime", program("runc"), "--cgroup-manager", "cgroupfs")
        return run(program("podman"), *places, *kind, "--log-level", "fatal", *arguments, seconds=seconds)

    def close(self) -> None:
        """Its storage is a mount of its own, which would stay."""
        if (storage := self.directory / "storage" / "overlay").is_mount():
            run("umount", storage)


def build(engine: Engine) -> None:
    base = base_image()
    with step(f"FROM {base}"):
        provide_base(engine, base)
    with step("podman build -f deploy/Dockerfile"):
        options = ("--isolation", "chroot", "--pull=never", "--layers=false", "--format", "docker")
        engine(
            "build", *options, "--build-arg", "VERSION=check", "-f", DEPLOY / "Dockerfile", "-t", IMAGE, addresses.ROOT
        )


def base_image() -> str:
    found = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert found
    return found[1]


def provide_base(engine: Engine, name: str) -> None:
    try:
        engine("pull", "--quiet", name, seconds=30)
    except (CheckError, subprocess.TimeoutExpired):
        _make_base(engine, name)


def _make_base(engine: Engine, name: str) -> None:
    """With this machine's certificates, as behind a company's proxy, since pip is to use them."""
    archive = engine.directory / "base.tar"
    hooks = (
        'ln -s /usr/bin/python3 "$1/usr/local/bin/python"',
        "copy-in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs",
        'printf "[global]\\ncert = /etc/ssl/certs/ca-certificates.crt\\n" > "$1/etc/pip.conf"',
    )
    options = [f"--customize-hook={hook}" for hook in hooks]
    packages = "--include=ca-certificates,python3,python3-venv"
    release = name.rpartition("-")[2]
    run(program("mmdebstrap"), "--quiet", "--variant=minbase", packages, *options, release, archive)
    engine("import", "--quiet", archive, name)
    archive.unlink()


def inspect(engine: Engine) -> dict[str, Any]:
    """The image's own configuration, after a look at what it has and hasn't."""
    image: dict[str, Any] = json.loads(engine("image", "inspect", IMAGE))[0]
    config = image["Config"]
    assert config["User"] == "10001:10001", config["User"]
    assert config["Labels"]["org.opencontainers.image.version"] == "check"
    assert not re.search(r"SECRET|PASSWORD|TOKEN|_KEY", " ".join(config["Env"])), config["Env"]
    tree = engine(
        "run", "--rm", *confinement(), IMAGE, "sh", "-c", "ls -a; ls static-collected; find . -writable"
    ).split()
    assert not set(tree) & set(NEVER_IN_IMAGE), tree
    assert "staticfiles.json" in tree
    assert not [name for name in tree if name.startswith("./")], "the user can change the program"
    return image


def confinement() -> list[str]:
    """What the compose file and the chart say, and limits that a user of podman without CAP_SYS_RESOURCE may set."""
    limits = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096", "--no-healthcheck")
    return ["--network", "host", "--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges", *limits]


def compose_services(directory: Path) -> dict[str, Any]:
    environment = directory / "compose.env"
    environment.write_text(example_environment().replace("SITE_HOST=studio.example.com", f"SITE_HOST={NAME}"))
    command = [*compose_program(directory), "--env-file", str(environment), "-f", str(DEPLOY / "compose.yaml")]
    services: dict[str, Any] = json.loads(run(*command, "config", "--format", "json"))["services"]
    return services


def environment_of(service: dict[str, Any]) -> dict[str, str]:
    """Compose's, with the servers where they are here: beside the container instead of in its network."""
    told: dict[str, str] = service["environment"]
    return told | {
        "SITE_URL": f"https://{NAME}:{TLS}",
        "PORT": str(PORT),
        "DATABASE_URL": f"postgres://postgres@127.0.0.1:{POSTGRES}/postgres",
        "REDIS_URL": f"redis://127.0.0.1:{VALKEY}/0",
        "AWS_S3_ENDPOINT_URL": f"http://127.0.0.1:{S3}",
        "AWS_ACCESS_KEY_ID": "kling-studio",
        "AWS_SECRET_ACCESS_KEY": "kling-studio-on-loopback",
        "MEDIA_DELIVERY": "proxy",
        "EMAIL_URL": "memory:",
        "STAFF_SECOND_FACTOR": "optional",
        "FAL_KEY": KEY,
        "FAL_QUEUE_URL": f"http://127.0.0.1:{SANDBOX}",
        "FAL_REST_URL": f"http://127.0.0.1:{SANDBOX}",
        "FAL_API_URL": f"http://127.0.0.1:{SANDBOX}/v1",
        "FAL_WEBHOOKS": "off",  # the sandbox calls no address with an own certificate
    }


@contextmanager
def running_servers(directory: Path) -> Iterator[None]:
    """PostgreSQL and Valkey on TCP, since another user's container can't use a socket of ours; S3; a fal."""
    quick = {"SANDBOX_QUEUE_SECONDS": "0.2", "SANDBOX_RENDER_SECONDS": "0.5"}
    postgres.SETTINGS.update(listen_addresses="127.0.0.1", port=str(POSTGRES))
    with ExitStack() as stack:
        stack.enter_context(postgres.running_postgres(directory / "pg", durable=False))
        options = ("--port", str(VALKEY), "--bind", "127.0.0.1", "--save", "")
        stack.enter_context(_running(directory / "valkey.log", str(valkey.program()), *options))
        stack.enter_context(running_s3(directory / "s3", S3))
        stack.enter_context(running_sandbox(directory / "sandbox", SANDBOX, **quick))
        yield


@contextmanager
def _running(log: Path, *command: str, env: dict[str, str] | None = None) -> Iterator[None]:
    with log.open("w") as to, subprocess.Popen(command, env=os.environ | (env or {}), stdout=to, stderr=to) as process:
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def running_caddy(directory: Path, own: Certificate) -> Iterator[None]:
    """deploy/Caddyfile, on ports of ours and with a certificate of ours."""
    file = directory / "Caddyfile"
    ports = f"admin off\n\thttp_port {PLAIN}\n\thttps_port {TLS}"
    file.write_text((DEPLOY / "Caddyfile").read_text().replace("admin off", ports, 1))
    given = {
        "SITE_HOST": NAME,
        "STUDIO_UPSTREAM": f"127.0.0.1:{PORT}",
        "TLS": f"tls {own.certificate} {own.key}",
        "XDG_DATA_HOME": str(directory),
    }
    command = (program("caddy"), "run", "--adapter", "caddyfile", "--config", str(file))
    with _running(directory / "caddy.log", *command, env=given):
        yield


@dataclass(frozen=True)
class Containers:
    engine: Engine
    services: dict[str, Any]

    def start(self, name: str, *, waits: bool = False) -> None:
        service = self.services[name]
        given = [part for item in environment_of(service).items() for part in ("--env", "=".join(item))]
        places = [part for place in ("/tmp", "/run/metrics") for part in ("--tmpfs", place)]
        how = ("--rm",) if waits else ("--detach",)
        self.engine("run", *how, "--name", name, *confinement(), *places, *given, IMAGE, *service["command"])

    def manage(self, *arguments: str) -> str:
        return self.engine(
            "exec", "--env", f"DJANGO_SUPERUSER_PASSWORD={PASSWORD}", "web", "python", "manage.py", *arguments
        )

    def stop(self, name: str) -> None:
        """By SIGTERM alone: podman would kill it after that time, which is 137."""
        self.engine("stop", "--time", str(STOP_SECONDS), name)
        state = json.loads(self.engine("container", "inspect", name))[0]["State"]
        if state["ExitCode"]:
            raise CheckError(f"{name} ended with {state['ExitCode']}\n{self.engine('logs', name)[-3000:]}")


def check_installation(directory: Path) -> None:
    with closing(Engine(directory)) as engine:
        _check_image(engine, directory)


def _check_image(engine: Engine, directory: Path) -> None:
    build(engine)
    with step("no secret, no tool, no test in it; not root's, not writable"):
        image = inspect(engine)
    own = make_certificate(directory, NAME)
    with running_servers(directory), running_caddy(directory, own):
        _check_containers(Containers(engine, compose_services(directory)), image, own)


def _check_containers(containers: Containers, image: dict[str, Any], own: Certificate) -> None:
    try:
        with step("migrate"):
            containers.start("migrate", waits=True)
        with step("web, worker and cron of compose.yaml: /readyz through Caddy's TLS"):
            for name in ("web", "worker", "cron"):
                containers.start(name)
            client = httpx.Client(
                base_url=f"https://{NAME}:{TLS}", verify=ssl.create_default_context(cafile=own.certificate)
            )
            if not wait_until(lambda: _is_ready(client), 120):
                raise CheckError(containers.engine("logs", "web"))
        with step("a first admin, a video, seen by TLS"):
            _check_video(containers, client)
        with step("upgrade_check; a backup by the image's own pg_dump"):
            containers.manage("upgrade_check")
            containers.manage("backup", "/tmp/backup")
        with step("Caddy's access log has no token, no query and no referrer"):
            _check_access_log(containers.engine.directory / "caddy.log", client)
        with step("HEALTHCHECK"):
            containers.engine("exec", "web", *image["Healthcheck"]["Test"][1:])
        with step("SIGTERM ends web, worker and cron with 0"):
            for name in ("web", "worker", "cron"):
                containers.stop(name)
    finally:
        containers.engine("rm", "--force", "--all", "--time", "1")


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _check_video(containers: Containers, client: httpx.Client) -> None:
    containers.manage("createsuperuser", "--noinput", "--email", MAIL)
    address = containers.manage("generate", "--user", MAIL, "--wait", "A ship in a bottle").split()[-1]
    page = client.get("/accounts/login/")
    token = {"csrfmiddlewaretoken": client.cookies["csrftoken"], "login": MAIL, "password": PASSWORD}
    answer = client.post("/accounts/login/", data=token, headers={"Referer": str(page.url)})
    assert answer.is_redirect, answer.text
    video = client.get(address, follow_redirects=True)
    assert video.headers["Content-Type"] == "video/mp4", (address, video)
    assert video.content[4:8] == b"ftyp"


def _check_access_log(log: Path, client: httpx.Client) -> None:
    """Each address with the same text, which therefore must not be found."""
    secret = "a-token-that-nobody-may-read"
    with_token = ("share", "teams/join", "teams/approve", "accounts/confirm-email", "accounts/password/reset/key")
    for path in [*(f"/{place}/{secret}/" for place in with_token), f"/?signature={secret}", "/last-line"]:
        client.get(path, headers={"Referer": f"https://{NAME}/{secret}"})
    if not wait_until(lambda: "/last-line" in log.read_text(), 10):
        raise CheckError("Caddy logs nothing")
    if secret in log.read_text():
        raise CheckError(log.read_text())
