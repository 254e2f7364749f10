"""The admin's pages for moderators: who gets them, what they show, how they decide, and that they stay quick."""

import csv
import re
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Impersonation, Team, User
from devserver.s3 import S3Address
from generations import bucket
from generations.models import (
    BannedFile,
    BulkDecision,
    Case,
    Cause,
    Decision,
    DecisionKind,
    Generation,
    PromptRule,
    Report,
    Status,
)
from generations.moderation import bulk
from generations.moderation.cases import open_case
from generations.moderation.decisions import decide
from tests.cast import make_generation, picture, signed_in
from tests.generations.mirror.conftest import bucket_at

Mails = list[EmailMessage]

PEOPLE = ("nobody", "bob", "alice", "stan", "mona", "mo")  # stan is staff without a permission, mona only looks
STRANGERS = (302, 302, 302)
# address under /admin/generations/, what is posted or None for a GET → the answers to PEOPLE
TABLE: dict[str, tuple[str, dict[str, Any] | None, tuple[int, ...]]] = {
    "queue": ("case/", None, (*STRANGERS, 403, 200, 200)),
    "case": ("case/{case}/change/", None, (*STRANGERS, 403, 200, 200)),
    "media": ("case/{case}/media/video/", None, (*STRANGERS, 403, 200, 200)),
    "next": ("case/next/", None, (*STRANGERS, 403, 403, 302)),
    "decide": ("case/{case}/decide/", {"verb": "take_down", "why": "x"}, (*STRANGERS, 403, 403, 302)),
    "look": ("case/{case}/look/", {"reason": "to see what it is"}, (*STRANGERS, 403, 403, 302)),
    "bulk": ("case/bulk/", {"verb": "approve"}, (*STRANGERS, 403, 403, 422)),
    "bulk progress": ("case/bulk/{bulk}/", None, (*STRANGERS, 403, 403, 200)),
    "log": ("decision/log.csv", None, (*STRANGERS, 403, 200, 200)),
    "person": ("decision/person/{bob}/", None, (*STRANGERS, 403, 403, 200)),
    "suspend": (
        "decision/person/{bob}/",
        {"verb": "suspend", "why": "x", "days": "3"},
        (*STRANGERS, 403, 403, 302),
    ),
    "rules": ("promptrule/", None, (*STRANGERS, 403, 200, 200)),
    "try": ("promptrule/try/", None, (*STRANGERS, 403, 200, 200)),
    "would catch": ("promptrule/would-catch/", None, (*STRANGERS, 403, 200, 200)),
    "new rule": ("promptrule/add/", None, (*STRANGERS, 403, 403, 200)),
    "ban": ("bannedfile/add/", None, (*STRANGERS, 403, 403, 200)),
    "reports": ("report/", None, (*STRANGERS, 403, 200, 200)),
    # no more than deciding takes
    "people": ("/admin/accounts/user/", None, (*STRANGERS, 403, 200, 403)),
    "prices": ("price/", None, (*STRANGERS, 403, 200, 403)),
    "generations": ("generation/", None, (*STRANGERS, 403, 200, 403)),
}


@pytest.fixture
def people(alice: User, bob: User, mona: User, mo: User) -> dict[str, Client]:
    stan = User.objects.create_user("stan@example.com", is_staff=True)
    mona.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    named = {"alice": alice, "bob": bob, "stan": stan, "mona": mona, "mo": mo}
    return {"nobody": Client()} | {name: signed_in(user) for name, user in named.items()}


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("name", TABLE)
def test_address_answers_each_person_as_the_table_says(
    people: dict[str, Client], case: Case, bob: User, mo: User, name: str, person: str
) -> None:
    address, data, expected = TABLE[name]
    begun = BulkDecision.objects.create(kind=DecisionKind.APPROVE, by=mo, cases=[], total=1)
    address = address.format(case=case.pk, bob=bob.pk, bulk=begun.pk)
    url = address if address.startswith("/") else f"/admin/generations/{address}"
    client = people[person]
    answer = client.get(url, follow=False) if data is None else client.post(url, data)

    assert answer.status_code == expected[PEOPLE.index(person)]
    if answer.status_code != 302 or person != "mo":
        assert not Decision.objects.exists(), "nobody else's decision counts"


