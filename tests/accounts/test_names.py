"""A name is one line of visible text, by whichever way it comes: it stands in lists, headers and mails."""

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from accounts.emails import send_email
from accounts.membership import create_team
from accounts.models import Team, User
from accounts.names import fold
from generations.models import Collection, Generation, Preset, Status, Tag
from tests.cast import make_generation, signed_in

BAD = {
    "a\nb": "a b",
    "a\r\nBcc: eve@example.org": "a Bcc: eve@example.org",
    "a\u2028b\u2029c\x85d\x0be\x0cf": "a b c d e f",
    "a\x00b\x1b[31mc\x7f": "a b [31mc",
    "evil\u202egnp.exe": "evilgnp.exe",
    "\u2066a\u2069\u200eb\u200f\u061cc": "abc",
    "a\u200bb\ufeffc\u00add\u2060e": "abcde",
    "  a \t\u00a0\u3000 b  ": "a b",
    "a\ud800b": "ab",
}
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
GOOD = ["Ünïcødé", "می‌خواهم", "👩‍👩‍👧", ENGLAND, "五匹の狐", "a&b <c>", "नमस्ते", "שלום"]


@pytest.mark.parametrize(("given", "kept"), BAD.items(), ids=map(ascii, BAD))
def test_fold(given: str, kept: str) -> None:
    assert fold(given) == kept
    assert fold(kept) == kept


@pytest.mark.parametrize("name", GOOD)
def test_names_of_all_languages_stay(name: str) -> None:
    assert fold(name) == name


WRITABLE = [given for given in BAD if "\x00" not in given and "\ud800" not in given]


@pytest.mark.parametrize("given", WRITABLE, ids=map(ascii, WRITABLE))
def test_each_kind_of_name_is_folded_by_each_way(film: Team, bob: User, given: str) -> None:
    row: Generation = make_generation(bob, film, Status.DONE)
    Collection.objects.assign([row], given)
    Tag.objects.add_to([row], given)
    Tag.objects.add_to([row], given)
    Preset.objects.save_preset(bob, given, {})
    User.objects.filter(pk=bob.pk).update(name=given)
    team = create_team(bob, given)
    made = User.objects.create_user("eve@example.org", name=given)

    names = {team.name, made.name, made.personal_team.name, User.objects.get(pk=bob.pk).name}
    names |= {model.objects.get().name for model in (Collection, Tag, Preset)}
    assert names == {BAD[given]}
    assert Tag.objects.filter(name=given).exists(), "it is found as it is typed"


@pytest.mark.parametrize("given", WRITABLE, ids=map(ascii, WRITABLE))
def test_forms_fold(film: Team, alice: User, given: str) -> None:
    client = signed_in(alice)
    client.post("/teams/film/", {"name": given})
    client.post("/accounts/settings/", {"name": given, "theme": "auto", "timezone": ""})
    film.refresh_from_db()
    assert film.name == BAD[given]
    alice.refresh_from_db()
    assert alice.name in {BAD[given], "Alice"}  # the page may ask for more


@pytest.mark.parametrize("given", ["\u202e", "\u200b\u2060", "\u2028", "\ufeff \u200e"])
def test_team_of_which_nothing_shows_is_refused(film: Team, alice: User, given: str) -> None:
    client: Client = signed_in(alice)
    assert client.post("/teams/film/", {"name": given}).status_code == 422
    assert client.post("/teams/", {"name": given}).status_code == 422
    film.refresh_from_db()
    assert film.name == "Film"


@pytest.mark.parametrize("given", WRITABLE, ids=map(ascii, WRITABLE))
def test_mail_headers_take_none_of_it(
    alice: User, film: Team, given: str, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    """Also of a name that was kept before."""
    film.name = given
    assert send_email("eve@example.org", "teams/mail/budget", {"team": film, "is_whole": True, "percent": 90})
    (mail,) = mailoutbox
    assert BAD[given] in str(mail.subject)
    assert set(mail.message().keys()) & {"Bcc", "Cc"} == set()
