"""A project's storyboard: shots in order, their takes, what generating them costs, and who may do what."""

import html
import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from generations.fal.arguments import Endpoint
from generations.films import shot_orders
from generations.films.storyboard import ShotsOrderedError, plan_orders, refuse_changed
from generations.flows.delete_account import delete_account
from generations.flows.delete_team import delete_team
from generations.models import (
    MAX_SHOTS,
    BannedFile,
    Collection,
    Film,
    Generation,
    Price,
    ProjectMember,
    Shot,
    Slot,
    Status,
    TooManyShotsError,
    Upload,
)
from generations.orders import place
from generations.orders.place import place_retry
from generations.storage.cleanup import delete_unused_uploads, is_referenced
from tests.cast import make_generation, make_upload, make_video, picture, read_picture, signed_in
from tests.html import id_faults, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def spring(film: Team) -> Collection:
    return Collection.objects.create(team=film, name="Spring", defaults={"duration": "10", "aspect_ratio": "9:16"})


def words_of(page: Any) -> str:
    return html.unescape(text_of(page.content.decode()))


def board(project: Collection, part: str = "") -> str:
    return f"/projects/{project.pk}/storyboard/{part}"


def add(project: Collection, *prompts: str, **columns: Any) -> list[Shot]:
    return Shot.objects.append(project, [Shot(prompt=prompt, **columns) for prompt in prompts])


def order_of(project: Collection) -> list[str]:
    return list(Shot.objects.filter(project=project).values_list("prompt", flat=True))


def make_take(user: User, shot: Shot, *, is_done: bool = True, **columns: Any) -> Generation:
    status = Status.DONE if is_done else Status.QUEUED
    row = make_generation(user, shot.project.team, status, shot=shot, collection=shot.project, **columns)
    if is_done:
        make_video(row)
    return row


def change(user: User, project: Collection, verb: str, **values: Any) -> Any:
    return signed_in(user).post(board(project, "change"), {"verb": verb, **values})


def quote(client: Client, project: Collection, **values: Any) -> dict[str, Any]:
    """What the page with the price sends."""
    page = client.get(board(project, "generate"), values)
    return pressed(page, **values)


def pressed(page: Any, **values: Any) -> dict[str, Any]:
    plan = page.context["plan"]
    named = [line.slide.shot.pk for line in plan.lines]
    seen = [line.order.digest for line in plan.lines]
    return {"key": page.context["key"], "cents": plan.cents, "shots": named, "seen": seen} | {
        name: value for name, value in values.items() if name == "missing"
    }


def test_lines_become_shots_behind_those_that_are_there(bob: User, spring: Collection) -> None:
    add(spring, "A fox")
    answer = change(bob, spring, "add", prompts="A hare \r\n\n  An owl")
    assert order_of(spring) == ["A fox", "A hare", "An owl"]
    assert answer["Location"].endswith(f"#shot-{Shot.objects.get(prompt='A hare').pk}")
    change(bob, spring, "add", prompts=" ")
    assert order_of(spring)[-1] == ""
    page = signed_in(bob).get(board(spring)).content.decode()
    assert id_faults(page) == []
    assert [page.index(prompt) for prompt in ("A fox", "A hare", "An owl")] == sorted(
        page.index(prompt) for prompt in ("A fox", "A hare", "An owl")
    )


@pytest.mark.parametrize("prompts", ["A hare\nAn owl", ""])
def test_button_pressed_twice_adds_once(bob: User, alice: User, spring: Collection, prompts: str) -> None:
    """Until the page was made again: then the same is wanted once more."""
    add(spring, "A fox")

    def newest() -> str:
        page = signed_in(bob).get(board(spring)).content.decode()
        return str(re.findall(r'name="newest" value="(\d+)"', page)[0])

    typed = {"prompts": prompts, "newest": newest()}
    first = change(bob, spring, "add", **typed)
    count = Shot.objects.count()
    again = signed_in(bob).post(board(spring, "change"), {"verb": "add", **typed}, follow=True)
    assert again.redirect_chain == [(first["Location"], 302)]
    assert "Added already." in text_of(again.content.decode())
    assert Shot.objects.count() == count > 1
    change(alice, spring, "add", **typed)
    assert Shot.objects.count() == 2 * count - 1
    change(bob, spring, "add", **typed | {"newest": newest()})
    assert Shot.objects.count() == 3 * count - 2


@pytest.mark.django_db(transaction=True)
def test_button_pressed_twice_at_once_adds_once(bob: User, spring: Collection) -> None:
    def press(_: int) -> int:
        try:
            return change(bob, spring, "add", prompts="A\nB", newest="0").status_code  # type: ignore[no-any-return]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(press, range(4))) == [302] * 4
    assert order_of(spring) == ["A", "B"]


def test_wrong_line_is_named_and_all_that_was_typed_stays(bob: User, spring: Collection) -> None:
    typed = f"A fox\n{'x' * 2501}"
    answer = change(bob, spring, "add", prompts=typed)
    assert (answer.status_code, order_of(spring)) == (422, [])
    assert "Line 2 has 2501 characters; use at most 2500." in answer.content.decode()
    assert typed in answer.content.decode()


