"""The examples of docs/webhooks.md verify what is really sent, and its tables are the code's."""

import json
import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from api.models import WebhookEndpoint, WebhookEvent
from api.webhooks import deliver, health, send
from api.webhooks.deliver import RETRY_DELAYS, deliver_due
from tests.api.webhook_cast import queued
from tests.scripted_server import Asked, ScriptedServer

DOCS = (Path(settings.BASE_DIR) / "docs" / "webhooks.md").read_text()
DENO = Path(settings.BASE_DIR) / ".venv" / "bin" / "deno"


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def asked(endpoint: WebhookEndpoint, receiver: ScriptedServer) -> Asked:
    endpoint.rotate()
    queued(endpoint)
    deliver_due()
    return receiver.asked[0]


def changed(asked: Asked) -> Asked:
    return Asked(asked.method, asked.path, asked.headers, asked.body.replace(b"works", b"fails"))


def test_python(asked: Asked, endpoint: WebhookEndpoint) -> None:
    names: dict[str, Any] = {}
    exec(example("python"), names)
    assert names["read"](asked.headers, asked.body, endpoint.secret)["type"] == "webhook.test"
    with pytest.raises(Exception, match="signature"):
        names["read"](asked.headers, changed(asked).body, endpoint.secret)


def test_javascript(asked: Asked, endpoint: WebhookEndpoint, tmp_path: Path) -> None:
    (tmp_path / "example.mjs").write_text(example("javascript"))
    cases = [
        [one.headers, one.body.decode(), secret]
        for one in (asked, changed(asked))
        for secret in (endpoint.secret, endpoint.previous_secret)
    ]
    script = f"""
        import {{ read }} from "./example.mjs";
        for (const one of {json.dumps(cases)}) {{
          try {{ console.log(read(...one).type); }} catch (error) {{ console.log(error.message); }}
        }}
    """
    (tmp_path / "run.mjs").write_text(script)
    run = subprocess.run(
        [DENO, "run", "--no-remote", "run.mjs"], check=False, cwd=tmp_path, capture_output=True, text=True
    )
    assert run.stdout.split("\n")[:4] == ["webhook.test", "webhook.test", *["not from the studio"] * 2], run.stderr


def test_table_of_events() -> None:
    assert re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", DOCS, re.MULTILINE) == [event.value for event in WebhookEvent]


def test_numbers() -> None:
    units = {"s": "seconds", "min": "minutes", "h": "hours"}
    line = re.search(r"tried again after (.*?) and (\d+) h", DOCS.replace("\n ", ""))
    assert line
    spans = [*line[1].split(", "), f"{line[2]} h"]
    documented = [timedelta(**{units[unit]: int(count)}) for count, unit in (span.split() for span in spans)]
    assert documented == list(RETRY_DELAYS)
    assert f"within {send.TIMEOUT:.0f} seconds" in DOCS
    assert (health.WARN_AFTER.days, health.DISABLE_AFTER.days) == (1, 5)
    assert f"kept for {health.BODY_RETENTION.days} days, the log for {health.ROW_RETENTION.days}" in DOCS
    assert deliver.LEASE.total_seconds() > send.TIMEOUT
