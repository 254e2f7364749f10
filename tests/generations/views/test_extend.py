"""A video goes on from its last frame, and leads to the first frame of another; what so continues is one film."""

import io
import re
import uuid
from html import unescape
from typing import Any

import av
import pytest
from django.test import Client
from PIL import Image, ImageChops

from accounts.models import Team, User
from generations import bucket
from generations.fal.arguments import Endpoint
from generations.models import Collection, Generation, Relation, Status, Upload, Video
from generations.models.film import MAX_PARTS
from generations.orders.place import place_retry
from generations.views import extend
from tests.cast import columns_of, make_generation, make_video, signed_in
from tests.generations.mirror.videos import mp4

SIZE = (640, 360)
IMAGE = Endpoint.IMAGE_TO_VIDEO


def finished(user: User, team: Team, **values: Any) -> Generation:
    row = make_generation(user, team, Status.DONE, **values)
    make_video(row, mp4(seconds=0.5, size=SIZE))
    return row


@pytest.fixture
def spring(film: Team) -> Collection:
    return Collection.objects.create(team=film, name="Spring")


@pytest.fixture
def first(film: Team, bob: User, spring: Collection) -> Generation:
    return finished(
        bob,
        film,
        prompt="A fox",
        collection=spring,
        duration=10,
        negative_prompt="rain",
        cfg_scale=0.7,
        is_private=True,
    )


def frame_of(row: Generation, which: int) -> Image.Image:
    """Decoded apart from the product's code, to RGB by the library's own way."""
    with av.open(io.BytesIO(bucket.get(row.video.key)), mode="r") as container:
        image: Image.Image = list(container.decode(video=0))[which].to_image()  # type: ignore[no-untyped-call]  # as is
    return image


def is_same(upload: Upload, frame: Image.Image) -> bool:
    found = Image.open(io.BytesIO(bucket.get(upload.key)))
    assert (found.format, found.size) == ("PNG", frame.size)
    difference = ImageChops.difference(found.convert("RGB"), frame)
    return max(difference.tobytes()) <= 2  # rounding of the two ways to RGB


def post(client: Client, address: str, **values: Any) -> str:
    """The address that it leads to."""
    answer: Any = client.post(address, values)
    return str(answer.url)


def order(client: Client, address: str, **more: str) -> Generation:
    """Press the button of the form there, as it stands."""
    form = client.get(address).context["form"]
    names = ("kind", "quality", "prompt", "negative_prompt", "cfg_scale", "duration", "parent", "seen_by", "project")
    values = {name: form[name].value() for name in (*names, "team") if form[name].value() is not None}
    values |= {f"{slot}_upload": upload.pk for slot, upload in form.kept.items()}
    answer = client.post("/generations/new/", values | more | {"idempotency_key": uuid.uuid4(), "variations": 1})
    assert answer.status_code == 302, answer.context["form"].errors
    return Generation.objects.latest("created_at")


def test_extension_begins_with_the_last_frame_and_keeps_the_rest(first: Generation, film: Team, bob: User) -> None:
    client = signed_in(bob)
    address = post(client, f"/generations/{first.pk}/extend")
    upload = Upload.objects.get()
    assert (upload.last_frame_of, upload.first_frame_of) == (first, None)
    assert is_same(upload, frame_of(first, -1))
    assert not is_same(upload, frame_of(first, 0))

    made = order(client, address)
    assert (made.parent, made.relation, made.leads_to) == (first, Relation.EXTEND, None)
    assert (made.endpoint, made.team, made.collection, made.billed_project) == (IMAGE, film, *[first.collection] * 2)
    assert (made.prompt, made.duration, made.negative_prompt, made.cfg_scale) == ("A fox", 10, "rain", 0.7)
    assert made.is_private
    assert [each.slot for each in made.pictures.all()] == ["start"]


