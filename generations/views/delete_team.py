"""The page on which an owner deletes a team, which first says what that does."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.access import TeamAccess, team_access
from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Team, User
from accounts.roles import Action
from generations import tasks
from generations.flows.delete_team import delete_team, plan_team_deletion

_NOBODY: Final = "nobody"


class DeleteTeamForm(forms.Form):
    """Who gets the videos, and the team's name once more: this can't be undone."""

    heir = forms.ChoiceField(label=gettext_lazy("Who gets the videos"))
    name = forms.CharField(label=gettext_lazy("Type the team’s name to confirm"), max_length=100)

    def __init__(self, team: Team, by: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team = team
        self.people = {str(one.pk): one for one in team.members.order_by("email")}
        others = [(pk, str(one)) for pk, one in self.people.items() if one != by]
        choices = [
            (str(by.pk), _("Me")),
            *others,
            (_NOBODY, _("Nobody: delete them")),
        ]
        self.fields["heir"].choices = choices  # type: ignore[attr-defined]  # a field of choices

    def clean_heir(self) -> User | None:
        return self.people.get(self.cleaned_data["heir"])

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if " ".join(name.split()).casefold() != " ".join(self.team.name.split()).casefold():
            raise ValidationError(_("This doesn’t match. The team’s name is “%s”.") % self.team.name)
        return name


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def team_deletion(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    access = team_access(request, slug)
    access.require(Action.OWN)
    if access.team.personal_of_id:  # it goes with that person's account
        raise PermissionDenied
    form = DeleteTeamForm(access.team, access.user, request.POST if request.method == "POST" else None)
    if not form.is_bound:
        return _page(request, access, form, 200)
    if not form.is_valid():
        return _page(request, access, form, 422)
    if not delete_team(access.team, access.user, form.cleaned_data["heir"]):
        return _page(request, access, form, 409)
    tasks.wake_cleaner()
    messages.success(request, _("%s was deleted.") % access.team)
    return redirect("teams")


def _page(request: AuthenticatedHttpRequest, access: TeamAccess, form: DeleteTeamForm, status: int) -> HttpResponse:
    context = {"team": access.team, "form": form, "plan": plan_team_deletion(access.team, access.user)}
    return render(request, "teams/delete.html", context, status=status)
