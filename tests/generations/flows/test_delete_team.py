"""An owner deletes a team: its videos pass to the named member, or are deleted for good; the billing records stay."""

from typing import Any

import pytest

from accounts import invitations
from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations import bucket
from generations.billing.budget import lock_budget
from generations.billing.usage import Month, usage
from generations.exceptions import OverBudgetError
from generations.flows.delete_account import delete_account
from generations.models import Generation, Status
from generations.storage.cleanup import remove_objects
from tests.cast import make_generation, make_video, signed_in
from tests.history import rewriting_history


def delete(film: Team, by: User, heir: User | None, **changes: Any) -> int:
    data = {"heir": str(heir.pk) if heir else "nobody", "name": film.name} | changes
    return signed_in(by).post("/teams/film/delete", data).status_code


def test_heir_gets_what_all_have_made_and_nobody_else_sees_it(film: Team, alice: User, bob: User, victor: User) -> None:
    row = make_generation(bob, film, Status.DONE)
    make_video(row)
    assert delete(film, alice, victor) == 302

    page = signed_in(victor).get(row.get_absolute_url())
    assert page.status_code == 200
    assert signed_in(victor).get("/?team=film").content.decode().count(str(row.pk)) > 0
    for person in (alice, bob):
        assert signed_in(person).get(row.get_absolute_url()).status_code == 404
    assert signed_in(victor).post(f"/generations/{row.pk}/delete").status_code == 302  # theirs to throw away
    row.refresh_from_db()
    assert (row.user, row.cost_cents, row.trashed_at is not None) == (bob, 35, True)


def test_team_is_gone_from_every_page(film: Team, alice: User, bob: User) -> None:
    make_generation(bob, film, Status.DONE)
    _, token = invitations.invite(film, alice, Role.MEMBER, email="bob@example.org")
    Team.objects.filter(pk=film.pk).update(domains=["example.com"])
    delete(film, alice, alice)
    client = signed_in(alice)

    for address in ("", "usage", "queue", "delete"):
        assert client.get(f"/teams/film/{address}").status_code == 404
    assert client.get(f"/teams/join/{token}/").status_code == 410
    page = client.get("/teams/").content.decode()
    assert 'href="/teams/film/"' not in page
    assert "Videos from deleted teams" in page
    assert 'value="film"' not in client.get("/generations/new/").content.decode()
    assert "film" not in signed_in(bob).get("/teams/").content.decode().lower().replace("bob's film", "")
    with pytest.raises(OverBudgetError):
        lock_budget(bob, film, 35)


def test_videos_deleted_for_good_leave_the_bucket_and_stay_in_the_books(film: Team, alice: User, bob: User) -> None:
    row = make_generation(bob, film, Status.DONE)
    make_video(row)
    assert delete(film, alice, None) == 302
    remove_objects()

    assert bucket.size_or_none(row.video_key) is None
    assert not Membership.objects.filter(team=film).exists()
    assert usage(film, Month.now()).total.spent == 35


def test_running_and_private_work_of_others_stand_in_the_way(film: Team, alice: User, bob: User) -> None:
    running = make_generation(bob, film, Status.RENDERING, prompt="A slow fox")
    hidden = make_generation(bob, film, Status.DONE, is_private=True, prompt="A secret fox")
    page = signed_in(alice).get("/teams/film/delete").content.decode()

    assert "A slow fox" in page
    assert "A secret fox" not in page
    assert "bob@example.com" in page
    assert delete(film, alice, alice) == 409
    with rewriting_history():
        running.delete()
    assert delete(film, alice, alice) == 409
    Generation.objects.filter(pk=hidden.pk).update(is_private=False)
    assert delete(film, alice, alice) == 302


def test_wrong_name_and_wrong_heir_are_refused_beside_their_fields(film: Team, alice: User, mallory: User) -> None:
    client = signed_in(alice)
    answer = client.post("/teams/film/delete", {"heir": str(mallory.pk), "name": "Fil"})

    assert answer.status_code == 422
    page = answer.content.decode()
    assert "The team’s name is “Film”" in page
    assert 'value="Fil"' in page
    assert 'id="id_heir_error"' in page
    assert not Team.objects.get(pk=film.pk).closed_at


def test_only_owners_and_no_personal_team(film: Team, alice: User, bob: User) -> None:
    Membership.objects.filter(team=film, user=bob).update(role=Role.ADMIN)
    assert delete(film, bob, bob) == 403
    assert signed_in(bob).get("/teams/film/delete").status_code == 403
    assert signed_in(alice).post(f"/teams/{alice.personal_team.slug}/delete", {}).status_code == 403


def test_account_of_the_heir_takes_the_videos_along(film: Team, alice: User, bob: User) -> None:
    row = make_generation(bob, film, Status.DONE)
    delete(film, alice, bob)

    assert delete_account(bob)
    row.refresh_from_db()
    assert row.deleted_at
