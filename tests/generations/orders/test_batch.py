"""Many videos of one press of the button: all of them or none."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Team, User
from generations import bucket
from generations.bucket import BucketDownError
from generations.models import Event, Generation, InputPicture, StorageDeletion
from generations.orders import place
from tests.cast import picture, signed_in
from tests.generations.views.test_composer import PAGE, file, text_order, values_in
from tests.invisible import INVISIBLE

LINES = "A fox in the snow\r\n\r\n  A badger, digging  \r\nAn owl"


def test_variations_are_rows_of_one_batch(film: Team, bob: User) -> None:
    order = text_order(film, variations="8")
    answer = signed_in(bob).post(PAGE, order)

    rows = list(Generation.objects.order_by("batch_index"))
    assert [row.batch_index for row in rows] == list(range(8))
    assert {row.prompt for row in rows} == {"A fox in the snow"}
    assert len({row.batch for row in rows}) == 1
    assert answer.headers["Location"] == f"{PAGE}?made={rows[0].batch}"
    assert str(rows[0].idempotency_key) == order["idempotency_key"]
    assert [row.idempotency_key for row in rows[1:]] == [
        uuid.uuid5(rows[0].idempotency_key, str(index)) for index in range(1, 8)
    ]
    assert Event.objects.filter(generation__in=rows, status="queued", by=bob).count() == 8


def test_one_video_is_no_batch(film: Team, bob: User) -> None:
    signed_in(bob).post(PAGE, text_order(film, variations="1"))

    assert Generation.objects.get().batch is None


def test_each_line_that_says_something_is_a_prompt(film: Team, bob: User) -> None:
    signed_in(bob).post(PAGE, text_order(film, prompt=LINES, lines="on", variations="3"))

    prompts = Generation.objects.order_by("batch_index").values_list("prompt", flat=True)
    assert list(prompts) == ["A fox in the snow", "A badger, digging", "An owl"]


def test_lines_that_show_nothing_are_no_prompts(film: Team, bob: User) -> None:
    lines = "\r\n".join(
        ["A fox", *(text for text in INVISIBLE.values() if text.isprintable()), "\u200b\u2800", "An owl"]
    )
    signed_in(bob).post(PAGE, text_order(film, prompt=lines, lines="on"))

    prompts = Generation.objects.order_by("batch_index").values_list("prompt", flat=True)
    assert list(prompts) == ["A fox", "An owl"]


def test_without_the_tick_lines_are_one_prompt(film: Team, bob: User) -> None:
    signed_in(bob).post(PAGE, text_order(film, prompt=LINES))

    assert Generation.objects.get().prompt == LINES.replace("\r\n", "\n")


def test_bad_lines_are_named_by_their_number_and_nothing_is_made(film: Team, bob: User) -> None:
    lines = f"A fox\r\n\r\n{'a' * 2501}\r\nAn owl\r\n{'b' * 2502}"
    answer = signed_in(bob).post(PAGE, text_order(film, prompt=lines, lines="on", cfg_scale="9"))

    assert answer.status_code == 422
    assert answer.context["form"].errors == {
        "prompt": [
            "Line 3: It has 2,501 characters; use at most 2,500.",
            "Line 5: It has 2,502 characters; use at most 2,500.",
        ],
        "cfg_scale": ["Choose a number from 0 to 1."],
    }
    assert not Generation.objects.exists()


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"lines": "on", "prompt": "A fox\r\n" * 51}, "prompt", "There are 51 lines; use at most 50."),
        ({"lines": "on", "prompt": "\u200b\r\n\u2800\r\n"}, "prompt", "Write what the video should show."),
        ({"lines": "on", "prompt": "\r\n \r\n"}, "prompt", "Write what the video should show."),
        *(({"variations": bad}, "variations", "Choose a number from 1 to 8.") for bad in ("0", "9", "x")),
    ],
)
def test_too_many_or_none_are_refused(film: Team, bob: User, values: dict[str, str], field: str, words: str) -> None:
    answer = signed_in(bob).post(PAGE, text_order(film, **values))

    assert answer.context["form"].errors == {field: [words]}
    assert not Generation.objects.exists()


def test_fifty_lines_are_taken(film: Team, bob: User) -> None:
    signed_in(bob).post(PAGE, text_order(film, prompt="\n".join(f"Fox {n}" for n in range(50)), lines="on"))

    assert Generation.objects.count() == 50


def test_page_that_refuses_says_the_total(film: Team, bob: User) -> None:
    page = signed_in(bob).post(PAGE, text_order(film, variations="8", cfg_scale="9")).content.decode()

    assert "$5.60" in page
    assert "Generate 8 videos · $5.60" in " ".join(page.split())


@pytest.mark.parametrize("values", [{"variations": "4"}, {"prompt": LINES, "lines": "on"}])
def test_form_sent_twice_is_the_same_batch(film: Team, bob: User, values: dict[str, str]) -> None:
    client, order = signed_in(bob), text_order(film, **values)
    first, second = client.post(PAGE, order), client.post(PAGE, order)

    assert first.headers["Location"] == second.headers["Location"]
    assert Generation.objects.values("batch").distinct().count() == 1
    assert Generation.objects.count() in {3, 4}


@pytest.mark.django_db(transaction=True)
def test_batch_sent_twice_at_once_is_made_once(film: Team, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the first takes the last of the money: the second is the same order, not one too many."""
    Team.objects.filter(pk=film.pk).update(monthly_limit_cents=210)
    both_have_looked = threading.Barrier(2, timeout=10)
    commit, order = place._commit, text_order(film, variations="3")

    def commit_together(*args: object) -> None:
        both_have_looked.wait()
        commit(*args)  # type: ignore[arg-type]

    def post(client: Client) -> str:
        try:
            return client.post(PAGE, order).headers["Location"]
        finally:
            connection.close()

    monkeypatch.setattr(place, "_commit", commit_together)
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(post, [signed_in(bob), signed_in(bob)])

    assert first == second
    assert Generation.objects.count() == 3


