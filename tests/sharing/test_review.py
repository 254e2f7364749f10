"""Comments and verdicts: who sees and changes which, hostile inputs, versions side by side."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Team, User
from generations import bucket
from generations.models import Generation, Status
from sharing import review
from sharing.links import share_videos
from sharing.models import Comment, Guest, GuestPost, Mention, Verdict
from sharing.review import Reviewer
from sharing.templatetags.review import moment, plain_text
from tests.cast import make_generation, make_video, signed_in
from tests.sharing.cast import OPTIONS, Shared, known_as

XSS: Final = "<script>alert(1)</script>"
BAD_TEXTS: Final = ["", " \n ", "\u200b\u200b", "\u202e", "x" * 2001, "\x00", "a\x00b", "\ud7ff" * 2001]
GOOD_TEXTS: Final = [
    *(XSS, "<img src=x onerror=alert(1)>", "</textarea><script>alert(1)</script>", "&lt;b&gt;", "<!-- -->", "]]>"),
    *("**bold** [x](javascript:alert(1))", "javascript:alert(1)", "data:text/html,<script>", "{{ 7|add:7 }}"),
    *("{% load i18n %}", "${7*7}", "' or 1=1 --", "\u202egnp.exe", "Z\u0351" * 500, "مرحبا", "😀" * 500, "x" * 2000),
    *(
        'https://evil.example/"onmouseover=alert(1)',
        "http://a.b/<svg/onload=alert(1)>",
        "@Alice @Bob @Nobody",
        "@" * 2000,
    ),
]
BAD_PLACES: Final[list[dict[str, str]]] = [
    *(
        {"start": value}
        for value in ("-1", "0.3", "1e400", "nan", "inf", "x", "0x1", "1" * 400, "1,5;", "\u0661\u0661")
    ),
    *({"end": value} for value in ("0.1", "-1", "nan")),
    *({"start": "0.2", "end": value} for value in ("0.2", "0.1", "0.2001", "9", "x")),
    *({"x": value, "y": "5"} for value in ("-1", "101", "nan", "inf", "", "x", "1e99")),
    *({"y": value, "x": "5"} for value in ("-0.1", "100.1", "")),
    {"width": "5", "height": "5"},
    *({"x": "50", "y": "50", "width": width, "height": "5"} for width in ("", "0", "-5", "51", "nan", "1000")),
    {"x": "5", "y": "96", "width": "5", "height": "5"},
]
BAD_NAMES: Final = ["", " ", "\u200b", "\u202e", "x" * 61, "\x00", "\n\t"]
GOOD_NAMES: Final = [XSS, "Alice", "a\nb", "\u202eevil", "x" * 60, "bob@example.com", "{{ 1 }}", "' or 1=1 --"]
PARENTS: Final = ["x", str(uuid.UUID(int=1)), "' or 1=1 --", "\x00"]


@pytest.fixture(autouse=True)
def _no_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here looks at a byte of a video; to fill the bucket for each would take its time."""
    monkeypatch.setattr(bucket, "put", lambda *_: None)


def said() -> str:
    return Comment.objects.exclude(text="A guest says this").get().text


def test_inputs_are_many() -> None:
    lists: list[list[Any]] = [BAD_TEXTS, GOOD_TEXTS, BAD_PLACES, BAD_NAMES, GOOD_NAMES, PARENTS]
    assert sum(map(len, lists)) >= 60


@pytest.fixture
def senders(shared: Shared, victor: User) -> list[tuple[Client, str]]:
    """A guest and a viewer of the team, and where each comments on the first video."""
    member = signed_in(victor)
    return [(shared.client, shared.path("share-comments")), (member, f"/generations/{shared.first.pk}/review/")]


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_a_text_that_is_none_is_refused(senders: list[tuple[Client, str]], text: str) -> None:
    for client, path in senders:
        assert client.post(path, {"text": text}).status_code == 422
    assert Comment.objects.count() == 2


@pytest.mark.parametrize("text", GOOD_TEXTS)
def test_nothing_of_a_text_runs(senders: list[tuple[Client, str]], text: str) -> None:
    for client, path in senders:
        assert client.post(path, {"text": text, "is_public": "on"}).status_code == 302
        page = client.get(path).content.decode()
        assert not any(
            bad in page for bad in (XSS, "<img src=x", "<svg/", '"javascript:', 'onmouseover=alert(1)"', "<b>")
        )
        assert str(plain_text(text)) in page
        own = Comment.objects.latest("created_at")
        edit = path + str(own.pk) if "/share/" not in path else f"{path}/{own.pk}"
        form = client.get(edit if "/share/" in path else f"/comments/{own.pk}/").content.decode()
        assert XSS not in form


