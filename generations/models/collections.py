"""Projects (`Collection`) and tags of a team, favourites of a user."""

import unicodedata
import uuid
from collections.abc import Iterable
from typing import Any, ClassVar, Final, TypeVar

from django.db import IntegrityError, models, transaction
from django.db.models.functions import Cast, Concat, Lower
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from accounts.names import NameField, fold
from accounts.roles import Action
from generations.exceptions import ProjectRefusedError
from generations.fal.arguments import is_visible
from generations.models.generation import Generation

NAME_LENGTH: Final = 60  # characters


M = TypeVar("M", bound=models.Model)


def clean_name(text: str, length: int = NAME_LENGTH) -> str:
    """As it is kept; empty when nothing of it shows. Accents are written in one way: names of files have the other."""
    name = " ".join(unicodedata.normalize("NFC", text.replace("\0", "")).split())[:length]
    return name if is_visible(name) else ""


class NamedManager(models.Manager[M]):
    """Of what has a name in a team, whose letters' case does not matter."""

    def get_or_create_named(self, team_id: Any, name: str) -> M:
        """The one of that name, made when there is none yet."""
        name = fold(name)
        alike = self.alias(low=Lower("name")).filter(team_id=team_id, low=Lower(models.Value(name)))
        if (found := alike.first()) is not None:
            return found
        try:
            with transaction.atomic():
                return self.create(team_id=team_id, name=name)
        except IntegrityError:  # somebody else made it at this moment
            return alike.get()

    def rename(self, pk: int, name: str) -> bool:
        """Whether it is called so now: not, when another of its team is."""
        try:
            with transaction.atomic():
                self.filter(pk=pk).update(name=fold(name))
        except IntegrityError:
            return False
        return True


class CollectionManager(NamedManager["Collection"]):
    def usable_by(self, user: User) -> models.QuerySet["Collection"]:
        """Those into which the user may order and move now. See `Collection.members`."""
        teams = {
            action: Team.objects.where_may(user, action).order_by().values("pk")
            for action in (Action.GENERATE, Action.BUDGET)
        }
        own = ProjectMember.objects.filter(project=models.OuterRef("pk"))
        is_open = models.Q(members_only=False) & ~models.Exists(own)
        may_enter = models.Exists(own.filter(user=user)) | models.Q(team__in=teams[Action.BUDGET])
        return self.filter(is_open | may_enter, archived_at=None, team__in=teams[Action.GENERATE])

    @transaction.atomic
    def assign(self, rows: Iterable[Generation], name: str, by: User | None = None) -> None:
        """Move the rows into the project of that name, each in its own team; without a name, take them out.

        Raises ProjectRefusedError where `by` may not use the project; then nothing has moved.
        """
        for team_id, of_team in _by_team(rows).items():
            target = self.get_or_create_named(team_id, name) if name else None
            if target and by:
                target.refuse(by)
            self.move(of_team, target, by)

    @transaction.atomic
    def move(self, rows: Iterable[Generation], target: "Collection | None", by: User | None = None) -> None:
        """Move the rows, all of the project's team, and write down from where to where.

        What they cost stays with the project that they were ordered in.
        """
        keys, target_id = [row.pk for row in rows], target.pk if target else None
        locked = Generation.objects.filter(pk__in=keys).order_by("pk").select_for_update(of=("self",))
        origins = dict(locked.values_list("pk", "collection_id"))
        moved = {pk: origin for pk, origin in origins.items() if origin != target_id}
        Generation.objects.filter(pk__in=moved).update(collection=target_id)
        ProjectMove.objects.bulk_create(
            ProjectMove(generation_id=pk, origin_id=origin, target_id=target_id, by=by) for pk, origin in moved.items()
        )

    def delete_unused(self, project: "Collection") -> str:
        """Why it stays, for a person; empty when it is gone.

        The billing records name one in which something was ordered; what a key orders by default would be in none. A
        storyboard is work of the whole team, and has no trash.
        """
        if project.shots.exists():
            return gettext("%s has a storyboard. Delete its shots first, or archive the project.") % project
        try:
            with transaction.atomic():
                self.filter(pk=project.pk).delete()
        except models.ProtectedError:
            words = gettext("Videos were ordered in %s, so billing records name it. Archive it instead.")
        except models.RestrictedError:
            words = gettext("An API key orders in %s by default. Archive it instead, or change the key first.")
        else:
            return ""
        return words % project

    @transaction.atomic
    def remove_members(self, users: Iterable[User], team: Team | None = None) -> None:
        """Of the team's projects, or of all: who comes back has to be chosen again.

        A project whose last member goes stays closed; else it would be everyone's.
        """
        rows = ProjectMember.objects.filter(user__in=[user.pk for user in users])
        if team:
            rows = rows.filter(project__team=team)
        self.filter(pk__in=rows.values("project")).update(members_only=True)
        rows.delete()

    @transaction.atomic
    def erase(self, teams: models.QuerySet[Team]) -> None:
        """Delete the teams' projects, or the words of those that billing records name."""
        rows = self.filter(team__in=teams)
        rows.exclude(pk__in=Generation.objects.exclude(billed_project=None).values("billed_project")).delete()
        for prefix in (f"{uuid.uuid4()} ", "Project "):  # one of them may be called "Project 7", and be no 8
            name = Concat(models.Value(prefix), Cast("pk", models.CharField()))
            rows.update(name=name, client="", cost_centre="", defaults={})


