"""Keys are changed under way: what was signed, sent or stored with a former one goes on, and what must end ends.

Against the real web server, the real bucket with keys that come and go, and a fal with two accounts.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import boto3
import httpx
import pytest
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Team, User
from devserver import addresses
from devserver import s3 as embedded_s3
from devserver.s3 import S3Address, free_ports
from generations.fal.webhooks import webhook_url
from generations.models import Generation, Hold, Status
from generations.orders.approvals import ApprovalRequest, link_for
from tests.cast import make_generation, signed_in
from tests.generations.mirror.videos import mp4
from tests.generations.pipeline.driven import drive_to_the_end, drive_until, one_pass
from tests.sandbox_process import KEY, Sandbox, running_sandbox
from tests.security.web_server import WebServer, environment_of_test, running_web

pytestmark = pytest.mark.django_db(transaction=True)

NEW: Final = "another-key-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"
OTHER: Final = "a-third-key-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"


# --- SECRET_KEY


@pytest.fixture
def signed(alice: User, bob: User, film: Team) -> dict[str, str]:
    """Addresses that were handed out under the key of before, by what they are."""
    unconfirmed = EmailAddress.objects.create(user=bob, email="new@example.com")
    waits = make_generation(bob, film, Status.HELD)
    hold = Hold.objects.create(generation=waits, kind=Hold.Kind.APPROVAL, reason="It costs much.")
    reset = [user_pk_to_url_str(bob), default_token_generator.make_token(bob)]
    return {
        "reset": reverse("account_reset_password_from_key", args=reset),
        "confirmation": reverse("account_confirm_email", args=[EmailConfirmationHMAC(unconfirmed).key]),
        "approval": link_for(alice, ApprovalRequest([hold])).removeprefix(django_settings.SITE_URL),
        "webhook": webhook_url("", waits.pk, django_settings.SECRET_KEY),
    }


def believed(web: WebServer, signed: dict[str, str], person: Client) -> dict[str, bool]:
    """What the server takes for its own, `session` besides."""
    with web.browser(person) as browser:
        session = browser.get("/accounts/settings/").status_code == 200
    with web.browser() as stranger:
        return {
            "session": session,
            "reset": stranger.get(signed["reset"]).status_code == 302,  # to the form
            "confirmation": "new@example.com" in stranger.get(signed["confirmation"]).text,
            "approval": stranger.get(signed["approval"]).status_code == 200,
            # without fal's own signature it is refused, which says that the address was believed
            "webhook": stranger.post(signed["webhook"], content=b"{}").status_code == 403,
        }


@pytest.mark.parametrize(
    ("fallbacks", "is_believed"),
    [("{old}", True), (f"{OTHER}, {{old}},", True), ("", False), (OTHER, False)],
    ids=["the former", "the former after another", "none", "another"],
)
def test_what_was_signed_with_the_former_secret_key(
    fallbacks: str, is_believed: bool, signed: dict[str, str], alice: User, tmp_path: Path
) -> None:
    person = signed_in(alice)
    changed = {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": fallbacks.format(old=django_settings.SECRET_KEY)}
    with running_web(tmp_path / "web.log", PUBLIC_URL="http://127.0.0.1:9", WEB_CONCURRENCY="1", **changed) as web:
        assert believed(web, signed, person) == dict.fromkeys(["session", *signed], is_believed)


def test_session_that_was_used_meanwhile_outlives_the_fallback(alice: User, settings: Settings) -> None:
    """Django signs it anew when it sees it, so the former key can go after two weeks."""
    used, unused = signed_in(alice), signed_in(alice)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [settings.SECRET_KEY]
    assert used.get("/accounts/settings/").status_code == 200

    settings.SECRET_KEY_FALLBACKS = []
    assert used.get("/accounts/settings/").status_code == 200
    assert unused.get("/accounts/settings/").status_code == 302


# --- FAL_KEY


@pytest.fixture(scope="module")
def fal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    directory = tmp_path_factory.mktemp("fal")
    clip = directory / "clip.mp4"
    clip.write_bytes(mp4(seconds=0.25))
    keys = {"SANDBOX_MORE_KEYS": "same:account", "SANDBOX_OTHER_KEYS": "other:account"}
    with running_sandbox(directory, None, SANDBOX_CLIP=str(clip), **keys) as running:
        yield running


@pytest.fixture
def at_fal(fal: Sandbox, settings: Settings, s3: S3Address) -> Sandbox:
    fal.restart(SANDBOX_RENDER_SECONDS="60", SANDBOX_KEY=KEY)
    settings.FAL_KEY = KEY
    settings.FAL_QUEUE_URL = settings.FAL_REST_URL = fal.url
    settings.FAL_API_URL = f"{fal.url}/v1"
    return fal


def end_renders(fal: Sandbox, **changes: str) -> None:
    fal.restart(SANDBOX_RENDER_SECONDS="0", **changes)


def prompts_at(fal: Sandbox, prompt: str) -> list[str]:
    return [request["id"] for request in fal.records()["requests"] if request["prompt"].startswith(prompt)]


@pytest.mark.parametrize(
    ("key", "fallbacks", "revoked"),
    [
        ("same:account", [], False),
        ("same:account", [], True),
        ("same:account", [KEY], True),
        ("other:account", [KEY], False),
        ("other:account", ["same:account", KEY], True),
    ],
    ids=["same account", "its former key revoked", "that named all the same", "another account", "two former ones"],
)
def test_nothing_at_fal_is_lost_or_sent_twice_when_its_key_changes(
    key: str, fallbacks: list[str], revoked: bool, alice: User, at_fal: Sandbox, settings: Settings
) -> None:
    """Under way: one that renders, one that is to be canceled, one whose answer was lost, and one that waits."""
    prompt = f"Under {key} with {len(fallbacks)} {revoked}"
    rows = [make_generation(alice, alice.personal_team, prompt=f"{prompt} {number}") for number in range(2)]
    drive_until(lambda: all(Generation.objects.get(pk=row.pk).status == Status.RENDERING for row in rows))
    at_fal.set_faults("submit_cut_after=1")
    lost = make_generation(alice, alice.personal_team, prompt=f"{prompt} lost")
    drive_until(lambda: Generation.objects.get(pk=lost.pk).reason == "answer_lost")
    at_fal.set_faults("")
    waiting = make_generation(alice, alice.personal_team, prompt=f"{prompt} waiting")
    rows[1].refresh_from_db()
    rows[1].cancel(alice)

    settings.FAL_KEY, settings.FAL_KEY_FALLBACKS = key, fallbacks
    end_renders(at_fal, **({"SANDBOX_KEY": "gone:key", "SANDBOX_MORE_KEYS": "same:account"} if revoked else {}))
    ended = [drive_to_the_end(row) for row in (rows[0], lost, waiting)]
    canceled = drive_to_the_end(rows[1])

    assert [row.status for row in ended] == [Status.DONE] * 3
    assert canceled.status in {Status.CANCELED, Status.DONE}
    assert len(prompts_at(at_fal, prompt)) == 4
    assert Generation.objects.exclude(request_id=None).count() == 4


def test_another_account_without_the_former_key_waits_and_is_not_sent_again(
    alice: User, at_fal: Sandbox, settings: Settings
) -> None:
    """Neither lost nor failed: it goes on as soon as the key is named."""
    row = make_generation(alice, alice.personal_team, prompt="Left behind at the first account")
    drive_until(lambda: Generation.objects.get(pk=row.pk).status == Status.RENDERING)
    end_renders(at_fal)
    settings.FAL_KEY = "other:account"
    for _ in range(3):
        one_pass()
    row.refresh_from_db()
    assert row.status == Status.RENDERING

    settings.FAL_KEY_FALLBACKS = [KEY]
    assert drive_to_the_end(row).status == Status.DONE
    assert len(prompts_at(at_fal, row.prompt)) == 1


# --- the bucket's keys


class Keyring:
    """Keys of the embedded S3 server that come and go, by AWS' own IAM; they may do what docs/secure.md says."""

    def __init__(self, server: S3Address) -> None:
        self.server = server
        keys = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
        self._iam = cast("Any", boto3).client(
            "iam", endpoint_url=server.endpoint_url, region_name=server.region, **keys
        )
        self._iam.create_user(UserName="studio")
        self._iam.put_user_policy(UserName="studio", PolicyName="studio", PolicyDocument=self._policy())

    def _policy(self) -> str:
        text = (addresses.ROOT / "docs" / "secure.md").read_text().partition("```json")[2].partition("```")[0]
        return json.dumps(json.loads(text.replace(":::videos", f":::{self.server.bucket}")))

    def make(self) -> dict[str, str]:
        key = self._iam.create_access_key(UserName="studio")["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def take_away(self, key: dict[str, str]) -> None:
        self._iam.delete_access_key(UserName="studio", AccessKeyId=key["AWS_ACCESS_KEY_ID"])


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keyring]:
    options = embedded_s3._weed_options
    monkeypatch.setattr(embedded_s3, "_weed_options", lambda *a: options(*a) | {"s3.iam.readOnly": "false"})
    with embedded_s3.running_s3(tmp_path / "s3", free_ports(embedded_s3.PORTS), "videos") as server:
        yield Keyring(server)


