"""Every lint of what `deploy/` has, each by the program that will read it: nothing is built or started."""

import shutil
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import yaml
from helm_python import Chart
from helm_python import lint as helm_lint
from kubernetes_validate.utils import SchemaNotFoundError

from devserver.addresses import ROOT
from tests.browser.tls import make_certificate
from tests.deploy.tools import DEPLOY, CheckError, compose_program, example_environment, program, run, step

CHART: Final = DEPLOY / "chart"
REQUIRED: Final[dict[str, Any]] = {"host": "studio.example.com", "existingSecret": "s", "ingress": {"tlsSecret": "tls"}}
VARIANTS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"serviceMonitor": {"enabled": True}, "worker": {"autoscaling": {"enabled": False}}, "migrate": {"enabled": False}},
    {"networkPolicy": {"egressTo": [{"ports": [{"port": 5432}]}], "ingressFrom": [{"namespaceSelector": {}}]}},
    {"backup": {"enabled": True, "existingClaim": "backups"}, "migrate": {"check": False}},
    {"ingress": {"enabled": False}, "serviceAccount": {"create": False}, "nodeSelector": {"disk": "ssd"}},
)
EXPOSURE: Final = 15  # tenths, of systemd-analyze: 0 is nothing at all, 100 a unit without any protection


def lint_everything(directory: Path) -> None:
    with step("hadolint deploy/Dockerfile"):
        run(program("hadolint"), DEPLOY / "Dockerfile")
    with step("docker compose config"):
        lint_compose(directory)
    with step("caddy validate deploy/Caddyfile"):
        lint_caddy(directory)
    with step("nginx -t docs/nginx.conf"):
        lint_nginx(directory)
    with step(f"helm lint --strict, {len(VARIANTS)} renderings against Kubernetes' schemas"):
        lint_chart()
    with step("systemd-analyze verify, security"):
        lint_units(directory)


def lint_compose(directory: Path) -> None:
    """Whole with .env.example filled in; and each required name is asked for."""
    environment = directory / "compose.env"
    environment.write_text(example_environment())
    command = [*compose_program(directory), "--env-file", str(environment), "-f", str(DEPLOY / "compose.yaml")]
    run(*command, "config", "--quiet")
    run(*command, "--profile", "s3", "config", "--quiet")


def lint_caddy(directory: Path) -> None:
    own = make_certificate(directory, "studio.example.com")
    for tls in ("", "tls internal", f"tls {own.certificate} {own.key}"):
        given = {"SITE_HOST": "studio.example.com", "TLS": tls, "XDG_DATA_HOME": str(directory)}
        run(program("caddy"), "validate", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile", env=given)
    run(program("caddy"), "fmt", "--diff", DEPLOY / "Caddyfile")


def lint_nginx(directory: Path) -> None:
    """The part that the documentation gives, within the least that nginx needs around it."""
    make_certificate(directory, "studio.example.com")
    part = (ROOT / "docs" / "nginx.conf").read_text()
    for place in ("/etc/ssl/certs", "/etc/ssl/private", "/var/log/nginx"):
        part = part.replace(f"{place}/", f"{directory}/")
    whole = directory / "nginx.conf"
    whole.write_text(f"pid {directory}/nginx.pid; events {{}} http {{ {part} }}")
    run(program("nginx"), "-t", "-q", "-e", "stderr", "-c", whole)


def lint_chart() -> None:
    for values in VARIANTS:
        merged = {name: {**REQUIRED.get(name, {}), **part} for name, part in values.items()}
        found = helm_lint(CHART, REQUIRED | merged, strict=True)
        if found["errors"]:
            raise CheckError("\n".join(found["errors"]))
        for manifest in render(REQUIRED | merged):
            _validate(manifest)


def render(values: dict[str, Any]) -> list[dict[str, Any]]:
    """What `helm template` would print, read again."""
    with Chart.load(CHART) as chart:
        texts = chart.render(values, name="studio", namespace="video")
    yaml_texts = [text for name, text in texts.items() if name.endswith(".yaml")]
    return [manifest for text in yaml_texts for manifest in yaml.safe_load_all(text) if manifest]


def _validate(manifest: dict[str, Any]) -> None:
    """Monitors are the Prometheus operator's own, and no schema of Kubernetes."""
    try:
        kubernetes_validate.validate(manifest, "1.37", strict=True)
    except SchemaNotFoundError:
        if manifest["kind"] not in {"ServiceMonitor", "PodMonitor"}:
            raise


def lint_units(directory: Path) -> None:
    """As if the project lay where the units say."""
    units = directory / "units"
    units.mkdir()
    for unit in (DEPLOY / "systemd").iterdir():
        (units / unit.name).write_text(unit.read_text().replace("/opt/kling-studio", str(ROOT)))
    analyze, services = shutil.which("systemd-analyze"), sorted(units.glob("*.service"))
    if not analyze:
        raise CheckError("systemd-analyze is not installed")
    run(analyze, "verify", *units.iterdir(), env={"SYSTEMD_UNIT_PATH": f"{units}:"})
    for service in services:
        run(analyze, "security", "--offline=true", f"--threshold={EXPOSURE}", service)
