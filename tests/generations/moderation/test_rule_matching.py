"""Prompt rules: what they catch in spite of evasion, what they leave alone, and what becomes of an order."""

import uuid
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Team, User
from generations.exceptions import OrderRefusedError
from generations.fal.arguments import Endpoint, parse
from generations.models import Case, Flag, Generation, Hold, PromptRule, Status
from generations.moderation.rule_matching import MatchResult, check_pattern, match_rules
from generations.orders.place import Order, place_batch, place_retry
from tests.cast import make_generation, signed_in
from tests.sandbox_process import Sandbox

Kind, Action = PromptRule.Kind, PromptRule.Action


def rule(text: str, kind: str = Kind.WORD, action: str = Action.BLOCK, **columns: Any) -> PromptRule:
    return PromptRule(text=text, kind=kind, action=action, **columns)


def hits(text: str, prompt: str, kind: str = Kind.WORD) -> bool:
    return bool(match_rules([rule(text, kind)], prompt).hits)


@pytest.mark.parametrize(
    "prompt",
    [
        "so much blood here",
        "BLOOD",
        "Blóod",
        "b l o o d everywhere",
        "b.l.o.o.d",
        "b-l-o-o-d",
        "b l-o.o d",
        "bl00d",
        "8lood",
        "b|ood",
        "blооd",  # Cyrillic
        "ВLΟΟD",  # Cyrillic and Greek
        "ｂｌｏｏｄ",  # full width
        "b\u200blood",
        "bl\u00adood",
        "bloooooood",
        "b\u0336l\u0336o\u0336o\u0336d\u0336",
    ],
)
def test_word_is_found_in_spite_of_evasion(prompt: str) -> None:
    assert hits("blood", prompt)


@pytest.mark.parametrize(
    ("word", "prompt"),
    [
        ("ass", "the class passes the assembly"),
        ("ass", "a glass of water"),
        ("blood", "bloodhound, bloodless"),
        ("hell", "a shell, hello"),
        ("cat", "concatenate"),
        ("tit", "a title"),
        ("is", "1 5 cars"),
        ("foo", "fo"),
        ("good", "a god"),
        ("a b c", "a big cat"),
    ],
)
def test_ordinary_words_are_left_alone(word: str, prompt: str) -> None:
    assert not hits(word, prompt)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz ", min_size=1, max_size=200))
def test_a_word_that_is_not_there_is_never_found(prompt: str) -> None:
    assert not hits("xylophone", prompt.replace("xylophone", ""))


@given(st.text(max_size=300))
def test_any_text_can_be_judged(prompt: str) -> None:
    match_rules([rule("blood"), rule("a b", Kind.PHRASE), rule("b.*d", Kind.PATTERN)], prompt)


def test_phrase_is_words_in_this_order() -> None:
    assert hits("famous actor", "a FAMOUS, áctor walks", Kind.PHRASE)
    assert not hits("famous actor", "an actor, famous", Kind.PHRASE)
    assert not hits("famous actor", "a famous old actor", Kind.PHRASE)


def test_pattern_is_searched_in_the_text_as_written_and_as_read() -> None:
    assert hits(r"\bgun(s|fire)?\b", "GUNFIRE at night", Kind.PATTERN)
    assert hits(r"\bgun\b", "a g u n", Kind.PATTERN)
    assert not hits(r"\bgun\b", "a gunner", Kind.PATTERN)


def test_pattern_that_is_wrong_or_slow_is_refused_when_saved() -> None:
    check_pattern(r"\bgun(s|fire)?\b")
    with pytest.raises(ValidationError, match="no regular expression"):
        check_pattern("(")
    with pytest.raises(ValidationError, match="takes too long"):
        check_pattern(r"(a+)+$")


def test_pattern_that_chokes_on_a_prompt_counts_as_a_hit() -> None:
    assert hits(r"(a+)+$", "a" * 2000 + " b", Kind.PATTERN)


@pytest.mark.parametrize(("actions", "strictest"), [("flag hold", "hold"), ("hold block flag", "block"), ("", None)])
def test_strictest_action_counts(actions: str, strictest: str | None) -> None:
    verdict: MatchResult = match_rules([rule("fox", action=action) for action in actions.split()], "a fox")
    assert verdict.action == strictest


# --- orders -----------------------------------------------------------------------------------------------------------


