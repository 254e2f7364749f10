"""Parameters that are saved under a name, to fill the next form with: a person's own, or a team's."""

from collections.abc import Callable
from typing import Any, ClassVar, Final

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from accounts.names import NameField, fold
from accounts.rights import UserQuery, rights_of
from accounts.roles import Action
from generations.models.generation import Generation
from generations.models.search import IsAnyOf

MAX_PRESETS: Final = 50  # of a person
MAX_TEAM_PRESETS: Final = 100
MAX_EARLIER_VERSIONS: Final = 50  # of a preset; the oldest go


class TooManyPresetsError(Exception):
    """The person or the team has as many as there may be: `most`."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class PresetManager(models.Manager["Preset"]):
    def visible_to(self, user: User) -> models.QuerySet["Preset"]:
        """The person's own, and those of the teams whose videos they see."""
        return _visible_to(user)

    def of(self, user: User) -> list["Preset"]:
        """What they see: their own first, then by team and name."""
        found = _PRESETS.rows(user)
        return sorted(found, key=lambda one: (one.team is not None, one.team.name.lower() if one.team else ""))

    @transaction.atomic
    def save_preset(self, user: User, name: str, values: dict[str, Any], team: Team | None = None) -> "Preset":
        """The preset of that name, whatever its case, new or replaced: the person's own, or the team's.

        What is replaced stays as an earlier version. Raises PermissionDenied where the person may not make videos in
        the team, and TooManyPresetsError.
        """
        _lock_owner(user, team)
        if team and not rights_of(user).may(Action.GENERATE, team.pk):
            raise PermissionDenied
        name, own = fold(name), self.filter(team=team) if team else self.filter(user=user, team=None)
        known = own.annotate(plain=Lower("name")).filter(plain=Lower(models.Value(name))).first()
        if known:
            known.change(user, name, values)
            return known
        most = MAX_TEAM_PRESETS if team else MAX_PRESETS
        if own.count() >= most:
            raise TooManyPresetsError(most)
        return self.create(user=user, team=team, name=name, values=values)

    def count_use(self, user: User, pk: int) -> Callable[[list[Generation]], None]:
        """To be called in the transaction of an order that began with the preset; nothing happens where it is gone."""

        def count(_rows: list[Generation]) -> None:
            self.visible_to(user).filter(pk=pk).update(uses=F("uses") + 1)

        return count


class Preset(models.Model):
    """`values` has the composer's field names, such as kind, quality, prompt and duration.

    Without a team it is its maker's alone. The row has the newest version; the earlier ones are rows of their own.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="presets", verbose_name=_("maker"))
    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, null=True, blank=True, related_name="presets", verbose_name=_("team")
    )
    name = NameField(_("name"), max_length=60)
    values = models.JSONField(_("values"), default=dict)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    version = models.PositiveIntegerField(_("version"), default=1, db_default=1)
    changed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("changed by")
    )
    changed_at = models.DateTimeField(_("changed at"), null=True, blank=True)
    uses = models.PositiveIntegerField(_("uses"), default=0, db_default=0, help_text=_("Orders that began with it."))

    objects: ClassVar[PresetManager] = PresetManager()

    class Meta:
        ordering: ClassVar = [Lower("name")]
        constraints: ClassVar = [
            models.UniqueConstraint("user", Lower("name"), condition=Q(team=None), name="preset_name_once_a_user"),
            models.UniqueConstraint(
                "team", Lower("name"), condition=Q(team__isnull=False), name="preset_name_once_a_team"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def version_by(self) -> User:
        """Who made the version that it has now."""
        return self.changed_by or self.user

    @property
    def version_at(self) -> Any:
        return self.changed_at or self.created_at

    def may_be_changed_by(self, user: User) -> bool:
        """A team's by whoever makes videos there."""
        return self._is_own_of(user) or self._may(user, Action.GENERATE)

    def may_be_deleted_by(self, user: User) -> bool:
        """A team's by its maker, and by whoever manages the team."""
        is_makers = self.user_id == user.pk and self._may(user, Action.GENERATE)
        return self._is_own_of(user) or is_makers or self._may(user, Action.MANAGE)

    def change(self, by: User, name: str, values: dict[str, Any]) -> None:
        """A new version of the locked row; the one of before is kept. The same once more changes nothing."""
        if (name, values) == (self.name, self.values):
            return
        self.versions.create(
            number=self.version, name=self.name, values=self.values, made_by=self.version_by, made_at=self.version_at
        )
        self.versions.filter(number__lte=self.version - MAX_EARLIER_VERSIONS).delete()
        self.name, self.values = name, values
        self.version, self.changed_by, self.changed_at = self.version + 1, by, timezone.now()
        self.save(update_fields=["name", "values", "version", "changed_by", "changed_at"])

    @transaction.atomic
    def bring_back(self, number: int, by: User) -> bool:
        """Whether an earlier version is the newest now. The name stays: another may have the one of then."""
        _lock_owner(self.user, self.team)
        now = Preset.objects.filter(pk=self.pk).select_related("user", "changed_by").first()
        earlier = now and now.versions.filter(number=number).first()
        if now is None or earlier is None:
            return False
        now.change(by, now.name, earlier.values)
        return True

    def _is_own_of(self, user: User) -> bool:
        return self.team_id is None and self.user_id == user.pk

    def _may(self, user: User, action: Action) -> bool:
        return self.team_id is not None and rights_of(user).may(action, self.team_id)


class PresetVersion(models.Model):
    """What a preset was before it was changed."""

    preset = models.ForeignKey(Preset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("number"))
    name = NameField(_("name"), max_length=60)
    values = models.JSONField(_("values"), default=dict)
    made_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", verbose_name=_("made by"))
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["preset", "number"], name="preset_version_once_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


def _lock_owner(user: User, team: Team | None) -> None:
    """Two who save at once would both find none of the name, or make the same version twice."""
    if team:
        Team.objects.get_queryset().select_for_update(no_key=True).get(pk=team.pk)
    else:
        User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _visible_to(user: User) -> models.QuerySet[Preset]:
    seen = Q(team=None, user=user) | Q(IsAnyOf("team", rights_of(user).view_ids))
    return Preset.objects.filter(seen).select_related("user", "team", "changed_by")


_PRESETS: Final = UserQuery(_visible_to)
