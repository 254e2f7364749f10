"""How a person hears of what: under the bell, by mail, in the browser, or not at all."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from accounts.notification_kinds import Channel, Kind, cells
from generations.models import Status
from tests.cast import make_generation, signed_in

PAGE = "/accounts/notices/"


CELLS = [f"{kind}_{channel}" for kind, channel in cells()]
USUALLY_OFF = {"order_browser", "report_email"}


def checked(user: User) -> set[str]:
    form = signed_in(user).get(PAGE).context["form"]
    return {name for name in form.fields if form[name].value()}


def test_everything_is_usual_at_first(bob: User) -> None:
    assert checked(bob) == set(CELLS) - USUALLY_OFF


@pytest.mark.parametrize("cell", CELLS)
def test_each_cell_is_switched_alone(bob: User, alice: User, cell: str) -> None:
    was = checked(bob)
    answer = signed_in(bob).post(PAGE, dict.fromkeys(was ^ {cell}, "on"), follow=True)

    assert "Saved." in answer.content.decode()
    bob.refresh_from_db()
    kind, _, channel = cell.rpartition("_")
    assert checked(bob) == was ^ {cell}
    assert bob.wants(Kind(kind), Channel(channel)) == (cell not in was)
    assert checked(alice) == was


def test_cells_are_checkboxes_with_a_name_of_their_own(bob: User) -> None:
    page = signed_in(bob).get(PAGE).content.decode()
    assert (
        page.count('type="checkbox"')
        == len(CELLS)
        == len(set(re.findall(r'type="checkbox"[^>]* aria-label="([^"]+)"', page)))
    )
    assert 'aria-label="Finished orders: Email"' in page


def test_page_sets_nothing_else(bob: User) -> None:
    signed_in(bob).post(PAGE, {"is_staff": "on", "email": "root@example.com", "order_smoke": "on"})

    bob.refresh_from_db()
    assert (bob.is_staff, bob.email) == (False, "bob@example.com")
    assert {name for channels in bob.notification_settings.values() for name in channels} == set(Channel)


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
    User.objects.update(notification_settings={"order": {"browser": True}})
    on = signed_in(bob).get(page).content.decode()

    assert 'data-notices="off"' in off
    assert "browser_notifications.js" not in off
    assert 'data-notices="on"' in on
    assert (
        on.count("/static/browser_notifications.js") == on.count("/static/live.js") == off.count("/static/live.js") == 1
    )


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
