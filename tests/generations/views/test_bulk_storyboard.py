"""Selected videos become shots of storyboards, in one step that is undone as one."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Team, User
from generations.models import Collection, Generation, ProjectMove, Shot, Slot, Status
from tests.cast import make_generation, make_input_picture, make_upload, make_video, picture, signed_in
from tests.generations.views.test_bulk import act, undo

pytestmark = pytest.mark.django_db


@pytest.fixture
def spring(film: Team) -> Collection:
    return Collection.objects.create(team=film, name="Spring")


def finished(user: User, team: Team, project: Collection | None, *prompts: str) -> list[Generation]:
    made = [make_generation(user, team, Status.DONE, prompt=prompt, collection=project) for prompt in prompts]
    for row in made:
        make_video(row)
    return made


def board_of(project: Collection) -> list[str]:
    return list(Shot.objects.filter(project=project).values_list("prompt", flat=True))


def places(*rows: Generation) -> list[tuple[Any, Any]]:
    """The shot and the project of each."""
    found = Generation.objects.in_bulk([row.pk for row in rows])
    return [(found[row.pk].shot_id, found[row.pk].collection_id) for row in rows]


def add(user: User, rows: list[Generation], project: str = "") -> dict[str, Any]:
    answer = act(user, rows, verb="storyboard", storyboard=project)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_order_of_the_selection_is_that_of_the_shots(bob: User, film: Team, spring: Collection) -> None:
    Shot.objects.append(spring, [Shot(prompt="First")])
    fox, hare, owl = finished(bob, film, spring, "Fox", "Hare", "Owl")
    answer = add(bob, [owl, fox, hare])
    assert answer["messages"] == ["3 shots added to the storyboard of “Spring”."]
    assert board_of(spring) == ["First", "Owl", "Fox", "Hare"]
    assert [shot.takes.get() for shot in spring.shots.all()[1:]] == [owl, fox, hare]

    assert undo(bob, answer["undo"]).json() == {"messages": ["Undone."]}
    assert board_of(spring) == ["First"]
    assert places(owl, fox, hare) == [(None, spring.pk)] * 3


def test_each_goes_to_its_own_project(bob: User, film: Team, spring: Collection) -> None:
    winter = Collection.objects.create(team=film, name="Winter")
    [fox], [hare] = finished(bob, film, spring, "Fox"), finished(bob, film, winter, "Hare")
    answer = add(bob, [fox, hare])
    assert answer["messages"] == ["2 shots added to the storyboards of 2 projects."]
    assert (board_of(spring), board_of(winter)) == (["Fox"], ["Hare"])


def test_named_project_takes_them_in(bob: User, film: Team, spring: Collection) -> None:
    winter = Collection.objects.create(team=film, name="Winter")
    rows = [*finished(bob, film, None, "Fox"), *finished(bob, film, winter, "Hare")]
    [old] = Shot.objects.append(winter, [Shot(prompt="Hare")])
    Generation.objects.filter(pk=rows[1].pk).update(shot=old)
    before = places(*rows)
    answer = add(bob, rows, "spring")
    assert board_of(spring) == ["Fox", "Hare"]
    assert [project for _shot, project in places(*rows)] == [spring.pk] * 2
    assert ProjectMove.objects.filter(target=spring).count() == 2

    undo(bob, answer["undo"])
    assert (places(*rows), board_of(spring), board_of(winter)) == (before, [], ["Hare"])


def test_what_is_left_out_is_told(bob: User, film: Team, spring: Collection) -> None:
    fox, known = finished(bob, film, spring, "Fox", "Known")
    [homeless] = finished(bob, film, None, "Homeless")
    open_row = make_generation(bob, film, collection=spring)
    [shot] = Shot.objects.append(spring, [Shot(prompt="Known")])
    Generation.objects.filter(pk=known.pk).update(shot=shot)
    words = " ".join(add(bob, [fox, known, homeless, open_row])["messages"])
    assert words == (
        "1 shot added to the storyboard of “Spring”. 1 is a take there already. "
        "1 has no video yet, so it was left out. 1 is in no project: name one."
    )
    assert board_of(spring) == ["Known", "Fox"]
    nothing = add(bob, [open_row], "Spring")
    assert nothing == {"messages": ["1 has no video yet, so it was left out."], "undo": "", "gone": []}


def test_own_pictures_come_along(bob: User, alice: User, film: Team, spring: Collection) -> None:
    mine, theirs = finished(bob, film, spring, "Mine", "Theirs")
    kept = make_upload(bob, picture(color="red"))
    make_input_picture(mine, Slot.TAIL, picture(color="red"))
    make_input_picture(theirs, Slot.START, picture(color="blue"))
    make_upload(alice, picture(color="blue"))
    answer = add(bob, [mine, theirs])
    assert answer["messages"][1:] == ["1 shot lacks its pictures, which aren’t yours."]
    assert [(shot.start, shot.tail) for shot in spring.shots.all()] == [(None, kept), (None, None)]


def test_full_storyboard_takes_none(bob: User, film: Team, spring: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generations.models.shot.MAX_SHOTS", 2)
    monkeypatch.setattr("generations.films.add_videos.MAX_SHOTS", 2)
    Shot.objects.append(spring, [Shot(prompt="First")])
    rows = finished(bob, film, None, "Fox", "Hare")
    answer = add(bob, rows, "Spring")
    assert answer["messages"] == ["Nothing was added: the storyboard of Spring takes at most 2 shots and has 1."]
    assert (board_of(spring), places(*rows), answer["undo"]) == (["First"], [(None, None)] * 2, "")


def test_archived_project_takes_none(bob: User, film: Team, spring: Collection) -> None:
    winter = Collection.objects.create(team=film, name="Winter", archived_at=timezone.now())
    rows = [*finished(bob, film, spring, "Fox"), *finished(bob, film, winter, "Hare")]
    assert "Winter is archived" in add(bob, rows)["messages"][0]
    assert "Winter is archived" in add(bob, rows[:1], "Winter")["messages"][0]
    assert (Shot.objects.count(), ProjectMove.objects.count()) == (0, 0)


def test_undo_keeps_what_somebody_worked_on(bob: User, film: Team, spring: Collection) -> None:
    edited, retaken, untouched = rows = finished(bob, film, spring, "Edited", "Retaken", "Untouched")
    answer = add(bob, rows)
    Shot.objects.get(prompt="Edited").edit(bob, 1, {"note": "Lower"})
    make_generation(bob, film, collection=spring, shot=Shot.objects.get(prompt="Retaken"))
    said = undo(bob, answer["undo"]).json()["messages"]
    assert said == ["2 shots stay: somebody has worked on them."]
    assert board_of(spring) == ["Edited", "Retaken"]
    assert [shot is None for shot, _project in places(edited, retaken, untouched)] == [False, False, True]


def test_undo_ends_with_the_right_to_the_project(bob: User, film: Team, spring: Collection) -> None:
    answer = add(bob, finished(bob, film, spring, "Fox"))
    bob.memberships.filter(team=film).delete()
    said = undo(bob, answer["undo"]).json()["messages"]
    assert said == ["Nothing was undone: it is gone, or you may not change it any more."]
    assert board_of(spring) == ["Fox"]


def test_undo_leaves_the_videos_of_a_shot_that_stays(bob: User, film: Team, spring: Collection) -> None:
    edited, untouched = rows = finished(bob, film, spring, "Edited", "Untouched")
    answer = add(bob, rows, "Summer")
    summer = Collection.objects.get(name="Summer")
    shot = Shot.objects.get(prompt="Edited")
    shot.edit(bob, 1, {"note": "Lower"})
    assert undo(bob, answer["undo"]).json()["messages"] == ["1 shot stays: somebody has worked on it."]
    assert places(edited, untouched) == [(shot.pk, summer.pk), (None, spring.pk)]


@pytest.mark.parametrize("name", ["", "Summer"])
@pytest.mark.parametrize("closed", ["the old one", "the new one"])
def test_undo_does_nothing_where_a_project_was_closed(
    bob: User, film: Team, spring: Collection, name: str, closed: str
) -> None:
    rows = finished(bob, film, spring, "Fox")
    answer = add(bob, rows, name)
    before = places(*rows)
    project = spring if closed == "the old one" or not name else Collection.objects.get(name=name)
    Collection.objects.filter(pk=project.pk).update(archived_at=timezone.now())

    words = f"The project {project} is archived. Restore it, or choose another one."
    assert undo(bob, answer["undo"]).json()["messages"] == [words]
    assert places(*rows) == before
    assert Shot.objects.exists()


def test_viewers_add_none(bob: User, victor: User, film: Team, spring: Collection) -> None:
    assert act(victor, finished(bob, film, spring, "Fox"), verb="storyboard").status_code == 403
    assert not Shot.objects.exists()


def test_many_take_no_more_queries_than_two(
    bob: User, film: Team, spring: Collection, django_assert_max_num_queries: Any
) -> None:
    rows = finished(bob, film, spring, *(f"Fox {number}" for number in range(12)))
    client = signed_in(bob)
    for each in (rows[:2], rows[2:]):
        with django_assert_max_num_queries(32):
            client.post("/generations/bulk/", {"verb": "storyboard", "ids": [str(row.pk) for row in each]})
    assert len(board_of(spring)) == 12
