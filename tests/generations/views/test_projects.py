"""Pages of projects: list, settings, members, archive; and the composer, which orders into one."""

import uuid
from copy import copy
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.flows.remove_member import remove_member
from generations.models import Collection, Draft, Generation, ProjectMember, ProjectMove, Status
from tests.cast import make_generation, signed_in
from tests.generations.views.test_composer import PAGE, text_order
from tests.html import id_faults, text_of


@pytest.fixture
def spring(film: Team) -> Collection:
    return Collection.objects.create(team=film, name="Spring", monthly_limit_cents=100)


def change(user: User, project: Collection, verb: str, **values: Any) -> Any:
    answer = signed_in(user).post(f"/projects/{project.pk}/change", {"verb": verb, **values}, follow=True)
    project.refresh_from_db()
    return answer


def test_list_makes_one_and_leads_to_the_one_that_is_there(film: Team, bob: User, victor: User) -> None:
    client = signed_in(bob)
    for name in ("Spring", " spring "):
        answer = client.post("/projects/", {"name": name, "team": "film"}, follow=True)
        assert '<h1 dir="auto">Spring</h1>' in answer.content.decode()
    assert Collection.objects.get().team == film

    wrong = [("", "film"), ("\u200b", "film"), ("x" * 61, "film"), ("New", "no-such")]
    for name, team in wrong:
        answer = client.post("/projects/", {"name": name, "team": team})
        assert (answer.status_code, "field--bad" in answer.content.decode()) == (422, True)
    assert signed_in(victor).post("/projects/", {"name": "New", "team": "film"}).status_code == 422


def test_list_and_page_say_what_was_spent(film: Team, alice: User, bob: User, spring: Collection) -> None:
    """Everybody's to who may see usage, and their own to others."""
    for user, cents in ((alice, 35), (bob, 20)):
        make_generation(user, film, Status.DONE, cost_cents=cents, billed_project=spring)
    make_generation(bob, film, Status.DONE, cost_cents=70, billed_project=spring, created_at="2026-01-01T00:00Z")
    said = {user: text_of(signed_in(user).get("/projects/").content.decode()) for user in (alice, bob)}
    assert ("$0.55 of $1.00 this month" in said[alice], "$0.20 of $1.00 this month" in said[bob]) == (True, True)

    page = signed_in(alice).get(f"/projects/{spring.pk}/").content.decode()
    assert "This month $0.55 Left $0.45 of $1.00 In all $1.25" in text_of(page)
    assert id_faults(page) == []
    assert "This month $0.20 your own Left $0.45 of $1.00 In all $0.90" in text_of(
        signed_in(bob).get(f"/projects/{spring.pk}/").content.decode()
    )


