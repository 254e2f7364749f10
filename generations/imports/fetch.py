"""Fetch the pictures that sheets name by address, in threads beside the worker's other work.

A worker killed at any line leaves a row that is due again when its lease has run out.
"""

import logging
import threading
from datetime import timedelta
from typing import Final

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from django.utils.translation import gettext as _

from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError, TooManyPicturesError
from generations.fal.arguments import InvalidArguments
from generations.models import ImportPicture
from generations.models.order_import import MAX_FETCHES
from generations.orders.place import save_upload
from generations.orders.rate_limits import refuse_too_many_import_pictures
from generations.pictures import DecoderBusyError, fetch_picture

logger = logging.getLogger(__name__)

MAX_AT_ONCE: Final = 4  # in one process
LEASE: Final = timedelta(minutes=2)  # longer than a picture may take to answer and to be read
_PAUSE: Final = timedelta(seconds=20)  # until the next try

_slots: Final = threading.BoundedSemaphore(MAX_AT_ONCE)


def start_due() -> None:
    """Begin what is due, as far as this process has room; returns at once."""
    while _slots.acquire(blocking=False):
        rows = ImportPicture.objects.claim_due(1, LEASE)
        if not rows:
            _slots.release()
            return
        threading.Thread(target=_run, args=(rows[0],), name=f"picture-{rows[0].pk}", daemon=True).start()


def _run(picture: ImportPicture) -> None:
    """This one, then others that are due."""
    try:
        fetch(picture)
        while rows := ImportPicture.objects.claim_due(1, LEASE):
            fetch(rows[0])
    except (OperationalError, InterfaceError) as error:
        logger.warning("The database does not answer: %s", error)
    finally:
        _slots.release()
        connection.close()


def fetch(picture: ImportPicture) -> None:
    """Fetch one that was claimed, and write down what came of it."""
    user = picture.order_import.user
    try:
        refuse_too_many_import_pictures(user)
        upload = save_upload(user, fetch_picture("picture", picture.name))
    except TooManyPicturesError:
        later = timezone.now() + _PAUSE
        picture.postpone(later, attempts=picture.attempts - 1)
        ImportPicture.objects.postpone_all(user, later)
    except InvalidArguments as error:
        picture.finish(error=error.problems[0].message)
    except (BucketDownError, DecoderBusyError) as error:
        _try_later(picture, error)
    except OrderRefusedError as error:
        picture.finish(error=str(error))
    except Exception:
        logger.exception("The picture %s of an import is not fetched", picture.pk)
        picture.finish(error=_("The studio made a mistake. It is in the log; tell an admin."))
    else:
        picture.finish(upload=upload)


def _try_later(picture: ImportPicture, error: Exception) -> None:
    if picture.attempts >= MAX_FETCHES:
        picture.finish(error=str(error))
    else:
        picture.postpone(timezone.now() + _PAUSE, attempts=picture.attempts)