DRIVE: Final = "import tests; from tests.generations.pipeline.driven import *; {}"


def run(key: dict[str, str], keyring: Keyring, fal: Sandbox, code: str) -> str:
    """As a worker that was started with this key."""
    environment = environment_of_test(0) | {
        "AWS_STORAGE_BUCKET_NAME": keyring.server.bucket,
        "AWS_S3_ENDPOINT_URL": keyring.server.endpoint_url,
        "FAL_QUEUE_URL": fal.url,
        "FAL_REST_URL": fal.url,
        "FAL_API_URL": f"{fal.url}/v1",
        "FAL_KEY": KEY,
        **key,
    }
    command = [sys.executable, "-W", "ignore", "-c", DRIVE.format(code)]
    done = subprocess.run(command, cwd=addresses.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_bucket_keys_change_under_way(alice: User, fal: Sandbox, keyring: Keyring) -> None:
    """The former key is taken away before the new one is set, which is the wrong order: copies wait, none is lost."""
    end_renders(fal, SANDBOX_KEY=KEY)
    former, new = keyring.make(), keyring.make()
    first = make_generation(alice, alice.personal_team, prompt="Copied with the former key")
    run(former, keyring, fal, "drive_until(lambda: not Generation.objects.open().exists())")
    link = f"from generations import bucket; print(bucket.presigned_url('{first.video_key}', seconds=600))"
    handed_out = run(former, keyring, fal, link).strip()
    assert httpx.get(handed_out).status_code == 200

    second = make_generation(alice, alice.personal_team, prompt="Copied with the new key")
    keyring.take_away(former)
    waits = f"drive_until(lambda: Generation.objects.get(pk='{second.pk}').reason == 'storage_unavailable')"
    run(former, keyring, fal, waits)
    assert httpx.get(handed_out).status_code == 403
    second.refresh_from_db()
    assert second.status == Status.MIRRORING

    audit = "from django.core.management import call_command; call_command('audit_storage')"
    said = run(new, keyring, fal, f"drive_until(lambda: not Generation.objects.open().exists()); {audit}")
    assert "4 objects" in said or "6 objects" in said, said
    assert "0 orphans, 0 missing, 0 of a wrong size" in said
    assert set(Generation.objects.values_list("status", flat=True)) == {Status.DONE}
    assert len(prompts_at(fal, "Copied with")) == 2
