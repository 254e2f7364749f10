"""Prompts with variables: each combination of values is a video, and all of them are one order."""

import html
import json
import re
import uuid
from typing import Any

import pytest
from django.http import QueryDict
from django.urls import reverse

from accounts.models import Team, User
from generations.forms import GenerationForm
from generations.models import Draft, Event, Generation, Preset
from tests.cast import make_generation, signed_in
from tests.generations.views.test_composer import PAGE, text_order, values_in

SEASON = "{season: winter|summer}"
CHOICES = {"choices": ["season: winter|summer"], "var-season": ["winter", "summer"]}


def filled(user: User, prompt: str, **values: Any) -> GenerationForm:
    data = QueryDict(mutable=True)
    given = {
        "kind": "text",
        "team": user.personal_team.slug,
        "duration": "5",
        "aspect_ratio": "16:9",
        "cfg_scale": "0.5",
    }
    for name, value in {**given, "prompt": prompt, **values}.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return GenerationForm(user, data, has_variables=True)


def prompts(form: GenerationForm) -> list[str]:
    assert form.is_valid(), form.errors
    return [order.arguments.prompt for order in form.orders]


def problems(form: GenerationForm) -> dict[str, list[str]]:
    return {field: [str(error) for error in errors] for field, errors in form.errors.items()}


@pytest.mark.parametrize(
    ("prompt", "values", "made"),
    [
        ("A {product}", {"var-product": "lamp"}, ["A lamp"]),
        ("A {product}", {"var-product": "lamp\r\n\r\n chair |lamp"}, ["A lamp", "A chair"]),
        (f"{SEASON} here", CHOICES, ["winter here", "summer here"]),
        (f"{SEASON} here", CHOICES | {"var-season": ["summer"]}, ["summer here"]),
        (
            "{product} in " + SEASON,
            CHOICES | {"var-product": "lamp|chair"},
            ["lamp in winter", "lamp in summer", "chair in winter", "chair in summer"],
        ),
        ("{a} and {a}", {"var-a": "x|y", "variations": "2"}, ["x and x", "y and y"] * 2),
        ("{a}\nplain\n\n{b} {a}", {"var-a": "x|y", "var-b": "z", "lines": "on"}, ["x", "y", "plain", "z x", "z y"]),
        ("{{product}}", {}, ["{product}"]),
        ('{"a": {"b": 1}}', {}, ['{"a": {"b": 1}}']),
        ("{a}", {"var-a": "{b}", "var-b": "unused"}, ["{b}"]),
    ],
)
def test_each_combination_is_a_request(mallory: User, prompt: str, values: dict[str, Any], made: list[str]) -> None:
    form = filled(mallory, prompt, **values)

    assert prompts(form) == made
    assert form.count == len(made)


def test_variable_of_both_prompts_has_one_value_in_both(mallory: User) -> None:
    form = filled(mallory, "{a}", negative_prompt="no {a}, no {b}", **{"var-a": "x|y", "var-b": "z"})

    assert form.is_valid(), form.errors
    asked = [(order.arguments.prompt, order.arguments.negative_prompt) for order in form.orders]
    assert asked == [("x", "no x, no z"), ("y", "no y, no z")]


SEEN_FIRST = "Each choice makes a video of its own. Choose, then press again."


@pytest.mark.parametrize(
    ("prompt", "values", "wrong"),
    [
        ("A {product}", {}, {"var-product": ["Give it at least one value."]}),
        ("A {product}", {"var-product": " |\r\n\u200b"}, {"var-product": ["Give it at least one value."]}),
        ("{a} {b}", {"var-a": "x"}, {"var-b": ["Give it at least one value."]}),
        (SEASON, {}, {"var-season": [SEEN_FIRST]}),
        (SEASON, {"var-season": ["winter"]}, {"var-season": [SEEN_FIRST]}),
        (SEASON, CHOICES | {"choices": ["season: winter|spring"]}, {"var-season": [SEEN_FIRST]}),
        (SEASON, {"choices": CHOICES["choices"]}, {"var-season": ["Choose at least one."]}),
        (
            "{a} {b}",
            {"var-a": "\n".join(map(str, range(17))), "var-b": "x|y|z"},
            {"prompt": ["With these variables the order makes 51 videos; it may make 50 at most."]},
        ),
        (
            "{a}",
            {"var-a": "1|2|3|4|5|6|7", "variations": "8"},
            {"prompt": ["With these variables the order makes 56 videos; it may make 50 at most."]},
        ),
        (
            "".join(f"{{{letter}}}" for letter in "abcdefghijk"),
            {f"var-{letter}": "x" for letter in "abcdefghij"},
            {"prompt": ["There are 11 variables; use at most 10."]},
        ),
        (
            "{a}{b}",
            {"var-a": "short|" + "a" * 2500, "var-b": "x"},
            {"prompt": [f"With a: {'a' * 40}, b: x: It has 2,501 characters; use at most 2,500."]},
        ),
        (
            "plain\n{a}",
            {"var-a": "a" * 2501, "lines": "on"},
            {"prompt": [f"Line 2: With a: {'a' * 40}: It has 2,501 characters; use at most 2,500."]},
        ),
        ("{a}", {"duration": "7"}, {"var-a": ["Give it at least one value."], "duration": ["Choose 5 or 10."]}),
    ],
)
def test_what_is_wrong_stands_by_its_field(
    mallory: User, prompt: str, values: dict[str, Any], wrong: dict[str, list[str]]
) -> None:
    assert problems(filled(mallory, prompt, **values)) == wrong


