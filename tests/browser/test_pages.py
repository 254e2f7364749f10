"""Every page in every state, wide and narrow: nothing on the console, nothing the CSP blocks, nothing cut off."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import Team, User
from generations.fal.arguments import Endpoint
from generations.models import Generation, Slot, Status
from tests.cast import make_generation, make_input_picture, make_video

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

STRANGERS = [reverse(name) for name in ("gallery", "account_login", "account_signup", "account_reset_password")]
PEOPLES = [
    *(reverse(name) for name in ("gallery", "new-generation", "account_email", "account_change_password")),
    *("/generations/new/?kind=image", reverse("account_logout"), "/nowhere/"),
]


@pytest.fixture(autouse=True)
def _password(bob: User) -> None:
    """A user without a password or a provider can't be asked again, and is refused the pages that ask."""
    bob.set_password("a-long-passphrase")
    bob.save()


def look(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("h1")).to_be_visible()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{address} is cut off at {width} px"


def rows_of_every_state(bob: User, film: Team) -> list[Generation]:
    """Of every state one, with the longest words that there can be."""
    words = {"prompt": "W" * 2500, "message": "m" * 500, "provider_message": "f" * 500}
    rows = [make_generation(bob, film, status, **{"responsible_party": "user", **words}) for status in Status]
    make_video(rows[list(Status).index(Status.DONE)])
    with_pictures = make_generation(bob, film, Status.RENDERING, endpoint=Endpoint.IMAGE_TO_VIDEO, queue_position=3)
    for slot in Slot:
        make_input_picture(with_pictures, slot)
    return [*rows, with_pictures]


def test_pages_for_strangers(page: Page) -> None:
    for address in STRANGERS:
        look(page, address)


def test_pages_login_required(bobs_page: Page, film: Team, bob: User) -> None:
    rows = rows_of_every_state(bob, film)
    for address in [*PEOPLES, *(row.get_absolute_url() for row in rows)]:
        look(bobs_page, address)


def test_admin_works_under_the_policy(bobs_page: Page, film: Team, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True, is_superuser=True)
    row = make_generation(bob, film)
    for name, arguments in (
        ("admin:index", []),
        ("admin:generations_generation_changelist", []),
        ("admin:generations_generation_change", [row.pk]),
        ("admin:accounts_user_changelist", []),
    ):
        bobs_page.goto(reverse(name, args=arguments))
        expect(bobs_page.locator("#content")).to_be_visible()


def test_lost_connection_is_said_and_mended(bobs_page: Page, film: Team, bob: User) -> None:
    row = make_generation(bob, film)
    bobs_page.goto(row.get_absolute_url())
    bobs_page.route("**/events?*", lambda route: route.fulfill(status=502))
    expect(bobs_page.locator(".connection")).to_contain_text("Connection lost")
    bobs_page.unroute("**/events?*")
    expect(bobs_page.locator(".connection")).to_be_empty()
