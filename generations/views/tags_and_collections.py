"""The tags and projects of a user's teams: they are renamed and deleted here, used or not. Videos stay."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Team, User
from accounts.rights import rights_of
from accounts.roles import Action
from generations.filters import GalleryFilters, Named
from generations.models import Collection, Tag
from generations.models.collections import NAME_LENGTH
from generations.views.collections import name_from

_MODELS: Final[dict[str, type[Tag] | type[Collection]]] = {"tag": Tag, "collection": Collection}


@dataclass(frozen=True, slots=True)
class NameRow:
    named: Named
    key: str
    address: str
    is_wrong: bool  # what was typed for it can't be


@dataclass(frozen=True, slots=True)
class NameSection:
    title: str
    rows: list[NameRow]


@require_safe
@login_required
def tags_and_collections(request: AuthenticatedHttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@login_required
def change(request: AuthenticatedHttpRequest, kind: str, pk: int) -> HttpResponse:
    """`verb` is `rename`, to `name`, or `delete`."""
    teams = Team.objects.where_may(request.user, Action.VIEW).values("pk")
    model = _MODELS[kind]
    row: Any = get_object_or_404(model, pk=pk, team__in=teams)
    if not rights_of(request.user).may(Action.GENERATE, row.team_id):
        raise PermissionDenied
    match request.POST.get("verb"):
        case "rename":
            name = name_from(request, "name")
            if not name or not model.objects.rename(pk, name):
                error = _("There is one of that name already.") if name else _("Write a name.")
                return _page(request, {"kind": kind, "pk": pk, "name": name, "errors": [error]})
            messages.success(request, _("Renamed."))
        case "delete":
            _delete(request, row)
        case _:
            raise BadRequest("No such verb.")
    return redirect("tags-and-collections")


def _delete(request: AuthenticatedHttpRequest, row: Tag | Collection) -> None:
    refusal = "" if isinstance(row, Tag) else _delete_project(request.user, row)
    if refusal:
        messages.error(request, refusal)
        return
    if isinstance(row, Tag):
        row.delete()
    messages.success(request, _("Deleted. Its videos stay."))


@transaction.atomic
def _delete_project(user: User, project: Collection) -> str:
    """Why it stays; empty when it is gone. Under a lock, so that nobody sets a limit meanwhile."""
    locked = Collection.objects.select_for_update(of=("self",)).filter(pk=project.pk).first()
    if locked and locked.needs_budget_right and not rights_of(user).may(Action.BUDGET, locked.team_id):
        return _("%s has a limit, members, or is archived: only who may set limits can delete it.") % locked
    return Collection.objects.delete_unused(project)


def _page(request: AuthenticatedHttpRequest, wrong: dict[str, Any] | None = None) -> HttpResponse:
    context = {"sections": list(_sections(request.user, wrong)), "wrong": wrong, "name_length": NAME_LENGTH}
    return render(request, "generations/tags_and_collections.html", context, status=422 if wrong else 200)


def _sections(user: User, wrong: dict[str, Any] | None) -> Iterator[NameSection]:
    """Of the teams where the user may change them."""
    known = GalleryFilters(user, {}).named
    for team in rights_of(user).teams_where_may(Action.GENERATE):
        for kind, title in (("collection", _("Projects")), ("tag", _("Tags"))):
            rows = [_row(one, wrong) for one in known if (one.kind, one.team) == (kind, team)]
            if rows:
                yield NameSection(f"{title} · {team}", rows)


def _row(named: Named, wrong: dict[str, Any] | None) -> NameRow:
    address = reverse(f"{named.kind}-change", args=[named.pk])
    is_wrong = wrong is not None and (wrong["kind"], wrong["pk"]) == (named.kind, named.pk)
    return NameRow(named, str(named.pk), address, is_wrong)
