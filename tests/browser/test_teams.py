"""Teams in the browser: invited with an account and without one, another role, removed."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as django_settings
from django.core import mail
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.models import Generation, Status
from generations.notifications import send_notifications
from tests.cast import make_generation, make_video, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def be(page: Page, studio: LiveServer, user: User | None) -> None:
    """The browser is this person's from now on; nobody's without one."""
    page.context.clear_cookies()
    if user:
        session = signed_in(user).cookies[django_settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": session, "url": studio.url}])


def invite(page: Page, email: str, role: str) -> str:
    """The link in the mail."""
    page.goto("/teams/film/")
    page.get_by_label("Email address").fill(email)
    page.locator("#invite ~ form, form:has(#id_email)").first.get_by_label("Role").select_option(label=role)
    page.get_by_role("button", name="Send invitation").click()
    expect(page.get_by_text(f"Invitation sent to {email}.")).to_be_visible()
    expect(page.get_by_role("button", name=f"Revoke {email}")).to_be_visible()
    found = re.search(r"/teams/join/\S+", str(mail.outbox[-1].body))
    assert found
    return found[0]


def fits(page: Page) -> bool:
    page.wait_for_load_state()
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_team_is_founded_and_somebody_with_an_account_joins(
    page: Page, studio: LiveServer, mallory: User, bob: User, film: Team
) -> None:
    be(page, studio, bob)
    page.goto("/")
    page.locator("summary[aria-label^='Account']").click()
    page.get_by_role("link", name="Teams").click()
    page.get_by_role("button", name="Create team").click()
    expect(page.locator(".field--bad .errors")).to_be_visible()
    page.get_by_label("Name").fill("Moving Pictures")
    page.get_by_role("button", name="Create team").click()
    expect(page.get_by_role("heading", name="Moving Pictures")).to_be_visible()
    assert fits(page)

    page.get_by_text("Invite by link").click()
    page.get_by_role("button", name="Create link").click()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    link = page.get_by_label("Invitation link created.").input_value()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link
    assert fits(page)
    page.reload()
    expect(page.get_by_label("Invitation link created.")).to_have_count(0)
    be(page, studio, mallory)
    page.goto(link)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text("You joined Moving Pictures.")).to_be_visible()
    expect(page.get_by_role("button", name="Send invitation")).to_have_count(0)


def test_somebody_without_an_account_signs_up_and_joins(page: Page, studio: LiveServer, alice: User) -> None:
    be(page, studio, alice)
    link = invite(page, "eve@example.com", "Viewer")
    be(page, studio, None)
    page.goto(link)
    page.locator("main").get_by_role("link", name="Create account").click()
    expect(page.get_by_label("Email", exact=True)).to_have_value("eve@example.com")
    page.get_by_label("Password", exact=True).fill("a long walk home")
    page.get_by_label("Password (again)").fill("a long walk home")
    page.locator("main").get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Confirm your email address")).to_be_visible()
    confirm = re.search(r"/accounts/confirm-email/\S+", str(mail.outbox[-1].body))
    assert confirm
    page.goto(confirm[0])
    page.get_by_role("button", name="Confirm").click()
    eve = User.objects.get(email="eve@example.com")
    assert EmailAddress.objects.get(user=eve).verified
    be(page, studio, eve)

    page.goto("/teams/")
    expect(page.get_by_role("heading", name="Invitations")).to_be_visible()
    page.get_by_role("button", name="Join Film").click()
    expect(page.get_by_text("You joined Film.")).to_be_visible()
    assert Membership.objects.get(user=eve, team__slug="film").role == Role.VIEWER
    page.goto(link)
    expect(page.get_by_role("heading", name="Film")).to_be_visible()  # a member is led to the team


def test_role_limit_and_removal(page: Page, studio: LiveServer, alice: User, bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.CANCELED)
    be(page, studio, alice)
    page.goto("/teams/film/")
    bobs = page.locator(".teams__one", has_text="bob@example.com")
    bobs.locator("summary").click()
    assert fits(page)
    bobs.get_by_label("Role").select_option(label="Admin")
    bobs.get_by_role("button", name="Save role").click()
    expect(bobs.locator(".chip")).to_have_text("Admin")

    bobs.locator("summary").click()
    bobs.get_by_label("Monthly limit ($)").fill("-3")
    bobs.get_by_role("button", name="Save limit").click()
    expect(bobs.locator(".errors")).to_be_visible()
    expect(bobs.get_by_label("Monthly limit ($)")).to_have_value("-3")
    bobs.get_by_label("Monthly limit ($)").fill("3.50")
    bobs.get_by_role("button", name="Save limit").click()
    expect(bobs.get_by_text("$3.50 per month")).to_be_visible()

    bobs.locator("summary").click()
    bobs.get_by_role("button", name="Remove from team").click()
    expect(bobs).to_have_count(0)
    page.goto("/?team=film")
    expect(page.locator(".card")).to_have_count(1)
    be(page, studio, bob)
    page.goto(row.get_absolute_url())
    expect(page.get_by_role("heading", name=re.compile("not found|not here|nothing", re.I))).to_be_visible()


def test_team_is_switched_in_the_header_and_a_large_request_waits_for_a_yes(
    page: Page, studio: LiveServer, film: Team, alice: User, bob: User
) -> None:
    be(page, studio, alice)
    page.goto("/teams/film/")
    page.get_by_label("Approval threshold ($)").fill("0.50")
    page.locator("form", has=page.get_by_label("Approval threshold ($)")).get_by_role("button").click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    be(page, studio, bob)
    page.goto("/")
    page.locator("summary[aria-label^='Account']").click()
    page.get_by_role("navigation", name="Switch the team").get_by_role("link", name="Film").click()
    expect(page).to_have_url(re.compile("team=film"))
    page.get_by_role("link", name="New video").first.click()
    expect(page.locator("[name=team]")).to_have_value("film")
    page.get_by_label("Prompt", exact=True).fill("Nine foxes in the snow")
    page.locator("label", has_text="10 s").click()
    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".made")).to_be_visible()
    row = Generation.objects.get()
    assert row.status == Status.HELD
    page.goto(row.get_absolute_url())
    expect(page.get_by_text("Above $0.50 an admin of the team says yes first").first).to_be_visible()
    assert fits(page)

    send_notifications()
    link = re.search(r"/teams/approve/\S+", str(mail.outbox[-1].body))
    assert link
    be(page, studio, None)
    page.goto(link[0])
    assert fits(page)
    page.get_by_label("Note to the requester (optional)").fill("Nine is fine")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Approved: it is on its way.")).to_be_visible()
    page.goto(link[0])
    expect(page.get_by_role("heading", name="Nothing to approve here")).to_be_visible()
    row.refresh_from_db()
    assert row.status == Status.QUEUED


def test_deleted_team_passes_its_videos_on(page: Page, studio: LiveServer, film: Team, alice: User, bob: User) -> None:
    row = make_generation(bob, film, Status.DONE, prompt="A fox that stays")
    make_video(row)
    be(page, studio, alice)
    page.goto("/teams/film/")
    page.get_by_role("link", name="Delete Film").click()
    page.get_by_label("Who gets the videos").select_option(label="Bob")
    page.get_by_label("Type the team’s name to confirm").fill("Fil")
    page.get_by_role("button", name="Delete team").click()
    expect(page.get_by_text("This doesn’t match.")).to_be_visible()
    assert fits(page)
    page.get_by_label("Type the team’s name to confirm").fill("Film")
    page.get_by_role("button", name="Delete team").click()
    expect(page.get_by_text("Film was deleted.")).to_be_visible()

    be(page, studio, bob)
    page.goto("/teams/")
    page.locator("main a[href*='team=film']").click()
    expect(page.get_by_role("link", name="A fox that stays")).to_be_visible()