class TagManager(NamedManager["Tag"]):
    @transaction.atomic
    def add_to(self, rows: Iterable[Generation], name: str) -> dict[int, list[Generation]]:
        """Put the tag of that name on the rows, each team's own. Returns which rows are new to each tag, by its key."""
        added = {}
        for team_id, of_team in _by_team(rows).items():
            tag = self.get_or_create_named(team_id, name)
            had = set(tag.generations.filter(pk__in=[row.pk for row in of_team]).values_list("pk", flat=True))
            added[tag.pk] = [row for row in of_team if row.pk not in had]
            tag.generations.add(*added[tag.pk])
        return added


class FavouriteManager(models.Manager["Favourite"]):
    def exists_for(self, user: User) -> models.Exists:
        """Whether a generation is a favourite of the person, to annotate rows with."""
        return models.Exists(self.filter(user=user, generation=models.OuterRef("pk")))

    def toggle(self, user: User, generation: Generation) -> bool:
        """Whether it is one from now on."""
        if self.filter(user=user, generation=generation).delete()[0]:
            return False
        self.mark(user, [generation])
        return True

    def set(self, user: User, generation: Generation, *, is_one: bool) -> None:
        if is_one:
            self.mark(user, [generation])
        else:
            self.filter(user=user, generation=generation).delete()

    def mark(self, user: User, rows: Iterable[Generation]) -> None:
        self.bulk_create([Favourite(user=user, generation=row) for row in rows], ignore_conflicts=True)


def _by_team(rows: Iterable[Generation]) -> dict[Any, list[Generation]]:
    teams: dict[Any, list[Generation]] = {}
    for row in rows:
        teams.setdefault(row.team_id, []).append(row)
    return teams


class Collection(models.Model):
    """A project: a place in a team for what belongs together, and who pays for it.

    A generation lies in at most one, so that a move is a move. `defaults` has the composer's field names.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="collections", verbose_name=_("team"))
    name = NameField(_("name"), max_length=NAME_LENGTH)
    client = NameField(_("client"), max_length=100, blank=True, default="", db_default="")
    cost_centre = NameField(_("cost centre"), max_length=60, blank=True, default="", db_default="")
    monthly_limit_cents = models.PositiveIntegerField(
        _("monthly limit in US cents"), null=True, blank=True, help_text=_("Of what is ordered in it; none without.")
    )
    members = models.ManyToManyField(
        User,
        through="ProjectMember",
        related_name="projects",
        verbose_name=_("members"),
        help_text=_("Who may order in it, besides those who set budgets; with none, everyone in the team."),
    )
    members_only = models.BooleanField(
        _("members only"),
        default=False,
        db_default=False,
        help_text=_("Members were chosen, also when all of them have left the team."),
    )
    defaults = models.JSONField(
        _("default parameters"), default=dict, blank=True, db_default=models.Value({}, models.JSONField())
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)

    objects: ClassVar[CollectionManager] = CollectionManager()

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering: ClassVar = [Lower("name")]
        constraints: ClassVar = [models.UniqueConstraint("team", Lower("name"), name="collection_name_once_a_team")]

    def __str__(self) -> str:
        return self.name

    @property
    def needs_budget_right(self) -> bool:
        """Somebody who sets budgets has decided on it: its limit, its members, or that it has ended."""
        is_decided = self.monthly_limit_cents is not None or self.archived_at is not None or self.members_only
        return is_decided or self.project_members.exists()

    @property
    def is_left(self) -> bool:
        """All of its members have left the team: it is closed to everyone but those who set budgets."""
        return self.members_only and not self.project_members.exists()

    def refuse(self, user: User) -> None:
        """Raise ProjectRefusedError unless the user may order and move into it now."""
        if self.archived_at:
            raise ProjectRefusedError(gettext("The project %s is archived. Restore it, or choose another one.") % self)
        if not Collection.objects.usable_by(user).filter(pk=self.pk).exists():
            raise ProjectRefusedError(gettext("You are not a member of the project %s.") % self)


class ProjectMember(models.Model):
    """Somebody of the team who may order in the project."""

    project = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="project_members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="project_memberships")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "user"], name="project_member_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.project_id}"


class ProjectMove(models.Model):
    """A generation was moved from a project to another, or out of one. It was billed to the one of its order."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="project_moves")
    origin = models.ForeignKey(Collection, on_delete=models.SET_NULL, null=True, blank=True, related_name="moves_out")
    target = models.ForeignKey(Collection, on_delete=models.SET_NULL, null=True, blank=True, related_name="moves_in")
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(_("at"), db_default=models.functions.Now())

    class Meta:
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.generation_id}: {self.origin_id} → {self.target_id}"


class Tag(models.Model):
    """A word that a team puts on its generations; as many on each as they like."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tags", verbose_name=_("team"))
    name = NameField(_("name"), max_length=NAME_LENGTH)
    generations = models.ManyToManyField(Generation, related_name="tags", verbose_name=_("generations"))

    objects: ClassVar[TagManager] = TagManager()

    class Meta:
        ordering: ClassVar = [Lower("name")]
        constraints: ClassVar = [models.UniqueConstraint("team", Lower("name"), name="tag_name_once_a_team")]

    def __str__(self) -> str:
        return self.name


class Favourite(models.Model):
    """A person's own mark on a generation; nobody else sees it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="favourites")
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="favourites")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects: ClassVar[FavouriteManager] = FavouriteManager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "generation"], name="favourite_once")]

    def __str__(self) -> str:
        return f"{self.user} ♥ {self.generation_id}"
