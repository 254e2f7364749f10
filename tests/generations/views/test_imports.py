"""Sheets through the pages: brought, mapped, corrected, ordered by one press or not at all, and given back."""

import csv
import html
import io
import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Membership, Team, User
from generations import bucket
from generations.bucket import BucketDownError
from generations.flows.delete_account import delete_account
from generations.flows.delete_team import delete_team
from generations.imports import fetch
from generations.imports.check import CheckedImport, check
from generations.imports.order import order_import
from generations.models import (
    BannedFile,
    Collection,
    Generation,
    Hold,
    ImportPicture,
    InputPicture,
    OrderImport,
    Price,
    PromptRule,
    Relation,
    Status,
    StorageDeletion,
    Tag,
    TeamPause,
    Upload,
)
from generations.models import order_import as order_import_models
from generations.models.order_import import IMPORT_RETENTION, MAX_IMPORTS, ImportPictureError
from generations.models.picture import FRAME_COLUMNS, UPLOAD_RETENTION
from generations.orders.place import place_retry
from generations.orders.rate_limits import refuse_too_many_import_pictures
from generations.storage.cleanup import delete_unused_uploads
from generations.views import imports
from tests.cast import make_generation, make_upload, picture, signed_in
from tests.generations.imports.cast import HEADER, make_import, sheet

pytestmark = pytest.mark.django_db


def page(found: OrderImport, part: str = "") -> str:
    return f"/import/{found.pk}/{part}"


def press(client: Client, found: OrderImport, **changed: Any) -> Any:
    found = OrderImport.objects.select_related("user", "team", "project").get(pk=found.pk)
    values = {"version": found.version, "cents": check(found).cents, "project": found.project_id or ""} | changed
    return client.post(page(found, "order"), values)


def change(client: Client, found: OrderImport, verb: str, **values: Any) -> Any:
    """As the sheet is now, unless `version` is given."""
    version = OrderImport.objects.get(pk=found.pk).version
    return client.post(page(found, "change"), {"verb": verb, "version": version} | values)


def settings_of(found: OrderImport, **changed: str) -> dict[str, str]:
    """The form of the columns as it stands."""
    values = {f"column-{index}": name for index, name in enumerate(found.mapping)}
    values["version"] = str(OrderImport.objects.get(pk=found.pk).version)
    values |= {"has_header": "on", "duration": "5", "aspect_ratio": "16:9", "quality": "pro", "cfg_scale": "0.5"}
    return (
        values | {"team": found.team.slug, "project": "", "seen_by": "", "prompt": "", "negative_prompt": ""} | changed
    )


def test_from_a_file_to_a_file_with_results(film: Team, bob: User, settings: Settings) -> None:
    client = signed_in(bob)
    text = (
        sheet('"A fox, red",,5,,,,snow,,', "", '\'- a bear,,10,,,,"Snow, hero",,')
        .replace(",", ";")
        .replace("fox; red", "fox, red")
        .replace("Snow; hero", "Snow, hero")
    )
    file = SimpleUploadedFile("Shots.csv", b"\xef\xbb\xbf" + text.encode())
    answer = client.post("/import/?team=film", {"sheet": file})
    found = OrderImport.objects.get()
    assert answer.headers["Location"] == page(found, "columns")
    assert (found.name, found.team, found.delimiter, found.has_header) == ("Shots.csv", film, ";", True)
    assert b"A fox, red" in client.get(page(found, "columns")).content

    project = Collection.objects.create(team=film, name="Spring")
    answer = client.post(page(found, "columns"), settings_of(found, project=str(project.pk), seen_by="me"))
    assert answer.headers["Location"] == page(found)
    assert "$1.05" in client.get(page(found)).content.decode()

    assert press(client, found).headers["Location"] == page(found)

    fox, bear = Generation.objects.order_by("batch_index")
    assert (fox.prompt, fox.duration, fox.cost_cents) == ("A fox, red", 5, 35)
    assert (bear.prompt, bear.duration, bear.cost_cents) == ("- a bear", 10, 70)
    assert {fox.billed_project, fox.collection, bear.billed_project} == {project}
    assert fox.is_private
    assert sorted(Tag.objects.values_list("name", "generations__prompt")) == [
        ("hero", "- a bear"),
        ("snow", "- a bear"),
        ("snow", "A fox, red"),
    ]
    Generation.objects.filter(pk=fox.pk).update(
        status=Status.REJECTED, message="=No", due_at=None, finished_at=timezone.now(), reason="x", cost_cents=0
    )

    answer = client.get(page(found, "results.csv"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Shots results.csv"'
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline=""), delimiter=";"))
    assert rows[0] == [*HEADER.split(","), "status", "video", "cost_usd", "reason"]
    assert rows[1][0] == "A fox, red"
    assert rows[1][-4:] == ["rejected", f"{settings.SITE_URL}/generations/{fox.pk}/", "0.00", "'=No"]
    assert rows[2] == [""] * len(rows[0])
    assert (rows[3][0], rows[3][-4], rows[3][-2]) == ("'- a bear", "queued", "0.70")
    assert "1 failed" in client.get(page(found)).content.decode()


