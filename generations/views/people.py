"""Who is asking: requests of signed-in people, and the one way to fetch a generation for them."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from accounts.models import User
from generations.models import Generation

P = ParamSpec("P")


class PersonRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User


def for_people(
    view: Callable[Concatenate[PersonRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """The view is for signed-in people; others are sent to sign in first."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        assert isinstance(request.user, User)
        return view(request, *args, **kwargs)  # type: ignore[arg-type]  # asserted above

    return cast("Callable[Concatenate[HttpRequest, P], HttpResponseBase]", login_required(wrapper))


def visible_generation(request: PersonRequest, pk: uuid.UUID) -> Generation:
    """The generation, or 404 for whoever may not know that it exists."""
    rows = Generation.objects.visible_to(request.user).select_related("user", "team", "video")
    return get_object_or_404(rows, pk=pk)