def test_each_row_has_pictures_of_its_own(film: Team, bob: User) -> None:
    order = text_order(film, kind="image", variations="3") | {"start_file": file(picture())}
    signed_in(bob).post(PAGE, order)

    keys = {row.pictures.get().key for row in Generation.objects.all()}
    assert len(keys) == 3
    assert {bucket.get(key) for key in keys} == {picture()}


def test_a_bucket_that_goes_away_halfway_leaves_nothing(film: Team, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = bucket.copy
    copied: list[str] = []

    def copy_twice(source: str, target: str) -> None:
        if len(copied) == 2:
            raise BucketDownError("The bucket is away.")
        copy(source, target)
        copied.append(target)

    monkeypatch.setattr(bucket, "copy", copy_twice)
    order = text_order(film, kind="image", variations="3") | {"start_file": file(picture())}
    answer = signed_in(bob).post(PAGE, order)

    assert answer.status_code == 503
    assert not Generation.objects.exists()
    assert not InputPicture.objects.exists()
    assert set(StorageDeletion.objects.values_list("key", flat=True)) == set(copied)


@pytest.mark.parametrize(
    ("values", "lines", "number"),
    [({"variations": "3"}, False, 3), ({"prompt": LINES, "lines": "on"}, True, 1)],
)
def test_batch_stands_above_a_form_that_asks_for_the_same(
    film: Team, bob: User, values: dict[str, str], lines: bool, number: int
) -> None:
    client = signed_in(bob)
    answer = client.post(PAGE, text_order(film, **values), follow=True)
    page = answer.content.decode()
    form = answer.context["form"]

    assert page.count("data-generation=") == 3
    assert (bool(form["lines"].value()), form["variations"].value(), form.count) == (lines, number, 3)
    client.post(PAGE, values_in(page))
    assert Generation.objects.count() == 6
    assert Generation.objects.values("batch").distinct().count() == 2