def test_long_values_are_fine_where_the_prompt_has_room(mallory: User) -> None:
    assert prompts(filled(mallory, "{a}", **{"var-a": "a" * 2500})) == ["a" * 2500]


def test_braces_of_programs_are_text(mallory: User) -> None:
    form = GenerationForm(
        mallory,
        {"kind": "text", "team": mallory.personal_team.slug, "prompt": "{a} {{b}}", "duration": "5", "cfg_scale": "0"}
        | {"aspect_ratio": "16:9", "negative_prompt": "{c}"},
    )

    assert form.is_valid(), form.errors
    assert (form.order.arguments.prompt, form.order.arguments.negative_prompt) == ("{a} {{b}}", "{c}")


def matrix_of_twelve(team: Team, **values: Any) -> dict[str, Any]:
    order = text_order(team, prompt="{product} in " + SEASON, duration="5")
    return order | CHOICES | {"var-product": "\r\n".join("abcdef")} | values


def test_matrix_is_one_batch_at_one_price(film: Team, bob: User) -> None:
    Team.objects.filter(pk=film.pk).update(monthly_limit_cents=12 * 35)
    client, order = signed_in(bob), matrix_of_twelve(film)
    answer = client.post(PAGE, order)

    rows = list(Generation.objects.order_by("batch_index"))
    assert [row.prompt for row in rows] == [f"{one} in {season}" for one in "abcdef" for season in ("winter", "summer")]
    assert {row.batch for row in rows} != {None}
    assert len({row.batch for row in rows}) == 1
    assert answer.headers["Location"] == f"{PAGE}?made={rows[0].batch}"
    assert Event.objects.count() == 12
    client.post(PAGE, order)
    assert Generation.objects.count() == 12


def test_matrix_of_twelve_with_money_for_eleven_orders_none(film: Team, bob: User) -> None:
    Team.objects.filter(pk=film.pk).update(monthly_limit_cents=12 * 35 - 1)
    answer = signed_in(bob).post(PAGE, matrix_of_twelve(film))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This costs $4.20; $4.19 is left" in page.replace("&#x27;", "'")
    assert not Generation.objects.exists()
    assert values_in(page)["var-product"] == "\r\n".join("abcdef")
    assert values_in(page)["prompt"] == "{product} in " + SEASON


def test_without_scripts_the_answer_asks_for_the_values(film: Team, bob: User) -> None:
    client, draft = signed_in(bob), str(uuid.uuid4())
    answer = client.post(PAGE, text_order(film, prompt="{product} in " + SEASON, duration="5", draft=draft))

    page = answer.content.decode()
    values = values_in(page)
    assert answer.status_code == 422
    assert SEEN_FIRST in page
    assert 'href="#id_var-product"' in page
    assert (values["var-product"], values["choices"], values["var-season"]) == ("", "season: winter|summer", "summer")
    assert page.count('name="var-season"') == 2
    assert not Generation.objects.exists()

    answer = client.post(PAGE, values | CHOICES | {"var-product": "lamp"})
    assert answer.status_code == 302
    assert [row.prompt for row in Generation.objects.order_by("batch_index")] == ["lamp in winter", "lamp in summer"]
    assert not Draft.objects.exists()


