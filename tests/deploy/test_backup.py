"""A backup while work is under way, more work, and a restore into an empty studio: nothing is paid for twice, nothing lost."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Team, User
from devserver.s3 import S3Address
from generations import bucket, pipeline
from generations.fal.arguments import Endpoint
from generations.models import Backup, Generation, StorageDeletion, Status
from generations.notifications import send_notifications
from generations.storage.cleanup import remove_objects
from tests.cast import make_generation, make_input_picture, make_upload
from tests.deploy.second_studio import SecondStudio, second_studio
from tests.generations.pipeline.driven import drive_to_the_end, drive_until
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(days=1)


@pytest.fixture
def studio(s3: S3Address, sandbox: Sandbox) -> Iterator[SecondStudio]:
    sandbox.set_faults("")
    with second_studio(f"restored{uuid.uuid4().hex[:8]}", s3) as studio:
        yield studio


@pytest.fixture(autouse=True)
def empty_bucket(s3: S3Address) -> None:
    """Of what other tests have left."""
    for found in bucket.list_objects(""):
        bucket.delete(found.key)


def test_nothing_is_paid_for_twice_and_nothing_is_lost(
    studio: SecondStudio, sandbox: Sandbox, alice: User, film: Team, tmp_path: Path
) -> None:
    done = drive_to_the_end(make_generation(alice, film, prompt="Done before"))
    deleted = drive_to_the_end(make_generation(alice, film, prompt="Deleted after"))
    upload = make_upload(alice)
    at_fal = make_generation(alice, film, prompt="At fal at the backup")
    pipeline.drive()
    at_fal.refresh_from_db()
    assert at_fal.status == Status.RENDERING
    sent = [
        make_generation(alice, film, prompt=prompt) for prompt in ("Sent after", "Twins", "Fox, held", "With a picture")
    ]
    Generation.objects.filter(pk=sent[2].pk).update(status=Status.HELD, due_at=None)
    Generation.objects.filter(pk=sent[3].pk).update(endpoint=Endpoint.IMAGE_TO_VIDEO, aspect_ratio="")
    picture = make_input_picture(sent[3])
    unsent = [
        make_generation(alice, film, prompt=prompt, due_at=timezone.now() + LATER) for prompt in ("Twins", "Not sent")
    ]
    lost = make_generation(alice, film, Status.SUBMITTING, prompt="On its way", due_at=timezone.now() + LATER)

    call_command("backup", str(tmp_path / "backup"))

    assert Backup.objects.last_moment()
    Generation.objects.get(pk=sent[2].pk).move(Status.QUEUED)
    under_way = Generation.objects.open().exclude(due_at__gt=timezone.now() + LATER / 2)
    keep = [row.pk for row in (*unsent, lost)]
    while under_way.exists():
        pipeline.drive()
        Generation.objects.open().exclude(pk__in=keep).update(due_at=timezone.now())
    deleted.refresh_from_db()
    assert deleted.delete_permanently(alice)
    remove_objects()
    assert bucket.size_or_none(deleted.video_key) is None
    paid = {request["id"]: request["prompt"] for request in sandbox.records()["requests"]}
    known = {str(pk) for pk in Generation.objects.values_list("request_id", flat=True)}

    restored = studio.manage("restore", str(tmp_path / "backup"))
    assert restored.returncode == 0, restored.stderr
    rows: list[dict[str, Any]] = json.loads(studio.drive())

    assert {row["prompt"]: (row["status"], row["reason"]) for row in rows} == {
        row["prompt"]: (Status.DONE, "") for row in rows
    }
    assert {row["id"] for row in rows} == {str(pk) for pk in Generation.objects.values_list("pk", flat=True)}
    in_gallery = {row["request_id"] for row in rows}
    assert {pk for pk in known if pk in paid} <= in_gallery
    prompts = {row["prompt"] for row in rows}
    sends = Counter(each["prompt"] for each in sandbox.records()["requests"] if each["prompt"] in prompts)
    assert sends == Counter(row["prompt"] for row in rows)
    audit = studio.manage("audit_storage")
    assert audit.returncode == 0, audit.stdout
    assert done.video_key not in audit.stdout
    assert upload.key
    assert picture.key
