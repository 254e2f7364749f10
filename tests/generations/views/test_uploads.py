"""A picture sent ahead of the composer's form, and the form that begins with it."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Team, User
from generations import bucket
from generations.fal.arguments import MAX_PICTURE_BYTES
from generations.models import Generation, Slot, Upload
from tests.cast import make_upload, picture, signed_in

TOO_WIDE = picture(size=(900, 300))


def send(browser: Client, data: bytes) -> Any:
    return browser.post("/uploads/", {"picture": SimpleUploadedFile("fox.jpg", data)})


def test_picture_is_kept_for_its_uploader(mallory: User) -> None:
    answer = send(signed_in(mallory), picture(size=(640, 360)))

    kept = Upload.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(kept.pk),
        "width": 640,
        "height": 360,
        "url": f"/uploads/{kept.pk}",
        "changes": "",
    }
    assert kept.user == mallory
    assert bucket.get(kept.key) == picture(size=(640, 360))


def test_same_picture_twice_is_one(mallory: User) -> None:
    browser = signed_in(mallory)

    assert send(browser, picture()).json() == send(browser, picture()).json()
    assert Upload.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty."),
        (b"this is a text", "This file isn't a picture."),
        (TOO_WIDE, "width divided by height must be between 0.4 and 2.5"),
        (b"\xff" * (MAX_PICTURE_BYTES + 1), "it may be at most 10 MB"),
    ],
)
def test_refusal_has_the_words_of_the_form(mallory: User, data: bytes, words: str) -> None:
    answer = send(signed_in(mallory), data)

    assert answer.status_code == 422
    (said,) = answer.json()["errors"]
    assert words in said
    assert not Upload.objects.exists()


def test_without_a_file(mallory: User) -> None:
    assert signed_in(mallory).post("/uploads/").json() == {"errors": ["Choose a picture."]}


def test_strangers_and_those_who_may_make_nothing(client: Client, film: Team, victor: User) -> None:
    victor.memberships.exclude(team=film).delete()

    assert send(client, picture()).status_code == 302
    assert send(signed_in(victor), picture()).status_code == 403
    assert signed_in(victor).get("/uploads/").status_code == 405
    assert not Upload.objects.exists()


def test_other_sites_can_send_nothing(mallory: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(mallory)

    assert send(browser, picture()).status_code == 403


@pytest.mark.parametrize("slot", Slot.values)
def test_form_begins_with_a_picture_named_in_the_address(mallory: User, slot: str) -> None:
    kept = make_upload(mallory)
    page = signed_in(mallory).get(f"/generations/new/?kind=image&{slot}={kept.pk}")

    assert page.context["form"].kept == {Slot(slot): kept}
    assert f'name="{slot}_upload" value="{kept.pk}"' in page.content.decode()


def test_form_knows_no_pictures_of_others(alice: User, mallory: User) -> None:
    kept = make_upload(alice)
    browser = signed_in(mallory)

    for named in (str(kept.pk), "fox"):
        page = browser.get(f"/generations/new/?kind=image&start={named}")
        assert page.status_code == 200
        assert page.context["form"].kept == {}


def test_picture_sent_ahead_starts_the_video(mallory: User) -> None:
    browser = signed_in(mallory)
    kept_id = send(browser, picture()).json()["id"]
    team = mallory.memberships.get().team.slug
    order = {"kind": "image", "team": team, "prompt": "A fox", "duration": "5", "cfg_scale": "0.5"}
    answer = browser.post("/generations/new/", order | {"start_upload": kept_id})

    assert answer.status_code == 302
    assert Generation.objects.get().pictures.get().sha256 == Upload.objects.get().sha256
