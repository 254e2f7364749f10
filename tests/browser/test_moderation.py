"""Moderation in the real admin: a rule that holds, a report with consequences, two moderators on one video."""

import httpx
import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from generations import bucket
from generations.models import Case, Cause, Decision, Generation, PromptRule, Status
from generations.moderation import bulk
from generations.moderation.cases import open_case
from tests.browser.conftest import RENDERED, Worker
from tests.browser.test_teams import be, fits
from tests.cast import make_generation, make_input_picture, make_video, signed_in
from tests.moderators import moderator

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def row(film: Team, bob: User) -> Generation:
    row = make_generation(bob, film, Status.DONE, prompt="A fox that somebody minds")
    video = make_video(row)
    bucket.put(row.preview_key, b"preview", "video/mp4")
    video.preview_key = row.preview_key
    video.save(update_fields=["preview_key"])
    make_input_picture(row)
    return row


def test_rule_holds_a_prompt_and_a_moderator_lets_it_become_a_video(
    page: Page, studio: LiveServer, worker: Worker, film: Team, bob: User, mo: User
) -> None:
    be(page, studio, mo)
    page.goto("/admin/generations/promptrule/add/")
    page.get_by_label("Text:").fill("sword")
    page.get_by_label("Action:").select_option("hold")
    page.get_by_label("Message:").fill("Weapons are looked at first.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert PromptRule.objects.get().made_by == mo

    be(page, studio, bob)
    page.goto("/generations/new/?team=film")
    page.get_by_label("Prompt", exact=True).fill("A fox with a s-w-0-r-d")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_text("Weapons are looked at first.").first).to_be_visible()
    row = Generation.objects.get()
    page.goto(row.get_absolute_url())
    expect(page.get_by_role("heading", name="Awaiting approval")).to_be_visible()
    expect(page.get_by_text("Its money is held").first).to_be_visible()
    assert fits(page)

    worker.start()
    be(page, studio, mo)
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="Waiting cases: 1")).to_be_visible()
    page.get_by_role("link", name="Review oldest").click()
    expect(page.get_by_text("A fox with a s-w-0-r-d")).to_be_visible()
    assert fits(page)
    page.locator("body").press("a")
    expect(page.get_by_text("Approve. Decision saved.")).to_be_visible()

    be(page, studio, bob)
    page.goto(row.get_absolute_url())
    expect(page.locator("video")).to_be_visible(timeout=RENDERED)
    assert Decision.objects.get().kind == "approve"


def test_report_leads_to_a_take_down_at_every_address_and_restoring_brings_it_back(
    page: Page, studio: LiveServer, film: Team, row: Generation, alice: User, bob: User, mo: User
) -> None:
    be(page, studio, alice)
    page.goto(row.get_absolute_url())
    page.get_by_role("link", name="Report…").click()
    page.get_by_role("button", name="Send the report").click()
    expect(page.locator(".field--bad").first).to_be_visible()
    page.get_by_text("Violence or cruelty").click()
    page.get_by_label("Anything a moderator should know").fill("It bites")
    assert fits(page)
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_text("Thank you. A moderator looks at it")).to_be_visible()

    names = ("", "video", "poster", "preview", "download", "input/start")
    addresses = [f"{studio.url}/generations/{row.pk}/{name}" for name in names]
    cookies = {each["name"]: each["value"] for each in page.context.cookies()}
    handed_out = [bucket.presigned_url(key, seconds=300) for key in sorted(row.own_keys()) if bucket.size_or_none(key)]
    everything = [*addresses, *handed_out]
    with httpx.Client(cookies=cookies) as browser:
        assert {browser.get(address).status_code for address in everything} == {200}

        be(page, studio, mo)
        page.goto("/admin/generations/case/next/")
        expect(page.get_by_text("It bites")).to_be_visible()
        expect(page.locator("video")).to_be_visible()
        page.locator("body").press("t")
        expect(page.get_by_label("Why (the person reads it)")).to_be_focused()
        page.keyboard.type("Foxes that bite are not for this studio.")
        page.get_by_role("button", name="Take down").click()
        expect(page.get_by_text("Take down. Decision saved.")).to_be_visible()
        answers = {address: browser.get(address).status_code for address in everything}
        assert set(answers.values()) <= {404, 410}, answers

        be(page, studio, bob)
        page.goto("/trash/")
        page.get_by_role("link", name=row.prompt).click()
        expect(page.get_by_role("heading", name="This video of yours was removed")).to_be_visible()
        expect(page.get_by_text("Foxes that bite are not for this studio.")).to_be_visible()
        page.get_by_label("Why it should come back").fill("It only yawns.")
        assert fits(page)
        page.get_by_role("button", name="Send the answer").click()
        expect(page.get_by_text("Another moderator looks at it")).to_be_visible()

        be(page, studio, mo)
        page.goto("/admin/generations/case/next/")
        expect(page.get_by_text("It only yawns.")).to_be_visible()
        page.get_by_label("Why (the person reads it)").fill("So it does.")
        page.get_by_role("button", name="Restore").click()
        expect(page.get_by_text("Restore. Decision saved.")).to_be_visible()
        assert {browser.get(address).status_code for address in everything} == {200}


def test_two_moderators_make_one_decision_and_the_other_is_told(
    page: Page, studio: LiveServer, row: Generation, mo: User
) -> None:
    case = open_case(row, Cause.REPORT)
    address = f"/admin/generations/case/{case.pk}/change/"
    be(page, studio, mo)
    page.goto(address)
    other = moderator("max")
    second = signed_in(other)
    assert "<strong>Mo</strong> has this open" in second.get(address).content.decode()
    second.post(f"/admin/generations/case/{case.pk}/decide/", {"verb": "approve"})

    page.get_by_label("Why (the person reads it)").fill("Too late")
    page.get_by_role("button", name="Take down").click()
    expect(page.get_by_text("Max has decided it meanwhile: Approve")).to_be_visible()
    assert Decision.objects.get().by == other
    assert not Case.objects.open().exists()


def test_many_are_decided_together_after_a_summary(
    page: Page, studio: LiveServer, film: Team, bob: User, mo: User
) -> None:
    for number in range(3):
        open_case(make_generation(bob, film, Status.CANCELED, prompt=f"Fox {number}"), Cause.FLAG)
    be(page, studio, mo)
    page.goto("/admin/generations/case/")
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option(label="Decide on these together…")
    page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).first.click()
    expect(page.get_by_text("flagged by a rule: 3")).to_be_visible()
    page.get_by_label("Approve").check()
    page.get_by_role("button", name="Decide on 3 cases").click()
    expect(page.get_by_text("0 of 3 decided")).to_be_visible()

    bulk.resume()
    expect(page.get_by_text("3 of 3 decided")).to_be_visible()
