"""Which team and member had the last turn: it breaks ties of the fair queue."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User


class QueueTurnManager(models.Manager["QueueTurn"]):
    def record(self, pairs: Iterable[tuple[Any, int]]) -> None:
        """These teams' members have just been served."""
        rows = [QueueTurn(team_id=team, user_id=user, at=timezone.now()) for team, user in pairs]
        self.bulk_create(rows, update_conflicts=True, unique_fields=["team", "user"], update_fields=["at"])


class QueueTurn(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(_("served at"))

    objects: ClassVar[QueueTurnManager] = QueueTurnManager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "user"], name="queue_turn_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.team}: {self.at:%c}"