def order(user: User, team: Team, *prompts: str) -> list[Generation]:
    values = {"duration": 5, "aspect_ratio": "1:1"}
    made = [parse(Endpoint.TEXT_TO_VIDEO, {"prompt": prompt, **values}) for prompt in prompts]
    key = uuid.uuid4()
    return place_batch([Order(user, team, key, Endpoint.TEXT_TO_VIDEO, each, {}) for each in made])


def data(team: Team, prompt: str) -> dict[str, str]:
    fixed = {"kind": "text", "duration": "5", "aspect_ratio": "16:9", "cfg_scale": "0.5", "variations": "1"}
    return {"idempotency_key": str(uuid.uuid4()), "team": team.slug, "prompt": prompt, **fixed}


def test_block_stands_by_the_prompt_spends_nothing_and_loses_nothing(film: Team, bob: User) -> None:
    PromptRule.objects.create(text="blood", action=Action.BLOCK, message="No gore in this studio, please.")
    answer = signed_in(bob).post("/generations/new/", data(film, "A fox and bl00d"))

    assert answer.status_code == 422
    page = answer.content.decode()
    assert "No gore in this studio, please." in page
    assert 'id="id_prompt_error"' in page
    assert "A fox and bl00d" in page
    assert not Generation.objects.exists()


def test_block_of_one_line_refuses_the_whole_batch(film: Team, bob: User) -> None:
    PromptRule.objects.create(text="blood", action=Action.BLOCK)
    with pytest.raises(OrderRefusedError, match="“blood”"):
        order(bob, film, "A fox", "A fox in blood")
    assert not Generation.objects.exists()


def test_retry_of_what_is_blocked_by_now_is_refused(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.FAILED, responsible_party="us", prompt="blood")
    PromptRule.objects.create(text="blood", action=Action.BLOCK)
    with pytest.raises(OrderRefusedError):
        place_retry(row, bob, uuid.uuid4())


def test_hold_holds_the_money_sends_nothing_and_comes_before_a_moderator(
    sandbox: Sandbox, film: Team, bob: User
) -> None:
    made = PromptRule.objects.create(text="sword", action=Action.HOLD, message="swords are looked at first.")
    fox, held = order(bob, film, "A fox", "A fox with a sword")

    assert (fox.status, held.status) == (Status.QUEUED, Status.HELD)
    assert held.cost_cents == 35
    hold = Hold.objects.get()
    assert (hold.kind, hold.rule, hold.generation) == (Hold.Kind.RULE, made, held)
    assert Case.objects.get().causes == ["hold"]
    page = signed_in(bob).get(held.get_absolute_url()).content.decode()
    assert "swords are looked at first." in page
    assert "Its money is held" in page


def test_flag_lets_it_pass_and_comes_before_a_moderator(film: Team, bob: User) -> None:
    PromptRule.objects.create(text="smoke", action=Action.FLAG)
    (row,) = order(bob, film, "A fox in smoke")

    assert row.status == Status.QUEUED
    assert Flag.objects.get().matched_text == "smoke"
    assert Case.objects.get().causes == ["flag"]


@pytest.mark.parametrize(
    ("columns", "is_hit"),
    [({}, True), ({"is_active": False}, False), ({"team": "film"}, True), ({"team": "other"}, False)],
)
def test_rule_of_the_site_or_of_one_team(film: Team, bob: User, columns: dict[str, Any], is_hit: bool) -> None:
    if "team" in columns:
        columns = {"team": film if columns["team"] == "film" else bob.personal_team}
    PromptRule.objects.create(text="fox", action=Action.FLAG, **columns)
    order(bob, film, "A fox")
    assert Flag.objects.exists() == is_hit


def test_negative_prompt_is_judged_too(film: Team, bob: User) -> None:
    PromptRule.objects.create(text="blood", action=Action.BLOCK)
    answer = signed_in(bob).post("/generations/new/", data(film, "A fox") | {"negative_prompt": "blood"})
    assert answer.status_code == 422


def test_shell_says_the_same(film: Team, bob: User) -> None:
    PromptRule.objects.create(text="fox", action=Action.BLOCK, message="No foxes.")
    with pytest.raises(CommandError, match="No foxes"):
        call_command("generate", "A fox", user=bob.email, team="film")