def test_storyboard_has_an_end(bob: User, spring: Collection) -> None:
    add(spring, *["x"] * (MAX_SHOTS - 1))
    answer = change(bob, spring, "add", prompts="A\nB")
    assert (answer.status_code, Shot.objects.count()) == (422, MAX_SHOTS - 1)
    assert "at most 500 shots" in answer.content.decode()
    with pytest.raises(TooManyShotsError):
        add(spring, "A", "B")


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("up:2", "acbd"),
        ("up:0", "abcd"),
        ("down:1", "acbd"),
        ("down:3", "abcd"),
        ("move:3:0", "dabc"),
        ("move:0:2", "bcad"),
        ("move:0:99", "bcda"),
    ],
)
def test_shots_are_put_in_order(bob: User, spring: Collection, verb: str, expected: str) -> None:
    shots = add(spring, *"abcd")
    Shot.objects.filter(pk=shots[1].pk).update(position=90)  # numbers may have gaps
    Shot.objects.filter(pk__in=[shots[2].pk, shots[3].pk]).delete()
    [c, d] = add(spring, *"cd")
    keys = [shots[0].pk, shots[1].pk, c.pk, d.pk]
    name, index, *place = verb.split(":")
    answer = change(bob, spring, ":".join([name, str(keys[int(index)]), *place]), shots=[keys[1], keys[0]])
    assert "".join(order_of(spring)) == expected
    assert f"?shots={keys[1]}&shots={keys[0]}#shot-{keys[int(index)]}" in answer["Location"]
    page = signed_in(bob).get(answer["Location"]).content.decode()
    assert len(re.findall(r'name="shots"[^>]*checked', page)) == 2


def test_script_is_answered_without_a_page(bob: User, spring: Collection) -> None:
    [a, _b] = add(spring, "a", "b")
    client, headers = signed_in(bob), {"Accept": "application/json"}
    sent = {"verb": f"move:{a.pk}:1"}
    assert client.post(board(spring, "change"), sent, headers=headers).status_code == 204
    assert order_of(spring) == ["b", "a"]
    a.delete()
    gone = client.post(board(spring, "change"), sent, headers=headers)
    assert (gone.status_code, gone.content.decode()) == (409, "This shot has been deleted meanwhile.")


def test_what_is_no_verb(bob: User, spring: Collection) -> None:
    [shot] = add(spring, "a")
    for verb in ("", "x", "x:1", f"move:{shot.pk}:x", f"choose:{shot.pk}:x"):
        assert change(bob, spring, verb).status_code == 400
    other = Collection.objects.create(team=spring.team, name="Other")
    assert (
        "deleted meanwhile"
        in signed_in(bob).post(board(other, "change"), {"verb": f"delete:{shot.pk}"}, follow=True).content.decode()
    )
    assert Shot.objects.exists()


def edit(client: Client, shot: Shot, **values: Any) -> Any:
    fields = {"version": shot.version, "prompt": shot.prompt, "note": shot.note, "negative_prompt": ""}
    return client.post(shot.get_absolute_url(), fields | values)


def test_shot_is_edited_with_its_pictures(bob: User, alice: User, spring: Collection) -> None:
    [shot] = add(spring, "A fox")
    client = signed_in(bob)
    page = text_of(client.get(shot.get_absolute_url()).content.decode())
    assert ("The project’s: 10 seconds" in page, "The project’s: Tall, 9:16" in page) == (True, True)
    kept = make_upload(bob, picture(color="red"))
    answer = edit(client, shot, note="Low angle", duration="5", quality="draft", start_upload=kept.pk)
    shot.refresh_from_db()
    assert answer["Location"].endswith(f"#shot-{shot.pk}")
    assert (shot.note, shot.duration, shot.aspect_ratio, shot.quality) == ("Low angle", 5, "", "draft")
    assert (shot.start, shot.tail, shot.changed_by, shot.version) == (kept, None, bob, 2)

    own = make_upload(alice)
    foreign = make_upload(bob, picture(color="blue"))
    hers = signed_in(alice)
    assert hers.get(reverse("upload", args=[kept.pk])).status_code in {200, 302}
    assert hers.get(reverse("upload", args=[foreign.pk])).status_code == 404
    edit(hers, shot, start_upload=kept.pk, tail_upload=own.pk)  # bob's stays though she has not given it
    shot.refresh_from_db()
    assert (shot.start, shot.tail) == (kept, own)
    edit(hers, shot, tail_upload=foreign.pk)  # what she may not use replaces nothing
    shot.refresh_from_db()
    assert (shot.start, shot.tail) == (None, own)


def test_picture_that_was_chosen_but_not_saved_is_still_there(bob: User, alice: User, spring: Collection) -> None:
    saved, chosen, foreign = make_upload(bob), make_upload(bob, picture(color="red")), make_upload(alice)
    [shot] = add(spring, "A fox", start=saved)
    client = signed_in(bob)
    for named, start in (("", saved), (chosen.pk, chosen), (foreign.pk, saved), ("x", saved)):
        page = client.get(f"{shot.get_absolute_url()}?start={named}")
        assert page.context["form"].kept == {Slot.START: start}


