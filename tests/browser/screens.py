"""`make screens`: pictures of each page, of a studio with real videos. Not part of `make test`.

Twenty of them are committed, in docs/screens/; the others go into var/screens/.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from django.apps import apps
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.impersonation import begin
from accounts.invitations import invite
from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.billing.budget_alerts import send_budget_alerts
from generations.fal.arguments import AspectRatio, Endpoint, parse
from generations.models import Cause, DecisionKind, Generation, Hold, PromptRule, Report, Status
from generations.moderation.cases import open_case
from generations.moderation.decisions import decide, suspend
from generations.notifications import send_notifications
from generations.orders.place import Order, place_batch
from tests.browser.conftest import RENDERED, Worker, desk_alone, show_again
from tests.browser.test_teams import be
from tests.cast import drawing, make_generation, make_input_picture, make_library_picture, make_upload
from tests.moderators import moderator

pytestmark = [desk_alone, pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROOT: Final = Path(__file__).parents[2]
COMMITTED_FOLDER: Final = ROOT / "docs" / "screens"
FOLDER: Final = ROOT / "var" / "screens"
COMMITTED: Final = {
    *("gallery-light", "gallery-dark", "gallery-phone", "gallery-phone-dark", "selection-light", "compare-dark"),
    *("composer-light", "composer-dark", "composer-phone", "composer-made-dark", "waiting-light"),
    *("detail-light", "detail-dark", "detail-phone-dark", "team-light", "team-dark", "team-phone"),
    *("approvals-light", "usage-dark", "admin-case-dark"),
}
Scheme = Literal["light", "dark"]
LOOKS: Final[dict[str, tuple[Scheme, int, int]]] = {
    "light": ("light", 1440, 900),
    "dark": ("dark", 1440, 900),
    "phone": ("light", 390, 844),
    "phone-dark": ("dark", 390, 844),
}
PROMPTS: Final = [
    "A fox trots through fresh snow at dawn, the camera follows low beside it, breath steaming in the cold light",
    "A paper boat drifts down a rain-soaked gutter",
    "Slow dolly through a greenhouse full of ferns, dust in the sunbeams",
    "يمشي القط فوق الجدار عند الغروب",
    "Two powerful cars at the starting line, engines revving",
    "A ceramic cup turns on a potter’s wheel, close-up, warm side light",
    "Waves break over a lighthouse in a winter storm, aerial shot",
    "Neon signs reflected in wet asphalt, a cyclist passes from left to right",
    "A noble lord walks among his people, his presence a comforting reassurance",
]


def shoot(page: Page, name: str, address: str, act: Callable[[Page], None] = lambda _: None) -> None:
    """One picture for each look; `act` is what somebody does there first."""
    for look, (scheme, width, height) in LOOKS.items():
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": height})
        page.goto(address)
        expect(page.locator("h1")).to_be_visible()
        page.wait_for_function("() => [...document.images].every(image => image.complete || image.loading === 'lazy')")
        page.wait_for_function("() => [...document.querySelectorAll('video')].every(video => video.readyState > 1)")
        act(page)
        page.wait_for_timeout(300)  # for what fades in
        save(page.screenshot(), f"{name}-{look}")


def save(png: bytes, name: str) -> None:
    """As WebP, which takes a fifth of the place."""
    folder = COMMITTED_FOLDER if name in COMMITTED else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    Image.open(BytesIO(png)).save(folder / f"{name}.webp", quality=90, method=6)


def render_videos(user: User, team: Team, worker: Worker) -> list[Generation]:
    """Videos that the sandbox has rendered and the pipeline has copied."""
    ratios = list(AspectRatio)
    rows = [
        make_generation(user, team, prompt=prompt, aspect_ratio=ratios[index % 3 if index % 4 else 0])
        for index, prompt in enumerate(PROMPTS)
    ]
    worker.start()
    for row in rows:
        for _ in range(RENDERED // 100):
            row.refresh_from_db()
            if row.status == Status.DONE:
                break
            worker.ends.wait(0.1)
    worker.stop()
    return rows


def test_pages_for_strangers(page: Page) -> None:
    for name, address in {"landing": "/", "sign-in": "/accounts/login/", "sign-up": "/accounts/signup/"}.items():
        shoot(page, name, address)


def test_empty(bobs_page: Page, studio: LiveServer, bob: User) -> None:
    show_again(bobs_page, studio, bob)
    shoot(bobs_page, "gallery-empty", "/")
    shoot(bobs_page, "composer", "/generations/new/")
    shoot(bobs_page, "composer-image", "/generations/new/?kind=image")
    shoot(bobs_page, "settings", "/accounts/settings/")
    shoot(bobs_page, "picture", "/accounts/picture/")
    shoot(bobs_page, "defaults", "/settings/defaults/")
    shoot(bobs_page, "delete-account", "/accounts/delete/")
    shoot(bobs_page, "composer-bad", "/generations/new/", press_too_early)
    shoot(bobs_page, "trash-empty", "/trash/")
    shoot(bobs_page, "error", "/nowhere/")


def press_too_early(page: Page) -> None:
    """With a prompt that says nothing and a scale that Kling does not have."""
    page.locator("#id_prompt").fill(" ")
    page.locator("form[novalidate]").first.evaluate("form => form.requestSubmit()")
    page.wait_for_load_state()
    expect(page.locator(".field--bad").first).to_be_visible()


@pytest.mark.usefixtures("rendering_sandbox")
def test_full(bobs_page: Page, film: Team, bob: User, worker: Worker) -> None:
    rows = render_videos(bob, film, worker)
    failed = make_generation(
        bob, film, Status.FAILED, responsible_party="user", cost_cents=0, prompt="Something that fal refuses"
    )
    going = make_generation(bob, film, Status.RENDERING, endpoint=Endpoint.IMAGE_TO_VIDEO, queue_position=3)
    make_input_picture(going)
    shoot(bobs_page, "gallery", "/")
    shoot(bobs_page, "detail", rows[0].get_absolute_url(), show_a_frame)
    shoot(bobs_page, "waiting", going.get_absolute_url())
    shoot(bobs_page, "failed", failed.get_absolute_url())
    Membership.objects.filter(user=bob, team=film).update(role=Role.OWNER)
    for name in ("Alice", "Vera"):
        Membership.objects.create(team=film, user=User.objects.create_user(f"{name}@example.com", name=name))
    invite(film, bob, Role.VIEWER, email="new@example.com")
    shoot(bobs_page, "teams", "/teams/")
    shoot(bobs_page, "team", "/teams/film/")
    shoot(bobs_page, "team-switch", "/?team=film", lambda page: page.locator("summary[aria-label^='Account']").click())
    shoot(bobs_page, "team-delete", "/teams/film/delete")
    shoot(bobs_page, "composer-made", f"/generations/new/?made={rows[-1].pk}")
    shoot(bobs_page, "compare", f"/generations/compare/?ids={rows[0].pk},{rows[2].pk}")
    shoot(bobs_page, "selection", "/", select_three)
    shoot(bobs_page, "filters", "/?status=done", open_filters)
    for row in rows[3:6]:
        row.move_to_trash(bob)
    shoot(bobs_page, "trash", "/trash/")


def show_a_frame(page: Page) -> None:
    """In place of the browser's sign that it is loading."""
    page.locator("video").evaluate("async (video) => { video.muted = true; await video.play(); video.pause(); }")


