"""A form that comes back with errors has lost no picture, whichever tab it was on."""

import pytest

from accounts.models import User
from generations.models import Slot, Upload
from tests.cast import make_upload, picture
from tests.generations.test_forms import filled

TOO_SMALL = picture(size=(10, 10))


def test_bad_new_picture_leaves_the_one_kept_before(mallory: User) -> None:
    kept = make_upload(mallory)
    form = filled(mallory, {"start_file": TOO_SMALL}, kind="image", start_upload=str(kept.pk))

    assert set(form.errors) == {"start_file"}
    assert form.kept == {Slot.START: kept}


def test_good_new_picture_takes_the_place_of_the_one_kept_before(mallory: User) -> None:
    kept = make_upload(mallory)
    form = filled(mallory, {"start_file": picture(color="red")}, kind="image", start_upload=str(kept.pk))

    assert form.is_valid(), form.errors
    assert form.kept[Slot.START] != kept


@pytest.mark.parametrize("kind", ["text", "sound"])
def test_pictures_of_the_other_tab_come_back_with_a_wrong_form(mallory: User, kind: str) -> None:
    kept = make_upload(mallory)
    files = {"start_file": picture(color="red")}
    form = filled(mallory, files, kind=kind, prompt="", duration="7", tail_upload=str(kept.pk))

    assert not form.is_valid()
    assert form.kept == {Slot.START: Upload.objects.exclude(pk=kept.pk).get(), Slot.TAIL: kept}


def test_nothing_is_wrong_with_pictures_that_are_not_asked_for(mallory: User) -> None:
    kept = make_upload(mallory)
    form = filled(mallory, {"start_file": TOO_SMALL}, prompt="", start_upload=str(kept.pk))

    assert set(form.errors) == {"prompt"}
    assert form.kept == {Slot.START: kept}


def test_text_order_keeps_no_pictures(mallory: User) -> None:
    form = filled(mallory, {"start_file": picture()}, tail_upload=str(make_upload(mallory).pk))

    assert form.is_valid(), form.errors
    assert form.order.pictures == {}
    assert Upload.objects.count() == 1
