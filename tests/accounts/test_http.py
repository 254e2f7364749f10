"""Where people are led when they are not signed in."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from tests.cast import make_generation


@pytest.mark.parametrize(
    ("came_from", "next_"),
    [
        ("http://testserver/generations/abc/?kind=image", "/generations/abc/%3Fkind%3Dimage"),
        ("https://elsewhere.example/generations/abc/", None),
        ("//elsewhere.example/", None),
        ("http://testserver.elsewhere.example/", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_button_pressed_after_the_session_leads_back_to_its_page(
    client: Client, film: Team, bob: User, came_from: str, next_: str | None
) -> None:
    address = reverse("generation-cancel", args=[make_generation(bob, film).pk])
    answer = client.post(address, headers={"Referer": came_from})

    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/accounts/login/?next={next_ or address}"
    assert client.get(address, headers={"Referer": came_from}).status_code == 405
