"""Private videos in teams that the user has left: the page on which they decide what becomes of them."""

import uuid

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Team
from generations.flows import private_work
from generations.models import TERMINAL, Generation
from generations.models.generation_queryset import GenerationQuerySet
from generations.views.cancel_delete import add_trashed_message


@require_safe
@login_required
def former_teams(request: AuthenticatedHttpRequest) -> HttpResponse:
    return render(request, "former_teams.html", {"left": private_work.former_teams(request.user)})


@require_POST
@login_required
def decide(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`verb` is `show` or `delete`: all of one team, which sees them from now on, or into the user's trash."""
    team = get_object_or_404(Team.objects.left_by(request.user), pk=pk)
    rows = Generation.objects.visible_to(request.user).filter(team=team)
    match request.POST.get("verb"):
        case "show":
            rows.update(is_private=False, changed_at=timezone.now())
            messages.success(request, _("%s sees them now, and you do not any more.") % team)
        case "delete":
            _trash(request, rows)
        case _:
            raise BadRequest("No such verb.")
    return redirect("former-teams")


def _trash(request: AuthenticatedHttpRequest, rows: GenerationQuerySet) -> None:
    """What is still being made stays."""
    now = timezone.now()
    if count := sum(row.move_to_trash(request.user, now) for row in rows.filter(status__in=sorted(TERMINAL))):
        add_trashed_message(request, now, count)
