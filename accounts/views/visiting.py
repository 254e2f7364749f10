"""Who of the staff has acted as oneself; and the end of such a visit."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts import visiting
from accounts.views.asking import person


@require_POST
@never_cache
@login_required
def stop(request: HttpRequest) -> HttpResponse:
    """Back to the admin's page of the person."""
    visit = getattr(request, "visit", None)
    request.session.pop(visiting.VISIT, None)
    request.session.cycle_key()
    if visit is None:
        return redirect("gallery")
    return redirect("admin:accounts_user_change", visit.person_id)


@require_GET
@never_cache
@login_required
def visits(request: HttpRequest) -> HttpResponse:
    own = person(request).staff_visits.select_related("staff").prefetch_related("deeds")
    return render(request, "account/visits.html", {"visits": own[:100]})
