"""Orders by the API whose prompts have variables, and presets of a team."""

from base64 import b64encode
from typing import Any

import pytest

from accounts.models import Membership, Team, User
from accounts.roles import Role
from api.models import Key
from generations.models import Generation, Preset, Upload
from tests.api.v1.client import Program
from tests.api.v1.test_generations import FOX, pointers, problem
from tests.cast import picture
from tests.sandbox_process import Sandbox

SEASON = "{season: winter|summer}"
MATRIX = FOX | {"prompt": "{product} in " + SEASON, "variables": {"product": ["lamp", "a|b", "lamp"]}}
MADE = ["lamp in winter", "lamp in summer", "a|b in winter", "a|b in summer"]


def test_each_combination_is_a_generation_of_one_batch(program: Program) -> None:
    key = {"Idempotency-Key": "m"}
    first, again = (program.post("/generations", MATRIX, **key) for _ in range(2))

    assert first.status_code == 201, first.content
    assert first.json() == again.json() == program.get(first.headers["Location"].removeprefix("/api/v1")).json()
    assert [one["prompt"] for one in first.json()["generations"]] == MADE
    assert first.json()["cost"]["cents"] == 4 * 35
    assert Generation.objects.count() == 4
    other = MATRIX | {"variables": {"product": ["lamp"]}}
    assert problem(program.post("/generations", other, **key))["type"].endswith("idempotency-key-reused")


def test_without_variables_braces_are_text(program: Program) -> None:
    for prompt in (MATRIX["prompt"], '{"a": {"b": "{c}"}}', "{{d}}"):
        answer = program.post("/generations", FOX | {"prompt": prompt})
        assert answer.json()["prompt"] == prompt


def test_choices_left_out_are_taken_whole(program: Program) -> None:
    body = FOX | {"prompt": SEASON, "negative_prompt": "no {season}, {{text}}", "variables": {}}
    rows = program.post("/generations", body).json()["generations"]

    assert [(one["prompt"], one["negative_prompt"]) for one in rows] == [
        ("winter", "no winter, {text}"),
        ("summer", "no summer, {text}"),
    ]
    body["variables"] = {"season": ["summer"]}
    (row,) = program.post("/generations", body).json()["generations"]
    assert row["prompt"] == "summer"


@pytest.mark.parametrize(
    ("prompt", "variables", "wrong"),
    [
        ("{a}", {}, {"#/variables/a"}),
        ("{a}", {"a": []}, {"#/variables/a"}),
        ("{a} {b}", {"a": ["x", " "], "b": ["y"]}, {"#/variables/a"}),
        ("{a}", {"a": ["x"], "b": ["y"], "c/d": ["z"]}, {"#/variables/b", "#/variables/c~1d"}),
        (SEASON, {"season": ["winter", "spring"]}, {"#/variables/season"}),
        ("{a} {b}", {"a": [str(n) for n in range(17)], "b": ["x", "y", "z"]}, {"#/variables"}),
        ("{a}{b}", {"a": ["x", "a" * 2500], "b": ["x", "y"]}, {"#/prompt"}),
        ("{a}", {"a": ["a" * 2501]}, {"#/variables/a/0"}),
        ("{a}", {"a": "x"}, {"#/variables/a"}),
        (
            "".join(f"{{{letter}}}" for letter in "abcdefghijk"),
            {},
            {"#/prompt", *(f"#/variables/{n}" for n in "abcdefghijk")},
        ),
    ],
)
def test_what_is_wrong_is_named(program: Program, prompt: str, variables: dict[str, Any], wrong: set[str]) -> None:
    assert pointers(program.post("/generations", FOX | {"prompt": prompt, "variables": variables})) == wrong
    assert not Generation.objects.exists()


def test_batch_counts_all_and_its_price_is_told_first(program: Program, bob: User, film: Team) -> None:
    Membership.objects.filter(user=bob, team=film).update(monthly_limit_cents=12 * 35 - 1)
    twelve = MATRIX | {"variables": {"product": list("abcdef")}}
    quote = program.post("/batches/quote", {"requests": [twelve]}).json()
    assert (quote["cost"]["cents"], len(quote["each"]), quote["is_affordable"]) == (420, 12, False)
    assert problem(program.post("/generations", twelve))["type"].endswith("over-budget")
    assert not Generation.objects.exists()

    Membership.objects.filter(user=bob, team=film).update(monthly_limit_cents=14 * 35)
    made = program.post("/batches", {"requests": [FOX, twelve, FOX]})
    assert len(made.json()["generations"]) == 14
    many = [MATRIX | {"variables": {"product": [str(n) for n in range(13)]}}] * 2
    assert pointers(program.post("/batches", {"requests": many})) == {"#/requests"}
    wrong = {"requests": [FOX, MATRIX | {"variables": {}}]}
    assert pointers(program.post("/batches/quote", wrong)) == {"#/requests/1/variables/product"}


def test_pictures_are_kept_once_for_all_combinations(program: Program, sandbox: Sandbox) -> None:
    address = "data:image/jpeg;base64," + b64encode(picture()).decode()
    body = {"prompt": SEASON, "variables": {}, "image_url": address}
    rows = program.post("/generations", body).json()["generations"]

    assert [one["kind"] for one in rows] == ["image", "image"]
    assert Upload.objects.count() == 1


def test_presets_of_the_keys_team(program: Program, owners: Program, outsiders: Program, bob: User, film: Team) -> None:
    body = {"name": "Snow", "scope": "team", "prompt": "{a}", "variables": {"a": ["fox", "owl"]}}
    made = program.post("/presets", body)
    assert made.status_code == 201, made.content
    changed = program.post("/presets", body | {"name": "SNOW", "prompt": "Two {a}"}).json()
    assert (made.json()["version"], changed["version"], changed["id"]) == (1, 2, made.json()["id"])
    assert changed["values"] == {"kind": "text", "prompt": "Two {a}", "var-a": "fox\nowl"}
    own = f"/presets/{changed['id']}"
    assert owners.get(own).json() == changed
    assert owners.get("/presets").json()["data"] == [changed]
    assert (changed["scope"], changed["uses"], changed["made_by"]["name"]) == ("team", 0, "Bob")
    assert outsiders.get(own).status_code == 404

    Preset.objects.update(team=Team.objects.create(name="Other", slug="other"))
    assert program.get("/presets").json()["data"] == []
    assert program.get(own).status_code == 404
    Preset.objects.update(team=film)
    Membership.objects.filter(user=bob, team=film).update(role=Role.VIEWER)
    Key.objects.update(scopes=["read", "generate", "manage"])
    assert program.delete(own).status_code == 403
    assert program.post("/presets", body).status_code == 403
    assert owners.delete(own).status_code == 204