def test_group_has_what_deciding_takes_and_nothing_more(mo: User) -> None:
    held = mo.get_all_permissions()
    assert "generations.moderate" in held
    assert not [name for name in held if name.startswith(("accounts.", "auth.", "sessions."))]
    assert not {name for name in held if "price" in name or name.endswith("_generation")}


# --- a case -----------------------------------------------------------------------------------------------------------


def test_case_shows_everything_and_a_decision_leads_on(case: Case, row: Generation, victor: User, mo: User) -> None:
    Report.objects.create(generation=row, reporter=victor, reason="hate", note="Look at the flag")
    make_generation(
        row.user, row.team, Status.FAILED, reason="content_policy_violation", responsible_party="user", cost_cents=0
    )
    other = open_case(make_generation(row.user, row.team, Status.CANCELED, prompt="The next one"), Cause.FLAG)
    client = signed_in(mo)
    page = client.get(f"/admin/generations/case/{case.pk}/change/").content.decode()

    for part in (row.prompt, "Look at the flag", "Hate or harassment", "Victor", "Bob", "<video", "media/start/"):
        assert part in page
    assert "<dt>Refused by fal</dt><dd>1</dd>" in page
    answer = client.post(
        f"/admin/generations/case/{case.pk}/decide/", {"verb": "take_down", "why": "A flag"}, follow=True
    )
    assert "Take down. Decision saved." in answer.content.decode()
    assert answer.redirect_chain[-1][0] == f"/admin/generations/case/{other.pk}/change/"
    again = client.get(f"/admin/generations/case/{case.pk}/change/").content.decode()
    assert "A flag" in again
    assert 'name="verb"' not in again
    video = client.get(f"/admin/generations/case/{case.pk}/media/video/")
    assert video.status_code == 200, "the evidence is there to be seen"


def test_reason_that_is_missing_is_asked_for_and_loses_nothing(case: Case, mo: User) -> None:
    client = signed_in(mo)
    answer = client.post(f"/admin/generations/case/{case.pk}/decide/", {"verb": "take_down", "why": " "})
    assert answer.status_code == 422
    assert "Say why" in answer.content.decode()
    answer = client.post(f"/admin/generations/case/{case.pk}/decide/", {"verb": "restore", "why": "Typed with care"})
    assert answer.status_code == 422
    assert "Typed with care" in answer.content.decode()
    assert not Decision.objects.exists()


def test_second_moderator_is_told(case: Case, mo: User, max_: User) -> None:
    first, second = signed_in(mo), signed_in(max_)
    first.get(f"/admin/generations/case/{case.pk}/change/")
    assert (
        "<strong>Mo</strong> has this open" in second.get(f"/admin/generations/case/{case.pk}/change/").content.decode()
    )
    first.post(f"/admin/generations/case/{case.pk}/decide/", {"verb": "approve"})
    late = second.post(f"/admin/generations/case/{case.pk}/decide/", {"verb": "take_down", "why": "x"}, follow=True)

    assert "Mo has decided it meanwhile" in late.content.decode()
    assert Decision.objects.get().kind == "approve"


def test_private_work_takes_a_reason_that_its_owner_reads(
    case: Case, row: Generation, mo: User, mailoutbox: Mails
) -> None:
    Generation.objects.filter(pk=row.pk).update(is_private=True, prompt="Nobody else reads this")
    client = signed_in(mo)
    address = f"/admin/generations/case/{case.pk}/"
    assert "Nobody else reads this" not in client.get(address + "change/").content.decode()
    assert "Nobody else reads this" not in client.get("/admin/generations/case/").content.decode()
    assert client.get(address + "media/video/").status_code == 403
    assert client.post(address + "look/", {"reason": "short"}).status_code == 422
    client.post(address + "look/", {"reason": "Reported for violence"})

    assert "Nobody else reads this" in client.get(address + "change/").content.decode()
    assert client.get(address + "media/video/").status_code == 200
    assert Impersonation.objects.get().reason == "Reported for violence"
    assert "Reported for violence" in str(mailoutbox[0].body)
    assert "Reported for violence" in signed_in(row.user).get("/accounts/impersonations/").content.decode()


