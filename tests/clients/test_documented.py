"""What docs/clients.md says to copy, run as it stands there against the studio over TLS."""

import asyncio
import json
import re
import ssl
from collections.abc import Iterator
from typing import Any, Final

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from accounts.models import Team, User
from devserver.s3 import S3Address
from generations.models import Generation, Status
from tests.api.conftest import make_key
from tests.api.programs import Studio, running_studio
from tests.api.test_fal_clients import driving
from tests.clients.documented import SITE, blocks, configured
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

# As n8n's HTTP Request node does, of what these nodes have.
N8N: Final = """
import { readFile } from "node:fs/promises";
const { nodes } = JSON.parse(await readFile("n8n.json", "utf8"));
let item = { prompt: "A fox in the snow" };
const value = (text) => {
  if (!text?.startsWith("=")) return text;
  const code = text.slice(1).trim().replace(/^\\{\\{/, "").replace(/\\}\\}$/, "");
  return new Function("$json", "$execution", `return ${code}`)(item, { id: "17" });
};
for (const { parameters } of nodes) {
  const own = (parameters.headerParameters?.parameters ?? []).map((one) => [one.name, value(one.value)]);
  const headers = Object.fromEntries(own);
  if (parameters.genericAuthType === "httpHeaderAuth") headers.Authorization = `Key ${process.env.FAL_KEY}`;
  const body = parameters.sendBody ? value(parameters.jsonBody) : undefined;
  if (parameters.specifyBody === "json") headers["Content-Type"] = "application/json";
  const answer = await fetch(value(parameters.url), { method: parameters.method ?? "GET", headers, body });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  const isFile = parameters.options?.response?.response?.responseFormat === "file";
  item = isFile ? { type: answer.headers.get("content-type") } : await answer.json();
}
console.log(item.type);
"""


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, s3: S3Address, sandbox: Sandbox, valkey: Any
) -> Iterator[Studio]:
    with running_studio(tmp_path_factory.mktemp("studio"), WEB_CONCURRENCY="1") as running:
        yield running


@pytest.fixture
def key(bob: User, film: Team) -> str:
    return make_key(bob, film)[1]


def test_variables_are_those_of_the_tests(studio: Studio) -> None:
    environment = studio.environment("ks_…")
    host = SITE.removeprefix("https://")
    exports = re.findall(r"export (\w+)=(\S+)", blocks("fal-client (Python)", "sh")[0])
    assert len(exports) == 3
    for name, value in exports:
        assert environment[name] == value.replace(host, studio.site.removeprefix("https://"))


def test_fals_clients_and_curl(studio: Studio, key: str, bob: User, film: Team) -> None:
    """Python's and curl's have the same Idempotency-Key and ask for the same: that is one video."""
    with driving():
        urls = [
            studio.run_python(configured("fal-client (Python)", "python", studio.site), key),
            studio.run_node(
                configured("@fal-ai/client (JavaScript)", "javascript", studio.site), key, configured=False
            ),
            json.loads(studio.run(["sh", "-c", configured("cURL", "sh", studio.site)], key))["video"]["url"],
        ]
    assert [studio.get(url.strip()).headers["content-type"] for url in urls] == ["video/mp4"] * 3
    assert urls[0].strip() == urls[2]
    rows = Generation.objects.all()
    assert [(row.user, row.team, row.status, row.duration) for row in rows] == [(bob, film, Status.DONE, 5)] * 2


def test_requests_of_n8n_s_nodes(studio: Studio, key: str) -> None:
    (studio.directory / "n8n.json").write_text(configured("n8n", "json", studio.site))
    with driving():
        assert studio.run_node(N8N, key, configured=False) == "video/mp4\n"
        assert studio.run_node(N8N, key, configured=False) == "video/mp4\n"  # of the same execution: tried again
    assert Generation.objects.count() == 1


@pytest.mark.parametrize("number", range(3), ids=["Claude Code", "Cursor", "VS Code"])
def test_files_of_mcp_clients(studio: Studio, key: str, number: int) -> None:
    found = json.loads(blocks("MCP", "json")[number].replace(SITE, studio.site))
    (server,) = (found.get("mcpServers") or found["servers"]).values()
    headers = {name: re.sub(r"\$\{[^}]*\}", key, value) for name, value in server["headers"].items()}

    async def run() -> int:
        verify = ssl.create_default_context(cafile=studio.certificate.certificate)
        async with (
            httpx2.AsyncClient(headers=headers, verify=verify, timeout=60) as http,
            Client(streamable_http_client(server["url"], http_client=http)) as client,
        ):
            return len((await client.list_tools()).tools)

    assert asyncio.run(run()) == 7