@pytest.mark.parametrize("place", BAD_PLACES, ids=str)
def test_a_moment_or_place_outside_the_video_is_refused_and_nothing_is_lost(
    senders: list[tuple[Client, str]], place: dict[str, str]
) -> None:
    for client, path in senders:
        answer = client.post(path, {"text": "Kept in the form", **place})
        assert answer.status_code == 422
        assert ">\nKept in the form</textarea>" in answer.content.decode()
    assert Comment.objects.count() == 2


def test_moments_ranges_points_and_rectangles_are_kept(senders: list[tuple[Client, str]]) -> None:
    client, path = senders[0]
    client.post(path, {"text": "1", "start": "0.1", "end": "0.25", "x": "10", "y": "20", "width": "90", "height": "80"})
    client.post(path, {"text": "2", "start": "0", "x": "0", "y": "100"})

    names = ("start_ms", "end_ms", "x", "y", "width", "height")
    rows = Comment.objects.exclude(text="A guest says this").order_by("text").values_list(*names)
    assert list(rows) == [(100, 250, 0.1, 0.2, 0.9, 0.8), (0, None, 0.0, 1.0, None, None)]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_none_is_refused(shared: Shared, name: str) -> None:
    for path, values in (("share-comments", {"text": "Hello"}), ("share-verdict", {"kind": "approved"})):
        answer = Client().post(shared.path(path), values | {"name": name})
        assert answer.status_code == 422
    assert Guest.objects.count() == 1


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_name_is_asked_for_once_and_shown_as_it_is(shared: Shared, name: str) -> None:
    client = Client()
    assert client.post(shared.path("share-comments"), {"text": "Hello", "name": name}).status_code == 302
    assert client.post(shared.path("share-verdict"), {"kind": "approved"}).status_code == 302

    assert Guest.objects.exclude(name="Gwen").count() == 1
    page = client.get(shared.path("share-video")).content.decode()
    assert XSS not in page
    assert 'name="name"' not in page


@pytest.mark.parametrize("parent", PARENTS)
def test_a_reply_to_nothing_keeps_its_text(senders: list[tuple[Client, str]], parent: str) -> None:
    for client, path in senders:
        answer = client.post(path, {"text": "Kept", "parent": parent})
        assert answer.status_code in {404, 422}
        assert answer.status_code == 404 or "Kept</textarea>" in answer.content.decode()
    assert Comment.objects.count() == 2


@pytest.mark.parametrize("kind", ["", "x", XSS, "Approved"])
def test_a_verdict_that_is_none_is_refused_and_its_note_stays(shared: Shared, victor: User, kind: str) -> None:
    path = f"/generations/{shared.first.pk}/review/verdict"
    for client, address in ((shared.client, shared.path("share-verdict")), (signed_in(victor), path)):
        answer = client.post(address, {"kind": kind, "note": "Kept note"})
        assert answer.status_code == 422
        assert "Kept note</textarea>" in answer.content.decode()


# --- who sees and changes what


def make_comments(shared: Shared, bob: User) -> dict[str, Comment]:
    """Of a member: internal and public; of another guest of the link; of a guest of another link; and replies."""
    link, _ = share_videos(bob, [shared.first], OPTIONS)
    guests = [Guest.objects.create(link=one, name=name) for one, name in ((shared.link, "Gus"), (link, "Olga"))]
    by = {
        "internal": Reviewer(bob),
        "public": Reviewer(bob),
        "same link": Reviewer(guest=guests[0], link=shared.link),
        "other link": Reviewer(guest=guests[1], link=link),
    }
    rows = {
        name: review.add_comment(shared.first, one, {"text": f"Said {name}", "is_public": name == "public"}, None)
        for name, one in by.items()
    }
    for name in ("internal", "other link"):  # an answer is never more public than what it answers
        values = {"text": f"Reply {name}", "is_public": True}
        rows[f"reply {name}"] = review.add_comment(shared.first, Reviewer(bob), values, rows[name])
    return rows


def test_guests_read_what_is_public_and_what_their_link_brought(shared: Shared, bob: User, victor: User) -> None:
    make_comments(shared, bob)

    page = shared.client.get(shared.path("share-video")).content.decode()
    assert {words for words in ("Said public", "Said same link", "A guest says this") if words in page} == {
        *("Said public", "Said same link", "A guest says this")
    }
    assert not any(
        words in page
        for words in (
            "Said internal",
            "Said other link",
            "Reply internal",
            "Reply other link",
            "Olga",
            "bob@",
            "@example",
        )
    )
    members = signed_in(victor).get(f"/generations/{shared.first.pk}/review/").content.decode()
    assert all(words in members for words in ("Said internal", "Said other link", "Reply internal", "Olga"))


