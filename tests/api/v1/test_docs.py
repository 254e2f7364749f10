"""The examples of docs/api.md, run as they stand against the studio's real web server; its table of problems."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings

from accounts.models import Team, User
from api.v1 import problems
from generations.models import Generation, Status
from tests.api.conftest import make_key
from tests.api.programs import ELSEWHERE, Studio, running_studio
from tests.cast import make_generation, make_video

DOCS: Final = Path(settings.BASE_DIR) / "docs" / "api.md"
EXAMPLES: Final = re.findall(r"```(sh|python)\n(.*?)```", DOCS.read_text(), re.DOTALL)


def run(language: str, code: str, environment: dict[str, str], directory: Path) -> str:
    command = ["sh", "-ec", code] if language == "sh" else [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=os.environ | environment, cwd=directory, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.django_db(transaction=True)
def test_examples_do_what_the_page_says(tmp_path: Path, bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.DONE)
    size = make_video(row).size
    with running_studio(tmp_path, WEB_CONCURRENCY="1", API_REQUESTS_PER_MINUTE="600") as studio:
        certificates = dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE"), str(studio.certificate.certificate))
        environment = {"STUDIO": studio.site, "KEY": make_key(bob, film)[1], "VIDEO": str(row.pk), **certificates}
        said = [run(language, code, environment, tmp_path) for language, code in EXAMPLES]
        _ask_the_server(studio, environment["KEY"])
    looked, paged, file, ordered, batch, matrix, board, feed, changed, share, comment, wrong = said

    assert [one["id"] for one in json.loads(looked)["data"]] == [str(row.pk)]
    assert paged == f"{row.pk} 35 A fox in the snow\n"
    assert file.split()[0] == str(size)
    assert json.loads(ordered)["status"] == "queued"
    assert "costs 105 cents; affordable: True" in batch
    assert "'queued', 'queued', 'queued'" in batch
    assert [one["prompt"] for one in json.loads(matrix)["generations"]] == [
        *("A lamp in winter", "A lamp in summer", "A chair in winter", "A chair in summer"),
    ]
    assert board == "costs 70 cents; affordable: True\nbatch of 2\n"
    assert f"status done {row.pk}" in feed
    assert {one["name"] for one in json.loads(changed)["tags"]} == {"snow", "fox"}
    assert json.loads(share)["state"] == "working"
    assert json.loads(comment)["start"] == 0.1
    assert json.loads(wrong)["errors"] == [{"detail": "Write what the video should show.", "pointer": "#/prompt"}]
    assert Generation.objects.filter(api_request__isnull=False).count() == 11


def _ask_the_server(studio: Studio, key: str) -> None:
    """What only the real server shows: heads, bodies that are too large, limits, and pictures from elsewhere."""
    with studio.client() as api:
        too_much = api.post("/api/v1/generations", json={"prompt": "x" * 200_000})
        assert (too_much.status_code, too_much.json()["title"]) == (401, "Unauthorized")
        api.base_url = f"{studio.site}/api/v1"
        api.headers["Authorization"] = f"Bearer {key}"
        head = api.head("/generations")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["RateLimit-Policy"] == '"key";q=600;w=60'
        assert api.get("/generations", headers={"If-None-Match": head.headers["ETag"]}).status_code == 304
        large = api.post("/tags", json={"name": "x" * 2_000_000})
        assert (large.status_code, large.headers["Content-Type"]) == (413, "application/problem+json")
        body = {"prompt": "A fox", "image_url": f"https://{ELSEWHERE}/fox.jpg"}
        made = api.post("/generations", json=body, headers={"Idempotency-Key": "linked"})
        assert (made.status_code, made.json()["kind"]) == (201, "image")
        assert "RateLimit" in made.headers
        again = api.post("/generations", json=body, headers={"Idempotency-Key": "linked"})
        assert again.json()["id"] == made.json()["id"]
        missing = api.post("/generations", json=body | {"image_url": "https://127.0.0.1/fox.jpg"})
        assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "#/image_url")
        assert missing.headers["Content-Type"] == "application/problem+json"


def test_table_has_each_kind_of_problem() -> None:
    code = "".join(path.read_text() for path in Path(problems.__file__).parent.glob("*.py"))
    kinds = set(re.findall(r'kind="([\w-]+)"', code)) | {kind for kind, _status in problems.KINDS.values()}
    assert set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", DOCS.read_text().partition("| status |")[2])) >= kinds
