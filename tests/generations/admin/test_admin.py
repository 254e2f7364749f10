"""/admin/: read-only pages on every table for staff; only prices, teams and users are edited there."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Impersonation, Membership, Team, User
from generations import bucket
from generations.fal.arguments import Endpoint
from generations.models import (
    Appeal,
    BannedFile,
    BulkDecision,
    Case,
    Cause,
    Collection,
    Decision,
    DecisionKind,
    EndpointSwitch,
    Event,
    Film,
    Flag,
    Generation,
    Hold,
    InputPicture,
    LibraryPicture,
    OrderImport,
    Price,
    PromptRule,
    Report,
    Shot,
    Status,
    Upload,
    UsageDay,
    Video,
)
from tests.cast import (
    make_generation,
    make_input_picture,
    make_library_picture,
    make_upload,
    make_video,
    picture,
    signed_in,
)
from tests.generations.films.cast import film_of
from tests.generations.imports.cast import make_import

MODERATION: list[type[models.Model]] = [Case, Flag, Report, Hold, Appeal, BulkDecision, Decision]
PIPELINE: list[type[models.Model]] = [
    *(Generation, Video, Film, Shot, OrderImport, LibraryPicture, Event, InputPicture, Upload, UsageDay, Impersonation)
]
READ_ONLY = PIPELINE + MODERATION
EDITED: list[type[models.Model]] = [Price, EndpointSwitch, Team, User, Membership, PromptRule, BannedFile]
OURS = READ_ONLY + EDITED


def page(model: type[models.Model], name: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=arguments)


def ids(models_: list[type[models.Model]]) -> list[str]:
    return [str(model._meta.model_name) for model in models_]


def changelist(answer: Any) -> ChangeList:
    found: ChangeList = answer.context_data["cl"]
    return found


def make_rows(user: User, team: Team, count: int = 1) -> None:
    for number in range(count):
        done = make_generation(user, team, Status.DONE)
        make_video(done)
        film_of(user, [done])
        make_shot(team, done)
        make_import(user, team, "A secret fox,,,,,,,,")
        make_library_picture(user, team, picture(color=f"rgb(0, {number}, 0)"), "A secret fox")
        make_generation(user, team, Status.FAILED)
        make_input_picture(make_generation(user, team, Status.RENDERING, endpoint=Endpoint.IMAGE_TO_VIDEO))
        make_upload(user, picture(color=f"rgb({number + team.members.count()}, 0, 0)"))
        staff = User.objects.create_user(f"staff{Impersonation.objects.count()}@example.com")
        Impersonation.objects.create(staff=staff, person=user, reason="To help", until=timezone.now())
        day = date(2026, 1, 1) + timedelta(days=UsageDay.objects.count())
        _make_case(user, team, number)
        UsageDay.objects.create(day=day, our_videos=1, our_cents=35, our_units=5, fal_units=5, fal_cents=35)


def make_shot(team: Team, take: Generation) -> Shot:
    project = Collection.objects.create(team=team, name=f"Foxes {Collection.objects.count()}")
    shot = Shot(prompt="A secret fox", note="A secret fox", chosen=take, changed_by=take.user)
    Shot.objects.append(project, [shot])
    Generation.objects.filter(pk=take.pk).update(shot=shot)
    return shot


def _make_case(user: User, team: Team, number: int) -> None:
    row = make_generation(user, team, Status.CANCELED)
    rule = PromptRule.objects.create(text=f"fox {number}", made_by=user, team=team)
    case = Case.objects.create(generation=row, causes=[Cause.FLAG])
    Flag.objects.create(generation=row, rule=rule, matched_text="fox")
    Hold.objects.create(generation=row, kind=Hold.Kind.RULE, rule=rule, reason="fox")
    decision = Decision.objects.create(
        kind=DecisionKind.REJECT, by=user, why="fox", person=user, generation=row, case=case
    )
    Report.objects.create(generation=row, reporter=user, reason="other", note="fox")
    Appeal.objects.create(decision=decision, by=user, text="fox")
    BulkDecision.objects.create(kind=DecisionKind.REJECT, by=user, why="fox", cases=[], total=1)
    EndpointSwitch.objects.create(endpoint=list(Endpoint)[number % len(Endpoint)], team=team)
    BannedFile.objects.create(sha256=row.pk.hex * 2, reason="fox", made_by=user, generation=row)


@pytest.fixture(autouse=True)
def _no_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """The admin shows rows alone; filling the bucket for each test would take its time."""
    monkeypatch.setattr(bucket, "put", lambda *_: None)


@pytest.fixture
def root(db: None) -> Client:
    return signed_in(User.objects.create_superuser("root@example.com"))


@pytest.fixture
def rows(film: Team, bob: User) -> None:
    make_rows(bob, film)


@pytest.fixture
def plain_staff(db: None) -> Client:
    """Staff whom nobody has given any permission."""
    return signed_in(User.objects.create_user("stan@example.com", is_staff=True))


def test_every_model_of_ours_has_a_window() -> None:
    ours = {model for model in admin.site._registry if model.__module__.startswith(("accounts.", "generations."))}

    assert ours == set(OURS)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("model", OURS, ids=ids(OURS))
class TestSuperuser:
    def test_opens_the_list_and_each_row(self, root: Client, model: type[models.Model]) -> None:
        answer = root.get(page(model, "changelist"))

        assert answer.status_code == 200
        shown = list(changelist(answer).result_list)
        assert shown
        for row in shown:
            assert root.get(page(model, "change", row.pk)).status_code == 200
            assert root.get(page(model, "history", row.pk)).status_code == 200

    def test_opens_every_filter(self, root: Client, model: type[models.Model]) -> None:
        answer = root.get(page(model, "changelist"))

        cl = changelist(answer)
        links = [str(choice["query_string"]) for spec in cl.filter_specs for choice in spec.choices(cl)]
        assert len(links) > 1
        assert {root.get(page(model, "changelist") + link).status_code for link in links} == {200}

    def test_searches_for_anything(self, root: Client, model: type[models.Model]) -> None:
        words = ["fox", "00000000-0000-4000-8000-000000000000", "a b", "50%'\"", "🦊"]
        answers = [root.get(page(model, "changelist"), {"q": each}) for each in words]

        assert {answer.status_code for answer in answers} == {200}
        assert changelist(answers[0]).search_fields

    def test_sorts_by_every_column(self, root: Client, model: type[models.Model]) -> None:
        columns = range(1, len(admin.site._registry[model].list_display) + 1)
        answers = [root.get(page(model, "changelist"), {"o": column}) for column in columns]

        assert {answer.status_code for answer in answers} == {200}


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("model", OURS, ids=ids(OURS))
def test_people_who_are_not_staff_are_sent_to_sign_in(model: type[models.Model], bob: User) -> None:
    row = model._default_manager.all()[:1].get()
    pages = [page(model, "changelist"), page(model, "add"), page(model, "change", row.pk)]

    for client in (Client(), signed_in(bob)):
        assert {client.get(each).status_code for each in pages} == {302}


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("model", OURS, ids=ids(OURS))
def test_staff_see_what_they_were_given(model: type[models.Model], mona: User, plain_staff: Client) -> None:
    row = model._default_manager.all()[:1].get()
    client = signed_in(mona)

    for each in (page(model, "changelist"), page(model, "change", row.pk)):
        assert client.get(each).status_code == 200
        assert plain_staff.get(each).status_code == 403
    assert client.get(page(model, "add")).status_code == 403


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("model", READ_ONLY, ids=ids(READ_ONLY))
def test_rows_of_the_pipeline_are_not_touched_by_hand(root: Client, model: type[models.Model]) -> None:
    row = model._default_manager.all()[:1].get()
    before = set(model._default_manager.values_list("pk", flat=True))
    delete_all = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}

    assert root.get(page(model, "add")).status_code == 403
    assert root.post(page(model, "add"), {}).status_code == 403
    assert root.post(page(model, "change", row.pk), {}).status_code == 403
    assert root.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    root.post(page(model, "changelist"), delete_all)
    assert set(model._default_manager.values_list("pk", flat=True)) == before
    assert 'name="_save"' not in root.get(page(model, "change", row.pk)).content.decode()


def test_price_is_entered(root: Client) -> None:
    values = {"endpoint": Endpoint.TEXT_TO_VIDEO.value, "seconds": "5", "cents": "36", "read_on": "2030-01-01"}
    answer = root.post(page(Price, "add"), values)

    assert answer.status_code == 302
    assert Price.objects.cents(Endpoint.TEXT_TO_VIDEO, 5) == 36


def test_team_with_videos_is_not_deleted(root: Client, film: Team, bob: User) -> None:
    """The bill would be gone with it."""
    make_generation(bob, film)
    root.post(page(Team, "delete", film.pk), {"post": "yes"})

    assert Team.objects.filter(pk=film.pk).exists()


@pytest.mark.parametrize(
    ("field", "is_found"), [("id", True), ("request_id", True), ("prompt", True), ("email", True), ("nothing", False)]
)
def test_generation_is_found_by_what_people_know_of_it(
    root: Client, film: Team, bob: User, field: str, is_found: bool
) -> None:
    row = make_generation(bob, film, Status.RENDERING)
    words = {"prompt": "fox snow", "email": bob.email, "nothing": "badger"}.get(field) or str(getattr(row, field))
    answer = root.get(page(Generation, "changelist"), {"q": words})

    assert (row in changelist(answer).result_list) is is_found


def test_generation_is_shown_whole(root: Client, film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.DONE)
    video, kept = make_video(row), make_input_picture(row)
    row.events.create(status=Status.QUEUED, message="fal was busy.")
    text = root.get(page(Generation, "change", row.pk)).content.decode()

    assert all(words in text for words in (row.prompt, str(row.request_id), video.key, kept.key, "fal was busy."))


def test_film_leads_to_its_videos_and_tells_no_name(root: Client, film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.DONE, is_private=True, prompt="A secret fox")
    make_video(row)
    made = film_of(bob, [row], name="A secret film")
    for address in (page(Film, "changelist"), page(Film, "change", made.pk)):
        text = root.get(address).content.decode()
        assert str(made.pk) in text
        assert "secret" not in text
    assert page(Generation, "change", row.pk) in text


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("model", [Shot, OrderImport, LibraryPicture], ids=str)
def test_what_people_wrote_is_not_told(root: Client, model: type[models.Model]) -> None:
    [row] = model._default_manager.all()
    for address in (page(model, "changelist"), page(model, "change", row.pk)):
        text = root.get(address).content.decode()
        assert str(row.pk) in text
        assert "secret" not in text


def test_shot_leads_to_its_takes(root: Client, film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.DONE)
    text = root.get(page(Shot, "change", make_shot(film, row).pk)).content.decode()
    assert page(Generation, "change", row.pk) in text


@pytest.mark.parametrize("model", OURS, ids=ids(OURS))
def test_queries_do_not_grow_with_the_rows(root: Client, film: Team, bob: User, model: type[models.Model]) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert root.get(page(model, "changelist")).status_code == 200
        return len(captured)

    def more(number: int) -> None:
        user = User.objects.create_user(f"person-{number}@example.com")
        team = Team.objects.create(name=f"Team {number}", slug=f"team-{number}-of-many")
        Membership.objects.create(team=team, user=user)
        make_rows(user, team)
        Price.objects.create(endpoint=Endpoint.TEXT_TO_VIDEO, seconds=5, cents=1, read_on=f"203{number}-01-01")

    more(0)
    queries()  # the first request of a session is noted
    few = queries()
    for number in range(1, 5):
        more(number)

    assert queries() == few


def test_queue_is_shown_to_superusers_alone(root: Client, mona: User, bob: User) -> None:
    names = ["home", "jobs", "queue_details", "failed_jobs", "finished_jobs", "started_jobs", "workers"]
    pages = [reverse(f"admin:django_rq_{name}", args=[] if name == "home" else [0]) for name in names]

    assert {root.get(each).status_code for each in pages} == {200}
    assert {Client().get(each).status_code for each in pages} == {302}
    for person in (mona, bob):
        assert {signed_in(person).get(each).status_code for each in pages} == {403}


@pytest.mark.parametrize("address", ["stats.json", "stats.json/", "stats.json/nonsense"])
def test_numbers_of_the_queue_are_not_told_to_strangers(db: None, client: Client, address: str) -> None:
    answer = client.get(f"/admin/django_rq/dashboard/{address}")

    assert "queues" not in answer.content.decode()
