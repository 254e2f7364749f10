"""A word of a private prompt is on no staff page before a look, and then on its case's alone, for an hour."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.mail import EmailMultiAlternatives
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from generations.fal.arguments import Endpoint
from generations.models import Case, Cause, Event, Flag, Generation, Hold, PrivateAccess, PromptRule, Status
from generations.moderation.cases import open_case
from generations.notifications import send_notifications
from tests.cast import make_generation, make_input_picture, make_video, signed_in
from tests.security.addresses import every_address

MARKER: Final = "xylophonist"
_CHOICES: Final = re.compile(r'<a href="(\?[^"]+)"')


@pytest.fixture
def mo(db: None) -> User:
    """Staff with every permission, as a moderator has a part of them."""
    mo = User.objects.create_user("mo@example.com", is_staff=True)
    mo.user_permissions.set(Permission.objects.all())
    return mo


@pytest.fixture
def staff(mo: User) -> Client:
    """A superuser: nobody sees more."""
    User.objects.filter(pk=mo.pk).update(is_superuser=True)
    return signed_in(User.objects.get(pk=mo.pk))


@pytest.fixture
def rows(film: Team, bob: User) -> list[Generation]:
    """Private ones of bob's, with the marker wherever words of a prompt can come to lie."""
    rows = [
        _marked(bob, film, Status.DONE, source_url=f"https://fal.media/files/{MARKER}.mp4"),
        _marked(
            bob,
            film,
            Status.FAILED,
            message=f"fal refused “{MARKER}”",
            provider_message=MARKER,
            reason="x",
            responsible_party="us",
        ),
        _marked(bob, film, Status.RENDERING, endpoint=Endpoint.IMAGE_TO_VIDEO, aspect_ratio=""),
        _marked(bob, film, Status.SUBMITTING, needs_attention_since=timezone.now(), message=f"Unknown: {MARKER}"),
        _marked(bob, film, Status.HELD),
    ]
    video = make_video(rows[0])
    video.placeholder = f"data:image/webp;base64,{MARKER}"
    video.save(update_fields=["placeholder"])
    picture = make_input_picture(rows[2])
    picture.fal_url = f"https://fal.media/files/{MARKER}.png"
    picture.save(update_fields=["fal_url"])
    return rows


def _marked(bob: User, film: Team, status: Status, **columns: Any) -> Generation:
    words = {"prompt": f"A {MARKER} in the snow", "negative_prompt": f"No {MARKER}", "logs": [{"message": MARKER}]}
    row = make_generation(bob, film, status, is_private=True, **words, **columns)
    rule, _ = PromptRule.objects.get_or_create(text="x.l", kind="pattern", action="flag", message="Mind your words")
    Flag.objects.create(generation=row, rule=rule, matched_text=MARKER)
    Hold.objects.create(generation=row, kind=Hold.Kind.RULE, rule=rule, reason=f"It says “{MARKER}”")
    Event.objects.create(generation=row, status=status, message=f"It says “{MARKER}”")
    open_case(row, Cause.FLAG)
    return row


def models_of_ours() -> list[type[models.Model]]:
    return [model for model in admin.site._registry if model._meta.app_label in {"accounts", "generations"}]


def lists() -> Iterator[str]:
    for model in models_of_ours():
        yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def pages_of_rows() -> Iterator[str]:
    for model in models_of_ours():
        for pk in model._default_manager.order_by("pk").values_list("pk", flat=True)[:5]:
            for name in ("change", "history", "delete"):
                yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=[pk])


def pages_of_addresses(row: Generation, case: Case) -> Iterator[str]:
    """Every staff address of the resolver, with a private row and its case in the places of parameters."""
    zero = str(uuid.UUID(int=7))
    for address in every_address():
        if address.startswith("/admin/") and "/django_rq/" not in address and "logout" not in address:
            yield address.replace("/case/1/", f"/case/{case.pk}/").replace(zero, str(row.pk))
    for what in ("video", "poster", "start", "tail"):
        yield f"/admin/generations/case/{case.pk}/media/{what}/"