@pytest.mark.parametrize("column", ["hidden_at", "deleted_at"])
def test_what_is_hidden_or_deleted_is_gone_for_guests_with_its_replies(shared: Shared, bob: User, column: str) -> None:
    root = shared.comments[shared.first.pk]
    review.add_comment(shared.first, Reviewer(bob), {"text": "An answer", "is_public": True}, root)
    assert b"An answer" in shared.client.get(shared.path("share-video")).content

    Comment.objects.filter(pk=root.pk).update(**{column: timezone.now()})

    page = shared.client.get(shared.path("share-video")).content
    assert b"An answer" not in page
    assert b"A guest says this" not in page
    assert shared.client.get(shared.path("share-comment")).status_code == 404


def test_a_member_without_a_name_shows_guests_no_address(shared: Shared, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(name="")
    review.add_comment(shared.first, Reviewer(bob), {"text": "Public", "is_public": True}, None)

    page = shared.client.get(shared.path("share-video")).content.decode()

    assert "A member of the team" in page
    assert bob.email not in page


_VERBS: Final = ["save", "delete", "resolve", "reopen", "hide", "show"]
_MEMBER, _ANY, _MODERATE = {"resolve", "reopen"}, set(_VERBS), {"delete", "hide", "show", "resolve", "reopen"}
# of a comment of victor's, a viewer, and of a guest's: what each may do; the video is bob's, alice owns the team
RIGHTS: Final[dict[str, tuple[set[str], set[str]]]] = {
    "alice": (_MODERATE, _MODERATE),
    "bob": (_MODERATE, _MODERATE),
    "victor": ({"save", "delete"} | _MEMBER, _MEMBER),
    "mallory": (set(), set()),
}


@pytest.mark.parametrize("verb", _VERBS)
@pytest.mark.parametrize("name", RIGHTS)
def test_members_do_what_is_theirs(
    shared: Shared, alice: User, bob: User, victor: User, mallory: User, name: str, verb: str
) -> None:
    own = review.add_comment(shared.first, Reviewer(victor), {"text": "Mine"}, None)
    client = signed_in(User.objects.get(email=f"{name}@example.com"))

    for number, comment in enumerate((own, shared.comments[shared.first.pk])):
        answer = client.post(f"/comments/{comment.pk}/", {"verb": verb, "text": "Other words"})
        allowed = 302 if verb in RIGHTS[name][number] else 403
        assert answer.status_code == (404 if name == "mallory" else allowed)
        comment.refresh_from_db()
        changed = {
            "save": comment.text == "Other words",
            "delete": comment.deleted_at,
            "resolve": comment.resolved_at,
            "hide": comment.hidden_at,
        }
        assert bool(changed.get(verb)) == (allowed == 302 and name != "mallory" and verb in changed)


@pytest.mark.parametrize("verb", ["save", "delete", "resolve", "hide", "x", ""])
@pytest.mark.parametrize("whose", ["internal", "public", "same link", "other link", "own", "none"])
def test_guests_change_their_own_alone(shared: Shared, bob: User, whose: str, verb: str) -> None:
    rows = make_comments(shared, bob) | {"own": shared.comments[shared.first.pk]}
    key = rows[whose].pk if whose in rows else uuid.UUID(int=3)

    answer = shared.client.post(shared.path("share-comment", comment=key), {"verb": verb, "text": "Other words"})

    may = whose == "own" and verb in {"save", "delete"}
    assert answer.status_code == (302 if may else 400 if whose == "own" else 404)
    assert Comment.objects.filter(text="Other words").exists() == (may and verb == "save")
    assert Comment.objects.filter(deleted_at__isnull=False).exists() == (may and verb == "delete")


def test_a_guest_is_a_guest_of_one_link(shared: Shared, bob: User) -> None:
    link, _ = share_videos(bob, [shared.first], OPTIONS)
    other = Guest.objects.create(link=link, name="Olga")
    client = known_as(shared, other, Client())

    assert client.get(shared.path("share-comment")).status_code == 404
    assert client.post(shared.path("share-comments"), {"text": "Hello"}).status_code == 422  # no name here


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}])
@pytest.mark.parametrize("name", ["share-comments", "share-comment", "share-verdict"])
def test_other_sites_say_nothing(shared: Shared, name: str, headers: dict[str, str]) -> None:
    values = {"text": "Hello", "verb": "delete", "kind": "approved"}
    assert shared.client.post(shared.path(name), values, headers=headers).status_code == 403
    assert (Comment.objects.filter(deleted_at=None).count(), Verdict.objects.count()) == (2, 0)