def test_link_that_was_read_is_not_read_again(bob: User, spring: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generations.forms.fetch_picture", lambda _field, _link: read_picture(picture()))
    [shot] = add(spring, "A fox")
    link = "https://example.com/fox.jpg"
    page = edit(signed_in(bob), shot, start_link=link, duration="7").content.decode()
    assert (str(Upload.objects.get().pk) in page, link in page) == (True, False)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"prompt": "x" * 2501}, "It has 2,501 characters"),
        ({"negative_prompt": "x" * 2501}, "It has 2,501 characters"),
        ({"note": "x" * 2001}, "at most 2000 characters"),
        ({"duration": "7"}, "Select a valid choice"),
        ({"start_link": "nowhere"}, "web address"),
    ],
)
def test_bad_input_stands_by_its_field(bob: User, spring: Collection, values: dict[str, str], words: str) -> None:
    [shot] = add(spring, "A fox")
    kept = make_upload(bob)
    answer = edit(signed_in(bob), shot, **{"note": "Typed", "tail_upload": kept.pk} | values)
    page = answer.content.decode()
    assert (answer.status_code, words in page) == (422, True)
    assert str(kept.pk) in page
    assert next(iter(values.values())) in page
    shot.refresh_from_db()
    assert (shot.prompt, shot.version) == ("A fox", 1)


def test_two_at_once_lose_nothing(bob: User, alice: User, spring: Collection) -> None:
    [shot] = add(spring, "A fox")
    edit(signed_in(alice), shot, prompt="A red fox")
    client = signed_in(bob)
    answer = edit(client, shot, prompt="A grey fox")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert all(words in page for words in ("Alice saved this shot", "A red fox", "A grey fox"))
    shot.refresh_from_db()
    assert shot.prompt == "A red fox"
    edit(client, shot, prompt="A grey fox")
    shot.refresh_from_db()
    assert shot.prompt == "A grey fox"


def test_error_of_ones_own_hides_nothing_that_was_saved_meanwhile(bob: User, alice: User, spring: Collection) -> None:
    [shot] = add(spring, "A fox")
    client = signed_in(bob)
    edit(signed_in(alice), shot, prompt="A red fox")

    answer = edit(client, shot, prompt="A grey fox", duration="7")
    [version] = re.findall('name="version" value="([^"]*)"', answer.content.decode())
    answer = edit(client, shot, prompt="A grey fox", version=version)

    assert answer.status_code == 409
    assert "A red fox" in answer.content.decode()
    shot.refresh_from_db()
    assert shot.prompt == "A red fox"
    [version] = re.findall('name="version" value="([^"]*)"', answer.content.decode())
    assert edit(client, shot, prompt="A grey fox", version=version).status_code == 302


def test_more_lines_than_shots_may_be_are_told_in_one_sentence(bob: User, spring: Collection) -> None:
    answer = change(bob, spring, "add", prompts="\n".join(["x" * 2501] * 300 + ["y"] * 300))

    assert (answer.status_code, order_of(spring)) == (422, [])
    assert answer.context["form"].errors["prompts"] == ["A storyboard has at most 500 shots."]


def test_banned_picture_is_told_beside_its_shot(bob: User, spring: Collection) -> None:
    good, bad = make_upload(bob), make_upload(bob, picture(color="red"))
    [fine] = add(spring, "a", start=good)
    [banned] = add(spring, "b", start=good, tail=bad)
    client = signed_in(bob)
    sent = quote(client, spring, missing="")
    BannedFile.objects.create(sha256=bad.sha256, reason="x")

    page = client.post(board(spring, "generate"), sent).content.decode()

    assert "may not be used here any more" in text_of(page[page.index(f'id="order-{banned.pk}_error"') :])
    assert f'id="order-{fine.pk}_error"' not in page
    assert not Generation.objects.exists()


@pytest.mark.parametrize("column", ["last_frame_of", "first_frame_of"])
@pytest.mark.parametrize("slot", list(Slot))
def test_frame_of_a_video_that_was_taken_down_is_neither_shown_nor_ordered(
    bob: User, alice: User, victor: User, spring: Collection, column: str, slot: str
) -> None:
    video = make_generation(bob, spring.team, Status.DONE)
    frame, other = make_upload(bob, picture(color="red")), make_upload(bob)
    Upload.objects.filter(pk=frame.pk).update(**{column: video})
    [shot] = add(spring, "a", **({slot: frame} if slot == Slot.START else {"start": other, slot: frame}))
    client, address = signed_in(bob), reverse("upload", args=[frame.pk])
    sent = quote(client, spring, missing="")
    assert signed_in(alice).get(address).status_code in {200, 302}
    video.take_down(alice, "x")

    assert [signed_in(user).get(address).status_code for user in (bob, alice)] == [404, 404]
    assert address not in (page := client.get(board(spring)).content.decode())
    assert f"{Slot(slot).label} removed" in text_of(page)
    removed = "This picture may not be used here any more. Choose another one."
    page = client.get(shot.get_absolute_url()).content.decode()
    assert (address in page, text_of(page).count(removed)) == (False, 1)
    seen = text_of(signed_in(victor).get(shot.get_absolute_url()).content.decode())
    assert f"{Slot(slot).label} removed" in seen

    # what is saved meanwhile leaves it in its place, and one that is chosen instead comes back with what is wrong
    form = {"version": shot.version, "prompt": "b", **{f"{one}_upload": pk.pk for one, pk in shot.uploads.items()}}
    client.post(shot.get_absolute_url(), form)
    shot.refresh_from_db()
    assert (shot.prompt, shot.uploads[Slot(slot)]) == ("b", frame)
    new = make_upload(bob, picture(color="blue"))
    wrong = form | {f"{slot}_upload": new.pk, "prompt": "x" * 3000}
    for page in (
        client.post(shot.get_absolute_url(), wrong).content.decode(),
        client.get(shot.get_absolute_url(), {slot: str(new.pk)}).content.decode(),
    ):
        assert (reverse("upload", args=[new.pk]) in page, removed in text_of(page)) == (True, False)

    # it stands in the form of somebody else's older page
    Shot.objects.filter(pk=shot.pk).update(**{slot: new, "version": shot.version + 1})
    answer = client.post(shot.get_absolute_url(), form | {"version": shot.version})
    assert (answer.status_code, address in answer.content.decode()) == (409, False)
    Shot.objects.filter(pk=shot.pk).update(**{slot: frame})

    page = client.post(board(spring, "generate"), sent).content.decode()
    assert "may not be used here any more" in text_of(page[page.index(f'id="order-{shot.pk}_error"') :])
    assert not Generation.objects.filter(shot=shot).exists()

    video.restore(alice, "x")
    assert signed_in(alice).get(address).status_code in {200, 302}
    client.post(board(spring, "generate"), quote(client, spring, missing=""))
    assert Generation.objects.filter(shot=shot).exists()


