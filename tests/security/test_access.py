"""Who gets what at each address: all of them from the resolver, by role and method, against the table `access.txt`."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import cycle
from pathlib import Path
from typing import Final

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from accounts.models import Team, User
from config.api_paths import is_for_programs
from tests.sandbox_process import Sandbox
from tests.security.access_cast import PEOPLE, Things, browser_of, make_things
from tests.security.addresses import addresses

ROLES: Final = ("nobody", *PEOPLE)
REFUSED: Final = ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
TEAM_ONLY: Final = ("in", "404", "200", "200", "200", "200", "404", "403", "404", "404", "404", "200")


def read_table(path: Path) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    """By name and method the answer to each role. A line of answers stands above the names that give them."""
    answers: tuple[str, ...] = ()
    method = ""
    for line in path.read_text().splitlines():
        if line.startswith(("GET ", "POST ", "PUT ", "PATCH ", "DELETE ")):
            method, *found = line.split()
            answers = tuple(found)
        elif line.startswith(" "):
            yield from (((name, method), answers) for name in line.split())


ROWS: Final = list(read_table(Path(__file__).with_name("access.txt")))
TABLE: Final = dict(ROWS)
ADDRESSES: Final = list(addresses())
OF_THE_TEAM: Final = [one for one in ADDRESSES if TABLE.get((one.name, "GET")) == TEAM_ONLY and one.name != "avatar"]
NAMES: Final = {one.name for one in OF_THE_TEAM}


@pytest.fixture
def things(
    settings: Settings, moderators: Group, film: Team, alice: User, bob: User, victor: User, mallory: User
) -> Things:
    settings.STAFF_SECOND_FACTOR = "required"
    settings.LLM_URL = "https://llm.example"  # so that prompts may be sent there
    return make_things(film, alice, bob, mallory)


def answer_to(client: Client, method: str, path: str) -> str:
    """The status; of a redirect, where it leads. Whatever the request changed is as before."""
    cookies = deepcopy(client.cookies)
    with transaction.atomic():
        answer = client.generic(method, path)
        transaction.set_rollback(True)
    client.cookies = cookies
    if answer.status_code != 302:
        return str(answer.status_code)
    target = answer.headers["Location"]
    if target.startswith(("/accounts/login/?next=/", "/admin/login/?next=/")):
        return "in"
    return "again" if "/reauthenticate/" in target else "on"


def test_every_address_has_a_row_for_each_method_and_an_answer_for_each_role() -> None:
    assert set(TABLE) == {(address.name, method) for address in ADDRESSES for method in ("GET", "POST")}
    assert len(ROWS) == len(TABLE), "an address stands in two rows"
    assert {len(answers) for answers in TABLE.values()} == {len(ROLES)}


@pytest.mark.parametrize("role", ROLES)
def test_address_answers_as_the_table_says(things: Things, sandbox: Sandbox, role: str) -> None:
    client = browser_of(role, things)
    asked = [(address, method) for address in ADDRESSES for method in ("GET", "POST")]
    column = ROLES.index(role)

    answers = {(address.name, method, answer_to(client, method, things.path(address))) for address, method in asked}

    assert answers == {(name, method, row[column]) for (name, method), row in TABLE.items()}


@pytest.mark.parametrize("role", ["nobody", "maker", "superuser"])
def test_head_is_answered_like_get_and_other_methods_are_refused(things: Things, sandbox: Sandbox, role: str) -> None:
    client = browser_of(role, things)
    column = ROLES.index(role)

    heads = {address.name: answer_to(client, "HEAD", things.path(address)) for address in ADDRESSES}
    people = [one for one in ADDRESSES if not is_for_programs(f"/{one.route}")]
    others = {answer_to(client, method, things.path(one)) for one, method in zip(people, cycle(REFUSED))}

    assert heads == {name: row[column] for (name, method), row in TABLE.items() if method == "GET"}
    assert others == {"405"}


def test_what_bob_made_is_gone_for_him_when_he_has_left(things: Things) -> None:
    client = browser_of("maker", things)
    things.bob.memberships.filter(team=things.film).delete()

    assert {one.name: answer_to(client, "GET", things.path(one)) for one in OF_THE_TEAM} == dict.fromkeys(NAMES, "404")


def test_team_that_asks_for_a_second_factor_shows_nothing_without_one(things: Things) -> None:
    Team.objects.filter(pk=things.film.pk).update(needs_second_factor=True)
    client = browser_of("viewer", things)

    answers = {one.name: answer_to(client, "GET", things.path(one)) for one in OF_THE_TEAM}
    assert {name for name, answer in answers.items() if answer in {"403", "404"}} == NAMES
