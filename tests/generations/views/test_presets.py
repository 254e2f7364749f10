"""Presets of a person and of a team, and earlier prompts."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.flows.delete_account import delete_account
from generations.flows.delete_team import delete_team
from generations.models import MAX_PRESETS, MAX_TEAM_PRESETS, Generation, Preset, PresetVersion, Slot, Status
from tests.cast import make_generation, make_upload, signed_in
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


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        ({"preset_name": ""}, "Give the preset a name"),
        ({"preset_name": "Fox", "preset_team": "nobodys"}, "There is no such team"),
        ({"preset_name": "Fox"}, "Delete one first"),
        ({"preset_name": "Fox", "preset_team": "film"}, "Delete one first"),
    ],
)
def test_refused_it_loses_nothing_that_was_typed(
    film: Team, bob: User, refused: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without scripts, and with what the form holds besides the preset's own fields."""
    for most in ("MAX_PRESETS", "MAX_TEAM_PRESETS"):
        monkeypatch.setattr(f"generations.models.preset.{most}", 0)
    upload, typed = make_upload(bob), ODD | {"team": "film", "tail_link": "https://example.com/fox.jpg"}
    sent = text_order(film) | typed | refused | {"start_upload": str(upload.pk), "draft": str(uuid.uuid4())}
    answer = signed_in(bob).post(SAVE, sent, follow=True)
    page = answer.content.decode()

    assert words in page
    assert {name: values_in(page)[name] for name in typed} == typed | {"prompt": "A fox\r\nAn owl"}
    assert answer.context["form"].kept == {Slot.START: upload}


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


# --- of a team, with versions


def save(client: Client, team: Team, name: str, prompt: str, **values: str) -> Preset:
    order = text_order(team, prompt=prompt, preset_name=name, preset_team=team.slug, **values)
    answer = client.post(SAVE, order)
    return Preset.objects.get(pk=int(answer.headers["Location"].rpartition("=")[2]))


def test_preset_of_a_team_is_everyones_there(film: Team, alice: User, bob: User, victor: User, mallory: User) -> None:
    preset = save(signed_in(bob), film, "Foxes", "A {what}", **{"var-what": "fox\r\nowl"})

    assert (preset.team, preset.user, preset.version, preset.uses) == (film, bob, 1, 0)
    for person in (alice, bob):
        page = signed_in(person).get(PAGE, {"preset": str(preset.pk)})
        assert page.context["form"]["prompt"].value() == "A {what}"
        assert page.context["form"].count == 2
        assert "Foxes" in page.content.decode()
    address = reverse("preset", args=[preset.pk])
    assert "made by Bob" in " ".join(signed_in(victor).get(address).content.decode().split())
    assert "Foxes" in signed_in(victor).get(reverse("presets")).content.decode()
    assert signed_in(mallory).get(address).status_code == 404
    assert "Foxes" not in signed_in(mallory).get(reverse("presets")).content.decode()
    assert signed_in(mallory).get(PAGE, {"preset": str(preset.pk)}).context["form"]["prompt"].value() is None


@pytest.mark.parametrize("name", ["victor", "mallory"])
def test_preset_of_a_team_is_saved_by_who_makes_videos_there(
    film: Team, request: pytest.FixtureRequest, name: str
) -> None:
    person: User = request.getfixturevalue(name)
    order = text_order(film, preset_name="Foxes", preset_team="film")
    page = signed_in(person).post(SAVE, order, follow=True).content.decode()

    assert "There is no such team, or you may not save presets in it." in page
    assert not Preset.objects.exists()


def test_same_name_may_be_a_persons_and_a_teams(film: Team, bob: User) -> None:
    client = signed_in(bob)
    save(client, film, "Foxes", "The team’s")
    client.post(SAVE, text_order(film, preset_name="foxes", prompt="His own"))

    assert {one.values["prompt"] for one in Preset.objects.all()} == {"The team’s", "His own"}


def test_changed_preset_keeps_what_it_was_and_brings_it_back(film: Team, alice: User, bob: User) -> None:
    preset = save(signed_in(bob), film, "Foxes", "One")
    save(signed_in(alice), film, "FOXES", "Two")
    save(signed_in(alice), film, "FOXES", "Two")  # nothing new
    preset.refresh_from_db()
    assert (preset.name, preset.version, preset.user, preset.changed_by) == ("FOXES", 2, bob, alice)

    page = signed_in(bob).get(reverse("preset", args=[preset.pk])).content.decode()
    assert "Version 1, “Foxes”, by Bob," in " ".join(page.split())
    assert '<dd dir="auto">One</dd>' in page
    assert page.count(">10 seconds</dd>") == 2
    answer = signed_in(bob).post(reverse("preset-bring-back", args=[preset.pk]), {"version": "1"}, follow=True)
    assert "Version 1 is back, as the newest one." in answer.content.decode()
    preset.refresh_from_db()
    assert (preset.name, preset.version, preset.values["prompt"], preset.changed_by) == ("FOXES", 3, "One", bob)
    kept = [(one.number, one.values["prompt"], one.made_by) for one in preset.versions.all()]
    assert kept == [(2, "Two", alice), (1, "One", bob)]


