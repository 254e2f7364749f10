"""Every address of the studio."""

from django.contrib import admin
from django.urls import include, path

from accounts.views import visiting

handler403 = "accounts.http.forbidden"
urlpatterns = [
    path("", include("generations.urls")),
    path("accounts/", include("accounts.urls")),
    path("teams/", include("accounts.team_urls")),
    path("accounts/", include("allauth.urls")),
    path("visit/stop", visiting.stop, name="visit-stop"),
    path("admin/", admin.site.urls),
]

handler400 = "generations.views.errors.bad_request"
