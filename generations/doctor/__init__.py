"""`manage.py doctor`: look at everything that a new installation gets wrong, and say for each what to do.

Nothing that it does changes a row, costs money or is seen by anybody, but for the test mail that is asked for.
"""

from collections.abc import Callable, Iterator
from functools import partial

from generations.doctor import addresses, installation, mail, processes, servers
from generations.doctor.outcome import Finding, Outcome, State, failed, warning

__all__ = ["Finding", "State", "examine"]

Check = Callable[[], Outcome]


def examine(mail_to: str = "") -> Iterator[Finding]:
    """Each finding as soon as it is there. With an address, a test mail is sent to it."""
    database = _run("database", servers.database)
    yield database
    for name, check in _OF_ROWS.items():
        yield _run(name, check) if database.state is not State.FAILED else _run(name, _not_tried)
    for name, check in _OTHERS.items():
        yield _run(name, check)
    yield _run("mail", partial(mail.check, mail_to))


def _run(name: str, check: Check) -> Finding:
    """A check that breaks has found something, too."""
    try:
        outcome = check()
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        outcome = failed(said, "This check itself failed; the message is all that is known.")
    return Finding(name, outcome.state, outcome.message, outcome.advice)


def _not_tried() -> Outcome:
    return warning("Not looked at, since the database does not answer.", "First put the database right.")


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
