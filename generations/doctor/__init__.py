"""`manage.py doctor`: look at everything that a new installation gets wrong, and say for each what to do.

Nothing that it does changes a row, costs money or is seen by anybody, but for the test mail that is asked for.
"""

from collections.abc import Iterator
from functools import partial

from generations.doctor import addresses, installation, mail, processes, servers
from generations.doctor.outcome import Check, Finding, State, find, not_tried

__all__ = ["Finding", "State", "examine"]


def examine(mail_to: str = "") -> Iterator[Finding]:
    """Each finding as soon as it is there. With an address, a test mail is sent to it."""
    database = find("database", servers.database)
    yield database
    for name, check in _OF_ROWS.items():
        yield find(name, check) if database.state is not State.FAILED else find(name, not_tried)
    for name, check in _OTHERS.items():
        yield find(name, check)
    yield find("mail", partial(mail.check, mail_to))


_OF_ROWS: dict[str, Check] = {
    "rights": servers.database_rights,
    "migrations": servers.migrations,
    "admin": installation.administrator,
}
_OTHERS: dict[str, Check] = {
    "redis": servers.redis,
    "bucket": servers.bucket,
    "fal": servers.fal_key,
    "clock": servers.clock,
    "site": addresses.site,
    "webhook": addresses.webhook,
    "worker": processes.worker,
    "cron": processes.cron,
    "disk": installation.disk,
    "static": installation.static_files,
    "safety": installation.safety_check,
}
