"""Pages of films: what joining means is said before it begins, and nobody sees a film of what they may not see."""

import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import FormerMembership, Membership, Team, User
from accounts.roles import Role
from generations import bucket
from generations.films import plan
from generations.flows import private_work
from generations.flows.delete_account import delete_account
from generations.flows.delete_team import delete_team
from generations.flows.remove_member import remove_member
from generations.models import RUNNING, Collection, Film, FilmStatus, Generation, StorageDeletion
from generations.moderation import quarantine, retention
from generations.storage.cleanup import is_referenced
from generations.views import films
from tests.cast import make_generation, signed_in
from tests.generations.films.cast import file_of, film_of, join_due, joined, make_clip, make_film
from tests.generations.mirror.film import clips

pytestmark = pytest.mark.django_db

NEW = reverse("film-new")


def form(rows: list[Generation], **fields: Any) -> dict[str, Any]:
    return {"ids": [str(row.pk) for row in rows], "name": "Spot", "key": uuid.uuid4()} | fields


def test_selection_becomes_a_film_in_its_order(bob: User, film: Team) -> None:
    rows = [make_clip(bob, film, clips.clip(seed)) for seed in (1, 2)]
    project = Collection.objects.create(team=film, name="Snow")
    client = signed_in(bob)
    selected = {"ids": [str(row.pk) for row in rows], "order": ",".join(str(row.pk) for row in reversed(rows))}
    assert client.post(NEW, selected).context["rows"] == rows[::-1]
    sent = form(rows[::-1], project=project.pk)
    one, other = client.post(NEW, sent), client.post(NEW, sent)
    made = Film.objects.get()
    assert one["Location"] == other["Location"] == made.get_absolute_url()
    assert [part.generation for part in made.parts.all()] == rows[::-1]
    assert (made.team, made.user, made.project, made.name) == (film, bob, project, "Spot")
    assert made.get_absolute_url() in client.get(f"{reverse('films')}?project={project.pk}").content.decode()


@pytest.mark.parametrize(
    ("move", "expected"),
    [("0:down", [1, 0, 2]), ("2:up", [0, 2, 1]), ("1:remove", [0, 2]), ("0:up", [0, 1, 2]), ("9:up", [0, 1, 2])],
)
def test_order_changes_and_keeps_what_was_typed(bob: User, film: Team, move: str, expected: list[int]) -> None:
    rows = [make_clip(bob, film, clips.clip(1)) for _ in range(3)]
    page = signed_in(bob).post(NEW, form(rows, move=move, name="A <name>"))
    assert [rows.index(row) for row in page.context["rows"]] == expected
    assert "A &lt;name&gt;" in page.content.decode()
    assert not Film.objects.exists()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (clips.clip(2), "no quality is lost"),
        (clips.clip(2, size=(90, 160)), "will be encoded at 160 × 90"),
        (clips.clip(2, codec="mpeg4"), "will be encoded at"),
        (clips.clip(2, rate=30), "will be encoded at"),
    ],
)
def test_what_happens_is_said_before(bob: User, film: Team, other: bytes, words: str) -> None:
    rows = [make_clip(bob, film, data) for data in (clips.clip(1), clips.clip(1), other)]
    text = " ".join(signed_in(bob).post(NEW, {"ids": [str(row.pk) for row in rows]}).content.decode().split())
    assert words in text
    assert "Joining is free" in text


@pytest.mark.parametrize(("fields", "status"), [({"name": " "}, 422), ({"name": "x" * 101}, 422), ({"key": "x"}, 422)])
def test_wrong_form_keeps_the_videos(bob: User, film: Team, fields: dict[str, Any], status: int) -> None:
    rows = [make_clip(bob, film, clips.clip(1))]
    page = signed_in(bob).post(NEW, form(rows, **fields))
    assert page.status_code == status
    assert page.context["rows"] == rows


