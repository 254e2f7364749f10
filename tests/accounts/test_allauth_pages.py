"""allauth's pages in our looks: nothing of what its templates say is left out, and they use our words."""

import base64
import re
from pathlib import Path
from typing import Any, Final

import allauth
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as django_settings
from django.template import Context, Origin, Template
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from tests.cast import signed_in
from tests.html import id_faults, text_of
from tests.security.access_cast import passkey_data

PASSWORD: Final = "a long walk home"
THEIRS: Final = Path(allauth.__file__).parent / "templates/allauth/elements"
OURS: Final = Path(django_settings.BASE_DIR) / "templates/allauth/elements"
# how nothing is called here, and the title case of allauth's own templates
OTHER_WORDS: Final = re.compile(
    r"(?i:e-mail|second factor|two factor|\b2fa\b|pass[ -]key|security key|log ?in\b|logged in|username)|Two-Factor|"
    r"Authenticator App\b|Recovery Codes|Email Address|Sign In\b"
)


def used(directory: Path, name: str) -> set[str]:
    text = (directory / name).read_text()
    for included in re.findall(r'{% include "allauth/elements/(\w+\.html)"', text):
        text += (directory / included).read_text()
    return set(re.findall(r"(?:attrs\.|slot )(\w+)", text))


@pytest.mark.parametrize("name", sorted(file.name for file in OURS.glob("[a-z]*.html")))
def test_element_leaves_nothing_out_of_allauths(name: str) -> None:
    assert used(THEIRS, name) - {"unlabeled"} <= used(OURS, name)


@pytest.mark.parametrize(
    ("attributes", "slots", "expected"),
    [
        ('type="textarea" rows=3 readonly=True', {"value": "11\n22"}, ["<textarea", 'rows="3"', "readonly", "11\n22<"]),
        ('type="textarea" name="why" required=True placeholder="p"', {}, ['name="why"', "required", 'placeholder="p"']),
        ('type="text" value="x" disabled=True', {}, ['value="x"', "disabled"]),
        ('type="text" value="" placeholder="Code"', {}, ['value=""', 'placeholder="Code"']),
        ('type="password" autocomplete="off" required=True', {}, ['type="password"', 'autocomplete="off"', "required"]),
        ('type="radio" name="n" value=0 checked=True', {}, ['type="radio"', 'value="0"', "checked"]),
        ('type="checkbox" required=True', {"help_text": "Why"}, ['type="checkbox"', "required", "Why"]),
        ('type="text" readonly=True', {"help_text": "Why", "label": "What"}, ["readonly", "Why", "What"]),
    ],
)  # fmt: skip
def test_field_says_all_that_it_is_given(attributes: str, slots: dict[str, str], expected: list[str]) -> None:
    body = "".join(f"{{% slot {name} %}}{text}{{% endslot %}}" for name, text in slots.items())
    source = f'{{% load allauth %}}{{% element field id="it" {attributes} %}}{body}{{% endelement %}}'
    page = Template(source, Origin("test.html", "test.html")).render(Context())

    assert [one for one in expected if one not in page] == []
    assert id_faults(page) == []


@pytest.fixture
def eve(db: None, settings: Settings) -> User:
    """With every way to sign in."""
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "oidc",
                    "name": "Acme",
                    "client_id": "x",
                    "secret": "x",
                    "settings": {"server_url": "https://id.example.com"},
                }
            ]
        }
    }
    eve = User.objects.create_user("eve@example.com", PASSWORD)
    EmailAddress.objects.create(user=eve, email=eve.email, primary=True, verified=True)
    SocialAccount.objects.create(user=eve, provider="oidc", uid="eve")
    return eve


