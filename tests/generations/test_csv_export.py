"""CSV that a spreadsheet takes for text, whatever people have written into it."""

import csv
import io

import pytest

from generations.csv_export import lines


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠SUM"])
@pytest.mark.parametrize("before", ["", " ", "\t", "\r", "\n", "\r\n", "\n \t", "\u00a0", "\u3000", "\u2028"])
def test_formula_is_written_as_text(before: str, formula: str) -> None:
    (row,) = csv.reader(io.StringIO("".join(lines(["a"], [[before + formula]])).partition("\r\n")[2], newline=""))

    assert row == [f"'{before}{formula}"]


@pytest.mark.parametrize("text", ["A fox", "1 + 1 = 2", "(private)", "’s", "", "2026-11-28", "0.35"])
def test_text_stays_as_it_is(text: str) -> None:
    (row,) = csv.reader(io.StringIO("".join(lines(["a"], [[text]])).partition("\r\n")[2], newline=""))

    assert (row or [""]) == [text]


@pytest.mark.parametrize("formula", ["=1+1", "+1", "@SUM(A1)"])
@pytest.mark.parametrize("written", [",", ";", "\t", "|"])
@pytest.mark.parametrize("read", [",", ";", "\t", "|"])
def test_no_cell_is_taken_for_two(written: str, read: str, formula: str) -> None:
    """A spreadsheet of another country divides by another sign than the file is written with."""
    texts = [f"a{read}{formula}", f"{formula}{read}{formula}", f'a"{read}{formula}', f'"{read}{formula}', "b"]
    text = "".join(lines(["x"], [[cell, "c"] for cell in texts], written))

    for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=read):
        assert [cell for cell in row if cell.strip().startswith(("=", "+", "@"))] == []
