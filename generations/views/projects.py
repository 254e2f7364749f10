"""Projects of a user's teams: a list, and for each a page with what it has spent, its settings and its members."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import LimitForm
from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Team, User
from accounts.rights import rights_of
from accounts.roles import Action
from generations.access import visible_project
from generations.billing.budget import Budget, budget_of_project, project_budget
from generations.billing.usage import Month
from generations.forms import initial_values
from generations.models import Collection, Generation, ProjectMember, ProjectMove
from generations.models.collections import NAME_LENGTH, clean_name
from generations.views.defaults import DefaultsForm

_MAX_MOVES: Final = 50  # the newest; the CSV of usage has all


class NewProjectForm(forms.Form):
    """A name, and whose it is."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"class": "input", "dir": "auto", "autocomplete": "off"}),
    )
    team = forms.ModelChoiceField(
        Team.objects.none(),
        label=gettext_lazy("Team"),
        to_field_name="slug",
        empty_label=None,
        widget=forms.Select(attrs={"class": "input"}),
    )

    def __init__(self, teams: list[Team], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["team"]
        field.queryset = Team.objects.get_queryset().filter(pk__in=[team.pk for team in teams])
        field.choices = [(team.slug, team.name) for team in teams]

    def clean_name(self) -> str:
        return _visible_name(self.cleaned_data["name"])


class DetailsForm(forms.Form):
    """What it is called, and who it is billed to."""

    name = NewProjectForm.base_fields["name"]
    client = forms.CharField(
        label=gettext_lazy("Client (optional)"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"class": "input", "dir": "auto", "autocomplete": "off"}),
    )
    cost_centre = forms.CharField(
        label=gettext_lazy("Cost centre (optional)"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"class": "input", "dir": "auto", "autocomplete": "off"}),
    )

    def clean_name(self) -> str:
        return _visible_name(self.cleaned_data["name"])


class AccessForm(LimitForm):
    """What may be spent in it, and by whom."""

    members = forms.ModelMultipleChoiceField(
        User.objects.none(),
        label=gettext_lazy("Members"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Who may generate in this project, besides owners and admins. With nobody chosen, everyone in the team may."
        ),
    )
    everyone = forms.BooleanField(
        label=gettext_lazy("Open it to everyone in the team"),
        required=False,
        help_text=gettext_lazy("Its members have left the team. Without this, or a new member, it stays closed."),
    )

    def __init__(
        self,
        project: Collection,
        data: Any = None,
        initial: dict[str, Any] | None = None,
        people: Iterable[User] | None = None,
    ) -> None:
        """`people` are those of the team, where they have been read already."""
        super().__init__(data, auto_id="access-%s", initial=initial)
        if project.is_left:
            self.fields["members"].help_text = _("Who may generate in this project, besides owners and admins.")
        else:
            del self.fields["everyone"]
        field: Any = self.fields["members"]
        field.queryset = User.objects.filter(memberships__team=project.team_id).order_by("name", "email")
        if people is not None:
            field.choices = [(person.pk, str(person)) for person in people]


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project of the list, with what was spent in it this month."""

    project: Collection
    cents: int

    @property
    def budget(self) -> Budget | None:
        return project_budget(self.project, self.cents)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def projects(request: AuthenticatedHttpRequest) -> HttpResponse:
    """All of the user's teams. A POST makes one, or leads to the one of that name."""
    teams = rights_of(request.user).teams_where_may(Action.GENERATE)
    form = NewProjectForm(teams, request.POST if request.method == "POST" else None)
    if form.is_valid():
        made = Collection.objects.get_or_create_named(form.cleaned_data["team"].pk, form.cleaned_data["name"])
        return redirect("project", made.pk)
    rows = _listed(request.user)
    context = {
        "form": form,
        "teams": teams,
        "current": [row for row in rows if not row.project.archived_at],
        "archived": [row for row in rows if row.project.archived_at],
    }
    return render(request, "generations/projects.html", context, status=422 if form.is_bound else 200)


