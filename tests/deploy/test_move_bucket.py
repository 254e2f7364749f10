"""The bucket moves to another server as docs/bad-days.md says, by its own commands, while videos are made."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import boto3
import pytest

from accounts.models import User
from devserver import addresses
from devserver import s3 as embedded_s3
from devserver.s3 import S3Address, running_s3
from generations.models import Generation, Status
from tests.cast import make_generation
from tests.sandbox_process import Sandbox
from tests.security.web_server import environment_of_test

pytestmark = pytest.mark.django_db(transaction=True)

PAGE: Final = (addresses.ROOT / "docs" / "bad-days.md").read_text().partition("## Move the bucket")[2]
CODE: Final = "import tests; from tests.generations.pipeline.driven import *; {}"
TO_THE_END: Final = "drive_until(lambda: not Generation.objects.open().exists())"
AUDIT: Final = "from django.core.management import call_command; call_command('audit_storage')"


def documented(command: str) -> list[str]:
    """The one line of the page that begins so."""
    lines = re.findall(rf"^({command}.*?)(?: +#.*)?$", PAGE, re.MULTILINE)
    assert len(set(lines)) == 1, (command, lines)
    return shlex.split(lines[0])


class Place:
    """A bucket, and the studio with it."""

    def __init__(self, server: S3Address) -> None:
        self.server = server
        keys = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
        self.client = cast("Any", boto3).client(
            "s3", endpoint_url=server.endpoint_url, region_name=server.region, **keys
        )

    def run(self, code: str) -> str:
        """As worker and commands would with this bucket in their environment."""
        given = {
            "AWS_STORAGE_BUCKET_NAME": self.server.bucket,
            "AWS_S3_ENDPOINT_URL": self.server.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.server.access_key,
            "AWS_SECRET_ACCESS_KEY": self.server.secret_key,
        }
        command = [sys.executable, "-W", "ignore", "-c", CODE.format(code)]
        done = subprocess.run(
            command,
            cwd=addresses.ROOT,
            env=environment_of_test(addresses.port()) | given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr[-3000:]
        return done.stdout

    def rclone(self, name: str) -> dict[str, str]:
        values = {
            "TYPE": "s3",
            "PROVIDER": "Other",
            "ENDPOINT": self.server.endpoint_url,
            "ACCESS_KEY_ID": self.server.access_key,
            "SECRET_ACCESS_KEY": self.server.secret_key,
        }
        return {f"RCLONE_CONFIG_{name}_{key}": value for key, value in values.items()}

    def objects(self) -> dict[str, tuple[str, str, bytes]]:
        listed = self.client.list_objects_v2(Bucket=self.server.bucket).get("Contents", [])
        found = {one["Key"]: self.client.get_object(Bucket=self.server.bucket, Key=one["Key"]) for one in listed}
        return {
            key: (one["ContentType"], one.get("CacheControl", ""), one["Body"].read()) for key, one in found.items()
        }


@pytest.fixture
def old(s3: S3Address) -> Place:
    place = Place(S3Address(s3.endpoint_url, bucket="videos"))
    place.client.create_bucket(Bucket="videos")
    return place


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Place]:
    with running_s3(tmp_path / "new", bucket="videos-2") as server:
        yield Place(server)


def test_bucket_moves_without_a_video_lost(alice: User, sandbox: Sandbox, old: Place, new: Place) -> None:
    environment = {**os.environ, **old.rclone("OLD"), **new.rclone("NEW"), "RCLONE_CONFIG": os.devnull}

    def rclone(command: str) -> None:
        program, *rest = documented(f"rclone {command} ")
        assert program == "rclone"
        whole = [embedded_s3._find("rclone") or "rclone", *rest]
        done = subprocess.run(whole, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def order(prompt: str) -> Generation:
        return make_generation(alice, alice.personal_team, prompt=prompt)

    rows = [order("Before the move")]
    gone = order("Deleted between the two copies")
    old.run(TO_THE_END)
    rclone("sync")

    rows.append(order("Made after the first copy"))
    old.run(TO_THE_END)
    gone.refresh_from_db()
    assert gone.delete_permanently(alice)
    old.run("from generations.storage.cleanup import remove_objects; remove_objects()")
    rclone("sync")
    rclone("check")
    assert new.objects() == old.objects()

    late = f"uploads/{alice.pk}/late.jpg"  # a web process of before, which had not ended yet
    old.client.put_object(Bucket="videos", Key=late, Body=b"late", ContentType="image/jpeg")
    rows.append(order("Made with the new bucket"))
    new.run(TO_THE_END)
    rclone("copy")

    assert late in new.objects()
    assert not set(gone.object_keys()) & set(new.objects())
    said = new.run(AUDIT)
    assert "0 orphans, 0 missing, 0 of a wrong size" in said
    for row in rows:
        row.refresh_from_db()
        assert row.status == Status.DONE
        assert new.objects()[row.video_key][0] == "video/mp4"
