"""Compose file, chart, units and proxies say the same as the Procfile, the settings and each other."""

import re
from typing import Any, Final

import pytest
import yaml
from honcho.environ import parse_procfile

from devserver.addresses import ROOT

DEPLOY: Final = ROOT / "deploy"
COMPOSE: Final = (DEPLOY / "compose.yaml").read_text()
SERVICES: Final[dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
OURS: Final = ("web", "worker", "cron", "migrate")
PROCESSES: Final = ("web", "worker", "cron")
EXAMPLE: Final = (DEPLOY / ".env.example").read_text()
UNITS: Final = {file.name: file.read_text() for file in (DEPLOY / "systemd").iterdir()}


def procfile_command(name: str) -> str:
    """Without the wait before it: compose, Helm and systemd wait by their own means."""
    whole: str = parse_procfile((ROOT / "Procfile").read_text()).processes[name]
    return whole.partition("&& exec ")[2]


@pytest.mark.parametrize("name", PROCESSES)
def test_compose_starts_what_the_procfile_does(name: str) -> None:
    assert " ".join(SERVICES[name]["command"]) == procfile_command(name)


@pytest.mark.parametrize("name", PROCESSES)
def test_chart_starts_what_the_procfile_does(name: str) -> None:
    template = (DEPLOY / "chart" / "templates" / f"{name}.yaml").read_text()
    found = re.search(r'"command" \(list ([^)]*)\)', template)

    assert found
    assert found[1].replace('"', "") == procfile_command(name)


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ("kling-studio-web.service", "web"),
        ("kling-studio-worker@.service", "worker"),
        ("kling-studio-cron.service", "cron"),
    ],
)
def test_systemd_starts_what_the_procfile_does(unit: str, name: str) -> None:
    assert f"ExecStart=/opt/kling-studio/.venv/bin/{procfile_command(name)}\n" in UNITS[unit]
    assert "Requires=kling-studio-migrate.service" in UNITS[unit]


@pytest.mark.parametrize("unit", [name for name in UNITS if name.endswith(".service")])
def test_each_unit_is_confined(unit: str) -> None:
    lines = UNITS[unit].splitlines()

    for wanted in ("User=kling-studio", "ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet="):
        assert wanted in lines


@pytest.mark.parametrize("name", OURS)
def test_our_containers_are_confined(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "ports" not in service


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert {name for name, service in SERVICES.items() if service["networks"] == ["inside"]} == {
        "postgres",
        "valkey",
        "s3",
    }


def test_example_has_each_variable_of_the_compose_file_and_no_other() -> None:
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE))
    shown = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE, re.MULTILINE))

    assert asked == shown


def test_what_is_required_stands_in_the_example_without_a_hash() -> None:
    required = set(re.findall(r"\$\{(\w+):\?", COMPOSE))

    assert required == {
        *("SITE_HOST", "SECRET_KEY", "POSTGRES_PASSWORD", "EMAIL_URL", "FAL_KEY", "AWS_STORAGE_BUCKET_NAME"),
    }  # fmt: skip
    assert required <= set(re.findall(r"^([A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))


def test_example_has_no_secret() -> None:
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "FAL_KEY", "AWS_SECRET_ACCESS_KEY"):
        assert re.search(rf"^{name}=$", EXAMPLE, re.MULTILINE)


def test_settings_know_what_the_containers_are_told() -> None:
    table = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs" / "configure.md").read_text()))

    assert set(SERVICES["web"]["environment"]) - table == set()


def test_both_proxies_keep_the_same_addresses_out_of_their_logs() -> None:
    nginx = re.search(r'"~\^/\((.+)\)/"', (ROOT / "docs" / "nginx.conf").read_text())
    caddy = re.search(r"@secret path (.+)", (DEPLOY / "Caddyfile").read_text())
    assert nginx
    assert caddy

    named = re.sub(
        r"(\w+)/\(([\w|/-]+)\)", lambda found: "|".join(f"{found[1]}/{each}" for each in found[2].split("|")), nginx[1]
    )
    assert {f"/{path}/*" for path in named.split("|")} == set(caddy[1].split())


@pytest.mark.parametrize("name", ["web", "worker"])
def test_chart_can_make_more_of_web_and_worker_but_not_of_cron(name: str) -> None:
    values = yaml.safe_load((DEPLOY / "chart" / "values.yaml").read_text())
    cron = (DEPLOY / "chart" / "templates" / "cron.yaml").read_text()

    assert values[name]["podDisruptionBudget"]["enabled"]
    assert "replicas: 1\n" in cron
    assert "type: Recreate" in cron


def test_monitor_of_the_chart_is_off_by_default() -> None:
    values = yaml.safe_load((DEPLOY / "chart" / "values.yaml").read_text())

    assert values["serviceMonitor"]["enabled"] is False


def test_nothing_is_said_twice() -> None:
    """Of two lines for one variable YAML readers take the last, and Docker Compose none."""
    shown = re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE.replace("#AWS_S3_ENDPOINT_URL=http://s3", ""), re.MULTILINE)
    told = re.findall(r"^    ([A-Z][A-Z0-9_]*): ", COMPOSE.partition("\nservices:")[0], re.MULTILINE)

    assert sorted(set(shown)) == sorted(shown)
    assert sorted(set(told)) == sorted(told)