def test_price_is_told_and_shots_are_ordered(bob: User, spring: Collection) -> None:
    Collection.objects.filter(pk=spring.pk).update(monthly_limit_cents=1000)
    [fox, hare] = add(spring, "A fox", "A hare")
    start, tail = make_upload(bob), make_upload(bob, picture(color="red"))
    Shot.objects.filter(pk=hare.pk).update(duration=5, start=start, tail=tail, negative_prompt="fog")
    client = signed_in(bob)
    page = client.get(board(spring, "generate"), {"missing": ""})
    assert "Generate 2 videos · $1.05" in text_of(page.content.decode())
    assert "of this month's $10.00 (the project’s limit)" in words_of(page)
    assert id_faults(page.content.decode()) == []
    assert not Generation.objects.exists()
    sent = pressed(page, missing="")
    for _press in range(2):
        assert client.post(board(spring, "generate"), sent)["Location"] == board(spring)
    one, two = Generation.objects.order_by("batch_index")
    assert [(row.shot, row.collection, row.billed_project) for row in (one, two)] == [
        (fox, spring, spring),
        (hare, spring, spring),
    ]
    assert (one.prompt, one.endpoint, one.duration, one.aspect_ratio) == ("A fox", Endpoint.TEXT_TO_VIDEO, 10, "9:16")
    assert (two.endpoint, two.duration, two.negative_prompt) == (Endpoint.IMAGE_TO_VIDEO, 5, "fog")
    assert {each.slot: each.sha256 for each in two.pictures.all()} == {
        Slot.START: start.sha256,
        Slot.TAIL: tail.sha256,
    }
    again = client.get(board(spring, "generate"), {"missing": ""})
    assert "one is being made" in again.content.decode()


def test_selected_shots_alone_are_ordered(bob: User, spring: Collection) -> None:
    [_a, b, c] = add(spring, "a", "b", "c")
    client = signed_in(bob)
    page = client.post(board(spring, "generate"), {"shots": [b.pk, c.pk]})
    assert [line.slide.number for line in page.context["plan"].lines] == [2, 3]
    assert not Generation.objects.exists()
    client.post(board(spring, "generate"), pressed(page) | {"shots": [c.pk]})
    assert not Generation.objects.exists()  # the price on the page was another one
    client.post(board(spring, "generate"), quote(client, spring, shots=[c.pk]))
    assert Generation.objects.get().shot == c
    client.post(board(spring, "generate"), quote(client, spring, shots=[c.pk]))
    assert c.takes.count() == 2


@pytest.mark.parametrize(
    ("columns", "pictures", "words"),
    [
        ({"prompt": ""}, (), "Write what the video should show."),
        ({"prompt": "a"}, ("tail",), "end picture only"),
        ({"prompt": "a", "quality": "draft"}, ("start", "tail"), "A draft takes no end picture"),
        ({"prompt": "a", "quality": "draft"}, (), "A draft is made from a picture"),
    ],
)
def test_what_a_shot_lacks_is_said_beside_it(
    bob: User, spring: Collection, columns: dict[str, str], pictures: tuple[str, ...], words: str
) -> None:
    add(spring, "A fox")
    given = {
        name: make_upload(bob, picture(color=color)) for name, color in zip(pictures, ("red", "blue"), strict=False)
    }
    [shot] = Shot.objects.append(spring, [Shot(**columns, **given)])
    client = signed_in(bob)
    sent = quote(client, spring, missing="")
    answer = client.post(board(spring, "generate"), sent)
    page = answer.content.decode()
    assert (answer.status_code, Generation.objects.count()) == (422, 0)
    assert words in text_of(page[page.index(f'id="order-{shot.pk}_error"') :])
    assert f'id="order-{shot.pk - 1}_error"' not in page


def test_projects_budget_is_kept_and_said_beside_the_shot(bob: User, spring: Collection) -> None:
    Collection.objects.filter(pk=spring.pk).update(monthly_limit_cents=100)
    [a, b] = add(spring, "a", "b")
    client = signed_in(bob)
    sent = quote(client, spring, missing="")
    answer = client.post(board(spring, "generate"), sent)
    page = answer.content.decode()
    assert (answer.status_code, Generation.objects.count()) == (422, 0)
    assert f'id="order-{a.pk}_error"' not in page
    assert "Up to here it costs $1.40; $1.00 is left" in text_of(page[page.index(f'id="order-{b.pk}_error"') :])
    assert "This costs $1.40; $1.00 is left of this month's $1.00 (the project’s limit)." in words_of(answer)
    client.post(board(spring, "generate"), quote(client, spring, shots=[a.pk]))
    assert Generation.objects.get().shot == a


