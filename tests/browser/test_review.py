"""A video is reviewed: by a guest on a phone, who points at the frame, and by a member, from version to version."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from generations.models import Generation, Status
from sharing import review
from sharing.links import share_videos
from sharing.models import Comment, Guest
from sharing.review import Reviewer
from tests.browser.conftest import LOOKS, RENDERED, desk_alone
from tests.cast import make_generation, make_video
from tests.generations.mirror.videos import mp4
from tests.sharing.cast import OPTIONS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SEEK = """(seconds) => new Promise((done) => {
  const video = document.querySelector("video");
  video.addEventListener("seeked", done, { once: true });
  video.currentTime = seconds;
})"""
AT = "() => document.querySelector('video').currentTime"


@pytest.fixture
def expected() -> re.Pattern[str]:
    return re.compile(r"status of (403|422) |Failed to load resource")


def make_long_video(user: User, team: Team, **columns: object) -> Generation:
    row = make_generation(user, team, Status.DONE, **columns)
    video = make_video(row, mp4(seconds=8))
    video.duration = 8
    video.save(update_fields=["duration"])
    return row


def wait_for_video(page: Page) -> None:
    page.wait_for_function("() => document.querySelector('video').readyState >= 2", timeout=RENDERED)


@pytest.mark.parametrize("look", [LOOKS["390"]], indirect=True, ids=["390"])
def test_a_guest_on_a_phone_points_at_the_frame_and_approves(
    page: Page, studio: LiveServer, film: Team, bob: User
) -> None:
    row = make_long_video(bob, film)
    _, token = share_videos(bob, [row], replace(OPTIONS, password="a fox in the snow"))
    page.goto(f"/share/{token}/")
    page.get_by_label("Password").fill("a fox in the snow")
    page.get_by_role("button", name="Open").click()
    wait_for_video(page)
    page.evaluate(SEEK, 3.2)
    expect(page.get_by_label("At 0:03.2")).to_be_checked()

    page.get_by_role("button", name="Point on the frame").click()
    mark = page.get_by_role("button", name="Mark on the frame")
    expect(mark).to_be_focused()
    frame = page.locator(".review-frame").bounding_box()
    assert frame
    page.mouse.click(frame["x"] + frame["width"] / 4, frame["y"] + frame["height"] / 2)
    mark.press("ArrowRight")
    mark.press("ArrowUp")
    page.locator("#id_text").fill("The fox is <b>too</b> red")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_text("This field is required.")).to_be_visible()  # the name
    expect(page.locator("#id_text")).to_have_value("The fox is <b>too</b> red")
    page.locator("#id_name").fill("Gwen")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_text("The fox is <b>too</b> red")).to_be_visible()

    made = Comment.objects.get()
    assert (made.start_ms, made.end_ms, made.width) == (3200, None, None)
    assert made.x == pytest.approx(0.26, abs=0.01)
    assert made.y == pytest.approx(0.49, abs=0.01)
    page.wait_for_function(f"{AT.removeprefix('() => ')} > 3")  # the page has gone to what was said
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Your verdict: Approved")).to_be_visible()
    assert (Generation.objects.get().review_status, Guest.objects.get().name) == ("approved", "Gwen")
    page.locator(".comment").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No comments yet.")).to_be_visible()


@desk_alone
def test_a_member_reviews_by_the_timeline_and_carries_comments_to_the_next_version(
    bobs_page: Page, film: Team, bob: User, alice: User
) -> None:
    page, first = bobs_page, make_long_video(bob, film)
    values = {"text": "Brighter", "start_ms": 1000, "end_ms": 3000, "x": 0.1, "y": 0.1, "width": 0.3, "height": 0.4}
    review.add_comment(first, Reviewer(alice), values, None)
    second = make_long_video(bob, film, parent=first, relation="retry")
    page.goto(first.get_absolute_url())
    page.get_by_role("link", name="Review", exact=True).click()
    wait_for_video(page)

    page.locator(".review-timeline__mark--range").click()
    page.wait_for_function(f"{AT.removeprefix('() => ')} === 1")
    expect(page.locator(".review-mark")).to_be_visible()
    page.evaluate(SEEK, 4)
    page.get_by_role("button", name="From here").click()
    page.evaluate(SEEK, 6.5)
    page.get_by_role("button", name="Until here").click()
    expect(page.get_by_label("At 0:04.0–0:06.5")).to_be_checked()
    page.get_by_role("button", name="Rectangle on the frame").click()
    page.keyboard.press("Shift+ArrowRight")
    page.get_by_label("Mention").select_option("Alice")
    page.locator("#id_text").press_sequentially("look here")
    page.get_by_role("button", name="Comment", exact=True).click()
    own = page.locator(".comment", has_text="@Alice look here")
    expect(own.get_by_text("0:04.0–0:06.5")).to_be_visible()
    made = Comment.objects.get(user=bob)
    assert (made.start_ms, made.end_ms, made.x, made.width, made.height) == (4000, 6500, 0.35, 0.31, 0.3)
    assert [one.user for one in made.mentions.all()] == [alice]

    thread = page.locator(".review__thread", has_text="Brighter")
    thread.get_by_text("Reply", exact=True).first.click()
    thread.get_by_label("Reply").fill("I will")
    thread.get_by_role("button", name="Send reply").click()
    expect(thread.get_by_text("I will")).to_be_visible()
    thread.get_by_role("button", name="Resolve").click()
    expect(thread.get_by_text("Resolved")).to_be_visible()
    page.get_by_role("button", name="Request changes").click()
    expect(page.get_by_text("Your verdict: Changes wanted.")).to_be_visible()

    page.get_by_role("link", name="Version 2").click()
    expect(page.get_by_text("No comments yet.")).to_be_visible()
    page.get_by_role("button", name="Carry over").click()
    expect(page.get_by_text("1 comment carried over.")).to_be_visible()
    expect(page.locator(".comment", has_text="@Alice look here")).to_be_visible()
    assert Comment.objects.get(generation=second).carried_from == made
    page.goto("/?review=changes_wanted")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".card .chip--changes_wanted")).to_be_visible()
