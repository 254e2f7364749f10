"""What people set for themselves: who gets these pages, one row an address; a new one needs a row here."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Team, User
from accounts.urls import urlpatterns
from config.urls import urlpatterns as all_of_them
from tests.cast import signed_in

IN_PLACE_OF_ALLAUTHS = {"account_set_password", "mfa_remove_webauthn", "openid_reauthenticate"}
OWN = {f"account_{name}": f"/accounts/{name}/" for name in ("settings", "notices", "visits")}
# allauth's own, which the studio dresses
ALLAUTHS = (
    *("/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/sessions/"),
    *("/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/"),
)


def test_every_address_has_a_row() -> None:
    assert {pattern.name for pattern in urlpatterns} == set(OWN) | IN_PLACE_OF_ALLAUTHS
    assert {getattr(pattern, "name", None) for pattern in all_of_them} == {None, "visit-stop"}


@pytest.mark.parametrize("address", [*OWN.values(), *ALLAUTHS])
def test_page_is_for_whoever_is_signed_in_and_not_suspended(film: Team, victor: User, mona: User, address: str) -> None:
    for person in (victor, mona):  # or nothing could be asked of them before they change what opens the account
        person.set_password("a fox in the snow")
        person.save()
    nobody = Client().get(address)
    assert nobody.status_code == 302
    assert nobody.headers["Location"].startswith("/accounts/login/?next=")
    for person in (victor, mona):
        answer = signed_in(person).get(address)
        assert answer.status_code in {200, 302}
        assert not answer.headers.get("Location", "").startswith("/accounts/login/")
    User.objects.filter(pk=victor.pk).update(suspended_until=timezone.now() + timedelta(days=1))
    assert signed_in(victor).get(address).status_code == 403
    assert signed_in(victor).post(address).status_code == 403


def test_end_of_a_visit_takes_a_post(victor: User) -> None:
    assert Client().post("/visit/stop").status_code == 302
    assert signed_in(victor).get("/visit/stop").status_code == 405
    assert signed_in(victor).post("/visit/stop").headers["Location"] == "/"