def test_ones_own_spending_is_read_from_its_index(film: Team, alice: User, bob: User, spring: Collection) -> None:
    """Not from all that others have made in the project, or oneself elsewhere."""
    rows = []
    for user, project, count in ((alice, spring, 3000), (bob, None, 3000), (bob, spring, 30)):
        sample = make_generation(user, film, Status.DONE, billed_project=project)
        rows += [copy(sample) for _ in range(count)]
    for each in rows:
        each.pk = each.idempotency_key = uuid.uuid4()
        each.request_id = str(each.pk)
    Random(1).shuffle(rows)
    Generation.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE generations_generation")
        cursor.execute("SET LOCAL enable_seqscan = off")  # how cheap it is to read so few rows whole is chance
    with CaptureQueriesContext(connection) as captured:
        signed_in(bob).get(f"/projects/{spring.pk}/")
    (spent,) = (one["sql"] for one in captured if 'AS "total"' in one["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {spent}".replace("%", "%%"))
        assert "generation_billed_to_user" in "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize("who", ["alice", "bob", "victor"])
@pytest.mark.parametrize("change", [None, "members", "archive", "no limit"])
def test_what_is_left_is_said_to_who_may_order(
    film: Team, alice: User, bob: User, victor: User, spring: Collection, who: str, change: str | None
) -> None:
    """On the project's page as in the composer, and to who may see usage."""
    make_generation(alice, film, Status.DONE, cost_cents=35, billed_project=spring)
    match change:
        case "members":
            spring.members.set([alice])
        case "archive":
            Collection.objects.update(archived_at=timezone.now())
        case "no limit":
            Collection.objects.update(monthly_limit_cents=None)
    client = signed_in({"alice": alice, "bob": bob, "victor": victor}[who])
    in_composer = "Spring · $0.65 left" in text_of(client.get(PAGE).content.decode())
    on_page = "Left $0.65 of $1.00" in text_of(client.get(f"/projects/{spring.pk}/").content.decode())
    assert in_composer == ((change is None and who != "victor") or (change == "members" and who == "alice"))
    assert on_page == (in_composer or (who == "alice" and change == "archive"))


def test_member_edits_details_and_defaults(bob: User, spring: Collection) -> None:
    change(bob, spring, "details", name="Spring 27", client=" Acme ", cost_centre="K-1")
    assert (spring.name, spring.client, spring.cost_centre) == ("Spring 27", "Acme", "K-1")
    change(bob, spring, "defaults", duration="10", aspect_ratio="9:16", negative_prompt="blur", cfg_scale="0.7")
    assert str(spring.defaults["duration"]) == "10"
    form = signed_in(bob).get(f"{PAGE}?project={spring.pk}").context["form"]
    values = [str(form[name].value()) for name in ("project", "team", "duration", "aspect_ratio", "negative_prompt")]
    assert values == [str(spring.pk), "film", "10", "9:16", "blur"]
    change(bob, spring, "reset")
    assert spring.defaults == {}


@pytest.mark.parametrize(
    ("verb", "values"),
    [
        ("details", {"name": "Autumn", "client": "typed"}),
        ("details", {"name": " ", "client": "typed"}),
        ("details", {"name": "Spring", "client": "typed" * 21}),
        ("defaults", {"duration": "7", "aspect_ratio": "1:1", "negative_prompt": "typed", "cfg_scale": "0.5"}),
        ("access", {"limit": "-1"}),
        ("access", {"limit": "typed"}),
        ("access", {"limit": "7.77", "members": "999999"}),
    ],
)
def test_what_is_wrong_stands_beside_what_was_typed(
    film: Team, alice: User, spring: Collection, verb: str, values: dict[str, str]
) -> None:
    Collection.objects.create(team=film, name="autumn")
    answer = change(alice, spring, verb, **values)
    page = answer.content.decode()

    assert (answer.status_code, page.count("field--bad")) == (422, 1)
    assert "typed" in page or values.get("limit", "-") in page
    assert (spring.name, spring.client, spring.defaults, spring.monthly_limit_cents) == ("Spring", "", {}, 100)


def test_budget_members_and_archive_are_for_who_may_set_limits(alice: User, bob: User, spring: Collection) -> None:
    for verb in ("access", "archive", "restore"):
        assert change(bob, spring, verb, limit="5").status_code == 403
    change(alice, spring, "access", limit="5.50", members=[bob.pk])
    assert (spring.monthly_limit_cents, list(spring.members.all())) == (550, [bob])
    change(alice, spring, "archive")
    assert spring.archived_at
    rail = signed_in(bob).get("/?team=film").context["rail"]
    assert [item.label for section in rail if section.kind == "collection" for item in section.items] == []
    assert f"{PAGE}?project=" not in signed_in(alice).get(f"/projects/{spring.pk}/").content.decode()
    change(alice, spring, "restore")
    change(alice, spring, "access", limit="")
    assert [spring.archived_at, spring.monthly_limit_cents, *spring.members.all()] == [None, None]


@pytest.mark.parametrize("stays", [False, True])
def test_project_whose_members_left_is_not_said_to_be_open(
    film: Team, alice: User, bob: User, victor: User, spring: Collection, stays: bool
) -> None:
    """The page offers an order where, and only where, the order would be taken."""
    Membership.objects.filter(team=film, user=victor).update(role=Role.MEMBER)
    spring.members.set([victor, bob] if stays else [victor])
    remove_member(film, victor, alice)
    for user, may in ((alice, True), (bob, stays)):
        page = signed_in(user).get(f"/projects/{spring.pk}/").content.decode()
        assert (f"{PAGE}?project=" in page) is may
        assert Collection.objects.usable_by(user).filter(pk=spring.pk).exists() is may
        assert "Everyone in the team may" not in text_of(page)


@pytest.mark.parametrize(
    ("values", "is_open"), [({"limit": "7"}, False), ({}, False), ({"limit": "", "everyone": "on"}, True)]
)
def test_project_whose_members_left_is_opened_by_who_says_so(
    film: Team, alice: User, bob: User, victor: User, spring: Collection, values: dict[str, str], is_open: bool
) -> None:
    """A new limit says nothing of who may order."""
    spring.members.set([victor])
    remove_member(film, victor, alice)
    assert "Open it to everyone in the team" in signed_in(alice).get(f"/projects/{spring.pk}/").content.decode()
    assert change(alice, spring, "access", **values).status_code == 200

    assert Collection.objects.usable_by(bob).filter(pk=spring.pk).exists() is is_open


def test_members_who_are_unticked_open_their_project(alice: User, bob: User, spring: Collection) -> None:
    change(alice, spring, "access", limit="7", members=[bob.pk])
    assert "Open it to everyone in the team" not in signed_in(alice).get(f"/projects/{spring.pk}/").content.decode()
    change(alice, spring, "access", limit="7")

    assert not spring.members_only


def test_composer_orders_into_the_project(film: Team, bob: User, spring: Collection) -> None:
    client = signed_in(bob)
    assert "Spring · $1.00 left" in text_of(client.get(PAGE).content.decode())
    made = client.post(PAGE, text_order(film, project=str(spring.pk), duration="5"))
    row = Generation.objects.get()

    assert (row.collection, row.billed_project, row.cost_cents) == (spring, spring, 35)
    assert str(client.get(made.headers["Location"]).context["form"]["project"].value()) == str(spring.pk)
    answer = client.post(PAGE, text_order(film, project=str(spring.pk), duration="10", draft=str(uuid.uuid4())))
    words = "This costs $0.70; $0.65 is left of this month's $1.00 (the project’s limit)."
    assert (answer.status_code, answer.context["form"].non_field_errors()) == (422, [words])
    assert Draft.objects.get(user=bob).values["project"] == str(spring.pk)


@pytest.mark.parametrize("kind", ["archived", "of others", "of another team", "no number", "too large"])
def test_composer_refuses_a_project_beside_its_field(film: Team, alice: User, bob: User, kind: str) -> None:
    project = Collection.objects.create(team=bob.personal_team if kind == "of another team" else film, name="Winter")
    if kind == "archived":
        Collection.objects.update(archived_at=timezone.now())
    if kind == "of others":
        ProjectMember.objects.create(project=project, user=alice)
    key = {"no number": "x", "too large": str(10**30)}.get(kind, str(project.pk))
    answer = signed_in(bob).post(PAGE, text_order(film, project=key, prompt="A badger"))

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["project"])
    assert 'id="id_project_error"' in answer.content.decode()
    assert answer.context["form"]["prompt"].value() == "A badger"
    assert not Generation.objects.exists()


