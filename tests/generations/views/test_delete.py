"""Deleting by hand: asked first, for those who may, and out of everybody's sight."""

import pytest
from django.urls import reverse

from accounts.models import Team, User
from generations.models import OPEN, TERMINAL, Generation, Status, StorageDeletion
from tests.cast import make_generation, make_video, signed_in


def address(row: Generation) -> str:
    return reverse("generation-delete", args=[row.pk])


def test_page_asks_first(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.DONE)
    make_video(row)
    client = signed_in(bob)
    page = client.get(address(row)).content.decode()

    assert address(row) in client.get(row.get_absolute_url()).content.decode()
    assert "Delete this video?" in page
    assert "It moves to the trash for everyone in Film" in page
    assert "$0.35" in page
    assert Generation.objects.get().trashed_at is None


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_what_has_ended_is_gone_for_everybody(film: Team, alice: User, bob: User, status: Status) -> None:
    row = make_generation(bob, film, status)
    if status == Status.DONE:
        make_video(row)
    answer = signed_in(bob).post(address(row), follow=True)

    assert answer.redirect_chain == [("/", 302)]
    assert "Moved to trash." in answer.content.decode()
    for person in (alice, bob):
        assert signed_in(person).get(row.get_absolute_url()).status_code == 404
    row.refresh_from_db()
    assert row.trashed_at is not None
    assert row.deleted_at is None
    assert not StorageDeletion.objects.exists()


@pytest.mark.parametrize("status", sorted(OPEN))
def test_what_is_still_being_made_is_not_deleted(film: Team, bob: User, status: Status) -> None:
    row = make_generation(bob, film, status)
    client = signed_in(bob)

    assert address(row) not in client.get(row.get_absolute_url()).content.decode()
    for answer in (client.get(address(row)), client.post(address(row))):
        assert answer.status_code == 409
        assert "Cancel it, or wait until it is finished" in answer.content.decode()
    assert Generation.objects.get().trashed_at is None


def test_only_the_owner_and_who_manages_the_team_may(film: Team, alice: User, bob: User, victor: User) -> None:
    hers, his = make_generation(alice, film, Status.DONE), make_generation(bob, film, Status.DONE)

    for person, row in ((bob, hers), (victor, his)):
        client = signed_in(person)
        assert address(row) not in client.get(row.get_absolute_url()).content.decode()
        assert client.get(address(row)).status_code == 403
        assert client.post(address(row)).status_code == 403
    assert not Generation.objects.exclude(trashed_at=None).exists()

    assert signed_in(alice).post(address(his)).status_code == 302
    assert Generation.objects.get(pk=his.pk).trashed_at is not None
