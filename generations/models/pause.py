"""Why nothing is being sent to fal at the moment: the key is refused, or the account is locked. One row, or none."""

from datetime import timedelta
from typing import ClassVar, Final

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

_ONLY: Final = 1
_FIRST: Final = timedelta(seconds=15)
_LONGEST: Final = timedelta(minutes=5)


class SubmitPauseManager(models.Manager["SubmitPause"]):
    def current(self) -> "SubmitPause | None":
        return self.first()

    def begin_or_extend(self, reason: str, message: str) -> None:
        """fal has refused the account: wait before the next try, longer each time up to five minutes."""
        now = timezone.now()
        pause, is_new = self.get_or_create(
            pk=_ONLY, defaults={"reason": reason, "message": message, "since": now, "try_at": now + _FIRST}
        )
        if not is_new:
            wait = min(max(now - pause.since, _FIRST), _LONGEST)
            self.filter(pk=_ONLY).update(reason=reason, message=message, try_at=now + wait)

    def end(self) -> None:
        self.filter(pk=_ONLY).delete()


class SubmitPause(models.Model):
    """Submitting rests for everybody until `try_at`; then one request finds out whether fal takes it again."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=_ONLY, editable=False)
    reason = models.CharField(_("reason"), max_length=60)
    message = models.TextField(_("message"))
    since = models.DateTimeField(_("since"))
    try_at = models.DateTimeField(_("next try"))

    objects: ClassVar[SubmitPauseManager] = SubmitPauseManager()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=_ONLY), name="submit_pause_is_one")]

    def __str__(self) -> str:
        return self.message
