"""Pages in use: the admin under the policy, a lost connection, the focus. `test_accessibility` visits all pages."""

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Team, User
from generations.fal.arguments import Endpoint
from generations.models import Generation, Slot, Status, SubmitPause
from tests.browser.conftest import desk_alone
from tests.cast import make_generation, make_input_picture, make_video

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def rows_of_every_state(bob: User, film: Team) -> list[Generation]:
    """Of every state one, with the longest words that there can be."""
    words = {"prompt": "W" * 2500, "message": "m" * 500, "provider_message": "f" * 500}
    rows = [make_generation(bob, film, status, **{"responsible_party": "user", **words}) for status in Status]
    make_video(rows[list(Status).index(Status.DONE)])
    with_pictures = make_generation(bob, film, Status.RENDERING, endpoint=Endpoint.IMAGE_TO_VIDEO, queue_position=3)
    for slot in Slot:
        make_input_picture(with_pictures, slot)
    return [*rows, with_pictures]


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


@desk_alone
def test_what_is_replaced_under_the_focus_gives_it_on(bobs_page: Page, film: Team, bob: User) -> None:
    """On a video's page and in a row of cards: to its like, or else to what tells of the change."""
    page = bobs_page
    row = make_generation(bob, film, Status.RENDERING, logs=[{"timestamp": "", "message": "Denoising"}])
    focused = page.locator("h2:focus, .card__prompt:focus")
    for address in (row.get_absolute_url(), f"/generations/new/?made={row.pk}"):
        going = {"status": Status.RENDERING, "finished_at": None, "due_at": timezone.now()}
        Generation.objects.filter(pk=row.pk).update(**going, changed_at=timezone.now())
        row.refresh_from_db()
        page.goto(address)
        page.get_by_role("button", name="Cancel").focus()
        row.move(Status.CANCELLING)
        expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
        expect(focused).to_have_count(1)
        row.move(Status.CANCELED)
        expect(page.get_by_text("Canceled").first).to_be_visible()
        expect(focused).to_have_count(1)

    page.goto(row.get_absolute_url())
    page.get_by_text("fal’s log").click()
    link = page.get_by_role("link", name="Delete…")
    link.focus()
    Generation.objects.filter(pk=row.pk).update(message="Settled.", changed_at=timezone.now())
    expect(page.get_by_role("heading", name="Settled.")).to_be_visible()
    expect(link).to_be_focused()
    expect(page.locator(".log")).to_be_visible()


@desk_alone
def test_notice_that_nothing_is_sent_goes_by_itself(bobs_page: Page) -> None:
    page = bobs_page
    SubmitPause.objects.begin_or_extend("balance_exhausted", "The balance is exhausted.")
    page.clock.install()
    page.goto("/generations/new/")
    notice = page.get_by_text("Nothing is being sent to fal")
    page.clock.run_for(11_000)
    expect(notice).to_be_visible()
    SubmitPause.objects.end()
    page.clock.run_for(11_000)
    expect(notice).to_have_count(0)


@pytest.mark.parametrize("width", [320, 390, 1440])
@desk_alone
def test_cancel_lies_over_no_text(bobs_page: Page, film: Team, bob: User, width: int) -> None:
    page, why = bobs_page, "This costs $2.80. Above $0.50 an admin of the team says yes first; nothing is sent."
    page.set_viewport_size({"width": width, "height": 900})
    row = make_generation(bob, film, Status.HELD, message=why)
    make_generation(bob, film, Status.QUEUED, message="m" * 400)
    make_generation(bob, film, Status.QUEUED, endpoint=Endpoint.IMAGE_TO_VIDEO)
    for address in ("/", f"/generations/new/?made={row.pk}"):
        page.goto(address)
        expect(page.locator(".card__verb").first).to_be_visible()
        assert page.evaluate(_OVERLAPS) == []


_OVERLAPS = """() => [...document.querySelectorAll(".card__verb")].flatMap((verb) => {
    const one = verb.getBoundingClientRect();
    return [...verb.closest(".card").querySelectorAll(".card__state p:not(:empty), .card__text > *")].filter((text) => {
        const other = text.getBoundingClientRect();
        return other.height && other.left < one.right && one.left < other.right && other.top < one.bottom &&
            one.top < other.bottom;
    }).map((text) => text.textContent);
})"""