def test_changed_price_and_shots_ordered_meanwhile_are_shown_first(bob: User, alice: User, spring: Collection) -> None:
    [shot] = add(spring, "a")
    client, hers = signed_in(bob), signed_in(alice)
    sent = quote(client, spring, missing="")
    Shot.objects.filter(pk=shot.pk).update(duration=5)
    answer = client.post(board(spring, "generate"), sent)
    assert "it costs $0.35 now" in answer.content.decode()
    mine, theirs = quote(client, spring, missing=""), quote(hers, spring, missing="")
    client.post(board(spring, "generate"), mine)
    answer = hers.post(board(spring, "generate"), theirs)
    assert (answer.status_code, Generation.objects.count()) == (422, 1)
    assert "were ordered meanwhile" in answer.content.decode()
    hers.post(board(spring, "generate"), pressed(answer))
    assert shot.takes.count() == 2


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Any]) -> None:
    """Between the moment in which an order is checked and that in which it is written."""
    real = place._commit

    def commit(*args: Any) -> None:
        monkeypatch.setattr(place, "_commit", real)
        happens()
        real(*args)

    monkeypatch.setattr(place, "_commit", commit)


def test_missing_shots_are_ordered_once_by_two_at_once(
    bob: User, alice: User, spring: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(spring, "a", "b")
    client, hers = signed_in(bob), signed_in(alice)
    mine, theirs = quote(client, spring, missing=""), quote(hers, spring, missing="")
    meanwhile(monkeypatch, lambda: hers.post(board(spring, "generate"), theirs))

    answer = client.post(board(spring, "generate"), mine)

    assert "were ordered meanwhile" in answer.content.decode()
    assert [row.user for row in Generation.objects.all()] == [alice, alice]


@pytest.mark.django_db(transaction=True)
def test_missing_shots_are_ordered_once_from_many_tabs(bob: User, spring: Collection) -> None:
    add(spring, *"abc")
    sent = [quote(signed_in(bob), spring, missing="") for _tab in range(4)]

    def post(values: dict[str, Any]) -> int:
        try:
            return signed_in(bob).post(board(spring, "generate"), values).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(post, sent)) == [302, 422, 422, 422]
    assert Generation.objects.count() == 3


@pytest.mark.parametrize("refusal", ["budget", "price"])
def test_only_who_was_told_so_orders_what_is_missing_no_more(
    bob: User, alice: User, spring: Collection, refusal: str
) -> None:
    [shot] = add(spring, "a")
    client, hers = signed_in(bob), signed_in(alice)
    sent = quote(client, spring, missing="")
    if refusal == "budget":
        Collection.objects.filter(pk=spring.pk).update(monthly_limit_cents=1)
    else:
        sent["cents"] = 1
    answer = client.post(board(spring, "generate"), sent)
    assert answer.status_code == 422
    Collection.objects.filter(pk=spring.pk).update(monthly_limit_cents=None)
    hers.post(board(spring, "generate"), quote(hers, spring, missing=""))

    fields = dict.fromkeys(re.findall(r'type="hidden" name="(missing)"', answer.content.decode()), "")
    answer = client.post(board(spring, "generate"), pressed(answer, **fields))

    assert "were ordered meanwhile" in answer.content.decode()
    assert shot.takes.count() == 1


@pytest.mark.parametrize(
    "columns",
    [
        {"prompt": "b"},
        {"negative_prompt": "fog"},
        {"aspect_ratio": "1:1"},
        {"start": "red"},
        {"start": "blue"},
        {"start": "red", "tail": "blue"},
    ],
)
def test_what_was_not_seen_is_not_ordered(bob: User, spring: Collection, columns: dict[str, Any]) -> None:
    """Though it costs the same."""
    [shot] = add(spring, "a")
    Shot.objects.filter(pk=shot.pk).update(start=make_upload(bob), duration=5)
    if "aspect_ratio" in columns:
        Shot.objects.filter(pk=shot.pk).update(start=None)
    client = signed_in(bob)
    sent = quote(client, spring, shots=[shot.pk])
    changed = {
        name: make_upload(bob, picture(color=value)) if name in Slot.values else value
        for name, value in columns.items()
    }
    Shot.objects.filter(pk=shot.pk).update(**changed)

    answer = client.post(board(spring, "generate"), sent)

    assert (answer.status_code, Generation.objects.count()) == (422, 0)
    assert "changed meanwhile" in answer.content.decode()
    client.post(board(spring, "generate"), pressed(answer))
    assert Generation.objects.get().shot == shot