def test_list_goes_on_to_the_oldest(film: Team, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "PAGE_SIZE", 2)
    made = [make_import(bob, film, f"Fox {number}") for number in range(5)]
    OrderImport.objects.filter(pk__in=[one.pk for one in made[:3]]).update(created_at=made[0].created_at)
    expected = list(OrderImport.objects.order_by("-created_at", "-id"))
    client, address, seen = signed_in(bob), "/import/?team=film", []
    while address:
        page = client.get(address)
        seen += page.context["imports"]
        text = page.content.decode()
        assert text.count('action="/import/?team=film"') == 2
        older = re.search(r'href="([^"]+)" rel="next"', text)
        address = f"/import/{html.unescape(older[1])}" if older else ""
    assert seen == expected
    assert 'href="/import/?team=film"' in text or 'href="?team=film"' in text
    past = client.get("/import/", {"before": f"2020-01-01T00:00:00+00:00_{uuid.uuid4()}"})
    assert "No older imports." in past.content.decode()
    assert client.get("/import/", {"before": "x"}).status_code == 404


def test_pasted_cells_without_names_are_prompts(film: Team, bob: User) -> None:
    signed_in(bob).post("/import/", {"pasted": "A fox, in snow\nA bear"})

    found = OrderImport.objects.get()
    assert (found.has_header, found.mapping) == (False, ["prompt"])
    assert [number for number, _ in found.numbered_rows] == [1, 2]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Choose a file, or paste cells below."),
        ({"pasted": " , \n"}, "It is empty."),
        ({"sheet": SimpleUploadedFile("a.xlsx", b"PK\x03\x04")}, "This is a workbook."),
    ],
)
def test_what_is_no_sheet_says_so_by_its_field(film: Team, bob: User, values: dict[str, Any], words: str) -> None:
    answer = signed_in(bob).post("/import/", values)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not OrderImport.objects.exists()


def test_wrong_cells_are_corrected_on_the_page_and_the_mapping_stays(film: Team, bob: User) -> None:
    found, client = make_import(bob, film, "Fox,,7,,,,,,", "Bear,,,,,,,,"), signed_in(bob)
    assert press(client, found).status_code == 422
    assert not Generation.objects.exists()

    answer = change(client, found, "cells", **{"cell-2-2": "10", "cell-3-0": "Two\r\nlines"})

    assert answer.headers["Location"] == page(found)
    press(client, found)
    assert list(Generation.objects.order_by("batch_index").values_list("prompt", "duration")) == [
        ("Fox", 10),
        ("Two\nlines", 5),
    ]


@pytest.mark.parametrize("name", ["cell-9-0", "cell-2-99", "cell-0-0", "cell-2", "cell-a-b"])
def test_there_is_no_such_cell(film: Team, bob: User, name: str) -> None:
    found = make_import(bob, film, "Fox,,,,,,,,")

    assert change(signed_in(bob), found, "cells", **{name: "x"}).status_code == 400


def test_a_corrected_file_keeps_what_was_said_of_the_columns(film: Team, bob: User) -> None:
    found = make_import(bob, film, "Fuchs,7", header="Was,Wie lange", has_header=True, mapping=["prompt", "duration"])
    file = SimpleUploadedFile("b.csv", b"Wie lange,Was\n5,Fuchs\n10,Bar\n")

    change(signed_in(bob), found, "sheet", sheet=file)

    found.refresh_from_db()
    assert found.mapping == ["duration", "prompt"]
    assert len(found.numbered_rows) == 2
    change(signed_in(bob), found, "sheet", sheet=SimpleUploadedFile("c.csv", b"\0"))
    assert len(OrderImport.objects.get().numbered_rows) == 2


def test_pressed_twice_it_is_ordered_once(film: Team, bob: User) -> None:
    found, client = make_import(bob, film, "Fox,,,,,,,,", "Bear,,,,,,,,"), signed_in(bob)
    values = {"version": 0, "cents": 70, "project": ""}

    first, second = (client.post(page(found, "order"), values) for _ in range(2))

    assert first.headers["Location"] == second.headers["Location"] == page(found)
    assert Generation.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_pressed_twice_at_once_it_is_ordered_once(film: Team, bob: User) -> None:
    found = make_import(bob, film, *["Fox,,,,,,snow,,"] * 20)

    def post(_: int) -> int:
        try:
            return signed_in(bob).post(page(found, "order"), {"version": 0, "cents": 700, "project": ""}).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(post, range(4))) == [302] * 4
    assert Generation.objects.count() == 20
    assert Tag.objects.get().generations.count() == 20


