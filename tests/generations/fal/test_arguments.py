"""What the two endpoints take: every field with its default, range and message, and the JSON that fal gets."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generations.fal.arguments import (
    MAX_PICTURE_BYTES,
    AspectRatio,
    Duration,
    Endpoint,
    ImageToVideo,
    InvalidArguments,
    PictureFormat,
    Problem,
    TextToVideo,
    check_picture,
    parse,
    to_json,
)
from tests.invisible import INVISIBLE, VISIBLE

TEXT, IMAGE = Endpoint.TEXT_TO_VIDEO, Endpoint.IMAGE_TO_VIDEO
NEEDED: dict[Endpoint, dict[str, Any]] = {
    TEXT: {"prompt": "A cat"},
    IMAGE: {"prompt": "A cat", "image_url": "https://example.com/cat.jpg"},
    Endpoint.DRAFT_IMAGE_TO_VIDEO: {"prompt": "A cat", "image_url": "https://example.com/cat.jpg"},
}
BOTH = pytest.mark.parametrize("endpoint", list(Endpoint))


def problems(endpoint: Endpoint, **values: Any) -> list[Problem]:
    with pytest.raises(InvalidArguments) as caught:
        parse(endpoint, NEEDED[endpoint] | values)
    return caught.value.problems


def problem(endpoint: Endpoint, **values: Any) -> Problem:
    (only,) = problems(endpoint, **values)
    return only


def test_endpoint_ids_are_fals() -> None:
    assert Endpoint.TEXT_TO_VIDEO.value == "fal-ai/kling-video/v2.5-turbo/pro/text-to-video"
    assert Endpoint.IMAGE_TO_VIDEO.value == "fal-ai/kling-video/v2.5-turbo/pro/image-to-video"


def test_text_to_video_is_sent_with_fals_defaults() -> None:
    arguments = parse(TEXT, NEEDED[TEXT])
    assert isinstance(arguments, TextToVideo)
    assert to_json(arguments) == {
        "prompt": "A cat",
        "duration": "5",
        "aspect_ratio": "16:9",
        "negative_prompt": "blur, distort, and low quality",
        "cfg_scale": 0.5,
    }


def test_image_to_video_is_sent_with_fals_defaults() -> None:
    arguments = parse(IMAGE, NEEDED[IMAGE])
    assert isinstance(arguments, ImageToVideo)
    assert to_json(arguments) == {
        "prompt": "A cat",
        "image_url": "https://example.com/cat.jpg",
        "duration": "5",
        "negative_prompt": "blur, distort, and low quality",
        "cfg_scale": 0.5,
    }


def test_every_field_of_text_to_video_is_sent_as_given() -> None:
    values = {"prompt": "A", "duration": "10", "aspect_ratio": "9:16", "negative_prompt": "rain", "cfg_scale": 0.25}
    assert to_json(parse(TEXT, values)) == values


def test_every_field_of_image_to_video_is_sent_as_given() -> None:
    pictures = {"image_url": "https://a/b.png", "tail_image_url": "data:image/png;base64,AAAA"}
    values = {"prompt": "A", "duration": "10", "negative_prompt": "", "cfg_scale": 1.0, **pictures}
    assert to_json(parse(IMAGE, values)) == values


@BOTH
def test_unknown_keys_are_ignored_as_fal_does(endpoint: Endpoint) -> None:
    assert "seed" not in to_json(parse(endpoint, NEEDED[endpoint] | {"seed": 7}))
    assert "aspect_ratio" not in to_json(parse(IMAGE, NEEDED[IMAGE] | {"aspect_ratio": "21:9"}))


@BOTH
@pytest.mark.parametrize(("given_", "sent"), [("5", "5"), ("10", "10"), (5, "5"), (10, "10"), (Duration.TEN, "10")])
def test_duration_takes_text_and_number(endpoint: Endpoint, given_: object, sent: str) -> None:
    assert to_json(parse(endpoint, NEEDED[endpoint] | {"duration": given_}))["duration"] == sent


@BOTH
@pytest.mark.parametrize("wrong", ["7", "", 15, True, None, 5.0])
def test_other_durations_are_refused(endpoint: Endpoint, wrong: object) -> None:
    assert problem(endpoint, duration=wrong) == Problem(
        "duration", "one_of", "Choose 5 or 10.", {"expected": ["5", "10"]}
    )


@pytest.mark.parametrize("ratio", list(AspectRatio))
def test_aspect_ratios(ratio: AspectRatio) -> None:
    assert to_json(parse(TEXT, NEEDED[TEXT] | {"aspect_ratio": ratio.value}))["aspect_ratio"] == ratio.value


@pytest.mark.parametrize("wrong", ["4:3", "", None, 1])
def test_other_aspect_ratios_are_refused(wrong: object) -> None:
    assert problem(TEXT, aspect_ratio=wrong) == Problem(
        "aspect_ratio", "one_of", "Choose 16:9, 9:16 or 1:1.", {"expected": ["16:9", "9:16", "1:1"]}
    )


@BOTH
@pytest.mark.parametrize("value", [0, 0.0, 0.5, 1, "0.7"])
def test_cfg_scale_in_range(endpoint: Endpoint, value: Any) -> None:
    assert to_json(parse(endpoint, NEEDED[endpoint] | {"cfg_scale": value}))["cfg_scale"] == float(value)


@BOTH
@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (-0.01, "greater_than_equal"),
        (1.01, "less_than_equal"),
        ("much", "float_parsing"),
        ("", "float_parsing"),
        (None, "float_type"),
        (float("nan"), "finite_number"),
        ("inf", "finite_number"),
    ],
)
def test_cfg_scale_out_of_range(endpoint: Endpoint, value: object, type_: str) -> None:
    found = problem(endpoint, cfg_scale=value)
    assert (found.field, found.type, found.message) == ("cfg_scale", type_, "Choose a number from 0 to 1.")


@BOTH
@pytest.mark.parametrize("name", ["prompt", "negative_prompt"])
def test_prompts_end_at_2500_characters(endpoint: Endpoint, name: str) -> None:
    assert to_json(parse(endpoint, NEEDED[endpoint] | {name: "é" * 2500}))[name] == "é" * 2500
    assert problem(endpoint, **{name: "é" * 2501}) == Problem(
        name, "sequence_too_long", "It has 2,501 characters; use at most 2,500.", {"max_length": 2500}
    )


@BOTH
@pytest.mark.parametrize("blank", INVISIBLE.values(), ids=INVISIBLE)
def test_a_prompt_that_shows_nothing_is_refused(endpoint: Endpoint, blank: str) -> None:
    found = problem(endpoint, prompt=blank)
    assert found == Problem("prompt", "sequence_too_short", "Write what the video should show.", {"min_length": 1})
    assert parse(endpoint, NEEDED[endpoint] | {"negative_prompt": blank}).negative_prompt == blank


@pytest.mark.parametrize("prompt", VISIBLE.values(), ids=VISIBLE)
def test_a_prompt_that_shows_something_stays_as_it_is(prompt: str) -> None:
    assert parse(TEXT, {"prompt": prompt}).prompt == prompt


@pytest.mark.parametrize("name", ["prompt", "negative_prompt"])
@pytest.mark.parametrize("text", ["A cat\0", "\ud800", "A cat\udfff"])
def test_what_no_database_keeps_is_refused(name: str, text: str) -> None:
    message = "The text has characters that can’t be kept, such as null. Take them out."
    found = problem(TEXT, **{name: text})
    assert (found.field, found.type, found.message) == (name, "string_unicode", message)


@pytest.mark.parametrize("address", ["ftp://a/b", "example.com/cat.jpg", "blob:https://a/b", "data:text/html,x", ""])
@pytest.mark.parametrize("name", ["image_url", "tail_image_url"])
def test_picture_addresses_are_web_addresses(name: str, address: str) -> None:
    message = "Give a web address that starts with https://."
    assert problem(IMAGE, **{name: address}) == Problem(name, "image_load_error", message)


def test_what_is_missing_is_named_all_at_once() -> None:
    with pytest.raises(InvalidArguments) as caught:
        parse(IMAGE, {"duration": "6"})
    assert [(found.field, found.type) for found in caught.value.problems] == [
        ("prompt", "missing"),
        ("duration", "one_of"),
        ("image_url", "missing"),
    ]
    assert str(caught.value) == "prompt: This is required.; duration: Choose 5 or 10.; image_url: This is required."


@BOTH
def test_text_of_another_type_is_refused_with_pydantics_name(endpoint: Endpoint) -> None:
    assert problem(endpoint, prompt=7).type == "string_type"


def outcome(endpoint: Endpoint, values: dict[str, Any]) -> dict[str, Any] | list[Problem]:
    try:
        return to_json(parse(endpoint, values))
    except InvalidArguments as error:
        return error.problems


FIELDS = st.sampled_from([*ImageToVideo.model_fields, *TextToVideo.model_fields, "seed"])
ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


@given(st.sampled_from(Endpoint), st.dictionaries(FIELDS, ANYTHING))
def test_any_values_give_json_or_problems(endpoint: Endpoint, values: dict[str, Any]) -> None:
    found = outcome(endpoint, NEEDED[endpoint] | values)
    assert found
    assert json.dumps(found if isinstance(found, dict) else [problem.message for problem in found])


@pytest.mark.parametrize(
    ("size", "width", "height"),
    [(None, None, None), (MAX_PICTURE_BYTES, 300, 300), (1, 300, 750), (1, 750, 300), (0, 4000, 4000)],
)
@pytest.mark.parametrize("media_type", list(PictureFormat))
def test_pictures_within_the_rules(media_type: str, size: int | None, width: int | None, height: int | None) -> None:
    assert check_picture("image_url", media_type=media_type, size=size, width=width, height=height) == []


def test_pictures_outside_the_rules() -> None:
    def of(media_type: str = "image/png", **values: int) -> Problem:
        (only,) = check_picture("image_url", media_type=media_type, **values)
        return only

    assert of("image/gif").type == "unsupported_image_format"
    assert of(size=11 * 1024 * 1024).message == "The picture is 11.0 MB; it may be at most 10 MB."
    assert of(width=299, height=300).message == "The picture is 299 × 300 px; each side must be at least 300 px."
    assert of(width=299, height=300).ctx == {"min_width": 300, "min_height": 300}
    assert of(width=300, height=751).type == "image_ratio_out_of_range"
    assert "a ratio of 2.50;" in of(width=751, height=300).message
    assert of(width=751, height=300).ctx == {"ge": 0.4, "le": 2.5}


def test_all_that_is_wrong_with_a_picture_comes_at_once() -> None:
    found = check_picture("tail_image_url", media_type="image/bmp", size=11 * 1024 * 1024, width=10, height=10)
    assert [one.type for one in found] == ["unsupported_image_format", "file_too_large", "image_too_small"]
    assert {one.field for one in found} == {"tail_image_url"}


def test_extensions_of_picture_formats() -> None:
    assert [kind.extension for kind in PictureFormat] == ["jpg", "png"]
