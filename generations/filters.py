"""Filters, search and order of the gallery, from the query string. Invalid values are ignored."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.db.models import CharField, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Team, User
from accounts.roles import Action, roles_that_may
from generations.fal.arguments import AspectRatio, Endpoint
from generations.models import OPEN, Collection, Generation, Status, Tag
from generations.models.generation_queryset import GenerationQuerySet

_Choices = list[tuple[Any, Any]]

_ALL: Final = ("", _("All"))
_STATES: Final[dict[str, frozenset[Status]]] = {
    "running": OPEN,
    "done": frozenset({Status.DONE}),
    "failed": frozenset({Status.FAILED, Status.REJECTED, Status.CANCELED}),
}
_ENDPOINTS: Final = {"text": Endpoint.TEXT_TO_VIDEO, "image": Endpoint.IMAGE_TO_VIDEO}


class GalleryFilters(forms.Form):
    """All fields are optional; each by itself narrows the list further."""

    q = forms.CharField(label=_("Search the prompts"), required=False, max_length=200)
    team = forms.ChoiceField(label=_("Whose"), required=False)
    member = forms.TypedChoiceField(label=_("Member"), required=False, coerce=int)
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[_ALL, ("running", _("Running")), ("done", _("Done")), ("failed", _("Not made"))],
    )
    kind = forms.ChoiceField(
        label=_("Made from"), required=False, choices=[_ALL, ("text", _("Text")), ("image", _("Picture"))]
    )
    ratio = forms.ChoiceField(
        label=_("Aspect ratio"), required=False, choices=[_ALL, *((ratio.value, ratio.value) for ratio in AspectRatio)]
    )
    duration = forms.TypedChoiceField(
        label=_("Duration"), required=False, coerce=int, choices=[_ALL, (5, _("5 seconds")), (10, _("10 seconds"))]
    )
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    tag = forms.TypedChoiceField(label=_("Tag"), required=False, coerce=int)
    collection = forms.TypedChoiceField(label=_("Collection"), required=False, coerce=int)
    favourite = forms.BooleanField(label=_("Favourites only"), required=False)
    order = forms.ChoiceField(
        label=_("Order"), required=False, choices=[("", _("Newest first")), ("oldest", _("Oldest first"))]
    )

    def __init__(self, user: User, data: Any) -> None:
        super().__init__(data, auto_id="filters-%s")
        self.user = user
        self._set_choices("team", lambda: [("", _("Mine")), *((team.slug, team.name) for team in self._teams)])
        self._set_choices("member", lambda: [("", _("Everybody")), *self._people])
        self._set_choices("tag", lambda: [_ALL, *self._named_choices("tag")])
        self._set_choices("collection", lambda: [_ALL, *self._named_choices("collection")])
        self.is_valid()  # what is no good is not in cleaned_data, so it narrows nothing

    def _set_choices(self, name: str, choices: Callable[[], _Choices]) -> None:
        """Called only for a form that is shown, or for a value to be judged; each asks the database at most once."""
        self.fields[name].choices = choices  # type: ignore[attr-defined]  # a field of choices

    @cached_property
    def _memberships(self) -> list[Membership]:
        seen = Team.objects.where_may(self.user, Action.VIEW).order_by().values("pk")
        own = Membership.objects.filter(user=self.user, team__in=seen).select_related("team")
        return sorted(own, key=lambda one: (one.team.personal_of_id != self.user.pk, one.team.name))

    def teams_where_may(self, action: Action) -> list[Team]:
        """As `Team.objects.where_may`, of what was read once for the page."""
        roles = roles_that_may(action)
        return [one.team for one in self._memberships if one.role in roles]

    @cached_property
    def _teams(self) -> list[Team]:
        return self.teams_where_may(Action.VIEW)

    @property
    def open_teams(self) -> list[Team]:
        """For the switch in the header."""
        return [team for team in self._teams if not team.closed_at]

    @cached_property
    def _people(self) -> _Choices:
        people = User.objects.filter(memberships__team__in=self._teams).distinct()
        return _sort_by_name((person.pk, str(person)) for person in people)

    @cached_property
    def _tags_and_collections(self) -> list[tuple[str, int, str]]:
        """Tags and collections in one query: what they are, key, name."""
        tags, collections = (
            rows.filter(team__in=self._teams).annotate(kind=Value(kind, CharField())).values_list("kind", "pk", "name")
            for kind, rows in (("tag", Tag.objects.order_by()), ("collection", Collection.objects.order_by()))
        )
        return list(tags.union(collections, all=True))

    def _named_choices(self, kind: str) -> _Choices:
        return _sort_by_name((pk, name) for what, pk, name in self._tags_and_collections if what == kind)

    def clean_team(self) -> Team | None:
        return next((team for team in self._teams if team.slug == self.cleaned_data["team"]), None)

    @property
    def active(self) -> dict[str, Any]:
        """The filters that narrow something, by name; the order is none of them."""
        return {name: value for name, value in self.cleaned_data.items() if value and name != "order"}

    @property
    def labels(self) -> list[str]:
        return [str(self.fields[name].label) for name in self.active]

    @property
    def is_oldest_first(self) -> bool:
        return self.cleaned_data.get("order") == "oldest"

    @cached_property
    def query(self) -> str:
        """For links that keep the filters, with an & at its end; empty without filters."""
        kept = {name: self.data[name] for name in self.cleaned_data if self.data.get(name)}
        return f"{urlencode(kept)}&" if kept else ""

    @property
    def query_suffix(self) -> str:
        """The end of an address that keeps the filters: `?…`, or nothing."""
        return f"?{self.query[:-1]}" if self.query else ""

    @property
    def _owners(self) -> dict[str, Any]:
        """The owners whose rows are asked for, by key: a team, a member, both, or the user."""
        team, member = self.active.get("team"), self.active.get("member")
        named = {"team": team and team.pk, "user": member}
        return {name: key for name, key in named.items() if key} or {"user": self.user.pk}

    def rows(self) -> GenerationQuerySet:
        """What the person may see of what is asked for, in the order asked for."""
        rows = Generation.objects.visible_to(self.user)
        if not self.active.keys() & {"team", "member"}:
            rows = rows.filter(user=self.user)
        for name, value in self.active.items():
            rows = rows.search(value, **self._owners) if name == "q" else _FILTERS[name](rows, value, self.user)
        return rows.order_by("created_at", "id") if self.is_oldest_first else rows


def _sort_by_name(choices: Iterable[tuple[Any, str]]) -> _Choices:
    return sorted(choices, key=lambda one: one[1].lower())


def _midnight(day: date) -> datetime:
    """The day's first moment where the person is, also on a day that begins at one o'clock or is left out there."""
    return timezone.make_aware(datetime.combine(day, time.min))


def _until(rows: GenerationQuerySet, day: date) -> GenerationQuerySet:
    """The whole of that day; behind the last of all days there is nothing to leave out."""
    return rows if day == date.max else rows.filter(created_at__lt=_midnight(day + timedelta(days=1)))


_Filter = Callable[[GenerationQuerySet, Any, User], GenerationQuerySet]
_FILTERS: Final[dict[str, _Filter]] = {
    "team": lambda rows, team, _user: rows.filter(team=team),
    "member": lambda rows, member, _user: rows.filter(user_id=member),
    "status": lambda rows, state, _user: rows.filter(status__in=_STATES[state]),
    "kind": lambda rows, kind, _user: rows.filter(endpoint=_ENDPOINTS[kind]),
    "ratio": lambda rows, ratio, _user: rows.filter(aspect_ratio=ratio),
    "duration": lambda rows, seconds, _user: rows.filter(duration=seconds),
    "since": lambda rows, day, _user: rows.filter(created_at__gte=_midnight(day)),
    "until": lambda rows, day, _user: _until(rows, day),
    "tag": lambda rows, tag, _user: rows.filter(tags=tag),
    "collection": lambda rows, collection, _user: rows.filter(collection_id=collection),
    "favourite": lambda rows, _value, user: rows.filter(favourites__user=user),
}
