"""Every rule of the composer's form, with the words that stand by its field."""

import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Team, User
from generations import forms
from generations.fal.arguments import ImageToVideo, TextToVideo
from generations.forms import GenerationForm
from generations.models import Slot, Upload
from generations.pictures import fetch_picture
from tests.cast import make_upload, picture
from tests.invisible import INVISIBLE, VISIBLE
from tests.scripted_server import Reply, ScriptedServer, scripted_server

NUMBER = "Choose a number from 0 to 1."
NO_PICTURE = "Choose a picture to start from."
NOT_READ = "This file isn't a picture. It is text. Use JPEG, PNG, WebP or HEIC."


def filled(user: User, files: dict[str, bytes] | None = None, /, **values: Any) -> GenerationForm:
    """The form with everything right but what the test names; `files` by the field's name."""
    data = {"kind": "text", "team": user.personal_team.slug, "prompt": "A fox", "duration": "5", "aspect_ratio": "16:9"}
    data |= {"negative_prompt": "blur", "cfg_scale": "0.5", **values}
    uploads = {name: SimpleUploadedFile("fox.jpg", content) for name, content in (files or {}).items()}
    return GenerationForm(user, data, uploads)


def with_picture(user: User, files: dict[str, bytes] | None = None, /, **values: Any) -> GenerationForm:
    return filled(user, {"start_file": picture(), **(files or {})}, kind="image", **values)


def problems(form: GenerationForm) -> dict[str, list[str]]:
    return {field: [str(error) for error in errors] for field, errors in form.errors.items()}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("prompt", "", "Write what the video should show."),
        ("prompt", " \r\n\t ", "Write what the video should show."),
        ("prompt", "a" * 2501, "It has 2,501 characters; use at most 2,500."),
        ("prompt", "🦊" * 2501, "It has 2,501 characters; use at most 2,500."),
        ("negative_prompt", "a" * 2501, "It has 2,501 characters; use at most 2,500."),
        ("cfg_scale", "1.1", NUMBER),
        ("cfg_scale", "-1", NUMBER),
        ("cfg_scale", "abc", NUMBER),
        ("cfg_scale", "", NUMBER),
        ("cfg_scale", "nan", NUMBER),
        ("cfg_scale", "inf", NUMBER),
        ("duration", "7", "Choose 5 or 10."),
        ("duration", "", "Choose 5 or 10."),
        ("aspect_ratio", "4:3", "Choose 16:9, 9:16 or 1:1."),
        ("aspect_ratio", "", "Choose 16:9, 9:16 or 1:1."),
        ("kind", "sound", "Select a valid choice. sound is not one of the available choices."),
        ("team", "", "This field is required."),
        ("team", "nobodys", "There is no such team, or you may not make videos in it."),
    ],
)
def test_wrong_value_is_named_by_its_field(mallory: User, field: str, value: str, words: str) -> None:
    assert problems(filled(mallory, **{field: value})) == {field: [words]}


@pytest.mark.parametrize("kind", ["text", "image"])
@pytest.mark.parametrize("prompt", INVISIBLE.values(), ids=INVISIBLE)
def test_prompt_that_shows_nothing_is_refused(mallory: User, kind: str, prompt: str) -> None:
    assert problems(filled(mallory, prompt=prompt, kind=kind))["prompt"] == ["Write what the video should show."]


@pytest.mark.parametrize("prompt", VISIBLE.values(), ids=VISIBLE)
def test_prompt_that_shows_something_stays_as_it_is(mallory: User, prompt: str) -> None:
    form = filled(mallory, prompt=prompt)

    assert not problems(form)
    assert form.order.arguments.prompt == prompt


def test_everything_wrong_is_named_at_once(mallory: User) -> None:
    form = filled(mallory, prompt="", duration="7", aspect_ratio="4:3", negative_prompt="a" * 2501, cfg_scale="2")

    assert set(problems(form)) == {"prompt", "duration", "aspect_ratio", "negative_prompt", "cfg_scale"}


@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a" * 2500, "a" * 2500),
        ("🦊" * 2500, "🦊" * 2500),
        ("a" * 2499 + "\r\n", "a" * 2499 + "\n"),
        ("  a fox \r\n in snow  ", "  a fox \n in snow  "),
    ],
)
def test_text_within_the_limit_is_kept_as_typed(mallory: User, field: str, typed: str, kept: str) -> None:
    form = filled(mallory, **{field: typed})

    assert form.is_valid(), form.errors
    assert getattr(form.order.arguments, field) == kept


