"""What headers and cells mean, as people and spreadsheets write them."""

import pytest

from generations.imports import columns
from generations.imports.columns import Field, clean_cell, guess_mapping, letters


@pytest.mark.parametrize(
    ("header", "mapping"),
    [
        (
            ["Prompt", "Negative prompt", "Duration", "Ratio", "Start", "End", "Tags", "cfg", "Quality"],
            ["prompt", "negative_prompt", "duration", "aspect_ratio", "start", "tail", "tags", "cfg_scale", "quality"],
        ),
        (["image_url", "tail_image_url", "PROMPT", "Seconds"], ["start", "tail", "prompt", "duration"]),
        (["Start picture", "End picture", "Aspect Ratio", "CFG scale"], ["start", "tail", "aspect_ratio", "cfg_scale"]),
        (["Prompt", "prompt", "Client"], ["prompt", "", ""]),
        (["", "Status", "Cost"], ["", "", ""]),
    ],
)
def test_columns_are_known_by_their_names(header: list[str], mapping: list[str]) -> None:
    assert guess_mapping(header) == mapping
    assert columns.has_header(header) == any(mapping)


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        *((Field.DURATION, cell, "5") for cell in ("5", "5s", "5 s", "5 sec.", "5.0", "5,0", " 05 ", "5 seconds")),
        (Field.DURATION, "5.5", "5.5"),
        (Field.DURATION, "long", "long"),
        *((Field.ASPECT_RATIO, cell, "16:9") for cell in ("16:9", "16x9", "16 × 9", "16/9", "16:09", "16:09:00")),
        *((Field.ASPECT_RATIO, cell, "9:16") for cell in ("09:16", "9:16 AM", "portrait", "Vertical", "9 by 16")),
        *((Field.ASPECT_RATIO, cell, "1:1") for cell in ("1:1", "01:01:00", "1:01 AM", "square")),
        (Field.ASPECT_RATIO, "wider", "wider"),
        (Field.CFG_SCALE, "0,5", "0.5"),
        (Field.QUALITY, "Standard", "draft"),
        (Field.QUALITY, "PRO", "pro"),
        (Field.PROMPT, " One\r\ntwo ", "One\ntwo"),
    ],
)
def test_cells_as_people_write_them(field: Field, cell: str, value: str) -> None:
    assert clean_cell(field, cell) == value


@pytest.mark.parametrize("cell", ["#REF!", "#n/a", "=A1&B1"])
def test_what_a_sheet_could_not_compute_is_no_value(cell: str) -> None:
    assert columns.refusal(cell)
    assert not columns.refusal(f"A {cell}")


def test_letters_as_in_spreadsheets() -> None:
    assert [letters(index) for index in (0, 25, 26, 27, 51, 52)] == ["A", "Z", "AA", "AB", "AZ", "BA"]


def test_tags_of_a_cell() -> None:
    assert columns.split_tags(" #Snow, fox;Hero\nsnow,, ") == ["snow", "fox", "Hero"]


def test_a_corrected_sheet_keeps_the_mapping_by_names_and_else_by_order() -> None:
    before, mapping = ["Was", "Wie lange"], ["prompt", "duration"]

    assert columns.carry_over(mapping, before, ["Wie lange", "Neu", "was"]) == ["duration", "", "prompt"]
    assert columns.carry_over(mapping, before, ["a", "b", "c"]) == ["prompt", "duration", ""]
    assert columns.carry_over(mapping, before, ["a"]) == ["prompt"]
    assert columns.carry_over(["", *mapping], ["", "", ""], ["", "", ""]) == ["", *mapping]


@pytest.mark.parametrize("mapping", [["prompt", "tags"], ["tags", "prompt"], ["", "prompt"], ["prompt", ""]])
def test_columns_of_one_name_keep_what_each_is(mapping: list[str]) -> None:
    assert columns.carry_over(mapping, ["Text", "text "], ["Text", "TEXT"]) == mapping
    assert columns.carry_over(mapping, ["Text", "text"], ["Text", "New", "Text"]) == [mapping[0], "", mapping[1]]


def test_two_columns_that_claim_the_same() -> None:
    assert list(columns.doubled(["prompt", "", "tags"])) == []
    assert list(columns.doubled(["prompt", "", "prompt"])) == [
        "Prompt: more than one column is said to be that (A, C)."
    ]
