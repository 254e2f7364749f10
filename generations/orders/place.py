"""Turn checked input into committed rows. Once its row is committed, a request is safe."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership, Team, User
from accounts.roles import Action
from generations import bucket
from generations.billing.budget import lock_budget, lock_projects, refuse_over_budget
from generations.bucket import BucketDownError
from generations.exceptions import EndpointUnavailableError, OrderRefusedError, QueuePausedError, RightsEndedError
from generations.fal.arguments import Arguments, Endpoint, TextToVideo
from generations.holds import build_approval_holds, put_on_hold
from generations.models import (
    Collection,
    EndpointSwitch,
    Event,
    Generation,
    Hold,
    InputPicture,
    Price,
    Relation,
    Shot,
    Slot,
    StorageDeletion,
    TeamPause,
    Upload,
)
from generations.moderation.screening import (
    ScreeningResult,
    refuse_banned,
    refuse_removed,
    refuse_removed_frames,
    screen,
)
from generations.orders.rate_limits import lock_order_rate, refuse_too_many
from generations.pictures import Picture

_COPIES_A_THREAD: Final = 16
_MAX_THREADS: Final = 16
Record = Callable[[list[Generation]], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asks for. The picture addresses in `arguments` stand in for `pictures` and are not used."""

    user: User
    team: Team
    idempotency_key: uuid.UUID
    endpoint: Endpoint
    arguments: Arguments
    pictures: dict[Slot, Upload]
    remix_of: Generation | None = None
    is_private: bool | None = None  # None: as is usual in the team
    project: Collection | None = None
    shot: Shot | None = None  # of which it is a take


def save_upload(user: User, picture: Picture) -> Upload:
    """Put a person's picture into the bucket, so that a form that comes back with errors need not ask for it again.

    One that is known is put at its own key once more: harmless, and it heals a bucket that has lost it. Raises
    BannedPictureError and BucketDownError.
    """
    refuse_banned(picture)
    known = Upload.objects.touch(user, sha256=picture.sha256)
    key = known.key if known else f"uploads/{user.pk}/{uuid.uuid4()}.{picture.extension}"
    bucket.put(key, picture.data, picture.media_type)
    changes = [*picture.changes]
    if known is None:
        return get_or_create_upload(
            user,
            key,
            sha256=picture.sha256,
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
            size=len(picture.data),
            changes=changes,
        )
    known.changes = changes  # the same may come of another file
    known.save(update_fields=["changes"])
    return known


def get_or_create_upload(user: User, key: str, *, sha256: str, **columns: Any) -> Upload:
    """The row of a picture that lies at `key` now, where it is a copy no row has yet."""
    upload, is_new = Upload.objects.get_or_create(user=user, sha256=sha256, defaults={"key": key, **columns})
    if not is_new:
        # the same picture was given twice at once, and the other one was first
        StorageDeletion.objects.enqueue([key])
    return upload


def place_order(order: Order) -> Generation:
    """The generation for an order; an order whose form key is known already gives the generation made then.

    Raises OrderRefusedError and BucketDownError, as all of these do; then nothing was made.
    """
    return place_batch([order])[0]


def place_batch(orders: Sequence[Order], *, waits: bool = False, record: Record | None = None) -> list[Generation]:
    """All generations of one press of the button, or none: one transaction, and one budget for their sum.

    The orders are one person's for one team, with one form key: the first row has it and the others have one drawn
    from it, so that the same press sent again finds the same rows. Where the team's queue is paused they are refused,
    or wait in it (`waits`). `record` is called with the rows at the end of their transaction; what it raises undoes it.
    """
    prices = {(order.endpoint, int(order.arguments.duration)) for order in orders}
    cents = {price: Price.objects.cents(*price) for price in prices}
    rows = [_new_generation(order, cents[order.endpoint, int(order.arguments.duration)]) for order in orders]
    _forget_unseen(orders[0].user, rows)
    if len(rows) > 1:
        batch = uuid.uuid5(orders[0].idempotency_key, f"batch of {orders[0].user.pk}")
        for index, row in enumerate(rows):
            row.idempotency_key, row.batch, row.batch_index = _key(row.idempotency_key, index), batch, index
    return _place(rows, [order.pictures for order in orders], waits=waits, record=record)


