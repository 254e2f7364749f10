"""`manage.py generate`: what the composer does, from a shell."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import django_rq
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks
from rq import Queue

from accounts.models import Team, User
from devserver import addresses
from generations.fal.arguments import Endpoint
from generations.management.commands import generate
from generations.models import Collection, Generation, Slot, Status
from generations.picture_decoder import process
from tests.cast import picture
from tests.invisible import INVISIBLE


def run(user: User, *arguments: str, prompt: str = "A fox in the snow") -> str:
    """What the command prints on standard output."""
    out = StringIO()
    call_command("generate", "--user", user.email, *arguments, prompt, stdout=out, stderr=StringIO())
    return out.getvalue()


def address_of_video(row: Generation) -> str:
    return settings.SITE_URL + reverse("generation-video", args=[row.pk])


@pytest.fixture
def fox(tmp_path: Path) -> Path:
    path = tmp_path / "fox.jpg"
    path.write_bytes(picture())
    return path


def test_row_is_what_was_asked_for_and_its_video_is_the_last_line(film: Team, bob: User) -> None:
    values = ["--duration=10", "--aspect-ratio=1:1", "--negative-prompt=badgers", "--cfg-scale=0.9"]
    printed = run(bob, "--team=film", *values)

    row = Generation.objects.get()
    assert printed.splitlines()[-1] == address_of_video(row)
    assert (row.user, row.team, row.prompt) == (bob, film, "A fox in the snow")
    assert (row.duration, row.aspect_ratio, row.negative_prompt, row.cfg_scale) == (10, "1:1", "badgers", 0.9)
    assert (row.endpoint, row.cost_cents) == (Endpoint.TEXT_TO_VIDEO, 70)


def test_options_not_given_are_the_models_defaults_in_the_personal_team(bob: User) -> None:
    call_command("generate", "--user", bob.email.upper(), "A fox", stdout=StringIO(), stderr=StringIO())

    row = Generation.objects.get()
    assert (row.user, row.team) == (bob, bob.personal_team)
    assert (row.duration, row.aspect_ratio, row.cfg_scale) == (5, "16:9", 0.5)
    assert row.negative_prompt == "blur, distort, and low quality"


def test_project_is_named_by_its_name(film: Team, bob: User) -> None:
    spring = Collection.objects.create(team=film, name="Spring")
    run(bob, "--team=film", "--project=spring")

    assert Generation.objects.get().billed_project == spring
    with pytest.raises(CommandError, match="--project: there is none of that name in film"):
        run(bob, "--team=film", "--project=autumn")


def test_two_calls_are_two_orders(bob: User) -> None:
    run(bob)
    run(bob)

    assert Generation.objects.count() == 2


def test_pictures_are_read_from_files(bob: User, fox: Path) -> None:
    run(bob, "--image", str(fox), "--tail-image", str(fox))

    row = Generation.objects.get()
    assert row.endpoint == Endpoint.IMAGE_TO_VIDEO
    assert {kept.slot for kept in row.pictures.all()} == set(Slot)


@pytest.mark.parametrize("option", ["--image", "--tail-image"])
def test_busy_decoder_is_said_in_a_line(bob: User, fox: Path, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    monkeypatch.setattr(process, "WAIT_SECONDS", 0)
    monkeypatch.setattr(process, "_try_lock", lambda: None)
    with pytest.raises(CommandError, match=f"{option}: .*reading many pictures"):
        run(bob, option, str(fox))

    assert not Generation.objects.exists()


def test_worker_is_woken(bob: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> None:
    queue: Queue = django_rq.get_queue()
    queue.delete()
    with django_capture_on_commit_callbacks(execute=True):
        run(bob)

    assert [job.func_name for job in queue.jobs] == ["generations.tasks.drive"]
    queue.delete()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cfg-scale=2"], "--cfg-scale: Choose a number from 0 to 1."),
        (["--cfg-scale=high"], "--cfg-scale: Choose a number from 0 to 1."),
        (["--duration=7"], "--duration: Choose 5 or 10."),
        (["--aspect-ratio=4:3"], "--aspect-ratio: Choose 16:9, 9:16 or 1:1."),
        (["--negative-prompt", "a" * 2501], "--negative-prompt: It has 2,501 characters; use at most 2,500."),
        (["--team=nobodys"], "--team: There is no such team, or you may not make videos in it."),
        (["--image=/nowhere/fox.jpg"], "--image: /nowhere/fox.jpg cannot be read: No such file or directory."),
        (["--image=/"], "--image: / cannot be read: Is a directory."),
        (["--image=http://8.8.8.8/f"], "--image: This address isn't encrypted; use one that starts with https://."),
        (
            ["--tail-image=https://127.0.0.1/f"],
            (
                "--tail-image: This address leads into a private network (127.0.0.1), which isn't fetched.\n"
                "--image: Choose a picture to start from."
            ),
        ),
    ],
)
def test_wrong_option_is_named_with_the_reason(bob: User, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError) as failure:
        run(bob, *arguments)

    assert str(failure.value) == words
    assert not Generation.objects.exists()


def test_small_picture_is_refused_by_its_option(bob: User, fox: Path) -> None:
    fox.write_bytes(picture(size=(200, 200)))
    with pytest.raises(CommandError, match=r"^--image: The picture is 200 × 200 px; each side must be at least 300 px"):
        run(bob, "--image", str(fox))


def test_prompt_is_needed(bob: User) -> None:
    with pytest.raises(CommandError, match=r"^PROMPT: Write what the video should show\.$"):
        run(bob, prompt=" ")


@pytest.mark.parametrize("prompt", INVISIBLE.values(), ids=INVISIBLE)
def test_prompt_must_show_something(bob: User, prompt: str) -> None:
    with pytest.raises(CommandError, match="PROMPT: Write what the video should show"):
        run(bob, prompt=prompt)


def test_viewer_cannot_pay_with_the_team(film: Team, victor: User) -> None:
    with pytest.raises(CommandError, match=r"^--team: "):
        run(victor, "--team=film")


@pytest.mark.parametrize("who", ["unknown", "inactive"])
def test_user_must_be_one_who_signs_in(bob: User, who: str) -> None:
    email = "nobody@example.com" if who == "unknown" else bob.email
    User.objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(CommandError, match=f"^--user: nobody signs in as {email}"):
        call_command("generate", "--user", email, "A fox")


def test_user_without_a_personal_team_must_name_one(film: Team, bob: User) -> None:
    bob.personal_team.delete()
    bob = User.objects.get(pk=bob.pk)
    with pytest.raises(CommandError, match=r"^--team: "):
        run(bob)
    run(bob, "--team=film")

    assert Generation.objects.get().team == film


def end_the_first_row(**columns: Any) -> None:
    """As a worker in another process would, once the command has placed its order."""
    try:
        while not Generation.objects.exists():
            time.sleep(0.01)
        Generation.objects.update(due_at=None, finished_at="2026-11-24T12:00:00Z", **columns)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
class TestWait:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(generate, "_POLL_INTERVAL", 0.02)

    def test_done_prints_the_address(self, bob: User) -> None:
        columns = {"status": Status.DONE, "request_id": "fox", "source_url": "https://fal.media/fox.mp4"}
        with ThreadPoolExecutor(1) as worker:
            ending = worker.submit(end_the_first_row, **columns)
            printed = run(bob, "--wait")
            ending.result()

        assert printed.splitlines()[-1] == address_of_video(Generation.objects.get(status=Status.DONE))

    @pytest.mark.parametrize(
        ("columns", "words"),
        [
            (
                {
                    "status": Status.FAILED,
                    "reason": "policy",
                    "message": "fal refused it.",
                    "responsible_party": "user",
                },
                "fal refused it. It cost $0.35.",
            ),
            (
                {
                    "status": Status.FAILED,
                    "reason": "r",
                    "message": "Gone.",
                    "responsible_party": "us",
                    "cost_cents": 0,
                },
                "Gone. It cost nothing.",
            ),
            ({"status": Status.CANCELED, "cost_cents": 0}, "Canceled It cost nothing."),
        ],
    )
    def test_no_video_is_an_error_with_the_reason_and_the_cost(
        self, bob: User, columns: dict[str, Any], words: str
    ) -> None:
        with ThreadPoolExecutor(1) as worker:
            ending = worker.submit(end_the_first_row, **columns)
            with pytest.raises(CommandError) as failure:
                run(bob, "--wait")
            ending.result()

        assert str(failure.value) == words


def test_shell_sees_exit_code_1_and_the_reason(db: None) -> None:
    command = [sys.executable, "manage.py", "generate", "--user=nobody@example.com", "A fox"]
    database = addresses.database_url().replace("/postgres?", f"/{connection.settings_dict['NAME']}?")
    done = subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "CommandError: --user: nobody signs in as nobody@example.com."