@pytest.mark.parametrize("status", FilmStatus)
def test_limit_of_open_films(bob: User, film: Team, status: FilmStatus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what waits or is being joined counts. A second press of the same form leads to its film all the same."""
    monkeypatch.setattr(plan, "MAX_OPEN", 2)
    rows, client = [make_clip(bob, film, clips.clip(1))], signed_in(bob)
    project = Collection.objects.create(team=film, name="Snow")
    last = form(rows)
    client.post(NEW, form(rows))
    client.post(NEW, last)
    Film.objects.update(status=status, key="x", size=1, message="x")
    again = client.post(NEW, form(rows, name="A <name>", project=project.pk))
    assert client.post(NEW, last).status_code == 302
    if status not in RUNNING:
        assert again.status_code == 302
        return
    page = again.content.decode()
    assert (again.status_code, again.context["rows"], Film.objects.count()) == (422, rows, 2)
    assert "2 films wait or are being joined" in page
    assert "A &lt;name&gt;" in page
    assert f'value="{project.pk}" selected' in page


@pytest.mark.parametrize("verb", ["retry", "encode"])
def test_limit_of_open_films_holds_for_another_try(
    bob: User, alice: User, film: Team, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whose film it is, whoever presses."""
    monkeypatch.setattr(plan, "MAX_OPEN", 1)
    ended = make_film(bob, film)
    ended.cancel()
    make_film(bob, film)
    answer = signed_in(alice).post(reverse("film-change", args=[ended.pk]), {"verb": verb}, follow=True)
    assert "1 film waits or is being joined" in answer.content.decode()
    ended.refresh_from_db()
    assert ended.status == FilmStatus.CANCELED


@pytest.mark.django_db(transaction=True)
def test_limit_of_open_films_at_once(bob: User, film: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many presses of different forms at one moment make no more than the limit."""
    monkeypatch.setattr(plan, "MAX_OPEN", 2)
    rows, barrier = [make_clip(bob, film, clips.clip(1))], threading.Barrier(5)

    def press(_number: int) -> int:
        client = signed_in(bob)
        barrier.wait()
        try:
            return client.post(NEW, form(rows)).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(press, range(5))) == [302, 302, 422, 422, 422]
    assert Film.objects.count() == 2


@pytest.mark.parametrize("verb", ["retry", "encode", "cancel"])
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (FilmStatus.QUEUED, "It is being joined already."),
        (FilmStatus.JOINING, "It is being joined already."),
        (FilmStatus.DONE, "It has been joined already."),
        (FilmStatus.FAILED, ""),
        (FilmStatus.CANCELED, ""),
    ],
)
def test_press_of_a_page_that_is_out_of_date(bob: User, film: Team, verb: str, status: FilmStatus, words: str) -> None:
    """Somebody else was faster: that is said, and what they did stands."""
    made = make_film(bob, film)
    Film.objects.update(status=status, message="x", key="x", size=1)
    answer = signed_in(bob).post(reverse("film-change", args=[made.pk]), {"verb": verb}, follow=True)
    said = [str(message) for message in answer.context["messages"]]
    made.refresh_from_db()
    if verb == "cancel":
        assert said == ["Canceled." if status in RUNNING else "It has already ended."]
        assert made.status == (FilmStatus.CANCELED if status in RUNNING else status)
        return
    assert said == ([words] if words else [])
    assert made.status == (status if words else FilmStatus.QUEUED)


def test_what_cannot_be_joined(bob: User, mallory: User, film: Team) -> None:
    client, own = signed_in(bob), make_clip(bob, film, clips.clip(1))
    foreign = make_clip(mallory, mallory.personal_team, clips.clip(1))
    elsewhere = make_clip(bob, bob.personal_team, clips.clip(1))
    running = make_generation(bob, film)
    assert client.post(NEW, form([own, foreign])).status_code == 404
    for rows in ([own, elsewhere], [running], []):
        assert client.post(NEW, form(rows))["Location"] == reverse("gallery")
    assert client.post(NEW, {"ids": ["x"]}).status_code == 400
    assert client.post(NEW, {"ids": [str(own.pk)] * 201}).status_code == 400
    assert not Film.objects.exists()


def test_page_plays_and_downloads(bob: User, film: Team, settings: Any) -> None:
    settings.MEDIA_DELIVERY = "proxy"
    made, client = joined(bob, film), signed_in(bob)
    page = client.get(made.get_absolute_url()).content.decode()
    assert reverse("film-video", args=[made.pk]) in page
    download = client.get(reverse("film-download", args=[made.pk]))
    assert b"".join(download) == file_of(made)
    assert download["Content-Disposition"] == 'attachment; filename="spot.mp4"'
    assert client.get(reverse("film-poster", args=[made.pk]))["Content-Type"] == "image/webp"


def test_progress_is_asked_for_while_it_runs(bob: User, film: Team) -> None:
    made, client = make_film(bob, film), signed_in(bob)
    Film.objects.update(status=FilmStatus.JOINING, done_units=30, total_units=60)
    panel = client.get(reverse("film-panel", args=[made.pk])).content.decode()
    assert 'value="50"' in panel
    assert "every 1s" in panel
    assert client.get(reverse("film-video", args=[made.pk])).status_code == 404
    Film.objects.update(status=FilmStatus.QUEUED)
    join_due()
    assert "every 1s" not in client.get(reverse("film-panel", args=[made.pk])).content.decode()


def test_verbs(bob: User, film: Team) -> None:
    made, client = make_film(bob, film), signed_in(bob)
    address = reverse("film-change", args=[made.pk])
    client.post(address, {"verb": "cancel"})
    made.refresh_from_db()
    assert made.status == FilmStatus.CANCELED
    client.post(address, {"verb": "retry"})
    client.post(address, {"verb": "rename", "name": "Other"})
    assert client.post(address, {"verb": "rename", "name": ""}).status_code == 422
    join_due()
    made.refresh_from_db()
    assert (made.status, made.name) == (FilmStatus.DONE, "Other")
    client.post(reverse("film-delete", args=[made.pk]))
    assert not Film.objects.exists()
    assert set(made.own_keys()) <= set(StorageDeletion.objects.values_list("key", flat=True))
    assert not is_referenced(made.own_keys()[0])


def test_videos_are_joined_as_they_were_selected(bob: User, film: Team) -> None:
    """The boxes of the gallery are sent as they stand there, the newest first."""
    rows = [make_clip(bob, film, clips.clip(1)) for _ in range(3)]
    ids, chosen = [str(row.pk) for row in reversed(rows)], [rows[1], rows[2], rows[0]]
    page = signed_in(bob).post(NEW, {"ids": ids, "order": ",".join(str(row.pk) for row in chosen)})
    assert page.context["rows"] == chosen
    assert signed_in(bob).post(NEW, {"ids": ids, "order": "x"}).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_delete_outside_of_a_transaction(bob: User, film: Team) -> None:
    """As requests come: none is in a transaction by itself."""
    made = make_film(bob, film)
    assert signed_in(bob).post(reverse("film-delete", args=[made.pk])).status_code == 302
    assert not Film.objects.exists()
    assert set(made.own_keys()) <= set(StorageDeletion.objects.values_list("key", flat=True))


@pytest.mark.parametrize("name", ["Spring\u202espot", "Spring\u2028\tspot", "Spring\x01spot \u200b"])
def test_name_is_one_line_that_turns_nothing(bob: User, film: Team, name: str) -> None:
    client = signed_in(bob)
    client.post(NEW, form([make_clip(bob, film, clips.clip(1))], name=name))
    assert Film.objects.get().name in {"Springspot", "Spring spot"}


@pytest.mark.parametrize("length", [1, 60, 61, 100])
def test_name_is_kept_whole(bob: User, film: Team, length: int) -> None:
    """Of a new film, and of one that gets another name."""
    name, client = "n" * length, signed_in(bob)
    client.post(NEW, form([make_clip(bob, film, clips.clip(1))], name=name))
    made = Film.objects.get()
    assert made.name == name
    client.post(reverse("film-change", args=[made.pk]), {"verb": "rename", "name": name.upper()})
    made.refresh_from_db()
    assert made.name == name.upper()


def test_who_sees_a_film(alice: User, bob: User, victor: User, mallory: User, film: Team) -> None:
    """Whoever sees each of its parts, and those who saw a part that was put into the trash since."""
    made = joined(bob, film)
    part = made.parts.all()[0].generation

    def seers() -> list[User]:
        return [user for user in (alice, bob, victor, mallory) if made in Film.objects.visible_to(user)]

    assert seers() == [alice, bob, victor]
    Generation.objects.filter(pk=part.pk).update(is_private=True)
    assert seers() == [bob]
    Generation.objects.filter(pk=part.pk).update(is_private=False, awaits_review=True)
    assert seers() == [bob]
    Generation.objects.filter(pk=part.pk).update(awaits_review=False)
    part.refresh_from_db()
    part.move_to_trash(bob)
    assert seers() == [alice, bob, victor]
    assert "Deleted video" in signed_in(alice).get(made.get_absolute_url()).content.decode()
    part.take_down(alice, "why")
    assert seers() == []


def test_take_down_of_a_part_takes_the_film_along(bob: User, alice: User, film: Team) -> None:
    """Its file goes where no address leads, comes back with the part, and ends with the part's evidence."""
    made, client = joined(bob, film), signed_in(bob)
    part = made.parts.all()[0].generation
    part.take_down(alice, "why")
    assert client.get(made.get_absolute_url()).status_code == 404
    assert quarantine.move_films() == 1
    assert quarantine.move_films() == 0
    assert {found.key for found in bucket.list_objects(made.key_prefix)} == set()
    assert is_referenced(f"quarantine/{made.key}")
    part.restore(alice, "wrong")
    assert quarantine.move_films() == 1
    assert client.get(made.get_absolute_url()).status_code == 200
    assert {found.key for found in bucket.list_objects(made.key_prefix)} == set(made.own_keys())
    part.take_down(alice, "right")
    part.delete_permanently(None)
    assert retention.purge_films() == 1
    assert f"quarantine/{made.key}" in StorageDeletion.objects.values_list("key", flat=True)


def test_films_end_with_their_team(alice: User, bob: User, film: Team) -> None:
    made = joined(bob, film)
    assert delete_team(film, alice, None)
    assert not Film.objects.exists()
    assert made.key in StorageDeletion.objects.values_list("key", flat=True)


def test_films_end_with_an_account(bob: User, alice: User, film: Team) -> None:
    """Those of what nobody else sees; others stay with the team."""
    own = joined(bob, bob.personal_team)
    private = film_of(bob, [make_clip(bob, film, clips.clip(1), is_private=True)])
    join_due()
    shared = joined(bob, film)
    assert delete_account(bob)
    assert list(Film.objects.all()) == [shared]
    gone = set(StorageDeletion.objects.values_list("key", flat=True))
    assert {own.own_keys()[0], private.own_keys()[0]} <= gone


@pytest.mark.parametrize("decision", ["none yet", "shown", "deleted", "trash", "late", "handed over", "came back"])
def test_film_of_private_work_of_who_left(alice: User, bob: User, victor: User, film: Team, decision: str) -> None:
    """It is shown with its part, or ends with it: nothing stays in the bucket that nobody could ever see."""
    private = make_clip(bob, film, clips.clip(1), is_private=True)
    made = film_of(bob, [private, make_clip(alice, film, clips.clip(2))])
    other = joined(bob, film)
    join_due()
    remove_member(film, bob, bob, victor if decision == "handed over" else None)
    private.refresh_from_db()
    match decision:
        case "shown":
            Generation.objects.filter(pk=private.pk).update(is_private=False)
        case "deleted":
            private.delete_permanently(bob)
        case "trash":
            private.move_to_trash(bob)
        case "late":
            FormerMembership.objects.update(notified_at=timezone.now() - timedelta(days=31))
            assert private_work.trash_undecided() == 1
        case "came back":
            Membership.objects.create(team=film, user=bob, role=Role.MEMBER)
            private.move_to_trash(bob)
    is_gone = decision in {"deleted", "trash", "late"}
    assert private_work.delete_abandoned_films() == is_gone
    assert not is_gone or set(made.own_keys()) <= set(StorageDeletion.objects.values_list("key", flat=True))

    seers = {user for user in (alice, bob, victor) if made in Film.objects.visible_to(user)}
    assert seers == {"shown": {alice, victor}, "handed over": {victor}, "came back": {bob}}.get(decision, set())
    assert other in Film.objects.visible_to(alice)


def test_who_may_delete_a_film(alice: User, bob: User, victor: User, film: Team) -> None:
    """Its maker, managers, and whoever its videos were handed over to."""
    Membership.objects.filter(team=film, user=victor).update(role=Role.MEMBER)
    cara = User.objects.create(email="cara@example.com")
    Membership.objects.create(team=film, user=cara, role=Role.MEMBER)
    made = joined(bob, film)
    address = reverse("film-delete", args=[made.pk])

    def who() -> list[User]:
        return [user for user in (alice, bob, victor, cara) if signed_in(user).get(address).status_code == 200]

    assert who() == [alice, bob]
    remove_member(film, bob, alice, victor)
    assert who() == [alice, victor]
    Generation.objects.filter(film_parts__film=made, film_parts__position=1).update(is_private=True)
    assert who() == [victor]
    assert delete_team(film, alice, cara) is False
    Generation.objects.update(is_private=False)
    assert delete_team(film, alice, cara)
    assert who() == [cara]
    assert signed_in(cara).post(address).status_code == 302
    assert not Film.objects.exists()


@pytest.mark.parametrize("deleted", [[1], [2], [1, 2]])
def test_heir_of_a_team_deletes_its_films(alice: User, bob: User, victor: User, film: Team, deleted: list[int]) -> None:
    """Also one with a part that was deleted before, which nobody inherits."""
    made, another = joined(bob, film), make_film(alice, film, idempotency_key=uuid.uuid4())
    Film.objects.filter(pk=another.pk).update(idempotency_key=made.idempotency_key)
    for part in made.parts.filter(position__in=deleted):
        assert part.generation.delete_permanently(bob)
    assert delete_team(film, alice, victor)

    assert signed_in(victor).post(reverse("film-delete", args=[made.pk])).status_code == 302
    assert list(Film.objects.all()) == [another]


@pytest.mark.parametrize("in_project", [False, True])
def test_list_goes_on_to_the_oldest(bob: User, film: Team, in_project: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, also those of one moment, whatever is made or deleted meanwhile."""
    monkeypatch.setattr(films, "PAGE_SIZE", 2)
    project, client, at = Collection.objects.create(team=film, name="Snow"), signed_in(bob), timezone.now()
    rows = [Film.objects.create(team=film, user=bob, name=f"Film {n}", project=project) for n in range(5)]
    Film.objects.filter(pk__in=[row.pk for row in rows[:3]]).update(created_at=at - timedelta(hours=1))
    expected = list(Film.objects.order_by("-created_at", "-id"))
    address = f"{reverse('films')}?project={project.pk}" if in_project else reverse("films")
    seen: list[Film] = []
    while address:
        page = client.get(address)
        seen += page.context["films"]
        Film.objects.create(team=film, user=bob, name="New", project=project)
        Film.objects.filter(pk=seen[-1].pk).delete()
        older = re.search(r'href="([^"]+)" rel="next"', page.content.decode())
        address = f"{reverse('films')}{unescape(older[1])}" if older else ""
        assert not address or in_project == ("project=" in address)
    assert [row.name for row in seen] == [row.name for row in expected]


@pytest.mark.parametrize("cursor", ["x", "2026-01-01T00:00:00+00:00", "2026-01-01_x", "0001-01-01T00:00:00+00:00_x"])
def test_list_knows_no_such_page(bob: User, film: Team, cursor: str) -> None:
    client = signed_in(bob)
    assert client.get(reverse("films"), {"before": cursor}).status_code == 404
    past = client.get(reverse("films"), {"before": f"2020-01-01T00:00:00+00:00_{uuid.uuid4()}"})
    assert "No older films." in past.content.decode()


@pytest.mark.parametrize("name", ["films", "film", "film-new"])
def test_queries_do_not_grow(bob: User, film: Team, name: str) -> None:
    made = joined(bob, film, *[clips.clip(1)] * 4)
    joined(bob, film)
    client = signed_in(bob)
    ids = ",".join(str(part.generation_id) for part in made.parts.all())
    path = {"films": reverse("films"), "film": made.get_absolute_url(), "film-new": f"{NEW}?ids={ids}"}[name]
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    assert len(queries) <= 8, [query["sql"][:200] for query in queries]


def test_sequence_for_editing_programs(bob: User, film: Team, settings: Any) -> None:
    made, client = joined(bob, film, clips.clip(1), clips.clip(2, frames=31), clips.clip(3)), signed_in(bob)
    first, second, third = (part.generation for part in made.parts.all())
    third.move_to_trash(bob)
    address = reverse("film-timeline", args=[made.pk])
    answer = client.get(address)
    assert answer["Content-Disposition"] == 'attachment; filename="spot.otio"'
    (track,) = answer.json()["tracks"]["children"]
    media = [clip["media_references"][clip["active_media_reference_key"]] for clip in track["children"]]
    assert [one["OTIO_SCHEMA"] for one in media] == ["ExternalReference.1"] * 2 + ["MissingReference.1"]
    links = [f"{settings.SITE_URL}{reverse('generation-download', args=[row.pk])}" for row in (first, second)]
    assert [one["target_url"] for one in media[:2]] == links
    assert [clip["source_range"]["duration"]["value"] for clip in track["children"]] == [24, 31, 24]
    (track,) = client.get(f"{address}?links=files").json()["tracks"]["children"]
    name = track["children"][0]["media_references"]["DEFAULT_MEDIA"]["target_url"]
    assert name in client.get(reverse("generation-download", args=[first.pk]))["Content-Disposition"]
