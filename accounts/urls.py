from django.urls import path

from accounts.views import settings, visiting

urlpatterns = [
    path("settings/", settings.settings, name="account_settings"),
    path("visits/", visiting.visits, name="account_visits"),
    path("notices/", settings.notices, name="account_notices"),
]
