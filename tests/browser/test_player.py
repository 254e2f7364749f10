"""The player of the detail page: frames, loop, the keys, and an address that expires while somebody watches."""

import re
import uuid
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, Route, expect

from accounts.models import Team, User
from generations.models import Generation, Status
from tests.browser.conftest import RENDERED, Worker
from tests.cast import make_generation, make_video
from tests.generations.mirror.videos import mp4

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_AT = "video => video.readyState >= 2 && !video.seeking ? video.currentTime : null"


@dataclass
class Address:
    """The video's address as the browser meets it; `refuses` says which requests it turns away."""

    refuses: re.Pattern[str] = re.compile(r"(?!)")
    asked: int = 0

    def answer(self, route: Route) -> None:
        self.asked += "again=" in route.request.url
        if self.refuses.search(route.request.url):
            route.fulfill(status=404)
        else:
            route.continue_()


def made(film: Team, bob: User, seconds: float = 3, **columns: object) -> Generation:
    row = make_generation(bob, film, Status.DONE, **columns)
    make_video(row, mp4(seconds=seconds))
    return row


@pytest.fixture
def address(bobs_page: Page) -> Address:
    address = Address()
    bobs_page.route(re.compile(r"/video(\?|$)"), address.answer)
    return address


def opened(page: Page, row: Generation) -> None:
    page.goto(row.get_absolute_url())
    page.wait_for_function("() => document.querySelector('video').readyState >= 1")


def second(page: Page) -> float:
    at = page.wait_for_function(
        f"() => {{ const at = ({_AT})(document.querySelector('video')); return at === null ? null : [at] }}"
    )
    value: list[float] = at.json_value()
    return value[0]


def lose_the_address(page: Page) -> None:
    """The player must fetch again where it is, as when a range is asked for too late."""
    page.locator("video").evaluate("video => video.load()")


def test_keys_step_by_one_frame(bobs_page: Page, film: Team, bob: User) -> None:
    page = bobs_page
    opened(page, made(film, bob))
    frame = page.locator("[data-frame]")

    for _ in range(3):
        page.keyboard.press(".")
        page.wait_for_function("() => !document.querySelector('video').seeking")
    expect(frame).to_have_text("4")
    assert second(page) == pytest.approx(3.5 / 24, abs=0.002)

    page.keyboard.press(",")
    expect(frame).to_have_text("3")
    page.get_by_role("button", name="Next frame").click()
    expect(frame).to_have_text("4")

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Previous frame")


def test_the_loop_is_remembered(bobs_page: Page, film: Team, bob: User) -> None:
    page, row = bobs_page, made(film, bob)
    opened(page, row)
    loop = page.get_by_role("button", name="Loop")
    expect(loop).to_have_attribute("aria-pressed", "false")
    loop.click()
    page.reload()

    expect(loop).to_have_attribute("aria-pressed", "true")
    assert page.locator("video").evaluate("video => video.loop") is True
    page.keyboard.press("l")
    expect(loop).to_have_attribute("aria-pressed", "false")


def test_an_expired_address_is_renewed_and_goes_on_there(
    bobs_page: Page, film: Team, bob: User, address: Address
) -> None:
    page = bobs_page
    opened(page, made(film, bob))
    page.locator("video").evaluate("video => { video.currentTime = 2; }")
    assert second(page) == pytest.approx(2, abs=0.05)

    address.refuses = re.compile(r"/video$")
    lose_the_address(page)
    page.wait_for_function("() => document.querySelector('video').src.includes('again=')")

    page.wait_for_function("() => document.querySelector('video').currentTime > 1.9")
    assert second(page) == pytest.approx(2, abs=0.05)
    assert address.asked > 0
    expect(page.locator("[data-broken]")).to_be_hidden()


def test_a_second_failure_says_so_and_can_be_tried_again(
    bobs_page: Page, film: Team, bob: User, address: Address
) -> None:
    page = bobs_page
    address.refuses = re.compile(r"/video")
    page.goto(made(film, bob).get_absolute_url())
    expect(page.get_by_role("alert").filter(has_text="could not be loaded")).to_be_visible()
    assert address.asked == 1

    address.refuses = re.compile(r"(?!)")
    page.get_by_role("button", name="Try again").click()
    assert second(page) == pytest.approx(0, abs=0.05)
    expect(page.locator("[data-broken]")).to_be_hidden()


def test_keys_go_through_the_gallery(bobs_page: Page, film: Team, bob: User) -> None:
    page = bobs_page
    old, middle, new = (make_generation(bob, film, Status.CANCELED, prompt=words) for words in ("Old", "Mid", "New"))
    page.goto(middle.get_absolute_url())
    page.keyboard.press("j")
    page.wait_for_url(f"**{old.get_absolute_url()}")
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    page.keyboard.press("k")
    page.wait_for_url(f"**{middle.get_absolute_url()}")
    page.get_by_role("link", name="Newer").click()
    page.wait_for_url(f"**{new.get_absolute_url()}")


