"""One sweep over all pages, light on a wide screen and dark on a phone, each visited once in each.

Nothing serious or critical to axe, no id twice, no layout that shifts, twelve requests at most, nothing cut off down to
320 px; and nothing on the console, which the fixture `page` sees to.
"""

import re
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Final, Literal

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.invitations import invite
from accounts.models import FormerMembership, Impersonation, Team, User
from accounts.roles import Role
from generations.fal.arguments import Endpoint, parse
from generations.models import (
    Collection,
    Decision,
    DecisionKind,
    Draft,
    Film,
    Generation,
    ImportPicture,
    OrderImport,
    Preset,
    Shot,
    Status,
    Tag,
    TeamPause,
)
from generations.orders import approvals
from generations.orders.place import Order, place_batch
from generations.views import archive
from sharing.links import LinkOptions, share_videos
from sharing.models import ShareLink
from sharing.review import Reviewer, add_comment, give_verdict
from tests.api.conftest import make_key
from tests.api.webhook_cast import make_endpoint, queued
from tests.browser.conftest import desk_alone, show_again
from tests.browser.test_pages import rows_of_every_state
from tests.browser.test_teams import be
from tests.cast import make_generation, make_library_picture, make_upload, make_video, picture
from tests.generations.films.cast import film_of
from tests.generations.imports.cast import make_import
from tests.moderators import moderator
from tests.security.access_cast import passkey_data
from tests.security.addresses import addresses
from tests.security.test_access import TABLE

pytestmark = [desk_alone, pytest.mark.browser, pytest.mark.django_db(transaction=True)]  # it looks at both sizes itself

