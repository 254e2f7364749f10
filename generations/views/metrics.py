"""/metrics, for Prometheus."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from config.monitoring import metrics_response
from generations.metrics import render


@require_safe
def scrape(request: HttpRequest) -> HttpResponse:
    """For this machine, or with METRICS_TOKEN."""
    return metrics_response(request, render)
