import re

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.cast import signed_in

PASSWORD = "a-long-passphrase"


@pytest.fixture
def nina(db: None) -> User:
    nina = User.objects.create_user("nina@example.com", PASSWORD, name="Nina")
    EmailAddress.objects.create(user=nina, email=nina.email, primary=True, verified=True)
    return nina


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.mark.parametrize("typed", ["nina@example.com", "NINA@Example.COM", " nina@example.com "])
def test_person_signs_in_with_their_address_in_any_case(client: Client, nina: User, typed: str) -> None:
    client.post(reverse("account_login"), {"login": typed, "password": PASSWORD})

    assert client.session["_auth_user_id"] == str(nina.pk)


def test_sign_in_leads_to_the_page_that_asked_for_it(client: Client, nina: User) -> None:
    page = reverse("new-generation")
    answer = client.get(page)
    assert answer.headers["Location"] == f"{reverse('account_login')}?next={page}"

    answer = client.post(answer.headers["Location"], {"login": nina.email, "password": PASSWORD})

    assert answer.headers["Location"] == page


@pytest.mark.parametrize(
    "next_", ["https://example.net/", "//localhost/", "http://127.0.0.1/", "//a.localhost", "/\\a"]
)
def test_sign_in_never_leads_to_another_site(client: Client, nina: User, next_: str) -> None:
    address = f"{reverse('account_login')}?next={next_}"
    answer = client.post(address, {"login": nina.email, "password": PASSWORD})

    assert answer.headers["Location"] == reverse("gallery")


@pytest.mark.parametrize(
    ("login", "password"), [("nina@example.com", "wrong-passphrase"), ("nobody@example.com", PASSWORD)]
)
def test_wrong_password_and_unknown_address_are_told_in_the_same_words(
    client: Client, nina: User, login: str, password: str
) -> None:
    answer = client.post(reverse("account_login"), {"login": login, "password": password})

    assert not is_signed_in(client)
    words = "The email address and/or password you specified are not correct."
    assert answer.context["form"].non_field_errors() == [words]


def test_inactive_person_stays_outside(client: Client, nina: User) -> None:
    User.objects.filter(pk=nina.pk).update(is_active=False)
    client.post(reverse("account_login"), {"login": nina.email, "password": PASSWORD})

    assert not is_signed_in(client)


def test_sign_out_needs_a_post_and_leads_home(nina: User) -> None:
    client = signed_in(nina)
    client.get(reverse("account_logout"))
    assert is_signed_in(client)

    answer = client.post(reverse("account_logout"))

    assert answer.headers["Location"] == reverse("gallery")
    assert not is_signed_in(client)


def test_password_is_reset_by_the_mailed_link_once(client: Client, nina: User, mailoutbox: list[EmailMessage]) -> None:
    client.post(reverse("account_reset_password"), {"email": "Nina@Example.com"})
    assert mailoutbox[0].to == [nina.email]
    link = re.search(r"https?://\S+", str(mailoutbox[0].body))
    assert link
    form = client.get(link[0]).headers["Location"]
    client.post(form, {"password1": "another-passphrase", "password2": "another-passphrase"})

    nina.refresh_from_db()
    assert nina.check_password("another-passphrase")
    assert Client().get(link[0]).context["token_fail"]


def test_unknown_address_gets_no_link_and_the_same_page(
    client: Client, nina: User, mailoutbox: list[EmailMessage]
) -> None:
    known = client.post(reverse("account_reset_password"), {"email": nina.email})
    unknown = client.post(reverse("account_reset_password"), {"email": "nobody@example.com"})

    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])
    assert [message.to for message in mailoutbox if "/password/reset/key/" in str(message.body)] == [[nina.email]]