def text_of(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(content.decode(errors="replace"))


def check(answer: Any, address: str) -> str:
    text = text_of(answer)
    typed = address.count(MARKER)
    assert MARKER not in (text if not typed else re.sub(r"<(input|a|title|link)[^>]*>|“[^”]*”", "", text)), address
    return text


def test_marker_is_on_no_staff_page(staff: Client, rows: list[Generation]) -> None:
    case = Case.objects.get(generation=rows[0])
    staff.raise_request_exception = False
    seen = 0
    for address in [*pages_of_addresses(rows[0], case), *pages_of_rows(), *lists()]:
        answer = staff.get(address)
        assert answer.status_code < 500, address
        check(answer, address)
        seen += answer.status_code == 200
    assert seen > 100


def test_marker_is_in_no_filtered_or_ordered_list(staff: Client, rows: list[Generation]) -> None:
    for address in lists():
        page = text_of(staff.get(address))
        for query in {found.replace("&amp;", "&") for found in _CHOICES.findall(page)}:
            check(staff.get(address + query), address + query)


def test_no_search_tells_whether_it_is_there(staff: Client, rows: list[Generation], film: Team, alice: User) -> None:
    shown = make_generation(alice, film, Status.CANCELED, prompt="A rare okapi")
    for model in models_of_ours():
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for word in (MARKER[:4], f"snow {MARKER}"):
            answer: Any = staff.get(address, {"q": word, "state": "all"} if model is Case else {"q": word})
            check(answer, f"{address}?q={MARKER}")
            assert list(answer.context["cl"].result_list) == [], (address, word)
    answer = staff.get("/admin/generations/generation/", {"q": "okapi rare"})
    assert [row.pk for row in answer.context["cl"].result_list] == [shown.pk]


def lookups() -> Iterator[tuple[str, str]]:
    for model in models_of_ours():
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for path in ("prompt", "message", "provider_message", "words", "reason", "placeholder"):
            for before in ("", "generation__", "generations__"):
                yield address, before + path


def test_no_lookup_in_an_address_tells_it(staff: Client, rows: list[Generation]) -> None:
    """Two questions, one of which is right, get one answer."""
    staff.raise_request_exception = False
    for address, path in lookups():
        answers = []
        for word in (MARKER, "nosuchword"):
            answer: Any = staff.get(address, {f"{path}__icontains": word}, follow=True)
            assert answer.status_code < 500
            found = answer.context["cl"].result_count if answer.status_code == 200 and "cl" in answer.context else None
            answers.append((answer.status_code, found))
        assert answers[0] == answers[1], (address, path)


def test_no_action_shows_it(staff: Client, rows: list[Generation]) -> None:
    for model in models_of_ours():
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        keys = [str(pk) for pk in model._default_manager.values_list("pk", flat=True)]
        for action in ("delete_selected", "decide_together"):
            check(staff.post(address, {"action": action, "_selected_action": keys}), address)


def test_no_page_that_settles_shows_it_or_writes_it_down(staff: Client, rows: list[Generation]) -> None:
    for row in rows:
        address = f"/admin/generations/generation/{row.pk}/"
        for verb in ("give-up", "attach"):
            check(staff.post(f"{address}{verb}/", {"request_id": "abc"}, follow=True), address)
    assert not [entry for entry in LogEntry.objects.all() if MARKER in f"{entry.object_repr} {entry.change_message}"]


# --- looking back with a rule -----------------------------------------------------------------------------------------

LOOK_BACK: Final = "/admin/generations/promptrule/would-catch/"


@pytest.mark.parametrize("pattern", [MARKER, "x.lo", "^A xy", "(?i)XYLOPHON.*"])
def test_rule_that_looks_back_reads_no_private_prompt(staff: Client, rows: list[Generation], pattern: str) -> None:
    answers = []
    for text in (pattern, "nosuchword"):
        data = {"kind": "pattern", "text": text, "action": "hold", "message": "", "team": ""}
        answer = text_of(staff.post(LOOK_BACK, data)).replace(text, "")
        answers.append(re.sub('“.*?”|csrfmiddlewaretoken" value="[^"]*"', "", answer))
    assert answers[0] == answers[1]
    assert "would have caught 0 of" in answers[0]


def test_look_back_ends_in_time_and_says_so(
    staff: Client, film: Team, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each prompt takes the rule's whole time, were they not a clock that the test turns."""
    clock = iter(range(10_000))
    monkeypatch.setattr("generations.admin.rules.time.monotonic", lambda: float(next(clock)))
    for _ in range(30):
        make_generation(bob, film, Status.CANCELED)
    data = {"kind": "word", "text": "fox", "action": "hold", "message": "", "team": ""}
    page = text_of(staff.post(LOOK_BACK, data))
    assert "would have caught 4 of 4 prompts" in page
    assert "The rule is slow" in page


# --- the look ---------------------------------------------------------------------------------------------------------


def look(client: Client, case: Case, reason: str = "Reported for violence") -> int:
    return client.post(f"/admin/generations/case/{case.pk}/look/", {"reason": reason}).status_code


def page_of(client: Client, case: Case) -> str:
    return client.get(f"/admin/generations/case/{case.pk}/change/").content.decode()


def test_look_opens_one_case_for_one_person_for_an_hour(
    mo: User, rows: list[Generation], mailoutbox: list[EmailMultiAlternatives], db: None
) -> None:
    cases = [Case.objects.get(generation=row) for row in rows]
    client = signed_in(mo)
    assert look(client, cases[0]) == 302
    assert MARKER in page_of(client, cases[0])
    assert client.get(f"/admin/generations/case/{cases[0].pk}/media/video/").status_code == 200
    assert [mail.to for mail in mailoutbox] == [[rows[0].user.email]]
    assert "Reported for violence" in str(mailoutbox[0].body)

    for other in cases[1:]:
        assert MARKER not in page_of(client, other), "bound to one case"
    for address in [*pages_of_rows(), *lists()]:
        if not address.endswith(f"/case/{cases[0].pk}/change/"):
            check(client.get(address), address)
    max_ = User.objects.create_user("max@example.com", is_staff=True)
    max_.user_permissions.set(Permission.objects.all())
    assert MARKER not in page_of(signed_in(max_), cases[0]), "bound to one person"

    PrivateAccess.objects.update(at=timezone.now() - timedelta(minutes=59))
    assert MARKER in page_of(client, cases[0])
    PrivateAccess.objects.update(at=timezone.now() - timedelta(minutes=61))
    assert MARKER not in page_of(client, cases[0])
    assert client.get(f"/admin/generations/case/{cases[0].pk}/media/video/").status_code == 403


def test_later_case_of_the_same_video_needs_another_look(mo: User, rows: list[Generation]) -> None:
    client, first = signed_in(mo), Case.objects.get(generation=rows[0])
    look(client, first)
    Case.objects.filter(pk=first.pk).update(closed_at=timezone.now())
    assert MARKER not in page_of(client, open_case(rows[0], Cause.REPORT))


def test_who_keeps_it_now_gets_the_mail(
    mo: User, alice: User, rows: list[Generation], mailoutbox: list[EmailMultiAlternatives]
) -> None:
    Generation.objects.filter(pk=rows[0].pk).update(assigned_to=alice)
    look(signed_in(mo), Case.objects.get(generation=rows[0]))
    assert [mail.to for mail in mailoutbox] == [[alice.email]]


@pytest.mark.parametrize("reason", ["", "short", " " * 20])
def test_no_look_without_a_reason(mo: User, rows: list[Generation], reason: str) -> None:
    client, case = signed_in(mo), Case.objects.get(generation=rows[0])
    assert look(client, case, reason) == 422
    assert MARKER not in page_of(client, case)


def test_no_look_at_ones_own(mo: User, rows: list[Generation]) -> None:
    Generation.objects.filter(pk=rows[0].pk).update(assigned_to=mo)
    assert look(signed_in(mo), Case.objects.get(generation=rows[0])) == 403


# --- in the team ------------------------------------------------------------------------------------------------------


def test_whoever_says_yes_reads_no_private_prompt(
    film: Team, alice: User, bob: User, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    row = make_generation(bob, film, Status.HELD, is_private=True, prompt=f"A {MARKER}")
    Hold.objects.create(generation=row, kind=Hold.Kind.APPROVAL, reason="Above the amount")
    send_notifications()
    (mail,) = mailoutbox
    parts = [str(mail.subject), str(mail.body), *(str(part) for part in mail.alternatives)]
    assert MARKER not in "".join(parts)
    page = signed_in(alice).get("/teams/film/approvals").content.decode()
    assert MARKER not in page
    assert "(private)" in page
