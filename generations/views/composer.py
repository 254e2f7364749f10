"""The page on which people ask for a video."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import Team
from accounts.roles import Action
from generations import tasks
from generations.forms import KINDS, GenerationForm
from generations.models import Price
from generations.pipeline import place_order
from generations.views.people import PersonRequest, for_people


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def new_generation(request: PersonRequest) -> HttpResponse:
    if not Team.objects.where_may(request.user, Action.GENERATE).exists():
        raise PermissionDenied
    if request.method != "POST":
        kind = request.GET.get("kind", "text")
        return _page(request, GenerationForm(request.user, initial={"kind": kind if kind in KINDS else "text"}))
    form = GenerationForm(request.user, request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=422)
    generation = place_order(form.order)
    tasks.wake()
    return redirect(generation)


def _page(request: PersonRequest, form: GenerationForm, status: int = 200) -> HttpResponse:
    table = Price.objects.table()
    prices = {kind: table.get(endpoint, {}) for kind, endpoint in KINDS.items()}
    return render(request, "generations/new.html", {"form": form, "prices": prices}, status=status)
