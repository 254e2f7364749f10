"""Presets of a person, and their earlier prompts."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from generations.models import MAX_PRESETS, Generation, Preset, Status
from tests.cast import make_generation, signed_in
from tests.generations.views.test_composer import PAGE, text_order, values_in

SAVE = "/presets/"
ODD = {"kind": "image", "prompt": "A fox\nAn owl", "negative_prompt": "", "cfg_scale": "0.9", "duration": "10"}
ODD |= {"aspect_ratio": "1:1", "lines": "on", "variations": "4"}


def test_saved_form_is_loaded_again_and_orders_nothing(film: Team, bob: User) -> None:
    client = signed_in(bob)
    answer = client.post(SAVE, text_order(film, **ODD, preset_name="  Night   foxes "), follow=True)

    preset = Preset.objects.get(user=bob)
    assert answer.redirect_chain == [(f"{PAGE}?preset={preset.pk}", 302)]
    assert (preset.name, preset.values) == ("Night foxes", ODD)
    page = answer.content.decode()
    assert f'href="{PAGE}?preset={preset.pk}"' in page
    values = values_in(page)
    assert {name: values[name] for name in ODD} == ODD | {"prompt": "A fox\r\nAn owl"}
    assert not Generation.objects.exists()


def test_same_name_in_any_case_is_replaced(film: Team, bob: User) -> None:
    client = signed_in(bob)
    for name, prompt in (("Foxes", "One"), ("FOXES", "Two")):
        client.post(SAVE, text_order(film, prompt=prompt, preset_name=name))

    preset = Preset.objects.get(user=bob)
    assert (preset.name, preset.values["prompt"]) == ("FOXES", "Two")


@pytest.mark.parametrize("name", ["", "  ", "\u200b\u2800", "\u3164", "a" * 61])
def test_name_is_needed(film: Team, bob: User, name: str) -> None:
    page = signed_in(bob).post(SAVE, text_order(film, preset_name=name), follow=True).content.decode()

    assert "Give the preset a name" in page
    assert not Preset.objects.exists()


def test_there_is_an_end_to_them_but_the_known_are_still_replaced(film: Team, bob: User) -> None:
    Preset.objects.bulk_create(Preset(user=bob, name=f"Fox {number}") for number in range(MAX_PRESETS))
    client = signed_in(bob)
    page = client.post(SAVE, text_order(film, preset_name="One more"), follow=True).content.decode()
    client.post(SAVE, text_order(film, preset_name="fox 3", prompt="New"))

    assert "Delete one first" in page
    assert Preset.objects.count() == MAX_PRESETS
    assert Preset.objects.get(name="fox 3").values["prompt"] == "New"


def test_presets_are_each_persons_own(film: Team, alice: User, bob: User) -> None:
    hers = Preset.objects.create(user=alice, name="Hers", values={"prompt": "Hers alone"})
    client = signed_in(bob)

    page = client.get(PAGE, {"preset": str(hers.pk)}).content.decode()
    assert "Hers" not in page
    assert client.post(reverse("preset-delete", args=[hers.pk])).status_code == 404
    assert Preset.objects.filter(pk=hers.pk).exists()


def test_preset_is_deleted_by_its_person(bob: User) -> None:
    preset = Preset.objects.create(user=bob, name="Foxes", values={})
    answer = signed_in(bob).post(reverse("preset-delete", args=[preset.pk]))

    assert answer.headers["Location"] == PAGE
    assert not Preset.objects.exists()


def test_preset_that_is_none_gives_a_fresh_form(bob: User) -> None:
    for named in ("nonsense", "9" * 30, "4"):
        assert signed_in(bob).get(PAGE, {"preset": named}).context["form"]["prompt"].value() is None


def test_last_twenty_prompts_are_listed_once_each_the_newest_first(film: Team, alice: User, bob: User) -> None:
    make_generation(alice, film, prompt="Hers")
    for number in range(25):
        make_generation(bob, film, prompt=f"Fox {number}")
    make_generation(bob, film, prompt="Fox 10")
    assert earlier(bob) == ["Fox 10", *(f"Fox {number}" for number in range(24, 5, -1) if number != 10), "Fox 5"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("fox", ["A fox, digging", "Two foxes"]),
        ("  FOX  ", ["A fox, digging", "Two foxes"]),
        ("oxe", ["Two foxes"]),
        ("foxes two", ["Two foxes"]),
        ("digging", ["A fox, digging", "A badger digs"]),
        ("100%", ["100% wool"]),
        ("%", ["100% wool"]),
        ("badger\0", ["A badger digs"]),
        ("owl", []),
        ("hers", []),
        ("x" * 5000, []),
    ],
)
@pytest.mark.parametrize("part", ["", "list"])
def test_prompts_are_searched_by_parts_and_by_words(
    film: Team, alice: User, bob: User, query: str, found: list[str], part: str
) -> None:
    make_generation(alice, film, prompt="A fox, hers")
    make_generation(bob, film, Status.DONE, prompt="Deleted fox", deleted_at=timezone.now())
    for prompt in ("Two foxes", "100% wool", "A badger digs", "A fox, digging"):
        make_generation(bob, film, prompt=prompt)

    assert earlier(bob, q=query, part=part) == found


def test_search_without_results_is_repeated_as_it_was_typed(bob: User) -> None:
    for part in ("", "list"):
        page = signed_in(bob).get(reverse("earlier-prompts"), {"q": "<b>owl", "part": part}).content.decode()
        assert "No results for “&lt;b&gt;owl”" in page


def earlier(person: User, **query: str) -> list[str]:
    return [row.prompt for row in signed_in(person).get(reverse("earlier-prompts"), query).context["prompts"]]


def test_earlier_prompt_fills_the_field_alone(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.DONE, prompt="Two foxes", duration=10)
    form = signed_in(bob).get(PAGE, {"prompt": str(row.pk)}).context["form"]

    assert (form["prompt"].value(), form["duration"].value(), form["parent"].value()) == ("Two foxes", "5", None)


def test_prompt_that_one_may_not_see_is_not_filled_in(film: Team, alice: User, mallory: User) -> None:
    hers = make_generation(alice, film)

    assert signed_in(mallory).get(PAGE, {"prompt": str(hers.pk)}).status_code == 404