STRANGERS: Final = [
    *("gallery", "account_login", "account_signup", "account_reset_password", "account_reset_password_done"),
    *("account_email_verification_sent", "account_inactive", "account_reset_password_from_key_done"),
    *("socialaccount_login_cancelled", "socialaccount_login_error"),
]
PEOPLES: Final = [
    *("gallery", "new-generation", "earlier-prompts", "trash", "former-teams", "teams"),
    *(
        "notifications",
        "share-links",
        "tags-and-collections",
        "projects",
        "films",
        "presets",
        "library",
        "imports",
        "keys",
    ),
    *("key-new",),
    *("account-settings", "default-parameters", "account-picture", "account_email", "account_change_password"),
    *("account-notices", "delete-account", "account-impersonations", "usersessions_list", "socialaccount_connections"),
    *("mfa_index", "mfa_list_webauthn", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate"),
    *("account_logout",),
]
WITH_FACTORS: Final = [
    *(
        "mfa_index",
        "mfa_list_webauthn",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_deactivate_totp",
    ),
    *("mfa_reauthenticate", "mfa_reauthenticate_webauthn"),
]
WITH_ARGUMENTS: Final = [
    *(
        "generation",
        "project",
        "storyboard",
        "storyboard-play",
        "storyboard-generate",
        "shot",
        "film",
        "film-new",
        "film-delete",
        "film-share",
        "library-delete",
        "import",
        "import-columns",
        "import-delete",
        "compare",
        "generation-between",
        "generation-delete",
        "generation-report",
        "mfa_edit_webauthn",
        "mfa_remove_webauthn",
    ),
    *(
        "team",
        "team-queue",
        "team-usage",
        "preset",
        "team-approvals",
        "team-delete",
        "invitation-link",
        "approval-by-mail",
    ),
    *("account_confirm_email", "account_reset_password_from_key"),
    *("review", "comment", "share-comments", "share-comment", "share-verdict"),
    *("share", "share-video", "share-report", "share-link-new", "share-link", "team-sharing"),
    *("webhooks", "webhook-new", "webhook", "webhook-edit", "webhook-delivery"),
    *("key", "team-keys"),
]
NO_PAGES: Final = [  # parts of a page, files, data
    *("v1-openapi", "v1-docs"),  # Swagger UI is as it is
    *("generation-panel", "generation-card", "generation-video", "generation-poster", "generation-preview", "avatar"),
    *("generation-picture", "generation-download", "team-usage-csv", "mfa_download_recovery_codes", "trash-poster"),
    "trash-picture-thumbnail",
    *(
        "film-panel",
        "film-video",
        "film-poster",
        "film-download",
        "film-timeline",
        "library-picture",
        "library-thumbnail",
        "shot-takes",
    ),
    *("import-panel", "import-results"),
    *("gallery-counts", "gallery-months", "submit-pause", "queue-positions", "ended", "events", "draft-session"),
    *("notifications-menu", "upload", "healthz", "healthz-request", "readyz", "metrics", "favicon"),
    # only where somebody is in the middle of something, or has no password
    *("account_confirm_login_code", "mfa_authenticate", "mfa_login_webauthn", "socialaccount_signup"),
    *("openid-reauthenticate", "account_set_password"),
    *("share-oembed", "share-logo", "share-archive", "share-file", "share-poster", "share-preview", "share-download"),
    *("share-metadata", "share-embed", "share-output", "fal-jwks", "webhook-poster"),
]
LOOKS: Final[dict[Literal["light", "dark"], tuple[int, int]]] = {"light": (1440, 900), "dark": (390, 844)}
NARROWER: Final = {1440: (1440, 1280), 390: (390, 320)}  # widths at which nothing is cut off, by that of the visit
RULES: Final = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
MAX_SHIFT: Final = 0.02
WATCH_SHIFTS: Final = """
window.layoutShift = { sum: 0, of: [] };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    layoutShift.sum += entry.value;
    for (const { node, previousRect, currentRect } of entry.sources) {
      const box = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(" ");
      const name = node?.outerHTML?.slice(0, 120) ?? node?.nodeName ?? "gone";
      layoutShift.of.push(`${name} from ${box(previousRect)} to ${box(currentRect)}`);
    }
  }
}).observe({ type: "layout-shift", buffered: true });
"""
SHIFTS: Final = "the layout shifts by"
MAX_REQUESTS: Final = 12
REQUESTS: Final = """
() => {
  const isPicture = ({ initiatorType }) => ["img", "video", "image"].includes(initiatorType);
  const isLater = ({ initiatorType, startTime }) => initiatorType === "fetch" && startTime > 1000; // ms
  const loaded = performance.getEntriesByType("resource").filter((one) => !isPicture(one) && !isLater(one));
  const icons = [...document.querySelectorAll("link[rel=icon]")].map(({ href }) => href); // not loaded without a head
  return [location.href, ...new Set([...loaded.map(({ name }) => name), ...icons])];
}
"""
IDS_TWICE: Final = """
() => {
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  return [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))];
}
"""
TOO_WIDE: Final = """
() => [...document.querySelectorAll("main *")]
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
  .slice(-3).map((element) => element.outerHTML.slice(0, 120))
"""


@pytest.fixture
def expected() -> re.Pattern[str]:
    """Pages of refusals are looked at, too."""
    return re.compile(r"status of (401|403|404|409|410|422) ")


@pytest.fixture(autouse=True)
def _watch(page: Page) -> None:
    page.add_init_script(WATCH_SHIFTS)


def judge(page: Page, paths: list[str]) -> None:
    """All that is wrong is told at once."""
    found = []
    for scheme, (width, height) in LOOKS.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for path in paths:
            found += [f"{path} ({scheme}, {width} px): {fault}" for fault in faults_of(page, path, width, height)]
    assert not found, "\n".join(found)


def faults_of(page: Page, path: str, width: int, height: int) -> list[str]:
    """A busy browser paints a page that it has received by half, and shifts it once: what is wrong shifts again."""
    found: list[str] = []
    for _ in range(2):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()
        found = faults(page)
        if not any(one.startswith(SHIFTS) for one in found):
            break
    return found


def faults(page: Page) -> list[str]:
    """Of the page that is open. Leaves it at another width."""
    found = [*_violations(page), *(f"#{one} is there twice" for one in page.evaluate(IDS_TWICE))]
    shift = page.evaluate("window.layoutShift")
    if shift["sum"] >= MAX_SHIFT:
        found.append(f"{SHIFTS} {shift['sum']:.3f}: {shift['of'][:5]}")
    if len(requests := page.evaluate(REQUESTS)) > MAX_REQUESTS:
        found.append(f"it makes {len(requests)} requests: {requests}")
    size = page.viewport_size or {"width": 1440, "height": 900}
    for width in NARROWER[size["width"]]:
        page.set_viewport_size({"width": width, "height": size["height"]})
        if (needed := page.evaluate("document.documentElement.scrollWidth")) > width:
            found.append(f"it is {needed} px wide at {width} px: {page.evaluate(TOO_WIDE)}")
    return found


def _violations(page: Page) -> list[str]:
    result = Axe().run(page, options={"resultTypes": ["violations"], "runOnly": RULES})
    return [
        f"{each['id']} ({each['impact']}): {', '.join(node['html'][:160] for node in each['nodes'][:3])}"
        for each in result.response["violations"]
        if each["impact"] in {"serious", "critical"}
    ]


def test_no_page_is_left_out() -> None:
    """A new address is added to those above, or to those that are no pages."""
    pages = {name for (name, method), answers in TABLE.items() if method == "GET" and {"200", "again"} & {*answers}}
    admin = {address.name for address in addresses() if address.route.startswith("admin/")}
    known = {*STRANGERS, *PEOPLES, *WITH_FACTORS, *WITH_ARGUMENTS, *NO_PAGES}
    assert {name for name in pages if "/" not in name} - admin - known == set()


def test_pages_for_strangers(page: Page) -> None:
    gone = ["/teams/join/gone/", "/teams/approve/forged/", "/nowhere/"]
    links = [
        reverse("account_confirm_email", args=["x"]),
        reverse("account_reset_password_from_key", args=["1", "x-y"]),
    ]
    judge(page, [*(reverse(name) for name in STRANGERS), *gone, *links])


def test_pages_for_people_who_have_nothing_yet(bobs_page: Page, studio: LiveServer, bob: User) -> None:
    show_again(bobs_page, studio, bob)
    judge(bobs_page, [*(reverse(name) for name in PEOPLES), "/generations/new/?kind=image", "/nowhere/"])
    Authenticator.objects.create(user=bob, type="totp", data={"secret": "x"})
    RecoveryCodes.activate(bob)
    passkey = Authenticator.objects.create(user=bob, type="webauthn", data=passkey_data() | {"name": "W" * 60})
    keyed = [reverse(name, args=[passkey.pk]) for name in ("mfa_edit_webauthn", "mfa_remove_webauthn")]
    judge(bobs_page, [*(reverse(name) for name in WITH_FACTORS), *keyed])


def test_generations_of_every_state_with_long_words(bobs_page: Page, film: Team, bob: User) -> None:
    rows: list[Generation] = rows_of_every_state(bob, film)
    upload, long = make_upload(bob, picture(size=(300, 700))), {"prompt": "W" * 2500, "negative_prompt": "W" * 2500}
    TeamPause.objects.create(team=film, began_by=bob, note="W" * 200)
    preset = Preset.objects.save_preset(bob, "W" * 60, {"prompt": "W" * 2500})
    Preset.objects.save_preset(bob, "W" * 60, long | {f"var-{'w' * 40}": "W" * 300})
    Preset.objects.save_preset(bob, "W " * 30, long, film)
    matrix = f"W {{{'w' * 40}}} {{{'x' * 40}: {'W' * 300}|{'W ' * 100}}}"
    Draft.objects.save_draft(bob, uuid.uuid4(), long | {"prompt": matrix}, {})
    Draft.objects.save_draft(bob, uuid.uuid4(), {"prompt": "W W"}, {})
    composers = [f"?made={rows[0].pk}&team=film", f"?kind=image&start={upload.pk}&tail={upload.pk}", "?team=film"]
    made = [*(row.get_absolute_url() for row in rows), *(f"/generations/new/{query}" for query in composers)]
    presets = [reverse("presets"), reverse("preset", args=[preset.pk])]
    lists = [reverse("earlier-prompts"), "/teams/film/queue", "/accounts/delete/", *presets]
    judge(bobs_page, [reverse("gallery"), *made, *lists])


def test_what_stands_on_pages_that_are_in_use(
    bobs_page: Page, film: Team, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [make_generation(bob, film, Status.DONE) for _ in range(3)]
    for row in rows:
        make_video(row)
    assert rows[2].move_to_trash(bob)
    left = Team.objects.create(name="W" * 100, slug="left")
    FormerMembership.objects.create(team=left, user=bob)
    make_video(make_generation(bob, left, Status.DONE, is_private=True, prompt="W" * 300))
    made = film_of(bob, rows[:2], name="W" * 100)
    kept = make_library_picture(bob, film, name="W" * 100)
    assert make_library_picture(bob, film, picture(color="red"), name="W" * 100).move_to_trash()
    kept.set_tags(["W" * 60, "W W"])
    Film.objects.update(status="failed", message="W" * 200)
    paths = [
        f"{reverse('film-new')}?ids={rows[0].pk},{rows[1].pk}",
        *(reverse(name, args=[made.pk]) for name in ("film", "film-delete", "film-share")),
        reverse("films"),
        reverse("library"),
        f"{reverse('library')}?q=nothing",
        reverse("library-delete", args=[kept.pk]),
        f"{reverse('compare')}?ids={rows[0].pk},{rows[1].pk}",
        f"{reverse('new-generation')}?made={rows[0].pk}",
        f"{reverse('gallery')}?q=nothing&status=failed",
        f"{reverse('gallery')}?q=fox",
        reverse("trash"),
        reverse("former-teams"),
        *(reverse(name, args=[rows[0].pk]) for name in ("generation-delete", "generation-between")),
    ]
    judge(bobs_page, paths)
    bobs_page.set_viewport_size({"width": 390, "height": 844})
    bobs_page.goto(reverse("library"))
    bobs_page.get_by_text("Edit").click()
    assert faults(bobs_page) == []
    for width in (1440, 390):
        bobs_page.set_viewport_size({"width": width, "height": 844})
        bobs_page.goto(f"{reverse('new-generation')}?kind=image")
        bobs_page.get_by_role("button", name="Choose from library").first.click()
        expect(bobs_page.locator("[data-picker-picture]")).to_be_visible()
        assert [fault for fault in faults(bobs_page) if "requests" not in fault] == []  # the press made some more
    monkeypatch.setattr(archive, "PART_BYTES", 1)
    bobs_page.set_viewport_size({"width": 390, "height": 844})
    bobs_page.evaluate(SEND_ARCHIVE, [str(row.pk) for row in rows[:2]])
    expect(bobs_page.get_by_role("heading", name="Download in parts")).to_be_visible()
    assert faults(bobs_page) == []


def test_imports_with_long_words(bobs_page: Page, film: Team, bob: User) -> None:
    long = "W" * 300
    waits = make_import(
        bob, film, f"{long},{long},5,1:1,,,{'w' * 60},,", f"{long},{long},{long},{long},{long},,{long},,"
    )
    ImportPicture.objects.keep(waits, f"{long}.png", make_upload(bob))
    url = f"https://example.com/{long}.png"
    fetched = make_import(bob, film, f"{long},,,,{url},,,,", f"{long},,,,{url}2,,,,", name="W" * 100)
    ImportPicture.objects.set_urls(fetched, {url, f"{url}2"})
    ImportPicture.objects.filter(name=url).update(error=long, due_at=None)
    ordered = make_import(bob, film, f"{long},,,,,,,,", name="W" * 100)
    row = make_generation(bob, film, Status.REJECTED, message=long, idempotency_key=ordered.idempotency_key)
    OrderImport.objects.filter(pk=ordered.pk).update(ordered_at=row.created_at)
    names = ("import", "import-columns", "import-delete")
    paths = [reverse(name, args=[one.pk]) for one in (waits, fetched) for name in names]
    pictures = OrderImport.objects.create(user=bob, team=film, name="Pictures")
    ImportPicture.objects.keep(pictures, f"{long}.png", make_upload(bob))
    judge(bobs_page, ["/import/", *paths, ordered.get_absolute_url(), pictures.get_absolute_url()])


def test_storyboards_with_long_words(bobs_page: Page, film: Team, bob: User) -> None:
    long = "W" * 300
    project = Collection.objects.create(team=film, name="W" * 60)
    empty = Collection.objects.create(team=film, name="Nothing yet")
    shots = Shot.objects.append(project, [Shot(prompt=long, note=long), Shot(prompt="W W"), Shot()])
    for shot, status in ((shots[0], Status.DONE), (shots[0], Status.DONE), (shots[1], Status.FAILED)):
        row = make_generation(bob, film, status, shot=shot, collection=project, prompt=long)
        if status == Status.DONE:
            make_video(row)
    names = ("storyboard", "storyboard-play", "storyboard-generate")
    paths = [reverse(name, args=[one.pk]) for one in (project, empty) for name in names]
    judge(bobs_page, [*paths, f"{paths[2]}?missing", *(shot.get_absolute_url() for shot in shots)])


SEND_ARCHIVE: Final = """
(ids) => {
  const form = document.querySelector("main form[method=post]").cloneNode(true);
  form.action = "/generations/archive";
  for (const id of ids) form.insertAdjacentHTML("beforeend", `<input name="ids" value="${id}">`);
  document.body.append(form);
  form.submit();
}
"""


def test_team_and_invitation_with_long_names(
    page: Page, studio: LiveServer, film: Team, alice: User, bob: User, settings: Settings
) -> None:
    User.objects.filter(pk=bob.pk).update(name="W" * 150)
    Team.objects.filter(pk=film.pk).update(name="W" * 100, domains=["w" * 60 + ".example.com"])
    _, token = invite(film, alice, Role.MEMBER)
    invite(film, alice, Role.MEMBER, email="w" * 60 + "@example.org")
    key, _ = make_key(alice, film, name="W" * 100, allowed_networks=["192.0.2.0/24"])
    make_key(bob, film, name="W" * 100)
    make_video(make_generation(bob, film, Status.DONE))
    be(page, studio, alice)
    Tag.objects.create(team=film, name="W" * 60)
    paths = ["/tags/", "/teams/", "/teams/film/", "/teams/film/queue", "/teams/film/usage", "/teams/film/approvals"]
    judge(page, [*paths, "/teams/film/delete", f"/teams/join/{token}/", "/teams/join/gone/"])
    judge(page, ["/accounts/keys/", f"/accounts/keys/{key.pk}/", "/teams/film/keys/"])
    be(page, studio, None)
    judge(page, [f"/teams/join/{token}/"])


def test_share_links_with_long_names(
    page: Page, studio: LiveServer, film: Team, alice: User, bob: User, settings: Settings
) -> None:
    User.objects.filter(pk=bob.pk).update(name="W" * 150)
    Team.objects.filter(pk=film.pk).update(name="W" * 100)
    rows = [make_generation(bob, film, Status.DONE, prompt="W" * 300) for _ in range(3)]
    for row in rows:
        make_video(row)
    options = LinkOptions("W" * 100, days=7, allows_download=True, allows_comments=True)
    link, token = share_videos(bob, rows, options)
    _, one = share_videos(bob, rows[:1], options)
    _, closed = share_videos(bob, rows, replace(options, password="a fox in the snow", max_views=3))
    be(page, studio, None)
    judge(page, [f"/share/{token}/", f"/share/{token}/{rows[1].pk}/", f"/share/{one}/", f"/share/{closed}/"])
    judge(page, [f"/share/{token}/{rows[1].pk}/report"])
    values = {"text": "W" * 2000, "start_ms": 0, "end_ms": 200, "x": 0.1, "y": 0.1, "is_public": True}
    comment = add_comment(rows[1], Reviewer(bob), values, None)
    add_comment(rows[1], Reviewer(bob), values, comment)
    give_verdict(rows[1], Reviewer(bob), "approved", "W" * 2000)
    for other in (rows[0], rows[2]):
        Generation.objects.filter(pk=other.pk).update(parent=rows[1])
        add_comment(other, Reviewer(bob), {"text": "To carry over"}, None)
    judge(page, [f"/share/{token}/{rows[1].pk}/"])
    be(page, studio, bob)
    judge(page, [f"/generations/{rows[1].pk}/review/", f"/comments/{comment.pk}/"])
    judge(page, ["/share-links/", f"/share-links/new/?ids={rows[0].pk}", f"/share-links/{link.pk}/"])
    ShareLink.objects.update(approved_at=None)
    be(page, studio, alice)
    judge(page, ["/teams/film/sharing", f"/share-links/{link.pk}/", f"/share/{token}/"])
    endpoint = make_endpoint(film, f"https://example.com/{'hook' * 40}", failing_since=timezone.now())
    delivery = queued(endpoint)
    headers = {"server": "W" * 300}
    delivery.attempts.create(
        number=1, milliseconds=5, status=500, request_headers=headers, response_headers=headers, response="W" * 1000
    )
    own = f"/teams/film/webhooks/{endpoint.pk}/"
    judge(page, ["/teams/film/webhooks/", "/teams/film/webhooks/new/", own, f"{own}edit/", f"{own}{delivery.pk}/"])


def test_money_that_waits_and_what_moderators_do(
    page: Page, studio: LiveServer, film: Team, alice: User, bob: User, moderators: Group
) -> None:
    mo, now = moderator("mo"), timezone.now()
    Team.objects.filter(pk=film.pk).update(approval_above_cents=50)
    film.refresh_from_db()
    arguments = parse(Endpoint.TEXT_TO_VIDEO, {"prompt": "A fox", "duration": 10, "aspect_ratio": "16:9"})
    order = Order(
        user=bob,
        team=film,
        idempotency_key=uuid.uuid4(),
        endpoint=Endpoint.TEXT_TO_VIDEO,
        arguments=arguments,
        pictures={},
    )
    (held,) = place_batch([order])
    seen, removed = make_generation(bob, film, Status.DONE), make_generation(bob, film, Status.DONE)
    for row in (seen, removed):
        make_video(row)
    Decision.objects.create(kind=DecisionKind.TAKE_DOWN, by=mo, why="Not here", person=bob, generation=removed)
    Generation.objects.filter(pk=removed.pk).update(taken_down_at=now, quarantined_at=now)
    impersonation = Impersonation.objects.create(staff=mo, person=bob, reason="To help", until=now, ended_at=now)
    impersonation.requests.create(method="GET", path="/", status_code=200)
    (ask,) = approvals.pending_approvals(film)
    be(page, studio, alice)
    link = approvals.link_for(alice, ask).partition("/teams")[2]
    gone = "/teams/approve/forged/"
    report = f"/generations/{seen.pk}/report"
    judge(page, ["/teams/film/approvals", f"/teams{link}", gone, report])
    be(page, studio, bob)
    judge(page, [removed.get_absolute_url(), held.get_absolute_url(), "/accounts/impersonations/"])
    User.objects.filter(pk=bob.pk).update(
        suspended_until=timezone.now() + timedelta(days=1), suspension_reason="W" * 300
    )
    judge(page, ["/"])


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
