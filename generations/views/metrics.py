"""/metrics, for Prometheus."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from config.metrics import CONTENT_TYPE
from config.monitoring import has_token, may_monitor
from generations.metrics import render


@require_safe
def scrape(request: HttpRequest) -> HttpResponse:
    """For this machine, or with METRICS_TOKEN. A wrong token is told so; whoever brings none finds nothing here."""
    if may_monitor(request):
        return HttpResponse(render(), content_type=CONTENT_TYPE)
    if has_token(request):
        return HttpResponse(
            "This is not the METRICS_TOKEN of the studio.\n",
            status=401,
            content_type="text/plain",
            headers={"WWW-Authenticate": 'Bearer realm="metrics"'},
        )
    raise Http404
