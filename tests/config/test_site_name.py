"""What the site is called, where people read it; `tests/accounts/test_mail_addresses.py` reads allauth's mails."""

import os
import subprocess
import sys
from typing import Final

import pytest
from django.conf import settings as django_settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import get_template
from django.templatetags.static import static
from django.test import Client
from pytest_django import Settings

from accounts.models import Team, User
from tests.cast import signed_in

PRINT: Final = """
from config import settings
for text in (settings.SITE_NAME, settings.DEFAULT_FROM_EMAIL, settings.MFA_TOTP_ISSUER):
    print(text)
"""


@pytest.mark.parametrize(
    ("named", "name", "sender"),
    [
        (None, "Kling Studio", "Kling Studio <studio@localhost>"),
        ("  ", "Kling Studio", "Kling Studio <studio@localhost>"),
        ("Acme Films", "Acme Films", "Acme Films <studio@localhost>"),
        ("Acme,\n Films", "Acme, Films", '"Acme, Films" <studio@localhost>'),
        ("Bücher", "Bücher", "=?utf-8?q?B=C3=BCcher?= <studio@localhost>"),
    ],
)
def test_name_is_one_line_of_the_environment(named: str | None, name: str, sender: str) -> None:
    others = {key: value for key, value in os.environ.items() if key not in {"SITE_NAME", "SITE_URL"}}
    environment = others | ({"SITE_NAME": named} if named is not None else {})
    command = [sys.executable, "-c", PRINT]
    said = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=django_settings.BASE_DIR, env=environment
    )
    assert said.stdout.splitlines() == [name, sender, name]


@pytest.mark.parametrize("address", ["/", "/accounts/login/", "/nowhere/"])
def test_titles_and_headers_have_it(db: None, settings: Settings, address: str) -> None:
    settings.SITE_NAME = "Acme & Films"
    page = Client().get(address).content.decode()

    assert " · Acme &amp; Films</title>" in page
    assert '<span class="brand__name">Acme &amp; Films</span>' in page
    assert "Kling Studio" not in page


def test_page_of_a_server_error_has_it_without_a_context(settings: Settings) -> None:
    settings.SITE_NAME = "Acme Films"
    assert "· Acme Films</title>" in get_template("500.html").render()


def test_invitation_has_it(
    settings: Settings, film: Team, alice: User, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    settings.SITE_NAME = "Acme Films"
    signed_in(alice).post("/teams/film/invitations", {"email": "eve@example.org", "role": "member"})
    (letter,) = mailoutbox

    assert letter.subject == "You are invited to a team at Acme Films"
    html = str(letter.alternatives[0][0])
    assert ("Acme Films" in letter.body, "Acme Films" in html) == (True, True)
    assert "Kling Studio" not in f"{letter.subject}{letter.body}{html}"


def test_icon_is_where_browsers_look_for_it(db: None) -> None:
    """They ask for it at a picture or a JSON document, which name none."""
    answer = Client().get("/favicon.ico")
    assert answer.status_code == 302
    assert answer.headers["Location"] == static("favicon.svg")
    assert "max-age" in answer.headers["Cache-Control"]
