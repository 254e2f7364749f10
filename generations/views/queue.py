"""The studio's own queue: a team's page of what waits and what runs, its pause, and each waiting video's place."""

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
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Team, User
from accounts.roles import Action
from accounts.views.asking import Asked, asked
from generations import tasks
from generations.models import AT_FAL, Generation, Status, TeamPause
from generations.pipeline import places
from generations.views.people import PersonRequest, for_people

_ASKED_AT_ONCE = 100


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_people
def team_queue(request: PersonRequest, slug: str) -> HttpResponse:
    """Who waits and what runs; a POST pauses the team's queue or resumes it."""
    here = asked(request, slug)
    if request.method == "POST":
        here.demand(Action.PAUSE)
        _VERBS.get(request.POST.get("verb", ""), _no_verb)(here, request.POST.get("note", "").strip()[:200])
        return redirect("team-queue", slug)
    rows = Generation.objects.filter(team=here.team)
    context = {
        "team": here.team,
        "pause": pause_of(here.team),
        "may_pause": here.may(Action.PAUSE),
        "people": _people(rows.filter(status__in=[Status.QUEUED, Status.SUBMITTING, *AT_FAL])),
    }
    return render(request, "teams/queue.html", context)


@require_safe
@never_cache
@for_people
def places_of(request: PersonRequest) -> HttpResponse:
    """`?ids=a,b` → `{"a": "3 requests ahead here", …}` for those that wait in our queue and are the person's to see."""
    try:
        ids = [uuid.UUID(one) for one in request.GET.get("ids", "").split(",")[:_ASKED_AT_ONCE]]
    except ValueError:
        raise BadRequest("No such id.") from None
    rows = Generation.objects.visible_to(request.user).filter(pk__in=ids, status=Status.QUEUED)
    return JsonResponse({str(pk): words for pk, words in words_of_places(list(rows)).items()})


def words_of_places(rows: list[Generation]) -> dict[uuid.UUID, str]:
    """What is said of the place of each that waits here."""
    paused = set(TeamPause.objects.now().filter(team__in={row.team_id for row in rows}).values_list("team", flat=True))
    words = {row.pk: _("The team’s queue is paused") for row in rows if row.team_id in paused}
    return words | {pk: _ahead(place) for pk, place in places(rows).items()}


def pause_of(team: Team) -> TeamPause | None:
    found: TeamPause | None = TeamPause.objects.now().filter(team=team).select_related("began_by").first()
    return found


def _ahead(place: int) -> str:
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


def _pause(here: Asked, note: str) -> None:
    try:
        with transaction.atomic():
            TeamPause.objects.create(team=here.team, began_by=here.user, note=note)
    except IntegrityError:  # it rests already, and says why
        return


def _resume(here: Asked, _note: str) -> None:
    TeamPause.objects.now().filter(team=here.team).update(ended_at=timezone.now(), ended_by=here.user)
    tasks.wake()


def _no_verb(_here: Asked, _note: str) -> None:
    raise BadRequest("No such verb.")


_VERBS = {"pause": _pause, "resume": _resume}
