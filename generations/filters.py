"""Filters, search and order of the gallery, from the query string. Invalid values are ignored."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property, reduce
from operator import and_, or_
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django import forms
from django.contrib.postgres.search import SearchQuery
from django.db.models import BooleanField, CharField, F, QuerySet, Value
from django.db.models.lookups import Exact, IsNull
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from accounts.rights import Rights, UserQuery, rights_of
from accounts.roles import Action
from generations.fal.arguments import AspectRatio, Endpoint
from generations.models import OPEN, Collection, Generation, ReviewStatus, Status, Tag
from generations.models.generation_queryset import GenerationQuerySet
from generations.models.review_status import REVIEW_RANK, REVIEW_RANKS
from generations.models.search import IsAnyOf, OwnedBy

_Choices = list[tuple[Any, Any]]

_ALL: Final = ("", _("All"))
_STATES: Final[dict[str, frozenset[Status]]] = {
    "running": OPEN,
    "done": frozenset({Status.DONE}),
    "failed": frozenset({Status.FAILED, Status.REJECTED, Status.CANCELED}),
}
# the columns that each sorts by, all in one direction
_ORDERS: Final[dict[str, tuple[str, ...]]] = {
    "": ("-created_at", "-id"),
    "oldest": ("created_at", "id"),
    "review": ("-review_rank", "-created_at", "-id"),
}


@dataclass(frozen=True, slots=True)
class Named:
    """A tag or a project (`kind`: collection), with what it is called where two teams have one of that name."""

    kind: str
    pk: int
    name: str
    team: Team
    label: str = ""
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that narrows the list, and the query of the address without it."""

    name: str
    label: str
    value: str
    query: str


@dataclass(frozen=True, slots=True)
class Field:
    """A filter as the panel shows it; `options` are value, words, and whether it is the chosen one."""

    name: str
    label: str
    type: str
    value: str
    options: list[tuple[str, str, bool]]