def select_three(page: Page) -> None:
    for number in (2, 3, 4):
        page.locator(".card__select input").nth(number).check(force=True)


def open_filters(page: Page) -> None:
    page.locator(".filters__more").evaluate("details => { details.open = true; }")


@pytest.mark.usefixtures("rendering_sandbox")
def test_moderation(
    page: Page, chromium: Browser, studio: LiveServer, film: Team, bob: User, alice: User, worker: Worker
) -> None:
    """The admin's pages for moderators, and what people see of it."""
    import_module("generations.migrations.0002_prices_moderators_and_triggers").create_moderators_group(apps, None)
    import_module("sharing.migrations.0002_moderators_see_share_links").grant_view(apps, None)
    import_module("sharing.migrations.0006_moderators_see_comments").grant_view(apps, None)
    mo, rows = moderator("mo"), render_videos(bob, film, worker)
    PromptRule.objects.create(text="engines", action=PromptRule.Action.HOLD, made_by=mo)
    held = make_generation(
        bob, film, Status.HELD, prompt=PROMPTS[4], message="A moderator looks at it before it is sent."
    )
    Hold.objects.create(generation=held, kind=Hold.Kind.RULE, reason="It says “engines”.")
    open_case(held, Cause.HOLD)
    Report.objects.create(generation=rows[0], reporter=alice, reason="violence", note="The fox looks hungry.")
    case = open_case(rows[0], Cause.REPORT)
    decide(open_case(rows[2], Cause.FLAG), DecisionKind.TAKE_DOWN, mo, "Somebody else’s greenhouse.")
    be(page, studio, mo)
    shoot(page, "admin-home", "/admin/")
    shoot(page, "admin-queue", "/admin/generations/case/")
    shoot(page, "admin-case", f"/admin/generations/case/{case.pk}/change/")
    shoot(page, "admin-rule", "/admin/generations/promptrule/add/")
    shoot(page, "admin-person", f"/admin/generations/decision/person/{bob.pk}/")
    be(page, studio, alice)
    shoot(page, "report", f"/generations/{rows[1].pk}/report")
    be(page, studio, bob)
    shoot(page, "removed", rows[2].get_absolute_url())
    shoot(page, "held", held.get_absolute_url())
    suspend(bob, mo, "Three warnings in a week.", timezone.now() + timedelta(days=3))
    with chromium.new_context(base_url=studio.url) as elsewhere:  # whose 403 nobody minds
        other = elsewhere.new_page()
        be(other, studio, bob)
        shoot(other, "suspended", "/")


