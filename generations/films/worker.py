"""Joins films that are due: each in threads of its own beside the worker's other work, under a lease of its row.

A worker killed at any line leaves a row whose lease runs out; the next one begins again, at the same key.
"""

import logging
import threading
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextvars import copy_context
from datetime import timedelta
from typing import Final

from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction
from django.utils.translation import gettext as _

from generations import bucket
from generations.films.plan import JoinPlan, plan_join
from generations.mirror import Bucket, MirrorError, Reason, make_poster
from generations.mirror.film.boxes import NotCopyableError
from generations.mirror.film.encode import join_encoded
from generations.mirror.film.join import JoinedFilm, JoinSpec, Part, join_copied
from generations.mirror.film.manifest import Ingredient
from generations.models import Film, FilmPart, FilmStatus, Generation, missing_parts
from generations.pipeline.schedule import retry_delay

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=30)  # renewed each second
MAX_AT_ONCE: Final = 2  # in one process
MAX_ATTEMPTS: Final = 12  # about half an hour of a bucket that is down
DIFFERENT: Final = "different"  # a reason: its parts can't be copied into one file
PART_GONE: Final = "part_gone"
DEADLY: Final = "worker_died"
_INTERVAL: Final = 1.0  # s between two looks

_slots: Final = threading.BoundedSemaphore(MAX_AT_ONCE)


class StoppedError(Exception):
    """The film was canceled, deleted or taken over."""


def start_due() -> None:
    """Begin what is due, as far as this process has room; returns at once."""
    while _slots.acquire(blocking=False):
        rows = Film.objects.claim_due(1, LEASE)
        if not rows:
            _slots.release()
            return
        context = copy_context()
        threading.Thread(target=context.run, args=(_run, rows[0]), name=f"film-{rows[0].pk}", daemon=True).start()


def _run(film: Film) -> None:
    try:
        join_film(film)
    except (OperationalError, InterfaceError) as error:
        logger.warning("The database does not answer: %s", error)  # the lease runs out
    finally:
        _slots.release()
        connection.close()


def join_film(film: Film) -> None:
    """Join a film that was claimed, and write down what came of it."""
    parts = list(film.parts.select_related("generation__video"))
    if why := missing_parts(parts):
        _fail(film, PART_GONE, why)
        return
    if film.attempts >= MAX_ATTEMPTS:
        _fail(film, DEADLY, _("Each worker that joined it ended amid the work. Tell an admin."))
        return
    work = _Work(film, parts)
    work.begin()
    try:
        _watch(work)
    except BaseException:
        work.lost.set()  # nobody writes down any more what it does: another worker will do it
        raise
    _finish(work)


def _watch(work: "_Work") -> None:
    """Until it has ended. Raises what the database does."""
    while not wait_for([work.result], timeout=_INTERVAL).done:
        close_old_connections()
        if not work.film.keep_lease(LEASE, work.done, work.total):
            work.lost.set()


class _Work:
    """The join itself, in a thread that asks no database."""

    def __init__(self, film: Film, parts: list[FilmPart]) -> None:
        self.film = film
        self.parts = parts
        self.done = 0
        self.total: int | None = None
        self.lost = threading.Event()
        self.result: Future[JoinedFilm] = Future()
        self.plan: JoinPlan = plan_join([part.generation.video for part in parts])
        self._keys = film.own_keys()
        self._spec = JoinSpec(
            Bucket(bucket.client(), bucket.name()), self._keys[0], str(film.pk), film.name, list(map(_part, parts))
        )

    def begin(self) -> None:
        threading.Thread(target=self._run, name=f"join-{self.film.pk}", daemon=True).start()

    def _run(self) -> None:
        try:
            self.result.set_result(self._join())
        except BaseException as error:
            self.result.set_exception(error)

    def _join(self) -> JoinedFilm:
        attempt = self.film.attempts
        if self.film.is_encoded:
            made = join_encoded(self._spec, self.plan.shape, self.plan.seconds, self.report, attempt=attempt)
        else:
            made = join_copied(self._spec, self.report, attempt=attempt)
        make_poster(self._spec.bucket, video_key=self._keys[0], video_size=made.size, poster_key=self._keys[1])
        return made

    def report(self, done: int, total: int | None) -> None:
        self.done, self.total = done, total
        if self.lost.is_set():
            raise StoppedError


def _part(part: FilmPart) -> Part:
    video = part.generation.video
    credentials = Ingredient(str(part.generation_id), video.sha256, video.content_credentials, video.credentials_issuer)
    return Part(video.key, video.size, credentials)


def _finish(work: _Work) -> None:
    film = work.film
    try:
        made = work.result.result()
    except StoppedError:
        _clean_up(film)
    except NotCopyableError as error:
        why = _("The videos can’t be joined as they are: %s Encode the film instead, which costs some quality.") % error
        _fail(film, DIFFERENT, why)
    except MirrorError as error:
        _try_later(film, error)
    except Exception:
        logger.exception("The film %s is not joined", film.pk)
        _fail(film, "studio_error", _("The studio made a mistake. It is in the log; tell an admin."))
    else:
        _save(work, made)


@transaction.atomic
def _save(work: _Work, made: JoinedFilm) -> None:
    """A part that was taken down or deleted at this very moment is not in a film that begins to be."""
    film = work.film
    ids = [part.generation_id for part in work.parts]
    list(Generation.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True, of=("self",)))
    if why := missing_parts(list(film.parts.select_related("generation"))):
        _fail(film, PART_GONE, why)
        return
    shape = work.plan.shape if film.is_encoded else work.plan
    columns = {"key": film.own_keys()[0], "poster_key": film.own_keys()[1], "size": made.size, "sha256": made.sha256}
    columns |= {"width": shape.width, "height": shape.height, "seconds": made.seconds, "message": "", "reason": ""}
    columns |= {"done_units": made.size, "total_units": made.size}
    if not film.finish(FilmStatus.DONE, **columns):
        _clean_up(film)
        return
    for part, cut in zip(work.parts, made.cuts, strict=True):
        FilmPart.objects.filter(pk=part.pk).update(first_frame=cut.first, frames=cut.last - cut.first)


def _try_later(film: Film, error: MirrorError) -> None:
    """What is missing for good is a part's file, or the film is too long; all else may pass."""
    attempts = film.attempts + 1
    logger.warning("The film %s is not joined: %s", film.pk, error)
    if why := missing_parts(list(film.parts.select_related("generation"))):
        _fail(film, PART_GONE, why)
    elif error.reason == Reason.TOO_LARGE or attempts >= MAX_ATTEMPTS:
        _fail(film, error.reason, str(error))
    else:
        film.reschedule(retry_delay(attempts), attempts=attempts, reason=error.reason, message=str(error))


def _fail(film: Film, reason: str, message: str) -> None:
    film.finish(FilmStatus.FAILED, reason=reason, message=message)
    _clean_up(film)


@transaction.atomic
def _clean_up(film: Film) -> None:
    """What was written for a film that is not to be. Another worker that has taken it over writes at the same key."""
    row = Film.objects.filter(pk=film.pk).select_for_update().first()
    if row is None or row.status in {FilmStatus.FAILED, FilmStatus.CANCELED}:
        film.enqueue_removal()