@pytest.mark.parametrize("key", ["x", "", "0", "999999", str(10**30)])
def test_composer_begins_without_a_project_that_is_none(bob: User, key: str) -> None:
    assert not signed_in(bob).get(f"{PAGE}?project={key}").context["form"]["project"].value()


def test_moves_of_pages_are_written_down_and_refused_in_words(
    film: Team, alice: User, bob: User, spring: Collection
) -> None:
    row, client = make_generation(bob, film, Status.DONE), signed_in(bob)
    client.post(f"/generations/{row.pk}/collection", {"collection": "spring"})
    moved = client.post(
        "/generations/bulk/",
        {"verb": "move", "collection": "", "ids": str(row.pk)},
        headers={"Accept": "application/json"},
    )
    token = moved.json()["undo"]
    client.post("/generations/bulk/undo", {"token": token})
    found = ProjectMove.objects.values_list("origin__name", "target__name", "by__name")
    assert list(found) == [(None, "Spring", "Bob"), ("Spring", None, "Bob"), (None, "Spring", "Bob")]
    assert "Moved between projects" in signed_in(alice).get(f"/projects/{spring.pk}/").content.decode()

    Collection.objects.create(team=film, name="Old", archived_at=timezone.now())
    for address, values in (
        (f"/generations/{row.pk}/collection", {"collection": "old"}),
        ("/generations/bulk/", {"verb": "move", "collection": "old", "ids": str(row.pk)}),
    ):
        page = client.post(address, values, follow=True).content.decode()
        assert "The project Old is archived." in page
    row.refresh_from_db()
    assert row.collection == spring


def test_project_that_was_billed_is_not_deleted(alice: User, bob: User, spring: Collection) -> None:
    make_generation(bob, spring.team, Status.DONE, billed_project=spring)
    page = signed_in(alice).post(f"/tags/collection/{spring.pk}", {"verb": "delete"}, follow=True).content.decode()

    assert "Videos were ordered in Spring, so billing records name it. Archive it instead." in page
    assert Collection.objects.filter(pk=spring.pk).exists()


def test_outsiders_find_none_and_viewers_change_none(mallory: User, victor: User, spring: Collection) -> None:
    assert Membership.objects.get(user=victor, team=spring.team).role == Role.VIEWER
    assert signed_in(mallory).get(f"/projects/{spring.pk}/").status_code == 404
    assert change(mallory, spring, "details", name="Hers").status_code == 404
    assert signed_in(victor).get(f"/projects/{spring.pk}/").status_code == 200
    assert change(victor, spring, "details", name="His").status_code == 403
    assert "Spring" not in signed_in(mallory).get("/projects/").content.decode()