def test_teams_and_money(
    page: Page, studio: LiveServer, film: Team, alice: User, bob: User, mailoutbox: list[Any]
) -> None:
    Team.objects.filter(pk=film.pk).update(approval_above_cents=50, monthly_limit_cents=1000)
    for number, prompt in enumerate(PROMPTS):
        make_generation(bob, film, Status.DONE, prompt=prompt, cost_cents=70 if number % 2 else 35)
    film.refresh_from_db()
    arguments = parse(Endpoint.TEXT_TO_VIDEO, {"prompt": PROMPTS[0], "duration": 10, "aspect_ratio": "16:9"})
    place_batch(
        [
            Order(
                user=bob,
                team=film,
                idempotency_key=uuid.uuid4(),
                endpoint=Endpoint.TEXT_TO_VIDEO,
                arguments=arguments,
                pictures={},
            )
        ]
        * 3
    )
    send_notifications()
    send_budget_alerts()
    begin(User.objects.create_superuser("root@example.com", "x", name="Root"), bob, "Ticket 17: a video does not play")
    be(page, studio, alice)
    shoot(page, "approvals", "/teams/film/approvals")
    shoot(page, "usage", "/teams/film/usage")
    shoot(page, "queue", "/teams/film/queue")
    be(page, studio, bob)
    shoot(page, "impersonations", "/accounts/impersonations/")
    for mail in mailoutbox:
        name = "".join(letter if letter.isalnum() else "-" for letter in mail.subject.lower())[:60]
        page.goto("about:blank")  # away from the studio's policy, which forbids what mails need
        page.set_viewport_size({"width": 700, "height": 500})
        page.set_content(str(mail.alternatives[0][0]))
        page.screenshot(path=FOLDER / "mails" / f"{name}.png")


def test_library(bobs_page: Page, film: Team, bob: User) -> None:
    shoot(bobs_page, "library-empty", "/library/")
    for number, name in enumerate(("Red fox in the snow", "Lighthouse", "Cup", "Street at night", "Portrait")):
        size = (300 + 120 * number, 700 - 90 * number)
        kept = make_library_picture(bob, film, drawing(number % 2, size), name)
        kept.set_tags(["Snow", "Client A"][: number % 3])
    shoot(bobs_page, "library", "/library/")
    shoot(bobs_page, "library-edit", "/library/", lambda page: page.get_by_text("Edit").first.click())
    shoot(bobs_page, "library-delete", f"/library/{kept.pk}/delete")
    assert kept.move_to_trash()
    shoot(bobs_page, "library-trash", "/trash/")
    upload = make_upload(bob, drawing())

    def open_picker(page: Page) -> None:
        page.locator("[data-picture=tail] [data-library-open]").click()
        expect(page.locator("[data-picker-picture]").first).to_be_visible()

    shoot(bobs_page, "library-picker", f"/generations/new/?kind=image&start={upload.pk}", open_picker)
    shoot(bobs_page, "composer-kept", f"/generations/new/?kind=image&start={upload.pk}")