def _write(shared: Shared, client: Client, number: int) -> int:
    values = {"text": f"Number {number}", "name": "Gus"}
    return client.post(shared.path("share-comments"), values).status_code


def _fresh(_client: Client) -> Client:
    return Client()


@pytest.mark.parametrize("browser", [lambda one: one, _fresh], ids=["one guest", "one address"])
def test_guests_write_five_times_a_minute(shared: Shared, browser: Callable[[Client], Client]) -> None:
    answers = [_write(shared, browser(shared.client), number) for number in range(7)]
    assert answers == [302] * 5 + [422] * 2
    assert (
        b"Too much was written at once"
        in shared.client.post(shared.path("share-verdict"), {"kind": "approved"}).content
    )

    GuestPost.objects.update(at=timezone.now() - timedelta(minutes=2))
    assert _write(shared, browser(shared.client), 8) == 302


@pytest.mark.parametrize(
    ("ago", "count", "address"), [(timedelta(minutes=30), 60, None), (timedelta(hours=9), 300, "x")]
)
def test_guests_write_sixty_times_an_hour_and_a_link_three_hundred_a_day(
    shared: Shared, ago: timedelta, count: int, address: str | None
) -> None:
    assert _write(shared, shared.client, 0) == 302
    kept = GuestPost.objects.get()
    columns = {"link": shared.link, "guest": "" if address else kept.guest, "at": timezone.now() - ago}
    posts = [GuestPost(**columns, address_hash=address or kept.address_hash) for _ in range(count - 2)]
    GuestPost.objects.bulk_create(posts)

    assert [_write(shared, shared.client, number) for number in (1, 2)] == [302, 422]


# --- mentions, verdicts, versions


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("@Alice look", {"Alice"}),
        ("@alice, @BOB!", {"Alice", "Bob"}),
        ("mail@Alice", set()),
        ("@Alicent", set()),
        ("@Mallory", set()),
        ("(@Alice)", {"Alice"}),
    ],
)
def test_mentions_are_of_people_of_the_team(
    shared: Shared, alice: User, bob: User, mallory: User, text: str, named: set[str]
) -> None:
    signed_in(bob).post(f"/generations/{shared.first.pk}/review/", {"text": text})
    assert {one.user.name for one in Mention.objects.all()} == named

    shared.client.post(shared.path("share-comments"), {"text": text})
    assert Mention.objects.count() == len(named)  # a guest knows nobody


def test_a_person_is_mentioned_by_the_list_too_and_an_edit_takes_it_back(
    shared: Shared, alice: User, bob: User
) -> None:
    client = signed_in(bob)
    client.post(f"/generations/{shared.first.pk}/review/", {"text": "Look", "mention": alice.pk})
    assert [one.user for one in Mention.objects.all()] == [alice]

    client.post(f"/comments/{Comment.objects.get(text='Look').pk}/", {"verb": "save", "text": "Look, @Bob"})
    assert [one.user for one in Mention.objects.all()] == [bob]


def test_a_guest_says_nothing_in_the_place_of_a_member(shared: Shared, alice: User) -> None:
    values = {"text": "Hello", "is_public": "on", "mention": alice.pk, "user": alice.pk, "generation": shared.second.pk}
    shared.client.post(shared.path("share-comments"), values)

    made = Comment.objects.get(text="Hello")
    assert (made.is_public, made.user, made.generation, made.mentions.count()) == (False, None, shared.first, 0)
    assert (made.guest, made.link) == (shared.comments[shared.first.pk].guest, shared.link)


def test_the_status_is_what_all_reviewers_say(shared: Shared, bob: User, victor: User) -> None:
    def status() -> str:
        return Generation.objects.get(pk=shared.first.pk).review_status

    path = f"/generations/{shared.first.pk}/review/verdict"
    assert status() == ""
    shared.client.post(shared.path("share-verdict"), {"kind": "approved"})
    assert status() == "approved"
    signed_in(victor).post(path, {"kind": "changes_wanted", "note": "Redder"})
    assert status() == "changes_wanted"
    Verdict.objects.update(notified_at=timezone.now())
    signed_in(victor).post(path, {"kind": "approved"})
    assert status() == "approved"
    assert Verdict.objects.filter(notified_at=None).count() == 1
    assert Verdict.objects.count() == 2

    page = signed_in(bob).get("/?review=approved").content.decode()
    assert f"card-{shared.first.pk}" in page
    assert f"card-{shared.second.pk}" not in page
    assert '<span class="chip chip--approved">Approved</span>' in page
    assert f"card-{shared.second.pk}" in signed_in(bob).get("/?review=none").content.decode()


