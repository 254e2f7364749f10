"""The states of a generation and the moves between them, as data."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from generations.fal.error_messages import ResponsibleParty


class Status(models.TextChoices):
    HELD = "held", _("Awaiting approval")
    QUEUED = "queued", _("Waiting to be sent")
    SUBMITTING = "submitting", _("Being sent to fal")
    RENDERING = "rendering", _("At fal")
    CANCELLING = "cancelling", _("Being canceled")
    MIRRORING = "mirroring", _("Saving")
    DONE = "done", _("Done")
    REJECTED = "rejected", _("Rejected")
    CANCELED = "canceled", _("Canceled")
    FAILED = "failed", _("Failed")


MOVES: Final[dict[Status, frozenset[Status]]] = {
    Status.HELD: frozenset({Status.QUEUED, Status.REJECTED, Status.CANCELED}),
    # to rendering where fal calls for a request that was thought not to have arrived
    Status.QUEUED: frozenset({Status.SUBMITTING, Status.RENDERING, Status.CANCELED, Status.FAILED}),
    # back to queued only when it is known that fal has queued nothing
    Status.SUBMITTING: frozenset({Status.QUEUED, Status.RENDERING, Status.FAILED}),
    Status.RENDERING: frozenset({Status.CANCELLING, Status.MIRRORING, Status.CANCELED, Status.FAILED}),
    # only fal's own answer ends it: a video that comes anyway was paid for, so it is kept
    Status.CANCELLING: frozenset({Status.MIRRORING, Status.CANCELED, Status.FAILED}),
    Status.MIRRORING: frozenset({Status.DONE, Status.FAILED}),
    Status.DONE: frozenset(),
    Status.REJECTED: frozenset(),
    # fal has made it after all: what was paid for is copied, whatever was thought to have become of it
    Status.CANCELED: frozenset({Status.RENDERING}),
    Status.FAILED: frozenset({Status.RENDERING}),
}

TERMINAL: Final = frozenset({Status.DONE, Status.REJECTED, Status.CANCELED, Status.FAILED})
OPEN: Final = frozenset(set(Status) - TERMINAL)
DRIVEN: Final = frozenset(OPEN - {Status.HELD})
RETRYABLE: Final = frozenset({Status.FAILED, Status.CANCELED, Status.REJECTED})
AT_FAL: Final = frozenset({Status.RENDERING, Status.CANCELLING})

RESPONSIBLE_PARTIES: Final = [
    (responsible_party.value, responsible_party.name.title()) for responsible_party in ResponsibleParty
]
