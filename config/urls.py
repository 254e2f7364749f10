"""The root URL configuration."""

from django.contrib import admin
from django.urls import include, path

from accounts.views import impersonation

handler403 = "accounts.views.errors.forbidden"
urlpatterns = [
    path("", include("generations.urls")),
    path("accounts/", include("accounts.urls")),
    path("teams/", include("accounts.team_urls")),
    path("accounts/", include("allauth.urls")),
    path("impersonation/stop", impersonation.stop, name="impersonation-stop"),
    path("admin/", admin.site.urls),
]

handler400 = "generations.views.errors.bad_request"