@pytest.mark.parametrize("changed", [{"version": 7}, {"cents": 1}, {"project": "1"}, {"version": "", "cents": ""}])
def test_what_was_not_seen_is_not_ordered(film: Team, bob: User, changed: dict[str, Any]) -> None:
    found = make_import(bob, film, "Fox,,,,,,,,")

    answer = press(signed_in(bob), found, **changed)

    assert answer.status_code == 422
    assert "has changed since" in answer.content.decode()
    assert not Generation.objects.exists()


def test_money_for_all_but_one_row_orders_none(film: Team, bob: User) -> None:
    film.monthly_limit_cents = 500 * 35 - 1
    film.save()
    found, client = make_import(bob, film, *["Fox,,,,,,snow,,"] * 500), signed_in(bob)

    answer = press(client, found)

    assert answer.status_code == 422
    assert "This costs $175.00" in answer.content.decode()
    assert not Generation.objects.exists()
    assert not Tag.objects.exists()
    assert OrderImport.objects.get().ordered_at is None
    Team.objects.update(monthly_limit_cents=500 * 35)
    press(client, found)
    assert Generation.objects.count() == 500


def test_rules_of_orders_hold_for_sheets(film: Team, bob: User) -> None:
    Team.objects.update(approval_above_cents=100)
    PromptRule.objects.create(text="gun", action=PromptRule.Action.HOLD)
    found, client = make_import(bob, film, "Fox,,,,,,,,", "A gun,,,,,,,,", "Bear,,,,,,,,"), signed_in(bob)
    pause = TeamPause.objects.create(team=film, began_by=bob, note="Holidays")
    assert "Holidays" in press(client, found).content.decode()
    assert not Generation.objects.exists()
    pause.delete()

    press(client, found)

    assert set(Generation.objects.values_list("status", flat=True)) == {"held"}
    assert Hold.objects.filter(kind="approval").count() == 3
    assert Hold.objects.filter(kind="rule").count() == 1
    assert "3 awaiting approval" in client.get(page(found)).content.decode()


def test_a_bucket_that_goes_away_orders_nothing(film: Team, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    found = make_import(bob, film, *["Fox,,,,fox,,,,"] * 40)
    ImportPicture.objects.keep(found, "fox.png", make_upload(bob))
    copied: list[str] = []

    def copy(source: str, target: str) -> None:
        if len(copied) > 20:
            raise BucketDownError("The bucket is away.")
        copied.append(target)

    monkeypatch.setattr(bucket, "copy", copy)
    answer = press(signed_in(bob), found)

    assert answer.status_code == 503
    assert not Generation.objects.exists()
    assert set(StorageDeletion.objects.values_list("key", flat=True)) == set(copied)
    assert OrderImport.objects.get().ordered_at is None


def test_pictures_are_sent_one_by_one_and_the_newest_of_a_name_counts(film: Team, bob: User) -> None:
    found, client = make_import(bob, film, "Fox,,,,fox,,,,"), signed_in(bob)

    def send(data: bytes, **values: str) -> Any:
        values_and_file = {"picture": SimpleUploadedFile("fox.png", data), **values}
        return client.post(page(found, "pictures"), values_and_file, headers={"Accept": "application/json"})

    assert send(picture(), name="sub/fox.png").status_code == 201
    assert send(b"no picture").json() == {
        "errors": ["fox.png: This file isn't a picture. It is text. Use JPEG, PNG, WebP or HEIC."]
    }
    assert send(picture(), name="sub/fox.png").status_code == 201
    assert ImportPicture.objects.get().name == "sub/fox.png"
    files = [SimpleUploadedFile(name, picture()) for name in ("a.png", "b.png")]
    client.post(page(found, "pictures"), {"picture": files})
    assert ImportPicture.objects.count() == 3

    press(client, found)

    assert InputPicture.objects.get().slot == "start"
    assert not ImportPicture.objects.exists()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("/", None),
        (".", None),
        ("..", None),
        (" ", None),
        ("a/..", None),
        ("\0", None),
        ("a\\b.png", "a/b.png"),
        ("https://example.com/b.png", "b.png"),
    ],
)
def test_pictures_have_names_that_cells_can_say(film: Team, bob: User, name: str, kept: str | None) -> None:
    found, client = make_import(bob, film, "Fox,,,,b,,,,"), signed_in(bob)
    values = {"picture": SimpleUploadedFile("fox.png", picture()), "name": name}

    answer = client.post(page(found, "pictures"), values, headers={"Accept": "application/json"})

    assert answer.status_code == (201 if kept else 422)
    assert bool(answer.json()["errors"]) is not bool(kept)
    assert list(ImportPicture.objects.values_list("name", flat=True)) == ([kept] if kept else [])
    assert client.get(page(found)).status_code == 200


