"""The player of several videos as one film: no gap between them, its place in the whole, its keys, a lost address."""

import re

import pytest
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from generations.models import Collection, Generation, Shot, Status
from tests.browser.conftest import desk_alone
from tests.cast import make_generation, make_video
from tests.generations.mirror.videos import mp4

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SECONDS = (1.0, 1.5, 1.0)
_BOTH_READY = """() => {
    const videos = [...document.querySelectorAll("[data-stage] video")];
    return videos.length === 2 && videos.every((video) => video.readyState >= 2);
}"""
_WATCH = """() => {
    window.seen = { gaps: 0, shots: [], most: 0 };
    const look = () => {
        const videos = [...document.querySelectorAll("[data-stage] video")];
        const shown = videos.filter((video) => getComputedStyle(video).visibility === "visible");
        seen.most = Math.max(seen.most, videos.length);
        if (shown.length !== 1 || shown[0].readyState < 2) seen.gaps += 1;
        else if (seen.shots.at(-1) !== shown[0].getAttribute("aria-label")) {
            seen.shots.push(shown[0].getAttribute("aria-label"));
        }
        requestAnimationFrame(look);
    };
    look();
}"""
"""At each picture that the browser paints: is exactly one video in sight, with a frame to show?"""


def rows_of(film: Team, bob: User) -> list[Generation]:
    rows = [make_generation(bob, film, Status.DONE, prompt=f"Shot {number}") for number in range(1, len(SECONDS) + 1)]
    for row, seconds in zip(rows, SECONDS, strict=True):
        make_video(row, mp4(seconds=seconds))
    return rows


def clip(row: Generation) -> dict[str, object]:
    addresses = {name: reverse(f"generation-{name}", args=[row.pk]) for name in ("video", "poster")}
    return {
        "url": addresses["video"],
        "poster": addresses["poster"],
        "width": row.video.width,
        "height": row.video.height,
        "label": row.prompt,
        "page": row.get_absolute_url(),
        "seconds": row.duration,  # as it was ordered; the file is shorter
        "codec": "h264",
    }


def put_on_page(page: Page, rows: list[Generation]) -> None:
    """The markup on a page of the studio, so that the studio's own module map, styles and CSP are around it."""
    page.goto(reverse("trash"))
    markup = render_to_string("generations/_sequence.html", {"clips": [clip(row) for row in rows]})
    page.evaluate(
        """async ([markup, styles]) => {
            document.querySelector("main").innerHTML = markup;
            await Promise.all(styles.map((href) => new Promise((done) => document.head.append(
                Object.assign(document.createElement("link"), { rel: "stylesheet", href, onload: done })))));
        }""",
        [markup, [static("css/detail.css"), static("css/sequence.css")]],
    )


def begin(page: Page, rows: list[Generation]) -> None:
    put_on_page(page, rows)
    page.evaluate("source => import(source)", static("sequence_player.js"))
    page.wait_for_function("() => document.querySelector('[data-stage] video[data-shown]')")


def test_plays_as_one_film_and_is_led_by_keys(bobs_page: Page, film: Team, bob: User) -> None:
    page, rows = bobs_page, rows_of(film, bob)
    begin(page, rows)
    links, time, place = page.locator("[data-clip]"), page.locator("[data-time]"), page.locator("[data-current]")
    expect(links.nth(0)).to_have_attribute("aria-current", "true")

    # the next has a frame before its turn comes
    page.wait_for_function(_BOTH_READY)
    page.evaluate(_WATCH)
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(links.nth(2)).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert page.evaluate("seen") == {"gaps": 0, "shots": ["Shot 1", "Shot 2", "Shot 3"], "most": 2}
    expect(time).to_have_text("0:03 / 0:03")  # 3.5 s, by the files
    expect(place).to_have_text("Video 3 of 3")

    page.keyboard.press("[")
    expect(place).to_have_text("Video 2 of 3")
    page.keyboard.press("]")
    expect(place).to_have_text("Video 3 of 3")

    page.locator("[data-scrub]").evaluate("scrub => { scrub.value = 1.25; scrub.dispatchEvent(new Event('input')); }")
    expect(place).to_have_text("Video 2 of 3")
    page.wait_for_function("() => document.querySelector('[data-shown]:first-child').currentTime === 0.25")
    expect(page.locator("[data-stage] video[data-shown]")).to_have_count(1)
    expect(page.get_by_role("button", name="Play")).to_be_visible()  # it was not playing

    links.nth(2).click()
    expect(page).to_have_url(re.compile(reverse("trash")))
    expect(place).to_have_text("Video 3 of 3")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Play or pause the sequence")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@desk_alone
def test_a_lost_video_says_so_and_the_others_play(bobs_page: Page, film: Team, bob: User) -> None:
    page, rows = bobs_page, rows_of(film, bob)
    lost = re.escape(reverse("generation-video", args=[rows[1].pk]))
    page.route(re.compile(lost), lambda route: route.fulfill(status=404))
    begin(page, rows)
    expect(page.locator("[data-broken]")).to_be_visible()

    page.locator("[data-clip]").nth(2).click()
    expect(page.locator("[data-stage] video[data-shown]")).to_have_attribute("aria-label", "Shot 3")


@desk_alone
def test_without_scripts_it_is_a_list_of_links(
    bobs_page: Page, chromium: Browser, studio: LiveServer, film: Team, bob: User
) -> None:
    rows = rows_of(film, bob)
    project = Collection.objects.create(team=film, name="Spring")
    for shot, row in zip(Shot.objects.append(project, [Shot() for _ in rows]), rows, strict=True):
        Generation.objects.filter(pk=row.pk).update(shot=shot)
    state = bobs_page.context.storage_state()
    context = chromium.new_context(base_url=studio.url, storage_state=state, java_script_enabled=False)
    page = context.new_page()
    page.goto(reverse("storyboard-play", args=[project.pk]))
    expect(page.locator("[data-stage]")).to_be_hidden()
    expect(page.locator("[data-bar]")).to_be_hidden()
    page.get_by_role("link", name="Shot 2").click()
    expect(page).to_have_url(re.compile(str(rows[1].pk)))
    context.close()
