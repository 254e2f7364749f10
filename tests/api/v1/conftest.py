"""Programs of the cast."""

import pytest

from accounts.models import Team, User
from tests.api.conftest import bobs_key, make_key
from tests.api.v1.client import Program

__all__ = ["bobs_key"]


@pytest.fixture
def program(bob: User, film: Team) -> Program:
    """Of bob's in Film, with every scope."""
    return Program(make_key(bob, film)[1])


@pytest.fixture
def owners(alice: User, film: Team) -> Program:
    return Program(make_key(alice, film)[1])


@pytest.fixture
def viewers(victor: User, film: Team) -> Program:
    return Program(make_key(victor, film)[1])


@pytest.fixture
def outsiders(mallory: User) -> Program:
    team = Team.objects.get(personal_of=mallory)
    return Program(make_key(mallory, team)[1])
