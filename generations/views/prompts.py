"""Earlier prompts of the composer: the user's own, each once, the newest first, narrowed by a search."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from generations.models import Generation
from generations.models.search import OwnedBy

MAX_PROMPTS: Final = 20  # in the list
_LOOK_BACK: Final = 1000  # rows that are searched for a part of a word
_MAX_QUERY: Final = 200  # characters


@require_safe
@login_required
def earlier_prompts(request: AuthenticatedHttpRequest) -> HttpResponse:
    """`?q=<text>` searches; `?part=list` gives the list alone, for the composer."""
    query = " ".join(request.GET.get("q", "").replace("\0", "").split())[:_MAX_QUERY]
    name = "generations/_prompts.html" if request.GET.get("part") == "list" else "generations/prompts.html"
    return render(request, name, {"prompts": _find(request, query), "query": query})


def _find(request: AuthenticatedHttpRequest, query: str) -> list[Generation]:
    """From among so many rows that it stays fast; whole words are found in all of them."""
    own = Generation.objects.visible_to(request.user).filter(user=request.user).only("pk", "prompt")
    if not query:
        return _first_of_each(list(own[: MAX_PROMPTS * 10]))
    newest = Generation.objects.filter(user=request.user).values("pk")[:_LOOK_BACK]
    parts = own.filter(pk__in=newest, prompt__icontains=query)[: MAX_PROMPTS * 10]
    has_words = any(map(str.isalnum, query))  # all of them are found by none
    words = own.search(query, OwnedBy("user", request.user.pk))[: MAX_PROMPTS * 10] if has_words else []
    return _first_of_each([*parts, *words])


def _first_of_each(rows: list[Generation]) -> list[Generation]:
    found: dict[str, Generation] = {}
    for row in rows:
        found.setdefault(row.prompt, row)
    return list(found.values())[:MAX_PROMPTS]
