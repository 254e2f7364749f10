"""Decisions and what follows from them: at every address, in the bucket, at fal, for people; decided once."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO

import httpx
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone
from PIL import Image, ImageDraw
from pytest_django import Settings

from accounts.models import Membership, Team, User
from generations import bucket
from generations.billing.usage import Month, usage
from generations.exceptions import OrderRefusedError
from generations.fal.arguments import Endpoint, parse
from generations.models import (
    Appeal,
    BannedFile,
    Case,
    Cause,
    Decision,
    DecisionKind,
    Generation,
    PromptRule,
    Report,
    Status,
    StorageDeletion,
)
from generations.moderation import bulk, image_hash, quarantine
from generations.moderation.cases import mark_viewed, next_case, open_case
from generations.moderation.decisions import (
    AlreadyDecidedError,
    DecisionError,
    appeal,
    decide,
    kinds_for,
    lift_suspension,
    suspend,
    warn,
)
from generations.moderation.policy_audit import violations
from generations.moderation.retention import purge_evidence
from generations.notifications import send_notifications
from generations.orders.place import Order, place_batch, save_upload
from generations.pictures import read
from generations.storage.cleanup import remove_objects
from tests.cast import make_generation, make_video, picture, signed_in
from tests.generations.pipeline.driven import drive_to_the_end
from tests.sandbox_process import Sandbox

Mails = list[EmailMessage]


def addresses(row: Generation) -> list[str]:
    names = ("", "video", "poster", "preview", "download", "input/start", "panel", "card")
    return [f"/generations/{row.pk}/{name}" for name in names]


def answers(person: User, row: Generation) -> set[int]:
    client = signed_in(person)
    return {client.get(address).status_code for address in addresses(row)}


# --- take down and restore --------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)  # what follows a decision waits for its commit
@pytest.mark.parametrize("delivery", ["proxy", "redirect"])
def test_take_down_works_at_every_address_and_restore_brings_all_back(
    settings: Settings, sandbox: Sandbox, case: Case, row: Generation, alice: User, bob: User, mo: User, delivery: str
) -> None:
    settings.MEDIA_DELIVERY = delivery
    handed_out = {key: bucket.presigned_url(key, seconds=300) for key in row.own_keys() if bucket.size_or_none(key)}
    assert len(handed_out) == 4
    assert {httpx.get(address).status_code for address in handed_out.values()} == {200}
    assert answers(alice, row) <= {200, 302}

    decide(case, DecisionKind.TAKE_DOWN, mo, "Not here")
    assert answers(alice, row) == {404}
    assert answers(bob, row) == {404, 410}
    assert {httpx.get(address).status_code for address in handed_out.values()} == {404}
    for person in (alice, bob):
        assert str(row.pk) not in signed_in(person).get("/").content.decode()
        zipped = signed_in(person).post("/generations/archive", {"ids": str(row.pk)})
        assert zipped.status_code == 404
    assert usage(row.team, Month.now()).total.cents == 35, "the ledger stays true"

    decide(open_case(row, Cause.REPORT), DecisionKind.RESTORE, mo, "After all")
    assert answers(alice, row) <= {200, 302}
    assert {httpx.get(address).status_code for address in handed_out.values()} == {200}
    assert not BannedFile.objects.exists()


def test_fals_copy_is_deleted(sandbox: Sandbox, film: Team, bob: User, mo: User) -> None:
    row = drive_to_the_end(make_generation(bob, film))
    assert httpx.get(row.source_url).status_code == 200
    decide(open_case(row, Cause.REPORT), DecisionKind.TAKE_DOWN, mo, "Not here")
    quarantine.move_pending()

    assert httpx.get(row.source_url).status_code == 404
    row.refresh_from_db()
    assert row.fal_copy_deleted_at
    quarantine.move_pending()


def test_bucket_that_is_away_delays_the_move_and_nothing_else(
    settings: Settings, case: Case, row: Generation, alice: User, mo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise bucket.BucketDownError("away")

    with monkeypatch.context() as broken:
        broken.setattr(bucket, "copy", away)
        decide(case, DecisionKind.TAKE_DOWN, mo, "Not here")
    row.refresh_from_db()
    assert row.taken_down_at
    assert not row.quarantined_at
    assert answers(alice, row) == {404}
    quarantine.move_objects(row.pk)
    row.refresh_from_db()
    assert row.quarantined_at
    assert bucket.size_or_none(row.video_key) is None


@pytest.mark.django_db(transaction=True)  # what follows a decision waits for its commit
def test_move_that_was_cut_short_is_finished(case: Case, row: Generation, mo: User) -> None:
    bucket.copy(row.video_key, f"quarantine/{row.video_key}")  # as one killed before it deleted
    bucket.copy(row.poster_key, f"quarantine/{row.poster_key}")
    bucket.delete(row.poster_key)  # as one killed after
    decide(case, DecisionKind.TAKE_DOWN, mo, "Not here")

    keys = [key for key in row.own_keys() if bucket.size_or_none(f"quarantine/{key}") is not None]
    assert len(keys) == 4
    assert all(bucket.size_or_none(key) is None for key in row.own_keys())


def test_deleting_what_was_taken_down_empties_the_quarantine(case: Case, row: Generation, mo: User) -> None:
    decide(case, DecisionKind.TAKE_DOWN, mo, "Not here")
    row.refresh_from_db()
    row.delete_permanently(mo)
    remove_objects()

    assert all(bucket.size_or_none(f"quarantine/{key}") is None for key in row.own_keys())
    assert not StorageDeletion.objects.exists()


def test_evidence_is_purged_after_its_time_unless_it_is_before_a_moderator(
    settings: Settings, case: Case, row: Generation, bob: User, mo: User
) -> None:
    decide(case, DecisionKind.TAKE_DOWN, mo, "Not here")
    assert purge_evidence() == 0
    old = timezone.now() - timedelta(days=settings.EVIDENCE_DAYS + 1)
    Generation.objects.filter(pk=row.pk).update(taken_down_at=old)
    row.refresh_from_db()
    appeal(row, bob, "It is a fox")
    assert purge_evidence() == 0
    decide(Case.objects.open().get(), DecisionKind.REJECT, mo, "It stays so")
    assert purge_evidence() == 1
    row.refresh_from_db()
    assert row.deleted_at
    assert BannedFile.objects.exists(), "the hash stays"


# --- files that may not come back -------------------------------------------------------------------------------------


def test_same_video_that_comes_again_is_out_of_sight_from_its_first_moment(
    sandbox: Sandbox, film: Team, alice: User, bob: User, mo: User
) -> None:
    first = drive_to_the_end(make_generation(bob, film))
    decide(open_case(first, Cause.REPORT), DecisionKind.TAKE_DOWN, mo, "Not here")
    again = drive_to_the_end(make_generation(bob, film, prompt=first.prompt))
    if again.video.sha256 != first.video.sha256:
        pytest.fail("the sandbox should have rendered the same bytes")

    assert again.status == Status.DONE
    assert again.taken_down_at
    assert answers(alice, again) == {404}
    assert Case.objects.open().get().causes == ["banned"]
    page = signed_in(bob).get(again.get_absolute_url())
    assert page.status_code == 410
    assert "had been banned before" in page.content.decode()
    decide(Case.objects.open().get(), DecisionKind.RESTORE, mo, "It is another one")
    assert signed_in(alice).get(again.get_absolute_url()).status_code == 200
    assert not BannedFile.objects.exists()


def test_banned_picture_is_refused_also_when_it_was_changed_a_little(bob: User, mo: User, case: Case) -> None:
    def drawn(size: tuple[int, int], quality: int, shift: int = 0) -> bytes:
        image = Image.linear_gradient("L").rotate(90 * shift).resize((600, 400)).convert("RGB")
        draw = ImageDraw.Draw(image)
        draw.ellipse((100 + 150 * shift, 80, 300 + 150 * shift, 300), fill=(200, 40, 40))
        draw.rectangle((350, 200 - 150 * shift, 550, 380 - 150 * shift), fill=(20, 90, 200))
        out = BytesIO()
        image.resize(size).save(out, "JPEG", quality=quality)
        return out.getvalue()

    kept = save_upload(bob, read("image", drawn((600, 400), 95)))
    BannedFile.objects.create(
        sha256=kept.sha256, perceptual_hash=image_hash.hash_image(drawn((600, 400), 95)), reason="No"
    )
    for same in (drawn((600, 400), 95), drawn((600, 400), 60), drawn((900, 600), 90), drawn((450, 300), 80)):
        with pytest.raises(OrderRefusedError, match="may not be used here"):
            save_upload(bob, read("image", same))
    save_upload(bob, read("image", drawn((600, 400), 95, shift=1)))
    save_upload(bob, read("image", picture(color="white")))  # a plain one looks like nothing


def test_picture_that_was_kept_before_its_ban_is_refused_at_the_order(film: Team, bob: User) -> None:
    kept = save_upload(bob, read("image", picture()))
    BannedFile.objects.create(sha256=kept.sha256, reason="No")
    data = {
        "idempotency_key": str(uuid.uuid4()),
        "kind": "image",
        "team": "film",
        "prompt": "A fox",
        "duration": "5",
        "cfg_scale": "0.5",
        "variations": "1",
        "start_upload": str(kept.pk),
    }
    answer = signed_in(bob).post("/generations/new/", data)

    assert answer.status_code == 422
    assert "may not be used here any more" in answer.content.decode()
    upload = signed_in(bob).post("/uploads/", {"picture": _file(picture())})
    assert upload.status_code == 422
    assert "may not be used here" in upload.json()["errors"][0]


def _file(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.png", data)


# --- one decision -----------------------------------------------------------------------------------------------------


def test_second_moderator_is_told_who_decided_what(case: Case, mo: User, max_: User) -> None:
    decide(case, DecisionKind.APPROVE, mo)
    with pytest.raises(AlreadyDecidedError, match="Mo has decided it meanwhile: Approve"):
        decide(case, DecisionKind.TAKE_DOWN, max_, "Too late")
    assert Decision.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_decision(case: Case, mo: User, max_: User) -> None:
    def say(by: User) -> str:
        try:
            return decide(case, DecisionKind.TAKE_DOWN, by, "Not here").kind
        except AlreadyDecidedError:
            return "late"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(say, [mo, max_])) == ["late", "take_down"]
    assert Decision.objects.count() == 1


def test_nobody_decides_on_their_own_work(film: Team, mo: User, max_: User) -> None:
    Membership.objects.create(team=film, user=mo)
    own = make_generation(mo, film, Status.DONE)
    make_video(own)
    case = open_case(own, Cause.REPORT)
    with pytest.raises(DecisionError, match="your own work"):
        decide(case, DecisionKind.APPROVE, mo)
    assert next_case(mo) is None
    decide(case, DecisionKind.APPROVE, max_)


@pytest.mark.parametrize("who", ["alice", "mona", "bob"])
def test_only_moderators_decide(case: Case, alice: User, bob: User, mona: User, who: str) -> None:
    person = {"alice": alice, "bob": bob, "mona": mona}[who]
    with pytest.raises(PermissionDenied):
        decide(case, DecisionKind.TAKE_DOWN, person, "x")
    with pytest.raises(PermissionDenied):
        suspend(bob, person, "x", timezone.now())
    assert case.generation.taken_down_at is None


@pytest.mark.parametrize(
    ("columns", "verbs"),
    [
        ({"status": Status.DONE}, ["approve", "take_down"]),
        ({"status": Status.DONE, "awaits_review": True}, ["approve", "reject"]),
        ({"status": Status.DONE, "taken_down_at": True}, ["restore", "reject"]),
        ({"status": Status.HELD}, ["approve", "reject"]),
        ({"status": Status.RENDERING}, ["approve", "reject"]),
        ({"status": Status.CANCELED}, ["approve"]),
    ],
)
def test_verbs_are_those_that_make_sense(film: Team, bob: User, columns: dict[str, object], verbs: list[str]) -> None:
    if columns.get("taken_down_at"):
        columns["taken_down_at"] = timezone.now()
    row = make_generation(bob, film, **columns)  # type: ignore[arg-type]
    assert kinds_for(row) == verbs


def test_removal_needs_a_reason_and_what_does_not_fit_is_refused(case: Case, mo: User) -> None:
    with pytest.raises(DecisionError, match="Say why"):
        decide(case, DecisionKind.TAKE_DOWN, mo, "")
    with pytest.raises(DecisionError, match="can’t be done"):
        decide(case, DecisionKind.RESTORE, mo, "x")
    case.refresh_from_db()
    assert case.is_open
    assert not Decision.objects.exists()


def test_soft_lock_tells_and_keeps_nobody_out(case: Case, mo: User, max_: User) -> None:
    assert mark_viewed(case, mo) is None
    case.refresh_from_db()
    assert mark_viewed(case, max_) == mo
    assert next_case(max_) is None
    assert next_case(mo) == case
    Case.objects.update(viewed_at=timezone.now() - timedelta(minutes=6))
    assert next_case(max_) == case


# --- held, reviewed, running ------------------------------------------------------------------------------------------


def order(user: User, team: Team, prompt: str) -> Generation:
    arguments = parse(Endpoint.TEXT_TO_VIDEO, {"prompt": prompt, "duration": 5, "aspect_ratio": "1:1"})
    key = uuid.uuid4()
    return place_batch(
        [
            Order(
                user=user,
                team=team,
                idempotency_key=key,
                endpoint=Endpoint.TEXT_TO_VIDEO,
                arguments=arguments,
                pictures={},
            )
        ]
    )[0]


def test_held_prompt_that_is_approved_becomes_a_video(sandbox: Sandbox, film: Team, bob: User, mo: User) -> None:
    PromptRule.objects.create(text="sword", action=PromptRule.Action.HOLD)
    row = order(bob, film, "A fox with a sword")
    assert decide(Case.objects.get(), DecisionKind.APPROVE, mo, "It is a toy").rule == PromptRule.objects.get()
    row.refresh_from_db()
    assert row.status == Status.QUEUED
    assert drive_to_the_end(row).status == Status.DONE
    assert list(violations()) == []


def test_held_prompt_that_is_rejected_costs_nothing_and_says_why(
    film: Team, bob: User, mo: User, mailoutbox: Mails
) -> None:
    PromptRule.objects.create(text="sword", action=PromptRule.Action.HOLD)
    row = order(bob, film, "A fox with a sword")
    decide(Case.objects.get(), DecisionKind.REJECT, mo, "No weapons here")
    row.refresh_from_db()

    assert (row.status, row.cost_cents, row.message) == (Status.REJECTED, 0, "No weapons here")
    assert "No weapons here" in signed_in(bob).get(row.get_absolute_url()).content.decode()
    assert list(violations()) == []


def test_hold_by_a_rule_and_by_an_amount_need_both(film: Team, alice: User, bob: User, mo: User) -> None:
    Team.objects.filter(pk=film.pk).update(approval_above_cents=10)
    PromptRule.objects.create(text="sword", action=PromptRule.Action.HOLD)
    row = order(bob, film, "A fox with a sword")
    decide(Case.objects.get(), DecisionKind.APPROVE, mo)
    row.refresh_from_db()
    assert row.status == Status.HELD
    signed_in(alice).post("/teams/film/approvals", {"approval": row.pk, "verb": "approve"})
    row.refresh_from_db()
    assert row.status == Status.QUEUED


@pytest.mark.parametrize(
    ("site", "team", "waits"), [("before", "", True), ("after", "before", True), ("before", "after", False)]
)
def test_review_before_others_see_it(
    settings: Settings,
    sandbox: Sandbox,
    film: Team,
    alice: User,
    bob: User,
    mo: User,
    site: str,
    team: str,
    waits: bool,
) -> None:
    settings.REVIEW = site
    Team.objects.filter(pk=film.pk).update(review=team)
    film.refresh_from_db()
    row = drive_to_the_end(order(bob, film, "A fox"))

    assert signed_in(bob).get(row.get_absolute_url()).status_code == 200
    assert signed_in(alice).get(row.get_absolute_url()).status_code == (404 if waits else 200)
    if not waits:
        assert not Case.objects.exists()
        return
    assert (
        "Only you see it until a moderator approves it" in signed_in(bob).get(row.get_absolute_url()).content.decode()
    )
    assert Case.objects.get().causes == ["review"]
    decide(Case.objects.get(), DecisionKind.APPROVE, mo)
    assert signed_in(alice).get(row.get_absolute_url()).status_code == 200
    assert list(violations()) == []


def test_team_of_one_awaits_nobody(settings: Settings, bob: User) -> None:
    settings.REVIEW = "before"
    assert not order(bob, bob.personal_team, "A fox").awaits_review


def test_rejecting_what_runs_cancels_it_and_hides_what_comes_anyway(
    film: Team, alice: User, bob: User, mo: User
) -> None:
    row = make_generation(bob, film, Status.RENDERING)
    decide(open_case(row, Cause.FLAG), DecisionKind.REJECT, mo, "No")
    row.refresh_from_db()
    assert (row.status, row.awaits_review) == (Status.CANCELLING, True)
    assert signed_in(alice).get(row.get_absolute_url()).status_code == 404


# --- reports and appeals ----------------------------------------------------------------------------------------------


def report(person: User, row: Generation, **values: str) -> int:
    data = {"reason": "violence", "note": "There is blood", **values}
    return signed_in(person).post(f"/generations/{row.pk}/report", data).status_code


@pytest.mark.django_db(transaction=True)  # what follows a decision waits for its commit
def test_report_is_one_a_person_and_its_outcome_is_told(
    row: Generation, alice: User, bob: User, victor: User, mo: User, mailoutbox: Mails
) -> None:
    assert report(victor, row) == 302
    assert report(victor, row, note="Much blood") == 302
    assert report(alice, row) == 302
    assert Report.objects.count() == 2
    assert Report.objects.get(reporter=victor).note == "Much blood"
    assert Case.objects.get().causes == ["report"]
    decide(Case.objects.get(), DecisionKind.TAKE_DOWN, mo, "No gore")
    send_notifications()

    told = {mail.to[0]: mail for mail in mailoutbox if "report" in mail.subject or mail.to == ["bob@example.com"]}
    assert set(told) == {"bob@example.com", "victor@example.com", "alice@example.com"}
    assert "No gore" in str(told["bob@example.com"].body)
    assert "removed it" in str(told["victor@example.com"].body)
    assert "No gore" not in str(told["victor@example.com"].body)
    assert Report.objects.filter(closed_by=None).count() == 0
    assert not Report.objects.filter(notified_at=None).exists()


def test_report_that_is_wrong_loses_nothing(row: Generation, victor: User, bob: User, mallory: User) -> None:
    answer = signed_in(victor).post(f"/generations/{row.pk}/report", {"note": "Typed with care"})
    assert answer.status_code == 422
    assert "Typed with care" in answer.content.decode()
    assert report(bob, row) == 403
    assert report(mallory, row) == 404
    assert not Case.objects.exists()


def test_owner_reads_why_answers_once_and_another_moderator_looks(
    case: Case, row: Generation, alice: User, bob: User, mo: User, max_: User, mailoutbox: Mails
) -> None:
    decide(case, DecisionKind.TAKE_DOWN, mo, "Somebody else’s work")
    page = signed_in(bob).get(row.get_absolute_url())
    assert page.status_code == 410
    assert "Somebody else’s work" in page.content.decode()
    empty = signed_in(bob).post(f"/generations/{row.pk}/appeal", {"text": " "})
    assert empty.status_code == 422
    assert signed_in(bob).post(f"/generations/{row.pk}/appeal", {"text": "I drew it"}).status_code == 302
    assert signed_in(bob).post(f"/generations/{row.pk}/appeal", {"text": "Again"}).status_code == 302
    assert signed_in(alice).post(f"/generations/{row.pk}/appeal", {"text": "x"}).status_code == 404

    assert Appeal.objects.get().text == "I drew it"
    opened = Case.objects.open().get()
    assert (opened.causes, opened.excluded_moderator) == (["appeal"], mo)
    other = open_case(make_generation(bob, row.team, Status.CANCELED), Cause.FLAG)
    assert next_case(mo) == other, "mo's own decision is rather for max"
    assert next_case(max_) == opened
    decide(opened, DecisionKind.RESTORE, max_, "You did")
    assert signed_in(bob).get(row.get_absolute_url()).status_code == 200

    decide(open_case(row, Cause.REPORT), DecisionKind.TAKE_DOWN, mo, "Once more")
    assert "Is this wrong?" in signed_in(bob).get(row.get_absolute_url()).content.decode(), "each removal has an answer"
    appeal(row, bob, "I did draw it")
    decide(Case.objects.open().get(generation=row), DecisionKind.REJECT, max_, "It stays removed")
    shown = signed_in(bob).get(row.get_absolute_url()).content.decode()
    assert "It was looked at again, and stays removed." in shown
    with pytest.raises(DecisionError, match="answered already"):
        appeal(row, bob, "Please")


# --- people -----------------------------------------------------------------------------------------------------------


def test_suspended_person_is_shut_out_reads_why_and_loses_nothing(
    sandbox: Sandbox, film: Team, alice: User, bob: User, mo: User, mailoutbox: Mails
) -> None:
    row = order(bob, film, "A fox")
    client = signed_in(bob)
    suspend(bob, mo, "Three warnings", timezone.now() + timedelta(days=3))

    for address in (
        "/",
        "/generations/new/",
        row.get_absolute_url(),
        "/teams/film/",
        "/events?since=0",
        "/accounts/settings/",
    ):
        assert client.get(address).status_code == 403, address
    assert "Three warnings" in client.get("/").content.decode()
    row.refresh_from_db()
    assert drive_to_the_end(row).status == Status.DONE
    assert signed_in(alice).get(row.get_absolute_url()).status_code == 404, "made, and not shown"
    assert Case.objects.get().causes == ["review"]
    assert list(violations()) == []
    lift_suspension(bob, mo)
    assert client.get("/").status_code == 200
    assert client.get(row.get_absolute_url()).status_code == 200


def test_suspension_ends_by_itself(bob: User, mo: User) -> None:
    suspend(bob, mo, "x", timezone.now() + timedelta(days=1))
    User.objects.filter(pk=bob.pk).update(suspended_until=timezone.now() - timedelta(seconds=1))
    assert signed_in(bob).get("/").status_code == 200


def test_warning_is_told_and_written_down(
    bob: User, mo: User, mailoutbox: Mails, django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        warn(bob, mo, "Please read the rules")
    assert "Please read the rules" in str(mailoutbox[0].body)
    assert Decision.objects.get().kind == "warn"


def test_nobody_suspends_themselves_or_a_superuser(bob: User, mo: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_superuser=True)
    bob.refresh_from_db()
    for person in (mo, bob):
        with pytest.raises(PermissionDenied):
            suspend(person, mo, "x", timezone.now())


# --- many at once -----------------------------------------------------------------------------------------------------


def test_bulk_is_resumed_where_it_was_and_skips_ones_own(
    film: Team, alice: User, bob: User, mo: User, max_: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Membership.objects.create(team=film, user=mo)
    cases = [open_case(make_generation(bob, film, Status.CANCELED), Cause.FLAG) for _ in range(45)]
    cases.append(open_case(make_generation(mo, film, Status.CANCELED), Cause.FLAG))
    begun = bulk.begin(cases, DecisionKind.APPROVE, mo, "")
    decide(cases[44], DecisionKind.APPROVE, max_)
    real, calls = bulk._decide, []

    def dies(case: Case, whole: object) -> bool:
        calls.append(case)
        if len(calls) == 30:
            raise RuntimeError("killed")
        return real(case, whole)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr(bulk, "_decide", dies)
        with pytest.raises(RuntimeError):
            bulk.resume()
    begun.refresh_from_db()
    assert (begun.decided, begun.left) == (29, 17), "the one that was interrupted is as if it was not begun"
    bulk.resume()
    begun.refresh_from_db()
    assert (begun.decided, begun.skipped, begun.left) == (44, 2, 0)
    assert Decision.objects.filter(by=mo).count() == 44
