"""Requests that are too much say what was too much, and how much is enough."""

import uuid

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Team, User
from generations.models import Favourite, Status
from generations.views.bulk import MAX_SELECTED
from tests.cast import make_generation, picture, signed_in
from tests.generations.views.test_composer import PAGE, file

LOST = "Your browser sent something"


@pytest.mark.parametrize("count", [MAX_SELECTED + 1, 2 * MAX_SELECTED + 1, 6000])
@pytest.mark.parametrize("address", ["generations-bulk", "generations-archive"])
def test_more_than_may_be_selected_says_how_many_may(film: Team, bob: User, address: str, count: int) -> None:
    row = make_generation(bob, film, Status.DONE)
    ids = [str(row.pk), *(str(uuid.uuid4()) for _ in range(count - 1))]
    answer = signed_in(bob).post(reverse(address), {"verb": "favourite", "ids": ids})

    assert answer.status_code == 400
    assert "select at most 500 at once" in answer.content.decode()
    assert LOST not in answer.content.decode()
    assert not Favourite.objects.exists()


def test_as_many_as_may_be_are_taken(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.DONE)
    ids = [str(row.pk), *(str(uuid.uuid4()) for _ in range(MAX_SELECTED - 1))]
    signed_in(bob).post(reverse("generations-bulk"), {"verb": "favourite", "ids": ids})

    assert Favourite.objects.get().generation == row


def test_too_many_fields_of_any_form(bob: User) -> None:
    fields = {str(number): "x" for number in range(django_settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    answer = signed_in(bob).post(reverse("account-settings"), fields)

    assert answer.status_code == 413
    assert "more than the studio takes at once" in answer.content.decode()
    assert LOST not in answer.content.decode()


def test_texts_that_are_too_large(bob: User, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = signed_in(bob).post(PAGE, {"prompt": "a" * 2000})

    assert answer.status_code == 413
    assert "larger than the studio takes at once" in answer.content.decode()


def test_too_many_files(bob: User, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 1
    answer = signed_in(bob).post(PAGE, {"start_file": file(picture()), "tail_file": file(picture())})

    assert answer.status_code == 413
    assert "more files than the studio takes at once" in answer.content.decode()


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=é"]
)
def test_body_that_is_no_form(bob: User, content_type: str) -> None:
    answer = signed_in(bob).post(PAGE, b"--x\r\n", content_type=content_type)

    assert answer.status_code == 400
    assert "not arrived whole" in answer.content.decode()


def test_name_that_is_not_the_studios(db: None, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["studio.example"]
    answer = Client().get("/", headers={"Host": "other.example"})

    assert answer.status_code == 400
    assert "ALLOWED_HOSTS" in answer.content.decode()


def test_nonsense_stays_nonsense(bob: User) -> None:
    answer = signed_in(bob).post(reverse("generations-bulk"), {"verb": "paint"})

    assert answer.status_code == 400
    assert LOST in answer.content.decode()
