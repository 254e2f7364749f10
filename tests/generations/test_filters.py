"""The gallery's filters and search: each narrows, all together too, and nonsense in the address narrows nothing."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Team, User
from generations.fal.arguments import Endpoint
from generations.models import Collection, Favourite, Generation, Status, Tag
from generations.views import gallery
from tests.cast import make_generation, make_input_picture, make_video, signed_in

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def row(film: Team, bob: User) -> Generation:
    """The one that each filter below lets through."""
    row = make_generation(
        bob,
        film,
        Status.DONE,
        endpoint=Endpoint.TEXT_TO_VIDEO,
        prompt="Two foxes were running through fresh snow",
        aspect_ratio="9:16",
        duration=10,
        created_at=NOON,
        collection=Collection.objects.create(team=film, name="Trailer"),
    )
    Tag.objects.create(team=film, name="winter").generations.add(row)
    Favourite.objects.create(user=bob, generation=row)
    return row


@pytest.fixture
def other(film: Team, bob: User) -> Generation:
    """The one that each filter keeps back."""
    return make_generation(
        bob, film, endpoint=Endpoint.IMAGE_TO_VIDEO, prompt="a boat", created_at=NOON.replace(month=10)
    )


@pytest.mark.parametrize(
    "query",
    [
        {"q": "fox run"},
        {"q": '"fresh snow"'},
        {"q": "snow -boat"},
        {"status": "done"},
        {"kind": "text"},
        {"ratio": "9:16"},
        {"duration": "10"},
        {"since": "2026-11-24"},
        {"favourite": "on"},
        {"status": "done", "kind": "text", "q": "snow", "favourite": "on"},
    ],
    ids="+".join,
)
def test_each_filter_narrows(row: Generation, other: Generation, bob: User, query: dict[str, str]) -> None:
    assert list(signed_in(bob).get("/", query).context["generations"]) == [row]


def test_tag_and_collection_narrow(row: Generation, other: Generation, bob: User) -> None:
    client = signed_in(bob)
    assert list(client.get("/", {"tag": Tag.objects.get().pk}).context["generations"]) == [row]
    assert list(client.get("/", {"collection": Collection.objects.get().pk}).context["generations"]) == [row]


def test_until_takes_the_whole_day(row: Generation, other: Generation, bob: User) -> None:
    client = signed_in(bob)
    assert list(client.get("/", {"until": "2026-11-23"}).context["generations"]) == [other]
    assert list(client.get("/", {"until": "2026-11-24"}).context["generations"]) == [row, other]


def test_a_team_shows_everybodys_and_one_members(row: Generation, film: Team, alice: User, bob: User) -> None:
    hers = make_generation(alice, film, prompt="hers")
    client = signed_in(bob)
    assert list(client.get("/").context["generations"]) == [row]
    assert set(client.get("/", {"team": "film"}).context["generations"]) == {row, hers}
    answer = client.get("/", {"team": "film", "member": str(alice.pk)})
    assert list(answer.context["generations"]) == [hers]
    assert list(client.get("/", {"member": str(alice.pk)}).context["generations"]) == [hers]


def test_somebody_elses_team_and_nonsense_narrow_nothing(row: Generation, mallory: User, bob: User) -> None:
    own = make_generation(mallory, mallory.personal_team)
    assert list(signed_in(mallory).get("/", {"team": "film"}).context["generations"]) == [own]
    nonsense = {"status": "x", "tag": "x", "since": "x", "duration": "x", "member": "-1", "order": "x", "kind": "\0"}
    assert list(signed_in(bob).get("/", nonsense).context["generations"]) == [row]


def test_oldest_first_pages_on_and_keeps_the_filters(film: Team, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "PAGE_SIZE", 2)
    rows = [make_generation(bob, film, created_at=NOON.replace(minute=minute)) for minute in range(5)]
    client = signed_in(bob)
    seen: list[Generation] = []
    query = {"order": "oldest", "kind": "text"}
    while True:
        answer = client.get("/", query)
        seen += list(answer.context["generations"])
        if not answer.context["older"]:
            break
        assert b'href="?kind=text&amp;order=oldest&amp;before=' in answer.content
        query["before"] = answer.context["older"]
    assert seen == rows


REVIEWED = ["changes_wanted", "changes_wanted", "", "", "", "approved", "approved"]


def _walk(client: Client, direction: str, query: dict[str, str]) -> list[list[Generation]]:
    """Page after page, until no link leads on."""
    pages, name = [], {"before": "older", "after": "newer"}[direction]
    while True:
        answer = client.get("/", query)
        pages.append(list(answer.context["generations"]))
        if not answer.context[name]:
            return pages
        query = {**query, direction: answer.context[name]}


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("minutes", [[7, 6, 5, 4, 3, 2, 1], [1, 2, 3, 3, 3, 5, 4], [1] * 7], ids=str)
@pytest.mark.parametrize("library", [{}, {"team": "film"}, {"favourite": "on"}], ids=str)
def test_by_review_shows_what_is_to_be_done_first_and_no_row_is_lost_or_doubled(
    film: Team, bob: User, monkeypatch: pytest.MonkeyPatch, size: int, minutes: list[int], library: dict[str, str]
) -> None:
    monkeypatch.setattr(gallery, "PAGE_SIZE", size)
    rows = [
        make_generation(bob, film, created_at=NOON.replace(minute=minute), review_status=status)
        for status, minute in zip(REVIEWED, minutes, strict=True)
    ]
    Favourite.objects.bulk_create(Favourite(user=bob, generation=row) for row in rows)
    groups = [[row for row in rows if row.review_status == status] for status in ("changes_wanted", "", "approved")]
    expected = [row for group in groups for row in sorted(group, key=lambda row: (row.created_at, row.pk))[::-1]]
    client, query = signed_in(bob), {"order": "review", **library}

    pages = _walk(client, "before", query)
    assert [row for page in pages for row in page] == expected
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    back = _walk(client, "after", {**query, "after": expected[-1].cursor})
    assert [row for page in reversed(back) for row in page] == expected[:-1]
    for at, row in enumerate(expected):
        shown = list(client.get("/", {**query, "from": row.cursor}).context["generations"])
        assert shown == expected[at : at + size]


def test_by_review_has_no_months_and_its_own_words(film: Team, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "PAGE_SIZE", 1)
    rows = [make_generation(bob, film, review_status=status) for status in ("approved", "changes_wanted", "")]
    page = signed_in(bob).get("/", {"order": "review", "before": rows[1].cursor}).content.decode()
    assert f'data-generation="{rows[2].pk}"' in page
    assert ("Next" in page, "data-long" in page) == (True, False)
    assert "data-long" in signed_in(bob).get("/").content.decode()


@pytest.mark.parametrize("cursor", ["{}_3", "{}_-1", "{}_", "{}_1_1", "{}_x", "{}_\u0662"])
def test_a_rank_that_is_none_is_not_found(row: Generation, bob: User, cursor: str) -> None:
    query = {"order": "review", "before": cursor.format(row.cursor)}
    assert signed_in(bob).get("/", query).status_code == 404


_MANY = """
INSERT INTO generations_generation (id, team_id, user_id, idempotency_key, endpoint, prompt, negative_prompt, cfg_scale,
    duration, aspect_ratio, status, created_at, changed_at, due_at, cost_cents, relation, batch_index, is_private,
    awaits_review, reason, message, responsible_party, provider_message, attempts, unconfirmed_id, status_url,
    response_url, cancel_url, logs, source_url, copied_bytes, review_status)