def test_text_order_has_every_value(mallory: User) -> None:
    key = uuid.uuid4()
    form = filled(
        mallory,
        {"start_file": b"ignored"},
        idempotency_key=str(key),
        duration="10",
        aspect_ratio="9:16",
        negative_prompt="",
        cfg_scale="0",
    )

    assert form.is_valid(), form.errors
    assert form.order.arguments == TextToVideo(
        prompt="A fox", duration="10", aspect_ratio="9:16", negative_prompt="", cfg_scale=0
    )
    assert (form.order.user, form.order.team, form.order.idempotency_key) == (mallory, mallory.personal_team, key)
    assert form.order.pictures == {}


def test_image_order_has_both_pictures_and_no_aspect_ratio(mallory: User) -> None:
    form = with_picture(mallory, {"tail_file": picture(color="red")}, aspect_ratio="nonsense")

    assert form.is_valid(), form.errors
    assert isinstance(form.order.arguments, ImageToVideo)
    assert form.order.arguments.tail_image_url
    assert set(form.order.pictures) == {Slot.START, Slot.TAIL}
    assert form.order.pictures[Slot.START].sha256 != form.order.pictures[Slot.TAIL].sha256


@pytest.mark.parametrize("field", ["start_file", "tail_file"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (picture(size=(200, 200)), "The picture is 200 × 200 px; each side must be at least 300 px."),
        (
            picture(size=(900, 300)),
            (
                "The picture is 900 × 300 px, a ratio of 3.00; "
                "width divided by height must be between 0.4 and 2.5. Crop it first."
            ),
        ),
        (b"Dear diary, today", NOT_READ),
        (b"", "The file is empty."),
        (bytes(11 * 1024 * 1024), "The picture is 11.0 MB; it may be at most 10 MB."),
        (picture("TIFF"), "Use JPEG, PNG, WebP, HEIC, AVIF, GIF or BMP."),
        (
            picture("PNG")[:200],
            "The picture is not complete: a part of the file is missing. Save it again and try with that.",
        ),
    ],
    ids=["small", "wide", "text", "empty", "large", "gif", "cut"],
)
def test_picture_that_kling_does_not_take_is_refused(mallory: User, field: str, content: bytes, words: str) -> None:
    assert problems(with_picture(mallory, {field: content})) == {field: [words]}
    assert not Upload.objects.filter(user=mallory).exclude(sha256=make_upload(mallory).sha256).exists()


def test_image_tab_needs_a_picture_to_start_from(mallory: User) -> None:
    assert problems(filled(mallory, kind="image")) == {"start_file": [NO_PICTURE]}


def test_end_picture_alone_is_not_enough(mallory: User) -> None:
    form = filled(mallory, {"tail_file": picture()}, kind="image")

    assert problems(form) == {"start_file": [NO_PICTURE]}
    assert set(form.kept) == {Slot.TAIL}


