"""Sheets as programs and people write them; what can't be read says what to do."""

import codecs

import pytest

from generations.imports.table import MAX_ROWS, TableError, read_file, read_text

ROWS = [["Prompt", "Seconds"], ["A fox, in snow", "5"], ["Été", "10"]]
COMMA = 'Prompt,Seconds\r\n"A fox, in snow",5\r\nÉté,10\r\n'


@pytest.mark.parametrize(
    "data",
    [
        COMMA.encode(),
        codecs.BOM_UTF8 + COMMA.encode(),
        COMMA.replace("\r\n", "\n").encode(),
        COMMA.replace("\r\n", "\r").encode(),
        COMMA.encode("utf-16"),
        codecs.BOM_UTF16_BE + COMMA.encode("utf-16-be"),
        COMMA.encode("utf-16-le"),
        COMMA.encode("utf-16-be"),
        "Prompt;Seconds\nA fox, in snow;5\nÉté;10\n".encode(),
        "Prompt\tSeconds\nA fox, in snow\t5\nÉté\t10".encode("utf-16"),
        "Prompt|Seconds\nA fox, in snow|5\nÉté|10".encode(),
        "sep=;\r\nPrompt;Seconds\r\nA fox, in snow;5\r\nÉté;10\r\n".encode(),
        (COMMA + ",\r\n,\r\n\r\n , \r\n").encode(),
        'Prompt,Seconds,,,\n"A fox, in snow",5,,,\nÉté,10,, ,\n'.encode(),
        'Prompt,Seconds\n"A fox, in snow",5\nÉté,10,,,\n'.encode(),
    ],
)
def test_the_same_sheet_as_programs_write_it(data: bytes) -> None:
    table = read_file(data)

    assert table.rows == ROWS
    assert not table.is_guessed


def test_text_of_old_programs_is_read_and_said_to_be_a_guess() -> None:
    table = read_file(COMMA.encode("cp1252"))

    assert table.rows == ROWS
    assert table.is_guessed


def test_rows_are_counted_as_the_sheet_does() -> None:
    table = read_text('Prompt,Tags\n"One\nand two",a\n\n"He said ""go""",b\n')

    assert table.rows == [["Prompt", "Tags"], ["One\nand two", "a"], ["", ""], ['He said "go"', "b"]]


def test_a_list_of_prompts_is_one_column() -> None:
    prompts = ["A fox, in the snow", "A bear", "A hare, running, at night; late"]

    table = read_text("\n".join(prompts))

    assert [row[0] for row in table.rows] == prompts
    assert (table.width, table.delimiter) == (1, ",")


def test_quotes_of_the_clipboard_may_mean_nothing() -> None:
    assert read_text('"Go," he said\t5\nA fox\t10').rows == [['"Go," he said', "5"], ["A fox", "10"]]


def test_what_the_studio_wrote_so_that_it_is_no_formula_is_the_text_again() -> None:
    assert read_text("Prompt,Tags\n'- a fox,'quoted'").rows[1] == ["- a fox", "'quoted'"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n,,\n ,\n", "empty"),
        (codecs.BOM_UTF8, "empty"),
        (b"PK\x03\x04rest", "workbook"),
        (b"\xd0\xcf\x11\xe0rest", "workbook"),
        (b"%PDF-1.7", "no CSV"),
        (b"\x89PNG\r\n", "no CSV"),
        (codecs.BOM_UTF16_LE + b"a\0b", "damaged"),
        (b"Prompt,Seconds\nA fox\0,5\nB,5\n", "Row 2 has characters"),
        (b'Prompt,Seconds\nA fox,5\n"A bear,5\nA hare,5\n', "Row 3 can"),
        (b'Prompt,Seconds\n"A" fox,5\n', "Row 2 can"),
        (b'Prompt,Seconds\n"' + b"x" * 200_000 + b'",5\n', "Row 2 has a cell that is too long"),
        (b"Prompt,Seconds\n" + b"A fox,5\n" * 10_001, "10,002 rows; use at most 1,000"),
        (b"Prompt,Seconds\n" + b"A fox,5\n" * 100_001, "more than 100,000 rows"),
        (b"Prompt,Seconds\n" + b"\n" * 6000 + b"A fox,5\n", "blank rows"),
        (b",".join(b"a" for _ in range(300)), "300 columns; use at most 50"),
        (b"x" * (5 * 1024**2 + 1), "larger than 5 MB"),
    ],
)
def test_what_is_no_sheet_says_why(data: bytes, words: str) -> None:
    with pytest.raises(TableError, match=words):
        read_file(data)


def test_as_many_rows_as_may_be() -> None:
    assert len(read_text("Prompt,Seconds\n" + "A fox,5\n" * MAX_ROWS).rows) == MAX_ROWS + 1
