"""Our billing records against fal's, which the sandbox gives over HTTP."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Team, User
from generations.billing import reconciliation
from generations.billing.reconciliation import reconcile
from generations.models import Generation, Status, UsageDay
from tests.cast import make_generation, signed_in
from tests.generations.pipeline.driven import drive_to_the_end
from tests.sandbox_process import KEY, Sandbox


@pytest.fixture
def key(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """An admin's key; and it is tomorrow, so that what ends now is of a day that is over."""
    settings.FAL_ADMIN_KEY = f"admin:{KEY}"
    tomorrow = timezone.now() + timedelta(days=1)
    monkeypatch.setattr("generations.billing.reconciliation.timezone.now", lambda: tomorrow)


@pytest.fixture
def row(sandbox: Sandbox, film: Team, bob: User) -> Generation:
    return drive_to_the_end(make_generation(bob, film))


def today() -> UsageDay:
    return UsageDay.objects.get(day=datetime.now(UTC).date())


def charged_by(sandbox: Sandbox) -> int:
    """What the sandbox has charged today in cents: other tests have used it too."""
    day = datetime.now(UTC).date().isoformat()
    answer = httpx.get(
        f"{sandbox.url}/v1/models/usage?start={day}T00:00:00Z", headers={"Authorization": f"Key admin:{KEY}"}
    ).json()
    shares = [share for bucket in answer["time_series"] for share in bucket["results"]]
    cents: int = round(sum(share["cost"] for share in shares) * 100)
    return cents


@pytest.mark.usefixtures("key")
def test_what_waited_for_long_is_counted_on_the_day_it_was_made(row: Generation) -> None:
    """For an approval, in a paused queue, or for fal's balance."""
    Generation.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=90))
    reconcile()
    assert (today().our_videos, today().our_cents) == (1, 35)


@pytest.mark.usefixtures("key")
def test_day_that_both_sides_count_alike(sandbox: Sandbox, row: Generation) -> None:
    others = charged_by(sandbox) - 35
    reconcile()

    day = today()
    assert (day.our_videos, day.our_cents, day.our_units) == (1, 35, Decimal(5))
    assert day.difference_cents == others
    assert UsageDay.objects.count() == reconciliation.LOOK_BACK
    assert UsageDay.objects.exclude(day=day.day).exclude(fal_cents=0).count() == 0


@pytest.mark.usefixtures("key")
def test_drift_of_either_side_is_seen(sandbox: Sandbox, row: Generation) -> None:
    reconcile()
    before = today().difference_cents
    assert before is not None
    Generation.objects.filter(pk=row.pk).update(cost_cents=0)  # fal charged what we do not count
    reconcile()
    assert today().difference_cents == before + 35

    Generation.objects.filter(pk=row.pk).update(cost_cents=100)  # we count what fal did not charge
    reconcile()
    assert today().difference_cents == before - 65


@pytest.mark.usefixtures("key")
def test_what_fal_never_had_is_not_compared(sandbox: Sandbox, film: Team, bob: User) -> None:
    make_generation(bob, film)
    make_generation(bob, film, Status.CANCELED)
    reconcile()
    assert today().our_videos == 0


@pytest.mark.usefixtures("key")
def test_refused_key_is_said_in_the_admin(sandbox: Sandbox, settings: Settings, row: Generation, mona: User) -> None:
    settings.FAL_ADMIN_KEY = KEY
    assert reconcile() == 0

    day = UsageDay.objects.get()
    assert day.fal_cents is None
    assert "ADMIN" in day.problem
    client = signed_in(mona)
    assert "ADMIN" in client.get("/admin/generations/usageday/").content.decode()
    assert "can’t be read" in client.get("/admin/").content.decode()


@pytest.mark.usefixtures("key")
def test_fal_away_is_noted_and_later_put_right(sandbox: Sandbox, settings: Settings, row: Generation) -> None:
    here, settings.FAL_API_URL = settings.FAL_API_URL, "http://127.0.0.1:9/v1"
    reconcile()
    assert today().problem
    settings.FAL_API_URL = here
    reconcile()
    assert today().problem == ""
    assert today().fal_cents is not None


def test_nothing_happens_without_the_key(settings: Settings, db: None) -> None:
    settings.FAL_ADMIN_KEY = ""
    assert reconcile() == 0
    assert not UsageDay.objects.exists()


def test_page_is_for_staff_and_changes_nothing(mona: User, bob: User) -> None:
    UsageDay.objects.create(day="2026-11-01", our_videos=2, our_cents=70, our_units=10, fal_units=15, fal_cents=105)
    page = signed_in(mona).get("/admin/generations/usageday/").content.decode()

    assert "<strong>+$0.35</strong>" in page
    assert "requests that are not ours" in page
    assert signed_in(bob).get("/admin/generations/usageday/").status_code == 302
    root = signed_in(User.objects.create_superuser("root@example.com", "x"))
    assert root.get("/admin/generations/usageday/add/").status_code == 403
    assert root.post("/admin/generations/usageday/2026-11-01/delete/", {"post": "yes"}).status_code == 403