def place_retry(
    generation: Generation, by: User, idempotency_key: uuid.UUID, *, waits: bool = False, record: Record | None = None
) -> Generation:
    """Another try of one that ended without a video: the same request at today's price, with pictures of its own."""
    pictures = {Slot(picture.slot): picture for picture in generation.pictures.all()}
    # each picture knows one video of which it is a frame, and none from before migration 0033; its upload knows all
    hashes = {picture.sha256 for picture in pictures.values()}
    uploads = Upload.objects.filter(user=generation.user_id, sha256__in=hashes)
    refuse_removed_frames({pk for upload in uploads for pk in upload.video_ids})
    again = _build_retry(generation, by, idempotency_key)
    return _place([again], [pictures], waits=waits, record=record)[0]


def _key(idempotency_key: uuid.UUID, index: int) -> uuid.UUID:
    return uuid.uuid5(idempotency_key, str(index)) if index else idempotency_key


def _place(
    rows: list[Generation],
    pictures: Sequence[Mapping[Slot, Upload | InputPicture]],
    *,
    waits: bool = False,
    record: Record | None = None,
) -> list[Generation]:
    if known := _find_existing(rows[0]):
        return known
    copies: list[InputPicture] = []
    try:
        refuse_too_many(rows[0].user)
        if not waits:
            _refuse_paused(rows[0].team)
        _refuse_unavailable(rows)
        refuse_over_budget(rows[0].user, rows[0].team, _cents(rows))
        refuse_removed([picture for own in pictures for picture in own.values()])
        screened = screen(rows)
        copies = _copy_pictures(rows, pictures)
        _commit(rows, copies, screened, record)
    except (IntegrityError, OrderRefusedError, BucketDownError):
        StorageDeletion.objects.enqueue(copy.key for copy in copies)
        # the same form may have been posted twice at once, and the other one was first, maybe with the last money
        if known := _find_existing(rows[0]):
            return known
        raise
    return rows


def _refuse_paused(team: Team) -> None:
    if pause := TeamPause.objects.of(team):
        raise QueuePausedError(pause.refusal)


def _refuse_unavailable(rows: list[Generation]) -> None:
    for endpoint in {row.fal_endpoint for row in rows}:
        if words := EndpointSwitch.objects.refusal(rows[0].team, endpoint):
            raise EndpointUnavailableError(words)


def _refuse_ended_rights(user: User, team: Team) -> None:
    """Pictures from slow hosts take a while, in which a person may be removed, demoted or suspended."""
    if not Membership.objects.may(user, Action.GENERATE, team):
        raise RightsEndedError(_("You may not order in the team %s any more. Nothing was made.") % team)


def _find_existing(row: Generation) -> list[Generation]:
    own = Generation.objects.filter(user=row.user)
    first = own.filter(idempotency_key=row.idempotency_key).first()
    if first and first.batch:
        return list(own.filter(batch=first.batch).order_by("batch_index"))
    return [first] if first else []


def _cents(rows: list[Generation]) -> int:
    return sum(row.cost_cents for row in rows)


def _new_generation(order: Order, cents: int) -> Generation:
    arguments = order.arguments
    return Generation(
        team=order.team,
        user=order.user,
        idempotency_key=order.idempotency_key,
        **_origin(order),
        collection=order.project,
        billed_project=order.project,
        shot=order.shot,
        is_private=order.team.is_private if order.is_private is None else order.is_private,
        endpoint=order.endpoint,
        prompt=arguments.prompt,
        negative_prompt=arguments.negative_prompt,
        cfg_scale=arguments.cfg_scale,
        duration=int(arguments.duration),
        aspect_ratio=arguments.aspect_ratio if isinstance(arguments, TextToVideo) else "",
        cost_cents=cents,
    )


def _origin(order: Order) -> dict[str, Any]:
    """What it was made from. It continues a video whose last frame it begins with, whatever the form began with."""
    start, tail = order.pictures.get(Slot.START), order.pictures.get(Slot.TAIL)
    if start is None or start.last_frame_of_id is None:
        return {"parent": order.remix_of, "relation": Relation.REMIX if order.remix_of else ""}
    leads_to = tail.first_frame_of_id if tail else None
    relation = Relation.BETWEEN if leads_to else Relation.EXTEND
    return {"parent_id": start.last_frame_of_id, "relation": relation, "leads_to_id": leads_to}