def test_next_page_has_the_prompt_with_its_variables_again(film: Team, bob: User) -> None:
    client = signed_in(bob)
    page = client.post(PAGE, matrix_of_twelve(film, **{"var-season": ["summer"]}), follow=True)

    form = page.context["form"]
    assert form["prompt"].value() == "{product} in " + SEASON
    assert [(each.variable.name, each.values) for each in form.variable_fields] == [
        ("product", list("abcdef")),
        ("season", ["summer"]),
    ]
    assert (bool(form["lines"].value()), form.count) == (False, 6)


def test_session_keeps_the_values_and_not_what_was_typed_around_them(film: Team, bob: User) -> None:
    """Each page reads it: a megabyte of the same word is one value."""
    client = signed_in(bob)
    page = client.post(PAGE, text_order(film, prompt="{a}", duration="5", **{"var-a": "lamp \n" * 50_000}), follow=True)

    assert [each.values for each in page.context["form"].variable_fields] == [["lamp"]]
    assert len(json.dumps(dict(client.session))) < 5000


def test_made_prompt_with_braces_comes_back_as_text(film: Team, bob: User) -> None:
    row = make_generation(bob, film, prompt="{a} and {b: x|y}", negative_prompt="{c}")
    client = signed_in(bob)
    for query in ({"from": str(row.pk)}, {"prompt": str(row.pk)}, {"made": str(row.pk)}):
        form = client.get(PAGE, query).context["form"]
        assert form["prompt"].value() == "{{a}} and {{b: x|y}}"
        assert form.variables == []
    page = client.get(reverse("earlier-prompts"), {"part": "list"}).content.decode()
    assert 'data-prompt="{{a}} and {{b: x|y}}"' in page


def test_draft_and_preset_keep_the_values(film: Team, bob: User) -> None:
    client, key = signed_in(bob), str(uuid.uuid4())
    sender = values_in(client.get(PAGE).content.decode())["draft_owner"]
    order = matrix_of_twelve(film, draft=key, draft_owner=sender, preset_name="Matrix", **{"var-season": ["summer"]})
    assert client.post(reverse("draft-save"), order).status_code == 200
    client.post("/presets/", order)

    for query in ({"draft": key}, {"preset": str(Preset.objects.get().pk)}):
        form = client.get(PAGE, query).context["form"]
        assert [each.values for each in form.variable_fields] == [list("abcdef"), ["summer"]]
    del order["var-season"]
    client.post(reverse("draft-save"), order)
    assert client.get(PAGE, {"draft": key}).context["form"].variable_fields[1].values == []


def test_fields_are_given_for_the_form_as_it_stands(film: Team, bob: User) -> None:
    asked = text_order(film, prompt="{a} {b: x|y}\n{a}", lines="on", **{"var-a": "1|2"})
    answer = signed_in(bob).post(reverse("prompt-variables"), asked)

    page = answer.content.decode()
    assert 'data-prompts="[[&quot;a&quot;, &quot;b&quot;], [&quot;a&quot;]]"' in page
    assert 'name="choices" value="b: x|y"' in page
    assert page.count("checked") == 2
    assert "1|2</textarea>" in page
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    ("prompt", "negative", "lines"),
    [
        ("x\n" * 60, "{a} " * 3, "on"),
        ("x\n" * 400, " ".join(f"{{n{number}}}" for number in range(500)), "on"),
        (" ".join(f"{{n{number}}}" for number in range(3000)), "", ""),
        ("{a}\n" * 60_000, "{a}" * 60_000, "on"),
        ("{a}" * 100_000, "", ""),
    ],
)
def test_as_little_is_looked_at_as_may_be_ordered(mallory: User, prompt: str, negative: str, lines: str) -> None:
    """However many lines and variables somebody sends: each line has all of the negative prompt."""
    answer = signed_in(mallory).post(
        reverse("prompt-variables"), {"prompt": prompt, "negative_prompt": negative, "lines": lines}
    )
    [told] = re.findall('data-prompts="([^"]*)"', answer.content.decode())
    names = json.loads(html.unescape(told))
    assert len(names) <= 50
    assert all(len(each) <= 10 for each in names)

    form = filled(mallory, prompt, negative_prompt=negative, lines=lines, **{"var-a": "x"})
    assert not form.is_valid()
    assert problems(form)["prompt"]
    assert form.count == (len(prompt.split()) if lines else 1)


def test_more_lines_than_may_be_are_counted(mallory: User) -> None:
    form = filled(mallory, "{a}\n" * 60, lines="on", **{"var-a": "x|y"})

    assert not form.is_valid()
    assert problems(form)["prompt"][0] == "There are 60 lines; use at most 50."
    assert form.count == 110
