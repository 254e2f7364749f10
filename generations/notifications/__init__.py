"""What people are told: `create` makes rows of what has happened, `emails` sends their mails, `lines` words the bell.

Nothing calls this room when something happens: a sweep looks at the rows that other rooms have written.
"""

from generations.notifications.create import create_notifications, delete_old
from generations.notifications.emails import send_emails


def send_notifications() -> int:
    """Tell people what is new, under the bell and by mail; how many mails. Any number of workers may do it at once."""
    create_notifications()
    return send_emails()


__all__ = ["create_notifications", "delete_old", "send_emails", "send_notifications"]
