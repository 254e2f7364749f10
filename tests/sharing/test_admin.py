"""Comments in the admin: staff read them, moderators remove them, and what is private stays so."""

from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from generations.models import Generation
from sharing import review
from sharing.models import Comment
from sharing.review import Reviewer
from tests.cast import signed_in
from tests.sharing.cast import Shared

LIST = reverse("admin:sharing_comment_changelist")


def shown(client: Client, words: str = "") -> str:
    answer = client.get(LIST, {"q": words} if words else {})
    assert answer.status_code == 200
    return str(answer.content.decode().partition('id="result_list"')[2])


def test_list_names_author_video_and_link_and_is_searched(shared: Shared, bob: User, mo: User) -> None:
    review.add_comment(shared.first, Reviewer(bob), {"text": "Redder <b>please</b>"}, None)
    client = signed_in(mo)
    page = shown(client)

    assert "Gwen (guest)" in page
    assert "Redder &lt;b&gt;please&lt;/b&gt;" in page
    assert reverse("admin:sharing_sharelink_change", args=[shared.link.pk]) in page
    assert f"?state=all&amp;q={shared.first.pk}" in page
    found = {"redder": (1, 0), "Gwen": (0, 2), shared.link.name: (0, 2), bob.email: (1, 0), "badger": (0, 0)}
    for words, (of_member, of_guest) in {**found, str(shared.second.pk): (0, 1)}.items():
        page = shown(client, words)
        assert (page.count("Redder"), page.count("A guest says this")) == (of_member, of_guest)
    comment = Comment.objects.get(user=bob)
    assert client.get(reverse("admin:sharing_comment_change", args=[comment.pk])).status_code == 200


def test_text_about_private_work_is_neither_shown_nor_searched(shared: Shared, mo: User) -> None:
    Generation.objects.update(is_private=True)
    client = signed_in(mo)
    change = reverse("admin:sharing_comment_change", args=[shared.comments[shared.first.pk].pk])

    assert "A guest says" not in shown(client) + client.get(change).content.decode()
    assert "Gwen" not in shown(client, "guest says")
    assert "Gwen" in shown(client, "Gwen")


def test_moderator_removes_a_comment_from_every_page_and_the_log_says_so(
    shared: Shared, bob: User, mona: User, mo: User
) -> None:
    comment = shared.comments[shared.first.pk]
    values = {"action": "remove", "_selected_action": [str(comment.pk)]}
    signed_in(mona).post(LIST, values)  # she only looks
    assert not Comment.objects.filter(deleted_at__isnull=False).exists()

    answer = signed_in(mo).post(LIST, values, follow=True)

    assert "1 removed." in answer.content.decode()
    assert "Removed by" in shown(signed_in(mo))
    kept = Comment.objects.get(pk=comment.pk)
    assert (bool(kept.deleted_at), kept.hidden_by) == (True, mo)
    assert LogEntry.objects.get(object_id=str(comment.pk)).user == mo
    for client, path in (
        (shared.client, shared.path("share-video")),
        (signed_in(bob), f"/generations/{shared.first.pk}/review/"),
    ):
        assert b"A guest says this" not in client.get(path).content
    assert Comment.objects.get(deleted_at=None).generation == shared.second
    signed_in(mo).post(LIST, values)  # once more
    assert LogEntry.objects.count() == 1


def test_queries_do_not_grow_with_the_comments(shared: Shared, bob: User, mo: User) -> None:
    client = signed_in(mo)
    shown(client)
    counts = []
    for number in range(2):
        with CaptureQueriesContext(connection) as captured:
            shown(client)
        counts.append(len(captured))
        for _ in range(3):
            review.add_comment(shared.second, Reviewer(bob), {"text": f"Said {number}"}, None)
    assert counts[0] == counts[1]
