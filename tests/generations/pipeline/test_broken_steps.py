"""No exception in a step is silent: the row says what broke, an admin is asked, and can do something about it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from generations import pipeline
from generations.models import Generation, Status, Video
from generations.pipeline import download, manual_resolution, polling
from tests.cast import make_generation, signed_in
from tests.generations.mirror import provider as providers
from tests.generations.mirror.videos import mp4
from tests.generations.pipeline.driven import make_due, one_pass
from tests.history import rewriting_history
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db


def break_in(monkeypatch: pytest.MonkeyPatch, status: Status, error: Exception) -> None:
    async def broken(*args: Any, **kwargs: Any) -> None:
        raise error

    def copy_breaks(*args: Any, **kwargs: Any) -> None:
        raise error

    if status == Status.MIRRORING:
        monkeypatch.setattr(download, "mirror_video", copy_breaks)
    else:
        monkeypatch.setattr(polling, "poll", broken)


@pytest.mark.parametrize("status", [Status.RENDERING, Status.CANCELLING, Status.MIRRORING])
@pytest.mark.parametrize(
    "error", [RuntimeError("secret words"), DataError("too long"), UnicodeEncodeError("a", "b", 0, 1, "c")]
)
def test_three_times_and_a_person_is_asked(
    alice: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, status: Status, error: Exception
) -> None:
    row = make_generation(alice, alice.personal_team, status=status)
    break_in(monkeypatch, status, error)

    one_pass()
    row.refresh_from_db()
    assert (row.status, row.attempts, row.reason, row.needs_attention_since) == (status, 1, "studio_error", None)
    assert type(error).__name__ in row.message
    assert "secret" not in row.message
    assert row.lease is None
    assert row.due_at
    one_pass()
    one_pass()
    row.refresh_from_db()

    assert row.needs_attention_since
    assert "admin has been asked" in row.message
    assert list(Generation.objects.filter(manual_resolution.NEEDS_ATTENTION)) == [row]
    assert manual_resolution.needs_attention(row)


@pytest.fixture
def desk(mona: User) -> Client:
    mona.is_staff = mona.is_superuser = True
    mona.save(update_fields=["is_staff", "is_superuser"])
    return signed_in(mona)


def test_a_file_that_is_gone_for_good(alice: User, sandbox: Sandbox, desk: Client) -> None:
    """Tried for an hour, then it is an admin's: it was paid for, so nothing is dropped by itself."""
    with providers.running() as provider:
        file = providers.File(mp4(), refusals=[404] * 50)
        row = make_generation(alice, alice.personal_team, status=Status.MIRRORING)
        Generation.objects.filter(pk=row.pk).update(source_url=provider.serve(file))
        for _ in range(download.ATTEMPTS_BEFORE_ATTENTION):
            one_pass()
        row.refresh_from_db()
        assert (row.reason, row.needs_attention_since) == ("expired", None)
        with rewriting_history():
            row.events.update(at=timezone.now() - timedelta(hours=2))
        one_pass()
        row.refresh_from_db()
        assert row.needs_attention_since
        assert "404" in row.message

        page = desk.get(reverse("admin:generations_generation_change", args=[row.pk])).content.decode()
        assert "Try again now" in page
        assert "Give up and release the cost" in page
        file.refusals.clear()
        desk.post(reverse("admin:generations_generation_try_again", args=[row.pk]))
        row.refresh_from_db()
        settled = Generation.objects.get(pk=row.pk)
        assert (settled.attempts, settled.needs_attention_since) == (0, None)
        make_due()
        pipeline.drive()

    home = Generation.objects.get(pk=row.pk)
    assert (home.status, home.needs_attention_since) == (Status.DONE, None)
    assert Video.objects.filter(generation=row).exists()
    assert row.events.filter(message="An admin had it tried again.").exists()


def test_given_up_it_costs_nothing(alice: User, sandbox: Sandbox, desk: Client) -> None:
    row = make_generation(alice, alice.personal_team, status=Status.MIRRORING)
    Generation.objects.filter(pk=row.pk).update(needs_attention_since=timezone.now())

    desk.post(reverse("admin:generations_generation_give_up", args=[row.pk]))

    row.refresh_from_db()
    assert (row.status, row.reason, row.cost_cents) == (Status.FAILED, "given_up", 0)


def test_what_has_ended_is_not_tried_again(alice: User) -> None:
    row = make_generation(alice, alice.personal_team, status=Status.FAILED)
    with pytest.raises(manual_resolution.ResolutionError):
        manual_resolution.try_again(row, alice)
