"""Errors for an order that is refused before it has a row: nothing is sent, nothing is spent."""

from typing import ClassVar


class OrderRefusedError(Exception):
    """Nothing was made. `field` is the form's field that it is about; None for the order as a whole."""

    field: ClassVar[str | None] = None


class OverBudgetError(OrderRefusedError):
    """The order would pass a limit; str() says what it costs and what is left."""


class RightsEndedError(OrderRefusedError):
    """The person may not order in the team any more: removed, demoted or suspended since the page was shown."""


class ProjectRefusedError(OrderRefusedError):
    """The project is archived, or not for this person."""

    field = "project"


class QueuePausedError(OrderRefusedError):
    """The team's queue is paused; str() says by whom and why."""


class EndpointUnavailableError(OrderRefusedError):
    """The team may not use the endpoint, or fal has ended it; str() says which."""

    field = "quality"


class TooManyOrdersError(OrderRefusedError):
    """More presses in a minute than a person makes: a script gone wild, or a stuck key."""


class TooManyPicturesError(OrderRefusedError):
    """More pictures than a person chooses; each costs time and memory to read, also one that is no good."""


class TooManyFilmsError(OrderRefusedError):
    """More films of one person wait, or are being joined, than may at once."""
