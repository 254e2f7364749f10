"""Every address of the studio."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("generations.urls")),
    path("accounts/", include("accounts.urls")),
    path("teams/", include("accounts.team_urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