def test_more_pictures_than_may_be_wait(film: Team, bob: User, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"import_picture": "1/m/user"}
    found, client = make_import(bob, film, "Fox,,,,fox,,,,"), signed_in(bob)

    answers = [
        client.post(
            page(found, "pictures"),
            {"picture": SimpleUploadedFile("fox.png", picture())},
            headers={"Accept": "application/json"},
        )
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 429]
    assert answers[1].headers["Retry-After"] == "20"


def test_a_folder_of_pictures_makes_the_rows(film: Team, bob: User) -> None:
    client = signed_in(bob)
    client.post("/import/?team=film", {"pictures": "1"})
    found = OrderImport.objects.get()
    for name in ("red fox_start.png", "red fox_end.png", "bear.png"):
        ImportPicture.objects.keep(found, name, make_upload(bob))
    assert "Make a row" in client.get(page(found)).content.decode()

    change(client, found, "pairs")

    found.refresh_from_db()
    assert found.rows[1:] == [["bear", "bear.png", ""], ["red fox", "red fox_start.png", "red fox_end.png"]]
    press(client, found)
    rows = Generation.objects.order_by("batch_index")
    assert [(row.prompt, row.pictures.count()) for row in rows] == [("bear", 1), ("red fox", 2)]


def test_one_prompt_for_a_folder(film: Team, bob: User) -> None:
    found = OrderImport.objects.create(user=bob, team=film, name="Pictures")
    ImportPicture.objects.keep(found, "bear.png", make_upload(bob))

    change(signed_in(bob), found, "pairs", prompt=" It walks ")

    assert OrderImport.objects.get().rows[1] == ["It walks", "bear.png", ""]