def test_price_that_changes_at_the_last_moment_is_shown_first(
    bob: User, spring: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(spring, "a")
    client = signed_in(bob)
    sent = quote(client, spring, missing="")

    def dearer(*args: Any) -> Any:
        found = plan_orders(*args)
        monkeypatch.undo()
        Price.objects.update(cents=900)
        return found

    monkeypatch.setattr(shot_orders, "plan_orders", dearer)
    answer = client.post(board(spring, "generate"), sent)

    assert "it costs $9.00 now" in answer.content.decode()
    assert not Generation.objects.exists()
    client.post(board(spring, "generate"), pressed(answer))
    assert Generation.objects.get().cost_cents == 900


@pytest.mark.django_db(transaction=True)
def test_shot_that_is_deleted_at_the_last_moment_is_not_ordered(
    bob: User, spring: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    [a, b] = add(spring, "a", "b")
    client = signed_in(bob)
    sent = quote(client, spring, shots=[a.pk, b.pk])
    meanwhile(monkeypatch, lambda: change(bob, spring, f"delete:{a.pk}"))

    answer = client.post(board(spring, "generate"), sent)

    assert "were deleted meanwhile" in answer.content.decode()
    assert not Generation.objects.exists()
    failed = make_generation(bob, spring.team, Status.FAILED, shot=b, collection=spring)
    meanwhile(monkeypatch, lambda: change(bob, spring, f"delete:{b.pk}"))
    assert place_retry(failed, bob, uuid.uuid4()).shot is None


def test_no_more_than_fifty_at_once(bob: User, spring: Collection) -> None:
    add(spring, *["x"] * 52)
    page = signed_in(bob).get(board(spring, "generate"), {"missing": ""})
    assert len(page.context["plan"].lines) == 50
    assert "2 more wait for the next time" in text_of(page.content.decode())


def test_newest_finished_take_stands_until_somebody_chooses(bob: User, spring: Collection) -> None:
    [shot] = add(spring, "a")
    client = signed_in(bob)

    def current() -> Generation | None:
        [slide] = client.get(board(spring)).context["slides"]
        found: Generation | None = slide.current
        return found

    assert current() is None
    old, new = make_take(bob, shot), make_take(bob, shot)
    running = make_take(bob, shot, is_done=False)
    assert current() == new
    client.post(board(spring, "change"), {"verb": f"choose:{shot.pk}:{old.pk}"})
    assert current() == old
    newest = make_take(bob, shot)
    assert current() == old
    old.move_to_trash(bob)
    assert current() == newest
    client.post(board(spring, "change"), {"verb": f"choose:{shot.pk}:{new.pk}"})
    client.post(board(spring, "change"), {"verb": f"choose:{shot.pk}:"})
    assert current() == newest
    for wrong in (running, old, make_generation(bob, spring.team, Status.DONE)):
        client.post(board(spring, "change"), {"verb": f"choose:{shot.pk}:{wrong.pk}"})
        assert current() == newest


def test_chosen_take_stays_in_sight_behind_many(bob: User, spring: Collection) -> None:
    [shot] = add(spring, "a")
    rows = [make_take(bob, shot) for _ in range(8)]
    Shot.objects.filter(pk=shot.pk).update(chosen=rows[0])
    client = signed_in(bob)
    [slide] = client.get(board(spring)).context["slides"]
    assert ([take.number for take in slide.takes], slide.current) == ([8, 7, 6, 5, 4, 3, None], rows[0])
    whole = client.get(reverse("shot-takes", args=[shot.pk]), {"all": ""}).context["slide"]
    assert [take.number for take in whole.takes] == [8, 7, 6, 5, 4, 3, 2, 1]


def test_private_take_is_its_makers_alone(bob: User, alice: User, spring: Collection) -> None:
    [shot] = add(spring, "a")
    row = make_take(bob, shot, is_private=True)
    Shot.objects.filter(pk=shot.pk).update(chosen=row)
    assert str(row.pk) in signed_in(bob).get(board(spring)).content.decode()
    for part in ("", "play"):
        assert str(row.pk) not in signed_in(alice).get(board(spring, part)).content.decode()


@pytest.mark.parametrize("columns", [{"is_private": True}, {"awaits_review": True}])
@pytest.mark.parametrize("is_done", [True, False])
def test_a_take_that_is_not_shown_is_not_paid_for_again(
    bob: User, alice: User, spring: Collection, columns: dict[str, Any], *, is_done: bool
) -> None:
    [shot] = add(spring, "a")
    hers = signed_in(alice)
    sent = quote(hers, spring, missing="")
    make_take(bob, shot, is_done=is_done, **columns)
    page = hers.get(board(spring))
    assert page.context["missing"] == 0
    assert "Ordered by somebody, not shown to you" in words_of(page)
    assert "were ordered meanwhile" in hers.post(board(spring, "generate"), sent).content.decode()
    assert Generation.objects.count() == 1


def test_without_a_tick_nothing_is_ordered(bob: User, spring: Collection) -> None:
    add(spring, "a", "b")
    client = signed_in(bob)
    sent = quote(client, spring, missing="")
    del sent["shots"]
    answer = client.post(board(spring, "generate"), sent)
    assert (answer.status_code, Generation.objects.count()) == (422, 0)
    assert "Select the shots to generate." in words_of(answer)
    assert [line.slide.number for line in answer.context["plan"].lines] == [1, 2]


def test_a_press_that_came_twice_at_once_leads_to_what_it_ordered(
    bob: User, spring: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one looks for shots that are missing after the first one has ordered them."""
    add(spring, "a")
    client = signed_in(bob)
    sent = quote(client, spring, missing="")
    name = "generations.views.shot_orders.refuse_changed"

    def other_first(*_args: Any, **_options: Any) -> Any:
        monkeypatch.setattr(name, refuse_changed)
        client.post(board(spring, "generate"), sent)
        raise ShotsOrderedError

    monkeypatch.setattr(name, other_first)
    answer = client.post(board(spring, "generate"), sent)
    assert (answer.status_code, Generation.objects.count()) == (302, 1)


def test_a_take_of_another_storyboard_stands_for_no_shot_here(bob: User, film: Team, spring: Collection) -> None:
    [shot] = add(spring, "a")
    [other] = add(Collection.objects.create(team=film, name="Autumn"), "b")
    row = make_take(bob, shot)
    Shot.objects.filter(pk=shot.pk).update(chosen=row)
    Generation.objects.filter(pk=row.pk).update(shot=other)
    [slide] = signed_in(bob).get(board(spring)).context["slides"]
    assert (slide.current, slide.is_missing) == (None, True)


def test_a_picture_that_somebody_else_chose_meanwhile_stays(bob: User, alice: User, spring: Collection) -> None:
    [shot] = add(spring, "a")
    hers, newer = make_upload(alice, picture(color="red")), make_upload(alice, picture(color="blue"))
    Shot.objects.filter(pk=shot.pk).update(start=hers)
    client = signed_in(bob)
    client.get(shot.get_absolute_url())
    Shot.objects.filter(pk=shot.pk).update(start=newer, version=2)

    answer = edit(client, shot, prompt="b", start_upload=str(hers.pk))
    assert answer.status_code == 409
    page = answer.content.decode()
    [version] = re.findall('name="version" value="([^"]*)"', page)
    assert str(newer.pk) in page
    shot.refresh_from_db()
    edit(client, shot, prompt="b", start_upload=str(newer.pk), version=version)

    shot.refresh_from_db()
    assert (shot.prompt, shot.start) == ("b", newer)


def test_a_project_with_a_storyboard_is_not_deleted(bob: User, spring: Collection) -> None:
    [shot] = add(spring, "a")
    assert "has a storyboard" in Collection.objects.delete_unused(spring)
    shot.delete()
    assert Collection.objects.delete_unused(spring) == ""


@pytest.mark.parametrize("columns", [{"is_private": True}, {"awaits_review": True}])
def test_what_the_team_does_not_see_is_no_shot(bob: User, spring: Collection, columns: dict[str, Any]) -> None:
    """A shot would show its prompt and pictures."""
    row = make_generation(bob, spring.team, Status.DONE, collection=spring, prompt="Secret", **columns)
    make_video(row)
    client = signed_in(bob)
    answer = client.post(reverse("generation-shot", args=[row.pk]), follow=True)
    assert "private or waits for a review" in answer.content.decode()
    client.post(reverse("generations-bulk"), {"verb": "storyboard", "ids": [str(row.pk)]})
    assert not Shot.objects.exists()
    own = make_generation(bob, bob.personal_team, Status.DONE, prompt="Mine", **columns)
    own.collection = Collection.objects.create(team=bob.personal_team, name="Mine")
    own.save()
    make_video(own)
    client.post(reverse("generation-shot", args=[own.pk]))
    assert Shot.objects.get().prompt == "Mine"


def test_retry_is_another_take(bob: User, spring: Collection) -> None:
    [shot] = add(spring, "a")
    failed = make_generation(bob, spring.team, Status.FAILED, shot=shot, collection=spring)
    assert place_retry(failed, bob, uuid.uuid4()).shot == shot


def test_takes_are_played_and_joined_in_the_order_of_the_shots(bob: User, spring: Collection) -> None:
    [a, b, _empty] = add(spring, "a", "b", "c")
    first, second = make_take(bob, b), make_take(bob, a)
    client = signed_in(bob)
    page = client.get(board(spring, "play"))
    assert [clip.generation for clip in page.context["clips"]] == [second, first]
    text = page.content.decode()
    assert (text.index(str(second.pk)) < text.index(str(first.pk)), "1 shot has no video yet" in text_of(text)) == (
        True,
        True,
    )
    content = client.get(board(spring)).content.decode()
    assert [str(second.pk), str(first.pk)] == re.findall(r'name="ids" value="([^"]+)"', content)
    sent = {"ids": [second.pk, first.pk], "name": "Spring", "project": spring.pk, "move": ""}
    joining = client.post(reverse("film-new"), sent)
    assert joining.context["rows"] == [second, first]
    assert 'value="Spring"' in joining.content.decode()
    assert not Film.objects.exists()


def test_finished_video_becomes_a_shot_of_its_project(bob: User, spring: Collection) -> None:
    row = make_generation(bob, spring.team, Status.DONE, prompt="A fox", duration=10, aspect_ratio="1:1")
    make_video(row)
    client, address = signed_in(bob), reverse("generation-shot", args=[row.pk])
    assert "in no project yet" in client.post(address, follow=True).content.decode()
    Generation.objects.filter(pk=row.pk).update(collection=spring)
    add(spring, "a")
    for _press in range(2):
        client.post(address)
    shot = Shot.objects.get(prompt="A fox")
    row.refresh_from_db()
    assert (row.shot, shot.duration, shot.aspect_ratio, shot.position) == (shot, 10, "1:1", 2)
    assert client.get(board(spring)).context["slides"][1].current == row


def test_who_may_do_what(bob: User, alice: User, victor: User, mallory: User, spring: Collection) -> None:
    [shot] = add(spring, "A fox")
    posts = [
        (board(spring, "change"), {"verb": "add", "prompts": "x"}),
        (board(spring, "generate"), {"shots": shot.pk}),
        (shot.get_absolute_url(), {"version": 1, "prompt": "x"}),
    ]
    for address, values in posts:
        assert signed_in(victor).post(address, values).status_code == 403
        assert signed_in(mallory).post(address, values).status_code == 404
    assert signed_in(victor).get(board(spring)).status_code == 200
    assert signed_in(victor).get(board(spring, "generate")).status_code == 403
    assert signed_in(mallory).get(board(spring)).status_code == 404

    ProjectMember.objects.create(project=spring, user=alice)
    client = signed_in(bob)
    sent = quote(client, spring, shots=[shot.pk])
    assert "You are not a member" in client.post(board(spring, "change"), posts[0][1], follow=True).content.decode()
    assert "You are not a member" in edit(client, shot, prompt="A hare").content.decode()
    assert "A hare" in edit(client, shot, prompt="A hare").content.decode()
    assert client.post(board(spring, "generate"), sent).status_code == 422
    Collection.objects.filter(pk=spring.pk).update(archived_at=timezone.now())
    hers = signed_in(alice)
    assert "is archived" in hers.post(board(spring, "change"), posts[0][1], follow=True).content.decode()
    assert hers.post(board(spring, "generate"), quote(hers, spring, shots=[shot.pk])).status_code == 422
    assert (order_of(spring), Generation.objects.count()) == (["A fox"], 0)


def test_deleting_a_shot_keeps_its_videos(bob: User, spring: Collection) -> None:
    [shot] = add(spring, "a")
    row = make_take(bob, shot)
    change(bob, spring, f"delete:{shot.pk}")
    row.refresh_from_db()
    assert (row.shot, row.collection, Shot.objects.exists()) == (None, spring, False)


def test_pictures_of_shots_are_kept_as_long_as_the_shot(bob: User, spring: Collection) -> None:
    start, tail = make_upload(bob), make_upload(bob, picture(color="red"))
    loose = make_upload(bob, picture(color="blue"))
    [shot] = Shot.objects.append(spring, [Shot(start=start, tail=tail)])
    Upload.objects.update(last_used_at="2026-01-01T00:00Z")
    assert delete_unused_uploads() == 1
    assert [is_referenced(each.key) for each in (start, tail, loose)] == [True, True, False]
    shot.delete()
    assert delete_unused_uploads() == 2


def test_shots_go_with_project_team_and_account(bob: User, alice: User, spring: Collection) -> None:
    own = Collection.objects.create(team=bob.personal_team, name="Own")
    Shot.objects.append(own, [Shot(prompt="mine", start=make_upload(bob, picture(color="red")), changed_by=bob)])
    make_upload(bob, picture(color="blue"))
    billed = make_generation(bob, own.team, Status.FAILED, collection=own, billed_project=own)
    start, tail = make_upload(bob), make_upload(bob, picture(color="lime"))
    [ours] = Shot.objects.append(spring, [Shot(prompt="ours", start=start, tail=tail, changed_by=bob)])
    gone = set(Upload.objects.exclude(pk__in=[start.pk, tail.pk]).values_list("key", flat=True))
    assert delete_account(bob)
    ours.refresh_from_db()
    assert (Shot.objects.get(), ours.start, ours.tail, ours.changed_by) == (ours, start, tail, bob)
    assert {key: is_referenced(key) for key in (start.key, tail.key, *gone)} == {
        start.key: True,
        tail.key: True,
        **dict.fromkeys(gone, False),
    }
    assert len(gone) == 2
    assert Generation.objects.get() == billed
    assert signed_in(alice).get(reverse("upload", args=[start.pk])).status_code in {200, 302}
    empty = Collection.objects.create(team=spring.team, name="Empty")
    assert Collection.objects.delete_unused(empty) == ""
    assert Shot.objects.get() == ours
    assert delete_team(spring.team, alice, None)
    assert not Shot.objects.exists()


@pytest.mark.parametrize("part", ["", "play", "generate?missing"])
def test_large_storyboard_asks_as_little_as_a_small_one(bob: User, spring: Collection, part: str) -> None:
    def count() -> int:
        client = signed_in(bob)
        client.get(board(spring, part))
        with CaptureQueriesContext(connection) as asked:
            assert client.get(board(spring, part)).status_code == 200
        return len(asked)

    [shot] = add(spring, "a")
    make_take(bob, shot)
    add(spring, "b", start=make_upload(bob))
    few = count()
    for each in add(spring, *["x"] * 40):
        Shot.objects.filter(pk=each.pk).update(start=make_upload(bob))
        make_generation(bob, spring.team, Status.QUEUED, shot=each, collection=spring)
    add(spring, *["y"] * 60)
    assert count() == few <= 8


def test_running_take_is_asked_for_by_itself(bob: User, spring: Collection) -> None:
    [shot] = add(spring, "a")
    row, made = make_take(bob, shot, is_done=False), make_take(bob, shot)
    page = signed_in(bob).get(reverse("shot-takes", args=[shot.pk])).content.decode()
    assert re.findall('data-generation="([^"]+)"', page) == [str(row.pk)]
    assert reverse("generation-poster", args=[made.pk]) in page
