"""This machine's copy of the studio: room, static files, keys, and somebody who may enter the admin."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core import checks

from accounts.models import User
from config import metrics, safety
from devserver import addresses
from generations.doctor.outcome import Outcome, failed, ok, warning

FULL: Final = 256 * 1024**2  # bytes that are free; with less, uploads and the database fail at any moment
LOW: Final = 1024**3
_GIB: Final = 1024**3


def disk() -> Outcome:
    """Where uploads are kept for a moment, and where the embedded servers have their data."""
    places = [tempfile.gettempdir(), str(addresses.var()), metrics.DIRECTORY]
    free = {place: shutil.disk_usage(place).free for place in places if place and Path(place).exists()}
    place, least = min(free.items(), key=lambda item: item[1])
    return judge_room(place, least)


def judge_room(place: str, free: int) -> Outcome:
    told = f"{free / _GIB:.1f} GiB are free at {place}."
    if free < FULL:
        return failed(told, "Make room, or set TMPDIR or VAR_DIR to a larger disk.")
    if free < LOW:
        return warning(told, "Make room soon.")
    return ok(told)


def static_files() -> Outcome:
    """Pages refer to collected files by their hashes, so one that is missing breaks them."""
    if settings.DEBUG:
        return ok("DEBUG serves them as they are.")
    storage: object = staticfiles_storage
    if not isinstance(storage, ManifestFilesMixin):
        return ok("Served as they are.")
    return judge_collected(storage)


def judge_collected(storage: ManifestFilesMixin) -> Outcome:
    missing = [path for path in _sources() if path not in storage.hashed_files]
    if missing:
        return failed(
            f"{len(missing)} are not collected, such as {missing[0]}.",
            "Run `python manage.py collectstatic --noinput`.",
        )
    return ok(f"{len(storage.hashed_files)} collected.")


def _sources() -> Iterator[str]:
    for finder in get_finders():
        yield from (path for path, _ in finder.list([]))


def safety_of(debug: bool, secret_key: str) -> Outcome:
    if debug:
        return warning(
            "DEBUG is on: only this machine is answered, with a key and passwords that everybody knows.",
            "For others to use it, set DEBUG=false and what docs/configure.md names for production.",
        )
    if problem := safety.key_problem(secret_key):
        return failed(f"SECRET_KEY {problem}", safety.KEY_HINT)
    return ok("DEBUG is off, and SECRET_KEY is long enough.")


def safety_check() -> Outcome:
    """Of the settings, by Django's own checks too."""
    errors = [message for message in checks.run_checks() if message.is_serious() and not message.is_silenced()]
    if errors:
        first = errors[0]
        return failed(f"{first.id}: {first.msg}", str(first.hint or "Run `python manage.py check`."))
    return safety_of(settings.DEBUG, settings.SECRET_KEY)


def administrator() -> Outcome:
    if not User.objects.filter(is_superuser=True, is_active=True).exists():
        return warning("Nobody may enter the admin.", "Make a first admin: `python manage.py createsuperuser`.")
    return ok("There is one.")