def test_in_between_ends_with_the_first_frame_of_the_second(first: Generation, film: Team, bob: User) -> None:
    second = finished(bob, film, prompt="An owl")
    client = signed_in(bob)
    address = post(client, "/generations/between", ids=[second.pk, first.pk], order=f"{first.pk},{second.pk}")
    tail = Upload.objects.get(first_frame_of=second)
    assert is_same(tail, frame_of(second, 0))

    made = order(client, address)
    assert (made.parent, made.relation, made.leads_to) == (first, Relation.BETWEEN, second)
    assert sorted(each.slot for each in made.pictures.all()) == ["start", "tail"]


def test_without_a_script_the_older_one_comes_first(first: Generation, film: Team, bob: User) -> None:
    second = finished(bob, film)
    assert f"from={first.pk}&" in post(signed_in(bob), "/generations/between", ids=[second.pk, first.pk])


def test_another_start_picture_makes_it_a_remix(first: Generation, bob: User) -> None:
    client = signed_in(bob)
    address = post(client, f"/generations/{first.pk}/extend")
    Upload.objects.update(last_frame_of=None)  # as any other picture
    assert order(client, address).relation == Relation.REMIX


def test_the_same_picture_begins_and_ends_it(first: Generation, film: Team, bob: User) -> None:
    second = make_generation(bob, film, Status.DONE)
    make_video(second, mp4(seconds=1 / 24, size=SIZE))  # one frame, which is both
    client = signed_in(bob)
    made = order(client, post(client, "/generations/between", order=f"{second.pk},{first.pk}"))
    assert (made.parent, made.leads_to) == (second, first)
    again = order(client, post(client, f"/generations/{second.pk}/extend"))
    assert (again.parent, again.relation, again.leads_to) == (second, Relation.EXTEND, None)


def test_what_one_may_not_see_any_more_is_not_told_of(first: Generation, film: Team, alice: User, bob: User) -> None:
    Generation.objects.filter(pk=first.pk).update(is_private=False)
    client = signed_in(alice)
    address = post(client, f"/generations/{first.pk}/extend")
    Generation.objects.filter(pk=first.pk).update(is_private=True)
    upload = Upload.objects.get()
    made = order(client, f"/generations/new/?kind=image&start={upload.pk}&fresh", prompt="A fox")
    assert (made.parent, made.relation) == (None, "")
    assert client.get(address).status_code == 404


def test_the_end_picture_of_a_draft_is_refused_beside_its_field(first: Generation, film: Team, bob: User) -> None:
    second = finished(bob, film)
    client = signed_in(bob)
    address = post(client, "/generations/between", order=f"{first.pk},{second.pk}")
    form = client.get(address).context["form"]
    values = {f"{slot}_upload": upload.pk for slot, upload in form.kept.items()}
    values |= {"kind": "image", "quality": "draft", "prompt": "A fox", "duration": "5", "cfg_scale": "0.5"}
    answer = client.post(
        "/generations/new/", values | {"team": "film", "idempotency_key": uuid.uuid4(), "variations": 1}
    )
    assert answer.context["form"].errors == {
        "tail_file": ["A draft takes no end picture. Remove it, or choose another quality."]
    }


@pytest.mark.parametrize("ids", [0, 1, 3])
def test_in_between_takes_two(film: Team, bob: User, ids: int) -> None:
    chosen = [finished(bob, film).pk for _ in range(ids)]
    answer = signed_in(bob).post("/generations/between", {"ids": ["no id", *chosen]}, follow=True)
    assert "Select two finished videos" in answer.content.decode()
    assert not Upload.objects.exists()


@pytest.mark.parametrize("status", [Status.QUEUED, Status.FAILED, Status.CANCELED])
def test_what_has_no_video_is_not_continued(film: Team, bob: User, status: Status) -> None:
    row = make_generation(bob, film, status)
    answer = signed_in(bob).post(f"/generations/{row.pk}/extend", follow=True)
    assert "it can be continued once it is done" in answer.content.decode()


def test_what_one_may_not_see_is_not_found(first: Generation, bob: User, mallory: User) -> None:
    assert signed_in(mallory).post(f"/generations/{first.pk}/extend").status_code == 404
    assert first.move_to_trash(bob)
    assert signed_in(bob).post(f"/generations/{first.pk}/extend").status_code == 404