def test_one_bar_plays_and_scrubs_them_all(bobs_page: Page, film: Team, bob: User) -> None:
    page, batch = bobs_page, uuid.uuid4()
    rows = [made(film, bob, seconds, batch=batch, batch_index=seconds) for seconds in (4, 2)]
    opened(page, rows[0])
    page.get_by_role("link", name="Compare 2 side by side").click()
    videos = page.locator("video")
    expect(videos).to_have_count(2)
    page.wait_for_function("() => [...document.querySelectorAll('video')].every((video) => video.readyState >= 3)")

    page.keyboard.press("Space")
    page.wait_for_function("() => [...document.querySelectorAll('video')].every((video) => video.currentTime > 0.5)")
    page.get_by_role("button", name="Pause").click()
    first, second_ = videos.evaluate_all("videos => videos.map((video) => [video.paused, video.currentTime])")
    assert (first[0], second_[0]) == (True, True)
    assert first[1] == pytest.approx(second_[1], abs=0.05)

    page.get_by_label("Position", exact=True).evaluate(
        "scrub => { scrub.value = 3; scrub.dispatchEvent(new Event('input')); }"
    )
    assert videos.evaluate_all("videos => videos.map((video) => video.currentTime)") == pytest.approx([3, 2], abs=0.1)
    expect(page.locator("[data-time]")).to_have_text("3.00 s")


def test_the_code_of_a_language_is_shown_and_copied(bobs_page: Page, film: Team, bob: User) -> None:
    page = bobs_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(page, made(film, bob, prompt="A 'fox' in the \"snow\""))
    page.get_by_text("The same request as code").click()
    expect(page.get_by_role("region", name="curl")).to_be_visible()
    page.get_by_role("radio", name="Python").check()
    expect(page.get_by_role("region", name="curl")).to_be_hidden()
    page.locator(".code-box").get_by_role("button", name="Copy").click()

    assert "fal_client.subscribe" in page.evaluate("navigator.clipboard.readText()")


def test_the_tab_counts_what_is_being_made(bobs_page: Page, film: Team, bob: User, worker: Worker) -> None:
    page = bobs_page
    for words in ("One fox", "Two foxes"):
        make_generation(bob, film, prompt=words)
    page.goto("/")
    expect(page).to_have_title("(2) Gallery · Kling Studio")
    icon = page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile("favicon-busy"))

    worker.start()
    expect(page).to_have_title("Gallery · Kling Studio", timeout=RENDERED)
    expect(icon).to_have_attribute("href", re.compile(r"/favicon\.[^-]*$"))


def test_a_renewed_video_that_played_plays_on(bobs_page: Page, film: Team, bob: User, address: Address) -> None:
    page = bobs_page
    opened(page, made(film, bob))
    page.locator("video").evaluate(
        "async (video) => { video.muted = true; video.currentTime = 1; await video.play(); }"
    )
    page.wait_for_function("() => document.querySelector('video').currentTime > 1.2")

    address.refuses = re.compile(r"/video$")
    lose_the_address(page)
    page.wait_for_function("() => document.querySelector('video').src.includes('again=')")
    page.wait_for_function("() => document.querySelector('video').currentTime > 1.5")


@pytest.mark.parametrize("width", [390, 1440])
def test_long_texts_fit(bobs_page: Page, film: Team, bob: User, width: int) -> None:
    page, batch, long = bobs_page, uuid.uuid4(), "W" * 2500
    rows = [made(film, bob, batch=batch, prompt=long, negative_prompt=long) for _ in range(2)]
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, rows[0])
    page.get_by_text("The same request as code").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") is True
    page.get_by_role("link", name="Compare 2 side by side").click()
    expect(page.locator("video")).to_have_count(2)
    page.wait_for_load_state()  # with its styles
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") is True


@pytest.mark.parametrize(
    ("encoder", "codec", "name"), [("libx265", "hevc", "HEVC"), ("mpeg4", "mpeg4", "MPEG-4 Visual")]
)
def test_codec_that_the_browser_lacks_is_not_blamed_on_the_connection(
    bobs_page: Page, film: Team, bob: User, encoder: str, codec: str, name: str
) -> None:
    page = bobs_page
    row = make_generation(bob, film, Status.DONE)
    video = make_video(row, mp4(seconds=0.5, codec=encoder))
    type(video).objects.filter(pk=video.pk).update(codec=codec)
    page.goto(row.get_absolute_url())

    lost = page.locator("[data-broken]")
    expect(lost).to_contain_text(f"This browser can’t play this kind of video ({name}).")
    expect(lost).not_to_contain_text("connection")
    expect(page.locator("[data-retry]")).to_be_hidden()
    expect(page.get_by_role("link", name="Download")).to_be_visible()


def test_video_that_arrives_and_is_none_is_not_blamed_on_the_connection(bobs_page: Page, film: Team, bob: User) -> None:
    """Its row says H.264, and yet this browser can't read it."""
    row = make_generation(bob, film, Status.DONE)
    make_video(row, mp4(seconds=0.5, codec="mpeg4"))
    bobs_page.goto(row.get_absolute_url())

    expect(bobs_page.locator("[data-broken]")).to_contain_text("This browser can’t play this kind of video")