def test_addresses_are_fetched_once_each(film: Team, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    url, private = "https://pictures.example.com/a.png", "http://169.254.169.254/latest"
    found, client = make_import(bob, film, f"Fox,,,,{url},,,,", f"Bear,,,,{url},{private},,,"), signed_in(bob)
    client.post(page(found, "columns"), settings_of(found))
    assert set(ImportPicture.objects.values_list("name", flat=True)) == {url, private}
    change(client, found, "cells", **{"cell-3-5": f"https://example.com/{'x' * 2000}"})
    assert "The address is too long." in client.get(page(found)).content.decode()
    change(client, found, "cells", **{"cell-3-5": private})
    assert "Fetching pictures" in client.get(page(found, "panel")).content.decode()

    from generations import pictures  # noqa: PLC0415

    real = pictures.fetch_picture
    monkeypatch.setattr(
        fetch, "fetch_picture", lambda name, at: pictures.read(name, picture()) if at == url else real(name, at)
    )
    for row in ImportPicture.objects.claim_due(10, fetch.LEASE):
        fetch.fetch(row)

    assert ImportPicture.objects.claim_due(10, fetch.LEASE) == []
    assert ImportPicture.objects.get(name=url).upload
    assert "private network" in ImportPicture.objects.get(name=private).error
    text = client.get(page(found)).content.decode()
    assert "1 address gave no picture." in text
    change(client, found, "fetch")
    assert [row.name for row in ImportPicture.objects.claim_due(10, fetch.LEASE)] == [private]
    change(client, found, "cells", **{"cell-3-5": ""})
    assert ImportPicture.objects.get().name == url
    press(client, found)
    assert InputPicture.objects.count() == 2


def test_who_has_to_wait_is_asked_for_once(film: Team, alice: User, bob: User, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"import_picture": "1/m/user"}
    for user in (bob, alice):
        for number in range(2):
            urls = {f"https://example.com/{user.pk}-{number}-{each}.png" for each in range(20)}
            ImportPicture.objects.set_urls(make_import(user, film), urls)
    refuse_too_many_import_pictures(bob)
    of_bob = ImportPicture.objects.filter(order_import__user=bob)
    [claimed] = of_bob.model.objects.claim_due(1, fetch.LEASE)

    fetch.fetch(claimed)

    assert of_bob.filter(due_at__gt=timezone.now()).count() == 40
    assert list(of_bob.exclude(attempts=0)) == []
    assert {row.order_import.user for row in ImportPicture.objects.claim_due(99, fetch.LEASE)} == {alice}


def test_an_address_that_kills_its_workers_is_given_up(film: Team, bob: User) -> None:
    found = make_import(bob, film)
    ImportPicture.objects.set_urls(found, {"https://example.com/a.png"})

    for _ in range(5):
        assert ImportPicture.objects.claim_due(1, timedelta(seconds=-1))

    assert ImportPicture.objects.claim_due(1, fetch.LEASE) == []
    assert ImportPicture.objects.get().error


def test_pictures_of_an_import_are_kept_until_it_is_ordered_or_expires(film: Team, bob: User) -> None:
    found = make_import(bob, film, "Fox,,,,fox,,,,")
    ImportPicture.objects.keep(found, "fox.png", make_upload(bob))
    Upload.objects.update(last_used_at=timezone.now() - 2 * UPLOAD_RETENTION)
    assert delete_unused_uploads() == 0
    assert OrderImport.objects.delete_expired() == 0

    OrderImport.objects.update(changed_at=timezone.now() - 2 * IMPORT_RETENTION)
    assert OrderImport.objects.delete_expired() == 1
    assert delete_unused_uploads() == 1


def test_what_is_ordered_does_not_expire_and_changes_no_more(film: Team, bob: User) -> None:
    found, client = make_import(bob, film, "Fox,,,,,,,,"), signed_in(bob)
    press(client, found)
    OrderImport.objects.update(changed_at=timezone.now() - 2 * IMPORT_RETENTION)

    assert OrderImport.objects.delete_expired() == 0
    for answer in (change(client, found, "cells", **{"cell-2-0": "Bear"}), client.get(page(found, "columns"))):
        assert answer.headers["Location"] == page(found)
    assert OrderImport.objects.get().rows[1][0] == "Fox"


def test_the_oldest_of_too_many_go(film: Team, bob: User) -> None:
    ordered = make_import(bob, film, ordered_at=timezone.now())
    old = make_import(bob, film)

    for _ in range(MAX_IMPORTS):
        OrderImport.objects.begin(bob, team=film, name="x")

    assert not OrderImport.objects.filter(pk=old.pk).exists()
    assert OrderImport.objects.filter(pk=ordered.pk).exists()


def test_an_import_is_its_users_alone_and_ends_with_their_rights(film: Team, alice: User, bob: User) -> None:
    found = make_import(bob, film, "Fox,,,,,,,,")
    assert signed_in(alice).get(page(found)).status_code == 404
    Membership.objects.filter(user=bob, team=film).update(role="viewer")
    assert signed_in(bob).get(page(found)).status_code == 200
    assert press(signed_in(bob), found).status_code == 403
    Membership.objects.filter(user=bob, team=film).delete()
    assert signed_in(bob).get(page(found)).status_code == 404


def test_it_goes_with_the_account_and_with_the_team(film: Team, alice: User, bob: User) -> None:
    make_import(bob, film, "Fox,,,,,,,,")
    make_import(alice, film, "Fox,,,,,,,,")
    delete_account(bob)
    assert OrderImport.objects.get().user == alice

    delete_team(film, alice, None)

    assert not OrderImport.objects.exists()


@pytest.mark.parametrize("why", ["expired", "account", "team", "too many"])
def test_sheets_are_deleted_unread(film: Team, alice: User, bob: User, why: str) -> None:
    """Hundreds of them, of five megabytes each, would not fit into a worker's memory."""
    for _ in range(3):
        ImportPicture.objects.keep(make_import(bob, film, "Fox,,,,,,,,"), "fox.png", make_upload(bob))
    OrderImport.objects.update(changed_at=timezone.now() - 2 * IMPORT_RETENTION)
    for _ in range(MAX_IMPORTS if why == "too many" else 0):
        make_import(bob, film)
    deletes: dict[str, Callable[[], Any]] = {
        "expired": OrderImport.objects.delete_expired,
        "account": lambda: delete_account(bob),
        "team": lambda: delete_team(film, alice, None),
        "too many": lambda: OrderImport.objects.begin(bob, team=film, name="x"),
    }

    with CaptureQueriesContext(connection) as queries:
        deletes[why]()

    assert not OrderImport.objects.filter(changed_at__lt=timezone.now() - IMPORT_RETENTION).exists()
    read = [
        query["sql"] for query in queries if query["sql"].startswith("SELECT") and 'orderimport"."rows"' in query["sql"]
    ]
    assert read == []


def test_videos_that_are_gone_say_nothing_of_themselves(film: Team, bob: User) -> None:
    found, client = make_import(bob, film, "Fox,,,,,,,,", "Bear,,,,,,,,"), signed_in(bob)
    press(client, found)
    now = timezone.now()
    ended = {"status": Status.CANCELED, "due_at": None, "finished_at": now, "cost_cents": 0}
    Generation.objects.filter(prompt="Fox").update(deleted_at=now, **ended)

    rows = list(csv.reader(io.StringIO(client.get(page(found, "results.csv")).getvalue().decode("utf-8-sig"))))

    assert rows[1][-4:] == ["not available", "", "", ""]
    assert rows[2][-4] == "queued"
    assert "1 not available" in client.get(page(found, "panel")).content.decode()


def test_a_single_row_has_results_too(film: Team, bob: User) -> None:
    found, client = make_import(bob, film, "Fox,,,,,,,,"), signed_in(bob)

    press(client, found)

    assert "0 of 1 made" in client.get(page(found)).content.decode()
    assert Generation.objects.get().relation != Relation.REMIX


@pytest.mark.parametrize("rows", [3, 500])
def test_pages_ask_no_more_for_many_rows(film: Team, bob: User, rows: int) -> None:
    found, client = make_import(bob, film, *["Fox,,7,,,,,,", "Bear,,,,,,a,,"] * rows), signed_in(bob)
    done = make_import(bob, film, *["Fox,,,,,,,,"] * rows)
    press(client, done)
    for path in (
        page(found),
        page(found, "columns"),
        page(done),
        page(done, "panel"),
        page(done, "results.csv"),
        "/import/",
    ):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        assert len(queries) <= 8, (path, [query["sql"][:200] for query in queries])


def test_delete(film: Team, bob: User) -> None:
    found, client = make_import(bob, film, "Fox,,,,,,,,"), signed_in(bob)
    press(client, found)
    assert client.get(page(found, "delete")).status_code == 200

    assert client.post(page(found, "delete")).headers["Location"] == "/import/"

    assert not OrderImport.objects.exists()
    assert Generation.objects.exists()


def test_a_project_that_is_deleted_meanwhile_is_told_first(film: Team, bob: User) -> None:
    """What was to be paid by it would be paid by nobody's budget but the team's."""
    project = Collection.objects.create(team=film, name="Spring")
    found, client = make_import(bob, film, "Fox,,,,,,,,", project=project), signed_in(bob)
    seen = project.pk
    project.delete()

    assert press(client, found, project=seen).status_code == 422
    assert not Generation.objects.exists()
    press(client, found)
    assert Generation.objects.get().billed_project is None


def test_a_price_that_changes_at_the_last_moment_is_shown_first(
    film: Team, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, client = make_import(bob, film, "Fox,,,,,,,,"), signed_in(bob)

    def dearer(checked: CheckedImport) -> list[Generation]:
        Price.objects.update(cents=900)
        return order_import(checked)

    monkeypatch.setattr(imports, "order_import", dearer)
    answer = press(client, found)

    assert "it costs $9.00 now" in answer.content.decode()
    assert not Generation.objects.exists()
    assert OrderImport.objects.get().ordered_at is None


REPLACED = ["Bear,,10,,,,,,", "Hare,,10,,,,,,"]
STALE = "changed in another tab meanwhile. Nothing was saved"


def replace(client: Client, found: OrderImport, *rows: str) -> None:
    change(client, found, "sheet", pasted=sheet(*rows).replace(",", "\t"))


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"verb": "cells", "cell-2-0": "Red fox", "cell-3-2": "10"}, ["Red fox", "Row 2, column A"]),
        ({"verb": "cells", "cell-2-0": "Red fox", "cell-99-3": "9:16"}, ["Red fox", "9:16", "Row 99, column D"]),
        ({"verb": "sheet", "pasted": "Prompt\tDuration\nAn owl\t5"}, ["An owl\t5"]),
        ({"verb": "pairs", "prompt": "It walks"}, ["It walks"]),
        ({"verb": "pairs", "prompt": ""}, []),
    ],
)
def test_a_stale_tab_changes_nothing_and_loses_nothing(
    film: Team, bob: User, values: dict[str, str], kept: list[str]
) -> None:
    found, client = make_import(bob, film, "Fox,,7,,,,,,", "Owl,,7,,,,,,"), signed_in(bob)
    replace(client, found, *REPLACED)

    answer = change(client, found, version="0", **values)

    words = html.unescape(answer.content.decode())
    assert (answer.status_code, STALE in words) == (409, True)
    assert [word for word in kept if word not in words] == []
    assert [row[0] for row in OrderImport.objects.get().rows[1:]] == ["Bear", "Hare"]


