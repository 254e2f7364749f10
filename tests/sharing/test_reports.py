"""Guests report a shared video; a take-down ends it for everybody."""

import pytest

from accounts.models import User
from generations.models import Case, DecisionKind, Notification, Report
from generations.moderation.decisions import decide
from generations.notifications import send_notifications
from tests.sharing.cast import Shared


def test_a_report_opens_a_case_that_names_the_link_and_a_take_down_ends_it(
    shared: Shared, alice: User, mo: User, mailoutbox: list[object]
) -> None:
    path = shared.path("share-report")
    answer = shared.client.post(path, {"reason": "person", "note": "That is my face."})
    assert b"A moderator looks at it" in answer.content

    report = Report.objects.get(generation=shared.first)
    assert (report.reporter, report.note) == (None, "That is my face.")
    assert report.reported_by == "guest of the share link “Teaser for Acme” of Bob"
    send_notifications()
    assert Notification.objects.filter(report=report, user=mo).exists()

    decide(Case.objects.get(generation=shared.first), DecisionKind.TAKE_DOWN, mo, "Not consented")

    assert shared.client.get(shared.path("share-file")).status_code == 410
    assert Report.objects.get(pk=report.pk).closed_by is not None


def test_one_link_fills_no_queue(shared: Shared) -> None:
    for _ in range(9):
        shared.client.post(shared.path("share-report"), {"reason": "other"})

    assert Report.objects.count() == 5
    assert Case.objects.count() == 1


@pytest.mark.parametrize("values", [{}, {"reason": "nonsense"}, {"reason": "other", "note": "x" * 1001}])
def test_a_bad_report_keeps_what_was_typed(shared: Shared, values: dict[str, str]) -> None:
    answer = shared.client.post(shared.path("share-report"), values)

    assert answer.status_code == 422
    assert values.get("note", "") in answer.content.decode()
    assert not Report.objects.exists()