SELECT gen_random_uuid(), %s, %s, gen_random_uuid(), 'fal-ai/kling-video/v2.5-turbo/pro/text-to-video', 'x', 'x', 0.5,
    5, '16:9', 'queued', now() - n * interval '1 minute', now(), now(), 35, '', 0, false, false, '', '', '', '', 0, '',
    '', '', '', '[]', '', 0, CASE WHEN n %% 50 = 0 THEN 'changes_wanted' WHEN n %% 2 = 0 THEN 'approved' ELSE '' END
FROM generate_series(1, 20000) n
"""


@pytest.mark.parametrize(
    "query",
    [
        {"order": "review"},
        {"order": "review", "team": "film"},
        {"review": "changes_wanted"},
        {"review": "changes_wanted", "team": "film"},
    ],
    ids=str,
)
def test_review_is_read_from_its_index_at_any_depth(film: Team, bob: User, query: dict[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MANY, [film.pk, bob.pk])
        cursor.execute("ANALYZE generations_generation")
        cursor.execute("SET LOCAL enable_seqscan = off")  # how cheap it is to read so few rows whole is chance
    # in the middle: where nothing lies behind, any index is as good, and PostgreSQL takes the one that it likes
    deep = f"{(timezone.now() - timedelta(minutes=10000)).isoformat()}_{uuid.UUID(int=0)}_1"
    client = signed_in(bob)
    for place in ({}, {"before": deep}, {"after": deep}):
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/", {**query, **place}).status_code == 200
        (page,) = (one["sql"] for one in captured if "LIMIT 49" in one["sql"] and '"prompt"' in one["sql"])
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {page}".replace("%", "%%"))
            plan = "\n".join(line for (line,) in cursor.fetchall())
        index = "generation_of_team_by_review" if "team" in query else "generation_of_user_by_review"
        assert index in plan
        assert "Sort" not in plan


@pytest.mark.parametrize("order", ["", "oldest"])
@pytest.mark.parametrize("margin", [1, 3, 7, 100])
def test_a_search_shows_all_of_a_team_behind_what_is_hidden(
    film: Team, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch, margin: int, order: str
) -> None:
    monkeypatch.setattr(gallery, "PAGE_SIZE", 2)
    monkeypatch.setattr(gallery, "SEARCH_MARGIN", margin)
    day = timezone.now()
    rows = [
        make_generation(alice, film, prompt="A fox", is_private=age % 5 < 3, created_at=day - timedelta(minutes=age))
        for age in range(15)
    ]
    make_generation(bob, film, prompt="A hare", created_at=day)
    expected = [row for row in (rows[::-1] if order else rows) if not row.is_private]
    client, query = signed_in(bob), {"team": "film", "q": "fox", "order": order}
    page = client.get("/", query).context
    shown = list(page["generations"])
    while page["older"]:
        page = client.get("/", {**query, "before": page["older"]}).context
        shown += page["generations"]
    assert shown == expected


def test_filtered_rows_of_a_small_team_are_read_from_its_index(film: Team, alice: User, bob: User) -> None:
    with connection.cursor() as cursor:
        for team, user, rows in ((film, bob, "400"), (alice.personal_team, alice, "10000")):
            cursor.execute(_MANY.replace("20000", rows), [team.pk, user.pk])
        cursor.execute("ANALYZE generations_generation")
        cursor.execute("SET LOCAL enable_seqscan = off")
    with CaptureQueriesContext(connection) as captured:
        assert len(signed_in(bob).get("/", {"team": "film", "duration": "5"}).context["generations"]) == 48
    (page,) = (one["sql"] for one in captured if "LIMIT 49" in one["sql"] and '"prompt"' in one["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {page}".replace("%", "%%"))
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "generation_of_team" in plan
    assert "Sort" not in plan


def test_a_word_of_all_prompts_is_looked_up_for_a_few(film: Team, alice: User, bob: User) -> None:
    """The index of words finds them, and no more than a few are looked at any further."""
    with connection.cursor() as cursor:
        for team, user in ((film, bob), (alice.personal_team, alice)):
            cursor.execute(_MANY.replace("20000", "2000"), [team.pk, user.pk])
        # what makes a small table cheaper than its index: rows that wait to be put into it, and reading the table whole
        cursor.execute("SELECT gin_clean_pending_list('generation_prompt_words')")
        cursor.execute("ANALYZE generations_generation")
        cursor.execute("SET LOCAL enable_seqscan = off")
    client = signed_in(bob)
    queries: list[dict[str, str]] = [{}, {"team": "film"}, {"order": "oldest"}]
    for query in queries:
        with CaptureQueriesContext(connection) as captured:
            assert len(client.get("/", {**query, "q": "x"}).context["generations"]) == 48
        (found,) = (one["sql"] for one in captured if "tsquery" in one["sql"])
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {found}".replace("%", "%%"))
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "LIMIT 192" in found
        assert "generation_prompt_words" in plan


def test_nothing_found_names_the_filters_and_the_words_stay(row: Generation, bob: User) -> None:
    page = signed_in(bob).get("/", {"q": "submarine", "status": "done"}).content.decode()
    assert "No results for “submarine”" in page
    assert "Clear filters" in page
    assert 'value="submarine"' in page
    assert "No results for" not in signed_in(bob).get("/", {"status": "failed"}).content.decode()


def test_a_page_asks_the_database_eight_times_at_most(row: Generation, film: Team, bob: User) -> None:
    make_video(row)
    make_input_picture(make_generation(bob, film, endpoint=Endpoint.IMAGE_TO_VIDEO))
    query = {"tag": str(Tag.objects.get().pk), "collection": str(Collection.objects.get().pk), "member": str(bob.pk)}
    client = signed_in(bob)
    none: dict[str, str] = {}
    for narrowed in (none, {"team": "film"}, {**query, "team": "film", "favourite": "on", "q": "snow"}):
        with CaptureQueriesContext(connection) as captured:
            answer = client.get("/", narrowed)
        assert row in answer.context["generations"]
        assert len(captured) <= 8, [query["sql"] for query in captured]


def test_the_choices_are_of_ones_teams_alone(row: Generation, alice: User, bob: User, mallory: User) -> None:
    page = signed_in(bob).get("/").content.decode()
    assert all(f">{name}</option>" in page for name in ("Film", "Alice", "winter", "Trailer"))
    make_generation(mallory, mallory.personal_team)
    page = signed_in(mallory).get("/").content.decode()
    assert not any(f">{name}</option>" in page for name in ("Film", "Alice", "winter", "Trailer"))


def test_cards_alone_for_the_endless_scroll(row: Generation, bob: User) -> None:
    page = signed_in(bob).get("/", {"part": "cards"}).content.decode()
    assert f'id="card-{row.pk}"' in page
    assert "<html" not in page


@pytest.mark.parametrize("order", ["", "oldest", "review"])
def test_search_is_paged_in_its_order(film: Team, bob: User, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    monkeypatch.setattr(gallery, "PAGE_SIZE", 2)
    rows = [
        make_generation(bob, film, prompt="a fox", created_at=NOON + timedelta(minutes=minutes), review_status=status)
        for minutes, status in enumerate(["approved", "", "changes_wanted", "approved", ""])
    ]
    make_generation(bob, film, prompt="a boat")
    expected = {"": [4, 3, 2, 1, 0], "oldest": [0, 1, 2, 3, 4], "review": [2, 4, 1, 3, 0]}[order]
    query, found = {"q": "fox", "order": order}, []
    for page in range(3):
        answer = signed_in(bob).get("/", query)
        found += [rows.index(row) for row in answer.context["generations"]]
        query["before"] = answer.context["older"]
        if page == 1:
            up = signed_in(bob).get("/", {"q": "fox", "order": order, "after": answer.context["newer"]})
            assert [rows.index(row) for row in up.context["generations"]] == expected[:2]
    assert found == expected