def test_columns_of_a_stale_tab_are_those_of_another_sheet(film: Team, bob: User) -> None:
    found, client = (
        make_import(bob, film, "Fox,5", header="Text,Seconds", mapping=["prompt", "duration"]),
        signed_in(bob),
    )
    sent = settings_of(found, prompt="Typed", **{"column-0": "negative_prompt"})
    change(client, found, "sheet", pasted="Seconds\tText\tTags\n10\tBear\tx")

    answer = client.post(page(found, "columns"), sent)

    assert answer.status_code == 409
    assert STALE in answer.content.decode()
    assert answer.context["form"]["prompt"].value() == "Typed"
    assert [answer.context["form"][f"column-{index}"].value() for index in range(3)] == ["duration", "prompt", ""]
    assert OrderImport.objects.get().mapping == ["duration", "prompt", ""]
    again = {name: value for name, value in sent.items() if not name.startswith("column-")}
    again |= {"version": "1", "column-0": "duration", "column-1": "prompt", "column-2": "tags"}
    assert client.post(page(found, "columns"), again).status_code == 302
    assert OrderImport.objects.get().defaults["prompt"] == "Typed"


def test_the_same_press_twice_is_no_conflict(film: Team, bob: User) -> None:
    found, client = make_import(bob, film, "Fox,,7,,,,,,"), signed_in(bob)

    answers = [change(client, found, "cells", version="0", **{"cell-2-2": "10"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]


def test_what_was_ordered_in_another_tab_says_so(film: Team, bob: User) -> None:
    found, client = make_import(bob, film, "Fox,,,,,,,,"), signed_in(bob)
    press(client, found)

    answer = client.post(page(found, "change"), {"verb": "cells", "version": "0", "cell-2-0": "Bear"}, follow=True)

    assert "It was ordered in another tab meanwhile." in answer.content.decode()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"verb": "sheet", "pasted": "Prompt\tSeconds\n" + "Typed long\t5\n" * 1001}, "use at most 1,000"),
        ({"verb": "sheet", "pasted": 'Prompt,Seconds\n"Typed long,5\n'}, "a quotation mark is missing"),
        ({"verb": "sheet", "pasted": "x" * (5 * 1024**2 + 1)}, "more than 5 MB"),
        ({"verb": "pairs", "prompt": "Typed long " * 300}, "at most 2500 characters"),
        ({"verb": "cells", "cell-2-0": "Typed long " + "x" * 131_072}, "Row 2 has a cell that is too long"),
        ({"verb": "cells", **{f"cell-{row}-0": "x" * 131_000 for row in range(2, 50)}}, "larger than 5 MB"),
    ],
)
def test_what_is_refused_comes_back_as_it_was_typed(film: Team, bob: User, values: dict[str, str], words: str) -> None:
    """A prompt of all rows would stand in the sheet a thousand times."""
    found = make_import(bob, film, *["Fox,,7,,,,,,"] * 60)
    if values["verb"] == "pairs":
        found = OrderImport.objects.create(user=bob, team=film, name="Pictures")
        ImportPicture.objects.keep(found, "a.png", make_upload(bob))
    before = OrderImport.objects.get(pk=found.pk).rows

    answer = change(signed_in(bob), found, **values)

    text = html.unescape(answer.content.decode())
    assert (answer.status_code, words in text) == (422, True)
    assert "Typed long" not in "".join(values.values()) or text.count("Typed long") >= 1
    assert OrderImport.objects.get(pk=found.pk).rows == before


