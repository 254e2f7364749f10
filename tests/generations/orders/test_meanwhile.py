"""What ends while an order is under way: copies of pictures take a while, and some orders wait for days."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.billing.usage import Month
from generations.fal.arguments import Endpoint
from generations.flows.delete_account import delete_account
from generations.models import BannedFile, Generation, Hold, Slot, Status, StorageDeletion, Upload
from generations.orders import place
from tests.cast import make_generation, make_input_picture, make_upload, picture, signed_in
from tests.generations.pipeline.driven import drive_to_the_end
from tests.generations.views.test_composer import PAGE, text_order
from tests.generations.views.test_storyboard import meanwhile
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db


def removed(bob: User, film: Team) -> None:
    Membership.objects.filter(team=film, user=bob).delete()


def demoted(bob: User, film: Team) -> None:
    Membership.objects.filter(team=film, user=bob).update(role=Role.VIEWER)


def suspended(bob: User, film: Team) -> None:
    User.objects.filter(pk=bob.pk).update(suspended_until=timezone.now() + timedelta(days=1))


def deactivated(bob: User, film: Team) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)


def deleted(bob: User, film: Team) -> None:
    delete_account(User.objects.get(pk=bob.pk))


@pytest.mark.parametrize("ends", [removed, demoted, suspended, deactivated, deleted])
def test_rights_that_end_meanwhile_order_nothing(
    film: Team, bob: User, monkeypatch: pytest.MonkeyPatch, ends: Callable[[User, Team], None]
) -> None:
    client, order = signed_in(bob), text_order(film)
    meanwhile(monkeypatch, lambda: ends(bob, film))

    answer = client.post(PAGE, order)

    assert not Generation.objects.exists()
    assert answer.status_code == 422
    assert "You may not order in the team Film any more." in answer.content.decode()


@pytest.mark.parametrize("ends", [suspended, deactivated])
def test_they_end_in_ones_own_team_too(
    bob: User, monkeypatch: pytest.MonkeyPatch, ends: Callable[[User, Team], None]
) -> None:
    client, order = signed_in(bob), text_order(bob.personal_team)
    meanwhile(monkeypatch, lambda: ends(bob, bob.personal_team))
    client.post(PAGE, order)
    assert not Generation.objects.exists()


def ban(upload: Upload) -> None:
    BannedFile.objects.create(sha256=upload.sha256, reason="x")


def take_down_of(upload: Upload, video: Generation) -> Callable[[], Any]:
    Upload.objects.filter(pk=upload.pk).update(last_frame_of=video)
    return lambda: Generation.objects.filter(pk=video.pk).update(taken_down_at=timezone.now())


@pytest.mark.parametrize("is_frame", [False, True])
def test_a_picture_that_is_removed_while_it_is_copied_is_not_ordered(
    film: Team, bob: User, monkeypatch: pytest.MonkeyPatch, is_frame: bool
) -> None:
    upload = make_upload(bob, picture())
    happens = take_down_of(upload, make_generation(bob, film, Status.DONE)) if is_frame else lambda: ban(upload)
    before = Generation.objects.count()
    meanwhile(monkeypatch, happens)
    order = text_order(film, kind="image") | {"start_upload": str(upload.pk)}

    answer = signed_in(bob).post(PAGE, order)

    assert Generation.objects.count() == before
    assert "may not be used here any more" in answer.content.decode()
    assert StorageDeletion.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_frame", [False, True])
def test_a_picture_that_is_removed_while_its_order_waits_is_not_sent(
    sandbox: Sandbox, film: Team, bob: User, is_frame: bool
) -> None:
    source = make_generation(bob, film, Status.DONE)
    rows = [make_generation(bob, film, endpoint=Endpoint.IMAGE_TO_VIDEO, aspect_ratio="") for _ in range(2)]
    for row, color in zip(rows, ("red", "blue"), strict=True):
        make_input_picture(row, Slot.START, picture(color=color))
    if is_frame:
        rows[0].pictures.update(frame_of=source)
        Generation.objects.filter(pk=source.pk).update(taken_down_at=timezone.now())
    else:
        BannedFile.objects.create(sha256=rows[0].pictures.get().sha256, reason="x")

    ended = [drive_to_the_end(row) for row in rows]

    assert [row.status for row in ended] == [Status.FAILED, Status.DONE]
    assert (ended[0].reason, ended[0].cost_cents, ended[0].request_id) == ("picture_removed", 0, None)
    assert "Nothing was sent or spent" in ended[0].message


def test_an_order_over_the_end_of_the_month_is_of_the_month_whose_limit_was_asked(
    film: Team, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row is made in one month, and its pictures are copied until the next."""
    Team.objects.filter(pk=film.pk).update(monthly_limit_cents=140)
    old = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
    real = place._new_generation

    def made_before(*args: Any) -> Generation:
        row = real(*args)
        row.created_at = old
        return row

    monkeypatch.setattr(place, "_new_generation", made_before)
    client = signed_in(bob)
    for _ in range(3):
        client.post(PAGE, text_order(film))

    rows = list(Generation.objects.all())
    assert len(rows) == 2
    assert all(row.created_at >= Month.now().begin for row in rows)


def test_videos_of_a_batch_keep_their_order(film: Team, bob: User) -> None:
    signed_in(bob).post(PAGE, text_order(film, variations="4"))
    by_time = list(Generation.objects.order_by("created_at").values_list("batch_index", flat=True))
    assert by_time == [0, 1, 2, 3]


def test_holds_of_what_was_refused_are_none(film: Team, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    Team.objects.filter(pk=film.pk).update(approval_above_cents=0)
    meanwhile(monkeypatch, lambda: removed(bob, film))
    signed_in(bob).post(PAGE, text_order(film))
    assert not Hold.objects.exists()