@pytest.mark.parametrize("version", ["9", "", "x", "-1", "9" * 30])
def test_version_that_is_none_changes_nothing(film: Team, bob: User, version: str) -> None:
    preset = save(signed_in(bob), film, "Foxes", "One")
    answer = signed_in(bob).post(reverse("preset-bring-back", args=[preset.pk]), {"version": version}, follow=True)

    assert "There is no such version." in answer.content.decode()
    assert Preset.objects.get().version == 1


def test_only_so_many_versions_are_kept(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generations.models.preset.MAX_EARLIER_VERSIONS", 3)
    for number in range(6):
        preset = Preset.objects.save_preset(bob, "Foxes", {"prompt": str(number)})

    assert [one.number for one in preset.versions.all()] == [5, 4, 3]


def test_two_who_save_at_once_make_two_versions(film: Team, alice: User, bob: User) -> None:
    preset = Preset.objects.save_preset(bob, "Foxes", {"prompt": "One"}, film)
    stale = Preset.objects.get(pk=preset.pk)
    Preset.objects.save_preset(alice, "Foxes", {"prompt": "Two"}, film)

    assert stale.bring_back(1, bob)
    assert (Preset.objects.get().version, PresetVersion.objects.count()) == (3, 2)


def test_team_has_an_end_of_presets_of_its_own(film: Team, bob: User) -> None:
    rows = [Preset(user=bob, team=film, name=f"Fox {number}") for number in range(MAX_TEAM_PRESETS)]
    Preset.objects.bulk_create(rows)
    order = text_order(film, preset_name="One more", preset_team="film")
    page = signed_in(bob).post(SAVE, order, follow=True).content.decode()

    assert "Film has 100 presets. Delete one first." in page
    signed_in(bob).post(SAVE, order | {"preset_team": ""})
    assert Preset.objects.filter(team=None).count() == 1


def test_preset_of_a_team_is_deleted_by_its_maker_and_by_who_manages(
    film: Team, alice: User, bob: User, victor: User
) -> None:
    hers, his, other = (
        Preset.objects.create(user=one, team=film, name=f"{one} {n}") for n, one in enumerate((alice, bob, bob))
    )
    for person, preset, status in ((bob, hers, 403), (victor, hers, 403), (bob, his, 302), (alice, other, 302)):
        assert signed_in(person).post(reverse("preset-delete", args=[preset.pk])).status_code == status
    answer = signed_in(victor).post(reverse("preset-bring-back", args=[hers.pk]), {"version": "1"})
    assert answer.status_code == 403
    assert list(Preset.objects.all()) == [hers]

    Membership.objects.filter(user=alice).exclude(team=alice.personal_team).update(role=Role.VIEWER)
    assert signed_in(alice).post(reverse("preset-delete", args=[hers.pk])).status_code == 403


def test_orders_that_began_with_it_are_counted(film: Team, alice: User, bob: User, mallory: User) -> None:
    preset = save(signed_in(bob), film, "Foxes", "A fox")
    client = signed_in(alice)
    page = client.get(PAGE, {"preset": str(preset.pk)}).content.decode()
    order = values_in(page) | {"team": "film", "variations": "3"}
    answer = client.post(PAGE, order)
    client.post(PAGE, order)  # the same press once more
    assert Preset.objects.get().uses == 1

    again = values_in(client.get(answer.headers["Location"]).content.decode())
    client.post(PAGE, again)
    assert Preset.objects.get().uses == 2
    for named in (str(preset.pk), "nonsense", "9" * 30):
        signed_in(mallory).post(PAGE, text_order(mallory.personal_team, preset=named))
    client.post(PAGE, text_order(film, prompt="", preset=str(preset.pk)))
    assert (Preset.objects.get().uses, Generation.objects.count()) == (2, 9)
    facts = " ".join(client.get(reverse("presets")).content.decode().split())
    assert "Film · made by Bob · version 1 · used for 2 orders" in facts


def test_account_that_goes_leaves_the_teams_presets(film: Team, alice: User, bob: User) -> None:
    alone = Team.objects.create(name="Alone", slug="alone")
    Membership.objects.create(team=alone, user=bob, role=Role.OWNER)
    kept = Preset.objects.save_preset(bob, "Foxes", {"prompt": "One"}, film)
    Preset.objects.save_preset(bob, "Foxes", {"prompt": "Two"}, film)
    Preset.objects.save_preset(bob, "Mine", {"prompt": "Secret"})
    Preset.objects.save_preset(bob, "Of nobody else", {"prompt": "Secret"}, alone)
    assert delete_account(bob)

    assert list(Preset.objects.all()) == [kept]
    page = " ".join(signed_in(alice).get(reverse("preset", args=[kept.pk])).content.decode().split())
    assert "made by Former member" in page
    assert "Version 1, “Foxes”, by Former member," in page


@pytest.mark.parametrize("has_heir", [True, False])
def test_team_that_is_deleted_takes_its_presets_along(film: Team, alice: User, bob: User, has_heir: bool) -> None:
    for prompt in ("One", "Two"):
        Preset.objects.save_preset(bob, "Foxes", {"prompt": prompt}, film)
    own = Preset.objects.save_preset(bob, "Mine", {"prompt": "One"})
    assert delete_team(film, alice, alice if has_heir else None)

    assert list(Preset.objects.all()) == [own]
    assert not PresetVersion.objects.exists()