# --- the queue --------------------------------------------------------------------------------------------------------


def many_cases(film: Team, bob: User, count: int) -> list[Case]:
    now = timezone.now()
    rows = Generation.objects.bulk_create(
        Generation(
            team=film, user=bob, endpoint="fal-ai/kling-video/v2.5-turbo/pro/text-to-video", prompt=f"Fox {number}",
            duration=5, aspect_ratio="1:1", cost_cents=0, status=Status.CANCELED, finished_at=now, due_at=None,
        )
        for number in range(count)
    )  # fmt: skip
    return Case.objects.bulk_create(Case(generation=row, causes=["flag"], opened_at=now) for row in rows)


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_queue_of_ten_thousand_opens_with_as_many_queries_as_one_of_ten(film: Team, bob: User, mo: User) -> None:
    client = signed_in(mo)
    many_cases(film, bob, 10)
    addresses = ("/admin/generations/case/", "/admin/generations/case/?cause=flag", "/admin/")
    few = [queries(client, address) for address in addresses]
    many_cases(film, bob, 9_990)

    assert [queries(client, address) for address in addresses] == few
    assert "10000" in client.get("/admin/generations/case/").content.decode().replace(",", "").replace("\xa0", "")


def test_five_hundred_are_decided_in_the_background_with_a_summary_first(film: Team, bob: User, mo: User) -> None:
    client, cases = signed_in(mo), many_cases(film, bob, 500)
    chosen = {"action": "decide_together", "select_across": "1", "_selected_action": [str(cases[0].pk)]}
    summary = client.post("/admin/generations/case/", chosen).content.decode()
    assert "Decide on 500 cases" in summary
    assert "Bob: 500" in summary
    assert not Decision.objects.exists()
    assert client.post("/admin/generations/case/bulk/", {"verb": "take_down", "why": ""}).status_code == 422
    begun = client.post("/admin/generations/case/bulk/", {"verb": "approve", "why": "All harmless"})

    page = client.get(begun.headers["Location"]).content.decode()
    assert re.search(r'<progress class="case__progress" max="500"\s+value="0"', page)
    assert 'http-equiv="refresh"' in page
    bulk.resume()
    page = client.get(begun.headers["Location"]).content.decode()
    assert "500 of 500 decided" in page
    assert 'http-equiv="refresh"' not in page
    assert Decision.objects.filter(by=mo, why="All harmless").count() == 500
    assert not Case.objects.open().exists()


# --- rules and files --------------------------------------------------------------------------------------------------


def test_rule_is_tried_saved_and_known_by_its_author(film: Team, bob: User, mo: User) -> None:
    make_generation(bob, film, Status.CANCELED, prompt="A fox with a sw0rd")
    make_generation(bob, film, Status.CANCELED, prompt="A fox with a flower")
    old = timezone.now() - timedelta(days=31)
    make_generation(bob, film, Status.CANCELED, prompt="An old sword", created_at=old)
    client = signed_in(mo)
    data = {"kind": "word", "text": "sword", "action": "hold", "message": "", "team": "", "is_active": "on"}
    page = client.post("/admin/generations/promptrule/would-catch/", data).content.decode()
    assert "would have caught 1 of 2 prompts" in page
    assert "A fox with a sw0rd" in page
    assert not PromptRule.objects.exists()

    client.post("/admin/generations/promptrule/add/", data)
    rule = PromptRule.objects.get()
    assert (rule.made_by, rule.action) == (mo, "hold")
    page = client.post("/admin/generations/promptrule/try/", {"prompt": "s w o r d s and a s.w.o.r.d"}).content.decode()
    assert "The strictest is: Hold" in page
    assert (
        "No rule is against it" in client.post("/admin/generations/promptrule/try/", {"prompt": "x"}).content.decode()
    )