def test_a_video_that_the_bucket_has_lost_says_so(first: Generation, bob: User) -> None:
    bucket.client().delete_object(Bucket=bucket.name(), Key=first.video.key)
    answer = signed_in(bob).post(f"/generations/{first.pk}/extend", follow=True)
    assert answer.redirect_chain[-1][0] == first.get_absolute_url()
    assert [str(message) for message in answer.context["messages"]]
    assert not Upload.objects.exists()


def test_second_video_is_chosen_on_the_first_ones_page(
    first: Generation, film: Team, bob: User, alice: User, spring: Collection
) -> None:
    """Of its project, or of all: finished ones that one sees, and not itself. Each button leads on to the composer."""
    here, elsewhere = finished(bob, film, collection=spring), finished(alice, film)
    secret = finished(alice, film, collection=spring, is_private=True)
    running = make_generation(bob, film, collection=spring)
    client = signed_in(bob)
    assert f"/generations/{first.pk}/between" in client.get(first.get_absolute_url()).content.decode()
    address = f"/generations/{first.pk}/between"
    assert client.get(address).context["rows"] == [here]
    page = client.get(f"{address}?all")
    assert page.context["rows"] == [elsewhere, here]
    assert not any(str(row.pk) in page.content.decode() for row in (secret, running))

    (value, *_) = re.findall(r'name="order" value="([^"]+)"', page.content.decode())
    assert f"from={first.pk}&" in post(client, "/generations/between", order=value)
    assert Upload.objects.filter(first_frame_of=elsewhere).exists()


def test_choice_of_the_second_goes_on_to_the_oldest(
    first: Generation, film: Team, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extend, "PAGE_SIZE", 2)
    rows = [finished(bob, film) for _ in range(5)]
    client, seen, query = signed_in(bob), list[Generation](), "?all"
    while query:
        page = client.get(f"/generations/{first.pk}/between{query}")
        seen += page.context["rows"]
        older = re.search(r'href="([^"]+)" rel="next"', page.content.decode())
        query = unescape(older[1]) if older else ""
    assert seen == rows[::-1]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("fault", ["lost", "running", "small"])
def test_error_names_the_video_that_it_is_about(film: Team, bob: User, which: int, fault: str) -> None:
    rows = [finished(bob, film, prompt=words) for words in ("A fox", "An owl")]
    bad = rows[which]
    if fault == "lost":
        bucket.delete(bad.video.key)
    elif fault == "running":
        bad = rows[which] = make_generation(bob, film, prompt=bad.prompt)
    else:
        bucket.put(bad.video.key, data := mp4(seconds=0.5, size=(64, 64)), "video/mp4")
        Video.objects.filter(pk=bad.pk).update(size=len(data))
    order_of_both = ",".join(str(row.pk) for row in rows)
    answer = signed_in(bob).post("/generations/between", {"order": order_of_both}, follow=True)
    (said,) = (str(message) for message in answer.context["messages"])
    assert said.startswith(["The first video, “A fox”: ", "The second video, “An owl”: "][which])
    assert answer.redirect_chain[-1][0] == bad.get_absolute_url()


# --- the film


def link(parent: Generation, relation: Relation = Relation.EXTEND, **values: Any) -> Generation:
    return finished(parent.user, parent.team, parent=parent, relation=relation, endpoint=IMAGE, **values)


def film_at(user: User, row: Generation) -> list[Generation]:
    chain = signed_in(user).get(row.get_absolute_url()).context["chain"]
    return [part.generation for part in chain.parts] if chain else []


def test_a_video_alone_is_no_film(first: Generation, bob: User) -> None:
    link(first, Relation.REMIX)
    assert film_at(bob, first) == []


def test_a_film_is_the_same_from_each_of_its_videos(first: Generation, bob: User) -> None:
    way = [first, second := link(first), third := link(second), link(third)]
    assert [film_at(bob, row) for row in way] == [way] * 4


