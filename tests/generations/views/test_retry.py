"""Retries and remixes: new rows that know what they came from."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from generations import bucket
from generations.fal.arguments import Endpoint, parse
from generations.models import Generation, Price, Relation, Slot, Status, Upload
from generations.models.picture import FRAME_COLUMNS
from generations.orders.place import Order, place_order, place_retry
from tests.cast import columns_of, make_generation, make_input_picture, make_upload, signed_in
from tests.generations.views.test_composer import PAGE, text_order, values_in

ENDED_BADLY = [Status.FAILED, Status.CANCELED, Status.REJECTED]


def retry(row: Generation) -> str:
    return reverse("generation-retry", args=[row.pk])


def send(client: Client, row: Generation, key: uuid.UUID | None = None) -> Generation:
    """What came of the button."""
    answer = client.post(retry(row), {"idempotency_key": str(key or uuid.uuid4())})
    again = Generation.objects.exclude(pk=row.pk).get()
    assert answer.headers["Location"] == again.get_absolute_url()
    return again


@pytest.mark.parametrize("status", ENDED_BADLY)
def test_retry_is_a_new_row_with_the_same_request_at_todays_price(
    film: Team, alice: User, bob: User, status: Status
) -> None:
    Price.objects.create(endpoint=Endpoint.TEXT_TO_VIDEO, seconds=10, cents=99, read_on="2030-01-01")
    asked = {"prompt": "Two foxes", "negative_prompt": "rain", "cfg_scale": 0.3, "duration": 10, "aspect_ratio": "9:16"}
    row = make_generation(alice, film, status, cost_cents=0, **asked)
    again = send(signed_in(bob), row)

    assert (again.parent, again.relation) == (row, Relation.RETRY)
    assert (again.user, again.team, again.status, again.cost_cents) == (bob, film, Status.QUEUED, 99)
    assert {name: getattr(again, name) for name in asked} == asked
    assert again.events.get().by == bob


def test_retry_has_pictures_of_its_own(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.FAILED, endpoint=Endpoint.IMAGE_TO_VIDEO)
    for slot in Slot:
        make_input_picture(row, slot)
    again = send(signed_in(bob), row)

    pictures = list(again.pictures.order_by("slot"))
    assert [picture.slot for picture in pictures] == sorted(Slot)
    assert all(picture.key.startswith(f"{again.key_prefix}/input/") for picture in pictures)
    assert bucket.get(pictures[0].key) == bucket.get(row.pictures.all()[0].key)
    assert {picture.fal_url for picture in pictures} == {""}


@pytest.mark.parametrize("column", FRAME_COLUMNS)
@pytest.mark.parametrize("depth", [1, 2])
def test_a_frame_of_a_video_that_was_taken_down_is_not_sent_again(
    film: Team, alice: User, bob: User, depth: int, column: str
) -> None:
    """Whoever presses, and whether the upload that it came from is still there or not."""
    made = make_generation(alice, film, Status.DONE)
    upload = make_upload(bob)
    Upload.objects.filter(pk=upload.pk).update(**{column: made})
    values = {"prompt": "A fox", "duration": 5, "image_url": "https://a.example/fox.jpg"}
    endpoint = Endpoint.IMAGE_TO_VIDEO
    pictures = {Slot.START: Upload.objects.get()}
    first = place_order(Order(bob, film, uuid.uuid4(), endpoint, parse(endpoint, values), pictures))
    row = first if depth == 1 else place_retry(first, alice, uuid.uuid4())
    Generation.objects.filter(pk=row.pk).update(status=Status.FAILED, **columns_of(Status.FAILED))
    row.refresh_from_db()
    other = make_generation(bob, film, Status.FAILED, endpoint=Endpoint.IMAGE_TO_VIDEO)
    make_input_picture(other)
    Upload.objects.all().delete()
    made.take_down(alice, "why")
    page = signed_in(alice).post(retry(row), {"idempotency_key": str(uuid.uuid4())}, follow=True).content.decode()
    assert "This picture may not be used here any more. Choose another one." in page
    assert not Generation.objects.filter(parent=row, relation=Relation.RETRY, status=Status.QUEUED).exists()
    assert place_retry(other, alice, uuid.uuid4()).status == Status.QUEUED  # the same bytes, but no frame
    made.restore(alice, "wrong")
    assert place_retry(row, alice, uuid.uuid4()).status == Status.QUEUED


def test_button_pressed_twice_makes_one(film: Team, bob: User) -> None:
    row, key = make_generation(bob, film, Status.FAILED), uuid.uuid4()
    client = signed_in(bob)

    assert send(client, row, key) == send(client, row, key)


def test_two_forms_make_two(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.FAILED)

    assert place_retry(row, bob, uuid.uuid4()) != place_retry(row, bob, uuid.uuid4())


@pytest.mark.parametrize("status", sorted(set(Status) - set(ENDED_BADLY)))
def test_what_did_not_fail_is_not_tried_again(film: Team, bob: User, status: Status) -> None:
    row = make_generation(bob, film, status)
    client = signed_in(bob)

    assert retry(row) not in client.get(row.get_absolute_url()).content.decode()
    page = client.post(retry(row), {"idempotency_key": str(uuid.uuid4())}, follow=True).content.decode()
    assert "Nothing to retry" in page
    assert Generation.objects.count() == 1


def test_retry_is_for_those_who_may_generate(film: Team, bob: User, victor: User) -> None:
    row = make_generation(bob, film, Status.FAILED)
    client = signed_in(victor)

    assert retry(row) not in client.get(row.get_absolute_url()).content.decode()
    assert client.post(retry(row), {"idempotency_key": str(uuid.uuid4())}).status_code == 403
    assert Generation.objects.count() == 1


def test_form_without_a_key_is_refused(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.FAILED)

    assert signed_in(bob).post(retry(row), {"idempotency_key": "x"}).status_code == 400
    assert Generation.objects.count() == 1


def test_without_a_price_there_is_no_button(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.FAILED)
    assert retry(row) in signed_in(bob).get(row.get_absolute_url()).content.decode()
    Price.objects.all().delete()

    assert retry(row) not in signed_in(bob).get(row.get_absolute_url()).content.decode()


def test_remix_is_linked_to_what_the_form_began_with(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.DONE)
    client = signed_in(bob)
    values = values_in(client.get(PAGE, {"from": str(row.pk)}).content.decode())
    client.post(PAGE, values | {"prompt": "A badger"})

    remix = Generation.objects.exclude(pk=row.pk).get()
    assert (remix.parent, remix.relation, remix.prompt) == (row, Relation.REMIX, "A badger")


def test_remix_keeps_its_link_through_a_form_with_errors(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.DONE)
    client = signed_in(bob)
    values = values_in(client.get(PAGE, {"from": str(row.pk)}).content.decode())
    page = client.post(PAGE, values | {"prompt": ""}).content.decode()
    client.post(PAGE, values_in(page) | {"prompt": "A badger"})

    assert Generation.objects.exclude(pk=row.pk).get().parent == row


def test_row_that_one_may_not_see_is_no_parent(film: Team, alice: User, mallory: User) -> None:
    hers = make_generation(alice, film, Status.DONE)
    signed_in(mallory).post(PAGE, text_order(mallory.personal_team, parent=str(hers.pk)))

    made = Generation.objects.get(user=mallory)
    assert (made.parent, made.relation) == (None, "")


@pytest.mark.parametrize(("relation", "words"), [(Relation.RETRY, "Retry of"), (Relation.REMIX, "Remix of")])
def test_pages_link_parent_and_child(film: Team, bob: User, relation: Relation, words: str) -> None:
    parent = make_generation(bob, film, Status.DONE, prompt="The first fox")
    child = make_generation(bob, film, parent=parent, relation=relation)
    client = signed_in(bob)
    of_child = client.get(child.get_absolute_url()).content.decode()
    of_parent = client.get(parent.get_absolute_url()).content.decode()

    assert words in of_child
    assert f'href="{parent.get_absolute_url()}"' in of_child
    assert "Derived videos" in of_parent
    assert f'href="{child.get_absolute_url()}"' in of_parent


def test_family_that_one_may_not_see_is_not_named(film: Team, alice: User, bob: User) -> None:
    hidden = make_generation(alice, alice.personal_team, Status.DONE, prompt="Hers alone")
    deleted = make_generation(bob, film, Status.DONE, prompt="Deleted", deleted_at=timezone.now())
    row = make_generation(bob, film, Status.DONE, parent=hidden, relation=Relation.REMIX)
    make_generation(bob, film, parent=row, relation=Relation.REMIX, prompt="Seen")
    for each in (hidden, deleted):
        Generation.objects.filter(pk=each.pk).update(parent=row)
    page = signed_in(bob).get(row.get_absolute_url()).content.decode()

    assert "Seen" in page
    assert "Hers alone" not in page
    assert "Deleted" not in page