@pytest.mark.parametrize("text", ["(", "(a+)+$"])
def test_bad_pattern_is_refused_beside_its_field(mo: User, text: str) -> None:
    data = {"kind": "pattern", "text": text, "action": "block", "message": "Typed with care", "team": ""}
    answer = signed_in(mo).post("/admin/generations/promptrule/add/", data)

    assert answer.status_code == 200
    page = answer.content.decode()
    assert "errorlist" in page
    assert "Typed with care" in page
    assert not PromptRule.objects.exists()


def test_picture_is_banned_by_its_upload_and_is_not_kept(mo: User) -> None:
    client = signed_in(mo)
    for _ in range(2):
        file = SimpleUploadedFile("a.png", picture())
        answer = client.post("/admin/generations/bannedfile/add/", {"reason": "A logo", "picture": file})
    assert "banned already" in answer.content.decode()
    found = BannedFile.objects.get()
    assert (found.reason, found.made_by, len(found.sha256)) == ("A logo", mo, 64)


# --- the first page and the log ---------------------------------------------------------------------------------------


def test_first_page_shows_what_waits_what_was_decided_and_how_the_studio_is(
    case: Case, row: Generation, mo: User, mona: User
) -> None:
    decide(open_case(make_generation(row.user, row.team, Status.CANCELED), Cause.FLAG), DecisionKind.APPROVE, mo)
    make_generation(
        row.user, row.team, Status.FAILED, reason="no_media_generated", responsible_party="user", cost_cents=0
    )
    page = signed_in(User.objects.create_superuser("root@example.com", "x")).get("/admin/").content.decode()

    for part in (
        "Waiting cases: 1",
        "reported,",
        "Approve: 1",
        "no_media_generated",
        "$0.70",
        "Workers",
        "Bucket",
    ):
        assert part in page, part
    mine = signed_in(mo).get("/admin/").content.decode()
    assert "Waiting cases: 1" in mine
    assert "Spent and held" not in mine


@pytest.mark.django_db
def test_first_page_tells_of_a_bucket_that_takes_no_videos(
    mona: User, s3: S3Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the way of copies: this key sees that the bucket is there, and may write nothing. Once a minute is enough."""
    cache.clear()
    client = bucket_at(s3, aws_secret_access_key="wrong").client
    asked = Mock(return_value=client)
    monkeypatch.setattr(bucket, "client", asked)
    pages = [signed_in(mona).get("/admin/").content.decode() for _ in range(2)]

    for page in pages:
        assert "The bucket takes no videos, so none comes home: PUT: " in page
        assert page.count("AWS_SECRET_ACCESS_KEY doesn&#x27;t belong to the key") == 2, "the alarm, and the overview"
    asked.reset_mock()
    signed_in(mona).get("/admin/")
    asked.assert_not_called()


def test_log_is_a_table_that_computes_nothing(case: Case, mo: User) -> None:
    decide(case, DecisionKind.TAKE_DOWN, mo, "=HYPERLINK(1)")
    answer = signed_in(mo).get("/admin/generations/decision/log.csv")
    rows = list(csv.DictReader(b"".join(answer).decode("utf-8-sig").splitlines()))

    assert [(row["kind"], row["by"], row["person"], row["why"]) for row in rows] == [
        ("take_down", "mo@example.com", "bob@example.com", "'=HYPERLINK(1)")
    ]


def test_person_page_warns_suspends_and_lifts(bob: User, mo: User) -> None:
    client, address = signed_in(mo), f"/admin/generations/decision/person/{bob.pk}/"
    assert client.post(address, {"verb": "suspend", "why": "", "days": ""}).status_code == 422
    client.post(address, {"verb": "warn", "why": "Read the rules"})
    client.post(address, {"verb": "suspend", "why": "Once more", "days": "3"})
    bob.refresh_from_db()
    assert bob.is_suspended
    assert signed_in(bob).get("/").status_code == 403
    client.post(address, {"verb": "lift", "why": ""})
    assert signed_in(bob).get("/").status_code == 200
    page = client.get(address).content.decode()
    for part in ("Warn", "Read the rules", "Suspend", "Once more", "Lift"):
        assert part in page
