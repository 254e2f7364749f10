"""axe-core on every page, light and dark, phone and desk: nothing serious or critical stands in anybody's way."""

import uuid
from typing import Final, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.invitations import invite
from accounts.models import Impersonation, Team, User
from accounts.roles import Role
from generations.fal.arguments import Endpoint, parse
from generations.models import Decision, DecisionKind, Generation, Status
from generations.orders import approvals
from generations.orders.place import Order, place_batch
from tests.browser.conftest import desk_alone, show_again
from tests.browser.test_pages import rows_of_every_state
from tests.browser.test_teams import be
from tests.cast import make_generation, make_video
from tests.moderators import moderator

pytestmark = [desk_alone, pytest.mark.browser, pytest.mark.django_db(transaction=True)]  # it looks at both sizes itself

STRANGERS: Final = ["gallery", "account_login", "account_signup", "account_reset_password"]
PEOPLES: Final = [
    *("gallery", "new-generation", "trash", "account-settings", "default-parameters", "account-picture"),
    *("account_email", "account_change_password", "account-notices", "delete-account"),
    *("mfa_index", "usersessions_list", "account-impersonations"),
]
LOOKS: Final[dict[Literal["light", "dark"], tuple[int, int]]] = {"light": (1440, 900), "dark": (390, 844)}
RULES: Final = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def judge(page: Page, addresses: list[str]) -> None:
    """Each page in both schemes at both widths; all that is wrong is told at once."""
    found = []
    for scheme, (width, height) in LOOKS.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": height})
        for address in addresses:
            page.goto(address)
            expect(page.locator("h1")).to_be_visible()
            found += [f"{address} ({scheme}, {width} px): {words}" for words in _violations(page)]
    assert not found, "\n".join(found)


def _violations(page: Page) -> list[str]:
    result = Axe().run(page, options={"resultTypes": ["violations"], "runOnly": RULES})
    return [
        f"{each['id']} ({each['impact']}): {', '.join(node['html'][:160] for node in each['nodes'][:3])}"
        for each in result.response["violations"]
        if each["impact"] in {"serious", "critical"}
    ]


def test_pages_for_strangers(page: Page) -> None:
    judge(page, [reverse(name) for name in STRANGERS])


def test_pages_for_people_who_have_nothing_yet(bobs_page: Page, studio: LiveServer, bob: User) -> None:
    show_again(bobs_page, studio, bob)
    judge(bobs_page, ["/accounts/reauthenticate/"])
    judge(bobs_page, [*(reverse(name) for name in PEOPLES), "/generations/new/?kind=image", "/nowhere/"])


def test_generations_of_every_state(bobs_page: Page, film: Team, bob: User) -> None:
    rows: list[Generation] = rows_of_every_state(bob, film)
    judge(bobs_page, [reverse("gallery"), *(row.get_absolute_url() for row in rows)])


def test_what_stands_on_pages_that_are_in_use(bobs_page: Page, film: Team, bob: User) -> None:
    rows = [make_generation(bob, film, Status.DONE) for _ in range(3)]
    for row in rows:
        make_video(row)
    assert rows[2].move_to_trash(bob)
    addresses = [
        f"{reverse('compare')}?ids={rows[0].pk},{rows[1].pk}",
        f"{reverse('new-generation')}?made={rows[0].pk}",
        f"{reverse('gallery')}?q=nothing&status=failed",
        f"{reverse('gallery')}?q=fox",
        reverse("trash"),
        reverse("generation-delete", args=[rows[0].pk]),
    ]
    judge(bobs_page, addresses)


def test_team_and_invitation(page: Page, studio: LiveServer, film: Team, alice: User, bob: User) -> None:
    _, token = invite(film, alice, Role.MEMBER)
    be(page, studio, alice)
    judge(
        page,
        [
            "/teams/",
            "/teams/film/",
            "/teams/film/queue",
            "/teams/film/usage",
            f"/teams/join/{token}/",
            "/teams/join/gone/",
        ],
    )


def test_money_that_waits_and_what_moderators_do(
    page: Page, studio: LiveServer, film: Team, alice: User, bob: User, moderators: Group
) -> None:
    mo, now = moderator("mo"), timezone.now()
    Team.objects.filter(pk=film.pk).update(approval_above_cents=50)
    film.refresh_from_db()
    arguments = parse(Endpoint.TEXT_TO_VIDEO, {"prompt": "A fox", "duration": 10, "aspect_ratio": "16:9"})
    order = Order(user=bob, team=film, idempotency_key=uuid.uuid4(), arguments=arguments, pictures={})
    (held,) = place_batch([order])
    seen, removed = make_generation(bob, film, Status.DONE), make_generation(bob, film, Status.DONE)
    for row in (seen, removed):
        make_video(row)
    Decision.objects.create(verb=DecisionKind.TAKE_DOWN, by=mo, why="Not here", person=bob, generation=removed)
    Generation.objects.filter(pk=removed.pk).update(taken_down_at=now, quarantined_at=now)
    impersonation = Impersonation.objects.create(staff=mo, person=bob, reason="To help", until=now, ended_at=now)
    impersonation.requests.create(method="GET", path="/", status_code=200)
    (ask,) = approvals.pending_approvals(film)
    be(page, studio, alice)
    link = approvals.link_for(alice, ask).partition("/teams")[2]
    gone = "/teams/approve/forged/"
    report = f"/generations/{seen.pk}/report"
    judge(page, ["/teams/film/approvals", f"/teams{link}", gone, report, "/teams/film/delete"])
    be(page, studio, bob)
    judge(page, [removed.get_absolute_url(), held.get_absolute_url(), "/trash/", "/accounts/impersonations/"])


def test_a_form_with_errors(bobs_page: Page) -> None:
    bobs_page.goto(reverse("new-generation"))
    bobs_page.get_by_role("button", name="Generate").click()
    expect(bobs_page.get_by_role("alert").first).to_be_visible()
    assert _violations(bobs_page) == []


def test_keys_are_listed_and_work(bobs_page: Page) -> None:
    bobs_page.goto(reverse("gallery"))
    bobs_page.keyboard.press("?")
    dialog = bobs_page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("New video")
    assert _violations(bobs_page) == []
    bobs_page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    bobs_page.keyboard.press("n")
    bobs_page.wait_for_url("**/generations/new/")