@pytest.fixture
def client(eve: User) -> Client:
    client = Client()
    client.post(reverse("account_login"), {"login": eve.email, "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def give_factors(user: User) -> tuple[Authenticator, list[str]]:
    secret = base64.b32encode(b"0" * 20).decode()
    Authenticator.objects.create(user=user, type="totp", data={"secret": secret})
    codes: list[str] = RecoveryCodes.activate(user).get_unused_codes()
    return Authenticator.objects.create(user=user, type="webauthn", data=passkey_data()), codes


def test_recovery_codes_are_shown_and_can_be_selected(client: Client, eve: User) -> None:
    _, codes = give_factors(eve)
    page = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    (field,) = re.findall(r"<textarea[^>]*readonly[^>]*>\s*(.*?)</textarea>", page, re.DOTALL)
    assert field.split() == codes
    assert client.get(reverse("mfa_download_recovery_codes")).content.decode().split() == codes


def addresses(passkey: Authenticator) -> list[tuple[str, list[Any]]]:
    named = [
        *("account_email", "account_change_password", "account_reauthenticate", "account_logout"),
        *("account_reset_password", "account_reset_password_done", "account_email_verification_sent"),
        *("account_reset_password_from_key_done", "account_inactive", "account-settings"),
        *("mfa_index", "mfa_list_webauthn", "mfa_add_webauthn", "mfa_generate_recovery_codes"),
        *("mfa_view_recovery_codes", "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "mfa_deactivate_totp"),
        *("socialaccount_connections", "socialaccount_login_cancelled", "usersessions_list"),
    ]
    keyed = ["mfa_edit_webauthn", "mfa_remove_webauthn"]
    return [*((name, []) for name in named), *((name, [passkey.pk]) for name in keyed)]


def check(answer: Any) -> list[str]:
    page = answer.content.decode()
    text = text_of(page)
    words = [f"“{found[0]}”" for found in OTHER_WORDS.finditer(text)]
    faults = [*id_faults(page), *words]
    return [f"{answer.request['PATH_INFO']}: {one}" for one in faults]


def test_pages_of_people_use_one_spelling_and_unique_ids(client: Client, eve: User) -> None:
    found = check(client.get(reverse("mfa_activate_totp")))  # before there is one
    passkey, _ = give_factors(eve)
    for name, arguments in addresses(passkey):
        answer = client.get(reverse(name, args=arguments))
        assert answer.status_code == 200, name
        found += check(answer)
    EmailAddress.objects.create(user=eve, email="eve@example.org")
    found += check(client.get(reverse("account_email")))
    found += check(signed_in(eve).get(reverse("openid-reauthenticate")))
    assert found == []


def test_pages_of_strangers_use_one_spelling_and_unique_ids(eve: User) -> None:
    give_factors(eve)
    stranger = Client()
    found = [
        fault
        for name in ("account_login", "account_signup", "account_reset_password")
        for fault in check(stranger.get(reverse(name)))
    ]
    found += check(stranger.post(reverse("account_login"), {"login": eve.email, "password": "wrong"}))
    answer = stranger.post(reverse("account_login"), {"login": eve.email, "password": PASSWORD}, follow=True)
    assert answer.request["PATH_INFO"] == reverse("mfa_authenticate")
    found += check(answer)
    found += check(stranger.post(reverse("mfa_authenticate"), {"code": "0"}))
    assert found == []


SOURCES: Final = [
    *sorted(Path(django_settings.BASE_DIR, "templates").rglob("*.html")),
    *sorted(Path(django_settings.BASE_DIR, "templates").rglob("*.txt")),
    *sorted(Path(django_settings.BASE_DIR, "accounts").rglob("*.py")),
    *sorted(Path(django_settings.BASE_DIR, "generations").rglob("*.py")),
]
# prose for people: in templates between tags, in Python within gettext
_PROSE: Final = re.compile(r'(?s)(?:\b_|gettext|gettext_lazy)\(\s*((?:f?"[^"]*"\s*)+)')
_MARKUP: Final = re.compile(r"(?s){%\s*(?!translate).*?%}|{{.*?}}|{#.*?#}|<script.*?</script>|<[^>]*>")


def prose(file: Path) -> str:
    text = file.read_text()
    if file.suffix == ".py":
        return "" if "migrations" in file.parts else "\n".join(_PROSE.findall(text))
    return _MARKUP.sub(" ", text)


def test_texts_for_people_have_one_spelling() -> None:
    """Also what only a mail, or a page in a rare state, says."""
    found = {
        f"{file.relative_to(django_settings.BASE_DIR)}: {match[0]}"
        for file in SOURCES
        for match in OTHER_WORDS.finditer(prose(file))
    }
    assert found == set()