def test_versions_stand_side_by_side_and_comments_are_carried_over_once(
    shared: Shared, film: Team, bob: User, victor: User, mallory: User
) -> None:
    first = shared.first
    second = make_generation(bob, film, Status.DONE, parent=first, relation="retry")
    third = make_generation(bob, film, Status.DONE, parent=second, relation="remix")
    hidden = make_generation(bob, film, Status.DONE, parent=first, relation="remix", is_private=True)
    for row in (second, third, hidden):
        make_video(row)
    Comment.objects.filter(generation=first).update(start_ms=9000)
    resolved = review.add_comment(first, Reviewer(bob), {"text": "Done already"}, None)
    review.resolve_comment(resolved, bob, is_resolved=True)

    assert list(review.versions(victor, first)) == list(review.versions(victor, third)) == [third, second, first]
    assert hidden in review.versions(bob, second)
    assert not review.versions(mallory, first)
    client = signed_in(victor)
    page = client.get(f"/generations/{second.pk}/review/").content.decode()
    assert [f"Version {number}" in page for number in (1, 2, 3, 4)] == [True, True, True, False]

    def carry(origin: Generation, to: Generation) -> int:
        return client.post(f"/generations/{to.pk}/review/carry-over", {"from": origin.pk}).status_code

    assert [carry(first, second), carry(first, second), carry(second, third), carry(first, third)] == [302] * 4
    assert carry(third, first) == 302
    found = Comment.objects.filter(carried_from__isnull=False).values_list(
        "generation", "text", "start_ms", "guest__name"
    )
    assert set(found) == {(row.pk, "A guest says this", 250, "Gwen") for row in (second, third)}
    assert found.count() == 2
    assert not Comment.objects.filter(carried_from__isnull=False, notified_at=None).exists()
    assert carry(hidden, second) == 404
    assert carry(shared.second, second) == 404  # another shot


def _moved(client: Client) -> list[str]:
    """What an open page hears that has asked a minute ago, of what has changed since the rows were put back."""
    answer = client.get("/events", {"since": int((timezone.now() - timedelta(minutes=1)).timestamp() * 1000)})
    return [pk for pk, _version in answer.json()["moved"]] if answer.status_code == 200 else []


@pytest.mark.parametrize("by", ["guest", "member"])
def test_verdict_shows_at_once_on_open_pages(shared: Shared, bob: User, victor: User, by: str) -> None:
    client = signed_in(bob)
    giver, path = {
        "guest": (shared.client, shared.path("share-verdict")),
        "member": (signed_in(victor), f"/generations/{shared.first.pk}/review/verdict"),
    }[by]
    shown = {"changes_wanted": "Changes wanted", "approved": "Approved"}
    for kind, words in shown.items():
        Generation.objects.update(changed_at=timezone.now() - timedelta(hours=2))
        assert _moved(client) == []
        assert giver.post(path, {"kind": kind}).status_code == 302
        assert _moved(client) == [str(shared.first.pk)]
        for part in ("card", "panel"):
            page = client.get(f"/generations/{shared.first.pk}/{part}").content.decode()
            assert f'<span class="chip chip--{kind}">{words}</span>' in page


def test_what_no_card_shows_moves_none(shared: Shared, bob: User, victor: User) -> None:
    """A comment, and a verdict that leaves the state as it is."""
    review.give_verdict(shared.first, Reviewer(bob), "changes_wanted", "")
    Generation.objects.update(changed_at=timezone.now() - timedelta(hours=2))
    review.give_verdict(shared.first, Reviewer(victor), "approved", "")
    shared.client.post(shared.path("share-comments"), {"text": "Hello"})
    assert _moved(signed_in(bob)) == []


@pytest.mark.parametrize(("seconds", "words"), [(0, "0:00.0"), (3.2, "0:03.2"), (59.96, "1:00.0"), (75.04, "1:15.0")])
def test_moments_in_words(seconds: float, words: str) -> None:
    assert moment(seconds) == words


def test_addresses_in_texts_are_vouched_for_by_nobody() -> None:
    assert str(plain_text("See\nhttps://a.example/?x=1&y=2")) == (
        'See<br><a href="https://a.example/?x=1&amp;y=2" rel="nofollow noopener noreferrer ugc">https://a.example/?x=1&amp;y=2</a>'
    )
