"""How a person hears of a finished video: by mail, in the browser, or not at all."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from generations.models import Status
from tests.cast import make_generation, signed_in

PAGE = "/accounts/notices/"


def test_mail_is_on_and_the_browser_is_quiet_at_first(bob: User) -> None:
    assert (bob.email_notices, bob.browser_notices) == (True, False)
    form = signed_in(bob).get(PAGE).context["form"]
    assert (form["email_notices"].value(), form["browser_notices"].value()) == (True, False)


@pytest.mark.parametrize("email", [True, False])
@pytest.mark.parametrize("browser", [True, False])
def test_each_is_switched_alone(bob: User, alice: User, email: bool, browser: bool) -> None:
    data = {"email_notices": email, "browser_notices": browser}
    answer = signed_in(bob).post(PAGE, {name: "on" for name, is_on in data.items() if is_on}, follow=True)

    assert "Saved." in answer.content.decode()
    bob.refresh_from_db()
    alice.refresh_from_db()
    assert (bob.email_notices, bob.browser_notices) == (email, browser)
    assert (alice.email_notices, alice.browser_notices) == (True, False)


def test_page_sets_nothing_else(bob: User) -> None:
    signed_in(bob).post(PAGE, {"is_staff": "on", "email": "root@example.com"})

    bob.refresh_from_db()
    assert (bob.is_staff, bob.email) == (False, "bob@example.com")


@pytest.mark.django_db
def test_strangers_sign_in_first() -> None:
    for answer in (Client().get(PAGE), Client().post(PAGE)):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("account_login"))


def test_account_menu_leads_there(bob: User) -> None:
    assert f'href="{PAGE}"' in signed_in(bob).get("/").content.decode()


@pytest.mark.parametrize("page", ["/", "/generations/new/", PAGE])
def test_tabs_know_whether_to_give_notice(bob: User, page: str) -> None:
    off = signed_in(bob).get(page).content.decode()
    User.objects.update(browser_notices=True)
    on = signed_in(bob).get(page).content.decode()

    assert 'data-notices="off"' in off
    assert "browser_notifications.js" not in off
    assert 'data-notices="on"' in on
    assert on.count("/static/browser_notifications.js") == on.count("/static/live.js") == 1


def test_tab_hears_what_of_its_persons_own_has_ended(film: Team, alice: User, bob: User) -> None:
    done = make_generation(bob, film, Status.DONE, prompt="A fox" * 100)
    failed = make_generation(bob, film, Status.FAILED)
    for status in (Status.CANCELED, Status.RENDERING):
        make_generation(bob, film, status)
    make_generation(alice, film, Status.DONE)
    make_generation(bob, film, Status.DONE, finished_at=timezone.now() - timedelta(hours=1))
    since = int(timezone.now().timestamp() * 1000)
    told = {ending["id"]: ending for ending in signed_in(bob).get(f"/events/ended?since={since}").json()["ended"]}

    assert set(told) == {str(done.pk), str(failed.pk)}
    assert told[str(done.pk)]["prompt"] == "A fox" * 20
    assert told[str(failed.pk)]["status"] == "failed"
    assert told[str(failed.pk)]["address"] == failed.get_absolute_url()


@pytest.mark.parametrize("since", ["", "x", "9" * 30])
def test_tab_that_asks_nonsense_is_refused(bob: User, since: str) -> None:
    assert signed_in(bob).get(f"/events/ended?since={since}").status_code == 400
