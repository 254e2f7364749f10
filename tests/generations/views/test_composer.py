"""The page on which people ask for a video: from the form to the committed row and the wake-up."""

import re
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from html.parser import HTMLParser
from typing import Any

import boto3
import django_rq
import pytest
from botocore.config import Config
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_rq.settings import QUEUES
from pytest_django import DjangoCaptureOnCommitCallbacks
from rq import Queue

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations import bucket
from generations.fal.arguments import Endpoint
from generations.models import Draft, Event, Generation, Preset, Price, Slot, Status, TeamPause, Upload
from generations.orders import place
from tests.cast import make_generation, make_input_picture, make_upload, picture, signed_in
from tests.sandbox_process import free_port

PAGE = "/generations/new/"


def text_order(team: Team, **values: str) -> dict[str, Any]:
    order = {"idempotency_key": str(uuid.uuid4()), "kind": "text", "team": team.slug, "prompt": "A fox in the snow"}
    order |= {"duration": "10", "aspect_ratio": "9:16", "negative_prompt": "blur", "cfg_scale": "0.7"}
    return order | values


def file(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("fox.jpg", data)


class _Values(HTMLParser):
    """What a browser would send of a page's composer."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, chosen = (
            given.get("name") or "",
            "checked" in given or given.get("type") not in {"radio", "checkbox", "file"},
        )
        if tag == "input" and name and chosen:
            self.values[name] = given.get("value") or ("on" if "checked" in given else "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self.values[self._select] = given.get("value") or ""
        self._area = name if tag == "textarea" else ""

    def handle_data(self, data: str) -> None:
        if self._area:
            # HTML drops the first line end of a text area; browsers send line ends as CRLF
            lines = data.replace("\r\n", "\n").removeprefix("\n")
            self.values[self._area] = lines.replace("\n", "\r\n")
            self._area = ""


def values_in(page: str) -> dict[str, str]:
    parser = _Values()
    parser.feed(page[page.index('id="composer"') :])
    return parser.values


@pytest.fixture
def queue() -> Iterator[Queue]:
    queue: Queue = django_rq.get_queue()
    queue.delete()
    yield queue
    queue.delete()


def test_page_opens_on_the_tab_that_was_asked_for(bob: User) -> None:
    client = signed_in(bob)
    kinds = {asked: client.get(PAGE, {"kind": asked}).context["form"]["kind"].value() for asked in ("image", "sound")}

    assert kinds == {"image": "image", "sound": "text"}
    assert client.get(PAGE).context["form"]["kind"].value() == "text"


def test_page_shows_todays_prices(bob: User) -> None:
    Price.objects.create(endpoint=Endpoint.TEXT_TO_VIDEO, seconds=5, cents=4321, read_on=date(2030, 1, 1))

    assert "$43.21" in signed_in(bob).get(PAGE).content.decode()


def test_order_becomes_a_row_with_what_was_typed_and_todays_price(film: Team, bob: User) -> None:
    for cents, day in ((99, date(2030, 1, 2)), (98, date(2030, 1, 1))):
        Price.objects.create(endpoint=Endpoint.TEXT_TO_VIDEO, seconds=10, cents=cents, read_on=day)
    order = text_order(film)
    answer = signed_in(bob).post(PAGE, order)

    row = Generation.objects.get()
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{PAGE}?made={row.pk}"
    assert (row.user, row.team, row.status) == (bob, film, Status.QUEUED)
    assert (row.endpoint, row.prompt, row.negative_prompt) == (Endpoint.TEXT_TO_VIDEO, order["prompt"], "blur")
    assert (row.duration, row.aspect_ratio, row.cfg_scale) == (10, "9:16", 0.7)
    assert row.cost_cents == 99
    assert list(Event.objects.values_list("generation", "status", "by")) == [(row.pk, Status.QUEUED, bob.pk)]


def test_pictures_of_an_order_are_its_own_objects_in_the_bucket(film: Team, bob: User) -> None:
    start, tail = picture(color="red"), picture("PNG")
    order = text_order(film, kind="image", duration="5") | {"start_file": file(start), "tail_file": file(tail)}
    signed_in(bob).post(PAGE, order)

    row = Generation.objects.get()
    pictures = {kept.slot: kept for kept in row.pictures.all()}
    assert (row.endpoint, row.aspect_ratio, row.cost_cents) == (Endpoint.IMAGE_TO_VIDEO, "", 35)
    assert {slot: bucket.get(kept.key) for slot, kept in pictures.items()} == {Slot.START: start, Slot.TAIL: tail}
    assert all(kept.key.startswith(f"teams/{film.pk}/generations/{row.pk}/input/") for kept in pictures.values())


def test_wrong_form_comes_back_with_what_was_typed_and_the_words(film: Team, bob: User) -> None:
    answer = signed_in(bob).post(PAGE, text_order(film, prompt="A badger, digging", cfg_scale="9"))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "A badger, digging" in page
    assert "Choose a number from 0 to 1." in page
    assert not Generation.objects.exists()


def test_wrong_form_comes_back_so_that_only_the_wrong_value_need_be_changed(film: Team, bob: User) -> None:
    client = signed_in(bob)
    order = text_order(film, prompt="A <fox> & a badger,\r\ndigging", duration="7", negative_prompt="\r\nblur")
    page = client.post(PAGE, order).content.decode()

    client.post(PAGE, values_in(page) | {"duration": "10"})

    row = Generation.objects.get()
    assert (row.prompt, row.negative_prompt) == ("A <fox> & a badger,\ndigging", "\nblur")
    assert (str(row.idempotency_key), row.team, row.duration) == (order["idempotency_key"], film, 10)
    assert (row.aspect_ratio, row.cfg_scale) == ("9:16", 0.7)


def test_good_picture_comes_back_with_a_wrong_form_and_is_used_at_the_second_try(film: Team, bob: User) -> None:
    client = signed_in(bob)
    order = text_order(film, kind="image", prompt="")
    page = client.post(PAGE, order | {"start_file": file(picture())}).content.decode()
    upload = Upload.objects.get(user=bob)
    hidden = re.search(r'<input[^>]*name="start_upload"[^>]*>', page)
    assert hidden
    assert f'value="{upload.pk}"' in hidden[0]

    client.post(PAGE, order | {"prompt": "A fox", "start_upload": str(upload.pk)})

    assert Generation.objects.get().pictures.get().sha256 == upload.sha256


def test_what_was_made_stands_live_above_a_form_that_is_still_filled(film: Team, bob: User) -> None:
    client = signed_in(bob)
    order = text_order(film, kind="image") | {"start_file": file(picture())}
    answer = client.post(PAGE, order, follow=True)

    row, page = Generation.objects.get(), answer.content.decode()
    form = answer.context["form"]
    assert page.index("data-live=") < page.index(f'data-generation="{row.pk}"') < page.index('id="composer"')
    assert "live.js" in page
    values = {name: str(form[name].value()) for name in ("kind", "team", "prompt", "duration", "cfg_scale")}
    assert values == {name: order[name] for name in values}
    assert form["negative_prompt"].value() == "blur"
    assert form.kept == {Slot.START: Upload.objects.get(user=bob)}

    client.post(PAGE, values_in(page))
    assert Generation.objects.count() == 2  # a fresh key: the same form sent again is a second order
    assert set(Generation.objects.values_list("parent", flat=True)) == {None}


def test_what_others_made_is_not_shown_above_the_form(film: Team, alice: User, bob: User, mallory: User) -> None:
    hers = make_generation(alice, film)

    for person in (bob, mallory):
        page = signed_in(person).get(PAGE, {"made": str(hers.pk)})
        assert page.status_code == 200
        assert hers.prompt not in page.content.decode()
    assert signed_in(bob).get(PAGE, {"made": "nonsense"}).status_code == 200


def test_fresh_form_begins_with_the_persons_own_defaults(bob: User) -> None:
    bob.defaults = {"duration": "10", "aspect_ratio": "1:1", "negative_prompt": "", "cfg_scale": 0.9, "parent": "x"}
    bob.save()
    form = signed_in(bob).get(PAGE).context["form"]

    names = ("kind", "duration", "aspect_ratio", "negative_prompt", "cfg_scale", "parent")
    assert [form[name].value() for name in names] == ["text", "10", "1:1", "", 0.9, None]


def test_viewer_may_not_order_for_the_team(film: Team, victor: User) -> None:
    assert signed_in(victor).post(PAGE, text_order(film)).status_code == 403
    assert not Generation.objects.exists()


def test_person_who_may_order_for_no_team_is_refused(film: Team, victor: User) -> None:
    victor.personal_team.delete()

    assert signed_in(victor).get(PAGE).status_code == 403


def test_team_of_others_is_not_known(film: Team, mallory: User) -> None:
    answer = signed_in(mallory).post(PAGE, text_order(film))

    assert answer.status_code == 422
    assert "team" in answer.context["form"].errors
    assert not Generation.objects.exists()


def test_form_sent_twice_orders_once(film: Team, bob: User) -> None:
    client, order = signed_in(bob), text_order(film)
    first, second = client.post(PAGE, order), client.post(PAGE, order)

    assert Generation.objects.count() == 1
    assert first.headers["Location"] == second.headers["Location"]


def test_idempotency_key_of_somebody_else_orders_anew(film: Team, alice: User, bob: User) -> None:
    order = text_order(film)
    signed_in(alice).post(PAGE, order)
    signed_in(bob).post(PAGE, order)

    assert set(Generation.objects.values_list("user", flat=True)) == {alice.pk, bob.pk}


@pytest.mark.django_db(transaction=True)
def test_form_sent_twice_at_once_orders_once(film: Team, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    both_have_looked = threading.Barrier(2, timeout=10)
    commit, order = place._commit, text_order(film)

    def commit_together(*args: Any) -> None:
        both_have_looked.wait()
        commit(*args)

    def post(client: Client) -> str:
        try:
            return client.post(PAGE, order).headers["Location"]
        finally:
            connection.close()

    monkeypatch.setattr(place, "_commit", commit_together)
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(post, [signed_in(bob), signed_in(bob)])

    assert first == second == f"{PAGE}?made={Generation.objects.get().pk}"
    assert Event.objects.count() == 1


def test_worker_is_woken_after_the_commit_only(
    film: Team, bob: User, queue: Queue, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    client = signed_in(bob)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(PAGE, text_order(film))
        assert queue.count == 0

    assert [job.func_name for job in queue.jobs] == ["generations.tasks.drive"]


@pytest.mark.django_db(transaction=True)
def test_order_is_safe_while_redis_is_away(
    film: Team, bob: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(QUEUES["default"], "URL", f"redis://127.0.0.1:{free_port()}")
    answer = signed_in(bob).post(PAGE, text_order(film))

    assert answer.status_code == 302
    assert Generation.objects.get().status == Status.QUEUED
    assert "_enqueue_drive" in caplog.text
    assert "Connection refused" in caplog.text


def test_form_begins_with_what_another_generation_was_made_of(film: Team, bob: User) -> None:
    columns = {"prompt": "Two foxes", "negative_prompt": "", "cfg_scale": 0.3, "duration": 10}
    model = make_generation(bob, film, Status.DONE, aspect_ratio="9:16", **columns)
    form = signed_in(bob).get(PAGE, {"from": str(model.pk)}).context["form"]

    values = {name: form[name].value() for name in ("kind", "team", "aspect_ratio", *columns)}
    assert values == {"kind": "text", "team": "film", "aspect_ratio": "9:16", **columns, "duration": "10"}


def test_form_begins_with_the_persons_own_pictures_of_another_generation(film: Team, bob: User) -> None:
    upload = make_upload(bob)
    model = make_generation(bob, film, Status.DONE, endpoint=Endpoint.IMAGE_TO_VIDEO)
    for slot in Slot:
        make_input_picture(model, slot)
    form = signed_in(bob).get(PAGE, {"from": str(model.pk)}).context["form"]

    assert form["kind"].value() == "image"
    assert form.kept == {Slot.START: upload, Slot.TAIL: upload}


def test_pictures_that_somebody_else_gave_are_not_filled_in(film: Team, alice: User, bob: User) -> None:
    make_upload(alice)
    model = make_generation(alice, film, Status.DONE, endpoint=Endpoint.IMAGE_TO_VIDEO)
    make_input_picture(model)

    assert signed_in(bob).get(PAGE, {"from": str(model.pk)}).context["form"].kept == {}


@pytest.mark.parametrize("named", ["nonsense", "5b0e0c0e-0000-4000-8000-000000000000", "hers"])
def test_form_does_not_begin_with_what_the_person_may_not_see(
    film: Team, alice: User, mallory: User, named: str
) -> None:
    hers = make_generation(alice, film)
    answer = signed_in(mallory).get(PAGE, {"from": str(hers.pk) if named == "hers" else named})

    assert answer.status_code == 404


def test_a_bucket_that_is_down_is_said_by_the_field_and_loses_nothing(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = boto3.client(
        "s3", endpoint_url=f"http://127.0.0.1:{free_port()}", config=Config(retries={"max_attempts": 0})
    )
    monkeypatch.setattr(bucket, "client", lambda: dead)
    order = text_order(alice.personal_team, kind="image") | {"start_file": file(picture())}

    answer = signed_in(alice).post(PAGE, order)

    assert answer.status_code == 422
    assert "bucket" in answer.context["form"].errors["start_file"][0]
    assert values_in(answer.content.decode())["prompt"] == "A fox in the snow"
    assert not Generation.objects.exists()


def test_without_a_price_nothing_is_made(alice: User) -> None:
    Price.objects.all().delete()

    answer = signed_in(alice).post(PAGE, text_order(alice.personal_team))

    assert answer.status_code == 422
    assert "costs" in answer.context["form"].errors["duration"][0]
    assert not Generation.objects.exists()


@pytest.mark.parametrize("page", ["composer", "image", "made", "draft"])
def test_page_asks_the_database_little(film: Team, bob: User, page: str) -> None:
    """However many teams, limits, pauses, presets, drafts and rows there are."""
    row = make_generation(bob, film, Status.DONE)
    client = signed_in(bob)
    address = {"made": f"{PAGE}?made={row.pk}", "image": f"{PAGE}?kind=image"}.get(page, PAGE)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    if page == "draft":
        Draft.objects.save_draft(bob, uuid.uuid4(), {"prompt": "A fox"}, {})
    Team.objects.filter(pk=film.pk).update(monthly_limit_cents=1000)
    few = queries()
    for number in range(3):
        other = Team.objects.create(name=f"Other {number}", slug=f"other-{number}", monthly_limit_cents=100)
        Membership.objects.create(team=other, user=bob, role=Role.MEMBER, own_limit_cents=50)
        TeamPause.objects.create(team=other, began_by=bob)
        Preset.objects.save_preset(bob, f"Preset {number}", {})
        make_generation(bob, other, Status.DONE)
    if page == "draft":
        Draft.objects.save_draft(bob, uuid.uuid4(), {"prompt": "A badger"}, {})

    assert queries() <= few
    if page != "made":
        assert few <= 8


def test_a_picture_that_was_sent_ahead_is_shown(film: Team, bob: User) -> None:
    upload = make_upload(bob)
    page = signed_in(bob).get(PAGE, {"kind": "image", "start": str(upload.pk)}).content.decode()
    assert f'src="{reverse("upload", args=[upload.pk])}"' in page
    assert "may not be used here any more" not in page
