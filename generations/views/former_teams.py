"""What a person kept private in teams that they have left: the page on which they decide on it, while there is time."""

import uuid

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Team
from generations.models import TERMINAL, Generation
from generations.models.generation import GenerationQuerySet
from generations.pipeline import private_work
from generations.views.ending import say_binned
from generations.views.people import PersonRequest, for_people


@require_safe
@never_cache
@for_people
def former_teams(request: PersonRequest) -> HttpResponse:
    return render(request, "former_teams.html", {"left": private_work.left_teams(request.user)})


@require_POST
@never_cache
@for_people
def decide(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """`verb` is `show` or `delete`: all of one team, which sees them from now on, or into one's own bin."""
    team = get_object_or_404(Team.objects.left_by(request.user), pk=pk)
    rows = Generation.objects.visible_to(request.user).filter(team=team)
    match request.POST.get("verb"):
        case "show":
            rows.update(is_private=False, changed_at=timezone.now())
            messages.success(request, _("%s sees them now, and you do not any more.") % team)
        case "delete":
            _bin(request, rows)
        case _:
            raise BadRequest("No such verb.")
    return redirect("former-teams")


def _bin(request: PersonRequest, rows: GenerationQuerySet) -> None:
    """What is still being made stays."""
    now = timezone.now()
    if count := sum(row.bin(request.user, now) for row in rows.filter(status__in=sorted(TERMINAL))):
        say_binned(request, now, count)
