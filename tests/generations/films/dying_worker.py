"""`python -m tests.generations.films.dying_worker POINT`: a worker that SIGKILLs itself while it joins a film."""

import os
import signal
import sys
from typing import Any, Final, NoReturn

from generations.films import worker
from generations.models import Film

SURVIVED: Final = 3  # exit code
POINTS: Final = {
    "with a lease": (worker._Work, "begin"),
    "amid the bytes": (worker._Work, "report"),
    "before the poster": (worker, "make_poster"),
    "before it is saved": (worker, "_save"),
}


def _die(*_: Any, **__: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


if __name__ == "__main__":
    place, name = POINTS[sys.argv[1]]
    setattr(place, name, _die)
    for film in Film.objects.claim_due(10, worker.LEASE):
        worker.join_film(film)
    sys.exit(SURVIVED)
