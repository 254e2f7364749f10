"""Moderators among themselves: notes that staff alone read, cases handed over, thumbnails, and the figures."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Team, User
from generations.models import Appeal, Case, CaseNote, Cause, Decision, DecisionKind, Generation, Status
from generations.moderation import dashboard
from generations.moderation.cases import next_case, open_case
from generations.moderation.decisions import decide
from generations.notifications import create_notifications, send_notifications
from generations.notifications.bell import lines
from tests.cast import make_generation, make_video, signed_in


def address(case: Case, what: str) -> str:
    return f"/admin/generations/case/{case.pk}/{what}/"


def test_case_is_handed_over_with_a_note_and_the_other_hears_of_it(
    case: Case, film: Team, bob: User, mo: User, max_: User
) -> None:
    other = open_case(make_generation(bob, film, Status.DONE), Cause.FLAG)
    answer = signed_in(mo).post(address(case, "hand-over"), {"to": max_.pk, "text": "You know Dutch"}, follow=True)

    assert "Handed over." in answer.content.decode()
    case.refresh_from_db()
    assert case.assigned_to == max_
    assert [next_case(mo), next_case(max_)] == [other, case]
    create_notifications()
    (line,) = lines(max_, 5)
    assert (line.text, line.detail, line.address) == (
        "Mo hands a case over to you",
        "You know Dutch",
        address(case, "change"),
    )
    assert lines(mo, 5) == []
    decide(case, DecisionKind.APPROVE, max_)
    assert lines(max_, 5) == []


def test_handing_over_is_mailed_to_who_wants_it(case: Case, mo: User, max_: User) -> None:
    User.objects.filter(pk=max_.pk).update(notification_settings={"report": {"email": True}})
    signed_in(mo).post(address(case, "hand-over"), {"to": max_.pk, "text": "You know Dutch"})
    send_notifications()

    (message,) = [one for one in mail.outbox if one.to == [max_.email]]
    assert message.subject == "Mo hands a case over to you"
    assert address(case, "change") in str(message.body)


@pytest.mark.parametrize(
    ("to", "text"), [("max", ""), ("mo", "x"), ("bob", "x"), ("", "x"), ("nobody", "x"), ("max", "x" * 2001)]
)
def test_what_can_not_be_handed_over_says_so_and_loses_nothing(
    case: Case, bob: User, mo: User, max_: User, to: str, text: str
) -> None:
    keys = {"max": max_.pk, "mo": mo.pk, "bob": bob.pk, "": "", "nobody": 99_999}
    answer = signed_in(mo).post(address(case, "hand-over"), {"to": keys[to], "text": text})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert f">{text[:2000]}</textarea>" in answer.content.decode()
    assert not CaseNote.objects.exists()
    assert not Case.objects.exclude(assigned_to=None).exists()


def test_closed_case_is_handed_to_nobody(case: Case, mo: User, max_: User) -> None:
    decide(case, DecisionKind.APPROVE, mo)

    assert signed_in(mo).post(address(case, "hand-over"), {"to": max_.pk, "text": "x"}).status_code == 422


def test_note_is_read_by_staff_alone(case: Case, row: Generation, bob: User, mo: User, mona: User) -> None:
    assert signed_in(mo).post(address(case, "note"), {"text": "I know this face"}).status_code == 302
    assert signed_in(mo).post(address(case, "note"), {"text": " "}).status_code == 422
    assert signed_in(mona).post(address(case, "note"), {"text": "x"}).status_code == 403
    assert "I know this face" in signed_in(mona).get(address(case, "change")).content.decode()

    decide(case, DecisionKind.TAKE_DOWN, mo, "No")
    send_notifications()
    owner = signed_in(bob)
    seen = [owner.get(page).content.decode() for page in (row.get_absolute_url(), "/notifications/")]
    assert not any("this face" in text for text in [*seen, *(str(one.message()) for one in mail.outbox)])


# --- thumbnails


LISTS = ["case", "decision", "report", "generation", "video"]


@pytest.mark.parametrize("model", LISTS)
def test_lists_show_a_small_picture_and_nothing_of_what_is_private(
    case: Case, row: Generation, bob: User, victor: User, mo: User, model: str
) -> None:
    root = User.objects.create_superuser("root@example.com", "x")
    row.reports.create(reporter=victor, reason="hate")
    Decision.objects.create(kind=DecisionKind.WARN, by=mo, why="x", person=bob, generation=row, case=case)
    source = f'src="/admin/generations/generation/{row.pk}/poster/"'
    client = signed_in(root)
    assert source in client.get(f"/admin/generations/{model}/").content.decode()
    Generation.objects.filter(pk=row.pk).update(is_private=True)

    page = client.get(f"/admin/generations/{model}/").content.decode()
    assert source not in page
    assert "A fox" not in page


def test_poster_is_for_staff_who_may_see_it_also_in_quarantine(
    case: Case, row: Generation, bob: User, mo: User
) -> None:
    poster = f"/admin/generations/generation/{row.pk}/poster/"
    nobody = User.objects.create_user("sue@example.com", is_staff=True)
    assert signed_in(mo).get(poster).status_code == 200
    assert [signed_in(one).get(poster).status_code for one in (bob, nobody)] == [302, 403]
    decide(case, DecisionKind.TAKE_DOWN, mo, "No")
    assert signed_in(mo).get(poster).status_code == 200
    Generation.objects.filter(pk=row.pk).update(is_private=True)

    assert signed_in(mo).get(poster).status_code == 404


def test_blur_is_each_moderators_own(case: Case, mo: User, max_: User) -> None:
    page = "/admin/generations/case/"
    client = signed_in(mo)
    assert " blur" in client.get(page).content.decode().split("<body", 1)[1].split(">", 1)[0]
    client.post(f"{page}blur/")

    assert [User.objects.get(pk=one.pk).blur_thumbnails for one in (mo, max_)] == [False, True]
    assert " blur" not in client.get(page).content.decode().split("<body", 1)[1].split(">", 1)[0]


def test_bulk_page_shows_what_is_decided(case: Case, row: Generation, mo: User) -> None:
    data = {"action": "decide_together", "_selected_action": [case.pk]}
    page = signed_in(mo).post("/admin/generations/case/", data).content.decode()

    assert f"/admin/generations/generation/{row.pk}/poster/" in page
    assert "A fox in the snow</a><br>Bob · Film" in page


# --- decisions


def test_decision_names_its_video(case: Case, row: Generation, bob: User, mo: User) -> None:
    decision = decide(case, DecisionKind.TAKE_DOWN, mo, "No")
    client = signed_in(mo)
    pages = ["/admin/generations/decision/", f"/admin/generations/decision/{decision.pk}/change/"]
    pages += [f"/admin/generations/decision/person/{bob.pk}/"]
    pages += [address(open_case(make_generation(bob, row.team, Status.DONE), Cause.FLAG), "change")]
    for page in pages:
        shown = client.get(page).content.decode()
        assert f'href="{address(case, "change")}"' in shown, page
        assert "Bob · Film" in shown, page
        assert "A fox in the snow" in shown, page


# --- figures


@pytest.mark.django_db
def test_figures_of_nothing() -> None:
    found = dashboard.figures()
    assert (found.median, found.decided, found.overturned_percent) == (None, 0, 0)


def test_median_and_overturned_appeals(film: Team, bob: User, mo: User, max_: User) -> None:
    now = timezone.now()
    for hours in (1, 2, 30):
        made = open_case(make_generation(bob, film, Status.DONE), Cause.FLAG)
        Case.objects.filter(pk=made.pk).update(opened_at=now - timedelta(hours=hours), closed_at=now)
    for kind in (DecisionKind.RESTORE, DecisionKind.REJECT, DecisionKind.REJECT):
        row = make_generation(bob, film, Status.DONE)
        make_video(row)
        removal = decide(open_case(row, Cause.REPORT), DecisionKind.TAKE_DOWN, mo, "x")
        Appeal.objects.create(decision=removal, by=bob, text="x")
        decide(open_case(row, Cause.APPEAL), kind, max_, "x")
    Case.objects.filter(causes__overlap=["appeal", "report"]).update(closed_at=now - timedelta(days=31))

    found = dashboard.figures()
    assert found.median == timedelta(hours=2)
    assert (found.decided, found.overturned, found.overturned_percent) == (3, 1, 33)
    page = signed_in(mo).get("/admin/").content.decode()
    assert "2 h (30 days)" in page
    assert "1 / 3, 33 %" in page
