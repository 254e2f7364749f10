"""What processes count: each request by its view, and several processes together in one directory."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import Team, User
from config import metrics
from devserver import addresses
from generations.models import Status
from tests.cast import make_generation, signed_in
from tests.environment import without_ours
from tests.scrape import sample_of, samples

COUNT_ONCE_EACH = (
    "from config import metrics; metrics.count_mail('sent'); metrics.observe_request('gallery', 200, 0.02)"
)
RENDER = "import sys; from config import metrics; sys.stdout.buffer.write(metrics.render())"


def run(code: str, directory: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**without_ours(), "PROMETHEUS_MULTIPROC_DIR": directory},
        cwd=addresses.ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    return done.stdout


def test_processes_count_together_and_the_dead_stay_counted(tmp_path: Path) -> None:
    for _ in range(3):
        run(COUNT_ONCE_EACH, str(tmp_path))

    found = samples(run(RENDER, str(tmp_path)))
    assert found["kling_studio_mails_total", ("outcome", "sent")] == 3
    assert found["kling_studio_http_request_duration_seconds_count", ("view", "gallery")] == 3
    assert found["kling_studio_http_request_duration_seconds_bucket", ("le", "0.025"), ("view", "gallery")] == 3


def test_process_that_counts_nothing_leaves_no_file(tmp_path: Path) -> None:
    """Each command of manage.py is such a one."""
    run("from config import metrics", str(tmp_path))

    assert list(tmp_path.iterdir()) == []


def test_what_libraries_count_for_themselves_is_left_out(tmp_path: Path) -> None:
    run(
        "from config import metrics; from prometheus_client import Counter; Counter('other', 'x').inc(); "
        + COUNT_ONCE_EACH,
        str(tmp_path),
    )

    found = samples(run(RENDER, str(tmp_path)))
    assert {str(key[0]).startswith("kling_studio_") for key in found} == {True}


@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_directory_means_none(blank: str) -> None:
    counted = run(f"{COUNT_ONCE_EACH}; {RENDER}", blank)

    assert samples(counted)["kling_studio_mails_total", ("outcome", "sent")] == 1


def test_directory_that_cannot_be_written_is_named_at_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, "-m", "config.start"],
        env={**without_ours(), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "file")},
        cwd=addresses.ROOT,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
    )

    assert done.returncode == 1
    assert "PROMETHEUS_MULTIPROC_DIR: must be a directory that this process can write to" in done.stderr


def test_names_of_processes_fit_into_names_of_files() -> None:
    assert "_" not in metrics._process_name()
    assert metrics._process_name().endswith(f"-{os.getpid()}")


@pytest.mark.django_db
def test_requests_are_counted_by_view_and_status(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.QUEUED)
    browser = signed_in(bob)
    counted = {
        f"/generations/{row.pk}/": ("generation", 200),
        f"/generations/{uuid.uuid4()}/": ("generation", 404),
        "/generations/new/": ("new-generation", 200),
        "/admin/generations/generation/": ("admin:generations_generation_changelist", 302),
        f"/webhooks/fal/{row.pk}": ("generations.views.webhooks.fal", 405),
        "/no-such-page/at-all": ("(none)", 404),
        "/static/no.css": ("(none)", 404),
    }
    for path, (view, status) in counted.items():
        labels = ("status", str(status)), ("view", view)
        before = sample_of("kling_studio_http_requests_total", *labels)
        timed = sample_of("kling_studio_http_request_duration_seconds_count", ("view", view))

        assert browser.get(path).status_code == status

        assert sample_of("kling_studio_http_requests_total", *labels) == before + 1, path
        assert sample_of("kling_studio_http_request_duration_seconds_count", ("view", view)) == timed + 1

    text = metrics.render().decode()
    assert str(row.pk) not in text
    assert "no-such-page" not in text


@pytest.mark.django_db
def test_page_that_breaks_is_counted_as_such(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("generations.views.health.HttpResponse", refuse)
    labels = ("status", "500"), ("view", "healthz")
    before = sample_of("kling_studio_http_requests_total", *labels)

    assert Client(raise_request_exception=False).get("/healthz").status_code == 500

    assert sample_of("kling_studio_http_requests_total", *labels) == before + 1
