"""Pauses of sending: fal refuses the account, or an owner has paused a team's queue."""

from datetime import timedelta
from typing import ClassVar, Final

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from config.prepared_query import SAMPLE_MOMENT, PreparedQuery

_SINGLETON_PK: Final = 1
_FIRST_DELAY: Final = timedelta(seconds=15)
_MAX_DELAY: Final = timedelta(minutes=5)
_SHOWN_FOR: Final = 2 * _MAX_DELAY  # behind the moment at which a waiting request would have been tried


class SubmitPauseManager(models.Manager["SubmitPause"]):
    def current(self) -> "SubmitPause | None":
        return self.first()

    def shown(self) -> "SubmitPause | None":
        """The same for people. One that nobody has tried for long is of the past: nothing has waited since."""
        return next(iter(_SHOWN.rows(timezone.now() - _SHOWN_FOR)), None)

    def begin_or_extend(self, reason: str, message: str) -> None:
        """fal has refused the account: wait before the next try, longer each time up to five minutes."""
        now = timezone.now()
        pause, is_new = self.get_or_create(
            pk=_SINGLETON_PK,
            defaults={"reason": reason, "message": message, "since": now, "try_at": now + _FIRST_DELAY},
        )
        if not is_new:
            wait = min(max(now - pause.since, _FIRST_DELAY), _MAX_DELAY)
            self.filter(pk=_SINGLETON_PK).update(reason=reason, message=message, try_at=now + wait)

    def end(self) -> None:
        self.filter(pk=_SINGLETON_PK).delete()


class SubmitPause(models.Model):
    """Submitting is paused for all until `try_at`; then one request tries whether fal takes it. One row, or none."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=_SINGLETON_PK, editable=False)
    reason = models.CharField(_("reason"), max_length=60)
    message = models.TextField(_("message"))
    since = models.DateTimeField(_("since"))
    try_at = models.DateTimeField(_("next try"))

    objects: ClassVar[SubmitPauseManager] = SubmitPauseManager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=_SINGLETON_PK), name="submit_pause_is_one")
        ]

    def __str__(self) -> str:
        return self.message


_SHOWN: Final = PreparedQuery(lambda since: SubmitPause.objects.filter(try_at__gt=since), SAMPLE_MOMENT)


class TeamPauseQuerySet(models.QuerySet["TeamPause"]):
    def active(self) -> "TeamPauseQuerySet":
        """Those that are not over."""
        return self.filter(ended_at=None)

    def of(self, team: Team) -> "TeamPause | None":
        """The active one of a team, with who began it."""
        return self.active().filter(team=team).select_related("team", "began_by").first()


class TeamPause(models.Model):
    """A team's queue is paused: nothing of it is sent, what runs is finished. Past ones stay as a record."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="pauses")
    note = models.CharField(_("note"), max_length=200, blank=True, help_text=_("Why, for the team."))
    began_at = models.DateTimeField(_("began at"), default=timezone.now)
    began_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("paused by"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("resumed by")
    )

    objects: ClassVar = TeamPauseQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team"], condition=models.Q(ended_at=None), name="team_pause_one_at_a_time")
        ]

    def __str__(self) -> str:
        return self.note or str(self.team)

    @property
    def refusal(self) -> str:
        return refusal(self.began_by, self.team, self.note)


def refusal(who: object, team: object, note: str) -> str:
    """Why nothing new can be requested in a team whose queue is paused, in a sentence or two."""
    message = gettext("%(who)s paused the queue of %(team)s. No new videos until it is resumed.")
    return " ".join(filter(None, [message % {"who": who, "team": team}, note]))