@pytest.mark.parametrize(
    ("format_", "media_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/jpeg"), ("HEIF", "image/jpeg")],
)
def test_picture_is_kept_in_a_format_that_kling_takes(mallory: User, format_: str, media_type: str) -> None:
    form = with_picture(mallory, {"start_file": picture(format_)})

    assert form.is_valid(), form.errors
    kept = form.order.pictures[Slot.START]
    assert (kept.media_type, kept.width, kept.height, kept.user) == (media_type, 400, 300, mallory)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A site of the internet: the form may fetch from this one loopback server."""
    with scripted_server() as server:
        monkeypatch.setattr(forms, "fetch_picture", partial(fetch_picture, trusted_origins=frozenset({server.url})))
        yield server


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            Reply(body=b"<!DOCTYPE html><title>Foxes</title>"),
            "This address leads to a web page, not to a picture. Give the address of the picture itself.",
        ),
        (Reply(404, b"no"), "There is nothing at this address (404). Check it."),
        (
            Reply(403, b"no"),
            "The address isn't open to everybody (403). Download the picture yourself and upload it here.",
        ),
        (Reply(body=picture(size=(200, 200))), "The picture is 200 × 200 px; each side must be at least 300 px."),
        (Reply(body=b"", length=11 * 1024 * 1024), "The picture is 11.0 MB; it may be at most 10 MB."),
    ],
    ids=["page", "gone", "closed", "small", "large"],
)
@pytest.mark.parametrize("field", ["start_link", "tail_link"])
def test_link_that_gives_no_good_picture_is_refused(
    mallory: User, web: ScriptedServer, field: str, reply: Reply, words: str
) -> None:
    web.pages = {"/fox": reply, "/good": Reply(body=picture())}
    links = {"start_link": f"{web.url}/good", field: f"{web.url}/fox"}

    assert problems(filled(mallory, kind="image", **links)) == {field: [words]}


def test_linked_picture_is_kept(mallory: User, web: ScriptedServer) -> None:
    web.will(Reply(body=picture("PNG")))
    form = filled(mallory, kind="image", start_link=f"  {web.url}/fox  ")

    assert form.is_valid(), form.errors
    assert form.order.pictures[Slot.START].media_type == "image/png"


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://127.0.0.1/fox.jpg", "This address leads into a private network (127.0.0.1), which isn't fetched."),
        ("https://[::1]/fox.jpg", "This address leads into a private network (::1), which isn't fetched."),
        ("http://127.0.0.1/fox.jpg", "This address leads into a private network (127.0.0.1), which isn't fetched."),
        ("http://8.8.8.8/fox.jpg", "This address isn't encrypted; use one that starts with https://."),
        ("https://studio.invalid/fox.jpg", "There is no studio.invalid on the internet. Check the address."),
        ("fox.jpg", "Give a web address that starts with https://."),
        ("data:image/png;base64,AAAA", "Give a web address that starts with https://."),
        ("https://", "Give a web address that starts with https://."),
    ],
)
def test_link_into_nowhere_is_refused(mallory: User, link: str, words: str) -> None:
    assert problems(filled(mallory, kind="image", start_link=link)) == {"start_link": [words]}


def test_good_picture_survives_an_error_elsewhere(mallory: User) -> None:
    first = with_picture(mallory, prompt="")
    assert problems(first) == {"prompt": ["Write what the video should show."]}
    kept = first.kept[Slot.START]

    second = filled(mallory, kind="image", start_upload=str(kept.pk))

    assert second.is_valid(), second.errors
    assert second.order.pictures == {Slot.START: kept}


def test_same_picture_is_kept_once(mallory: User) -> None:
    with_picture(mallory, prompt="").is_valid()
    with_picture(mallory, prompt="").is_valid()

    assert Upload.objects.filter(user=mallory).count() == 1


def test_newly_chosen_picture_replaces_the_kept_one(mallory: User) -> None:
    kept = make_upload(mallory, picture(color="red"))
    form = with_picture(mallory, start_upload=str(kept.pk))

    assert form.is_valid(), form.errors
    assert form.order.pictures[Slot.START] != kept


def test_refused_picture_is_not_replaced_by_the_kept_one_in_silence(mallory: User) -> None:
    kept = make_upload(mallory)
    form = with_picture(mallory, {"start_file": b"text"}, start_upload=str(kept.pk))

    assert problems(form) == {"start_file": [NOT_READ]}


def test_picture_of_somebody_else_is_ignored(mallory: User, alice: User) -> None:
    hers = make_upload(alice)
    form = filled(mallory, kind="image", start_upload=str(hers.pk))

    assert problems(form) == {"start_file": [NO_PICTURE]}


def test_teams_to_choose_from_are_those_that_the_person_may_spend_for(
    film: Team, alice: User, bob: User, victor: User, mallory: User
) -> None:
    def teams(user: User) -> list[Team]:
        return list(GenerationForm(user).fields["team"].queryset)  # type: ignore[attr-defined]

    assert teams(bob) == [bob.personal_team, film]
    assert teams(victor) == [victor.personal_team]
    assert teams(mallory) == [mallory.personal_team]


def test_fresh_form_offers_the_models_defaults(mallory: User) -> None:
    values = GenerationForm(mallory).initial

    assert values["team"] == mallory.personal_team.slug
    assert (values["kind"], values["duration"], values["aspect_ratio"]) == ("text", "5", "16:9")
    assert (values["negative_prompt"], values["cfg_scale"]) == ("blur, distort, and low quality", 0.5)
    assert values["idempotency_key"] != GenerationForm(mallory).initial["idempotency_key"]