@require_safe
@login_required
def project(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    return _page(request, visible_project(request, pk))


@require_POST
@login_required
def change(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """`verb` is `details`, `defaults`, `reset`, `access`, `archive` or `restore`."""
    found = visible_project(request, pk)
    rights, verb = rights_of(request.user), _VERBS.get(request.POST.get("verb", ""))
    if not rights.may(verb[0] if verb else Action.GENERATE, found.team_id):
        raise PermissionDenied
    if verb is None:
        raise BadRequest("No such verb.")
    _action, act = verb
    if wrong := act(request, found):
        return _page(request, found, **wrong)
    messages.success(request, _("Saved."))
    return redirect("project", pk)


def _details(request: AuthenticatedHttpRequest, found: Collection) -> dict[str, Any] | None:
    form = DetailsForm(request.POST, auto_id="details-%s")
    if form.is_valid() and not Collection.objects.rename(found.pk, form.cleaned_data["name"]):
        form.add_error("name", _("There is one of that name already."))
    if not form.is_valid():
        return {"details_form": form}
    columns = {name: form.cleaned_data[name] for name in ("client", "cost_centre")}
    Collection.objects.filter(pk=found.pk).update(**columns)
    return None


def _defaults(request: AuthenticatedHttpRequest, found: Collection) -> dict[str, Any] | None:
    form = DefaultsForm(request.POST)
    if not form.is_valid():
        return {"defaults_form": form}
    Collection.objects.filter(pk=found.pk).update(defaults=form.cleaned_data)
    return None


def _reset(_request: AuthenticatedHttpRequest, found: Collection) -> None:
    Collection.objects.filter(pk=found.pk).update(defaults={})


@transaction.atomic
def _access(request: AuthenticatedHttpRequest, found: Collection) -> dict[str, Any] | None:
    """Under locks of the team, so that no member leaves meanwhile, and of the project: orders that were let in before
    are through.
    """
    Team.objects.get_queryset().select_for_update(no_key=True, of=("self",)).get(pk=found.team_id)
    locked = Collection.objects.select_for_update(no_key=True, of=("self",)).get(pk=found.pk)
    form = AccessForm(locked, request.POST)
    if not form.is_valid():
        return {"access_form": form}
    members = form.cleaned_data["members"]
    is_closed = bool(members) or (locked.is_left and not form.cleaned_data["everyone"])
    Collection.objects.filter(pk=found.pk).update(monthly_limit_cents=form.cents, members_only=is_closed)
    found.members.set(members)
    return None


def _archive(_request: AuthenticatedHttpRequest, found: Collection) -> None:
    Collection.objects.filter(pk=found.pk, archived_at=None).update(archived_at=timezone.now())


def _restore(_request: AuthenticatedHttpRequest, found: Collection) -> None:
    Collection.objects.filter(pk=found.pk).update(archived_at=None)


_Act = Callable[[AuthenticatedHttpRequest, Collection], dict[str, Any] | None]
_VERBS: Final[dict[str, tuple[Action, _Act]]] = {
    "details": (Action.GENERATE, _details),
    "defaults": (Action.GENERATE, _defaults),
    "reset": (Action.GENERATE, _reset),
    "access": (Action.BUDGET, _access),
    "archive": (Action.BUDGET, _archive),
    "restore": (Action.BUDGET, _restore),
}


def _page(request: AuthenticatedHttpRequest, found: Collection, **forms_: Any) -> HttpResponse:
    """With what was typed wrong in its place."""
    rights = rights_of(request.user)
    may = {action.value: rights.may(action, found.team_id) for action in (Action.GENERATE, Action.BUDGET, Action.USAGE)}
    people = _people(found)
    spent = _spent(found, None if may["usage"] else request.user)
    may_order = _may_order(request.user, found, people, may)
    context = {
        "project": found,
        "team": found.team,
        "may": may,
        "may_order": may_order,
        "spent": spent,
        "sees_left": may["usage"] or may_order,
        "budget": _budget(found, spent, may) if may["usage"] or may_order else None,
        "members": [person for person in people if person.is_chosen],
        "month": Month.now(),
        "moves": _moves(found) if may["usage"] else [],
        "details_form": DetailsForm(
            auto_id="details-%s", initial={name: getattr(found, name) for name in DetailsForm.base_fields}
        ),
        "defaults_form": DefaultsForm(initial=initial_values(request.user, [found.team]) | found.defaults),
        "access_form": AccessForm(found, initial=_access_values(found, people), people=people),
        "people": people,
    }
    return render(request, "generations/project.html", context | forms_, status=422 if forms_ else 200)


def _budget(found: Collection, spent: dict[str, int], may: dict[str, bool]) -> Budget | None:
    """Who may order in it knows what is left, as the composer says it."""
    return project_budget(found, spent["month"]) if may["usage"] else budget_of_project(found)


def _people(found: Collection) -> list[Any]:
    """The team's, and whether each is a member of the project."""
    chosen = ProjectMember.objects.filter(project=found, user=OuterRef("pk"))
    rows = User.objects.filter(memberships__team=found.team_id).order_by("name", "email")
    return list(rows.annotate(is_chosen=Exists(chosen)))


def _may_order(user: User, found: Collection, people: list[Any], may: dict[str, bool]) -> bool:
    chosen = {person.pk for person in people if person.is_chosen}
    is_open = not (found.members_only or chosen)
    return may["generate"] and not found.archived_at and (is_open or user.pk in chosen or may["budget"])


def _access_values(found: Collection, people: list[Any]) -> dict[str, Any]:
    limit = found.monthly_limit_cents
    return {
        "limit": "" if limit is None else f"{limit / 100:.2f}",
        "members": [person.pk for person in people if person.is_chosen],
    }


def _spent(found: Collection, user: User | None) -> dict[str, int]:
    """This month and in all; of one member alone for who may not see everybody's."""
    rows = Generation.objects.filter(billed_project=found).order_by()
    if user:
        rows = rows.filter(user=user)
    month = Q(created_at__gte=Month.now().begin)
    return rows.aggregate(month=Sum("cost_cents", filter=month, default=0), total=Sum("cost_cents", default=0))


def _moves(found: Collection) -> QuerySet[ProjectMove]:
    rows = ProjectMove.objects.filter(Q(origin=found) | Q(target=found))
    return rows.select_related("origin", "target", "by", "generation").order_by("-at", "-id")[:_MAX_MOVES]


def _listed(user: User) -> list[ProjectRow]:
    """By team and name. What was spent is everybody's for who may see that, and else one's own."""
    rights = rights_of(user)
    teams = {team.pk: team for team in rights.teams_where_may(Action.VIEW)}
    found = list(Collection.objects.filter(team__in=teams).order_by("team__name", "name"))
    sees_all = [team.pk for team in rights.teams_where_may(Action.USAGE)]
    rows = Generation.objects.filter(billed_project__in=found, created_at__gte=Month.now().begin).order_by()
    sums = rows.filter(Q(team__in=sees_all) | Q(user=user)).values_list("billed_project").annotate(Sum("cost_cents"))
    cents = dict(sums)
    for each in found:
        each.team = teams[each.team_id]
    return [ProjectRow(each, cents.get(each.pk, 0)) for each in found]


def _visible_name(text: str) -> str:
    name = clean_name(text)
    if not name:
        raise forms.ValidationError(_("Nothing of this name can be seen. Choose another one."))
    return name
