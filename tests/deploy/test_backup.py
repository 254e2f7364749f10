"""A backup while work is under way, more work, a restore into an empty studio: nothing is paid twice, nothing lost."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from devserver.s3 import S3Address
from generations import bucket, pipeline
from generations.fal.arguments import Endpoint
from generations.models import Generation, Status
from generations.storage.cleanup import remove_objects
from tests.cast import make_generation, make_input_picture, make_upload
from tests.deploy.second_studio import SecondStudio, second_studio
from tests.generations.mirror.videos import mp4
from tests.generations.pipeline.driven import drive_to_the_end, drive_until
from tests.sandbox_process import Sandbox, running_sandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def quick_sandbox(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A fal that nobody has used before. It makes one small file again and again."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(mp4(seconds=0.25))
    urls = {"FAL_QUEUE_URL": "", "FAL_REST_URL": "", "FAL_API_URL": "/v1"}
    with running_sandbox(tmp_path / "sandbox", SANDBOX_CLIP=str(clip)) as running:
        for name, path in urls.items():
            monkeypatch.setenv(name, f"{running.url}{path}")
            setattr(settings, name, f"{running.url}{path}")
        yield running


@pytest.fixture
def studio(s3: S3Address, quick_sandbox: Sandbox) -> Iterator[SecondStudio]:
    with second_studio(f"restored{uuid.uuid4().hex[:8]}", s3) as studio:
        yield studio


@pytest.fixture(autouse=True)
def empty_bucket(s3: S3Address) -> None:
    """Of what other tests have left."""
    for found in bucket.list_objects(""):
        bucket.delete(found.key)


def order(user: User, prompt: str, status: Status = Status.QUEUED, **columns: Any) -> Generation:
    return make_generation(user, user.personal_team, status, prompt=prompt, **columns)


def held_by_a_worker(user: User, prompt: str, status: Status = Status.QUEUED) -> Generation:
    """No other takes it, however due it is."""
    return order(user, prompt, status, lease=uuid.uuid4(), lease_until=timezone.now() + timedelta(days=1))


def with_picture(user: User, prompt: str) -> Generation:
    row = order(user, prompt, endpoint=Endpoint.IMAGE_TO_VIDEO)
    make_input_picture(row)
    return row


def drive_all() -> None:
    """But what a worker holds."""
    held = Q(lease_until__gt=timezone.now() + timedelta(hours=1))
    drive_until(lambda: not Generation.objects.open().exclude(held).exists())


def rows_of(text: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(text)
    return rows


def test_nothing_is_paid_for_twice_and_nothing_is_lost(
    studio: SecondStudio, quick_sandbox: Sandbox, alice: User, tmp_path: Path
) -> None:
    """Rows in each state at the backup; some are sent after it, one deleted, one ordered; then all but fal is lost."""
    began = timezone.now().isoformat()
    done, deleted = (drive_to_the_end(order(alice, prompt)) for prompt in ("Done before", "Deleted after"))
    make_upload(alice)
    at_fal = order(alice, "At fal")
    pipeline.drive()
    assert Generation.objects.get(pk=at_fal.pk).status == Status.RENDERING
    held = order(alice, "Held, approved after", Status.HELD)
    sent = [order(alice, "Sent after"), order(alice, "Twins"), with_picture(alice, "From a picture")]
    unsent = [held_by_a_worker(alice, prompt) for prompt in ("Twins", "Not sent")]
    unsent.append(held_by_a_worker(alice, "Lost on its way", Status.SUBMITTING))

    call_command("backup", str(tmp_path / "backup"), verbosity=0)

    known = {str(pk) for pk in Generation.objects.values_list("pk", flat=True)}
    held.move(Status.QUEUED)
    late = order(alice, "Ordered after")
    drive_all()
    assert Generation.objects.get(pk=deleted.pk).delete_permanently(alice)
    remove_objects()
    assert bucket.size_or_none(deleted.video_key) is None
    paid = dict(Generation.objects.exclude(request_id=None).values_list("request_id", "prompt"))
    assert len(paid) == len([done, deleted, at_fal, held, *sent, late])

    restored = studio.manage("restore", str(tmp_path / "backup"))

    assert restored.returncode == 0, restored.stderr
    assert f"{len(sent) + len(unsent)} requests are searched for" in restored.stdout
    assert "still searched for" in studio.manage("unknown_requests", "--since", began).stderr
    assert {row["id"] for row in rows_of(studio.drive())} == known
    adopted = studio.manage("unknown_requests", "--since", began, "--adopt", alice.email)
    assert adopted.returncode == 0, adopted.stderr
    rows = rows_of(studio.drive())
    assert {(row["status"], row["reason"]) for row in rows} == {(Status.DONE, "")}
    assert paid.items() <= {row["request_id"]: row["prompt"] for row in rows}.items()
    sends = Counter(each["id"] for each in quick_sandbox.records()["requests"])
    assert {row["request_id"] for row in rows} == set(sends)
    assert Counter(row["prompt"] for row in rows) == Counter(paid.values()) + Counter(row.prompt for row in unsent)
    audit = studio.manage("audit_storage")
    assert audit.returncode == 0, audit.stdout
