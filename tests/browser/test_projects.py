"""A project is chosen in the composer: those of the team that pays, as long as their budget lasts."""

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Team, User
from generations.models import Collection, Generation
from tests.browser.conftest import desk_alone

pytestmark = [desk_alone, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_composer_offers_the_teams_projects_and_says_what_is_left(
    bobs_page: Page, film: Team, bob: User, studio: LiveServer
) -> None:
    spring = Collection.objects.create(team=film, name="Spring", monthly_limit_cents=50)
    Collection.objects.create(team=bob.personal_team, name="Own")
    page = bobs_page
    page.goto(f"{studio.url}/projects/{spring.pk}/")
    page.get_by_role("main").get_by_role("link", name="New video").click()
    project, button = page.get_by_label("Project"), page.get_by_role("button", name="Generate")
    expect(project).to_have_value(str(spring.pk))
    expect(project.locator("option:enabled")).to_have_count(2)

    page.get_by_label("Prompt", exact=True).fill("A fox")
    page.locator("#duration-10").check(force=True)
    expect(
        page.get_by_text("This costs $0.70; $0.50 is left of this month's $0.50 (the project’s limit).")
    ).to_be_visible()
    expect(button).to_be_disabled()
    page.locator("#duration-5").check(force=True)
    page.get_by_label("Team", exact=True).select_option(bob.personal_team.slug)
    expect(project).to_have_value("")
    page.get_by_label("Team", exact=True).select_option("film")
    project.select_option(str(spring.pk))
    button.click()
    expect(page).to_have_url(re.compile("made="))
    assert Generation.objects.get().billed_project == spring
