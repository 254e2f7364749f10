"""Cancel a request in a person's name, while workers may move it."""

from typing import Final

from accounts.models import User
from generations.models import Generation

_TRIES: Final = 3  # each move of a worker in between costs one


def request_cancel(generation: Generation, by: User) -> bool:
    """Whether this call has asked for it. A worker may move the row meanwhile; then it is another kind of cancel."""
    for _try in range(_TRIES):
        if generation.cancel_requested_at:
            return False
        if generation.cancel(by):
            return True
        generation.refresh_from_db()
    return False
