"""`manage.py delete_account`: erase a person at their request, from a shell."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import Team, User
from generations.models import Generation, Status, StorageDeletion
from tests.cast import make_generation, make_video
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db


def delete_account(user: User, *options: str) -> str:
    out = StringIO()
    call_command("delete_account", user.email, *options, stdout=out)
    return out.getvalue()


def test_says_what_goes_and_stays_and_does_it(bob: User, alice: User, film: Team) -> None:
    own, shared = (make_generation(bob, team, Status.DONE) for team in (bob.personal_team, film))
    make_video(own)
    make_video(shared)
    said = delete_account(bob, "--no-input")

    assert "1 videos that nobody else can see are deleted" in said
    assert "1 videos stay in teams" in said
    own.refresh_from_db()
    assert (own.deleted_at is not None, own.prompt) == (True, "")
    assert own.cost_cents == shared.cost_cents > 0
    keys = set(StorageDeletion.objects.values_list("key", flat=True))
    assert own.video_key in keys
    assert shared.video_key not in keys
    assert User.objects.get(pk=bob.pk).email == f"former-{bob.pk}@invalid"


@pytest.mark.parametrize(("typed", "goes"), [("BOB@example.com ", True), ("yes", False), ("", False)])
def test_asks_for_the_address(typed: str, goes: bool, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda _: typed)
    if goes:
        delete_account(bob)
    else:
        with pytest.raises(CommandError, match="Nothing was deleted"):
            delete_account(bob)
    assert User.objects.get(pk=bob.pk).is_active is not goes


def test_names_each_thing_that_stands_in_the_way(alice: User, bob: User, film: Team) -> None:
    running = make_generation(alice, alice.personal_team, Status.RENDERING)

    with pytest.raises(CommandError) as caught:
        delete_account(alice, "--no-input")
    assert "Film would have no owner: manage.py make_owner film EMAIL" in str(caught.value)
    assert f"Generation {running.pk} is under way (rendering)" in str(caught.value)
    assert User.objects.get(pk=alice.pk).is_active


def test_last_superuser_stays(bob: User, mallory: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_superuser=True)
    with pytest.raises(CommandError, match="only superuser"):
        delete_account(bob, "--no-input")

    User.objects.filter(pk=mallory.pk).update(is_superuser=True)
    delete_account(bob, "--no-input")


def test_nobody_by_that_address(bob: User) -> None:
    with pytest.raises(CommandError, match="Nobody has the address"):
        call_command("delete_account", "nobody@example.com", "--no-input")


def test_fal_is_asked_to_delete_what_goes_alone(bob: User, film: Team, alice: User, sandbox: Sandbox) -> None:
    """Not the team's video. What fal does not have any more is as good as deleted."""
    for team in (bob.personal_team, film):
        make_generation(bob, team, Status.DONE)

    assert "fal has deleted 1 of 1 requests." in delete_account(bob, "--no-input", "--at-fal")


def test_what_fal_has_not_deleted_is_named(bob: User, sandbox: Sandbox, settings: Settings) -> None:
    own = make_generation(bob, bob.personal_team, Status.DONE)
    settings.FAL_KEY = "wrong:key"
    with pytest.raises(CommandError, match=f"Delete these in fal's dashboard:\n{own.request_id}: "):
        delete_account(bob, "--no-input", "--at-fal")

    assert Generation.objects.get(pk=own.pk).deleted_at