def test_pictures_for_more_rows_than_may_be_are_not_left_out_unsaid(film: Team, bob: User) -> None:
    found = OrderImport.objects.create(user=bob, team=film, name="Pictures")
    upload = make_upload(bob)
    ImportPicture.objects.bulk_create(
        ImportPicture(order_import=found, name=f"{number} fox.png", upload=upload) for number in range(1001)
    )

    answer = change(signed_in(bob), found, "pairs", prompt="It walks")

    assert "The pictures make 1,001 rows; use at most 1,000." in answer.content.decode()
    assert "It walks" in answer.content.decode()
    assert OrderImport.objects.get().rows == []


def test_addresses_are_fetched_though_the_columns_are_never_confirmed(film: Team, bob: User) -> None:
    signed_in(bob).post("/import/?team=film", {"pasted": "Prompt\tStart\nFox\thttps://example.com/a.png"})

    assert ImportPicture.objects.get().name == "https://example.com/a.png"
    assert [picture.name for picture in ImportPicture.objects.claim_due(9, fetch.LEASE)] == [
        "https://example.com/a.png"
    ]


@pytest.mark.parametrize("state", ["ordered", "deleted", "full"])
def test_an_import_that_takes_no_more_pictures_keeps_none(
    film: Team, bob: User, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture that came late would be kept for ever: it is of no order and of no sheet that expires."""
    found, client = make_import(bob, film, "Fox,,,,,,,,"), signed_in(bob)
    monkeypatch.setattr(order_import_models, "MAX_PICTURES", 1)
    ImportPicture.objects.keep(found, "a.png", make_upload(bob))
    ImportPicture.objects.keep(found, "a.png", make_upload(bob, picture(color="red")))  # the same name again
    if state == "ordered":
        press(client, found)
    elif state == "deleted":
        found.delete()
        found = OrderImport(pk=uuid.uuid4())
    before = ImportPicture.objects.count()

    with pytest.raises(ImportPictureError):
        ImportPicture.objects.keep(found, "b.png", make_upload(bob))

    assert ImportPicture.objects.count() == before
    if state == "full":
        values = {"picture": SimpleUploadedFile("b.png", picture())}
        answer = client.post(page(found, "pictures"), values, headers={"Accept": "application/json"})
        assert answer.json() == {"errors": ["b.png: An import has at most 1 uploaded pictures."]}


@pytest.mark.parametrize("why", ["banned", *FRAME_COLUMNS])
def test_a_picture_that_was_removed_is_told_by_its_cell(film: Team, alice: User, bob: User, why: str) -> None:
    found, client = make_import(bob, film, "Fox,,,,good,,,,", "Bear,,,,good,bad,,,", "Hare,,,,,,,,"), signed_in(bob)
    good, bad = make_upload(bob), make_upload(bob, picture(color="red"))
    ImportPicture.objects.keep(found, "good.png", good)
    ImportPicture.objects.keep(found, "bad.png", bad)
    seen = {"version": 0, "cents": check(found).cents, "project": ""}
    if why == "banned":
        BannedFile.objects.create(sha256=bad.sha256, reason="x")
    else:
        video = make_generation(alice, film, Status.DONE)
        Upload.objects.filter(pk=bad.pk).update(**{why: video})
        video.take_down(alice, "x")

    answer = client.post(page(found, "order"), seen)

    ordered = Generation.objects.filter(user=bob)
    assert (answer.status_code, ordered.count()) == (422, 0)
    for text in (answer.content.decode(), client.get(page(found)).content.decode()):
        assert "1 to correct" in text
        assert "may not be used here any more" in text[text.index('name="cell-3-5"') :]
        assert 'name="cell-3-4"' not in text
    change(client, found, "cells", **{"cell-3-5": "good"})
    press(client, found)
    assert ordered.count() == 3


def end(row: Generation, status: Status, cents: int = 0) -> None:
    ended = {"due_at": None, "finished_at": timezone.now(), "cost_cents": cents, "message": status.label}
    Generation.objects.filter(pk=row.pk).update(status=status, reason="x", responsible_party="studio", **ended)
    row.refresh_from_db()


def results(client: Client, found: OrderImport) -> list[list[str]]:
    text = client.get(page(found, "results.csv")).getvalue().decode("utf-8-sig")
    return [row[-4:] for row in csv.reader(io.StringIO(text))][1:]


@pytest.mark.parametrize("rows", [1, 3])
def test_results_follow_retries(film: Team, alice: User, bob: User, settings: Settings, rows: int) -> None:
    found, client = make_import(bob, film, *["Fox,,,,,,,,"] * rows), signed_in(bob)
    press(client, found)
    first, *others = Generation.objects.order_by("batch_index")
    for row in (first, *others):
        end(row, Status.FAILED, 10)
    second = place_retry(first, alice, uuid.uuid4())
    end(second, Status.CANCELED)
    third = place_retry(second, bob, uuid.uuid4())
    make_generation(bob, film, parent=first, relation=Relation.REMIX)  # another video
    first.move_to_trash(bob)
    at = f"{settings.SITE_URL}/generations/"

    assert results(client, found)[0] == ["queued", f"{at}{third.pk}/", "0.35", ""]
    assert [row[:3] for row in results(client, found)[1:]] == [["failed", f"{at}{row.pk}/", "0.10"] for row in others]
    assert f"0 of {rows} made" in client.get(page(found)).content.decode()
    first.restore_from_trash(bob)
    assert results(client, found)[0][2] == "0.45"
    end(third, Status.CANCELED)
    third.move_to_trash(bob)
    assert results(client, found)[0][:2] == ["canceled", f"{at}{second.pk}/"]
    Generation.objects.update(is_private=True)
    assert results(client, found)[0][:2] == ["failed", f"{at}{first.pk}/"]  # alice's own is hers alone
