"""What is a variable in a prompt and what is text, and what becomes of either."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generations.prompt_variables import (
    Variable,
    combinations,
    count_combinations,
    escape,
    fill,
    split_values,
    variables_of,
)

TEXT = st.text(st.sampled_from('{}{}ab:| \n"1_-é'), max_size=40)
NAME = st.from_regex(r"[^\W\d_][\w-]{0,39}", fullmatch=True)
WORD = st.text("ab:|", max_size=4)
VALUE = st.text(max_size=30)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A {product} in snow", ["product"]),
        ("{ product }", ["product"]),
        ("{season: winter|summer}", ["season: winter|summer"]),
        ("{season:winter | summer|}", ["season: winter|summer"]),
        ("{season: late winter | summer, at noon}", ["season: late winter|summer, at noon"]),
        ("{a} {b} {a}", ["a", "b"]),
        ("{a} {a: x|y} {a: y|z}", ["a: x|y|z"]),
        ("{A} {a}", ["A", "a"]),
        ("{größe} {季節: 冬|夏}", ["größe", "季節: 冬|夏"]),
        ("{x_1-b}", ["x_1-b"]),
        ("{" + "a" * 40 + "}", ["a" * 40]),
        ("{{{product}}}", ["product"]),
        ("{{product}", ["product"]),
        ("{a:{product}}", ["product"]),
        ('{"subject": {"is": "{product}"}}', ["product"]),
        ("{" + "a" * 41 + "}", []),
        ("{{product}}", []),
        ("{{season: winter|summer}}", []),
        ("{{{{product}}}}", []),
        ("{}", []),
        ("{ }", []),
        ("{1}", []),
        ("{_}", []),
        ("{a b}", []),
        ("{a.b}", []),
        ("{a\nb}", []),
        ("{a\n}", []),
        ("{a: x|\ny}", []),
        ("{a: 1}", []),
        ("{a: x|x}", []),
        ("{a: |}", []),
        ("{a:}", []),
        ("{a|b}", []),
        ("{product", []),
        ("product}", []),
        ('{"a": {"b": 1}}', []),
        ("{'a': 'x|y'}", []),
        ("function () {return}{{x y}}", ["return"]),
    ],
)
def test_variables_of_a_text(text: str, found: list[str]) -> None:
    assert [str(variable) for variable in variables_of(text)] == found


def test_variables_of_several_texts_are_one_list() -> None:
    assert variables_of("{a: x|y}", "{b} {a}") == [Variable("a", ("x", "y")), Variable("b")]


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("A {product} in {season: winter|summer}", "A lamp in winter"),
        ("{product}{product}", "lamplamp"),
        ("{{product}} costs", "{product} costs"),
        ("{{ season:winter|summer }}", "{ season:winter|summer }"),
        ("{{{product}}}", "{lamp}"),
        ("{{{{product}}}}", "{{product}}"),
        ("{{product}", "{lamp"),
        ("{product}}", "lamp}"),
        ('{"a": {"b": "{product}"}}', '{"a": {"b": "lamp"}}'),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
        ("{{}} {{ x y }} {a: 1}", "{{}} {{ x y }} {a: 1}"),
    ],
)
def test_filled_text(text: str, filled: str) -> None:
    assert fill(text, {"product": "lamp", "season": "winter"}) == filled


def test_value_is_text_whatever_is_in_it() -> None:
    assert fill("{a} {b}", {"a": "{b}", "b": "{{c}}\\1"}) == "{b} {{c}}\\1"


def test_variable_without_a_value_is_no_text() -> None:
    with pytest.raises(KeyError):
        fill("{a}", {})


@given(TEXT)
def test_escaped_text_says_itself_and_has_no_variables(text: str) -> None:
    assert variables_of(escape(text)) == []
    assert fill(escape(text), {}) == text


@given(st.recursive(st.integers() | WORD, lambda some: st.lists(some) | st.dictionaries(WORD, some)))
def test_json_is_text(value: object) -> None:
    text = json.dumps(value)
    assert variables_of(text) == []
    assert fill(text, {}) == text


@given(TEXT, NAME, VALUE)
def test_all_that_is_no_variable_stays(around: str, name: str, value: str) -> None:
    plain = around.replace("{", "").replace("}", "")
    assert fill(f"{plain}{{{name}}}{plain}", {name: value}) == f"{plain}{value}{plain}"


@given(st.lists(st.text(st.characters(exclude_characters="{}|\r\n"), min_size=1), min_size=2, max_size=5))
def test_choices_are_those_that_were_written(choices: list[str]) -> None:
    distinct = list(dict.fromkeys(filter(None, map(str.strip, choices))))
    found = variables_of("{a:" + "|".join(choices) + "}")
    assert found == ([Variable("a", tuple(distinct))] if len(distinct) > 1 else [])


@given(st.lists(st.lists(st.text("xyz", min_size=1, max_size=2), unique=True, max_size=4), max_size=4))
def test_each_combination_comes_once(lists: list[list[str]]) -> None:
    values = {str(number): own for number, own in enumerate(lists)}
    found = [tuple(one.values()) for one in combinations(list(values), values)]
    assert len(set(found)) == len(found) == count_combinations(list(values), values)


def test_combinations_come_in_the_order_of_the_values() -> None:
    found = list(combinations(["a", "b"], {"a": ["1", "2"], "b": ["x", "y"]}))
    assert [one["a"] + one["b"] for one in found] == ["1x", "1y", "2x", "2y"]


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("lamp", ["lamp"]),
        (" lamp \r\n\r\nchair|sofa\n", ["lamp", "chair", "sofa"]),
        ("lamp|lamp\nlamp", ["lamp"]),
        (" \n|", []),
        ("a, b; c", ["a, b; c"]),
    ],
)
def test_values_as_they_are_typed(typed: str, values: list[str]) -> None:
    assert split_values(typed) == values


@pytest.mark.parametrize("piece", ["{", "}", "{a", "{a:", "{a:x|", "{ ", "{{a}"])
def test_long_text_is_read_once(piece: str) -> None:
    """If the work grew with the square of the length, this would not come to an end."""
    assert len(variables_of(piece * (2_000_000 // len(piece)))) <= 1
