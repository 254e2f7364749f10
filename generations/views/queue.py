"""A team's queue: what waits, what runs, its pause, and each waiting video's position."""

import uuid
from collections import Counter
from typing import Any

from django.core.exceptions import BadRequest
from django.db import IntegrityError, transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import TeamAccess, team_access
from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import User
from accounts.roles import Action
from generations import tasks
from generations.models import AT_FAL, Generation, Status, TeamPause
from generations.pipeline import queue_positions

_MAX_IDS = 100


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def team_queue(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """What waits and what runs; a POST pauses the team's queue or resumes it."""
    access = team_access(request, slug)
    if request.method == "POST":
        access.require(Action.PAUSE)
        _VERBS.get(request.POST.get("verb", ""), _no_verb)(access, request.POST.get("note", "").strip()[:200])
        return redirect("team-queue", slug)
    rows = Generation.objects.filter(team=access.team)
    context = {
        "team": access.team,
        "pause": TeamPause.objects.of(access.team),
        "may_pause": access.may(Action.PAUSE),
        "people": _people(rows.filter(status__in=[Status.QUEUED, Status.SUBMITTING, *AT_FAL])),
    }
    return render(request, "teams/queue.html", context)


@require_safe
@login_required
def positions(request: AuthenticatedHttpRequest) -> HttpResponse:
    """`?ids=a,b` → `{"a": "3 requests ahead here", …}` for those that wait in our queue and are the person's to see."""
    try:
        ids = [uuid.UUID(one) for one in request.GET.get("ids", "").split(",")[:_MAX_IDS]]
    except ValueError:
        raise BadRequest("No such id.") from None
    rows = Generation.objects.visible_to(request.user).filter(pk__in=ids, status=Status.QUEUED)
    return JsonResponse({str(pk): text for pk, text in position_texts(list(rows)).items()})


@require_safe
@login_required
def submit_pause(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The notice that nothing is sent to fal, for a page that shows it: empty once it is over."""
    return render(request, "_pause.html")


def position_texts(rows: list[Generation]) -> dict[uuid.UUID, str]:
    """What is said of the place of each that waits here."""
    paused = set(
        TeamPause.objects.active().filter(team__in={row.team_id for row in rows}).values_list("team", flat=True)
    )
    texts = {row.pk: _("The team’s queue is paused") for row in rows if row.team_id in paused}
    return texts | {pk: _position_text(place) for pk, place in queue_positions(rows).items()}


def _position_text(place: int) -> str:
    if not place:
        return _("Next to be sent to fal")
    return ngettext("%d request ahead here", "%d requests ahead here", place) % place


def _people(rows: Any) -> list[tuple[User, int, int]]:
    """Each member with how many wait here and how many are at fal, who has most in it first."""
    waiting, running = Counter[int](), Counter[int]()
    for user, status in rows.order_by().values_list("user", "status"):
        (waiting if status == Status.QUEUED else running)[user] += 1
    users = User.objects.in_bulk(waiting.keys() | running.keys())
    table = [(user, waiting[pk], running[pk]) for pk, user in users.items()]
    return sorted(table, key=lambda one: (-one[1] - one[2], str(one[0])))


def _pause(access: TeamAccess, note: str) -> None:
    try:
        with transaction.atomic():
            TeamPause.objects.create(team=access.team, began_by=access.user, note=note)
    except IntegrityError:  # it is paused already, and says why
        return


def _resume(access: TeamAccess, _note: str) -> None:
    TeamPause.objects.active().filter(team=access.team).update(ended_at=timezone.now(), ended_by=access.user)
    tasks.wake()


def _no_verb(_here: TeamAccess, _note: str) -> None:
    raise BadRequest("No such verb.")


_VERBS = {"pause": _pause, "resume": _resume}
