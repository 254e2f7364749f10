"""What people are told: `create` makes rows of what has happened, `emails` sends their mails, `lines` words the bell.

Nothing calls this room when something happens: a sweep looks at the rows that other rooms have written.
"""

from collections.abc import Callable
from typing import Final

from generations.notifications.create import create_notifications, delete_old
from generations.notifications.emails import send_emails

_senders: Final[list[Callable[[], int]]] = []


def add_sender(send: Callable[[], int]) -> None:
    """For an app that knows this one: `send` tells people of its own rows in the same sweep, and returns its mails."""
    _senders.append(send)


def send_notifications() -> int:
    """Tell people what is new, under the bell and by mail; how many mails. Any number of workers may do it at once."""
    create_notifications()
    return send_emails() + sum(send() for send in _senders)


__all__ = ["add_sender", "create_notifications", "delete_old", "send_emails", "send_notifications"]