class GalleryFilters(forms.Form):
    """All fields are optional; each by itself narrows the list further."""

    q = forms.CharField(label=_("Search prompts"), required=False, max_length=200)
    team = forms.ChoiceField(label=_("Library"), required=False)
    member = forms.TypedChoiceField(label=_("Member"), required=False, coerce=int)
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[_ALL, ("running", _("Running")), ("done", _("Done")), ("failed", _("Failed or cancelled"))],
    )
    review = forms.ChoiceField(
        label=_("Review"),
        required=False,
        choices=[_ALL, *ReviewStatus.choices, ("none", _("No verdict"))],
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
    collection = forms.TypedChoiceField(label=_("Project"), required=False, coerce=int)
    favourite = forms.BooleanField(label=_("Favourites only"), required=False)
    order = forms.ChoiceField(
        label=_("Order"),
        required=False,
        choices=[
            ("", _("Newest first")),
            ("oldest", _("Oldest first")),
            ("review", _("Changes wanted first, approved last")),
        ],
    )

    def __init__(self, user: User, data: Any) -> None:
        super().__init__(data, auto_id="filters-%s")
        self.user = user
        self._set_choices("team", lambda: [("", _("Yours")), *((team.slug, team.name) for team in self._teams)])
        self._set_choices("member", lambda: [("", _("Everyone")), *self._people])
        self._set_choices("tag", lambda: [_ALL, *self._named_choices("tag")])
        self._set_choices("collection", lambda: [_ALL, *self._named_choices("collection")])
        self.is_valid()  # what is no good is not in cleaned_data, so it narrows nothing

    def _set_choices(self, name: str, choices: Callable[[], _Choices]) -> None:
        """Called only for a form that is shown, or for a value to be judged; each asks the database at most once."""
        self.fields[name].choices = choices  # type: ignore[attr-defined]  # a field of choices

    @cached_property
    def _rights(self) -> Rights:
        return rights_of(self.user)

    def teams_where_may(self, action: Action) -> list[Team]:
        """As `Team.objects.where_may`, of what was read once for the page."""
        return self._rights.teams_where_may(action)

    @cached_property
    def _teams(self) -> list[Team]:
        return self.teams_where_may(Action.VIEW)

    @property
    def shared_teams(self) -> list[Team]:
        """Without the user's personal one."""
        return [team for team in self._teams if team.personal_of_id != self.user.pk]

    @property
    def open_teams(self) -> list[Team]:
        """For the switch in the header."""
        return [team for team in self._teams if not team.closed_at]

    @cached_property
    def _people(self) -> _Choices:
        return _sort_by_name((person.pk, str(person)) for person in _PEOPLE.rows(self.user))

    @cached_property
    def named(self) -> list[Named]:
        """The tags and projects of the user's teams, by name. One query."""
        teams, found = {team.pk: team for team in self._teams}, _NAMED.rows(self.user)
        times = Counter((kind, name.lower()) for kind, _pk, name, *_more in found)
        named = (
            Named(
                kind, pk, name, teams[team], f"{name} · {teams[team]}" if times[kind, name.lower()] > 1 else name, old
            )
            for kind, pk, name, team, old in found
        )
        return sorted(named, key=lambda one: one.label.lower())

    def _named_choices(self, kind: str) -> _Choices:
        return [(one.pk, one.label) for one in self.named if one.kind == kind]

    def clean_team(self) -> Team | None:
        return next((team for team in self._teams if team.slug == self.cleaned_data["team"]), None)

    @property
    def active(self) -> dict[str, Any]:
        """The filters that narrow something, by name; the order is none of them."""
        return {name: value for name, value in self.cleaned_data.items() if value and name != "order"}

    @cached_property
    def chips(self) -> list[Chip]:
        """The active filters in words, each with the address that is left without it."""
        return [
            Chip(name, self._label(name), self._in_words(name, value), self._query_without(name))
            for name, value in self.active.items()
        ]

    def _label(self, name: str) -> str:
        return gettext("Search") if name == "q" else str(self.fields[name].label)

    def _in_words(self, name: str, value: Any) -> str:
        if isinstance(value, date):
            return date_format(value)
        if isinstance(field := self.fields[name], forms.ChoiceField):
            return _words_of(field, value.slug if isinstance(value, Team) else value)
        return "" if value is True else str(value)

    def _query_without(self, name: str) -> str:
        return urlencode({key: value for key, value in self._kept.items() if key != name})

    @property
    def active_in_panel(self) -> int:
        """How many of the panel's filters narrow something, which its button says as long as it is closed."""
        return len(self.active.keys() - {"q"})

    @property
    def panel(self) -> list[Field]:
        """All but the words that are searched for. Drawn without Django's widgets: each of those is a template."""
        return [self._field(name, field) for name, field in self.fields.items() if name != "q"]

    def _field(self, name: str, field: forms.Field) -> Field:
        value = self._kept.get(name, "")
        kind = {forms.BooleanField: "checkbox", forms.DateField: "date"}.get(type(field), "select")
        options = [(str(key), str(words), str(key) == value) for key, words in getattr(field, "choices", ())]
        return Field(name, str(field.label), kind, value, options)

    @property
    def title(self) -> str:
        """What the list is of: the narrowest place that is asked for."""
        words = {chip.name: chip.value for chip in self.chips}
        place = words.get("collection") or words.get("tag") or (_("Favourites") if "favourite" in words else "")
        return str(place or (_("Videos of %s") % words["team"] if "team" in words else ""))

    @property
    def order_columns(self) -> tuple[str, ...]:
        """As `order_by` takes them, all in one direction."""
        return _ORDERS[self.cleaned_data.get("order", "")]

    @property
    def is_newest_first(self) -> bool:
        return not self.cleaned_data.get("order")

    @property
    def is_oldest_first(self) -> bool:
        return self.cleaned_data.get("order") == "oldest"

    @property
    def is_by_review(self) -> bool:
        return self.cleaned_data.get("order") == "review"

    @property
    def pager_words(self) -> tuple[Any, Any]:
        """For the links to the page before and to the one behind."""
        if self.is_by_review:
            return _("Previous"), _("Next")
        return (_("Older"), _("Newer")) if self.is_oldest_first else (_("Newer"), _("Older"))

    @cached_property
    def _kept(self) -> dict[str, str]:
        """What was asked for and makes sense, by name, as the address has it."""
        return {name: self.data[name] for name in self.cleaned_data if self.data.get(name)}

    @cached_property
    def query(self) -> str:
        """For links that keep the filters, with an & at its end; empty without filters."""
        return f"{urlencode(self._kept)}&" if self._kept else ""

    @property
    def query_suffix(self) -> str:
        """The end of an address that keeps the filters: `?…`, or nothing."""
        return f"?{self.query[:-1]}" if self.query else ""

    @property
    def library(self) -> dict[str, Any]:
        """Whose rows these are, as columns: of a team, of a member, of both, of the user; of all for the favourites."""
        team, member = self.active.get("team"), self.active.get("member")
        named = {"team_id": team and team.pk, "user_id": member}
        narrowed = {column: key for column, key in named.items() if key}
        return narrowed or ({} if self.active.get("favourite") else {"user_id": self.user.pk})

    def _owned_by(self) -> Any:
        """The same as a part of a search, which it bounds."""
        if self.library:
            return reduce(and_, (OwnedBy(column.removesuffix("_id"), key) for column, key in self.library.items()))
        anybody: list[SearchQuery] = [OwnedBy("team", team.pk) for team in self._teams]
        return reduce(or_, anybody, OwnedBy("user", self.user.pk))

    @property
    def is_words_alone(self) -> bool:
        """Whether a search is narrowed by nothing but whose rows these are."""
        return "q" in self.active and bool(self.library) and self.active.keys() <= {"q", "team", "member"}

    def with_words(self) -> GenerationQuerySet:
        """What the words alone find; some of it may be hidden from the person."""
        return Generation.objects.order_by().with_words(self.active["q"], self._owned_by())

    def visible_rows(self) -> GenerationQuerySet:
        """What the person may see in the library that is asked for; no other filter narrows it."""
        return Generation.objects.visible_to(self.user, self.active.get("team")).filter(**self.library)

    def rows(self) -> GenerationQuerySet:
        """What the person may see of what is asked for, in the order asked for."""
        rows = self.visible_rows()
        if words := self.active.get("q"):
            rows = rows.search(words, self._owned_by())
        for name in self.active.keys() & _FILTERS.keys():
            rows = _FILTERS[name](rows, self.active[name], self.user)
        if self.is_by_review:
            rows = rows.alias(review_rank=REVIEW_RANK)
        return rows if self.is_newest_first else rows.order_by(*self.order_columns)


def _people(user: User) -> QuerySet[User]:
    return User.objects.filter(IsAnyOf("memberships__team", rights_of(user).view_ids)).distinct()


def _named(user: User) -> QuerySet[Any, Any]:
    tags, projects = (
        rows.filter(IsAnyOf("team", rights_of(user).view_ids))
        .annotate(kind=Value(kind, CharField()), is_archived=archived)
        .values_list("kind", "pk", "name", "team", "is_archived")
        for kind, rows, archived in (
            ("tag", Tag.objects.order_by(), Value(False, BooleanField())),
            ("collection", Collection.objects.order_by(), IsNull(F("archived_at"), False)),
        )
    )
    return tags.union(projects, all=True)


_PEOPLE: Final = UserQuery(_people)
_NAMED: Final = UserQuery(_named)


def query_of(address: str) -> QueryDict:
    """The filters that an address has; none when it is no address."""
    try:
        return QueryDict(urlsplit(address).query)
    except ValueError:  # half an address
        return QueryDict()


def _sort_by_name(choices: Iterable[tuple[Any, str]]) -> _Choices:
    return sorted(choices, key=lambda one: one[1].lower())


def _words_of(field: forms.ChoiceField, value: Any) -> str:
    choices: Any = field.choices  # a list, or what makes one
    return str(dict(choices).get(value, value))


def _midnight(day: date) -> datetime:
    """The day's first moment where the person is, also on a day that begins at one o'clock or is left out there."""
    return timezone.make_aware(datetime.combine(day, time.min))


def _until(rows: GenerationQuerySet, day: date) -> GenerationQuerySet:
    """The whole of that day; behind the last of all days there is nothing to leave out."""
    return rows if day == date.max else rows.filter(created_at__lt=_midnight(day + timedelta(days=1)))


_Filter = Callable[[GenerationQuerySet, Any, User], GenerationQuerySet]
_FILTERS: Final[dict[str, _Filter]] = {
    "status": lambda rows, state, _user: rows.filter(status__in=_STATES[state]),
    "review": lambda rows, verdict, _user: rows.filter(Exact(REVIEW_RANK, REVIEW_RANKS[verdict.removeprefix("none")])),
    "kind": lambda rows, kind, _user: rows.filter(endpoint__in=Endpoint.of(kind)),
    "ratio": lambda rows, ratio, _user: rows.filter(aspect_ratio=ratio),
    "duration": lambda rows, seconds, _user: rows.filter(duration=seconds),
    "since": lambda rows, day, _user: rows.filter(created_at__gte=_midnight(day)),
    "until": lambda rows, day, _user: _until(rows, day),
    "tag": lambda rows, tag, _user: rows.filter(tags=tag),
    "collection": lambda rows, collection, _user: rows.filter(collection_id=collection),
    "favourite": lambda rows, _value, user: rows.filter(favourites__user=user),
}