def _forget_unseen(user: User, rows: list[Generation]) -> None:
    """A frame may be older than what its person may see now: what is not seen any more is not told of."""
    continued = [row for row in rows if row.relation in {Relation.EXTEND, Relation.BETWEEN}]
    named = {pk for row in continued for pk in (row.parent_id, row.leads_to_id) if pk}
    seen = (
        set(Generation.objects.visible_to(user).filter(pk__in=named).values_list("pk", flat=True)) if named else set()
    )
    for row in continued:
        if row.parent_id not in seen:
            row.parent_id, row.leads_to_id, row.relation = None, None, ""
        elif row.leads_to_id not in seen:
            row.leads_to_id, row.relation = None, Relation.EXTEND


def _lock_shots(rows: list[Generation]) -> None:
    """None is deleted before the rows are written. What is deleted already has no takes any more."""
    named = {row.shot_id for row in rows if row.shot_id}
    shots = Shot.objects.filter(pk__in=named).order_by("pk").select_for_update(no_key=True, of=("self",))
    there = set(shots.values_list("pk", flat=True)) if named else set()
    for row in rows:
        if row.shot_id not in there:
            row.shot_id = None


def _build_retry(generation: Generation, by: User, idempotency_key: uuid.UUID) -> Generation:
    return Generation(
        team=generation.team,
        user=by,
        idempotency_key=idempotency_key,
        parent=generation,
        relation=Relation.RETRY,
        leads_to_id=generation.leads_to_id,
        collection_id=generation.collection_id,
        billed_project_id=generation.collection_id,
        shot_id=generation.shot_id,
        is_private=generation.is_private,
        cost_cents=Price.objects.cents(generation.fal_endpoint, generation.duration),
        **generation.request_columns(),
    )


def _copy_pictures(
    rows: list[Generation], pictures: Sequence[Mapping[Slot, Upload | InputPicture]]
) -> list[InputPicture]:
    """All or none, and many at once: a sheet may name a thousand. Raises BucketDownError."""
    wanted = [(row, slot, picture) for row, own in zip(rows, pictures, strict=True) for slot, picture in own.items()]
    pool = ThreadPoolExecutor(min(1 + len(wanted) // _COPIES_A_THREAD, _MAX_THREADS), "copy-picture")
    copies = [pool.submit(copy_picture, *each) for each in wanted]
    wait(copies, return_when=FIRST_EXCEPTION)
    pool.shutdown(cancel_futures=True)
    done = [copy for copy in copies if not copy.cancelled()]
    if error := next(filter(None, (copy.exception() for copy in done)), None):
        StorageDeletion.objects.enqueue(copy.result().key for copy in done if not copy.exception())
        raise error
    return [copy.result() for copy in done]


def copy_picture(generation: Generation, slot: Slot, picture: Upload | InputPicture) -> InputPicture:
    """The picture's copy under the generation's own prefix, so that each can be deleted without the other."""
    key = f"{generation.key_prefix}/input/{picture.sha256}.{picture.extension}"
    bucket.copy(picture.key, key)
    return InputPicture(
        generation=generation,
        slot=slot,
        key=key,
        sha256=picture.sha256,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        size=picture.size,
        frame_of_id=next(iter(picture.video_ids), None),
    )


def _date(rows: list[Generation]) -> None:
    """In the month whose limits were asked: copies and locks may have lasted over its end. Their order stays."""
    since = timezone.now() - rows[-1].created_at
    for row in rows:
        row.created_at += since


@transaction.atomic
def _commit(
    rows: list[Generation], pictures: list[InputPicture], screened: ScreeningResult, record: Record | None
) -> None:
    first = rows[0]
    lock_budget(first.user, first.team, _cents(rows))
    lock_projects(first.user, rows)
    _lock_shots(rows)
    lock_order_rate(first.user)
    _refuse_ended_rights(first.user, first.team)
    refuse_removed(pictures)
    _date(rows)
    holds = [*build_approval_holds(rows), *screened.holds]
    put_on_hold(holds)
    Generation.objects.bulk_create(rows)
    InputPicture.objects.bulk_create(pictures)
    Hold.objects.bulk_create(holds)
    Event.objects.bulk_create(
        Event(generation=row, status=row.status, by=row.user, message=row.message) for row in rows
    )
    screened.write()
    if record:
        record(rows)
