"""The studio's processes besides the web: are they alive?"""

from generations import tasks
from generations.doctor.outcome import Outcome, failed, ok

_NO_REDIS = failed("Not known, since Redis does not answer.", "First put Redis right.")


def worker() -> Outcome:
    count = tasks.workers()
    if count is None:
        return _NO_REDIS
    if not count:
        return failed("None is alive: nothing is sent or copied.", "Start `python manage.py rqworker default`.")
    return ok(f"{count} alive.")


def cron() -> Outcome:
    count = tasks.schedulers()
    if count is None:
        return _NO_REDIS
    if not count:
        return failed(
            "None is alive: what is due is not found, and no mail is sent.",
            "Start `python manage.py rqcron generations.cron`.",
        )
    return ok(f"{count} alive.")