def test_in_between_joins_two_films(first: Generation, film: Team, bob: User) -> None:
    other = finished(bob, film)
    way = [first, second := link(first), link(second, Relation.BETWEEN, leads_to=other), other, link(other)]
    assert [film_at(bob, row) for row in way] == [way] * 5


def test_branches_are_versions_of_which_one_is_shown(first: Generation, bob: User) -> None:
    older, newer = link(first), link(first)
    end_of_older = link(older)
    assert film_at(bob, first) == film_at(bob, newer) == [first, newer]
    assert film_at(bob, older) == film_at(bob, end_of_older) == [first, older, end_of_older]
    chain = signed_in(bob).get(older.get_absolute_url()).context["chain"]
    assert [part.versions for part in chain.parts] == [[], [newer], []]


def test_a_retry_takes_the_place_of_what_failed(first: Generation, film: Team, bob: User) -> None:
    failed = make_generation(bob, film, Status.FAILED, parent=first, relation=Relation.EXTEND, endpoint=IMAGE)
    retried = link(failed, Relation.RETRY)
    assert film_at(bob, first) == film_at(bob, retried) == [first, retried]


@pytest.mark.parametrize("tries", [1, 2])
def test_a_retry_leads_to_where_the_failed_one_led(first: Generation, film: Team, bob: User, tries: int) -> None:
    other = finished(bob, film)
    values: dict[str, Any] = {"parent": first, "leads_to": other, "relation": Relation.BETWEEN, "endpoint": IMAGE}
    row = make_generation(bob, film, Status.FAILED, **values)
    for _ in range(tries):
        Generation.objects.filter(pk=row.pk).update(status=Status.FAILED, **columns_of(Status.FAILED))
        row = place_retry(row, bob, uuid.uuid4())
    Generation.objects.filter(pk=row.pk).update(status=Status.DONE, **columns_of(Status.DONE))
    make_video(row, mp4(seconds=1, size=SIZE))
    way = [first, row, other]
    assert [film_at(bob, each) for each in way] == [way] * 3


def test_a_ring_ends(first: Generation, bob: User) -> None:
    second = link(first)
    third = link(second, Relation.BETWEEN, leads_to=first)
    Generation.objects.filter(pk=first.pk).update(parent=third, relation=Relation.EXTEND)
    assert set(film_at(bob, first)) == {first, second, third}


@pytest.mark.parametrize("more", [0, 1, 2])
@pytest.mark.parametrize("opened", ["first", "last"])
def test_longer_film_is_cut_and_says_so(film: Team, bob: User, more: int, opened: str) -> None:
    """Of what is shown all can be joined, and the video itself is there."""
    way: list[Generation] = []
    for _ in range(MAX_PARTS + more):
        values = {"parent": way[-1], "relation": Relation.EXTEND, "endpoint": IMAGE} if way else {}
        way.append(make_generation(bob, film, Status.DONE, **values))
    columns: dict[str, Any] = {"width": 640, "height": 360, "duration": 5.0, "fps": 24, "codec": "h264", "size": 1}
    Video.objects.bulk_create(
        Video(generation=row, key=row.video_key, poster_key=str(row.pk), **columns) for row in way
    )

    row, client = way[0 if opened == "first" else -1], signed_in(bob)
    page = client.get(row.get_absolute_url())
    chain = page.context["chain"]
    expected = way[:MAX_PARTS] if opened == "first" else way[-MAX_PARTS:]
    assert [part.generation for part in chain.parts] == expected
    assert (chain.is_cut, "This film is longer." in page.content.decode()) == (more > 0, more > 0)
    assert client.get("/films/new/", {"ids": chain.ids}).status_code == 200


def test_what_one_may_not_see_is_left_out(first: Generation, film: Team, alice: User, bob: User) -> None:
    Generation.objects.filter(pk=first.pk).update(is_private=False)
    second = link(first)
    third = link(second)
    Generation.objects.filter(pk=second.pk).update(is_private=True)
    assert film_at(alice, first) == []
    assert film_at(bob, third) == [first, second, third]
